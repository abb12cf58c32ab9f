/* Istio: CUSTOM first, then DENY, then ALLOW; without any ALLOW policy everything else is allowed.  A rule is
 * some `from`, some `to`, and every `when`; a list is alternatives, and its not-list excludes. */
#include "policy/attrs.h"
#include "policy/policy_import_inside.h"

enum { PATH_MOST = 4096, CLAIM_MOST = 256 };

/* What one kind of value becomes. */
typedef struct slice value_fn(struct policy_import *p, const struct doc_node *value, const char *key);

static struct slice principal(struct policy_import *p, const struct doc_node *v, const char *key)
{
    (void)key;
    if (slice_starts(v->text, SLICE("*")) && v->text.len > 1)
        return policy_import_value(p, "peer", "", "", v->text);
    return policy_import_value(p, "peer", "", "spiffe://", v->text);
}

static struct slice namespace_of(struct policy_import *p, const struct doc_node *v, const char *key)
{
    (void)key;
    struct slice one = policy_import_value(p, "peer_path", "", "", v->text);
    size_t paren;
    /* peer_path has a second column: `peer_path("x")` becomes `peer_path("x", _)`. */
    if (!slice_find(one, ')', &paren))
        return one;
    if (slice_ends(one, SLICE("\")")))
        paren = one.len - 1;
    return arena_putf(&p->arena, "%.*s, _%.*s", SLICE_FMT(slice_to(one, paren)), SLICE_FMT(slice_from(one, paren)));
}

static struct slice account(struct policy_import *p, const struct doc_node *v, const char *key)
{
    (void)key;
    struct slice ns = slice_str(p->conf->namespace ? p->conf->namespace : "default"), name = v->text;
    size_t slash;
    if (slice_find(v->text, '*', &slash))
        policy_import_refuse(p, v, NULL, "a pattern among serviceAccounts cannot be said");
    if (slice_find(v->text, '/', &slash)) {
        ns = slice_to(v->text, slash);
        name = slice_from(v->text, slash + 1);
    }
    struct slice a = policy_import_quoted(p, ns), b = policy_import_quoted(p, name);
    return arena_putf(&p->arena, "peer_path(%.*s, %.*s)", SLICE_FMT(a), SLICE_FMT(b));
}

/* "ISSUER/SUBJECT"; the subject has no slash, the issuer may. */
static struct slice request_principal(struct policy_import *p, const struct doc_node *v, const char *key)
{
    (void)key;
    size_t slash;
    if (slice_eq(v->text, SLICE("*")))
        return SLICE("claim(\"iss\", _), claim(\"sub\", _)");
    if (!slice_find_last(v->text, '/', &slash)) {
        policy_import_refuse(p, v, NULL, "requestPrincipals are ISSUER/SUBJECT, ISSUER/* or *");
        return SLICE("claim(\"sub\", _)");
    }
    struct slice iss = policy_import_value(p, "claim", "\"iss\", ", "", slice_to(v->text, slash));
    struct slice sub = policy_import_value(p, "claim", "\"sub\", ", "", slice_from(v->text, slash + 1));
    if (slice_has(iss, SLICE("match(")) && slice_has(sub, SLICE("match(")))
        policy_import_refuse(p, v, NULL, "two patterns in one of requestPrincipals cannot be said");
    return arena_putf(&p->arena, "%.*s, %.*s", SLICE_FMT(iss), SLICE_FMT(sub));
}

static struct slice method(struct policy_import *p, const struct doc_node *v, const char *key)
{
    (void)key;
    return policy_import_value(p, "method", "", "", v->text);
}

/* "/a/{*}/b", "/a/{**}": templates of Istio. */
static struct slice template(struct policy_import *p, struct slice path)
{
    struct buf pattern;
    buf_init(&pattern, BUF_TEXT_BOUND);
    while (path.len) {
        bool deep = slice_starts(path, SLICE("{**}")), one = slice_starts(path, SLICE("{*}"));
        if (deep || one) {
            buf_put(&pattern, deep ? SLICE(".*") : SLICE("[^/]+"));
            path = slice_from(path, deep ? 4 : 3);
            continue;
        }
        buf_put(&pattern, policy_import_regex(p, slice_to(path, 1)));
        path = slice_from(path, 1);
    }
    struct slice quoted = policy_import_quoted(p, buf_slice(&pattern));
    buf_fini(&pattern);
    return arena_putf(&p->arena, "path(V), match(%.*s, V)", SLICE_FMT(quoted));
}

static struct slice path(struct policy_import *p, const struct doc_node *v, const char *key)
{
    char room[PATH_MOST];
    struct slice clean;
    size_t star;
    (void)key;
    if (slice_has(v->text, SLICE("{*}")) || slice_has(v->text, SLICE("{**}")))
        return template(p, v->text);
    if (!slice_find(v->text, '*', &star) &&
        (attrs_path(v->text, room, sizeof(room), &clean) != ERR_OK || !slice_eq(clean, v->text)))
        policy_import_refuse(p, v, "write it as it is after dots, doubled slashes and escapes are undone",
                             "no path is \"%.*s\" here: paths are made plain before they are judged",
                             SLICE_FMT(v->text));
    return policy_import_value(p, "path", "", "", v->text);
}

static struct slice header(struct policy_import *p, const struct doc_node *v, const char *key)
{
    return policy_import_value(p, "header", key, "", v->text);
}

static struct slice claim(struct policy_import *p, const struct doc_node *v, const char *key)
{
    return policy_import_value(p, "claim", key, "", v->text);
}

/* ---- lists ---- */

static void add_list(struct policy_import *p, struct buf *body, const struct doc_node *list, bool negated,
                     const char *what, value_fn *fn, const char *key)
{
    struct policy_import_any any;
    if (!list)
        return;
    if (list->kind != DOC_LIST) {
        policy_import_refuse(p, list, NULL, "a list is expected");
        return;
    }
    policy_import_any_init(&any, p, what);
    for (const struct doc_node *v = list->first; v; v = v->next)
        policy_import_any_add(&any, fn(p, v, key));
    /* An empty list is as if it were not there. */
    if (any.count)
        policy_import_and(p, body, policy_import_any_end(&any, negated));
}

struct field {
    const char *name, *not_name, *what;
    value_fn *fn;
};

static const struct field source_fields[] = {
    {"principals", "notPrincipals", "from", principal},
    {"namespaces", "notNamespaces", "from", namespace_of},
    {"serviceAccounts", "notServiceAccounts", "from", account},
    {"requestPrincipals", "notRequestPrincipals", "from", request_principal},
};
static const char *const source_keys[] = {"principals",        "notPrincipals",        "namespaces",
                                          "notNamespaces",     "serviceAccounts",      "notServiceAccounts",
                                          "requestPrincipals", "notRequestPrincipals", NULL};
static const struct field operation_fields[] = {{"methods", "notMethods", "to", method},
                                                {"paths", "notPaths", "to", path}};
static const char *const operation_keys[] = {"methods", "notMethods", "paths", "notPaths", NULL};

static struct slice fields(struct policy_import *p, const struct doc_node *map, const struct field *table, size_t count)
{
    struct buf body;
    buf_init(&body, BUF_TEXT_BOUND);
    for (size_t i = 0; i < count; i++) {
        add_list(p, &body, doc_get(map, table[i].name), false, table[i].what, table[i].fn, "");
        add_list(p, &body, doc_get(map, table[i].not_name), true, table[i].what, table[i].fn, "");
    }
    struct slice kept = arena_keep(&p->arena, buf_slice(&body));
    buf_fini(&body);
    return kept;
}

/* `from: [{source: {...}}, ...]`, `to: [{operation: {...}}, ...]`: one of them. */
static void add_some(struct policy_import *p, struct buf *body, const struct doc_node *list, bool from)
{
    struct policy_import_any any;
    bool everything = false;
    if (!list || list->kind != DOC_LIST || !list->first)
        return;
    policy_import_any_init(&any, p, from ? "from" : "to");
    for (const struct doc_node *n = list->first; n; n = n->next) {
        const struct doc_node *inner = doc_get(n, from ? "source" : "operation");
        if (!inner) {
            policy_import_refuse(p, n, NULL, "%s is expected", from ? "source" : "operation");
            continue;
        }
        policy_import_only(p, inner, from ? source_keys : operation_keys, from ? "a source" : "an operation");
        struct slice one =
            from ? fields(p, inner, source_fields, sizeof(source_fields) / sizeof(source_fields[0]))
                 : fields(p, inner, operation_fields, sizeof(operation_fields) / sizeof(operation_fields[0]));
        everything = everything || one.len == 0;
        policy_import_any_add(&any, one.len ? one : SLICE("peer(_)"));
    }
    if (!everything && any.count)
        policy_import_and(p, body, policy_import_any_end(&any, false));
}

/* "request.headers[x-plan]" gives "\"x-plan\", "; "[a][b]" of claims gives "\"a.b\", ". */
static const char *column_of(struct policy_import *p, struct slice key, bool lower)
{
    char name[CLAIM_MOST];
    size_t len = 0;
    for (size_t i = 0; i < key.len && len + 1 < sizeof(name); i++) {
        char c = key.at[i];
        if (c == '[' && len > 0)
            name[len++] = '.';
        else if (c != '[' && c != ']')
            name[len++] = lower && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    struct slice quoted = policy_import_quoted(p, slice_of(name, len));
    return arena_putf(&p->arena, "%.*s, ", SLICE_FMT(quoted)).at;
}

static value_fn *condition_of(struct policy_import *p, const struct doc_node *when, const char **column)
{
    struct slice key = policy_import_text(when, "key");
    *column = "";
    if (slice_starts(key, SLICE("request.headers["))) {
        *column = column_of(p, slice_from(key, 15), true);
        return header;
    }
    if (slice_starts(key, SLICE("request.auth.claims["))) {
        *column = column_of(p, slice_from(key, 19), false);
        return claim;
    }
    if (slice_eq(key, SLICE("request.auth.audiences"))) {
        *column = "\"aud\", ";
        return claim;
    }
    if (slice_eq(key, SLICE("request.auth.principal")))
        return request_principal;
    if (slice_eq(key, SLICE("source.principal")))
        return principal;
    if (slice_eq(key, SLICE("source.namespace")))
        return namespace_of;
    policy_import_refuse(p, when, "weft judges who calls and what, not addresses, ports or names of hosts",
                         "the condition `%.*s` cannot be said", SLICE_FMT(key));
    return NULL;
}

static void add_when(struct policy_import *p, struct buf *body, const struct doc_node *list)
{
    static const char *const keys[] = {"key", "values", "notValues", NULL};
    for (const struct doc_node *n = list ? list->first : NULL; n; n = n->next) {
        const char *column;
        value_fn *fn = condition_of(p, n, &column);
        policy_import_only(p, n, keys, "a condition");
        if (!fn)
            continue;
        add_list(p, body, doc_get(n, "values"), false, "when", fn, column);
        add_list(p, body, doc_get(n, "notValues"), true, "when", fn, column);
    }
}

/* ---- policies ---- */

static void put_rule(struct policy_import *p, const struct doc_node *rule, bool deny)
{
    static const char *const keys[] = {"from", "to", "when", NULL};
    struct buf body;
    buf_init(&body, BUF_TEXT_BOUND);
    policy_import_only(p, rule, keys, "a rule");
    add_some(p, &body, doc_get(rule, "from"), true);
    add_some(p, &body, doc_get(rule, "to"), false);
    add_when(p, &body, doc_get(rule, "when"));
    if (buf_len(&body) == 0)
        buf_put(&body, SLICE("peer(_)"));
    buf_putf(p->out, "%s :- %.*s.\n", deny ? "deny" : "allow", SLICE_FMT(buf_slice(&body)));
    buf_fini(&body);
}

/* Which workloads a policy is for; true: ours. */
static bool is_for_us(struct policy_import *p, const struct doc_node *root, const struct doc_node *spec)
{
    const struct doc_node *selector = doc_get(spec, "selector");
    const struct doc_node *labels = selector ? doc_get(selector, "matchLabels") : NULL;
    struct slice ns = policy_import_text(doc_get(root, "metadata"), "namespace");
    if (doc_get(spec, "targetRefs") || doc_get(spec, "targetRef"))
        policy_import_refuse(p, spec, "import the policies of one workload", "targetRefs cannot be followed");
    if (ns.len && p->conf->namespace && !slice_eq(ns, slice_str(p->conf->namespace)) &&
        !slice_eq(ns, SLICE("istio-system")))
        return false;
    for (const struct doc_node *l = labels ? labels->first : NULL; l; l = l->next) {
        if (!p->conf->workload)
            policy_import_refuse(p, selector, "say which one: --workload NAME",
                                 "this policy is for some workloads only");
        else if (!slice_eq(l->key, SLICE("app")))
            policy_import_refuse(p, l, "keep the policies of one workload, without selectors",
                                 "only the label `app` is looked at");
        else if (!slice_eq(l->text, slice_str(p->conf->workload)))
            return false;
    }
    return true;
}

/* Gives whether it is an ALLOW policy of ours. */
static bool put_policy(struct policy_import *p)
{
    static const char *const keys[] = {"selector", "action", "rules", "targetRef", "targetRefs", NULL};
    const struct doc_node *root = p->doc->root, *spec = doc_get(root, "spec");
    struct slice action = policy_import_text(spec, "action"),
                 name = policy_import_text(doc_get(root, "metadata"), "name");
    const struct doc_node *rules = doc_get(spec, "rules");
    if (!slice_eq(policy_import_text(root, "kind"), SLICE("AuthorizationPolicy"))) {
        policy_import_refuse(p, root, "give AuthorizationPolicy only", "\"%.*s\" is not imported",
                             SLICE_FMT(policy_import_text(root, "kind")));
        return false;
    }
    if (spec)
        policy_import_only(p, spec, keys, "an AuthorizationPolicy");
    if (spec && !is_for_us(p, root, spec))
        return false;
    if (slice_eq(action, SLICE("AUDIT")))
        return false; /* it decides nothing */
    if (slice_eq(action, SLICE("CUSTOM")))
        policy_import_refuse(p, root, NULL, "CUSTOM asks a server of its own: what that would say is not known");
    bool deny = slice_eq(action, SLICE("DENY"));
    if (action.len && !deny && !slice_eq(action, SLICE("ALLOW")) && !slice_eq(action, SLICE("CUSTOM")))
        policy_import_refuse(p, spec, NULL, "no action is \"%.*s\"", SLICE_FMT(action));
    buf_putf(p->out, "\n// AuthorizationPolicy %.*s%s\n", SLICE_FMT(name),
             rules && rules->first ? ""
             : deny                ? ": without rules it denies nothing"
                                   : ": without rules it allows nothing");
    for (const struct doc_node *rule = rules ? rules->first : NULL; rule; rule = rule->next)
        put_rule(p, rule, deny);
    return !deny;
}

void policy_import_istio(struct policy_import *p)
{
    bool any_allow = false;
    buf_put(p->out, SLICE("// From Istio: a match of DENY denies, else a match of ALLOW allows, else it is denied.\n"));
    for (p->doc = p->first; p->doc; p->doc = p->doc->next)
        any_allow = put_policy(p) || any_allow;
    if (!any_allow)
        buf_put(p->out,
                SLICE("\n// Without any ALLOW policy Istio allows whatever is not denied.\nallow :- peer(_).\n"));
}
