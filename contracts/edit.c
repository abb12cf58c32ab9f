#include "contracts/edit.h"

#include <stdlib.h>

void edit_list_init(struct edit_list *l, struct arena *arena)
{
    *l = (struct edit_list){.arena = arena};
    l->last = &l->first;
}

void edit_list_fini(struct edit_list *l)
{
    map_fini(&l->by_content);
    map_fini(&l->by_difference);
}

/* --- One edit, one entry. */

static struct edit *append(struct edit_list *l)
{
    struct edit *e = arena_new(l->arena, sizeof(*e));
    *l->last = e;
    l->last = &e->next;
    return e;
}

static struct slice side_of(enum verdict_direction d, bool consumer, struct slice writer, struct slice reader)
{
    return (d == VERDICT_REQUEST) == consumer ? writer : reader;
}

/* Requests and responses that meet the same on both sides are one edit. */
static struct slice content_of(struct edit_list *l, const struct graph_difference *d, enum verdict_level level)
{
    enum verdict_direction dir = d->node->direction;
    struct slice parts[] = {
        d->kind,
        side_of(dir, true, d->from, d->to),
        side_of(dir, false, d->from, d->to),
        side_of(dir, true, d->sent, d->read),
        side_of(dir, false, d->sent, d->read),
    };
    size_t count = sizeof(parts) / sizeof(parts[0]), room = 1;
    for (size_t i = 0; i < count; i++)
        room += sizeof(parts[i].len) + parts[i].len;
    char *content = arena_new(l->arena, room);
    size_t len = 0;
    content[len++] = (char)level;
    for (size_t i = 0; i < count; i++) {
        memcpy(content + len, &parts[i].len, sizeof(parts[i].len));
        len += sizeof(parts[i].len);
        if (parts[i].len)
            memcpy(content + len, parts[i].at, parts[i].len);
        len += parts[i].len;
    }
    return slice_of(content, len);
}

static struct edit *with_content(struct edit_list *l, const struct graph_difference *d, enum verdict_level level)
{
    struct slice content = content_of(l, d, level);
    struct edit *e = map_get(&l->by_content, content);
    if (e)
        return e;
    e = append(l);
    e->difference = d;
    e->level = level;
    map_put(&l->by_content, content, e);
    return e;
}

struct edit *edit_of(struct edit_list *l, const struct graph_difference *d, enum verdict_level level)
{
    const uintptr_t key[] = {(uintptr_t)d, level};
    struct slice bytes = slice_of(key, sizeof(key));
    struct edit *e = map_get(&l->by_difference, bytes);
    if (!e) {
        e = with_content(l, d, level);
        map_put(&l->by_difference, arena_keep(l->arena, bytes), e);
    }
    e->request = e->request || d->node->direction == VERDICT_REQUEST;
    e->response = e->response || d->node->direction == VERDICT_RESPONSE;
    return e;
}

struct edit *edit_of_surface(struct edit_list *l, const struct graph_surface *s, enum verdict_level level)
{
    struct edit *e = append(l);
    e->surface = s;
    e->level = level;
    return e;
}

void edit_reaches(struct edit_list *l, struct edit *e, struct slice operation)
{
    if (e->operation_count > 0 && slice_eq(e->operations[e->operation_count - 1], operation))
        return;
    if (e->operation_count == e->operation_room) {
        size_t room = e->operation_room ? e->operation_room * 2 : 4;
        struct slice *bigger = arena_array(l->arena, room, sizeof(*bigger));
        if (e->operation_count)
            memcpy(bigger, e->operations, e->operation_count * sizeof(*bigger));
        e->operations = bigger;
        e->operation_room = room;
    }
    e->operations[e->operation_count++] = operation;
}

/* --- Findings. */

static struct slice *keep_all(struct arena *a, const struct slice *v, size_t count)
{
    struct slice *kept = arena_array(a, count + 1, sizeof(*kept));
    for (size_t i = 0; i < count; i++)
        kept[i] = arena_keep(a, v[i]);
    return kept;
}

size_t edit_next(const struct edit *e, size_t from, size_t all)
{
    while (from < all) {
        uint64_t word = e->reached[from / 64] >> (from % 64);
        if (word)
            return from + (size_t)__builtin_ctzll(word) < all ? from + (size_t)__builtin_ctzll(word) : all;
        from = (from / 64 + 1) * 64;
    }
    return all;
}

/* Names live as long as the contract, which the verdict holds. */
static void expand(const struct edit *e, const struct finding_source *source, struct verdict_finding *f)
{
    size_t all = contract_operation_count(source->consumer), count = 0;
    for (size_t i = edit_next(e, 0, all); i < all; i = edit_next(e, i + 1, all))
        count++;
    f->operations = arena_array(source->keep, count + 1, sizeof(*f->operations));
    for (size_t i = edit_next(e, 0, all); i < all; i = edit_next(e, i + 1, all))
        f->operations[f->operation_count++] = contract_operation_name(source->consumer, i);
}

static void finish(const struct edit *e, const struct finding_source *source, struct verdict_finding *f)
{
    struct arena *keep = source->keep;
    if (e->surface)
        finding_of_surface(source, e->surface, f);
    else
        finding_of_difference(source, e->difference, f);
    f->level = e->level;
    f->both_directions = e->request && e->response;
    if (e->reached) {
        expand(e, source, f);
    } else {
        f->operations = keep_all(keep, e->operations, e->operation_count);
        f->operation_count = e->operation_count;
    }
    f->messages = keep_all(keep, e->holders, e->holder_count);
    f->message_count = e->holder_count;
    f->operation = f->operation_count ? f->operations[0] : (struct slice){0};
    if (e->witness.len)
        f->witness = arena_keep(keep, e->witness);
    if (e->no_plan)
        f->message = arena_putf(keep, "%.*s; not bridged: %s", SLICE_FMT(f->message), e->no_plan);
}

static int worst_first(const void *a, const void *b)
{
    const struct verdict_finding *x = a, *y = b;
    if (x->level != y->level)
        return x->level > y->level ? -1 : 1;
    int order = slice_cmp(x->where, y->where);
    return order ? order : slice_cmp(x->id, y->id);
}

/* It stands for findings of any operation. */
static struct verdict_finding more(const struct finding_source *source, size_t count, enum verdict_level worst)
{
    size_t operations = contract_operation_count(source->consumer);
    struct slice *names = arena_array(source->keep, operations + 1, sizeof(*names));
    for (size_t i = 0; i < operations; i++)
        names[i] = contract_operation_name(source->consumer, i);
    return (struct verdict_finding){
        .level = worst,
        .direction = VERDICT_SURFACE,
        .id = SLICE("ffffffffffffffff"),
        .rule = SLICE("more"),
        .operations = names,
        .operation_count = operations,
        .message = arena_putf(source->keep, "%zu more findings are not shown", count),
        .fix = SLICE("mend these first"),
    };
}

/* More than EDIT_FINDINGS_MOST nobody reads; two contracts that have nothing in common differ everywhere. */
size_t edit_findings(const struct edit_list *l, const struct finding_source *source, struct verdict_finding *out)
{
    size_t count = 0, left = 0, bridged = 0;
    enum verdict_level worst_left = VERDICT_SAME;
    for (enum verdict_level level = VERDICT_BREAKING; level >= VERDICT_COMPATIBLE; level--)
        for (const struct edit *e = l->first; e; e = e->next) {
            if (e->level != level)
                continue;
            if (count < EDIT_FINDINGS_MOST) {
                struct finding_source with = *source;
                with.unproven = level <= VERDICT_ADAPTABLE && bridged++ >= source->bridged_proofs;
                finish(e, &with, &out[count++]);
                continue;
            }
            left++;
            worst_left = level > worst_left ? level : worst_left;
        }
    if (left)
        out[count++] = more(source, left, worst_left);
    if (count)
        qsort(out, count, sizeof(*out), worst_first);
    return count;
}
