/* Linkerd: a Server denies whatever no AuthorizationPolicy allows; each policy is about the Server, its namespace or
 * one of its routes, needs all of its authentications, and one policy is enough.  With routes, a request that none
 * of them takes is refused. */
#include "policy/policy_import_inside.h"

static struct slice name_of(const struct policy_import_doc *d)
{
    return policy_import_text(doc_get(d->root, "metadata"), "name");
}

static bool is_kind(const struct policy_import_doc *d, struct slice kind)
{
    return slice_eq(policy_import_text(d->root, "kind"), kind);
}

static const struct policy_import_doc *find(const struct policy_import *p, struct slice kind, struct slice name)
{
    for (const struct policy_import_doc *d = p->first; d; d = d->next)
        if (is_kind(d, kind) && slice_eq(name_of(d), name))
            return d;
    return NULL;
}

/* ---- who ---- */

/* NAME.NS.serviceaccount.identity.CONTROL-PLANE.DOMAIN, or a SPIFFE ID; a star for anybody, or any name. */
static void add_identity(struct policy_import *p, struct policy_import_any *any, const struct doc_node *n)
{
    struct slice rest = n->text, name, ns, word;
    size_t dot;
    if (slice_eq(n->text, SLICE("*"))) {
        policy_import_any_add(any, SLICE("peer(_)"));
        return;
    }
    if (slice_starts(n->text, SLICE("spiffe://")) && !slice_find(n->text, '*', &dot)) {
        struct slice id = policy_import_quoted(p, n->text);
        policy_import_any_add(any, arena_putf(&p->arena, "peer(%.*s)", SLICE_FMT(id)));
        return;
    }
    bool good = slice_split(&rest, '.', &name) && slice_split(&rest, '.', &ns) && slice_split(&rest, '.', &word) &&
                slice_eq(word, SLICE("serviceaccount")) && slice_split(&rest, '.', &word) &&
                slice_eq(word, SLICE("identity")) && slice_split(&rest, '.', &word) && rest.len &&
                !slice_find(ns, '*', &dot) && !slice_find(rest, '*', &dot);
    if (!good) {
        policy_import_refuse(p, n, "write NAME.NS.serviceaccount.identity.linkerd.DOMAIN, spiffe://... or *",
                             "the identity \"%.*s\" cannot be said", SLICE_FMT(n->text));
        return;
    }
    bool whoever = slice_eq(name, SLICE("*"));
    struct slice q = whoever ? SLICE("_") : policy_import_quoted(p, name);
    policy_import_any_add(any, arena_putf(&p->arena, "peer_domain(\"%.*s\"), peer_path(\"%.*s\", %.*s)",
                                          SLICE_FMT(rest), SLICE_FMT(ns), SLICE_FMT(q)));
}

static void add_reference(struct policy_import *p, struct policy_import_any *any, const struct doc_node *ref,
                          struct slice own)
{
    struct slice kind = policy_import_text(ref, "kind"), name = policy_import_text(ref, "name"),
                 ns = policy_import_text(ref, "namespace");
    if (slice_eq(kind, SLICE("Namespace"))) {
        policy_import_any_add(any, arena_putf(&p->arena, "peer_path(\"%.*s\", _)", SLICE_FMT(name)));
        return;
    }
    if (!slice_eq(kind, SLICE("ServiceAccount"))) {
        policy_import_refuse(p, ref, NULL, "a reference to \"%.*s\" cannot be said", SLICE_FMT(kind));
        return;
    }
    ns = ns.len ? ns : own;
    policy_import_any_add(any, arena_putf(&p->arena, "peer_path(\"%.*s\", \"%.*s\")", SLICE_FMT(ns), SLICE_FMT(name)));
}

static struct slice own_namespace(const struct policy_import *p, const struct policy_import_doc *d)
{
    struct slice ns = policy_import_text(doc_get(d->root, "metadata"), "namespace");
    return ns.len ? ns : slice_str(p->conf->namespace ? p->conf->namespace : "default");
}

static struct slice mesh_tls(struct policy_import *p, const struct policy_import_doc *d)
{
    static const char *const known[] = {"identities", "identityRefs", NULL};
    const struct doc_node *spec = doc_get(d->root, "spec");
    const struct doc_node *ids = doc_get(spec, "identities"), *refs = doc_get(spec, "identityRefs");
    struct policy_import_any any;
    policy_import_any_init(&any, p, "mesh_tls");
    policy_import_only(p, spec, known, "a MeshTLSAuthentication");
    for (const struct doc_node *n = ids ? ids->first : NULL; n; n = n->next)
        add_identity(p, &any, n);
    for (const struct doc_node *n = refs ? refs->first : NULL; n; n = n->next)
        add_reference(p, &any, n, own_namespace(p, d));
    return policy_import_any_end(&any, false);
}

/* Only what is about every address is about none. */
static void network(struct policy_import *p, const struct policy_import_doc *d)
{
    const struct doc_node *networks = doc_get(doc_get(d->root, "spec"), "networks");
    for (const struct doc_node *n = networks ? networks->first : NULL; n; n = n->next) {
        struct slice cidr = policy_import_text(n, "cidr");
        if (doc_get(n, "except") || (!slice_eq(cidr, SLICE("0.0.0.0/0")) && !slice_eq(cidr, SLICE("::/0"))))
            policy_import_refuse(p, n, "weft judges identities, not addresses", "the network %.*s cannot be said",
                                 SLICE_FMT(cidr));
    }
}

static struct slice authentication(struct policy_import *p, const struct doc_node *ref)
{
    struct slice kind = policy_import_text(ref, "kind"), name = policy_import_text(ref, "name");
    const struct policy_import_doc *here = p->doc, *d = find(p, kind, name);
    struct slice condition = {0};
    if (slice_eq(kind, SLICE("ServiceAccount")) || slice_eq(kind, SLICE("Namespace"))) {
        struct policy_import_any any;
        policy_import_any_init(&any, p, "account");
        add_reference(p, &any, ref, own_namespace(p, here));
        return policy_import_any_end(&any, false);
    }
    if (!d || (!slice_eq(kind, SLICE("MeshTLSAuthentication")) && !slice_eq(kind, SLICE("NetworkAuthentication")))) {
        policy_import_refuse(p, ref, "give the file that has it", "%.*s \"%.*s\" is not here", SLICE_FMT(kind),
                             SLICE_FMT(name));
        return condition;
    }
    p->doc = d;
    if (slice_eq(kind, SLICE("MeshTLSAuthentication")))
        condition = mesh_tls(p, d);
    else
        network(p, d);
    p->doc = here;
    return condition;
}

/* ---- what ---- */

static void add_match(struct policy_import *p, struct policy_import_any *any, const struct doc_node *match)
{
    static const char *const known[] = {"path", "method", "headers", NULL};
    const struct doc_node *path = doc_get(match, "path"), *headers = doc_get(match, "headers");
    struct slice type = policy_import_text(path, "type"), value = policy_import_text(path, "value");
    struct slice method = policy_import_text(match, "method");
    struct buf body;
    buf_init(&body, BUF_TEXT_BOUND);
    policy_import_only(p, match, known, "a match");
    if (path && slice_eq(type, SLICE("Exact"))) {
        policy_import_and(p, &body, policy_import_value(p, "path", "", "", value));
    } else if (path && !(slice_eq(value, SLICE("/")) && !slice_eq(type, SLICE("RegularExpression")))) {
        bool regex = slice_eq(type, SLICE("RegularExpression"));
        if (!regex && slice_ends(value, SLICE("/")))
            value.len--;
        struct slice pattern =
            regex ? value : arena_putf(&p->arena, "%.*s(/.*)?", SLICE_FMT(policy_import_regex(p, value)));
        struct slice quoted = policy_import_quoted(p, pattern);
        policy_import_and(p, &body, arena_putf(&p->arena, "path(V), match(%.*s, V)", SLICE_FMT(quoted)));
    }
    if (method.len)
        policy_import_and(p, &body, policy_import_value(p, "method", "", "", method));
    for (const struct doc_node *h = headers ? headers->first : NULL; h; h = h->next) {
        struct slice name = policy_import_quoted(p, policy_import_text(h, "name"));
        struct slice is = policy_import_quoted(p, policy_import_text(h, "value"));
        struct slice how = policy_import_text(h, "type");
        if (how.len && !slice_eq(how, SLICE("Exact")))
            policy_import_refuse(p, h, NULL, "a header by %.*s cannot be said", SLICE_FMT(how));
        policy_import_and(p, &body, arena_putf(&p->arena, "header(%.*s, %.*s)", SLICE_FMT(name), SLICE_FMT(is)));
    }
    policy_import_any_add(any, buf_len(&body) ? buf_slice(&body) : SLICE("peer(_)"));
    buf_fini(&body);
}

static void add_route(struct policy_import *p, struct policy_import_any *any, const struct policy_import_doc *route)
{
    const struct doc_node *rules = doc_get(doc_get(route->root, "spec"), "rules");
    const struct policy_import_doc *here = p->doc;
    p->doc = route;
    for (const struct doc_node *rule = rules ? rules->first : NULL; rule; rule = rule->next) {
        const struct doc_node *matches = doc_get(rule, "matches");
        if (!matches || !matches->first)
            policy_import_any_add(any, SLICE("peer(_)"));
        for (const struct doc_node *m = matches ? matches->first : NULL; m; m = m->next)
            add_match(p, any, m);
    }
    p->doc = here;
}

static bool hangs_on(const struct policy_import_doc *route, struct slice server)
{
    const struct doc_node *parents = doc_get(doc_get(route->root, "spec"), "parentRefs");
    for (const struct doc_node *n = parents ? parents->first : NULL; n; n = n->next)
        if (slice_eq(policy_import_text(n, "kind"), SLICE("Server")) && slice_eq(policy_import_text(n, "name"), server))
            return true;
    return false;
}

/* Any route of the server; empty: it has none, and takes everything. */
static struct slice any_route(struct policy_import *p, struct slice server)
{
    struct policy_import_any any;
    policy_import_any_init(&any, p, "route");
    for (const struct policy_import_doc *d = p->first; d; d = d->next)
        if (is_kind(d, SLICE("HTTPRoute")) && hangs_on(d, server))
            add_route(p, &any, d);
    return any.count ? policy_import_any_end(&any, false) : (struct slice){0};
}

/* ---- the server and its policies ---- */

static const struct policy_import_doc *our_server(struct policy_import *p)
{
    const struct policy_import_doc *found = NULL;
    for (p->doc = p->first; p->doc; p->doc = p->doc->next) {
        if (!is_kind(p->doc, SLICE("Server")))
            continue;
        if (p->conf->workload && !slice_eq(name_of(p->doc), slice_str(p->conf->workload)))
            continue;
        if (found)
            policy_import_refuse(p, p->doc->root, "say which one: --workload NAME", "there are several Servers");
        found = p->doc;
    }
    return found;
}

/* What a policy is about, as a condition; false: not about this server. */
static bool target(struct policy_import *p, const struct doc_node *spec, struct slice server, struct slice *condition)
{
    const struct doc_node *ref = doc_get(spec, "targetRef");
    struct slice kind = policy_import_text(ref, "kind"), name = policy_import_text(ref, "name");
    bool is_server = slice_eq(kind, SLICE("Server")), is_namespace = slice_eq(kind, SLICE("Namespace"));
    if (is_server ? !slice_eq(name, server)
                  : is_namespace && !slice_eq(name, own_namespace(p, find(p, SLICE("Server"), server))))
        return false;
    if (is_server || is_namespace) {
        *condition = any_route(p, server);
        return true;
    }
    const struct policy_import_doc *route = find(p, SLICE("HTTPRoute"), name);
    if (!slice_eq(kind, SLICE("HTTPRoute")) || !route) {
        policy_import_refuse(p, ref ? ref : spec, "give the file that has it", "the target %.*s \"%.*s\" is not here",
                             SLICE_FMT(kind), SLICE_FMT(name));
        return false;
    }
    struct policy_import_any any;
    policy_import_any_init(&any, p, "route");
    add_route(p, &any, route);
    *condition = policy_import_any_end(&any, false);
    return hangs_on(route, server);
}

static void put_policy(struct policy_import *p, struct slice server)
{
    const struct doc_node *spec = doc_get(p->doc->root, "spec"), *refs = doc_get(spec, "requiredAuthenticationRefs");
    struct slice condition;
    struct buf body;
    buf_init(&body, BUF_TEXT_BOUND);
    if (target(p, spec, server, &condition)) {
        for (const struct doc_node *n = refs ? refs->first : NULL; n; n = n->next)
            policy_import_and(p, &body, authentication(p, n));
        policy_import_and(p, &body, condition);
        if (buf_len(&body) == 0)
            buf_put(&body, SLICE("peer(_)"));
        buf_putf(p->out, "\n// AuthorizationPolicy %.*s\nallow :- %.*s.\n", SLICE_FMT(name_of(p->doc)),
                 SLICE_FMT(buf_slice(&body)));
    }
    buf_fini(&body);
}

static void put_default(struct policy_import *p, const struct policy_import_doc *server)
{
    struct slice access = policy_import_text(doc_get(server->root, "spec"), "accessPolicy");
    p->doc = server;
    if (access.len == 0 || slice_eq(access, SLICE("deny")))
        return;
    if (slice_eq(access, SLICE("audit")))
        policy_import_refuse(p, server->root, NULL,
                             "accessPolicy audit lets everything pass: there is nothing to import");
    buf_putf(p->out, "\n// accessPolicy %.*s; whoever calls weft has an identity\nallow :- peer(_).\n",
             SLICE_FMT(access));
}

void policy_import_linkerd(struct policy_import *p)
{
    const struct policy_import_doc *server = our_server(p);
    if (!server) {
        p->doc = p->first;
        policy_import_refuse(p, p->first->root, "give its Server; without one the default of the cluster decides",
                             "there is no Server%s%s", p->conf->workload ? " called " : "",
                             p->conf->workload ? p->conf->workload : "");
        return;
    }
    buf_putf(p->out, "// From Linkerd, for the Server \"%.*s\": what no policy allows is denied.\n",
             SLICE_FMT(name_of(server)));
    put_default(p, server);
    for (p->doc = p->first; p->doc; p->doc = p->doc->next) {
        if (is_kind(p->doc, SLICE("AuthorizationPolicy")))
            put_policy(p, name_of(server));
        else if (!is_kind(p->doc, SLICE("Server")) && !is_kind(p->doc, SLICE("HTTPRoute")) &&
                 !is_kind(p->doc, SLICE("MeshTLSAuthentication")) && !is_kind(p->doc, SLICE("NetworkAuthentication")))
            policy_import_refuse(p, p->doc->root, NULL, "\"%.*s\" is not imported",
                                 SLICE_FMT(policy_import_text(p->doc->root, "kind")));
    }
}
