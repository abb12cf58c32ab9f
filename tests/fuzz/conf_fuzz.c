/* Any text: refused with a complaint, or a tree.  A tree binds or is complained of; what binds is shown, and
 * what is shown binds back and is shown the same. */
#include <stdint.h>

#include "base/check.h"
#include "base/conf_bind.h"

struct leaf {
    const char *text;
    uint64_t count;
};

struct tree {
    const char *text;
    const char *path;
    struct conf_strings list;
    struct conf_pairs pairs;
    struct conf_map map;
    struct leaf leaf;
    int64_t time_us;
    bool yes;
};

static const struct conf_key leaf_keys[] = {
    {.name = "t", .type = CONF_STRING, .offset = offsetof(struct leaf, text)},
    {.name = "c", .type = CONF_COUNT, .offset = offsetof(struct leaf, count), .preset = "3", .min = 1, .max = 9},
    {0},
};

static const struct conf_key tree_keys[] = {
    {.name = "t", .type = CONF_STRING, .offset = offsetof(struct tree, text)},
    {.name = "p", .type = CONF_PATH, .offset = offsetof(struct tree, path)},
    {.name = "l", .type = CONF_STRINGS, .offset = offsetof(struct tree, list), .preset = "[a, b]"},
    {.name = "n", .type = CONF_PAIRS, .offset = offsetof(struct tree, pairs)},
    {.name = "m",
     .type = CONF_MAP,
     .offset = offsetof(struct tree, map),
     .sub = leaf_keys,
     .sub_size = sizeof(struct leaf)},
    {.name = "s", .type = CONF_TABLE, .offset = offsetof(struct tree, leaf), .sub = leaf_keys},
    {.name = "d", .type = CONF_DURATION, .offset = offsetof(struct tree, time_us)},
    {.name = "y", .type = CONF_BOOL, .offset = offsetof(struct tree, yes)},
    {0},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Adds to `shown` what `text` binds to.  false: it was complained of. */
static bool show(struct slice text, struct buf *shown)
{
    struct arena arena = {0};
    struct diag diag;
    struct conf *c = NULL;
    struct tree tree = {0};
    struct buf complaints;
    diag_init(&diag);
    buf_init(&complaints, BUF_TEXT_BOUND);
    enum err e = conf_parse(text, NULL, &diag, &c);
    if (e == ERR_OK)
        e = conf_bind(conf_root(c), tree_keys, &tree, &arena, &diag);
    if (e == ERR_OK)
        conf_bind_show(tree_keys, &tree, shown);
    POST((e == ERR_OK) == (diag.errors == 0));
    diag_print(&diag, &complaints);
    buf_fini(&complaints);
    conf_free(&c);
    arena_fini(&arena);
    diag_fini(&diag);
    return e == ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once, twice;
    buf_init(&once, BUF_TEXT_BOUND);
    buf_init(&twice, BUF_TEXT_BOUND);
    if (show(slice_of(data, size), &once)) {
        bool back = show(buf_slice(&once), &twice);
        POST(back && slice_eq(buf_slice(&once), buf_slice(&twice)));
    }
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
