#include "policy/policy_import.h"

#include "datalog/dl_ast.h"
#include "policy/policy_import_inside.h"

enum { DOCUMENTS_MOST = 1000 };

/* ---- reading ---- */

struct slice policy_import_text(const struct doc_node *map, const char *key)
{
    const struct doc_node *n = doc_get(map, key);
    return n && (n->kind == DOC_STRING || n->kind == DOC_NUMBER) ? n->text : (struct slice){0};
}

void policy_import_refuse(struct policy_import *p, const struct doc_node *at, const char *fix, const char *format, ...)
{
    struct diag_place place = {
        .file = p->doc->text->file, .text = p->doc->text->text, .line = at->line, .column = at->column};
    struct buf text;
    va_list args;
    if (at->key_line) {
        place.line = at->key_line;
        place.column = 1;
    }
    buf_init(&text, BUF_TEXT_BOUND);
    va_start(args, format);
    buf_vputf(&text, format, args);
    va_end(args);
    diag_add(p->diag, DIAG_ERROR, &place, fix, "%s", buf_text(&text));
    buf_fini(&text);
}

void policy_import_only(struct policy_import *p, const struct doc_node *map, const char *const *known, const char *what)
{
    for (const struct doc_node *n = map ? map->first : NULL; n; n = n->next) {
        bool is_known = false;
        for (size_t i = 0; known[i] && !is_known; i++)
            is_known = slice_eq(n->key, slice_str(known[i]));
        if (!is_known)
            policy_import_refuse(p, n, NULL, "`%.*s` of %s cannot be said in a policy of weft", SLICE_FMT(n->key),
                                 what);
    }
}

/* ---- writing ---- */

void policy_import_any_init(struct policy_import_any *a, struct policy_import *p, const char *what)
{
    *a = (struct policy_import_any){.import = p, .name = arena_putf(&p->arena, "%s_%u", what, ++p->helper_count)};
}

static void put_helper(struct policy_import_any *a, struct slice body)
{
    buf_putf(&a->import->helpers, "%.*s :- %.*s.\n", SLICE_FMT(a->name), SLICE_FMT(body));
}

void policy_import_any_add(struct policy_import_any *a, struct slice body)
{
    if (a->count++ == 0)
        a->only = arena_keep(&a->import->arena, body);
    else {
        if (a->count == 2)
            put_helper(a, a->only);
        put_helper(a, body);
    }
}

static bool is_one_atom(struct slice body)
{
    return !slice_has(body, SLICE("), ")) && !slice_starts(body, SLICE("!"));
}

struct slice policy_import_any_end(struct policy_import_any *a, bool negated)
{
    struct policy_import *p = a->import;
    /* Two conditions of one rule must not share a variable: those with one get a relation. */
    bool named = a->named || slice_has(a->only, SLICE("match("));
    if (a->count == 1 && !named && (!negated || is_one_atom(a->only)))
        return arena_putf(&p->arena, "%s%.*s", negated ? "!" : "", SLICE_FMT(a->only));
    if (a->count == 1)
        put_helper(a, a->only);
    buf_putf(&p->helpers, ".decl %.*s()\n", SLICE_FMT(a->name));
    return arena_putf(&p->arena, "%s%.*s", negated ? "!" : "", SLICE_FMT(a->name));
}

void policy_import_and(struct policy_import *p, struct buf *body, struct slice condition)
{
    (void)p;
    if (condition.len == 0)
        return;
    if (buf_len(body))
        buf_put(body, SLICE(", "));
    buf_put(body, condition);
}

struct slice policy_import_quoted(struct policy_import *p, struct slice text)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    dl_ast_put_quoted(&out, text);
    struct slice kept = arena_keep(&p->arena, buf_slice(&out));
    buf_fini(&out);
    return kept;
}

struct slice policy_import_regex(struct policy_import *p, struct slice text)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("\\^$.|?*+()[]{}", text.at[i]))
            buf_put_char(&out, '\\');
        buf_put_char(&out, text.at[i]);
    }
    struct slice kept = arena_keep(&p->arena, buf_slice(&out));
    buf_fini(&out);
    return kept;
}

struct slice policy_import_value(struct policy_import *p, const char *relation, const char *columns, const char *before,
                                 struct slice value)
{
    if (slice_eq(value, SLICE("*")))
        return arena_putf(&p->arena, "%s(%s_)", relation, columns);
    bool prefix = slice_ends(value, SLICE("*")), suffix = slice_starts(value, SLICE("*"));
    if (!prefix && !suffix) {
        struct slice whole = policy_import_quoted(p, arena_putf(&p->arena, "%s%.*s", before, SLICE_FMT(value)));
        return arena_putf(&p->arena, "%s(%s%.*s)", relation, columns, SLICE_FMT(whole));
    }
    struct slice inner = slice_from(value, suffix);
    inner.len -= prefix;
    struct slice first = policy_import_regex(p, slice_str(before)), rest = policy_import_regex(p, inner);
    struct slice pattern = arena_putf(&p->arena, "%.*s%s%.*s%s", SLICE_FMT(first), suffix ? ".*" : "", SLICE_FMT(rest),
                                      prefix ? ".*" : "");
    struct slice quoted = policy_import_quoted(p, pattern);
    return arena_putf(&p->arena, "%s(%sV), match(%.*s, V)", relation, columns, SLICE_FMT(quoted));
}

/* ---- documents ---- */

static bool is_divider(struct slice line)
{
    return slice_starts(line, SLICE("---")) && slice_trim(slice_from(line, 3)).len == 0;
}

/* The text with all lines before the document empty, so that its lines keep their numbers. */
static struct slice pad(struct policy_import *p, struct slice whole, size_t from, size_t to)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    for (size_t i = 0; i < from; i++)
        if (whole.at[i] == '\n')
            buf_put_char(&out, '\n');
    buf_put(&out, slice_of(whole.at + from, to - from));
    struct slice kept = arena_keep(&p->arena, buf_slice(&out));
    buf_fini(&out);
    return kept;
}

static bool says_something(struct slice text)
{
    struct slice line;
    while (slice_split(&text, '\n', &line)) {
        struct slice t = slice_trim(line);
        if (t.len && t.at[0] != '#' && t.at[0] != '\r')
            return true;
    }
    return false;
}

static void add_document(struct policy_import *p, const struct policy_import_text *text, size_t from, size_t to,
                         struct policy_import_doc ***end)
{
    struct policy_import_doc *d = arena_new(&p->arena, sizeof(*d));
    *d = (struct policy_import_doc){.text = text};
    if (!says_something(slice_of(text->text.at + from, to - from)))
        return;
    d->padded = pad(p, text->text, from, to);
    if (doc_parse(d->padded, text->file, &p->arena, p->diag, &d->root) != ERR_OK)
        return;
    /* What kubectl prints of several. */
    const struct doc_node *items =
        slice_eq(policy_import_text(d->root, "kind"), SLICE("List")) ? doc_get(d->root, "items") : NULL;
    if (!items) {
        **end = d;
        *end = &d->next;
        return;
    }
    for (struct doc_node *n = items->first; n; n = n->next) {
        struct policy_import_doc *item = arena_new(&p->arena, sizeof(*item));
        *item = (struct policy_import_doc){.text = text, .padded = d->padded, .root = n};
        **end = item;
        *end = &item->next;
    }
}

static void split_documents(struct policy_import *p)
{
    struct policy_import_doc **end = &p->first;
    for (size_t i = 0; i < p->conf->count; i++) {
        const struct policy_import_text *t = &p->conf->texts[i];
        struct slice rest = t->text, line;
        size_t from = 0;
        while (slice_split(&rest, '\n', &line)) {
            size_t at = (size_t)(line.at - t->text.at);
            if (!is_divider(line))
                continue;
            add_document(p, t, from, at, &end);
            from = at + line.len;
        }
        add_document(p, t, from, t->text.len, &end);
    }
}

/* ---- the whole ---- */

enum mesh { NO_MESH, ISTIO, LINKERD, CONSUL };

static enum mesh mesh_of(const struct doc_node *root)
{
    struct slice kind = policy_import_text(root, "kind"), version = policy_import_text(root, "apiVersion");
    if (kind.len == 0)
        kind = policy_import_text(root, "Kind");
    if (slice_eq(kind, SLICE("service-intentions")) || slice_eq(kind, SLICE("ServiceIntentions")))
        return CONSUL;
    if (slice_starts(version, SLICE("security.istio.io/")))
        return ISTIO;
    if (slice_starts(version, SLICE("policy.linkerd.io/")) ||
        slice_starts(version, SLICE("gateway.networking.k8s.io/")))
        return LINKERD;
    return NO_MESH;
}

/* HCL reads as one long word of YAML. */
static bool is_hcl(const struct doc_node *root)
{
    struct slice head = root->kind == DOC_STRING ? slice_trim(slice_to(root->text, 64)) : SLICE("");
    return head.len > 4 && slice_eq_nocase(slice_to(head, 4), SLICE("kind")) &&
           slice_starts(slice_trim(slice_from(head, 4)), SLICE("="));
}

static enum mesh find_mesh(struct policy_import *p)
{
    enum mesh found = NO_MESH;
    for (p->doc = p->first; p->doc; p->doc = p->doc->next) {
        enum mesh m = mesh_of(p->doc->root);
        if (m == NO_MESH && is_hcl(p->doc->root))
            policy_import_refuse(p, p->doc->root,
                                 "give the JSON that consul config read -kind service-intentions prints",
                                 "this is HCL, which is not read");
        else if (m == NO_MESH)
            policy_import_refuse(p, p->doc->root, "give AuthorizationPolicy, Server or service-intentions",
                                 "this is no policy of Istio, Linkerd or Consul");
        else if (found != NO_MESH && found != m)
            policy_import_refuse(p, p->doc->root, "import one at a time",
                                 "this is of another mesh than what came before");
        else
            found = m;
    }
    return found;
}

static void run(struct policy_import *p)
{
    split_documents(p);
    if (p->diag->errors)
        return;
    switch (find_mesh(p)) {
    case ISTIO:
        policy_import_istio(p);
        break;
    case LINKERD:
        policy_import_linkerd(p);
        break;
    case CONSUL:
        policy_import_consul(p);
        break;
    case NO_MESH:
        if (p->diag->errors == 0)
            diag_add(p->diag, DIAG_ERROR, &(struct diag_place){.file = p->conf->texts[0].file}, NULL,
                     "there is no policy in it");
        break;
    }
}

enum err policy_import(const struct policy_import_conf *conf, struct diag *diag, struct buf *out)
{
    struct policy_import p = {.conf = conf, .diag = diag};
    struct buf rules;
    unsigned before = diag->errors;
    arena_init(&p.arena, SIZE_MAX);
    buf_init(&rules, BUF_TEXT_BOUND);
    buf_init(&p.helpers, BUF_TEXT_BOUND);
    p.out = &rules;
    run(&p);
    enum err e = diag->errors == before ? ERR_OK : ERR_INPUT;
    if (e == ERR_OK) {
        buf_put(out, buf_slice(&rules));
        if (buf_len(&p.helpers))
            buf_putf(out, "\n%.*s", SLICE_FMT(buf_slice(&p.helpers)));
    }
    buf_fini(&rules);
    buf_fini(&p.helpers);
    arena_fini(&p.arena);
    return e;
}
