#include "contracts/wire/plan.h"

#include <stdatomic.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/json_out.h"
#include "base/mem.h"
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
    [PLAN_NARROW] = "narrow", [PLAN_ENUM] = "enum",       [PLAN_STRIP] = "strip",
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

static bool is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_.-+$@:/~[]{}", c));
}

/* A word as it is, or as a JSON string when it has blanks, quotes or other marks. */
static void put_word(struct buf *out, struct slice word)
{
    size_t bare = 0;
    while (bare < word.len && is_bare(word.at[bare]))
        bare++;
    if (word.len > 0 && bare == word.len) {
        buf_put(out, word);
        return;
    }
    struct json_out j;
    json_out_init(&j, out, 0);
    json_out_slice(&j, word);
}

/* On one line and in one column: a tab or line end becomes a blank, which in JSON between tokens is the same. */
static void put_line(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_put_char(out, (unsigned char)text.at[i] < ' ' ? ' ' : text.at[i]);
}

static void put_table(struct buf *out, const struct plan_step *s)
{
    for (size_t i = 0; i < s->table_count; i++) {
        buf_put(out, i ? SLICE(", ") : SLICE(" "));
        put_word(out, s->table[2 * i]);
        buf_put(out, SLICE(" -> "));
        put_word(out, s->table[2 * i + 1]);
    }
    if (s->value.len == 0)
        return;
    buf_put(out, s->table_count ? SLICE(", else ") : SLICE(" else "));
    put_line(out, s->value);
}

static void put_operand(struct buf *out, const struct plan_step *s)
{
    put_word(out, s->op == PLAN_DEFAULT ? s->to : s->from);
    switch (s->op) {
    case PLAN_RENAME:
        buf_put(out, SLICE(" -> "));
        put_word(out, s->to);
        break;
    case PLAN_DEFAULT:
        buf_put(out, SLICE(" = "));
        put_line(out, s->value);
        break;
    case PLAN_WIDEN:
        buf_put_char(out, ' ');
        put_line(out, s->text);
        break;
    case PLAN_NARROW:
        buf_putf(out, " %lld..%lld", (long long)s->low, (long long)s->high);
        break;
    case PLAN_ENUM:
        put_table(out, s);
        break;
    case PLAN_STRIP:
        buf_put(out, SLICE(" (null becomes absent)"));
        break;
    case PLAN_DROP:
    case PLAN_OP_COUNT:
        break;
    }
}

void plan_put(const struct plan *p, struct buf *out)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct plan_step *s = &p->steps[i];
        buf_putf(out, "%s\t", plan_op_name(s->op));
        put_word(out, s->path);
        buf_put_char(out, '\t');
        put_operand(out, s);
        buf_putf(out, "\t%s", plan_law_name(s->law));
        if (s->why.len) {
            buf_put_char(out, '\t');
            put_line(out, s->why);
        }
        buf_put_char(out, '\n');
    }
}
