#include "contracts/wire/plan.h"

#include <stdatomic.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/mem.h"
#include "contracts/wire/plan_text.h"
#include "contracts/wire/plan_tree.h"

struct plan {
    atomic_uint refs;
    struct arena arena;
    struct plan_step *steps;
    size_t count, room;
    _Atomic(struct plan_tree *) tree; /* NULL: nobody has asked yet */
};

static const char *const op_names[PLAN_OP_COUNT] = {
    [PLAN_RENAME] = "rename", [PLAN_DEFAULT] = "default", [PLAN_DROP] = "drop",   [PLAN_WIDEN] = "widen",
    [PLAN_NARROW] = "narrow", [PLAN_ENUM] = "enum",       [PLAN_STRIP] = "strip", [PLAN_SCALE] = "scale",
    [PLAN_TEXT] = "text",     [PLAN_NUMBER] = "number",
};

static const char *const law_names[] = {
    [PLAN_LOSSLESS] = "lossless",
    [PLAN_ONE_WAY] = "one-way",
    [PLAN_DEFAULTING] = "defaulting",
    [PLAN_PARTIAL] = "partial",
};

struct plan *plan_new(void)
{
    struct plan *p = mem_new(sizeof(*p));
    arena_init(&p->arena, 0);
    atomic_init(&p->refs, 1);
    atomic_init(&p->tree, NULL);
    return p;
}

static const struct slice *keep_table(struct plan *p, const struct plan_step *step)
{
    if (step->table_count == 0)
        return NULL;
    struct slice *table = arena_array(&p->arena, step->table_count * 2, sizeof(*table));
    for (size_t i = 0; i < step->table_count * 2; i++)
        table[i] = arena_keep(&p->arena, step->table[i]);
    return table;
}

void plan_add(struct plan *p, const struct plan_step *step)
{
    PRE(atomic_load(&p->refs) == 1);
    PRE(atomic_load(&p->tree) == NULL);
    PRE(step->op < PLAN_OP_COUNT);
    if (p->count == p->room) {
        p->room = p->room ? p->room * 2 : 8;
        p->steps = mem_resize(p->steps, p->room, sizeof(*p->steps));
    }
    struct plan_step *kept = &p->steps[p->count++];
    *kept = *step;
    kept->path = arena_keep(&p->arena, step->path);
    kept->from = arena_keep(&p->arena, step->from);
    kept->to = arena_keep(&p->arena, step->to);
    kept->value = arena_keep(&p->arena, step->value);
    kept->text = arena_keep(&p->arena, step->text);
    kept->why = arena_keep(&p->arena, step->why);
    kept->table = keep_table(p, step);
}

struct plan *plan_ref(struct plan *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

void plan_unref(struct plan **p)
{
    struct plan *plan = *p;
    *p = NULL;
    if (!plan || atomic_fetch_sub(&plan->refs, 1) != 1)
        return;
    struct plan_tree *tree = atomic_load(&plan->tree);
    plan_tree_free(&tree);
    arena_fini(&plan->arena);
    mem_free(plan->steps);
    mem_free(plan);
}

size_t plan_count(const struct plan *p)
{
    return p->count;
}

const struct plan_step *plan_step(const struct plan *p, size_t i)
{
    PRE(i < p->count);
    return &p->steps[i];
}

const char *plan_op_name(enum plan_op op)
{
    PRE(op < PLAN_OP_COUNT);
    return op_names[op];
}

const char *plan_law_name(enum plan_law law)
{
    PRE(law <= PLAN_PARTIAL);
    return law_names[law];
}

enum plan_law plan_op_law(enum plan_op op)
{
    switch (op) {
    case PLAN_RENAME:
    case PLAN_WIDEN:
    case PLAN_SCALE:
    case PLAN_TEXT:
        return PLAN_LOSSLESS;
    case PLAN_DEFAULT:
        return PLAN_DEFAULTING;
    case PLAN_NARROW:
    case PLAN_NUMBER:
        return PLAN_PARTIAL;
    case PLAN_DROP:
    case PLAN_ENUM:
    case PLAN_STRIP:
    case PLAN_OP_COUNT:
        break;
    }
    return PLAN_ONE_WAY;
}

enum plan_law plan_law(const struct plan *p)
{
    enum plan_law weakest = PLAN_LOSSLESS;
    for (size_t i = 0; i < p->count; i++)
        if (p->steps[i].law > weakest)
            weakest = p->steps[i].law;
    return weakest;
}

bool plan_rewrites(const struct plan *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->steps[i].op != PLAN_WIDEN)
            return true;
    return false;
}

const struct plan_tree *plan_compiled(struct plan *p)
{
    struct plan_tree *tree = atomic_load(&p->tree);
    if (tree)
        return tree;
    struct plan_tree *made = plan_tree_new(p);
    if (atomic_compare_exchange_strong(&p->tree, &tree, made))
        return made;
    /* Another thread was faster. */
    plan_tree_free(&made);
    return tree;
}

void plan_put_name(struct buf *out, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '~')
            buf_put(out, SLICE("~0"));
        else if (name.at[i] == '/')
            buf_put(out, SLICE("~1"));
        else
            buf_put_char(out, name.at[i]);
    }
}

void plan_put(const struct plan *p, struct buf *out)
{
    plan_text_put(p, out);
}

enum err plan_parse(struct slice text, const char *file, struct diag *diag, struct plan **out)
{
    return plan_text_parse(text, file, diag, out);
}
