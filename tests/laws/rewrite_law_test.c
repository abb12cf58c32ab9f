/* Laws of rewriting, over bodies and plans drawn from a fixed seed. */
#include "contracts/wire/rewrite.h"

#include <stdio.h>

#include "contracts/json_value.h"
#include "tests/kit/t.h"
#include "tests/laws/rewrite_by_hand.h"

enum { ROUNDS = 4000, DEPTH = 4, NAMES = 6, BODY_MOST = 1 << 16 };

static uint64_t state;
static bool twins; /* a name may come twice */

static unsigned draw(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 33) % below);
}

static void put_blank(struct buf *b)
{
    static const char *const blanks[] = {"", "", "", " ", "\n  ", "\t\r\n"};
    buf_put(b, slice_str(blanks[draw(6)]));
}

static void put_scalar(struct buf *b)
{
    static const char *const scalars[] = {"null",        "true",
                                          "0",           "-1.50e+2",
                                          "7e0",         "\"A\"",
                                          "\"\\u00e9\"", "\"\xC3\xA9\"",
                                          "\"x\\\"y\"",  "\"a long string, longer than most\""};
    buf_put(b, slice_str(scalars[draw(10)]));
}

static void put_value(struct buf *b, unsigned depth);

/* Names that are long, many, or spelt in an odd way. */
static void put_odd_object(struct buf *b)
{
    static const char *const forms[] = {"n%u", "a rather long name with number %u", "\\u0061%u", "\xC3\xA9%u"};
    const char *form = forms[draw(4)];
    unsigned count = 1 + draw(60);
    buf_put_char(b, '{');
    for (unsigned i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof(name), form, twins && draw(40) == 0 ? 0 : i);
        buf_putf(b, "%s\"%s\":", i ? "," : "", name);
        put_scalar(b);
    }
    buf_put_char(b, '}');
}

static void put_object(struct buf *b, unsigned depth)
{
    if (draw(30) == 0) {
        put_odd_object(b);
        return;
    }
    unsigned first = draw(NAMES), count = draw(NAMES);
    buf_put_char(b, '{');
    for (unsigned i = 0; i < count; i++) {
        put_blank(b);
        buf_putf(b, "\"%c\"", 'a' + (first + i) % NAMES);
        put_blank(b);
        buf_put_char(b, ':');
        put_value(b, depth + 1);
        if (i + 1 < count)
            buf_put_char(b, ',');
    }
    put_blank(b);
    buf_put_char(b, '}');
}

static void put_array(struct buf *b, unsigned depth)
{
    unsigned count = draw(4);
    buf_put_char(b, '[');
    for (unsigned i = 0; i < count; i++) {
        put_value(b, depth + 1);
        if (i + 1 < count)
            buf_put_char(b, ',');
    }
    put_blank(b);
    buf_put_char(b, ']');
}

static void put_value(struct buf *b, unsigned depth)
{
    put_blank(b);
    unsigned kind = depth == 0 ? 0 : depth < DEPTH ? draw(4) : 3;
    if (kind == 0)
        put_object(b, depth);
    else if (kind == 1)
        put_array(b, depth);
    else
        put_scalar(b);
    put_blank(b);
}

/* Of bodies drawn here; some overlap. */
static const char *const branches[] = {"(:object)",      "(:number)", "(:string|bool)",        "(:array)", "(a:object)",
                                       "(b=A|\xC3\xA9)", "(+c&-d)",   "(+d&-c&a:number|null)", "(-e)",     "(+f)"};
enum { BRANCHES = sizeof(branches) / sizeof(branches[0]) };

static struct slice draw_path(struct buf *b)
{
    static const char *const words[] = {"a", "b", "c", "[]", "{}"};
    bool branch = false;
    buf_clear(b);
    buf_put_char(b, '/');
    for (unsigned i = draw(3); i > 0; i--) {
        branch = !branch && draw(4) == 0;
        buf_putf(b, "%s%s", branch ? branches[draw(BRANCHES)] : words[draw(5)], i > 1 ? "/" : "");
    }
    return buf_slice(b);
}

/* Is the last word of the path a branch? */
static bool in_branch(struct slice path)
{
    return path.at[path.len - 1] == ')';
}

static bool on_value(enum plan_op op)
{
    return op == PLAN_NARROW || op == PLAN_ENUM || (op >= PLAN_SCALE && op <= PLAN_HEAD);
}

/* Any step at any place; new names begin at `fresh`, so that `a` means they may be there already. */
static struct plan *draw_plan(char fresh)
{
    struct plan *plan = plan_new();
    struct buf path;
    buf_init(&path, 100);
    const struct slice table[] = {SLICE("A"), SLICE("B"), SLICE("\xC3\xA9"), SLICE("e\"")};
    for (unsigned i = 1 + draw(6); i > 0; i--) {
        enum plan_op op = (enum plan_op)draw(PLAN_THEN);
        char from[4], to[4];
        static const int64_t ticks[] = {1, 1000, 1000000, 1000000000};
        bool deep = op == PLAN_HOIST || (op == PLAN_TAKE && draw(2)), dated = op == PLAN_DATE || op == PLAN_EPOCH;
        snprintf(from, sizeof(from), deep ? "%c/%c" : "%c", 'a' + draw(NAMES), 'a' + draw(NAMES));
        draw_path(&path);
        bool branch = on_value(op) && !in_branch(buf_slice(&path)) && draw(4) == 0;
        snprintf(to, sizeof(to), op == PLAN_PLUNGE ? "%c/%c" : "%c", fresh + (char)draw(NAMES),
                 fresh + (char)draw(NAMES));
        plan_add(plan, &(struct plan_step){.op = op,
                                           .path = buf_slice(&path),
                                           .from = slice_str(branch ? branches[draw(4)] : from),
                                           .to = slice_str(to),
                                           .pick = (enum plan_pick)draw(3),
                                           .to_in = (enum plan_in)draw(PLAN_INS),
                                           .from_in = (enum plan_in)draw(PLAN_INS),
                                           .as = (enum plan_as)draw(PLAN_ASES),
                                           .value = draw(2) ? SLICE("[{\"new\": 1}]") : SLICE("\"D\""),
                                           .times = dated ? ticks[draw(4)] : 1 + draw(3) * 99,
                                           .per = 1 + draw(4),
                                           .whole = draw(2) == 0,
                                           .low = -1000,
                                           .high = (int64_t)draw(10),
                                           .table = table,
                                           .table_count = 2});
    }
    buf_fini(&path);
    return plan;
}

/* In pieces of random sizes up to `most`. */
static enum err apply(struct plan *plan, struct slice body, unsigned most, struct buf *out, struct buf *fault)
{
    struct rewrite *r = rewrite_json_new(plan, REWRITE_MAX_HOLD);
    enum err e = ERR_OK;
    buf_clear(out);
    while (body.len && e == ERR_OK) {
        struct slice piece = slice_to(body, 1 + draw(most));
        body = slice_from(body, piece.len);
        e = rewrite_feed(r, piece, out);
    }
    if (e == ERR_OK)
        e = rewrite_finish(r, out);
    buf_clear(fault);
    buf_put(fault, slice_str(rewrite_fault(r)));
    rewrite_free(&r);
    return e;
}

/* What a law does not hold for. */
static void show_case(const struct plan *plan, struct slice body, struct slice want, struct slice got)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    plan_put(plan, &text);
    fprintf(stderr, "%.*sbody %.*s\nwant %.*s\ngot  %.*s\n", SLICE_FMT(buf_slice(&text)), SLICE_FMT(body),
            SLICE_FMT(want), SLICE_FMT(got));
    buf_fini(&text);
}

struct bodies {
    struct buf in, out, again, fault, fault_again;
};

static void bodies_init(struct bodies *b)
{
    state = UINT64_C(0x5EED5EED5EED);
    buf_init(&b->in, BUF_TEXT_BOUND);
    buf_init(&b->out, BODY_MOST * 4);
    buf_init(&b->again, BODY_MOST * 4);
    buf_init(&b->fault, BUF_TEXT_BOUND);
    buf_init(&b->fault_again, BUF_TEXT_BOUND);
}

static void bodies_fini(struct bodies *b)
{
    buf_fini(&b->in);
    buf_fini(&b->out);
    buf_fini(&b->again);
    buf_fini(&b->fault);
    buf_fini(&b->fault_again);
}

static void draw_body(struct bodies *b)
{
    buf_clear(&b->in);
    put_value(&b->in, 0);
}

/* Some of them broken at a random byte. */
static void draw_any_body(struct bodies *b)
{
    twins = draw(4) == 0;
    draw_body(b);
    twins = false;
    if (draw(4) == 0)
        b->in.mem[b->in.start + draw((unsigned)buf_len(&b->in))] = (char)draw(256);
}

TEST(chopping_the_body_anywhere_changes_nothing)
{
    struct bodies b;
    unsigned good = 0, bad = 0;
    bodies_init(&b);
    for (int i = 0; i < ROUNDS; i++) {
        struct plan *plan = draw_plan(draw(2) ? 'a' : 'p');
        draw_any_body(&b);
        enum err whole = apply(plan, buf_slice(&b.in), BODY_MOST, &b.out, &b.fault);
        *(whole == ERR_OK ? &good : &bad) += 1;
        for (unsigned most = 1; most <= 9; most += 4) {
            CHECK_ERR(whole, apply(plan, buf_slice(&b.in), most, &b.again, &b.fault_again));
            CHECK_SLICE(buf_slice(&b.fault), buf_slice(&b.fault_again));
            if (whole == ERR_OK)
                CHECK_SLICE(buf_slice(&b.out), buf_slice(&b.again));
        }
        plan_unref(&plan);
    }
    /* Both kinds were really met. */
    CHECK(good > ROUNDS / 4);
    CHECK(bad > ROUNDS / 10);
    bodies_fini(&b);
}

TEST(a_plan_that_matches_nothing_gives_the_same_bytes)
{
    struct bodies b;
    struct plan *plan = plan_new();
    const struct slice table[] = {SLICE("A"), SLICE("B")};
    static const char *const paths[] = {"/", "/a", "/a/[]", "/{}", "/b/{}/[]/{}"};
    for (size_t i = 0; i < 5; i++)
        for (unsigned op = 0; op < PLAN_THEN; op++)
            if (op != PLAN_DEFAULT)
                plan_add(plan, &(struct plan_step){.op = (enum plan_op)op,
                                                   .path = slice_str(paths[i]),
                                                   .from = op == PLAN_HOIST ? SLICE("no/body") : SLICE("nobody"),
                                                   .to = op == PLAN_PLUNGE ? SLICE("some/body") : SLICE("somebody"),
                                                   .table = table,
                                                   .table_count = 1});
    bodies_init(&b);
    for (int i = 0; i < ROUNDS; i++) {
        draw_body(&b);
        CHECK_ERR(ERR_OK, apply(plan, buf_slice(&b.in), 40, &b.out, &b.fault));
        CHECK_SLICE(buf_slice(&b.in), buf_slice(&b.out));
    }
    bodies_fini(&b);
    plan_unref(&plan);
}

/* a..f to p..u in the objects at `path`, or back. */
static struct plan *rename_plan(struct slice path, bool back)
{
    struct plan *plan = plan_new();
    for (char i = 0; i < NAMES; i++) {
        char plain = (char)('a' + i), fresh = (char)('p' + i);
        plan_add(plan, &(struct plan_step){.op = PLAN_RENAME,
                                           .path = path,
                                           .from = slice_of(back ? &fresh : &plain, 1),
                                           .to = slice_of(back ? &plain : &fresh, 1)});
    }
    return plan;
}

TEST(lossless_plans_round_trip)
{
    struct bodies b;
    unsigned changed = 0;
    static const char *const paths[] = {"/", "/{}", "/{}/[]", "/{}/{}", "/{}/[]/{}"};
    bodies_init(&b);
    for (int i = 0; i < ROUNDS; i++) {
        struct slice path = slice_str(paths[draw(5)]);
        struct plan *there = rename_plan(path, false), *back = rename_plan(path, true);
        draw_body(&b);
        CHECK_ERR(ERR_OK, apply(there, buf_slice(&b.in), 40, &b.out, &b.fault));
        changed += !slice_eq(buf_slice(&b.in), buf_slice(&b.out));
        CHECK_ERR(ERR_OK, apply(back, buf_slice(&b.out), 40, &b.again, &b.fault));
        CHECK_SLICE(buf_slice(&b.in), buf_slice(&b.again));
        plan_unref(&there);
        plan_unref(&back);
    }
    CHECK(changed > ROUNDS / 4);
    bodies_fini(&b);
}

TEST(what_comes_out_is_json_without_duplicate_names)
{
    struct bodies b;
    struct plan *none = plan_new();
    bodies_init(&b);
    for (int i = 0; i < ROUNDS; i++) {
        struct plan *plan = draw_plan(draw(2) ? 'a' : 'p');
        draw_any_body(&b);
        if (apply(plan, buf_slice(&b.in), 40, &b.out, &b.fault) == ERR_OK) {
            enum err again = apply(none, buf_slice(&b.out), 40, &b.again, &b.fault);
            if (again != ERR_OK)
                show_case(plan, buf_slice(&b.in), buf_slice(&b.fault), buf_slice(&b.out));
            CHECK_ERR(ERR_OK, again);
            CHECK_SLICE(buf_slice(&b.out), buf_slice(&b.again));
        }
        plan_unref(&plan);
    }
    bodies_fini(&b);
    plan_unref(&none);
}

/* Without blanks, and strings spelled in one way. */
static void put_plain(struct slice text, struct buf *out)
{
    struct arena arena;
    const struct json_value *v;
    arena_init(&arena, 0);
    CHECK_ERR(ERR_OK, json_value_read(text, &arena, &v));
    buf_clear(out);
    rewrite_by_hand_put(v, out);
    arena_fini(&arena);
}

TEST(streaming_gives_what_the_definition_of_the_plan_gives)
{
    struct bodies b;
    struct buf made, want, got;
    unsigned good = 0, bad = 0;
    bodies_init(&b);
    buf_init(&made, BUF_TEXT_BOUND);
    buf_init(&want, BUF_TEXT_BOUND);
    buf_init(&got, BUF_TEXT_BOUND);
    for (int i = 0; i < 4 * ROUNDS; i++) {
        struct plan *plan = draw_plan(draw(2) ? 'a' : 'p');
        struct arena arena;
        const struct json_value *v;
        draw_body(&b);
        arena_init(&arena, 0);
        CHECK_ERR(ERR_OK, json_value_read(buf_slice(&b.in), &arena, &v));
        buf_clear(&made);
        bool fine = rewrite_by_hand(plan, v, &made);
        enum err e = apply(plan, buf_slice(&b.in), BODY_MOST, &b.out, &b.fault);
        if ((e == ERR_OK) != fine)
            show_case(plan, buf_slice(&b.in), fine ? buf_slice(&made) : SLICE("refused"),
                      e == ERR_OK ? buf_slice(&b.out) : buf_slice(&b.fault));
        CHECK_ERR(fine ? ERR_OK : ERR_PEER, e);
        *(fine ? &good : &bad) += 1;
        if (fine) {
            put_plain(buf_slice(&b.out), &got);
            put_plain(buf_slice(&made), &want);
            if (!slice_eq(buf_slice(&want), buf_slice(&got)))
                show_case(plan, buf_slice(&b.in), buf_slice(&want), buf_slice(&got));
            CHECK_SLICE(buf_slice(&want), buf_slice(&got));
        }
        arena_fini(&arena);
        plan_unref(&plan);
    }
    CHECK(good > ROUNDS);
    CHECK(bad > ROUNDS / 4);
    buf_fini(&made);
    buf_fini(&want);
    buf_fini(&got);
    bodies_fini(&b);
}

/* Whole numbers of up to 10 digits at /a, there and back. */
static void goes_and_comes(struct bodies *b, const struct plan_step *there, const struct plan_step *back)
{
    struct plan *go = plan_new(), *come = plan_new();
    plan_add(go, there);
    plan_add(come, back);
    for (int i = 0; i < ROUNDS / 4; i++) {
        buf_clear(&b->in);
        buf_putf(&b->in, "{\"a\":%s%u", draw(2) ? "-" : "", 1 + draw(999));
        for (unsigned digits = draw(8); digits; digits--)
            buf_putf(&b->in, "%u", draw(9) + (digits == 1));
        buf_put_char(&b->in, '}');
        CHECK_ERR(ERR_OK, apply(go, buf_slice(&b->in), 40, &b->out, &b->fault));
        CHECK(!slice_eq(buf_slice(&b->in), buf_slice(&b->out)));
        CHECK_ERR(ERR_OK, apply(come, buf_slice(&b->out), 40, &b->again, &b->fault));
        CHECK_SLICE(buf_slice(&b->in), buf_slice(&b->again));
    }
    plan_unref(&go);
    plan_unref(&come);
}

TEST(conversions_round_trip)
{
    struct bodies b;
    bodies_init(&b);
    struct plan_step step = {.path = SLICE("/"), .from = SLICE("a")};
    struct plan_step text = step, number = step, up = step, down = step;
    text.op = PLAN_TEXT;
    number.op = PLAN_NUMBER;
    up.op = down.op = PLAN_SCALE;
    goes_and_comes(&b, &text, &number);
    for (unsigned i = 0; i < 8; i++) {
        static const int64_t factors[][2] = {{1000, 1}, {3600, 1},    {1, 1000}, {1, 8},
                                             {7, 5},    {1048576, 1}, {1, 20},   {86400, 1}};
        up.times = down.per = factors[i][0];
        up.per = down.times = factors[i][1];
        goes_and_comes(&b, &up, &down);
    }
    bodies_fini(&b);
}

/* One after the other, or both at once. */
TEST(two_plans_in_one_do_what_the_second_does_after_the_first)
{
    struct bodies b;
    struct buf between;
    unsigned good = 0, bad = 0;
    bodies_init(&b);
    buf_init(&between, BODY_MOST * 4);
    for (int i = 0; i < ROUNDS; i++) {
        struct plan *first = draw_plan(draw(2) ? 'a' : 'p'), *second = draw_plan(draw(2) ? 'a' : 'p');
        struct plan *both = plan_then(first, second);
        draw_any_body(&b);
        enum err e = apply(first, buf_slice(&b.in), 40, &between, &b.fault);
        if (e == ERR_OK)
            e = apply(second, buf_slice(&between), 40, &b.again, &b.fault);
        CHECK_ERR(e, apply(both, buf_slice(&b.in), 1 + draw(60), &b.out, &b.fault));
        if (e == ERR_OK)
            CHECK_SLICE(buf_slice(&b.again), buf_slice(&b.out));
        *(e == ERR_OK ? &good : &bad) += 1;
        plan_unref(&first);
        plan_unref(&second);
        plan_unref(&both);
    }
    CHECK(good > ROUNDS / 8);
    CHECK(bad > ROUNDS / 8);
    buf_fini(&between);
    bodies_fini(&b);
}

TEST(plans_read_back_what_they_print)
{
    struct buf text, again;
    struct diag diag;
    state = 1;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_init(&again, BUF_TEXT_BOUND);
    diag_init(&diag);
    for (int i = 0; i < ROUNDS; i++) {
        struct plan *plan = draw_plan('a'), *read;
        buf_clear(&text);
        buf_clear(&again);
        plan_put(plan, &text);
        CHECK_ERR(ERR_OK, plan_parse(buf_slice(&text), "plan", &diag, &read));
        plan_put(read, &again);
        CHECK_SLICE(buf_slice(&text), buf_slice(&again));
        plan_unref(&plan);
        plan_unref(&read);
    }
    diag_fini(&diag);
    buf_fini(&text);
    buf_fini(&again);
}

TESTS_BEGIN()
TESTS_RUN(chopping_the_body_anywhere_changes_nothing)
TESTS_RUN(a_plan_that_matches_nothing_gives_the_same_bytes)
TESTS_RUN(lossless_plans_round_trip)
TESTS_RUN(what_comes_out_is_json_without_duplicate_names)
TESTS_RUN(streaming_gives_what_the_definition_of_the_plan_gives)
TESTS_RUN(conversions_round_trip)
TESTS_RUN(two_plans_in_one_do_what_the_second_does_after_the_first)
TESTS_RUN(plans_read_back_what_they_print)
TESTS_END()
