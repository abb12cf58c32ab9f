#include "contracts/profile.h"

#include "base/check.h"
#include "contracts/nearest.h"
#include "contracts/rule_book.h"
#include "contracts/rule_name.h"

/* --- What a profile is based on. */

/* "FILE,PACKAGE" of buf: names that the tool has, or categories. */
static bool pick(struct profile *p, struct slice tool, struct slice names)
{
    struct slice name;
    p->tool = arena_putf(&p->arena, "%.*s:", SLICE_FMT(tool));
    while (slice_split(&names, ',', &name)) {
        struct slice foreign = arena_putf(&p->arena, "%.*s%.*s", SLICE_FMT(p->tool), SLICE_FMT(slice_trim(name)));
        if (!rule_name_known(foreign))
            return false;
        map_put(&p->picks, foreign, p);
        struct rule_book_row row;
        for (struct rule_book_cursor c = {0}; rule_book_next(&c, "category", &row);)
            if (slice_eq(row.column[0], foreign))
                map_put(&p->picks, row.column[1], p);
    }
    return p->picks.count > 0;
}

static bool base_of_tool(struct profile *p, struct slice name, struct slice *base)
{
    size_t colon;
    struct rule_book_row row;
    if (p->tool.len || !slice_find(name, ':', &colon))
        return false;
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "tool", &row);)
        if (slice_eq(row.column[0], slice_to(name, colon))) {
            *base = row.column[1];
            return pick(p, row.column[0], slice_from(name, colon + 1));
        }
    return false;
}

static bool base_of(struct profile *p, struct slice name, struct slice *base)
{
    struct rule_book_row row;
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "policy", &row);)
        if (slice_eq(row.column[0], name)) {
            *base = row.column[1];
            return true;
        }
    return base_of_tool(p, name, base);
}

static bool find_chain(struct profile *p, struct slice name)
{
    struct slice base;
    for (; name.len; name = base) {
        if (!base_of(p, name, &base))
            return false;
        PRE(p->depth < PROFILE_DEPTH);
        p->chain[p->depth++] = name;
    }
    return p->depth > 0;
}

/* --- What it says. */

static size_t depth_of(const struct profile *p, struct slice name)
{
    size_t i = 0;
    while (i < p->depth && !slice_eq(p->chain[i], name))
        i++;
    return i;
}

static struct slice key_of(struct arena *a, struct slice rule, struct slice direction)
{
    return arena_putf(a, "%.*s %.*s", SLICE_FMT(rule), SLICE_FMT(direction));
}

static void take_level(struct profile *p, const struct rule_book_row *said)
{
    size_t depth = depth_of(p, said->column[0]);
    if (depth == p->depth)
        return;
    struct profile_row *row = arena_new(&p->arena, sizeof(*row));
    *row = (struct profile_row){
        .rule = said->column[1], .direction = said->column[2], .level = said->column[3], .depth = depth};
    if (slice_eq(row->rule, SLICE("*"))) {
        p->rest = row;
        return;
    }
    struct slice key = key_of(&p->arena, row->rule, row->direction);
    const struct profile_row *other = map_get(&p->by_rule, key);
    if (other && other->depth < depth)
        return;
    map_put(&p->by_rule, key, row);
    row->next = p->rows;
    p->rows = row;
}

static void take_levels(struct profile *p)
{
    struct rule_book_row row;
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "level", &row);)
        take_level(p, &row);
}

/* What is minded is a profile's own, not that of what it is based on.  TOOL:NAME has none but that of the tool's. */
static void take_minds(struct profile *p)
{
    struct rule_book_row row;
    size_t own = p->tool.len && slice_starts(p->chain[0], p->tool);
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "mind", &row);)
        if (slice_eq(row.column[0], p->chain[own]))
            profile_mind(p, row.column[1]);
}

static void take_known(struct profile *p, const char *relation)
{
    struct rule_book_row row;
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, relation, &row);)
        if (slice_starts(row.column[3], p->tool))
            map_put(&p->knows, key_of(&p->arena, row.column[0], row.column[1]), p);
}

enum err profile_init(struct profile *p, struct slice name)
{
    *p = (struct profile){0};
    arena_init(&p->arena, 0);
    if (!find_chain(p, name)) {
        profile_fini(p);
        return ERR_ABSENT;
    }
    take_levels(p);
    take_minds(p);
    if (p->tool.len) {
        take_known(p, "equivalent");
        take_known(p, "equivalent_where");
    }
    return ERR_OK;
}

void profile_fini(struct profile *p)
{
    map_fini(&p->by_rule);
    map_fini(&p->picks);
    map_fini(&p->knows);
    arena_fini(&p->arena);
    *p = (struct profile){0};
}

/* --- Questions. */

void profile_mind(struct profile *p, struct slice what)
{
    if (p->mind_count < PROFILE_MINDS && !profile_minds(p, what))
        p->minds[p->mind_count++] = what;
}

bool profile_minds(const struct profile *p, struct slice what)
{
    for (size_t i = 0; i < p->mind_count; i++)
        if (slice_eq(p->minds[i], what))
            return true;
    return false;
}

static void *find(const struct map *m, struct slice rule, struct slice direction)
{
    char key[160];
    PRE(rule.len + direction.len + 1 < sizeof(key));
    memcpy(key, rule.at, rule.len);
    key[rule.len] = ' ';
    memcpy(key + rule.len + 1, direction.at, direction.len);
    return map_get(m, slice_of(key, rule.len + direction.len + 1));
}

struct slice profile_level(const struct profile *p, struct slice rule, struct slice direction)
{
    const struct profile_row *row = find(&p->by_rule, rule, direction);
    if (p->rest && (!row || row->depth > p->rest->depth))
        return p->rest->level;
    return row ? row->level : (struct slice){0};
}

bool profile_is_off(const struct profile *p, struct slice rule, struct slice direction)
{
    return slice_eq(profile_level(p, rule, direction), SLICE("off"));
}

bool profile_knows(const struct profile *p, struct slice rule, struct slice direction)
{
    return find(&p->knows, rule, direction) != NULL;
}

bool profile_picks(const struct profile *p, struct slice foreign)
{
    return map_get(&p->picks, foreign) != NULL;
}

void profile_put_nearest(struct slice name, struct buf *out)
{
    struct nearest n = {.word = name};
    struct rule_book_row row;
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "policy", &row);)
        nearest_try(&n, row.column[0]);
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "category", &row);)
        nearest_try(&n, row.column[0]);
    if (slice_has(name, SLICE(":")))
        rule_name_offer(&n);
    nearest_put(&n, out);
}
