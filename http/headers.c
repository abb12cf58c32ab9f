#include "http/headers.h"

#include "base/check.h"

#define HEADERS_NAME_(name, text) [HEADERS_##name] = {text, sizeof(text) - 1},
static const struct slice names[HEADERS_TOKEN_COUNT] = {HEADERS_TOKENS(HEADERS_NAME_)};
#undef HEADERS_NAME_

_Static_assert(HEADERS_TOKEN_COUNT <= 64, "each token has a bit of `present`");

enum { FIRST_CAPACITY = 12, LONGEST_TOKEN = 23 };

void headers_init(struct headers *h, struct arena *arena)
{
    *h = (struct headers){.arena = arena};
}

/* Length and one or two characters leave one candidate; headers_token compares it once. */
static enum headers_token candidate(const char *n, size_t len)
{
    switch (len) {
    case 2:
        return HEADERS_TE;
    case 3:
        return HEADERS_VIA;
    case 4:
        return n[0] == 'd' ? HEADERS_DATE : n[0] == 'h' ? HEADERS_HOST : HEADERS_VARY;
    case 5:
        return n[0] == 'a' ? HEADERS_ALLOW : HEADERS_RANGE;
    case 6:
        return n[0] == 'a'   ? HEADERS_ACCEPT
               : n[0] == 'c' ? HEADERS_COOKIE
               : n[0] == 'e' ? HEADERS_EXPECT
                             : HEADERS_PREFER;
    case 7:
        return n[0] == 't' ? HEADERS_TRAILER : HEADERS_UPGRADE;
    case 8:
        return n[0] == 'l' ? HEADERS_LOCATION : HEADERS_WEFT_JOB;
    case 9:
        return HEADERS_WEFT_CASE;
    case 10:
        return n[0] == 'c'   ? HEADERS_CONNECTION
               : n[0] == 'k' ? HEADERS_KEEP_ALIVE
               : n[0] == 'u' ? HEADERS_USER_AGENT
                             : HEADERS_WEFT_ERROR;
    case 11:
        return n[0] == 'g' ? HEADERS_GRPC_STATUS : n[0] == 'r' ? HEADERS_RETRY_AFTER : HEADERS_TRACEPARENT;
    case 12:
        return n[0] == 'c'   ? HEADERS_CONTENT_TYPE
               : n[0] == 'w' ? (n[5] == 'a' ? HEADERS_WEFT_ATTEMPT : HEADERS_WEFT_TIMEOUT)
               : n[0] == 'x' ? HEADERS_X_REQUEST_ID
               : n[5] == 'm' ? HEADERS_GRPC_MESSAGE
                             : HEADERS_GRPC_TIMEOUT;
    case 13:
        return n[0] == 'a'   ? HEADERS_AUTHORIZATION
               : n[0] == 'c' ? HEADERS_CACHE_CONTROL
               : n[0] == 'l' ? HEADERS_LAST_EVENT_ID
               : n[5] == 'c' ? HEADERS_WEFT_CONTRACT
                             : HEADERS_WEFT_DEADLINE;
    case 14:
        return n[0] == 'c' ? HEADERS_CONTENT_LENGTH : HEADERS_HTTP2_SETTINGS;
    case 15:
        return n[0] == 'i' ? HEADERS_IDEMPOTENCY_KEY : n[0] == 'w' ? HEADERS_WEFT_REQUEST_ID : HEADERS_X_FORWARDED_FOR;
    case 16:
        return n[0] == 'c' ? HEADERS_CONTENT_ENCODING : HEADERS_PROXY_CONNECTION;
    case 17:
        return HEADERS_TRANSFER_ENCODING;
    case 18:
        return HEADERS_PREFERENCE_APPLIED;
    case 22:
        return HEADERS_WEFT_CONTRACT_PROVIDER;
    case 23:
        return HEADERS_X_FORWARDED_CLIENT_CERT;
    default:
        return HEADERS_OTHER;
    }
}

enum headers_token headers_token(struct slice lower_name)
{
    enum headers_token t = candidate(lower_name.at, lower_name.len);
    return t != HEADERS_OTHER && slice_eq(lower_name, names[t]) ? t : HEADERS_OTHER;
}

static enum err check_room(const struct headers *h, size_t name_len, size_t value_len)
{
    if (h->count >= HEADERS_MOST || name_len > HEADERS_BYTES || value_len > HEADERS_BYTES)
        return ERR_FULL;
    return h->bytes + name_len + value_len > HEADERS_BYTES ? ERR_FULL : ERR_OK;
}

static uint64_t bit(enum headers_token token)
{
    return UINT64_C(1) << token;
}

static void grow(struct headers *h)
{
    uint32_t cap = h->cap ? h->cap * 2 : FIRST_CAPACITY;
    struct header *v = arena_room(h->arena, cap * sizeof(*v));
    if (h->count > 0)
        memcpy(v, h->v, h->count * sizeof(*v));
    h->v = v;
    h->cap = cap;
}

/* Where the next field goes.  It is written there member by member: to copy one that was just written stalls the
 * processor, which cannot yet read in one piece what was stored in several. */
static struct header *next_place(struct headers *h)
{
    if (h->count == h->cap)
        grow(h);
    return &h->v[h->count];
}

/* The field that was written at next_place stays. */
static void keep_next(struct headers *h)
{
    const struct header *f = &h->v[h->count++];
    h->present |= bit(f->token);
    h->bytes += (uint32_t)(f->name.len + f->value.len);
}

static void append(struct headers *h, enum headers_token token, struct slice name, struct slice value)
{
    struct header *f = next_place(h);
    f->name = name;
    f->value = value;
    f->spelled = NULL;
    f->token = token;
    f->never_indexed = false;
    keep_next(h);
}

enum err headers_add(struct headers *h, struct slice name, struct slice value)
{
    TRY(check_room(h, name.len, value.len));
    append(h, headers_token(name), name, value);
    return ERR_OK;
}

enum err headers_add_token(struct headers *h, enum headers_token token, struct slice value)
{
    PRE(token > HEADERS_OTHER && token < HEADERS_TOKEN_COUNT);
    TRY(check_room(h, names[token].len, value.len));
    append(h, token, names[token], value);
    return ERR_OK;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The token's own spelling when it has one, so that common names cost no memory. */
static enum err intern_name(struct headers *h, struct slice name, struct header *field)
{
    char lowered[LONGEST_TOKEN];
    if (name.len <= sizeof(lowered)) {
        for (size_t i = 0; i < name.len; i++)
            lowered[i] = lower(name.at[i]);
        field->token = headers_token(slice_of(lowered, name.len));
        if (field->token != HEADERS_OTHER) {
            field->name = names[field->token];
            return ERR_OK;
        }
    }
    TRY(arena_copy(h->arena, name, &field->name));
    char *own = (char *)field->name.at; /* the arena's copy, ours to change */
    for (size_t i = 0; i < name.len; i++)
        own[i] = lower(own[i]);
    return ERR_OK;
}

static enum err keep_spelling(struct headers *h, struct slice name, struct header *field)
{
    struct slice copy;
    TRY(arena_copy(h->arena, name, &copy));
    field->spelled = copy.at;
    return ERR_OK;
}

enum err headers_add_copy(struct headers *h, struct slice name, struct slice value)
{
    TRY(check_room(h, name.len, value.len));
    struct header *f = next_place(h);
    *f = (struct header){0};
    TRY(intern_name(h, name, f));
    if (!slice_eq(name, f->name))
        TRY(keep_spelling(h, name, f));
    TRY(arena_copy(h->arena, value, &f->value));
    keep_next(h);
    return ERR_OK;
}

enum err headers_add_lower(struct headers *h, struct slice name, struct slice value)
{
    TRY(check_room(h, name.len, value.len));
    enum headers_token token = headers_token(name);
    struct slice own_name = names[token], own_value;
    if (token == HEADERS_OTHER)
        TRY(arena_copy(h->arena, name, &own_name));
    TRY(arena_copy(h->arena, value, &own_value));
    append(h, token, own_name, own_value);
    return ERR_OK;
}

enum err headers_add_field(struct headers *h, const struct header *field)
{
    TRY(check_room(h, field->name.len, field->value.len));
    *next_place(h) = *field;
    keep_next(h);
    return ERR_OK;
}

/* Keeps the fields for which `drop` says no, in order. */
static void keep_but(struct headers *h, bool (*drop)(const struct header *f, const void *arg), const void *arg)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        if (drop(&h->v[i], arg))
            h->bytes -= (uint32_t)(h->v[i].name.len + h->v[i].value.len);
        else
            h->v[kept++] = h->v[i];
    }
    h->count = kept;
}

static bool has_token(const struct header *f, const void *arg)
{
    const enum headers_token *token = arg;
    return f->token == *token;
}

static bool has_name(const struct header *f, const void *arg)
{
    const struct slice *name = arg;
    return slice_eq(f->name, *name);
}

enum err headers_set(struct headers *h, enum headers_token token, struct slice value)
{
    PRE(token > HEADERS_OTHER && token < HEADERS_TOKEN_COUNT);
    headers_remove(h, token);
    return headers_add_token(h, token, value);
}

void headers_remove(struct headers *h, enum headers_token token)
{
    if (!(h->present & bit(token)))
        return;
    keep_but(h, has_token, &token);
    h->present &= ~bit(token);
}

void headers_remove_name(struct headers *h, struct slice lower_name)
{
    keep_but(h, has_name, &lower_name);
}

const struct header *headers_get(const struct headers *h, enum headers_token token)
{
    for (uint32_t i = 0; (h->present & bit(token)) && i < h->count; i++)
        if (h->v[i].token == token)
            return &h->v[i];
    return NULL;
}

const struct header *headers_find(const struct headers *h, struct slice lower_name)
{
    for (uint32_t i = 0; i < h->count; i++)
        if (slice_eq(h->v[i].name, lower_name))
            return &h->v[i];
    return NULL;
}

struct slice headers_value(const struct headers *h, enum headers_token token)
{
    const struct header *f = headers_get(h, token);
    return f ? f->value : (struct slice){0};
}

static bool list_has(struct slice list, struct slice element)
{
    struct slice piece;
    while (slice_split(&list, ',', &piece))
        if (slice_eq_nocase(slice_trim(piece), element))
            return true;
    return false;
}

bool headers_lists(const struct headers *h, enum headers_token token, struct slice element)
{
    for (uint32_t i = 0; (h->present & bit(token)) && i < h->count; i++)
        if (h->v[i].token == token && list_has(h->v[i].value, element))
            return true;
    return false;
}

static bool is_token_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool headers_name_ok(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_token_char(name.at[i]))
            return false;
    return name.len > 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool headers_value_ok(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return value.len == 0 || (!is_blank(value.at[0]) && !is_blank(value.at[value.len - 1]));
}
