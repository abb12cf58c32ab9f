#include "http/h2_fields.h"

static enum err keep(struct headers *h, struct slice name, struct slice value, bool never_indexed)
{
    TRY(headers_add_lower(h, name, value));
    h->v[h->count - 1].never_indexed = never_indexed;
    return ERR_OK;
}

/* Where a pseudo field lives in the message; NULL for :status. */
static struct slice *pseudo(struct message *m, struct slice name)
{
    switch (name.at[1]) {
    case 'm':
        return &m->method;
    case 's':
        return name.at[2] == 'c' ? &m->scheme : NULL;
    case 'a':
        return &m->authority;
    case 'p':
        return name.at[2] == 'a' ? &m->path : &m->protocol;
    default:
        return NULL;
    }
}

enum err h2_fields_head(struct message *m, struct slice name, struct slice value, bool never_indexed)
{
    if (name.len < 3 || name.at[0] != ':')
        return keep(&m->headers, name, value, never_indexed);
    size_t cost = name.len + value.len;
    if (cost > HEADERS_BYTES - m->headers.bytes)
        return ERR_FULL;
    struct slice *place = pseudo(m, name);
    if (place) {
        m->headers.bytes += (uint32_t)cost;
        return arena_copy(m->headers.arena, value, place);
    }
    uint64_t status = 0;
    TRY(slice_u64(value, 999, &status));
    m->status = (unsigned)status;
    return ERR_OK;
}

enum err h2_fields_trailer(struct message *m, struct slice name, struct slice value, bool never_indexed)
{
    return keep(&m->trailers, name, value, never_indexed);
}

/* Section 8.2.3: crumbs become one field again, joined by "; ". */
static void join_cookies(struct headers *h)
{
    size_t crumbs = 0, len = 0;
    struct header *first = NULL;
    if (!headers_get(h, HEADERS_COOKIE))
        return;
    for (uint32_t i = 0; i < h->count; i++) {
        if (h->v[i].token != HEADERS_COOKIE)
            continue;
        first = first ? first : &h->v[i];
        len += h->v[i].value.len + 2;
        crumbs++;
    }
    if (crumbs < 2)
        return;
    char *whole = arena_new(h->arena, len);
    size_t at = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice crumb = h->v[i].value;
        bool is_crumb = h->v[i].token == HEADERS_COOKIE;
        if (is_crumb) {
            if (at > 0) {
                whole[at++] = ';';
                whole[at++] = ' ';
            }
            memcpy(whole + at, crumb.at, crumb.len);
            at += crumb.len;
        }
        if (!is_crumb || &h->v[i] == first)
            h->v[kept++] = h->v[i];
    }
    h->count = kept;
    first->value = slice_of(whole, at);
}

/* Section 8.3.1: two names for the target that differ are an attack on whoever believes the other. */
static enum err fold_host(struct message *m)
{
    const struct header *host = headers_get(&m->headers, HEADERS_HOST);
    if (!host)
        return ERR_OK;
    if (m->authority.len == 0)
        m->authority = host->value;
    else if (!slice_eq_nocase(m->authority, host->value))
        return ERR_PEER;
    headers_remove(&m->headers, HEADERS_HOST);
    return ERR_OK;
}

enum err h2_fields_close(struct message *m)
{
    join_cookies(&m->headers);
    if (m->method.len > 0)
        TRY(fold_host(m));
    if (m->protocol.len > 0)
        m->method = SLICE("GET"); /* RFC 8441 section 5: what it stands for */
    const struct header *length = headers_get(&m->headers, HEADERS_CONTENT_LENGTH);
    uint64_t n = 0;
    if (length && slice_u64(length->value, INT64_MAX, &n) == ERR_OK)
        m->length = (int64_t)n;
    return ERR_OK;
}

bool h2_fields_barred(const struct header *field)
{
    switch (field->token) {
    case HEADERS_CONNECTION:
    case HEADERS_HOST:
    case HEADERS_HTTP2_SETTINGS:
    case HEADERS_KEEP_ALIVE:
    case HEADERS_PROXY_CONNECTION:
    case HEADERS_TRANSFER_ENCODING:
    case HEADERS_UPGRADE:
        return true;
    case HEADERS_TE:
        return !slice_eq_nocase(field->value, SLICE("trailers"));
    default:
        return false;
    }
}
