#include "contracts/wire/plan_branch.h"

static const char *const kind_names[] = {"object", "array", "string", "number", "bool", "null"};
enum { KINDS = sizeof(kind_names) / sizeof(kind_names[0]) };

const char *plan_branch_kind_name(enum plan_branch_kind kind)
{
    return kind_names[__builtin_ctz(kind)];
}

/* ---- words ---- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           (unsigned char)c >= 0x80;
}

/* Nothing at all is written ~. */
static void put_name(struct buf *out, struct slice name)
{
    if (name.len == 0)
        buf_put_char(out, '~');
    for (size_t i = 0; i < name.len; i++) {
        if (is_plain(name.at[i]))
            buf_put_char(out, name.at[i]);
        else
            buf_putf(out, "~x%02x", (unsigned char)name.at[i]);
    }
}

static void put_kinds(struct buf *out, unsigned kinds)
{
    const char *before = "";
    for (unsigned i = 0; i < KINDS; i++) {
        if (kinds & (1u << i)) {
            buf_putf(out, "%s%s", before, kind_names[i]);
            before = "|";
        }
    }
}

static void put_term(const struct plan_branch_term *t, struct buf *out)
{
    if (t->test == PLAN_BRANCH_HAS || t->test == PLAN_BRANCH_LACKS)
        buf_put_char(out, t->test == PLAN_BRANCH_HAS ? '+' : '-');
    if (t->test != PLAN_BRANCH_IS)
        put_name(out, t->member);
    if (t->test == PLAN_BRANCH_IS || t->test == PLAN_BRANCH_KIND) {
        buf_put_char(out, ':');
        put_kinds(out, t->kinds);
    }
    for (size_t i = 0; i < t->value_count; i++) {
        buf_put_char(out, i ? '|' : '=');
        put_name(out, t->values[i]);
    }
}

void plan_branch_put(const struct plan_branch *b, struct buf *out)
{
    buf_put_char(out, '(');
    for (const struct plan_branch_term *t = b->terms; t; t = t->next) {
        put_term(t, out);
        if (t->next)
            buf_put_char(out, '&');
    }
    buf_put_char(out, ')');
}

/* ---- reading ---- */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum err read_name(struct slice text, struct arena *arena, struct slice *name)
{
    char *into = arena_new(arena, text.len + 1);
    size_t len = 0;
    if (text.len == 0)
        return ERR_INPUT;
    if (slice_eq(text, SLICE("~"))) {
        *name = slice_of(into, 0);
        return ERR_OK;
    }
    for (size_t i = 0; i < text.len; i++) {
        bool coded = text.at[i] == '~';
        if (!coded && !is_plain(text.at[i]))
            return ERR_INPUT;
        if (!coded) {
            into[len++] = text.at[i];
            continue;
        }
        if (text.len - i < 4 || text.at[i + 1] != 'x' || hex(text.at[i + 2]) < 0 || hex(text.at[i + 3]) < 0)
            return ERR_INPUT;
        into[len++] = (char)(hex(text.at[i + 2]) * 16 + hex(text.at[i + 3]));
        i += 3;
    }
    *name = slice_of(into, len);
    return ERR_OK;
}

/* "a|b|" is no list. */
static bool is_list(struct slice text, char mark)
{
    return text.len && text.at[text.len - 1] != mark;
}

static enum err read_kinds(struct slice text, unsigned *kinds)
{
    struct slice word;
    if (!is_list(text, '|'))
        return ERR_INPUT;
    while (slice_split(&text, '|', &word)) {
        unsigned i = 0;
        while (i < KINDS && !slice_eq(word, slice_str(kind_names[i])))
            i++;
        if (i == KINDS)
            return ERR_INPUT;
        *kinds |= 1u << i;
    }
    return ERR_OK;
}

static enum err read_values(struct slice text, struct arena *arena, struct plan_branch_term *t)
{
    struct slice word;
    if (!is_list(text, '|'))
        return ERR_INPUT;
    t->values = arena_array(arena, text.len + 1, sizeof(*t->values));
    while (slice_split(&text, '|', &word))
        TRY(read_name(word, arena, &t->values[t->value_count++]));
    return ERR_OK;
}

static enum err read_term(struct slice text, struct arena *arena, struct plan_branch_term *t)
{
    size_t at;
    if (slice_starts(text, SLICE("+")) || slice_starts(text, SLICE("-"))) {
        t->test = text.at[0] == '+' ? PLAN_BRANCH_HAS : PLAN_BRANCH_LACKS;
        return read_name(slice_from(text, 1), arena, &t->member);
    }
    if (slice_find(text, '=', &at)) {
        t->test = PLAN_BRANCH_ONE_OF;
        TRY(read_name(slice_to(text, at), arena, &t->member));
        return read_values(slice_from(text, at + 1), arena, t);
    }
    if (!slice_find(text, ':', &at))
        return ERR_INPUT;
    t->test = at ? PLAN_BRANCH_KIND : PLAN_BRANCH_IS;
    if (at)
        TRY(read_name(slice_to(text, at), arena, &t->member));
    return read_kinds(slice_from(text, at + 1), &t->kinds);
}

static void note(struct plan_branch *b, const struct plan_branch_term *t)
{
    bool is = t->test == PLAN_BRANCH_IS;
    b->kinds |= is ? t->kinds : PLAN_BRANCH_OBJECT;
    b->claims = b->claims || (!is && t->test != PLAN_BRANCH_LACKS);
}

enum err plan_branch_read(struct slice word, struct arena *arena, struct plan_branch *out)
{
    struct plan_branch b = {0};
    struct plan_branch_term **last = &b.terms;
    struct slice text;
    if (!plan_branch_is(word))
        return ERR_INPUT;
    word = slice_of(word.at + 1, word.len - 2);
    if (!is_list(word, '&'))
        return ERR_INPUT;
    for (unsigned count = 0; slice_split(&word, '&', &text); count++) {
        struct plan_branch_term *t = arena_new(arena, sizeof(*t));
        *t = (struct plan_branch_term){0};
        if (count == PLAN_BRANCH_TERMS)
            return ERR_INPUT;
        TRY(read_term(text, arena, t));
        note(&b, t);
        *last = t;
        last = &t->next;
    }
    /* What the value is stands alone. */
    bool alone = true;
    for (const struct plan_branch_term *t = b.terms; t; t = t->next)
        alone = alone && (t->test != PLAN_BRANCH_IS || !b.terms->next);
    if (!alone)
        return ERR_INPUT;
    *out = b;
    return ERR_OK;
}
