#include "contracts/wire/plan_tree.h"

#include "base/check.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "contracts/wire/json_tok.h"

static struct plan_tree_node *node_new(struct plan_tree *t)
{
    struct plan_tree_node *n = arena_new(&t->arena, sizeof(*n));
    n->change = PLAN_TREE_NONE;
    n->narrow = PLAN_TREE_NONE;
    n->turn = PLAN_TREE_NONE;
    n->shape = PLAN_TREE_NONE;
    n->last_out = &n->outs;
    n->last_slot = &n->slots;
    n->last_host = &n->hosts;
    n->last_choice = &n->choices;
    n->made_before = t->newest;
    t->newest = n;
    return n;
}

static struct plan_tree_node *sub_node(struct plan_tree *t, struct plan_tree_node **at)
{
    if (!*at)
        *at = node_new(t);
    return *at;
}

static struct slice quote(struct plan_tree *t, struct slice text)
{
    struct buf b;
    struct json_out j;
    buf_init(&b, BUF_TEXT_BOUND);
    json_out_init(&j, &b, 0);
    json_out_slice(&j, text);
    struct slice quoted = arena_keep(&t->arena, buf_slice(&b));
    buf_fini(&b);
    return quoted;
}

static struct plan_tree_member *member_at(struct plan_tree *t, struct plan_tree_node *n, struct slice name)
{
    struct plan_tree_member *m = map_get(&n->members, name);
    if (m)
        return m;
    m = arena_new(&t->arena, sizeof(*m));
    *m = (struct plan_tree_member){.name = name,
                                   .hash = json_names_hash(name),
                                   .rename = PLAN_TREE_NONE,
                                   .drop = PLAN_TREE_NONE,
                                   .strip = PLAN_TREE_NONE};
    map_put(&n->members, name, m);
    return m;
}

/* A member that comes in under this name, and keeps it, goes out as this too. */
static struct plan_tree_out *out_at(struct plan_tree *t, struct plan_tree_node *n, struct slice name)
{
    for (struct plan_tree_out *o = n->outs; o; o = o->next)
        if (slice_eq(o->name, name))
            return o;
    struct plan_tree_out *o = arena_new(&t->arena, sizeof(*o));
    *o = (struct plan_tree_out){.number = n->out_count++,
                                .name = name,
                                .quoted = quote(t, name),
                                .fill = PLAN_TREE_NONE,
                                .put = PLAN_TREE_NONE};
    *n->last_out = o;
    n->last_out = &o->next;
    struct plan_tree_member *m = member_at(t, n, name);
    if (m->rename == PLAN_TREE_NONE)
        m->out = o;
    return o;
}

/* One name of a path: ~1 is "/", ~0 is "~", ~2 is "(". */
static struct slice path_name(struct plan_tree *t, struct slice word)
{
    size_t tilde;
    if (!slice_find(word, '~', &tilde))
        return word;
    char *into = arena_new(&t->arena, word.len);
    size_t len = 0;
    for (size_t i = 0; i < word.len; i++) {
        char next = i + 1 < word.len ? word.at[i + 1] : '\0';
        bool escape = word.at[i] == '~' && next >= '0' && next <= '2';
        into[len++] = !escape ? word.at[i] : next == '0' ? '~' : next == '1' ? '/' : '(';
        i += escape;
    }
    return slice_of(into, len);
}

/* NULL: the word says no branch. */
static struct plan_tree_node *branch_under(struct plan_tree *t, struct plan_tree_node *n, struct slice word)
{
    struct plan_branch branch;
    if (!plan_branch_is(word) || plan_branch_read(word, &t->arena, &branch) != ERR_OK)
        return NULL;
    for (struct plan_tree_choice *c = n->choices; c; c = c->next)
        if (slice_eq(c->word, word))
            return c->node;
    struct plan_tree_choice *c = arena_new(&t->arena, sizeof(*c));
    *c = (struct plan_tree_choice){.word = word, .branch = branch, .node = node_new(t)};
    *n->last_choice = c;
    n->last_choice = &c->next;
    n->choice_count++;
    n->looks_inside = n->looks_inside || branch.terms->test != PLAN_BRANCH_IS;
    return c->node;
}

static struct plan_tree_node *node_under(struct plan_tree *t, struct plan_tree_node *n, struct slice word)
{
    if (slice_eq(word, SLICE("[]")))
        return sub_node(t, &n->each);
    if (slice_eq(word, SLICE("{}")))
        return sub_node(t, &n->every);
    struct plan_tree_node *branch = branch_under(t, n, word);
    return branch ? branch : sub_node(t, &member_at(t, n, path_name(t, word))->value);
}

static struct plan_tree_node *node_at(struct plan_tree *t, struct slice path)
{
    struct plan_tree_node *n = t->root;
    struct slice word;
    while (slice_split(&path, '/', &word))
        if (word.len)
            n = node_under(t, n, word);
    return n;
}

/* Where the value of member `from` is; "[]", "{}" and a branch mean what they mean in a path. */
static struct plan_tree_node *value_at(struct plan_tree *t, struct plan_tree_node *n, struct slice from)
{
    if (slice_eq(from, SLICE("[]")) || slice_eq(from, SLICE("{}")))
        return node_under(t, n, from);
    struct plan_tree_node *branch = branch_under(t, n, from);
    return branch ? branch : sub_node(t, &member_at(t, n, from)->value);
}

static void add_rename(struct plan_tree *t, struct plan_tree_node *n, const struct plan_step *s, int number)
{
    struct plan_tree_member *m = member_at(t, n, s->from);
    m->rename = number;
    m->out = out_at(t, n, s->to);
    n->edits = true;
}

static void add_default(struct plan_tree *t, struct plan_tree_node *n, const struct plan_step *s, int number)
{
    struct plan_tree_out *o = out_at(t, n, s->to);
    o->fill = number;
    o->fill_ok = json_tok_whole(s->value);
    n->edits = true;
}

static void add_table(struct plan_tree *t, struct plan_tree_node *n, const struct plan_step *s, int number)
{
    n->change = number;
    n->turn = PLAN_TREE_NONE;
    n->otherwise_ok = s->value.len && json_tok_whole(s->value);
    for (size_t i = 0; i < s->table_count; i++) {
        struct slice *quoted = arena_new(&t->arena, sizeof(*quoted));
        *quoted = quote(t, s->table[2 * i + 1]);
        map_put(&n->table, s->table[2 * i], quoted);
    }
}

static void add_turn(struct plan_tree_node *n, int number)
{
    n->turn = number;
    n->change = PLAN_TREE_NONE;
}

static void add_shape(struct plan_tree_node *n, const struct plan_step *s, int number)
{
    n->shape = number;
    n->else_ok = s->value.len && json_tok_whole(s->value);
}

/* ---- members that leave their place ---- */

/* The member at `path` in the objects at `home`; those on the way to it let it out. */
static struct plan_tree_member *member_in(struct plan_tree *t, struct plan_tree_node *home, struct slice path,
                                          unsigned *up)
{
    struct plan_tree_node *n = home;
    struct slice word;
    struct plan_tree_member *m = NULL;
    *up = 0;
    while (slice_split(&path, '/', &word)) {
        if (m) {
            m->lets_out = true;
            n = sub_node(t, &m->value);
            n->is_passed = true;
            ++*up;
        }
        m = member_at(t, n, path_name(t, word));
        n->edits = true;
    }
    return m;
}

static struct plan_tree_slot *add_slot(struct plan_tree *t, struct plan_tree_node *home, struct slice from, int number)
{
    struct plan_tree_slot *slot = arena_new(&t->arena, sizeof(*slot));
    *slot = (struct plan_tree_slot){.number = home->slot_count++, .step = number};
    home->edits = true;
    *home->last_slot = slot;
    home->last_slot = &slot->next;
    struct plan_tree_member *m = member_in(t, home, from, &slot->up);
    PRE(m);
    m->slot = slot;
    return slot;
}

static void add_hoist(struct plan_tree *t, struct plan_tree_node *home, const struct plan_step *s, int number)
{
    struct plan_tree_slot *slot = add_slot(t, home, s->from, number);
    slot->out = out_at(t, home, s->to);
}

static struct plan_tree_host *host_at(struct plan_tree *t, struct plan_tree_node *home, struct slice name)
{
    struct plan_tree_member *m = member_at(t, home, name);
    if (m->host)
        return m->host;
    struct plan_tree_host *host = arena_new(&t->arena, sizeof(*host));
    *host = (struct plan_tree_host){.inside = sub_node(t, &m->value), .out = out_at(t, home, name)};
    host->kept = (struct plan_tree_slot){.number = home->slot_count++, .step = PLAN_TREE_NONE};
    host->inside->is_host = true;
    host->inside->edits = true; /* its names are looked at */
    *home->last_host = host;
    home->last_host = &host->next;
    m->host = host;
    return host;
}

static void add_plunge(struct plan_tree *t, struct plan_tree_node *home, const struct plan_step *s, int number)
{
    struct slice inside = s->to, name;
    bool split = slice_split(&inside, '/', &name);
    struct plan_tree_slot *slot = add_slot(t, home, s->from, number);
    slot->host = host_at(t, home, path_name(t, split ? name : s->to));
    slot->out = out_at(t, slot->host->inside, path_name(t, inside));
    slot->out->lands = true;
}

static void add_put(struct plan_tree *t, struct plan_tree_node *n, const struct plan_step *s, int number)
{
    out_at(t, n, s->to)->put = number;
    n->edits = true;
}

static bool is_for_people(enum plan_op op)
{
    return op == PLAN_WIDEN || op == PLAN_METHOD || op == PLAN_PATH || op == PLAN_STATUS || op == PLAN_PARAM;
}

static void add_step(struct plan_tree *t, const struct plan_step *s, int number)
{
    if (is_for_people(s->op))
        return;
    struct plan_tree_node *n = node_at(t, s->path);
    switch (s->op) {
    case PLAN_RENAME:
        add_rename(t, n, s, number);
        break;
    case PLAN_DEFAULT:
        add_default(t, n, s, number);
        break;
    case PLAN_DROP:
        member_at(t, n, s->from)->drop = number;
        n->edits = true;
        break;
    case PLAN_STRIP:
        member_at(t, n, s->from)->strip = number;
        n->edits = true;
        break;
    case PLAN_NARROW:
        value_at(t, n, s->from)->narrow = number;
        break;
    case PLAN_ENUM:
        add_table(t, value_at(t, n, s->from), s, number);
        break;
    case PLAN_SCALE:
    case PLAN_TEXT:
    case PLAN_NUMBER:
    case PLAN_ENCODE:
    case PLAN_DECODE:
    case PLAN_DATE:
    case PLAN_EPOCH:
        add_turn(value_at(t, n, s->from), number);
        break;
    case PLAN_WRAP:
    case PLAN_HEAD:
        add_shape(value_at(t, n, s->from), s, number);
        break;
    case PLAN_HOIST:
        add_hoist(t, n, s, number);
        break;
    case PLAN_TAKE:
        add_slot(t, n, s->from, number);
        break;
    case PLAN_PLUNGE:
        add_plunge(t, n, s, number);
        break;
    case PLAN_PUT:
        add_put(t, n, s, number);
        break;
    case PLAN_WIDEN:
    case PLAN_METHOD:
    case PLAN_PATH:
    case PLAN_STATUS:
    case PLAN_PARAM:
    case PLAN_PROTOBUF:
    case PLAN_FIELD:
    case PLAN_TRANSCODE:
    case PLAN_INSIDE:
    case PLAN_THEN:
    case PLAN_OP_COUNT:
        break;
    }
}

static void make_quick(struct plan_tree *t, struct plan_tree_node *n)
{
    for (n->quick_cap = 2; n->quick_cap < n->members.count * 2;)
        n->quick_cap *= 2;
    n->quick = arena_array(&t->arena, n->quick_cap, sizeof(*n->quick));
    size_t at = 0;
    for (const struct plan_tree_member *m = map_next(&n->members, &at); m; m = map_next(&n->members, &at)) {
        size_t i = m->hash & (n->quick_cap - 1);
        while (n->quick[i])
            i = (i + 1) & (n->quick_cap - 1);
        n->quick[i] = m;
    }
}

/* What stands on the shape of the value stands on each of its branches.  An object that others go into or come out of
 * has none. */
static void spread_shape(struct plan_tree_node *n)
{
    if (n->is_host || n->is_passed)
        n->choices = NULL;
    for (struct plan_tree_choice *c = n->choices; c; c = c->next) {
        if (c->node->shape == PLAN_TREE_NONE) {
            c->node->shape = n->shape;
            c->node->else_ok = n->else_ok;
        }
        n->choice_judges = n->choice_judges || plan_tree_judges(c->node);
    }
}

/* The steps from `*at` to the next `then`. */
static struct plan_tree *stage_new(const struct plan *p, size_t *at)
{
    struct plan_tree *t = mem_new(sizeof(*t));
    arena_init(&t->arena, 0);
    t->root = node_new(t);
    t->step_count = plan_count(p);
    for (; *at < t->step_count && plan_step(p, *at)->op != PLAN_THEN; ++*at)
        add_step(t, plan_step(p, *at), (int)*at);
    for (struct plan_tree_node *n = t->newest; n; n = n->made_before) {
        make_quick(t, n);
        spread_shape(n);
    }
    return t;
}

struct plan_tree *plan_tree_new(const struct plan *p)
{
    size_t at = 0;
    struct plan_tree *first = stage_new(p, &at), *last = first;
    for (; at < plan_count(p); last = last->next) {
        at++;
        last->next = stage_new(p, &at);
    }
    return first;
}

static void stage_free(struct plan_tree *t)
{
    for (struct plan_tree_node *n = t->newest; n; n = n->made_before) {
        map_fini(&n->members);
        map_fini(&n->table);
    }
    arena_fini(&t->arena);
    mem_free(t);
}

void plan_tree_free(struct plan_tree **t)
{
    struct plan_tree *next;
    for (struct plan_tree *stage = *t; stage; stage = next) {
        next = stage->next;
        stage_free(stage);
    }
    *t = NULL;
}
