#ifndef WEFT_TESTS_FUZZ_PLAN_AND_BODY_H
#define WEFT_TESTS_FUZZ_PLAN_AND_BODY_H

/* plan_and_body - what targets share whose input is a text, an empty line, and a body. */
#include "contracts/wire/rewrite.h"

/* Where the body begins. */
static inline size_t plan_and_body_split(struct slice text)
{
    for (size_t at = 0; at + 1 < text.len; at++)
        if (text.at[at] == '\n' && text.at[at + 1] == '\n')
            return at + 2;
    return text.len;
}

/* The body through `r`, piece by piece; takes `r`. */
static inline enum err plan_and_body_rewrite(struct rewrite *r, struct slice body, size_t piece, struct buf *out)
{
    enum err e = ERR_OK;
    for (size_t at = 0; at < body.len && e == ERR_OK; at += piece)
        e = rewrite_feed(r, slice_to(slice_from(body, at), piece), out);
    if (e == ERR_OK)
        e = rewrite_finish(r, out);
    rewrite_free(&r);
    return e;
}

#endif
