/* Sorted by their segments, templates with a common beginning stand together: a node of
 * the tree is such a run, and its children are the shorter runs in it.  Literals are
 * looked for before the variable, so what is found first is what wins.
 *
 * A template of more than 32 segments is in no tree but in a list: only a path of as
 * many segments fits it, so the two never compete. */
#include "contracts/paths.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"

enum { DEEPEST = 32 };

/* What is left of a path: its segments stand between slashes, and the last one ends it. */
struct rest {
    struct slice text;
    bool ended;
};

struct place { /* of a template in the order of segments */
    struct slice template, method;
    size_t entry;
    struct rest rest; /* while the tree grows: what is below the node */
    struct slice segment;
};

struct node {
    struct slice literal; /* its segment; of no meaning for a variable */
    struct place *ends;   /* templates that end here, in the order of entries */
    size_t end_count;
    struct node *variable;
    struct node *literals; /* in byte order */
    size_t literal_count;
};

struct paths {
    struct arena arena;
    struct node root; /* above the first segment */
    struct place *deep;
    size_t deep_count;
    struct map grpc; /* a path to its place */
};

/* --- segments --- */

static bool is_variable(struct slice segment)
{
    return slice_starts(segment, SLICE("{")) && slice_ends(segment, SLICE("}"));
}

static bool next_segment(struct rest *rest, struct slice *segment)
{
    if (rest->ended)
        return false;
    const char *slash = rest->text.len ? memchr(rest->text.at, '/', rest->text.len) : NULL;
    size_t len = slash ? (size_t)(slash - rest->text.at) : rest->text.len;
    *segment = slice_to(rest->text, len);
    rest->ended = !slash;
    rest->text = slice_from(rest->text, len + 1);
    return true;
}

static size_t depth_of(struct slice path)
{
    size_t slashes = 0, at;
    for (; slice_find(path, '/', &at); path = slice_from(path, at + 1))
        slashes++;
    return slashes + 1;
}

/* --- making --- */

static int compare_segments(struct slice a, struct slice b)
{
    bool a_varies = is_variable(a), b_varies = is_variable(b);
    if (a_varies || b_varies)
        return (int)b_varies - (int)a_varies;
    return slice_cmp(a, b);
}

/* Shorter first, variables before literals, and then as the entries stand. */
static int by_segments(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    struct rest of_a = {.text = a->template}, of_b = {.text = b->template};
    struct slice x, y;
    for (;;) {
        bool more_a = next_segment(&of_a, &x), more_b = next_segment(&of_b, &y);
        if (!more_a && !more_b)
            return a->entry < b->entry ? -1 : a->entry > b->entry;
        if (!more_a || !more_b)
            return more_a ? 1 : -1;
        int order = compare_segments(x, y);
        if (order != 0)
            return order;
    }
}

/* How many at the front have the same segment as the first. */
static size_t run_of(const struct place *v, size_t count)
{
    size_t n = 1;
    while (n < count && compare_segments(v->segment, v[n].segment) == 0)
        n++;
    return n;
}

static size_t count_runs(const struct place *v, size_t count)
{
    size_t runs = 0;
    for (size_t at = 0; at < count; at += run_of(v + at, count - at))
        runs++;
    return runs;
}

/* Those that end here stand first, then those with a variable, then literals.  Goes DEEPEST deep at most. */
static void grow(struct arena *a, struct node *n, struct place *v, size_t count)
{
    n->ends = v;
    for (size_t i = 0; i < count; i++)
        n->end_count += !next_segment(&v[i].rest, &v[i].segment);
    size_t at = n->end_count;
    if (at < count && is_variable(v[at].segment)) {
        size_t run = run_of(v + at, count - at);
        n->variable = arena_new(a, sizeof(*n->variable));
        grow(a, n->variable, v + at, run);
        at += run;
    }
    n->literals = arena_array(a, count_runs(v + at, count - at) + 1, sizeof(*n->literals));
    while (at < count) {
        struct node *child = &n->literals[n->literal_count++];
        size_t run = run_of(v + at, count - at);
        child->literal = v[at].segment;
        grow(a, child, v + at, run);
        at += run;
    }
}

static struct place *sort_out(struct paths *p, const struct paths_entry *entries, size_t count, size_t *shallow)
{
    struct place *v = arena_array(&p->arena, count + 1, sizeof(*v));
    p->deep = arena_array(&p->arena, count + 1, sizeof(*p->deep));
    *shallow = 0;
    for (size_t i = 0; i < count; i++) {
        const struct paths_entry *e = &entries[i];
        struct place place = {.template = e->template, .method = e->method, .entry = i, .rest = {.text = e->template}};
        if (e->template.len && depth_of(e->template) <= DEEPEST)
            v[(*shallow)++] = place;
        else if (e->template.len)
            p->deep[p->deep_count++] = place;
    }
    return v;
}

static void note_grpc(struct paths *p, const struct paths_entry *entries, size_t count)
{
    struct place *calls = arena_array(&p->arena, count + 1, sizeof(*calls));
    for (size_t i = 0; i < count; i++) {
        calls[i].entry = i;
        if (entries[i].grpc.len)
            map_keep(&p->grpc, entries[i].grpc, &calls[i]);
    }
}

struct paths *paths_new(const struct paths_entry *entries, size_t count)
{
    struct paths *p = mem_new(sizeof(*p));
    size_t shallow;
    struct place *v = sort_out(p, entries, count, &shallow);
    qsort(v, shallow, sizeof(*v), by_segments);
    grow(&p->arena, &p->root, v, shallow);
    note_grpc(p, entries, count);
    return p;
}

void paths_free(struct paths **p)
{
    if (!*p)
        return;
    map_fini(&(*p)->grpc);
    arena_fini(&(*p)->arena);
    mem_free(*p);
    *p = NULL;
}

/* --- finding --- */

static const struct node *find_literal(const struct node *n, struct slice segment)
{
    size_t low = 0, high = n->literal_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_cmp(n->literals[middle].literal, segment);
        if (order == 0)
            return &n->literals[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* `result` as far as it is known: one that has the path but not the method is better than none. */
static int find_end(const struct node *n, struct slice method, int result)
{
    for (size_t i = 0; i < n->end_count; i++)
        if (slice_eq(n->ends[i].method, method))
            return (int)n->ends[i].entry;
    return n->end_count ? PATHS_NO_METHOD : result;
}

static int find_below(const struct node *n, struct slice method, struct rest rest, int result)
{
    struct slice segment;
    if (!next_segment(&rest, &segment))
        return find_end(n, method, result);
    const struct node *literal = find_literal(n, segment);
    if (literal)
        result = find_below(literal, method, rest, result);
    if (result < 0 && n->variable && segment.len)
        result = find_below(n->variable, method, rest, result);
    return result;
}

static bool fits(struct slice template, struct slice path)
{
    struct rest wanted = {.text = template}, given = {.text = path};
    struct slice want, have;
    while (next_segment(&wanted, &want))
        if (!next_segment(&given, &have) || (is_variable(want) ? have.len == 0 : !slice_eq(want, have)))
            return false;
    return given.ended;
}

static bool more_literal(struct slice a, struct slice b)
{
    struct rest of_a = {.text = a}, of_b = {.text = b};
    struct slice x, y;
    while (next_segment(&of_a, &x) && next_segment(&of_b, &y))
        if (is_variable(x) != is_variable(y))
            return is_variable(y);
    return false;
}

static int find_deep(const struct paths *p, struct slice method, struct slice path)
{
    const struct place *best = NULL;
    int result = PATHS_NO_PATH;
    for (size_t i = 0; i < p->deep_count; i++) {
        const struct place *at = &p->deep[i];
        if (!fits(at->template, path))
            continue;
        if (!slice_eq(at->method, method))
            result = result == PATHS_NO_PATH ? PATHS_NO_METHOD : result;
        else if (!best || more_literal(at->template, best->template))
            best = at;
    }
    return best ? (int)best->entry : result;
}

/* gRPC's calls have one path each, whatever else their operations have. */
static int find_grpc(const struct paths *p, struct slice method, struct slice path)
{
    const struct place *call = p->grpc.count ? map_get(&p->grpc, path) : NULL;
    if (!call)
        return PATHS_NO_PATH;
    return slice_eq(method, SLICE("POST")) ? (int)call->entry : PATHS_NO_METHOD;
}

int paths_find(const struct paths *p, struct slice method, struct slice path)
{
    int result = find_below(&p->root, method, (struct rest){.text = path}, PATHS_NO_PATH);
    if (result == PATHS_NO_PATH && p->deep_count)
        result = find_deep(p, method, path);
    return result == PATHS_NO_PATH ? find_grpc(p, method, path) : result;
}
