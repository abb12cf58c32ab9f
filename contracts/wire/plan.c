#include "contracts/wire/plan.h"

#include <stdatomic.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/mem.h"
#include "contracts/wire/pbmould.h"
#include "contracts/wire/pbplan.h"
#include "contracts/wire/plan_text.h"
#include "contracts/wire/plan_tree.h"

struct plan {
    atomic_uint refs;
    struct arena arena;
    struct plan_step *steps;
    size_t count, room;
    _Atomic(struct plan_tree *) tree; /* NULL: nobody has asked yet */
    _Atomic(struct pbplan *) pbplan;
};

static const char *const op_names[PLAN_OP_COUNT] = {
    [PLAN_RENAME] = "rename",       [PLAN_DEFAULT] = "default", [PLAN_DROP] = "drop",     [PLAN_WIDEN] = "widen",
    [PLAN_NARROW] = "narrow",       [PLAN_ENUM] = "enum",       [PLAN_STRIP] = "strip",   [PLAN_SCALE] = "scale",
    [PLAN_TEXT] = "text",           [PLAN_NUMBER] = "number",   [PLAN_ENCODE] = "encode", [PLAN_DECODE] = "decode",
    [PLAN_DATE] = "date",           [PLAN_EPOCH] = "epoch",     [PLAN_WRAP] = "wrap",     [PLAN_HEAD] = "head",
    [PLAN_HOIST] = "hoist",         [PLAN_PLUNGE] = "plunge",   [PLAN_METHOD] = "method", [PLAN_PATH] = "path",
    [PLAN_STATUS] = "status",       [PLAN_PARAM] = "param",     [PLAN_TAKE] = "take",     [PLAN_PUT] = "put",
    [PLAN_THEN] = "then",           [PLAN_FIELD] = "field",     [PLAN_INSIDE] = "inside", [PLAN_PROTOBUF] = "protobuf",
    [PLAN_TRANSCODE] = "transcode",
};

static const char *const in_names[PLAN_INS] = {
    [PLAN_IN_QUERY] = "query", [PLAN_IN_HEADER] = "header", [PLAN_IN_COOKIE] = "cookie",
    [PLAN_IN_PATH] = "path",   [PLAN_IN_STASH] = "stash",
};

static const char *const as_names[PLAN_ASES] = {
    [PLAN_AS_STRING] = "string", [PLAN_AS_NUMBER] = "number", [PLAN_AS_BOOL] = "bool", [PLAN_AS_JSON] = "json"};

static const char *const pick_names[] = {[PLAN_FIRST] = "first", [PLAN_LAST] = "last", [PLAN_ONLY] = "only"};

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
    atomic_init(&p->pbplan, NULL);
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
    if (step->types)
        kept->types = pbmould_ref(step->types);
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
    struct pbplan *pbplan = atomic_load(&plan->pbplan);
    pbplan_free(&pbplan);
    for (size_t i = 0; i < plan->count; i++)
        pbmould_unref(&plan->steps[i].types);
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

const char *plan_in_name(enum plan_in in)
{
    PRE(in < PLAN_INS);
    return in_names[in];
}

const char *plan_as_name(enum plan_as as)
{
    PRE(as < PLAN_ASES);
    return as_names[as];
}

const char *plan_pick_name(enum plan_pick pick)
{
    PRE(pick <= PLAN_ONLY);
    return pick_names[pick];
}

enum plan_law plan_op_law(enum plan_op op)
{
    switch (op) {
    case PLAN_RENAME:
    case PLAN_WIDEN:
    case PLAN_SCALE:
    case PLAN_TEXT:
    case PLAN_ENCODE:
    case PLAN_DATE:
    case PLAN_WRAP:
    case PLAN_HOIST:
    case PLAN_PLUNGE:
    case PLAN_METHOD:
    case PLAN_PATH:
    case PLAN_STATUS:
    case PLAN_PARAM:
    case PLAN_TAKE:
    case PLAN_PUT:
    case PLAN_PROTOBUF:
    case PLAN_FIELD:
    case PLAN_INSIDE:
    case PLAN_THEN:
        return PLAN_LOSSLESS;
    case PLAN_DEFAULT:
        return PLAN_DEFAULTING;
    case PLAN_NARROW:
    case PLAN_NUMBER:
    case PLAN_DECODE:
    case PLAN_EPOCH:
    case PLAN_TRANSCODE:
        return PLAN_PARTIAL;
    case PLAN_DROP:
    case PLAN_ENUM:
    case PLAN_STRIP:
    case PLAN_HEAD:
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

static bool on_head(enum plan_op op)
{
    return op == PLAN_METHOD || op == PLAN_PATH || op == PLAN_STATUS || op == PLAN_PARAM;
}

bool plan_rewrites(const struct plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        enum plan_op op = p->steps[i].op;
        if (op != PLAN_WIDEN && op != PLAN_THEN && op != PLAN_PROTOBUF && op != PLAN_INSIDE && !on_head(op))
            return true;
    }
    return false;
}

bool plan_reheads(const struct plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        enum plan_op op = p->steps[i].op;
        if (on_head(op) || op == PLAN_TAKE || op == PLAN_PUT)
            return true;
    }
    return false;
}

static void add_all(struct plan *to, const struct plan *from)
{
    for (size_t i = 0; from && i < from->count; i++)
        plan_add(to, &from->steps[i]);
}

struct plan *plan_then(const struct plan *first, const struct plan *second)
{
    if (!first && !second)
        return NULL;
    struct plan *both = plan_new();
    add_all(both, first);
    if (first && second)
        plan_add(both, &(struct plan_step){.op = PLAN_THEN, .path = SLICE("/")});
    add_all(both, second);
    return both;
}

size_t plan_stages(const struct plan *p)
{
    size_t stages = 1;
    for (size_t i = 0; i < p->count; i++)
        stages += p->steps[i].op == PLAN_THEN;
    return stages;
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

bool plan_is_protobuf(const struct plan *p)
{
    return p->count && (p->steps[0].op == PLAN_PROTOBUF || p->steps[0].op == PLAN_TRANSCODE);
}

bool plan_reads_json(const struct plan *p)
{
    return p->count && p->steps[0].op == PLAN_TRANSCODE && slice_eq(p->steps[0].from, SLICE("json"));
}

bool plan_writes_json(const struct plan *p)
{
    return p->count && p->steps[p->count - 1].op == PLAN_TRANSCODE &&
           slice_eq(p->steps[p->count - 1].to, SLICE("json"));
}

enum err plan_set_types(struct plan *p, size_t step, struct pbmould *types)
{
    PRE(step < p->count && p->steps[step].op == PLAN_TRANSCODE);
    if (!pbmould_message(types, p->steps[step].text))
        return ERR_ABSENT;
    pbmould_unref(&p->steps[step].types);
    p->steps[step].types = pbmould_ref(types);
    return ERR_OK;
}

const struct pbmould_message *plan_step_message(const struct plan *p, size_t step)
{
    PRE(step < p->count && p->steps[step].op == PLAN_TRANSCODE && p->steps[step].types);
    const struct pbmould_message *m = pbmould_message(p->steps[step].types, p->steps[step].text);
    PRE(m);
    return m;
}

const struct pbplan *plan_protobuf(struct plan *p)
{
    PRE(plan_is_protobuf(p));
    struct pbplan *pbplan = atomic_load(&p->pbplan);
    if (pbplan)
        return pbplan;
    struct pbplan *made = pbplan_new(p);
    if (atomic_compare_exchange_strong(&p->pbplan, &pbplan, made))
        return made;
    pbplan_free(&made);
    return pbplan;
}

void plan_put_name(struct buf *out, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '~')
            buf_put(out, SLICE("~0"));
        else if (name.at[i] == '/')
            buf_put(out, SLICE("~1"));
        else if (i == 0 && name.at[i] == '(')
            buf_put(out, SLICE("~2"));
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
