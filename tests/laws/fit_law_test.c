/* Reading a body as it streams says what reading it as a tree says, over contracts and bodies drawn from a fixed seed.
 */
#include <stdio.h>

#include "contracts/conforms.h"
#include "contracts/wire/fit.h"
#include "tests/kit/t.h"

enum { CONTRACTS = 300, BODIES = 120, TYPES = 8, DEEPEST = 5 };

static uint64_t state = UINT64_C(0x5EED5EED5EED);

static unsigned draw(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 33) % below);
}

/* ---- contracts ---- */

static const char *const scalars[] = {"string", "bool",   "bytes",  "int32",   "int64",
                                      "uint32", "double", "number", "integer", "any"};

/* What bounds a type has. */
enum family { NUMBERS, TEXTS, MANY, OTHERS };

/* Types are T0 to T7; unions have branches that their kinds tell apart unless they are to be `vague`. */
static enum family put_type_name(struct buf *b)
{
    static const enum family families[] = {TEXTS,   OTHERS,  TEXTS,   NUMBERS, NUMBERS,
                                           NUMBERS, NUMBERS, NUMBERS, NUMBERS, OTHERS};
    unsigned pick = draw(10);
    if (draw(2))
        buf_putf(b, "\"%s\"", scalars[pick]);
    else
        buf_putf(b, "\"T%u\"", draw(TYPES));
    return slice_ends(buf_slice(b), slice_str("\"")) && b->mem[b->end - 3] == 'T' ? OTHERS : families[pick];
}

static void put_bound(struct buf *b, const char *subject, enum family family)
{
    static const char *const bounds[][2] = {{"min", "2"},        {"max", "7.5"},       {"above", "-3"},
                                            {"below", "100"},    {"multiple_of", "2"}, {"min_length", "2"},
                                            {"max_length", "3"}, {"min_items", "1"},   {"max_items", "2"}};
    unsigned pick = family == NUMBERS ? draw(5) : family == TEXTS ? 5 + draw(2) : 7 + draw(2);
    if (family != OTHERS)
        buf_putf(b, "bound(\"%s\", \"%s\", \"%s\").\n", subject, bounds[pick][0], bounds[pick][1]);
}

static void put_constraint(struct buf *b, const char *subject, enum family family)
{
    static const char *const values[] = {"\\\"A\\\"", "3", "true", "\\\"bb\\\"", "2.50", "false"};
    unsigned kind = draw(12), pick = draw(6);
    if (kind < 4)
        put_bound(b, subject, family);
    else if (kind == 4)
        buf_putf(b, "nullable(\"%s\").\n", subject);
    else if (kind == 5 && family == TEXTS)
        buf_putf(b, "pattern(\"%s\", \"^[A-Zab]*$\").\n", subject);
    else if (kind == 6)
        for (unsigned i = 0; i < 3; i++)
            buf_putf(b, "value(\"%s\", \"%s\").\n", subject, values[(pick + i) % 6]);
}

static void put_record(struct buf *b, unsigned t)
{
    buf_putf(b, "record(\"T%u\").\n%s", t, draw(3) ? "" : "closed(\"T");
    if (slice_ends(buf_slice(b), SLICE("(\"T")))
        buf_putf(b, "%u\").\n", t);
    for (char m = 'a'; m < 'e'; m++) {
        char subject[16];
        buf_putf(b, "field(\"T%u\", \"%c\", ", t, m);
        enum family family = put_type_name(b);
        buf_putf(b, ", \"%s\").\n", draw(3) ? "optional" : "required");
        snprintf(subject, sizeof(subject), "T%u.%c", t, m);
        put_constraint(b, subject, family);
        if (draw(8) == 0)
            buf_putf(b, "only(\"%s\", \"%s\").\n", subject, draw(2) ? "request" : "response");
    }
}

static void put_union(struct buf *b, unsigned t, bool vague)
{
    buf_putf(b, "union(\"T%u\").\nbranch(\"T%u\", 0, \"int32\").\nbranch(\"T%u\", 1, \"string\").\n", t, t, t);
    if (vague)
        buf_putf(b, "branch(\"T%u\", 2, \"T0\").\nbranch(\"T%u\", 3, \"T1\").\n", t, t);
    else
        buf_putf(b, "branch(\"T%u\", 2, \"T0\").\n", t);
}

static void put_type(struct buf *b, unsigned t, bool vague)
{
    unsigned kind = t < 2 ? 0 : draw(6);
    char name[8];
    snprintf(name, sizeof(name), "T%u", t);
    if (kind < 2) {
        put_record(b, t);
    } else if (kind == 2) {
        buf_putf(b, "list(\"T%u\", ", t);
        put_type_name(b);
        buf_put(b, SLICE(").\n"));
    } else if (kind == 3) {
        buf_putf(b, "map(\"T%u\", \"string\", ", t);
        put_type_name(b);
        buf_put(b, SLICE(").\n"));
    } else if (kind == 4) {
        buf_putf(b, "enum(\"T%u\").\nsymbol(\"T%u\", \"A\", 0).\nsymbol(\"T%u\", \"bb\", 1).\n", t, t, t);
        if (draw(4) == 0)
            buf_putf(b, "open(\"T%u\").\n", t);
    } else {
        put_union(b, t, vague);
    }
    if (kind < 4)
        put_constraint(b, name, MANY);
}

static struct contract *draw_contract(bool vague)
{
    struct buf b;
    struct diag diag;
    struct contract *c = NULL;
    buf_init(&b, BUF_TEXT_BOUND);
    diag_init(&diag);
    buf_put(&b, SLICE("contract(\"c\", \"1.0.0\").\noperation(\"o\").\nhttp(\"o\", \"PUT\", \"/\").\n"
                      "request(\"o\", \"application/json\", \"T0\").\n"
                      "response(\"o\", \"200\", \"application/json\", \"T1\").\n"));
    for (unsigned t = 0; t < TYPES; t++)
        put_type(&b, t, vague);
    if (contract_parse(buf_slice(&b), "drawn", &diag, &c) != ERR_OK) {
        struct buf said;
        buf_init(&said, BUF_TEXT_BOUND);
        diag_print(&diag, &said);
        print_error("%s\n", buf_text(&said));
        buf_fini(&said);
    }
    CHECK(c != NULL);
    diag_fini(&diag);
    buf_fini(&b);
    return c;
}

/* ---- bodies ---- */

static void put_value(struct buf *b, const struct shape_position *p, unsigned depth);

static void put_scalar(struct buf *b)
{
    static const char *const texts[] = {"null",
                                        "true",
                                        "false",
                                        "0",
                                        "2",
                                        "3",
                                        "-3",
                                        "7.5",
                                        "2.50",
                                        "4e0",
                                        "100",
                                        "1e2",
                                        "1.5e0",
                                        "\"A\"",
                                        "\"bb\"",
                                        "\"\\u0041\"",
                                        "\"\"",
                                        "\"YQ==\"",
                                        "4294967296",
                                        "\"\xC3\xA9\xC3\xA9\"",
                                        "\"a longer text\"",
                                        "99999999999999999999"};
    buf_put(b, slice_str(texts[draw(22)]));
}

static void put_members(struct buf *b, const struct shape_type *t, unsigned depth)
{
    bool first = true;
    buf_put_char(b, '{');
    for (const struct shape_position *p = t->kind == SHAPE_RECORD ? t->parts : NULL; p; p = p->next) {
        if (draw(p->required ? 12 : 2) == 0)
            continue;
        buf_putf(b, "%s\"%.*s\": ", first ? "" : ",", SLICE_FMT(p->member));
        put_value(b, p, depth + 1);
        first = false;
    }
    if (draw(6) == 0 || t->kind == SHAPE_MAP) {
        buf_putf(b, "%s\"z\":", first ? "" : ", ");
        put_value(b, t->kind == SHAPE_MAP ? t->parts->next : NULL, depth + 1);
    }
    buf_put_char(b, '}');
}

static void put_elements(struct buf *b, const struct shape_type *t, unsigned depth)
{
    buf_put_char(b, '[');
    for (unsigned i = draw(4), first = i; i > 0; i--) {
        buf_put(b, i == first ? SLICE("") : SLICE(" ,"));
        put_value(b, t ? t->parts : NULL, depth + 1);
    }
    buf_put_char(b, ']');
}

static void put_fitting(struct buf *b, enum shape_kind kind)
{
    static const char *const strings[] = {"\"A\"", "\"bb\"", "\"aAb\"", "\"\""}, *const numbers[] = {"2", "4", "6.0",
                                                                                                     "2.50"};
    bool text = kind == SHAPE_STRING || kind == SHAPE_BYTES;
    buf_put(b, kind == SHAPE_BOOL ? SLICE("true") : slice_str(text ? strings[draw(4)] : numbers[draw(4)]));
}

/* Mostly what the position wants. */
static void put_value(struct buf *b, const struct shape_position *p, unsigned depth)
{
    const struct shape_type *t = p && draw(12) ? shape_base(p->type) : NULL;
    if (depth > DEEPEST)
        put_scalar(b);
    else if (t && (t->kind == SHAPE_RECORD || t->kind == SHAPE_MAP))
        put_members(b, t, depth);
    else if (t && t->kind == SHAPE_LIST)
        put_elements(b, t, depth);
    else if (t && t->kind == SHAPE_UNION && draw(2))
        put_value(b, t->parts->next->next, depth + 1);
    else if (t && t->kind == SHAPE_ENUM)
        buf_put(b, draw(4) ? SLICE("\"A\"") : SLICE("\"no\""));
    else if (t && t->kind > SHAPE_ANY && t->kind < SHAPE_RECORD && draw(4))
        put_fitting(b, t->kind);
    else if (!p && draw(8) == 0)
        put_elements(b, NULL, depth);
    else
        put_scalar(b);
}

/* ---- the laws ---- */

static enum err streamed(const struct mould_node *n, struct slice body, unsigned most, struct buf *fault)
{
    struct fit *f = fit_json_new(n, 1 << 16);
    enum err e = ERR_OK;
    while (body.len && e == ERR_OK) {
        struct slice piece = slice_to(body, 1 + draw(most));
        body = slice_from(body, piece.len);
        e = fit_feed(f, piece);
    }
    if (e == ERR_OK)
        e = fit_finish(f);
    buf_clear(fault);
    buf_put(fault, slice_str(fit_fault(f)));
    fit_free(&f);
    return e;
}

struct tally {
    unsigned fit, unfit, undecided;
};

static void judge_body(const struct mould_node *n, const struct conforms_question *q, bool vague, struct tally *tally)
{
    struct buf body, fault, again;
    struct arena arena;
    const struct json_value *v;
    buf_init(&body, BUF_TEXT_BOUND);
    buf_init(&fault, BUF_TEXT_BOUND);
    buf_init(&again, BUF_TEXT_BOUND);
    arena_init(&arena, 0);
    put_value(&body, q->position, 0);
    CHECK_ERR(ERR_OK, json_value_read(buf_slice(&body), &arena, &v));
    enum answer tree = conforms_judge(q, v);
    enum err e = streamed(n, buf_slice(&body), 1 << 16, &fault);
    for (unsigned most = 1; most < 10; most += 4) {
        CHECK_ERR(e, streamed(n, buf_slice(&body), most, &again));
        CHECK_SLICE(buf_slice(&fault), buf_slice(&again));
    }
    bool agrees = tree == ANSWER_MAYBE || (tree == ANSWER_NO) == (e != ERR_OK) || (vague && e == ERR_OK);
    /* An exponent is nothing that the tree decides. */
    if (!agrees)
        print_error("%s\ntree %d, streamed %s\n%s\n", buf_text(&body), tree, err_text(e), buf_text(&fault));
    CHECK(agrees);
    *(e != ERR_OK ? &tally->unfit : tree == ANSWER_YES ? &tally->fit : &tally->undecided) += 1;
    arena_fini(&arena);
    buf_fini(&body);
    buf_fini(&fault);
    buf_fini(&again);
}

static void judge_contract(bool vague, struct tally *tally)
{
    struct contract *c = draw_contract(vague);
    struct mould *m = mould_new(c);
    static const char *const names[2] = {"o:request:application/json", "o:response:200:application/json"};
    static const char *const directions[2] = {"request", "response"};
    for (unsigned i = 0; i < BODIES; i++) {
        unsigned d = draw(2);
        struct conforms_question q = {.position = shape_position(contract_shape(c), slice_str(names[d])),
                                      .direction = slice_str(directions[d])};
        judge_body(mould_body(m, slice_str(names[d])), &q, vague, tally);
    }
    mould_free(&m);
    contract_unref(&c);
}

TEST(a_stream_is_refused_exactly_when_the_tree_is)
{
    struct tally tally = {0};
    for (unsigned i = 0; i < CONTRACTS; i++)
        judge_contract(false, &tally);
    CHECK(tally.fit > CONTRACTS * BODIES / 20);
    CHECK(tally.unfit > CONTRACTS * BODIES / 5);
}

TEST(where_a_union_is_vague_nothing_is_refused_that_fits)
{
    struct tally tally = {0};
    for (unsigned i = 0; i < CONTRACTS; i++)
        judge_contract(true, &tally);
    CHECK(tally.unfit > CONTRACTS * BODIES / 5);
}

TESTS_BEGIN()
TESTS_RUN(a_stream_is_refused_exactly_when_the_tree_is)
TESTS_RUN(where_a_union_is_vague_nothing_is_refused_that_fits)
TESTS_END()
