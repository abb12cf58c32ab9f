/* weft policy test: a table of questions with the answers that are expected. */
#include <stdio.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/cmd_policy.h"
#include "cli/policy_request.h"
#include "cli/policy_set.h"
#include "cli/show.h"

enum { TABLE_BYTES = 16 << 20, POLICIES_MOST = 64 };

struct test_flags {
    struct args_texts policies;
    const char *contract;
    bool verbose;
};

static const struct args_flag flags[] = {
    {.name = "policy",
     .letter = 'p',
     .type = ARGS_TEXTS,
     .offset = offsetof(struct test_flags, policies),
     .value = "FILE",
     .doc = "instead of the table's own policy:; may be given several times"},
    {.name = "contract",
     .letter = 'c',
     .type = ARGS_TEXT,
     .offset = offsetof(struct test_flags, contract),
     .value = "FILE",
     .doc = "instead of the table's own contract:, to find operations by method and path"},
    {.name = "verbose",
     .letter = 'v',
     .type = ARGS_SWITCH,
     .offset = offsetof(struct test_flags, verbose),
     .doc = "also tell the questions that are answered as expected"},
    {0},
};

static const struct args_command command = {
    .name = "weft policy test",
    .words = "TABLE",
    .summary = "ask a policy a table of questions, and compare the answers with those expected",
    .flags = flags,
    .min_words = 1,
    .max_words = 1,
    .examples = "  weft policy test policy-test.yaml\n"
                "  weft policy test policy-test.yaml --policy new-policy.weft\n",
    .details = "TABLE is YAML:\n"
               "  policy: [policy.weft]\n"
               "  contract: orders.weft          # optional\n"
               "  questions:\n"
               "    - name: the web reads orders # optional\n"
               "      peer: spiffe://example.org/ns/shop/sa/web\n"
               "      method: GET\n"
               "      path: /orders/7\n"
               "      expect: allow              # or deny\n"
               "      by: policy.weft:7          # optional: the rule that must decide\n"
               "Other keys of a question: op, service, headers, claims, job, verdict, contract (NAME@VERSION), probe.\n"
               "Paths in TABLE start at its folder.\n"
               "Exit status: 0 all as expected, 1 some are not, 2 wrong arguments, table or policy.\n",
};

static const char *const own_keys[] = {"name", "expect", "by", NULL};

struct table {
    struct arena arena;
    struct diag diag;
    struct buf text;
    struct diag_place file;
    struct doc_node *root;
    struct policy_set set;
    bool verbose;
    unsigned asked, wrong;
};

static enum err complain(struct table *t, const struct doc_node *at, const char *fix, const char *what)
{
    struct diag_place place = t->file;
    place.line = at->line;
    place.column = at->column;
    diag_add(&t->diag, DIAG_ERROR, &place, fix, "%s", what);
    return ERR_INPUT;
}

/* Where a path in the table leads. */
static const char *beside(struct table *t, struct slice path)
{
    struct slice table = slice_str(t->file.file);
    size_t slash;
    if (slice_starts(path, SLICE("/")) || !slice_find_last(table, '/', &slash))
        return arena_keep(&t->arena, path).at;
    return arena_putf(&t->arena, "%.*s/%.*s", SLICE_FMT(slice_to(table, slash)), SLICE_FMT(path)).at;
}

static enum err own_policies(struct table *t, struct args_texts *out)
{
    const struct doc_node *n = doc_get(t->root, "policy");
    if (!n || (n->kind != DOC_STRING && n->kind != DOC_LIST))
        return complain(t, n ? n : t->root, "policy: [policy.weft]",
                        "the table names no policy, and --policy is not given");
    if (n->kind == DOC_STRING) {
        out->v[out->count++] = beside(t, n->text);
        return ERR_OK;
    }
    for (const struct doc_node *p = n->first; p; p = p->next) {
        if (p->kind != DOC_STRING || out->count == POLICIES_MOST)
            return complain(t, p, NULL, "a path is expected, 64 at most");
        out->v[out->count++] = beside(t, p->text);
    }
    return ERR_OK;
}

static enum err open_policy(struct table *t, const struct test_flags *f)
{
    struct args_texts paths = f->policies;
    const struct doc_node *contract = doc_get(t->root, "contract");
    const char *contract_path = f->contract;
    if (paths.count == 0)
        TRY(own_policies(t, &paths));
    if (!contract_path && contract)
        contract_path = beside(t, contract->text);
    return policy_set_open(&t->set, paths.v, paths.count, contract_path, &t->diag);
}

/* ---- one question ---- */

static void put_name(struct buf *out, const struct doc_node *q, const struct attrs *a)
{
    const struct doc_node *name = doc_get(q, "name");
    if (name && name->text.len)
        buf_put(out, name->text);
    else
        buf_putf(out, "%.*s%s%.*s%s%.*s", SLICE_FMT(a->peer), a->peer.len ? " " : "", SLICE_FMT(a->method),
                 a->method.len ? " " : "", SLICE_FMT(a->path.len ? a->path : a->operation));
}

static void put_indented(struct buf *out, struct slice text)
{
    struct slice line;
    while (slice_split(&text, '\n', &line))
        buf_putf(out, "    %.*s\n", SLICE_FMT(line));
}

static void tell(struct table *t, const struct doc_node *q, const struct policy_request *r, const char *what,
                 bool explain)
{
    struct buf out, why;
    buf_init(&out, BUF_TEXT_BOUND);
    buf_init(&why, BUF_TEXT_BOUND);
    buf_putf(&out, "%s:%u: ", t->file.file, q->line);
    put_name(&out, q, &r->attrs);
    buf_putf(&out, ": %s\n", what);
    if (explain && !r->bad_path)
        authz_why(t->set.authz, &r->attrs, &why);
    put_indented(&out, buf_slice(&why));
    show_buf(stdout, &out);
    buf_fini(&out);
    buf_fini(&why);
}

static void judge(struct table *t, const struct doc_node *q, const struct policy_request *r, bool allow)
{
    struct authz_decision d = {.answer = AUTHZ_DENY, .reason = "refused: the path is not plain"};
    const struct doc_node *by = doc_get(q, "by");
    char what[512];
    if (!r->bad_path)
        d = authz_ask(t->set.authz, &r->attrs);
    bool as_expected = (d.answer == AUTHZ_ALLOW) == allow;
    bool by_other = as_expected && by && !slice_ends(slice_str(d.reason), by->text);
    t->asked++;
    t->wrong += !as_expected || by_other;
    if (!as_expected)
        (void)snprintf(what, sizeof(what), "expected %s, but it is %s", allow ? "allow" : "deny",
                       r->bad_path               ? "refused: the path is not plain"
                       : d.answer == AUTHZ_ALLOW ? "allowed"
                                                 : "denied");
    else if (by_other)
        (void)snprintf(what, sizeof(what), "%s as expected, but not by %.*s: %s", allow ? "allowed" : "denied",
                       SLICE_FMT(by->text), d.reason);
    else
        (void)snprintf(what, sizeof(what), "%s", d.reason);
    if (!as_expected || by_other || t->verbose)
        tell(t, q, r, what, !as_expected);
}

static enum err ask(struct table *t, const struct doc_node *q)
{
    struct policy_request r;
    const struct doc_node *expect = doc_get(q, "expect");
    if (q->kind != DOC_MAP)
        return complain(t, q, "- {peer: ..., method: GET, path: /x, expect: allow}", "a question is expected");
    bool allow = expect && slice_eq(expect->text, SLICE("allow"));
    if (!allow && !(expect && slice_eq(expect->text, SLICE("deny"))))
        return complain(t, expect ? expect : q, "expect: allow, or expect: deny", "no answer is expected");
    policy_request_init(&r);
    enum err e = policy_request_read(&r, q, own_keys, &t->file, &t->diag);
    if (e == ERR_OK) {
        policy_request_operation(&r, t->set.contract);
        judge(t, q, &r, allow);
    }
    policy_request_fini(&r);
    return e;
}

static enum err ask_all(struct table *t)
{
    const struct doc_node *questions = doc_get(t->root, "questions");
    if (!questions || questions->kind != DOC_LIST || questions->count == 0)
        return complain(t, questions ? questions : t->root, "questions: [{...}]", "the table has no questions");
    enum err worst = ERR_OK;
    for (const struct doc_node *q = questions->first; q; q = q->next)
        if (ask(t, q) != ERR_OK)
            worst = ERR_INPUT;
    return worst;
}

static enum err check_keys(struct table *t)
{
    static const char *const keys[] = {"policy", "contract", "questions"};
    for (const struct doc_node *n = t->root->first; n; n = n->next) {
        bool known = false;
        for (size_t i = 0; i < 3; i++)
            known = known || slice_eq(n->key, slice_str(keys[i]));
        if (!known)
            return complain(t, n, "a table has policy, contract and questions", "unknown key");
    }
    return ERR_OK;
}

static enum err read_table(struct table *t, const char *path)
{
    t->file.file = path;
    enum err e = file_read(path, &t->text);
    if (e != ERR_OK) {
        diag_add(&t->diag, DIAG_ERROR, &t->file, NULL, "cannot be read: %s", err_text(e));
        return ERR_INPUT;
    }
    t->file.text = buf_slice(&t->text);
    TRY(doc_parse(t->file.text, path, &t->arena, &t->diag, &t->root));
    if (t->root->kind != DOC_MAP)
        return complain(t, t->root, "see weft policy test --help", "a table has policy and questions");
    return check_keys(t);
}

int cmd_policy_test(int argc, char **argv)
{
    struct test_flags f = {0};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    struct table t = {.verbose = f.verbose};
    arena_init(&t.arena, SIZE_MAX);
    diag_init(&t.diag);
    buf_init(&t.text, TABLE_BYTES);
    enum err e = read_table(&t, words[0]);
    if (e == ERR_OK)
        e = open_policy(&t, &f);
    if (e == ERR_OK)
        e = ask_all(&t);
    fflush(stdout);
    show_diag(&t.diag);
    if (e == ERR_OK)
        printf("%u question%s, %u answered otherwise\n", t.asked, t.asked == 1 ? "" : "s", t.wrong);
    policy_set_fini(&t.set);
    buf_fini(&t.text);
    diag_fini(&t.diag);
    arena_fini(&t.arena);
    return e != ERR_OK ? 2 : t.wrong ? 1 : 0;
}
