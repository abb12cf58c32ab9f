#ifndef WEFT_CONTRACTS_WIRE_JSON_PATH_H
#define WEFT_CONTRACTS_WIRE_JSON_PATH_H

/* json_path - where in a JSON text a reader stands, for people: /lines/[3]/qty.
 *
 * Lifetime: caller's memory; a zeroed one is empty and ready.
 * Threads:  belongs to one. */
#include "base/buf.h"

enum { JSON_PATH_NAME = 48 };

/* One open object or array. */
struct json_path_step {
    int64_t index;     /* of the element under way; -1: none yet */
    struct slice name; /* of the member under way, or its front; borrowed until json_path_keep */
    bool object;
    char room[JSON_PATH_NAME];
};

struct json_path {
    struct json_path_step *steps;
    size_t depth, room;
};

void json_path_fini(struct json_path *p);
void json_path_grow(struct json_path *p);

static inline void json_path_open(struct json_path *p, bool object)
{
    if (p->depth == p->room)
        json_path_grow(p);
    struct json_path_step *s = &p->steps[p->depth++];
    s->index = -1;
    s->name = (struct slice){0};
    s->object = object;
}

static inline void json_path_close(struct json_path *p)
{
    p->depth--;
}

static inline void json_path_name(struct json_path *p, struct slice name)
{
    p->steps[p->depth - 1].name = slice_to(name, JSON_PATH_NAME);
}

static inline void json_path_element(struct json_path *p)
{
    p->steps[p->depth - 1].index++;
}

/* The bytes that names were borrowed from are about to go. */
void json_path_keep(struct json_path *p);
void json_path_put(const struct json_path *p, struct buf *out);

#endif
