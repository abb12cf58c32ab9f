#include "base/doc.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

enum { INDEX_FROM = 8, EXPONENT_MOST = 40 };

struct reader {
    struct slice text;
    const char *file;
    size_t at, line_start;
    unsigned line, weight;
    struct arena *arena;
    struct diag *diag;
    struct buf scratch;
};

/* --- The tree. */

void doc_add(struct doc_node *parent, struct doc_node *child, struct doc_node **last)
{
    if (*last)
        (*last)->next = child;
    else
        parent->first = child;
    *last = child;
    parent->count++;
    parent->weight += child->weight;
}

static struct doc_node **place_of(const struct doc_node *map, struct slice key)
{
    unsigned mask = map->index_cap - 1;
    unsigned i = (unsigned)map_hash(key) & mask;
    while (map->index[i] && !slice_eq(map->index[i]->key, key))
        i = (i + 1) & mask;
    return &map->index[i];
}

static enum err close_small(const struct doc_node *map, const struct doc_node **again)
{
    for (const struct doc_node *a = map->first; a; a = a->next)
        for (const struct doc_node *b = map->first; b != a; b = b->next)
            if (slice_eq(a->key, b->key)) {
                *again = a;
                return ERR_EXISTS;
            }
    return ERR_OK;
}

enum err doc_close(struct doc_node *map, struct arena *arena, const struct doc_node **again)
{
    if (map->count <= INDEX_FROM)
        return close_small(map, again);
    for (map->index_cap = 16; map->index_cap < 2 * map->count;)
        map->index_cap *= 2;
    map->index = arena_array(arena, map->index_cap, sizeof(struct doc_node *));
    for (struct doc_node *n = map->first; n; n = n->next) {
        struct doc_node **place = place_of(map, n->key);
        if (*place) {
            *again = n;
            return ERR_EXISTS;
        }
        *place = n;
    }
    return ERR_OK;
}

const struct doc_node *doc_find(const struct doc_node *map, struct slice key)
{
    if (!map || map->kind != DOC_MAP)
        return NULL;
    if (map->index)
        return *place_of(map, key);
    for (const struct doc_node *n = map->first; n; n = n->next)
        if (slice_eq(n->key, key))
            return n;
    return NULL;
}

const struct doc_node *doc_get(const struct doc_node *map, const char *key)
{
    return doc_find(map, slice_str(key));
}

/* "~1" is a slash and "~0" a tilde, and "%2F" what it is in a URI. */
static size_t unescape(struct slice from, char *to, size_t room)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;
    for (size_t i = 0; i < from.len && len < room; i++) {
        char c = from.at[i];
        const char *high = i + 2 < from.len ? strchr(digits, from.at[i + 1] | 0x20) : NULL;
        const char *low = i + 2 < from.len ? strchr(digits, from.at[i + 2] | 0x20) : NULL;
        if (c == '%' && high && *high && low && *low) {
            c = (char)((high - digits) * 16 + (low - digits));
            i += 2;
        }
        to[len++] = c;
    }
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {
        bool tilde = to[i] == '~' && i + 1 < len && (to[i + 1] == '0' || to[i + 1] == '1');
        to[kept++] = !tilde ? to[i] : to[i + 1] == '0' ? '~' : '/';
        i += tilde;
    }
    return kept;
}

static const struct doc_node *child_at(const struct doc_node *list, struct slice number)
{
    uint64_t at;
    if (slice_u64(number, list->count, &at) != ERR_OK)
        return NULL;
    const struct doc_node *n = list->first;
    while (n && at-- > 0)
        n = n->next;
    return n;
}

const struct doc_node *doc_pointer(const struct doc_node *root, struct slice pointer)
{
    char token[1024];
    const struct doc_node *n = root;
    while (n && pointer.len > 0) {
        if (pointer.at[0] != '/')
            return NULL;
        pointer = slice_from(pointer, 1);
        size_t end = pointer.len;
        slice_find(pointer, '/', &end);
        struct slice name = slice_of(token, unescape(slice_to(pointer, end), token, sizeof(token)));
        pointer = slice_from(pointer, end);
        n = n->kind == DOC_LIST ? child_at(n, name) : doc_find(n, name);
    }
    return n;
}

/* --- JSON. */

static struct diag_place here(const struct reader *r)
{
    return (struct diag_place){
        .file = r->file, .text = r->text, .line = r->line, .column = (unsigned)(r->at - r->line_start) + 1};
}

static enum err expected(struct reader *r, const char *what)
{
    struct diag_place p = here(r);
    diag_add(r->diag, DIAG_ERROR, &p, NULL, "%s is expected here", what);
    return ERR_INPUT;
}

static char peek(const struct reader *r)
{
    return r->at < r->text.len ? r->text.at[r->at] : '\0';
}

static void skip_blank(struct reader *r)
{
    for (;; r->at++) {
        char c = peek(r);
        if (c == '\n') {
            r->line++;
            r->line_start = r->at + 1;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
    }
}

static enum err read_hex(struct reader *r, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        char c = peek(r);
        bool digit = c >= '0' && c <= '9', letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'f';
        if (!digit && !letter)
            return expected(r, "four hexadecimal digits");
        *out = *out * 16 + (unsigned)(digit ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return ERR_OK;
}

static void put_utf8(struct buf *b, unsigned c)
{
    if (c < 0x80) {
        buf_put_char(b, (char)c);
        return;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xC0, 0xE0, 0xF0};
    buf_put_char(b, (char)(lead[more] | (c >> (6 * more))));
    while (more-- > 0)
        buf_put_char(b, (char)(0x80 | ((c >> (6 * more)) & 0x3F)));
}

static enum err read_unicode(struct reader *r)
{
    unsigned c, low;
    TRY(read_hex(r, &c));
    if (c >= 0xDC00 && c < 0xE000)
        return expected(r, "the first half of a surrogate pair before its second");
    if (c >= 0xD800 && c < 0xDC00) {
        if (!slice_starts(slice_from(r->text, r->at), SLICE("\\u")))
            return expected(r, "the second half of a surrogate pair");
        r->at += 2;
        TRY(read_hex(r, &low));
        if (low < 0xDC00 || low > 0xDFFF)
            return expected(r, "the second half of a surrogate pair");
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    put_utf8(&r->scratch, c);
    return ERR_OK;
}

static enum err read_escape(struct reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    r->at++;
    char c = peek(r);
    if (c == 'u') {
        r->at++;
        return read_unicode(r);
    }
    const char *found = c ? strchr(from, c) : NULL;
    if (!found)
        return expected(r, "an escape of JSON");
    buf_put_char(&r->scratch, to[found - from]);
    r->at++;
    return ERR_OK;
}

static enum err read_string(struct reader *r, struct slice *out)
{
    struct diag_place begin = here(r);
    buf_clear(&r->scratch);
    for (r->at++; peek(r) != '"';) {
        if (r->at >= r->text.len || peek(r) == '\n') {
            diag_add(r->diag, DIAG_ERROR, &begin, NULL, "this string has no end");
            return ERR_INPUT;
        }
        if ((unsigned char)peek(r) < ' ')
            return expected(r, "a printable character");
        if (peek(r) == '\\') {
            TRY(read_escape(r));
            continue;
        }
        size_t from = r->at;
        while (r->at < r->text.len && (unsigned char)r->text.at[r->at] >= ' ' && r->text.at[r->at] != '"' &&
               r->text.at[r->at] != '\\')
            r->at++;
        buf_put(&r->scratch, slice_of(r->text.at + from, r->at - from));
    }
    r->at++;
    if (!slice_utf8(buf_slice(&r->scratch))) {
        diag_add(r->diag, DIAG_ERROR, &begin, NULL, "this string is not UTF-8");
        return ERR_INPUT;
    }
    *out = arena_keep(r->arena, buf_slice(&r->scratch));
    return ERR_OK;
}

static size_t digits(struct slice s, size_t at)
{
    while (at < s.len && s.at[at] >= '0' && s.at[at] <= '9')
        at++;
    return at;
}

bool doc_is_number(struct slice s)
{
    size_t at = slice_starts(s, SLICE("-")) ? 1 : 0, from = at;
    at = digits(s, at);
    if (at == from || (s.at[from] == '0' && at > from + 1))
        return false;
    if (at < s.len && s.at[at] == '.') {
        from = at + 1;
        at = digits(s, from);
        if (at == from)
            return false;
    }
    if (at < s.len && (s.at[at] | 0x20) == 'e') {
        from = at + 1;
        from += from < s.len && (s.at[from] == '+' || s.at[from] == '-');
        at = digits(s, from);
        if (at == from)
            return false;
    }
    return at == s.len;
}

static enum err read_word(struct reader *r, struct doc_node *n)
{
    size_t from = r->at;
    while (r->at < r->text.len && !strchr(" \t\r\n,:]}[{\"", r->text.at[r->at]))
        r->at++;
    n->text = slice_of(r->text.at + from, r->at - from);
    if (slice_eq(n->text, SLICE("null")))
        n->kind = DOC_NULL;
    else if (slice_eq(n->text, SLICE("true")) || slice_eq(n->text, SLICE("false")))
        n->kind = DOC_BOOL;
    else if (doc_is_number(n->text))
        n->kind = DOC_NUMBER;
    else {
        r->at = from;
        return expected(r, "a JSON value");
    }
    n->text = arena_keep(r->arena, n->text);
    return ERR_OK;
}

static enum err read_value(struct reader *r, unsigned depth, struct doc_node *n);

static enum err read_key(struct reader *r, struct doc_node *child)
{
    if (peek(r) != '"')
        return expected(r, "a name in quotes");
    child->key_line = r->line;
    TRY(read_string(r, &child->key));
    skip_blank(r);
    if (peek(r) != ':')
        return expected(r, "`:`");
    r->at++;
    skip_blank(r);
    return ERR_OK;
}

static enum err refuse_again(struct reader *r, const struct doc_node *again)
{
    struct diag_place p = {.file = r->file, .text = r->text, .line = again->key_line, .column = 1};
    diag_add(r->diag, DIAG_ERROR, &p, "keep one of them", "`%.*s` stands here a second time",
             SLICE_FMT(slice_to(again->key, 80)));
    return ERR_INPUT;
}

static enum err read_children(struct reader *r, unsigned depth, struct doc_node *n, char end)
{
    struct doc_node *last = NULL;
    r->at++;
    skip_blank(r);
    while (peek(r) != end) {
        struct doc_node *child = arena_new(r->arena, sizeof(*child));
        if (n->kind == DOC_MAP)
            TRY(read_key(r, child));
        TRY(read_value(r, depth + 1, child));
        doc_add(n, child, &last);
        skip_blank(r);
        if (peek(r) == end)
            break;
        if (peek(r) != ',')
            return expected(r, end == '}' ? "`,` or `}`" : "`,` or `]`");
        r->at++;
        skip_blank(r);
        if (peek(r) == end)
            return expected(r, "another value behind the comma");
    }
    r->at++;
    const struct doc_node *again = NULL;
    if (n->kind == DOC_MAP && doc_close(n, r->arena, &again) != ERR_OK)
        return refuse_again(r, again);
    return ERR_OK;
}

static enum err read_value(struct reader *r, unsigned depth, struct doc_node *n)
{
    struct diag_place p = here(r);
    n->line = p.line;
    n->column = p.column;
    n->weight = 1;
    if (depth > DOC_DEPTH || ++r->weight > DOC_WEIGHT) {
        diag_add(r->diag, DIAG_ERROR, &p, NULL, depth > DOC_DEPTH ? "nested more than %d deep" : "more than %d values",
                 depth > DOC_DEPTH ? DOC_DEPTH : DOC_WEIGHT);
        return ERR_INPUT;
    }
    switch (peek(r)) {
    case '{':
        n->kind = DOC_MAP;
        return read_children(r, depth, n, '}');
    case '[':
        n->kind = DOC_LIST;
        return read_children(r, depth, n, ']');
    case '"':
        n->kind = DOC_STRING;
        return read_string(r, &n->text);
    default:
        return read_word(r, n);
    }
}

static enum err json_parse(struct reader *r, struct doc_node *root)
{
    TRY(read_value(r, 0, root));
    skip_blank(r);
    return r->at == r->text.len ? ERR_OK : expected(r, "the end of the document");
}

static bool looks_like_json(struct slice text)
{
    size_t at = 0;
    while (at < text.len && strchr(" \t\r\n", text.at[at]) && text.at[at])
        at++;
    struct slice rest = slice_from(text, at);
    return rest.len > 0 && (strchr("{[\"", rest.at[0]) || doc_is_number(slice_trim(rest)));
}

enum err doc_parse(struct slice text, const char *file, struct arena *arena, struct diag *diag, struct doc_node **out)
{
    if (slice_starts(text, SLICE("\xEF\xBB\xBF")))
        text = slice_from(text, 3);
    if (!looks_like_json(text))
        return doc_yaml_parse(text, file, arena, diag, out);
    struct reader r = {.text = text, .file = file, .line = 1, .arena = arena, .diag = diag};
    struct doc_node *root = arena_new(arena, sizeof(*root));
    buf_init(&r.scratch, text.len + 1);
    skip_blank(&r);
    enum err e = json_parse(&r, root);
    buf_fini(&r.scratch);
    if (e == ERR_OK)
        *out = root;
    return e;
}

/* --- One spelling. */

struct decimal {
    bool minus;
    struct slice whole, part;
    long exponent;
};

static bool split(struct slice s, struct decimal *d)
{
    *d = (struct decimal){.minus = slice_starts(s, SLICE("-"))};
    s = slice_from(s, d->minus);
    size_t end = digits(s, 0);
    d->whole = slice_to(s, end);
    s = slice_from(s, end);
    if (slice_starts(s, SLICE("."))) {
        end = digits(s, 1);
        d->part = slice_of(s.at + 1, end - 1);
        s = slice_from(s, end);
    }
    if (s.len == 0)
        return true;
    bool minus = slice_starts(slice_from(s, 1), SLICE("-")), plus = slice_starts(slice_from(s, 1), SLICE("+"));
    uint64_t e;
    if (slice_u64(slice_from(s, 1 + (minus || plus)), EXPONENT_MOST, &e) != ERR_OK)
        return false;
    d->exponent = minus ? -(long)e : (long)e;
    return true;
}

static char digit_at(const struct decimal *d, long at)
{
    if (at < 0 || at >= (long)(d->whole.len + d->part.len))
        return '0';
    return (size_t)at < d->whole.len ? d->whole.at[at] : d->part.at[(size_t)at - d->whole.len];
}

void doc_put_number(struct slice written, struct buf *out)
{
    struct decimal d;
    if (!doc_is_number(written) || !split(written, &d)) {
        buf_put(out, written);
        return;
    }
    long point = (long)d.whole.len + d.exponent, first = point < 0 ? point : 0;
    long last = (long)(d.whole.len + d.part.len);
    while (last > point && digit_at(&d, last - 1) == '0')
        last--;
    while (first < point - 1 && digit_at(&d, first) == '0')
        first++;
    bool zero = true;
    for (long i = first; i < last && zero; i++)
        zero = digit_at(&d, i) == '0';
    if (d.minus && !zero)
        buf_put_char(out, '-');
    if (point <= first)
        buf_put_char(out, '0');
    for (long i = first; i < point; i++)
        buf_put_char(out, digit_at(&d, i));
    if (last > point)
        buf_put_char(out, '.');
    for (long i = point; i < last; i++)
        buf_put_char(out, digit_at(&d, i));
}

static void put_string(struct slice s, struct buf *out)
{
    buf_put_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c == '"' || c == '\\')
            buf_put_char(out, '\\');
        if (c < ' ')
            buf_putf(out, "\\u%04x", c);
        else
            buf_put_char(out, (char)c);
    }
    buf_put_char(out, '"');
}

static int by_key(const void *a, const void *b)
{
    return slice_cmp((*(const struct doc_node *const *)a)->key, (*(const struct doc_node *const *)b)->key);
}

static void put_map(const struct doc_node *n, struct buf *out)
{
    const struct doc_node **sorted = mem_array(n->count + 1, sizeof(const struct doc_node *));
    size_t count = 0;
    for (const struct doc_node *c = n->first; c; c = c->next)
        sorted[count++] = c;
    qsort(sorted, count, sizeof(const struct doc_node *), by_key);
    buf_put_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_put_char(out, ',');
        put_string(sorted[i]->key, out);
        buf_put_char(out, ':');
        doc_put_json(sorted[i], out);
    }
    buf_put_char(out, '}');
    mem_free(sorted);
}

void doc_put_json(const struct doc_node *n, struct buf *out)
{
    switch (n->kind) {
    case DOC_NULL:
        buf_put(out, SLICE("null"));
        return;
    case DOC_BOOL:
        buf_put(out, n->text);
        return;
    case DOC_NUMBER:
        doc_put_number(n->text, out);
        return;
    case DOC_STRING:
        put_string(n->text, out);
        return;
    case DOC_LIST:
        buf_put_char(out, '[');
        for (const struct doc_node *c = n->first; c; c = c->next) {
            if (c != n->first)
                buf_put_char(out, ',');
            doc_put_json(c, out);
        }
        buf_put_char(out, ']');
        return;
    case DOC_MAP:
        put_map(n, out);
        return;
    }
}
