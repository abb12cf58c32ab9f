#include "proxy/head_plan.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/json_out.h"
#include "contracts/wire/json_tok.h"

enum { VALUE_MOST = 8 << 10, MARK = 8 };

static const char twice[] = "a parameter that is moved comes twice";
static const char unfit[] = "a value cannot stand where the provider reads it";
static const char no_scalar[] = "a member that becomes a parameter is no string, number or truth value";
static const char no_value[] = "a parameter is not of the type that the provider reads";

/* ---- percent-encoding (RFC 3986 section 2.1) ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct arena *arena, struct slice text, struct slice *out)
{
    char *into = arena_new(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '%') {
            into[len++] = text.at[i] == '+' ? ' ' : text.at[i];
            continue;
        }
        int high = i + 2 < text.len ? hex(text.at[i + 1]) : -1, low = i + 2 < text.len ? hex(text.at[i + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        into[len++] = (char)(unsigned char)(high << 4 | low);
        i += 2;
    }
    *out = slice_of(into, len);
    return true;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static struct slice encode(struct arena *arena, struct slice text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *into = arena_new(arena, text.len * 3 + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (is_unreserved(text.at[i])) {
            into[len++] = text.at[i];
            continue;
        }
        into[len++] = '%';
        into[len++] = digits[c >> 4];
        into[len++] = digits[c & 15];
    }
    return slice_of(into, len);
}

/* ---- where parameters are ---- */

struct head {
    struct message *m;
    struct arena *arena;
    const char *fault;
};

static enum err refuse(struct head *h, const char *fault)
{
    h->fault = fault;
    return ERR_PEER;
}

static struct slice lower(struct arena *arena, struct slice name)
{
    char *into = arena_new(arena, name.len + 1);
    for (size_t i = 0; i < name.len; i++)
        into[i] = name.at[i] >= 'A' && name.at[i] <= 'Z' ? (char)(name.at[i] | 0x20) : name.at[i];
    return slice_of(into, name.len);
}

static void split_path(struct slice whole, struct slice *path, struct slice *query)
{
    size_t mark = whole.len;
    slice_find(whole, '?', &mark);
    *path = slice_to(whole, mark);
    *query = slice_from(whole, mark + 1);
}

/* Takes NAME=VALUE out of a list; the rest keeps its bytes.  ABSENT: it is not there. */
static enum err take_pair(struct head *h, struct slice list, char between, struct slice name, bool coded,
                          struct slice *value, struct slice *rest)
{
    struct slice all = list, part, found = {0};
    char *kept = arena_new(h->arena, list.len + 2);
    size_t len = 0;
    bool there = false;
    while (slice_split(&all, between, &part)) {
        size_t equals;
        struct slice bare = between == ';' ? slice_trim(part) : part, key;
        equals = bare.len;
        slice_find(bare, '=', &equals);
        if (!coded)
            key = slice_to(bare, equals);
        else if (!decode(h->arena, slice_to(bare, equals), &key))
            key = (struct slice){0};
        if (slice_eq(key, name)) {
            if (there)
                return refuse(h, twice);
            there = true;
            found = slice_from(bare, equals + 1);
            continue;
        }
        if (len)
            kept[len++] = between;
        if (part.len) {
            memcpy(kept + len, part.at, part.len);
            len += part.len;
        }
    }
    if (!there)
        return ERR_ABSENT;
    *value = found;
    *rest = slice_of(kept, len);
    return ERR_OK;
}

static enum err take_query(struct head *h, struct slice name, struct slice *value, struct slice *path_left)
{
    struct slice path, query, raw, rest;
    split_path(h->m->path, &path, &query);
    TRY(take_pair(h, query, '&', name, true, &raw, &rest));
    if (!decode(h->arena, raw, value))
        return refuse(h, unfit);
    *path_left = rest.len ? arena_putf(h->arena, "%.*s?%.*s", SLICE_FMT(path), SLICE_FMT(rest)) : path;
    return ERR_OK;
}

static enum err find_field(struct head *h, struct slice name, struct slice *value)
{
    bool there = false;
    for (uint32_t i = 0; i < h->m->headers.count; i++) {
        if (!slice_eq(h->m->headers.v[i].name, name))
            continue;
        if (there)
            return refuse(h, twice);
        there = true;
        *value = h->m->headers.v[i].value;
    }
    return there ? ERR_OK : ERR_ABSENT;
}

static struct slice stash_name(struct head *h, struct slice name)
{
    return arena_putf(h->arena, "weft-stash-%.*s", SLICE_FMT(lower(h->arena, name)));
}

static enum err set_cookies(struct head *h, struct slice cookies)
{
    headers_remove(&h->m->headers, HEADERS_COOKIE);
    cookies = slice_trim(cookies);
    return cookies.len ? headers_add_token(&h->m->headers, HEADERS_COOKIE, cookies) : ERR_OK;
}

/* Finds a parameter, and takes it out of the head when `take`.  ABSENT: it is not there. */
static enum err get(struct head *h, enum plan_in in, struct slice name, bool take, struct slice *value)
{
    struct slice rest, bytes;
    switch (in) {
    case PLAN_IN_QUERY:
        TRY(take_query(h, name, value, &rest));
        if (take)
            h->m->path = rest;
        return ERR_OK;
    case PLAN_IN_COOKIE:
        TRY(take_pair(h, headers_value(&h->m->headers, HEADERS_COOKIE), ';', name, false, value, &rest));
        return take ? set_cookies(h, rest) : ERR_OK;
    case PLAN_IN_HEADER:
    case PLAN_IN_STASH:
        name = in == PLAN_IN_STASH ? stash_name(h, name) : lower(h->arena, name);
        TRY(find_field(h, name, &bytes));
        *value = arena_keep(h->arena, bytes);
        if (take)
            headers_remove_name(&h->m->headers, name);
        return ERR_OK;
    case PLAN_IN_PATH:
    case PLAN_INS:
        break;
    }
    return ERR_ABSENT;
}

static bool cookie_ok(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] <= ' ' || value.at[i] > '~' || strchr("\",;\\", value.at[i]))
            return false;
    return true;
}

static enum err set_cookie(struct head *h, struct slice name, struct slice value)
{
    struct slice now = headers_value(&h->m->headers, HEADERS_COOKIE);
    if (!cookie_ok(value))
        return refuse(h, unfit);
    return set_cookies(h, arena_putf(h->arena, "%.*s%s%.*s=%.*s", SLICE_FMT(now), now.len ? "; " : "", SLICE_FMT(name),
                                     SLICE_FMT(value)));
}

static enum err set_field(struct head *h, struct slice name, struct slice value)
{
    if (!headers_value_ok(value) || !headers_name_ok(name))
        return refuse(h, unfit);
    headers_remove_name(&h->m->headers, name);
    return headers_add(&h->m->headers, name, value);
}

static enum err set(struct head *h, enum plan_in in, struct slice name, struct slice value)
{
    struct slice path, query;
    switch (in) {
    case PLAN_IN_QUERY:
        split_path(h->m->path, &path, &query);
        h->m->path =
            arena_putf(h->arena, "%.*s?%.*s%s%.*s=%.*s", SLICE_FMT(path), SLICE_FMT(query), query.len ? "&" : "",
                       SLICE_FMT(encode(h->arena, name)), SLICE_FMT(encode(h->arena, value)));
        return ERR_OK;
    case PLAN_IN_COOKIE:
        return set_cookie(h, name, value);
    case PLAN_IN_HEADER:
        return set_field(h, lower(h->arena, name), value);
    case PLAN_IN_STASH:
        return set_field(h, stash_name(h, name), value);
    case PLAN_IN_PATH:
    case PLAN_INS:
        break;
    }
    return refuse(h, unfit);
}

/* ---- between text and JSON ---- */

static struct slice kept(struct head *h, struct buf *b)
{
    struct slice text = arena_keep(h->arena, buf_slice(b));
    buf_fini(b);
    return text;
}

static bool is_kind(struct slice json, enum plan_as as)
{
    bool digits = json.len && (json.at[0] == '-' || (json.at[0] >= '0' && json.at[0] <= '9'));
    if (!json_tok_whole(json))
        return false;
    if (as == PLAN_AS_NUMBER)
        return digits;
    return as == PLAN_AS_JSON || slice_eq(json, SLICE("true")) || slice_eq(json, SLICE("false"));
}

static enum err to_json(struct head *h, const struct plan_step *s, struct slice text, struct slice *json)
{
    struct buf b;
    struct json_out j;
    buf_init(&b, BUF_TEXT_BOUND);
    if (s->from_in == PLAN_IN_STASH) {
        char *room;
        size_t len = 0;
        enum err e = buf_room(&b, text.len + 1, &room);
        if (e == ERR_OK)
            e = hash_base64url(text, room, text.len + 1, &len);
        buf_wrote(&b, e == ERR_OK ? len : 0);
    } else if (s->as == PLAN_AS_STRING && slice_utf8(text)) {
        json_out_init(&j, &b, 0);
        json_out_slice(&j, text);
    } else if (s->as != PLAN_AS_STRING) {
        buf_put(&b, text);
    }
    *json = kept(h, &b);
    bool fine = s->from_in == PLAN_IN_STASH || s->as == PLAN_AS_STRING ? json_tok_whole(*json) : is_kind(*json, s->as);
    return fine ? ERR_OK : refuse(h, no_value);
}

static enum err to_text(struct head *h, const struct plan_step *s, struct slice json, struct slice *text)
{
    struct buf b;
    if (s->to_in == PLAN_IN_STASH) {
        buf_init(&b, BUF_TEXT_BOUND);
        hash_put_base64url(&b, json);
        *text = kept(h, &b);
        return ERR_OK;
    }
    struct json_tok t;
    struct json_token token = {0};
    struct slice rest = json;
    json_tok_init(&t, VALUE_MOST);
    t.collect = true;
    enum err e = json_tok_next(&t, &rest, &token);
    bool scalar = e == ERR_OK && token.kind == JSON_TOK_STRING;
    if (scalar)
        *text = arena_keep(h->arena, token.text);
    json_tok_fini(&t);
    if (scalar)
        return ERR_OK;
    *text = slice_trim(json);
    bool other = is_kind(*text, PLAN_AS_NUMBER) || is_kind(*text, PLAN_AS_BOOL);
    return other && json.len <= VALUE_MOST ? ERR_OK : refuse(h, no_scalar);
}

/* ---- paths ---- */

/* The segments of `path` that stand where `template` has {names}; as many as `room` has.  false: it is another path. */
static bool match(struct slice template, struct slice path, struct slice *names, struct slice *values, size_t room,
                  size_t *count)
{
    struct slice want, got;
    *count = 0;
    while (slice_split(&template, '/', &want)) {
        if (!slice_split(&path, '/', &got))
            return false;
        bool blank = want.len > 2 && want.at[0] == '{' && want.at[want.len - 1] == '}';
        if (!blank && !slice_eq(want, got))
            return false;
        if (!blank)
            continue;
        if (*count == room || got.len == 0)
            return false;
        names[*count] = want;
        values[(*count)++] = got;
    }
    return path.len == 0;
}

static struct slice value_of(const struct slice *names, const struct slice *values, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(names[i], name))
            return values[i];
    return name;
}

enum { BLANKS = 32 };

/* OK: `*path` is the same by the other template.  ABSENT: it is not of this one. */
static enum err reroute(struct arena *arena, struct slice from, struct slice to, struct slice *path)
{
    struct slice names[BLANKS], values[BLANKS], bare, query, word;
    size_t count;
    struct buf made;
    split_path(*path, &bare, &query);
    if (!match(from, bare, names, values, BLANKS, &count))
        return ERR_ABSENT;
    buf_init(&made, BUF_TEXT_BOUND);
    for (bool first = true; slice_split(&to, '/', &word); first = false) {
        if (!first)
            buf_put_char(&made, '/');
        buf_put(&made, value_of(names, values, count, word));
    }
    if (bare.len != path->len)
        buf_putf(&made, "?%.*s", SLICE_FMT(query));
    *path = arena_keep(arena, buf_slice(&made));
    buf_fini(&made);
    return ERR_OK;
}

/* ---- steps ---- */

static enum err do_param(struct head *h, const struct plan_step *s)
{
    struct slice value;
    enum err e = get(h, s->from_in, s->from, true, &value);
    if (e == ERR_ABSENT)
        return ERR_OK;
    TRY(e);
    return set(h, s->to_in, s->to, value);
}

static enum err do_take(struct head *h, const struct plan_step *s, size_t step, const struct rewrite *body)
{
    struct slice json, text;
    if (!body || rewrite_taken(body, step, &json) != ERR_OK || slice_eq(slice_trim(json), SLICE("null")))
        return ERR_OK;
    TRY(to_text(h, s, json, &text));
    return set(h, s->to_in, s->to, text);
}

static enum err do_put(struct head *h, const struct plan_step *s)
{
    struct slice value;
    enum err e = get(h, s->from_in, s->from, true, &value);
    return e == ERR_ABSENT ? ERR_OK : e;
}

static enum err do_step(struct head *h, const struct plan *p, size_t i, const struct rewrite *body)
{
    const struct plan_step *s = plan_step(p, i);
    switch (s->op) {
    case PLAN_METHOD:
        if (slice_eq(h->m->method, s->from))
            h->m->method = arena_keep(h->arena, s->to);
        return ERR_OK;
    case PLAN_PATH: {
        enum err e = reroute(h->arena, s->from, s->to, &h->m->path);
        return e == ERR_ABSENT ? ERR_OK : e;
    }
    case PLAN_PARAM:
        return do_param(h, s);
    case PLAN_TAKE:
        return do_take(h, s, i, body);
    case PLAN_PUT:
        return do_put(h, s);
    default:
        return ERR_OK;
    }
}

static enum err do_steps(const struct plan *p, const struct rewrite *body, struct message *m, const char **fault)
{
    struct head h = {.m = m, .arena = m->headers.arena};
    enum err e = ERR_OK;
    for (size_t i = 0; i < plan_count(p) && e == ERR_OK; i++)
        e = do_step(&h, p, i, body);
    *fault = h.fault;
    return e;
}

enum err head_plan_give(const struct plan *p, const struct message *in, struct slice path, struct rewrite *body,
                        const char **fault)
{
    struct message copy = *in;
    struct head h = {.m = &copy, .arena = in->headers.arena};
    enum err e = ERR_OK;
    copy.path = path;
    for (size_t i = 0; i < plan_count(p) && e == ERR_OK; i++) {
        const struct plan_step *s = plan_step(p, i);
        struct slice value, json;
        if (s->op != PLAN_PUT)
            continue;
        e = get(&h, s->from_in, s->from, false, &value);
        if (e == ERR_OK)
            e = to_json(&h, s, value, &json);
        if (e == ERR_OK)
            rewrite_give(body, i, json);
        e = e == ERR_ABSENT ? ERR_OK : e;
    }
    *fault = h.fault;
    return e;
}

enum err head_plan_request(const struct plan *p, const struct rewrite *body, struct message *m, const char **fault)
{
    return do_steps(p, body, m, fault);
}

unsigned head_plan_status(const struct plan *p, unsigned status)
{
    for (size_t i = 0; p && i < plan_count(p); i++) {
        const struct plan_step *s = plan_step(p, i);
        uint64_t from, to;
        if (s->op == PLAN_STATUS && slice_u64(s->from, 599, &from) == ERR_OK && slice_u64(s->to, 599, &to) == ERR_OK &&
            from == status && to >= 200)
            status = (unsigned)to;
    }
    return status;
}

enum err head_plan_response(const struct plan *p, const struct rewrite *body, struct message *m, const char **fault)
{
    unsigned status = head_plan_status(p, m->status);
    if (status != m->status)
        m->reason = (struct slice){0};
    m->status = status;
    return do_steps(p, body, m, fault);
}

/* ---- what points elsewhere ---- */

/* The path in an absolute or relative reference. */
static bool path_of(struct slice reference, struct slice *before, struct slice *path)
{
    size_t at = 0;
    *before = (struct slice){0};
    if (slice_starts(reference, SLICE("/")) && !slice_starts(reference, SLICE("//"))) {
        *path = reference;
        return true;
    }
    if (!slice_find(reference, ':', &at) || !slice_starts(slice_from(reference, at), SLICE("://")))
        return false;
    size_t host = at + 3, slash;
    if (!slice_find(slice_from(reference, host), '/', &slash))
        return false;
    *before = slice_to(reference, host + slash);
    *path = slice_from(reference, host + slash);
    return true;
}

enum err head_plan_location(const struct verdict *v, struct message *m)
{
    struct slice before, path;
    struct arena *arena = m->headers.arena;
    if (!path_of(headers_value(&m->headers, HEADERS_LOCATION), &before, &path))
        return ERR_OK;
    for (size_t i = 0; i < verdict_operation_count(v); i++) {
        const struct plan *p = verdict_operation(v, i)->request;
        for (size_t k = 0; p && k < plan_count(p); k++) {
            const struct plan_step *s = plan_step(p, k);
            if (s->op != PLAN_PATH || reroute(arena, s->to, s->from, &path) != ERR_OK)
                continue;
            return headers_set(&m->headers, HEADERS_LOCATION,
                               arena_putf(arena, "%.*s%.*s", SLICE_FMT(before), SLICE_FMT(path)));
        }
    }
    return ERR_OK;
}

/* ---- what a head says of its body ---- */

/* Eight hexadecimal digits for a pair of contracts. */
static void put_mark(const struct verdict *v, char mark[MARK + 1])
{
    static const char digits[] = "0123456789abcdef";
    const struct hash_digest *a = contract_digest(verdict_consumer(v)), *b = contract_digest(verdict_provider(v));
    for (size_t i = 0; i < MARK / 2; i++) {
        unsigned char both = (unsigned char)(a->b[i] ^ b->b[i + 4]);
        mark[2 * i] = digits[both >> 4];
        mark[2 * i + 1] = digits[both & 15];
    }
    mark[MARK] = '\0';
}

/* "x" becomes "x-w01234567"; a weak one says itself that bytes may differ. */
static enum err mark_tag(const struct verdict *v, struct message *m)
{
    const struct header *tag = headers_find(&m->headers, SLICE("etag"));
    char mark[MARK + 1];
    if (!tag || tag->value.len < 2 || tag->value.at[0] != '"' || tag->value.at[tag->value.len - 1] != '"')
        return ERR_OK;
    put_mark(v, mark);
    struct slice value =
        arena_putf(m->headers.arena, "%.*s-w%s\"", SLICE_FMT(slice_to(tag->value, tag->value.len - 1)), mark);
    headers_remove_name(&m->headers, SLICE("etag"));
    return headers_add(&m->headers, SLICE("etag"), value);
}

enum err head_plan_body_changed(const struct verdict *v, struct message *m)
{
    static const char *const untrue[] = {"content-md5",   "digest",    "content-digest", "repr-digest",
                                         "accept-ranges", "signature", "signature-input"};
    headers_remove(&m->headers, HEADERS_CONTENT_LENGTH);
    m->length = -1;
    for (size_t i = 0; i < sizeof(untrue) / sizeof(untrue[0]); i++)
        headers_remove_name(&m->headers, slice_str(untrue[i]));
    return mark_tag(v, m);
}

static enum err unmark(const struct verdict *v, struct message *m, struct slice name)
{
    char mark[MARK + 1], end[MARK + 4];
    const struct header *field = headers_find(&m->headers, name);
    if (!field)
        return ERR_OK;
    put_mark(v, mark);
    memcpy(end, "-w", 2);
    memcpy(end + 2, mark, MARK);
    memcpy(end + 2 + MARK, "\"", 2);
    struct slice tail = slice_of(end, MARK + 3), all = field->value;
    char *into = arena_new(m->headers.arena, all.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < all.len;) {
        if (slice_starts(slice_from(all, i), tail)) {
            into[len++] = '"';
            i += tail.len;
        } else {
            into[len++] = all.at[i++];
        }
    }
    headers_remove_name(&m->headers, name);
    return headers_add(&m->headers, name, slice_of(into, len));
}

static enum err limit_codings(struct message *m)
{
    bool gzip = false;
    for (uint32_t i = 0; i < m->headers.count; i++)
        if (slice_eq(m->headers.v[i].name, SLICE("accept-encoding")))
            gzip = gzip || (slice_has(m->headers.v[i].value, SLICE("gzip")) &&
                            !slice_has(m->headers.v[i].value, SLICE("gzip;q=0")));
    headers_remove_name(&m->headers, SLICE("accept-encoding"));
    return headers_add(&m->headers, SLICE("accept-encoding"), gzip ? SLICE("gzip") : SLICE("identity"));
}

enum err head_plan_answer_changes(const struct verdict *v, struct message *m)
{
    headers_remove(&m->headers, HEADERS_RANGE);
    headers_remove_name(&m->headers, SLICE("if-range"));
    TRY(unmark(v, m, SLICE("if-match")));
    TRY(unmark(v, m, SLICE("if-none-match")));
    return limit_codings(m);
}
