#include "contracts/wire/plan_text.h"

#include "base/json_out.h"
#include "contracts/wire/json_tok.h"
#include "contracts/wire/pbplan.h"
#include "contracts/wire/plan_branch.h"

enum { TABLE_MOST = 4096 };

/* ---- printing ---- */

static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_.-+$@:/~[]{}()=|&", c));
}

/* A word as it is, or as a JSON string when it has blanks, quotes or other marks. */
static void put_word(struct buf *out, struct slice word)
{
    size_t bare = 0;
    while (bare < word.len && is_bare(word.at[bare]))
        bare++;
    if (word.len > 0 && bare == word.len) {
        buf_put(out, word);
        return;
    }
    struct json_out j;
    json_out_init(&j, out, 0);
    json_out_slice(&j, word);
}

/* On one line and in one column: a tab or line end becomes a blank, which in JSON between tokens is the same. */
static void put_line(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_put_char(out, (unsigned char)text.at[i] < ' ' ? ' ' : text.at[i]);
}

static void put_table(struct buf *out, const struct plan_step *s)
{
    for (size_t i = 0; i < s->table_count; i++) {
        buf_put(out, i ? SLICE(", ") : SLICE(" "));
        put_word(out, s->table[2 * i]);
        buf_put(out, SLICE(" -> "));
        put_word(out, s->table[2 * i + 1]);
    }
    if (s->value.len == 0)
        return;
    buf_put(out, s->table_count ? SLICE(", else ") : SLICE(" else "));
    put_line(out, s->value);
}

static void put_range(struct buf *out, const struct plan_step *s)
{
    if (s->whole)
        buf_putf(out, " in %lld..%lld", (long long)s->low, (long long)s->high);
}

static void put_factor(struct buf *out, const struct plan_step *s)
{
    buf_putf(out, " * %lld", (long long)s->times);
    if (s->per != 1)
        buf_putf(out, "/%lld", (long long)s->per);
}

static void put_target(struct buf *out, const struct plan_step *s)
{
    buf_put(out, SLICE(" -> "));
    if (s->op == PLAN_PARAM || s->op == PLAN_TAKE)
        buf_putf(out, "%s ", plan_in_name(s->to_in));
    put_word(out, s->to);
    if (s->op == PLAN_PUT)
        buf_putf(out, " %s", plan_as_name(s->as));
}

static void put_pick(struct buf *out, const struct plan_step *s)
{
    buf_putf(out, " %s", plan_pick_name(s->pick));
    if (s->value.len == 0)
        return;
    buf_put(out, SLICE(", else "));
    put_line(out, s->value);
}

/* Ticks a second. */
static const struct unit {
    const char *name;
    int64_t times;
} units[] = {{"s", 1}, {"ms", 1000}, {"us", 1000000}, {"ns", 1000000000}};
enum { UNITS = sizeof(units) / sizeof(units[0]) };

static void put_unit(struct buf *out, const struct plan_step *s)
{
    for (size_t i = 0; i < UNITS; i++)
        if (units[i].times == s->times)
            buf_putf(out, " %s", units[i].name);
    put_range(out, s);
}

static void put_operand(struct buf *out, const struct plan_step *s)
{
    if (s->op == PLAN_THEN)
        return;
    if (s->op == PLAN_PARAM || s->op == PLAN_PUT)
        buf_putf(out, "%s ", plan_in_name(s->from_in));
    put_word(out, s->op == PLAN_DEFAULT ? s->to : s->from);
    switch (s->op) {
    case PLAN_RENAME:
    case PLAN_HOIST:
    case PLAN_PLUNGE:
    case PLAN_METHOD:
    case PLAN_PATH:
    case PLAN_STATUS:
    case PLAN_PARAM:
    case PLAN_TAKE:
    case PLAN_PUT:
    case PLAN_INSIDE:
        put_target(out, s);
        break;
    case PLAN_TRANSCODE:
        put_target(out, s);
        buf_put_char(out, ' ');
        put_word(out, s->text);
        buf_put(out, s->whole ? SLICE(", unknown refused") : SLICE(""));
        break;
    case PLAN_HEAD:
        put_pick(out, s);
        break;
    case PLAN_DATE:
    case PLAN_EPOCH:
        put_unit(out, s);
        break;
    case PLAN_DEFAULT:
        buf_put(out, SLICE(" = "));
        put_line(out, s->value);
        break;
    case PLAN_WIDEN:
    case PLAN_FIELD:
        buf_put_char(out, ' ');
        put_line(out, s->text);
        break;
    case PLAN_NARROW:
        buf_putf(out, " %lld..%lld", (long long)s->low, (long long)s->high);
        break;
    case PLAN_ENUM:
        put_table(out, s);
        break;
    case PLAN_STRIP:
        buf_put(out, SLICE(" (null becomes absent)"));
        break;
    case PLAN_SCALE:
        put_factor(out, s);
        put_range(out, s);
        break;
    case PLAN_NUMBER:
        put_range(out, s);
        break;
    case PLAN_TEXT:
    case PLAN_ENCODE:
    case PLAN_DECODE:
    case PLAN_WRAP:
    case PLAN_DROP:
    case PLAN_PROTOBUF:
    case PLAN_THEN:
    case PLAN_OP_COUNT:
        break;
    }
}

/* ---- reading ---- */

/* The line being read. */
struct reader {
    struct diag *diag;
    struct diag_place place; /* of the line */
    struct slice line;
    struct slice rest;  /* of the column being read */
    struct arena arena; /* words without their quotes */
};

static enum err complain(struct reader *r, const char *expected)
{
    struct diag_place at = r->place;
    at.column = (unsigned)(r->rest.at - r->line.at) + 1;
    at.width = r->rest.len ? (unsigned)r->rest.len : 1;
    diag_add(r->diag, DIAG_ERROR, &at, NULL, "expected %s", expected);
    return ERR_INPUT;
}

static bool take(struct reader *r, struct slice mark)
{
    if (!slice_starts(r->rest, mark))
        return false;
    r->rest = slice_from(r->rest, mark.len);
    return true;
}

static enum err expect(struct reader *r, struct slice mark, const char *expected)
{
    return take(r, mark) ? ERR_OK : complain(r, expected);
}

static enum err quoted_word(struct reader *r, struct slice *word)
{
    struct json_tok t;
    struct json_token token;
    struct slice rest = r->rest;
    json_tok_init(&t, rest.len);
    t.collect = true;
    enum err e = json_tok_next(&t, &rest, &token);
    if (e == ERR_OK)
        *word = arena_keep(&r->arena, token.text);
    json_tok_fini(&t);
    if (e != ERR_OK)
        return complain(r, "a JSON string");
    r->rest = rest;
    return ERR_OK;
}

static enum err read_word(struct reader *r, struct slice *word)
{
    if (slice_starts(r->rest, SLICE("\"")))
        return quoted_word(r, word);
    size_t len = r->rest.len;
    slice_find(r->rest, ' ', &len);
    if (len && r->rest.at[len - 1] == ',')
        len--;
    if (len == 0)
        return complain(r, "a name");
    *word = slice_to(r->rest, len);
    r->rest = slice_from(r->rest, len);
    return ERR_OK;
}

static enum err read_json(struct reader *r, struct slice *value)
{
    if (!json_tok_whole(r->rest))
        return complain(r, "a JSON value");
    *value = r->rest;
    r->rest = slice_from(r->rest, r->rest.len);
    return ERR_OK;
}

static enum err read_int(struct reader *r, struct slice text, int64_t *out)
{
    bool minus = slice_starts(text, SLICE("-"));
    uint64_t n, most = (uint64_t)INT64_MAX + minus;
    if (slice_u64(slice_from(text, minus), most, &n) != ERR_OK)
        return complain(r, "two whole numbers, like 0..100");
    *out = minus ? (int64_t)(0 - n) : (int64_t)n;
    return ERR_OK;
}

static enum err read_range(struct reader *r, struct plan_step *s)
{
    size_t dot;
    if (!slice_find(r->rest, '.', &dot) || !slice_starts(slice_from(r->rest, dot), SLICE("..")))
        return complain(r, "two whole numbers, like 0..100");
    TRY(read_int(r, slice_to(r->rest, dot), &s->low));
    TRY(read_int(r, slice_from(r->rest, dot + 2), &s->high));
    r->rest = slice_from(r->rest, r->rest.len);
    return ERR_OK;
}

static enum err read_pair(struct reader *r, struct slice *pair)
{
    TRY(read_word(r, &pair[0]));
    TRY(expect(r, SLICE(" -> "), "` -> ` and a symbol"));
    return read_word(r, &pair[1]);
}

/* `A -> B, C -> D, else "E"`. */
static enum err read_table(struct reader *r, struct plan_step *s)
{
    struct slice *table = arena_array(&r->arena, (size_t)TABLE_MOST * 2, sizeof(*table));
    s->table = table;
    do {
        if (slice_starts(r->rest, SLICE("else ")) && !slice_starts(r->rest, SLICE("else -> "))) {
            take(r, SLICE("else "));
            return read_json(r, &s->value);
        }
        if (s->table_count == TABLE_MOST)
            return complain(r, "no more than 4096 symbols");
        TRY(read_pair(r, &table[2 * s->table_count]));
        s->table_count++;
    } while (take(r, SLICE(", ")));
    return ERR_OK;
}

static enum err read_range_if_any(struct reader *r, struct plan_step *s)
{
    s->whole = take(r, SLICE(" in "));
    return s->whole ? read_range(r, s) : ERR_OK;
}

static enum err read_count(struct reader *r, int64_t *out)
{
    size_t len = 0;
    uint64_t n;
    while (len < r->rest.len && r->rest.at[len] >= '0' && r->rest.at[len] <= '9')
        len++;
    if (slice_u64(slice_to(r->rest, len), (uint64_t)PLAN_FACTOR_MOST, &n) != ERR_OK || n == 0)
        return complain(r, "a factor, like 1000 or 1/1000");
    r->rest = slice_from(r->rest, len);
    *out = (int64_t)n;
    return ERR_OK;
}

static enum err read_factor(struct reader *r, struct plan_step *s)
{
    TRY(expect(r, SLICE(" * "), "` * ` and a factor, like 1000 or 1/1000"));
    TRY(read_count(r, &s->times));
    s->per = 1;
    if (take(r, SLICE("/")))
        TRY(read_count(r, &s->per));
    return read_range_if_any(r, s);
}

static enum err read_in(struct reader *r, enum plan_in *in)
{
    struct slice word;
    TRY(read_word(r, &word));
    for (unsigned i = 0; i < PLAN_INS; i++)
        if (slice_eq(word, slice_str(plan_in_name((enum plan_in)i)))) {
            *in = (enum plan_in)i;
            return expect(r, SLICE(" "), "the parameter's name");
        }
    return complain(r, "query, header, cookie, path or stash");
}

static enum err read_as(struct reader *r, enum plan_as *as)
{
    struct slice word;
    if (!take(r, SLICE(" ")))
        return ERR_OK;
    TRY(read_word(r, &word));
    for (unsigned i = 0; i < PLAN_ASES; i++)
        if (slice_eq(word, slice_str(plan_as_name((enum plan_as)i)))) {
            *as = (enum plan_as)i;
            return ERR_OK;
        }
    return complain(r, "string, number, bool or json");
}

/* How many names are in `a/b`; 0 when one of them is empty. */
static size_t names_in(struct slice path)
{
    size_t count = 0;
    struct slice name;
    while (slice_split(&path, '/', &name)) {
        if (name.len == 0)
            return 0;
        count++;
    }
    return count;
}

static enum err read_target(struct reader *r, struct plan_step *s)
{
    TRY(expect(r, SLICE(" -> "), "` -> ` and the new name"));
    if (s->op == PLAN_PARAM || s->op == PLAN_TAKE)
        TRY(read_in(r, &s->to_in));
    TRY(read_word(r, &s->to));
    if (s->op == PLAN_HOIST && names_in(s->from) < 2)
        return complain(r, "a member of a member to come up, like address/city -> city");
    if (s->op == PLAN_PLUNGE && names_in(s->to) != 2)
        return complain(r, "a member of a member to go to, like city -> address/city");
    if (s->op == PLAN_TAKE && names_in(s->from) < 1)
        return complain(r, "a member, like address/city");
    return s->op == PLAN_PUT ? read_as(r, &s->as) : ERR_OK;
}

static enum err read_pick(struct reader *r, struct plan_step *s)
{
    struct slice word;
    TRY(expect(r, SLICE(" "), "first, last or only"));
    TRY(read_word(r, &word));
    bool found = false;
    for (unsigned i = PLAN_FIRST; i <= PLAN_ONLY && !found; i++) {
        found = slice_eq(word, slice_str(plan_pick_name((enum plan_pick)i)));
        s->pick = (enum plan_pick)i;
    }
    if (!found)
        return complain(r, "first, last or only");
    return take(r, SLICE(", else ")) ? read_json(r, &s->value) : ERR_OK;
}

static enum err read_unit(struct reader *r, struct plan_step *s)
{
    struct slice word;
    TRY(expect(r, SLICE(" "), "s, ms, us or ns"));
    TRY(read_word(r, &word));
    for (size_t i = 0; i < UNITS; i++)
        if (slice_eq(word, slice_str(units[i].name))) {
            s->times = units[i].times;
            return read_range_if_any(r, s);
        }
    return complain(r, "s, ms, us or ns");
}

static enum err read_transcode(struct reader *r, struct plan_step *s)
{
    bool json = slice_eq(s->from, SLICE("json"));
    TRY(read_target(r, s));
    if (!slice_eq(s->from, json ? SLICE("json") : SLICE("protobuf")) ||
        !slice_eq(s->to, json ? SLICE("protobuf") : SLICE("json")))
        return complain(r, "json -> protobuf, or protobuf -> json");
    TRY(expect(r, SLICE(" "), "the message's name, like shop.Order"));
    TRY(read_word(r, &s->text));
    s->whole = json && take(r, SLICE(", unknown refused"));
    return ERR_OK;
}

/* What follows the first name. */
static enum err read_rest(struct reader *r, struct plan_step *s)
{
    switch (s->op) {
    case PLAN_RENAME:
    case PLAN_HOIST:
    case PLAN_PLUNGE:
    case PLAN_METHOD:
    case PLAN_PATH:
    case PLAN_STATUS:
    case PLAN_PARAM:
    case PLAN_TAKE:
    case PLAN_PUT:
    case PLAN_INSIDE:
        return read_target(r, s);
    case PLAN_TRANSCODE:
        return read_transcode(r, s);
    case PLAN_HEAD:
        return read_pick(r, s);
    case PLAN_DATE:
    case PLAN_EPOCH:
        return read_unit(r, s);
    case PLAN_DEFAULT:
        TRY(expect(r, SLICE(" = "), "` = ` and a JSON value"));
        return read_json(r, &s->value);
    case PLAN_WIDEN:
    case PLAN_FIELD:
        take(r, SLICE(" "));
        s->text = r->rest;
        r->rest = slice_from(r->rest, r->rest.len);
        return ERR_OK;
    case PLAN_NARROW:
        TRY(expect(r, SLICE(" "), "a range"));
        return read_range(r, s);
    case PLAN_ENUM:
        TRY(expect(r, SLICE(" "), "pairs of symbols"));
        return read_table(r, s);
    case PLAN_STRIP:
        take(r, SLICE(" (null becomes absent)"));
        return ERR_OK;
    case PLAN_SCALE:
        return read_factor(r, s);
    case PLAN_NUMBER:
        return read_range_if_any(r, s);
    case PLAN_TEXT:
    case PLAN_ENCODE:
    case PLAN_DECODE:
    case PLAN_WRAP:
    case PLAN_DROP:
    case PLAN_PROTOBUF:
    case PLAN_THEN:
    case PLAN_OP_COUNT:
        break;
    }
    return ERR_OK;
}

static enum err read_operand(struct reader *r, struct plan_step *s)
{
    if (s->op == PLAN_THEN)
        return r->rest.len == 0 ? ERR_OK : complain(r, "nothing, for then stands alone");
    if (s->op == PLAN_PARAM || s->op == PLAN_PUT)
        TRY(read_in(r, &s->from_in));
    TRY(read_word(r, s->op == PLAN_DEFAULT ? &s->to : &s->from));
    TRY(read_rest(r, s));
    return r->rest.len == 0 ? ERR_OK : complain(r, "the end of the column");
}

static enum err read_op(struct reader *r, enum plan_op *op)
{
    for (unsigned i = 0; i < PLAN_OP_COUNT; i++)
        if (slice_eq(r->rest, slice_str(plan_op_name((enum plan_op)i)))) {
            *op = (enum plan_op)i;
            return ERR_OK;
        }
    return complain(r, "the name of a step, like rename or default (`weft adapt --help` has them all)");
}

/* None is the law that such a step has by itself. */
static enum err read_law(struct reader *r, enum plan_op op, enum plan_law *law)
{
    *law = plan_op_law(op);
    if (r->rest.len == 0)
        return ERR_OK;
    for (unsigned i = PLAN_LOSSLESS; i <= PLAN_PARTIAL; i++)
        if (slice_eq(r->rest, slice_str(plan_law_name((enum plan_law)i)))) {
            *law = (enum plan_law)i;
            return ERR_OK;
        }
    return complain(r, "lossless, one-way, defaulting or partial");
}

/* Words of branches are whole, and none stands in another. */
static bool are_branches(struct reader *r, struct slice path)
{
    struct slice word;
    bool before = false;
    while (slice_split(&path, '/', &word)) {
        struct plan_branch b;
        bool branch = slice_starts(word, SLICE("("));
        if (branch && (before || plan_branch_read(word, &r->arena, &b) != ERR_OK))
            return false;
        before = branch;
    }
    return true;
}

static enum err read_path(struct reader *r, struct slice *path)
{
    struct slice column = r->rest;
    TRY(read_word(r, path));
    bool path_like = slice_starts(*path, SLICE("/")) && r->rest.len == 0;
    if (path_like && are_branches(r, *path))
        return ERR_OK;
    r->rest = column;
    return complain(r, path_like ? "a branch, like (kind=card), (:number) or (+iban&-card), once for each value"
                                 : "a path, like /lines/[]");
}

/* Moves to the next column of the line; an absent one is empty. */
static void next_column(struct reader *r, struct slice *columns)
{
    r->rest = slice_from(r->line, r->line.len);
    slice_split(columns, '\t', &r->rest);
}

static enum err read_step(struct reader *r, struct plan_step *s)
{
    struct slice columns = r->line;
    size_t tab;
    r->rest = r->line;
    if (!slice_find(r->line, '\t', &tab))
        return complain(r, "an operation, a path and an operand with tabs between them");
    next_column(r, &columns);
    TRY(read_op(r, &s->op));
    next_column(r, &columns);
    TRY(read_path(r, &s->path));
    next_column(r, &columns);
    TRY(read_operand(r, s));
    next_column(r, &columns);
    TRY(read_law(r, s->op, &s->law));
    next_column(r, &columns);
    s->why = r->rest;
    return ERR_OK;
}

/* A step of the other format: protobuf's name numbers. */
static const char *transcode_fault(const struct plan *plan, const struct plan_step *s)
{
    size_t count = plan_count(plan);
    const struct plan_step *last = count ? plan_step(plan, count - 1) : NULL;
    bool transcodes = s->op == PLAN_TRANSCODE, after = last && last->op == PLAN_TRANSCODE;
    if (transcodes && slice_eq(s->from, SLICE("json")) && count)
        return "`json -> protobuf` as the first step of its plan";
    if (transcodes && count && (!plan_is_protobuf(plan) || last->op != PLAN_THEN))
        return "`then` before it, for transcode has a stage of its own";
    if (after && (s->op != PLAN_THEN || slice_eq(last->to, SLICE("json"))))
        return slice_eq(last->to, SLICE("json")) ? "nothing after `protobuf -> json`"
                                                 : "`then` after transcode, which has a stage of its own";
    return NULL;
}

static enum err check_format(struct reader *r, const struct plan *plan, const struct plan_step *s)
{
    const char *fault = transcode_fault(plan, s);
    if (!fault && plan_is_protobuf(plan))
        fault = pbplan_step_fault(s);
    else if (!fault && (s->op == PLAN_FIELD || s->op == PLAN_INSIDE || (s->op == PLAN_PROTOBUF && plan_count(plan))))
        fault = "such a step after `protobuf` alone, which is the first step of its plan";
    r->rest = r->line;
    return fault ? complain(r, fault) : ERR_OK;
}

static void check_whole(const struct reader *r, const struct plan *plan)
{
    char room[256];
    struct diag_place at = {.file = r->place.file};
    const char *fault = plan_is_protobuf(plan) ? pbplan_fault(plan, room, sizeof(room)) : NULL;
    if (fault)
        diag_add(r->diag, DIAG_ERROR, &at, NULL, "%s", fault);
}

static void read_line(struct reader *r, struct plan *plan)
{
    struct plan_step step = {0};
    arena_init(&r->arena, 0);
    if (slice_trim(r->line).len && r->line.at[0] != '#' && read_step(r, &step) == ERR_OK &&
        check_format(r, plan, &step) == ERR_OK)
        plan_add(plan, &step);
    arena_fini(&r->arena);
}

void plan_text_put(const struct plan *p, struct buf *out)
{
    for (size_t i = 0; i < plan_count(p); i++) {
        const struct plan_step *s = plan_step(p, i);
        buf_putf(out, "%s\t", plan_op_name(s->op));
        put_word(out, s->path);
        buf_put_char(out, '\t');
        put_operand(out, s);
        buf_putf(out, "\t%s", plan_law_name(s->law));
        if (s->why.len) {
            buf_put_char(out, '\t');
            put_line(out, s->why);
        }
        buf_put_char(out, '\n');
    }
}

enum err plan_text_parse(struct slice text, const char *file, struct diag *diag, struct plan **out)
{
    struct reader r = {.diag = diag, .place = {.file = file, .text = text}};
    struct plan *plan = plan_new();
    unsigned before = diag->errors;
    while (slice_split(&text, '\n', &r.line)) {
        r.place.line++;
        read_line(&r, plan);
    }
    if (diag->errors == before)
        check_whole(&r, plan);
    if (diag->errors != before) {
        plan_unref(&plan);
        return ERR_INPUT;
    }
    *out = plan;
    return ERR_OK;
}
