/* Consul: for a caller and a destination the one intention of the highest precedence decides, and no other: exact
 * to exact (9), any to exact (8), exact to any (6), any to any (5).  Its permissions are tried in order; when none
 * matches, the default does. */
#include "policy/policy_import_inside.h"

enum { SOURCES_MOST = 4096 };

/* One intention that is about our destination. */
struct intention {
    const struct doc_node *node;
    const struct policy_import_doc *doc;
    struct slice source;
    int precedence;
};

struct intentions {
    struct intention *v;
    size_t count;
};

/* Config entries say Name, resources of Kubernetes name. */
static const struct doc_node *either(const struct doc_node *map, const char *upper, const char *lower)
{
    const struct doc_node *n = doc_get(map, upper);
    return n ? n : doc_get(map, lower);
}

static struct slice text(const struct doc_node *map, const char *upper, const char *lower)
{
    const struct doc_node *n = either(map, upper, lower);
    return n && (n->kind == DOC_STRING || n->kind == DOC_NUMBER) ? n->text : (struct slice){0};
}

static bool is_true(const struct doc_node *map, const char *upper, const char *lower)
{
    const struct doc_node *n = either(map, upper, lower);
    return n && n->kind == DOC_BOOL && slice_eq(n->text, SLICE("true"));
}

static struct slice destination_of(const struct policy_import_doc *d)
{
    const struct doc_node *spec = doc_get(d->root, "spec");
    return spec ? policy_import_text(doc_get(spec, "destination"), "name") : policy_import_text(d->root, "Name");
}

/* The only one that is named, or the one asked for. */
static struct slice our_destination(struct policy_import *p)
{
    struct slice found = {0};
    if (p->conf->workload)
        return slice_str(p->conf->workload);
    for (p->doc = p->first; p->doc; p->doc = p->doc->next) {
        struct slice name = destination_of(p->doc);
        if (slice_eq(name, SLICE("*")))
            continue;
        if (found.len && !slice_eq(found, name))
            policy_import_refuse(p, p->doc->root, "say which one: --workload NAME", "there are several destinations");
        found = name;
    }
    return found;
}

static void check_source(struct policy_import *p, const struct doc_node *s)
{
    static const char *const known[] = {
        "Name",      "name",      "Action",     "action",           "Permissions",      "permissions", "Namespace",
        "namespace", "Partition", "partition",  "Description",      "description",      "Precedence",  "precedence",
        "Type",      "LegacyID",  "LegacyMeta", "LegacyCreateTime", "LegacyUpdateTime", NULL};
    policy_import_only(p, s, known, "a source");
    struct slice ns = text(s, "Namespace", "namespace"), partition = text(s, "Partition", "partition");
    if (slice_eq(ns, SLICE("*")) || (partition.len && !slice_eq(partition, SLICE("default"))))
        policy_import_refuse(p, s, NULL, "a source of every namespace or of another partition cannot be said");
}

static void gather(struct policy_import *p, struct slice destination, struct intentions *all)
{
    for (p->doc = p->first; p->doc; p->doc = p->doc->next) {
        struct slice name = destination_of(p->doc);
        const struct doc_node *spec = doc_get(p->doc->root, "spec"), *root = spec ? spec : p->doc->root;
        const struct doc_node *sources = either(root, "Sources", "sources");
        bool exact = slice_eq(name, destination);
        if (!exact && !slice_eq(name, SLICE("*")))
            continue;
        if (either(root, "JWT", "jwt"))
            policy_import_refuse(p, either(root, "JWT", "jwt"),
                                 "name the provider under tokens:, and ask for its claims",
                                 "JWT names a provider whose issuer is not in this file");
        for (const struct doc_node *s = sources ? sources->first : NULL; s && all->count < SOURCES_MOST; s = s->next) {
            struct slice source = text(s, "Name", "name");
            check_source(p, s);
            bool any = slice_eq(source, SLICE("*"));
            all->v[all->count++] = (struct intention){s, p->doc, source, (exact ? 9 : 6) - (any ? 1 : 0)};
        }
    }
}

/* The caller by its name; with --identity in the form given there. */
static struct slice caller(struct policy_import *p, const struct intention *i)
{
    size_t brace;
    struct slice ns = text(i->node, "Namespace", "namespace"), form = slice_str(p->conf->identity);
    if (slice_eq(i->source, SLICE("*")))
        return SLICE("peer(_)");
    if (form.len && slice_find(form, '{', &brace) && slice_starts(slice_from(form, brace), SLICE("{name}"))) {
        struct slice id = arena_putf(&p->arena, "%.*s%.*s%.*s", SLICE_FMT(slice_to(form, brace)), SLICE_FMT(i->source),
                                     SLICE_FMT(slice_from(form, brace + 6)));
        struct slice quoted = policy_import_quoted(p, id);
        return arena_putf(&p->arena, "peer(%.*s)", SLICE_FMT(quoted));
    }
    struct slice n = policy_import_regex(p, ns.len ? ns : SLICE("default")), s = policy_import_regex(p, i->source);
    struct slice pattern = policy_import_quoted(
        p, arena_putf(&p->arena, "spiffe://[^/]+/ns/%.*s/dc/[^/]+/svc/%.*s", SLICE_FMT(n), SLICE_FMT(s)));
    return arena_putf(&p->arena, "peer(P), match(%.*s, P)", SLICE_FMT(pattern));
}

/* ---- permissions ---- */

static void add_header(struct policy_import *p, struct buf *body, const struct doc_node *h)
{
    static const char *const known[] = {"Name",   "name",   "Present", "present", "Exact",    "exact",
                                        "Prefix", "prefix", "Suffix",  "suffix",  "Contains", "contains",
                                        "Regex",  "regex",  "Invert",  "invert",  NULL};
    struct slice exact = text(h, "Exact", "exact"), prefix = text(h, "Prefix", "prefix"),
                 suffix = text(h, "Suffix", "suffix"), part = text(h, "Contains", "contains"),
                 regex = text(h, "Regex", "regex");
    struct slice name = policy_import_quoted(p, text(h, "Name", "name"));
    struct slice pattern = regex;
    struct policy_import_any any;
    policy_import_only(p, h, known, "a header");
    policy_import_any_init(&any, p, "header");
    if (prefix.len)
        pattern = arena_putf(&p->arena, "%.*s.*", SLICE_FMT(policy_import_regex(p, prefix)));
    if (suffix.len)
        pattern = arena_putf(&p->arena, ".*%.*s", SLICE_FMT(policy_import_regex(p, suffix)));
    if (part.len)
        pattern = arena_putf(&p->arena, ".*%.*s.*", SLICE_FMT(policy_import_regex(p, part)));
    struct slice quoted = policy_import_quoted(p, exact.len ? exact : pattern);
    if (exact.len)
        policy_import_any_add(&any, arena_putf(&p->arena, "header(%.*s, %.*s)", SLICE_FMT(name), SLICE_FMT(quoted)));
    else if (pattern.len)
        policy_import_any_add(
            &any, arena_putf(&p->arena, "header(%.*s, H), match(%.*s, H)", SLICE_FMT(name), SLICE_FMT(quoted)));
    else
        policy_import_any_add(&any, arena_putf(&p->arena, "header(%.*s, _)", SLICE_FMT(name)));
    any.named = true; /* two headers in one rule must not share a variable */
    policy_import_and(p, body, policy_import_any_end(&any, is_true(h, "Invert", "invert")));
}

static void add_path(struct policy_import *p, struct buf *body, const struct doc_node *http)
{
    struct slice exact = text(http, "PathExact", "pathExact"), prefix = text(http, "PathPrefix", "pathPrefix"),
                 regex = text(http, "PathRegex", "pathRegex");
    struct slice value = exact.len ? exact : prefix.len ? arena_putf(&p->arena, "%.*s*", SLICE_FMT(prefix)) : regex;
    if (regex.len && !exact.len && !prefix.len) {
        struct slice quoted = policy_import_quoted(p, regex);
        policy_import_and(p, body, arena_putf(&p->arena, "path(V), match(%.*s, V)", SLICE_FMT(quoted)));
    } else if (value.len)
        policy_import_and(p, body, policy_import_value(p, "path", "", "", value));
}

static void add_http(struct policy_import *p, struct buf *body, const struct doc_node *http)
{
    static const char *const known[] = {"PathExact", "pathExact", "PathPrefix", "pathPrefix", "PathRegex", "pathRegex",
                                        "Methods",   "methods",   "Header",     "header",     NULL};
    const struct doc_node *methods = either(http, "Methods", "methods"), *headers = either(http, "Header", "header");
    struct policy_import_any any;
    policy_import_only(p, http, known, "a permission");
    add_path(p, body, http);
    policy_import_any_init(&any, p, "method");
    for (const struct doc_node *m = methods ? methods->first : NULL; m; m = m->next)
        policy_import_any_add(&any, policy_import_value(p, "method", "", "", m->text));
    if (any.count)
        policy_import_and(p, body, policy_import_any_end(&any, false));
    for (const struct doc_node *h = headers ? headers->first : NULL; h; h = h->next)
        add_header(p, body, h);
}

static bool action_of(struct policy_import *p, const struct doc_node *n)
{
    struct slice action = text(n, "Action", "action");
    if (!slice_eq(action, SLICE("allow")) && !slice_eq(action, SLICE("deny")))
        policy_import_refuse(p, n, NULL, "an action is allow or deny, and not \"%.*s\"", SLICE_FMT(action));
    return slice_eq(action, SLICE("allow"));
}

static void put_answer(struct policy_import *p, bool allow, struct slice who, struct slice unless, struct slice what)
{
    struct buf body;
    buf_init(&body, BUF_TEXT_BOUND);
    policy_import_and(p, &body, who);
    policy_import_and(p, &body, what);
    policy_import_and(p, &body, unless);
    buf_putf(p->out, "%s :- %.*s.\n", allow ? "allow" : "deny", SLICE_FMT(buf_slice(&body)));
    buf_fini(&body);
}

/* The first that matches decides: each excludes those before it. */
static void put_permissions(struct policy_import *p, const struct doc_node *list, struct slice who, struct slice unless)
{
    static const char *const known[] = {"Action", "action", "HTTP", "http", NULL};
    struct buf before;
    buf_init(&before, BUF_TEXT_BOUND);
    buf_put(&before, unless);
    for (const struct doc_node *n = list->first; n; n = n->next) {
        const struct doc_node *http = either(n, "HTTP", "http");
        struct policy_import_any any;
        struct buf body;
        policy_import_only(p, n, known, "a permission");
        buf_init(&body, BUF_TEXT_BOUND);
        policy_import_any_init(&any, p, "permission");
        if (http)
            add_http(p, &body, http);
        struct slice one = buf_len(&body) ? buf_slice(&body) : SLICE("peer(_)");
        policy_import_any_add(&any, one);
        any.named = true; /* so that the next can exclude it */
        struct slice name = policy_import_any_end(&any, false);
        put_answer(p, action_of(p, n), who, buf_slice(&before), name);
        policy_import_and(p, &before, arena_putf(&p->arena, "!%.*s", SLICE_FMT(name)));
        buf_fini(&body);
    }
    if (p->conf->default_allow)
        put_answer(p, true, who, buf_slice(&before), (struct slice){0});
    buf_fini(&before);
}

/* Callers of an intention of this precedence, as a relation. */
static struct slice callers(struct policy_import *p, const struct intentions *all, int precedence)
{
    struct policy_import_any any;
    policy_import_any_init(&any, p, "matched");
    for (size_t i = 0; i < all->count; i++)
        if (all->v[i].precedence == precedence)
            policy_import_any_add(&any, caller(p, &all->v[i]));
    return any.count ? policy_import_any_end(&any, true) : (struct slice){0};
}

void policy_import_consul(struct policy_import *p)
{
    static const int order[] = {9, 8, 6, 5};
    struct slice destination = our_destination(p);
    struct intentions all = {.v = arena_array(&p->arena, SOURCES_MOST, sizeof(struct intention))};
    struct buf unless;
    gather(p, destination, &all);
    buf_init(&unless, BUF_TEXT_BOUND);
    buf_putf(p->out,
             "// From Consul, for \"%.*s\": of the intentions that match the one of the highest precedence decides.\n",
             SLICE_FMT(destination));
    for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++) {
        for (size_t i = 0; i < all.count; i++) {
            const struct intention *one = &all.v[i];
            const struct doc_node *permissions = either(one->node, "Permissions", "permissions");
            if (one->precedence != order[k])
                continue;
            p->doc = one->doc;
            buf_putf(p->out, "\n// %.*s, precedence %d\n", SLICE_FMT(one->source), one->precedence);
            struct slice who = caller(p, one);
            if (permissions && permissions->first)
                put_permissions(p, permissions, who, buf_slice(&unless));
            else
                put_answer(p, action_of(p, one->node), who, buf_slice(&unless), (struct slice){0});
        }
        policy_import_and(p, &unless, callers(p, &all, order[k]));
    }
    if (p->conf->default_allow) {
        buf_put(p->out, SLICE("\n// What no intention matches is allowed by default.\n"));
        put_answer(p, true, SLICE("peer(_)"), buf_slice(&unless), (struct slice){0});
    }
    buf_fini(&unless);
}
