/* weft policy explain: one question, its answer, and why. */
#include <stdio.h>

#include "cli/args.h"
#include "cli/cmd_policy.h"
#include "cli/policy_request.h"
#include "cli/policy_set.h"
#include "cli/show.h"

struct explain_flags {
    const char *peer, *service, *op, *method, *path, *job, *verdict, *caller, *contract;
    struct args_texts headers, claims;
    bool probe;
};

#define AT(member) .offset = offsetof(struct explain_flags, member)

static const struct args_flag flags[] = {
    {.name = "peer", .letter = 'p', .type = ARGS_TEXT, AT(peer), .value = "ID", .doc = "the caller's SPIFFE ID"},
    {.name = "method", .letter = 'm', .type = ARGS_TEXT, AT(method), .value = "METHOD", .doc = "GET, POST ..."},
    {.name = "path", .type = ARGS_TEXT, AT(path), .value = "PATH", .doc = "as it is sent; it is made plain first"},
    {.name = "op", .type = ARGS_TEXT, AT(op), .value = "NAME", .doc = "the operation (default: by --contract)"},
    {.name = "header",
     .letter = 'H',
     .type = ARGS_TEXTS,
     AT(headers),
     .value = "NAME:VALUE",
     .doc = "a header; may be given several times"},
    {.name = "claim",
     .type = ARGS_TEXTS,
     AT(claims),
     .value = "NAME=VALUE",
     .doc = "a claim of the user's token; may be given several times"},
    {.name = "service", .type = ARGS_TEXT, AT(service), .value = "NAME", .doc = "the service that is called"},
    {.name = "job", .type = ARGS_TEXT, AT(job), .value = "VERB", .doc = "submit, run, see or cancel"},
    {.name = "verdict", .type = ARGS_TEXT, AT(verdict), .value = "LEVEL", .doc = "how the contracts stand: same ..."},
    {.name = "caller-contract",
     .type = ARGS_TEXT,
     AT(caller),
     .value = "NAME@VERSION",
     .doc = "the contract that the caller shows"},
    {.name = "probe", .type = ARGS_SWITCH, AT(probe), .doc = "it is a health probe"},
    {.name = "contract",
     .letter = 'c',
     .type = ARGS_TEXT,
     AT(contract),
     .value = "FILE",
     .doc = "the provider's contract, to find the operation by method and path"},
    {0},
};

static const struct args_command command = {
    .name = "weft policy explain",
    .words = "POLICY...",
    .summary = "ask a policy one question: the answer and its proof, or what came nearest",
    .flags = flags,
    .min_words = 1,
    .max_words = ARGS_WORDS_MOST,
    .examples =
        "  weft policy explain policy.weft --peer spiffe://example.org/ns/shop/sa/web --method GET --path /orders\n",
    .details = "POLICY is a file or a folder of *.weft.\n"
               "Exit status: 0 allowed, 1 denied, 2 wrong arguments or policy.\n",
};

static enum err fill(struct policy_request *r, const struct explain_flags *f, const struct contract *c)
{
    r->attrs.peer = slice_str(f->peer);
    r->attrs.service = slice_str(f->service);
    r->attrs.operation = slice_str(f->op);
    r->attrs.method = slice_str(f->method);
    r->attrs.job = slice_str(f->job);
    r->attrs.verdict = slice_str(f->verdict);
    r->attrs.probe = f->probe;
    if (f->path)
        policy_request_path(r, slice_str(f->path));
    if (f->caller)
        policy_request_contract(r, slice_str(f->caller));
    for (size_t i = 0; i < f->headers.count; i++)
        if (policy_request_header(r, slice_str(f->headers.v[i])) != ERR_OK) {
            fprintf(stderr, "weft policy explain: --header %s: write NAME:VALUE\n", f->headers.v[i]);
            return ERR_INPUT;
        }
    for (size_t i = 0; i < f->claims.count; i++)
        if (policy_request_claim(r, slice_str(f->claims.v[i])) != ERR_OK) {
            fprintf(stderr, "weft policy explain: --claim %s: write NAME=VALUE\n", f->claims.v[i]);
            return ERR_INPUT;
        }
    policy_request_operation(r, c);
    return ERR_OK;
}

static int answer(struct policy_set *s, const struct policy_request *r)
{
    struct buf out;
    if (r->bad_path) {
        printf("Refused (bad-path) before any rule is asked: this path can be read in two ways, or leads above the "
               "root.\n");
        return 1;
    }
    buf_init(&out, BUF_TEXT_BOUND);
    authz_why(s->authz, &r->attrs, &out);
    show_buf(stdout, &out);
    buf_fini(&out);
    return authz_ask(s->authz, &r->attrs).answer == AUTHZ_ALLOW ? 0 : 1;
}

int cmd_policy_explain(int argc, char **argv)
{
    struct explain_flags f = {0};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    struct diag diag;
    struct policy_set set;
    struct policy_request request;
    diag_init(&diag);
    policy_request_init(&request);
    enum err e = policy_set_open(&set, words, count, f.contract, &diag);
    show_diag(&diag);
    if (e == ERR_OK)
        e = fill(&request, &f, set.contract);
    int status = e == ERR_OK ? answer(&set, &request) : 2;
    policy_request_fini(&request);
    policy_set_fini(&set);
    diag_fini(&diag);
    return status;
}
