#include "contracts/fact.h"

#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

struct reader {
    struct slice text;
    const char *file;
    size_t at, line_start;
    unsigned line;
    struct arena *arena;
    struct diag *diag;
    struct buf scratch;
    const char *earlier[VOCABULARY_COLUMNS]; /* the last text of each column */
};

void fact_list_fini(struct fact_list *l)
{
    mem_free(l->v);
    *l = (struct fact_list){0};
}

struct fact *fact_list_add(struct fact_list *l)
{
    if (l->count == l->room) {
        l->room = l->room ? l->room * 2 : 64;
        l->v = mem_resize(l->v, l->room, sizeof(*l->v));
    }
    l->v[l->count] = (struct fact){0};
    return &l->v[l->count++];
}

const char *fact_keep(struct arena *a, struct slice text)
{
    uint32_t len = (uint32_t)text.len;
    PRE(text.len <= UINT32_MAX);
    return arena_join(a, slice_of(&len, sizeof(len)), "", text).at;
}

const char *fact_keep_again(struct arena *a, struct slice text, const char *before)
{
    const struct fact known = {.value = {{.text = before}}};
    return before && slice_eq(fact_text(&known, 0), text) ? before : fact_keep(a, text);
}

static char peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->text.len ? r->text.at[r->at + ahead] : '\0';
}

static bool ended(const struct reader *r)
{
    return r->at >= r->text.len;
}

static void step(struct reader *r)
{
    if (peek(r, 0) == '\n') {
        r->line++;
        r->line_start = r->at + 1;
    }
    r->at++;
}

static struct diag_place place(const struct reader *r, size_t width)
{
    return (struct diag_place){
        .file = r->file,
        .text = r->text,
        .line = r->line,
        .column = (unsigned)(r->at - r->line_start) + 1,
        .width = (unsigned)width,
    };
}

static enum err expected(struct reader *r, const char *what)
{
    struct diag_place here = place(r, 1);
    diag_add(r->diag, DIAG_ERROR, &here, NULL, "%s is expected here", what);
    return ERR_INPUT;
}

static bool skip_comment(struct reader *r)
{
    if (peek(r, 0) != '/' || (peek(r, 1) != '/' && peek(r, 1) != '*'))
        return false;
    bool block = peek(r, 1) == '*';
    for (r->at += 2; !ended(r); step(r)) {
        if (!block && peek(r, 0) == '\n')
            return true;
        if (block && peek(r, 0) == '*' && peek(r, 1) == '/') {
            r->at += 2;
            return true;
        }
    }
    return true;
}

static void skip_blank(struct reader *r)
{
    while (!ended(r)) {
        char c = peek(r, 0);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            step(r);
        else if (!skip_comment(r))
            return;
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct slice read_word(struct reader *r)
{
    size_t begin = r->at;
    while (is_letter(peek(r, 0)) || (r->at > begin && is_digit(peek(r, 0))))
        r->at++;
    return slice_of(r->text.at + begin, r->at - begin);
}

static enum err read_escape(struct reader *r)
{
    static const char from[] = "\"\\nrt", to[] = "\"\\\n\r\t";
    const char *found = peek(r, 1) ? strchr(from, peek(r, 1)) : NULL;
    if (!found)
        return expected(r, "one of the escapes \\\" \\\\ \\n \\r \\t");
    buf_put_char(&r->scratch, to[found - from]);
    r->at += 2;
    return ERR_OK;
}

/* Most strings are printable ASCII without escapes, and many stand in the same column of the fact before. */
static bool read_plain(struct reader *r, const char *before, const char **out)
{
    size_t from = r->at + 1, at = from;
    while (at < r->text.len && r->text.at[at] >= ' ' && r->text.at[at] < 0x7f && r->text.at[at] != '"' &&
           r->text.at[at] != '\\')
        at++;
    if (at == r->text.len || r->text.at[at] != '"')
        return false;
    *out = fact_keep_again(r->arena, slice_of(r->text.at + from, at - from), before);
    r->at = at + 1;
    return true;
}

static enum err read_string(struct reader *r, const char *before, const char **out)
{
    struct diag_place begin = place(r, 1);
    if (read_plain(r, before, out))
        return ERR_OK;
    buf_clear(&r->scratch);
    for (r->at++; peek(r, 0) != '"';) {
        if (ended(r) || peek(r, 0) == '\n') {
            diag_add(r->diag, DIAG_ERROR, &begin, NULL, "this string has no end");
            return ERR_INPUT;
        }
        if ((unsigned char)peek(r, 0) < ' ' && peek(r, 0) != '\t')
            return expected(r, "a printable character");
        if (peek(r, 0) == '\\')
            TRY(read_escape(r));
        else
            buf_put_char(&r->scratch, r->text.at[r->at++]);
    }
    r->at++;
    if (!slice_utf8(buf_slice(&r->scratch))) {
        diag_add(r->diag, DIAG_ERROR, &begin, NULL, "this string is not UTF-8");
        return ERR_INPUT;
    }
    *out = fact_keep_again(r->arena, buf_slice(&r->scratch), before);
    return ERR_OK;
}

static enum err read_number(struct reader *r, int64_t *out)
{
    struct diag_place begin = place(r, 1);
    bool minus = peek(r, 0) == '-';
    r->at += minus;
    size_t first = r->at;
    while (is_digit(peek(r, 0)))
        r->at++;
    uint64_t n = 0;
    if (slice_u64(slice_of(r->text.at + first, r->at - first), INT64_MAX, &n) != ERR_OK) {
        diag_add(r->diag, DIAG_ERROR, &begin, NULL, "a whole number of at most 64 bits is expected here");
        return ERR_INPUT;
    }
    *out = minus ? -(int64_t)n : (int64_t)n;
    return ERR_OK;
}

static enum err read_column(struct reader *r, struct fact *f, unsigned i)
{
    bool symbol = vocabulary_columns(f->relation)[i] == 's';
    if (symbol && peek(r, 0) == '"') {
        TRY(read_string(r, r->earlier[i], &f->value[i].text));
        r->earlier[i] = f->value[i].text;
        return ERR_OK;
    }
    if (!symbol && (is_digit(peek(r, 0)) || peek(r, 0) == '-'))
        return read_number(r, &f->value[i].number);
    return expected(r, symbol ? "a string in quotes" : "a number");
}

static enum err wrong_arity(struct reader *r, const struct fact *f)
{
    struct diag_place here = place(r, 1);
    diag_add(r->diag, DIAG_ERROR, &here, NULL, "`%s` has %zu columns", vocabulary_name(f->relation),
             strlen(vocabulary_columns(f->relation)));
    return ERR_INPUT;
}

static enum err read_columns(struct reader *r, struct fact *f)
{
    size_t arity = strlen(vocabulary_columns(f->relation));
    for (unsigned i = 0; i < arity; i++) {
        skip_blank(r);
        if (peek(r, 0) == ')')
            return wrong_arity(r, f);
        TRY(read_column(r, f, i));
        skip_blank(r);
        if (i + 1 < arity && peek(r, 0) == ')')
            return wrong_arity(r, f);
        if (i + 1 == arity && peek(r, 0) == ',')
            return wrong_arity(r, f);
        char wanted = i + 1 < arity ? ',' : ')';
        if (peek(r, 0) != wanted)
            return expected(r, wanted == ',' ? "`,`" : "`)`");
        r->at++;
    }
    return ERR_OK;
}

static enum err read_relation(struct reader *r, struct fact *f)
{
    struct diag_place here = place(r, 1);
    if (peek(r, 0) == '.' || peek(r, 0) == '#') {
        diag_add(r->diag, DIAG_ERROR, &here, NULL, "a contract holds facts only, no declarations and no directives");
        return ERR_INPUT;
    }
    struct slice name = read_word(r);
    if (name.len == 0)
        return expected(r, "the name of a relation");
    here.width = (unsigned)name.len;
    f->line = here.line;
    f->column = here.column;
    f->width = here.width;
    if (vocabulary_find(name, &f->relation) == ERR_OK)
        return ERR_OK;
    const char *nearest = vocabulary_nearest(name);
    char fix[64];
    snprintf(fix, sizeof(fix), "did you mean `%s`?", nearest ? nearest : "");
    diag_add(r->diag, DIAG_ERROR, &here, nearest ? fix : NULL, "unknown relation `%.*s`",
             SLICE_FMT(slice_to(name, 80)));
    return ERR_INPUT;
}

static enum err read_fact(struct reader *r, struct fact *f)
{
    TRY(read_relation(r, f));
    skip_blank(r);
    if (peek(r, 0) != '(')
        return expected(r, "`(`");
    r->at++;
    TRY(read_columns(r, f));
    skip_blank(r);
    if (peek(r, 0) == ':' && peek(r, 1) == '-')
        return expected(r, "`.`, since a contract holds facts and no rules:");
    if (peek(r, 0) != '.')
        return expected(r, "`.`");
    r->at++;
    return ERR_OK;
}

/* To the start of what looks like the next fact: behind a full stop that no digit follows, or a new line. */
static void recover(struct reader *r)
{
    while (!ended(r)) {
        char c = peek(r, 0);
        if (c == '"') {
            for (r->at++; !ended(r) && peek(r, 0) != '"' && peek(r, 0) != '\n'; r->at++)
                if (peek(r, 0) == '\\' && peek(r, 1) != '\n')
                    r->at++;
            if (ended(r) || peek(r, 0) == '\n')
                continue;
        }
        step(r);
        if (c == '\n' || (c == '.' && !is_letter(peek(r, 0))))
            return;
    }
}

enum err fact_read(struct slice text, const char *file, size_t most, struct arena *arena, struct diag *diag,
                   struct fact_list *out)
{
    struct reader r = {.text = text, .file = file, .line = 1, .arena = arena, .diag = diag};
    buf_init(&r.scratch, text.len + 1);
    enum err result = ERR_OK;
    for (skip_blank(&r); !ended(&r); skip_blank(&r)) {
        struct fact f = {0};
        struct diag_place here = place(&r, 1);
        if (out->count == most) {
            diag_add(diag, DIAG_ERROR, &here, NULL, "more than %zu facts", most);
            result = ERR_FULL;
            break;
        }
        if (read_fact(&r, &f) == ERR_OK) {
            *fact_list_add(out) = f;
            continue;
        }
        result = ERR_INPUT;
        recover(&r);
    }
    buf_fini(&r.scratch);
    return result;
}

int fact_cmp(const struct fact *a, const struct fact *b)
{
    if (a->relation != b->relation)
        return a->relation < b->relation ? -1 : 1;
    for (const char *c = vocabulary_columns(a->relation); *c; c++) {
        size_t i = (size_t)(c - vocabulary_columns(a->relation));
        if (*c == 's' && a->value[i].text == b->value[i].text)
            continue;
        int order = *c == 's' ? slice_cmp(fact_text(a, i), fact_text(b, i))
                              : (a->value[i].number > b->value[i].number) - (a->value[i].number < b->value[i].number);
        if (order != 0)
            return order;
    }
    return 0;
}

/* Is the fact before all of this relation and first column? */
static bool is_before(const struct fact *f, enum vocabulary relation, struct slice first)
{
    return f->relation != relation ? f->relation < relation : slice_cmp(fact_text(f, 0), first) < 0;
}

const struct fact *fact_list_find(const struct fact_list *l, enum vocabulary relation, struct slice first)
{
    PRE(vocabulary_columns(relation)[0] == 's');
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_before(&l->v[middle], relation, first))
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < l->count && l->v[low].relation == relation && slice_eq(fact_text(&l->v[low], 0), first);
    return found ? &l->v[low] : NULL;
}

static void put_string(struct slice s, struct buf *out)
{
    static const char from[] = "\"\\\n\r\t", to[] = "\"\\nrt";
    buf_put_char(out, '"');
    size_t plain = 0; /* what needs no escape is put in one piece */
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        const char *found = c && (c < ' ' || c == '"' || c == '\\') ? strchr(from, s.at[i]) : NULL;
        if (!found)
            continue;
        buf_put(out, slice_of(s.at + plain, i - plain));
        buf_put_char(out, '\\');
        buf_put_char(out, to[found - from]);
        plain = i + 1;
    }
    buf_put(out, slice_from(s, plain));
    buf_put_char(out, '"');
}

void fact_put(const struct fact *f, struct buf *out)
{
    const char *columns = vocabulary_columns(f->relation);
    buf_put(out, slice_str(vocabulary_name(f->relation)));
    buf_put_char(out, '(');
    for (size_t i = 0; columns[i]; i++) {
        if (i)
            buf_put(out, SLICE(", "));
        if (columns[i] == 's')
            put_string(fact_text(f, i), out);
        else
            buf_putf(out, "%lld", (long long)f->value[i].number);
    }
    buf_put(out, SLICE(")."));
}
