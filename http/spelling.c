#include "http/spelling.h"

enum { LIST_MOST = 4096 };

static size_t length_of_list(const struct headers *h)
{
    size_t len = 0;
    for (uint32_t i = 0; i < h->count; i++)
        len += h->v[i].spelled ? h->v[i].name.len + 1 : 0;
    return len;
}

void spelling_tell(struct headers *h, bool wanted)
{
    headers_remove(h, HEADERS_WEFT_CASE);
    size_t len = wanted ? length_of_list(h) : 0;
    if (len == 0 || len > LIST_MOST)
        return;
    char *list = arena_new(h->arena, len), *at = list;
    for (uint32_t i = 0; i < h->count; i++) {
        if (!h->v[i].spelled)
            continue;
        memcpy(at, h->v[i].spelled, h->v[i].name.len);
        at += h->v[i].name.len;
        *at++ = ',';
    }
    enum err told = headers_add_token(h, HEADERS_WEFT_CASE, slice_of(list, len - 1));
    (void)told; /* without it the names are lower case, as any peer's may be */
}

static void spell(struct headers *h, struct slice name)
{
    if (!headers_name_ok(name))
        return;
    for (uint32_t i = 0; i < h->count; i++)
        if (!h->v[i].spelled && slice_eq_nocase(h->v[i].name, name))
            h->v[i].spelled = name.at;
}

void spelling_heed(struct headers *h)
{
    struct slice list = slice_to(headers_value(h, HEADERS_WEFT_CASE), LIST_MOST), name;
    headers_remove(h, HEADERS_WEFT_CASE);
    while (slice_split(&list, ',', &name))
        spell(h, name);
}
