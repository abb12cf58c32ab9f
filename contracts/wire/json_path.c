#include "contracts/wire/json_path.h"

#include "base/mem.h"

enum { FIRST_STEPS = 8 };

void json_path_fini(struct json_path *p)
{
    mem_free(p->steps);
    *p = (struct json_path){0};
}

static bool is_kept(const struct json_path_step *s)
{
    return s->name.len == 0 || s->name.at == s->room;
}

/* Names that are kept move along. */
void json_path_grow(struct json_path *p)
{
    struct json_path_step *old = p->steps;
    p->room = p->room ? p->room * 2 : FIRST_STEPS;
    p->steps = mem_array(p->room, sizeof(*p->steps));
    for (size_t i = 0; i < p->depth; i++) {
        p->steps[i] = old[i];
        if (old[i].name.at == old[i].room)
            p->steps[i].name.at = p->steps[i].room;
    }
    mem_free(old);
}

void json_path_keep(struct json_path *p)
{
    for (size_t i = 0; i < p->depth; i++) {
        struct json_path_step *s = &p->steps[i];
        if (is_kept(s))
            continue;
        memcpy(s->room, s->name.at, s->name.len);
        s->name.at = s->room;
    }
}

void json_path_put(const struct json_path *p, struct buf *out)
{
    if (p->depth == 0)
        buf_put_char(out, '/');
    for (size_t i = 0; i < p->depth; i++) {
        const struct json_path_step *s = &p->steps[i];
        if (!s->object && s->index >= 0)
            buf_putf(out, "/[%lld]", (long long)s->index);
        else if (s->object && s->name.len) {
            buf_put_char(out, '/');
            buf_put_safe(out, s->name, JSON_PATH_NAME);
        } else if (p->depth == 1)
            buf_put_char(out, '/');
    }
}
