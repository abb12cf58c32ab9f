/* weft policy simulate: an access log replayed against another policy. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "cli/args.h"
#include "cli/cmd_policy.h"
#include "cli/policy_request.h"
#include "cli/policy_set.h"
#include "cli/show.h"

enum { GROUPS_MOST = 10000, WHY_LINES = 5, TEXT_SHOWN = 200 };

struct simulate_flags {
    struct args_texts logs, against;
    uint64_t most;
};

static const struct args_flag flags[] = {
    {.name = "log",
     .letter = 'l',
     .type = ARGS_TEXTS,
     .offset = offsetof(struct simulate_flags, logs),
     .value = "FILE",
     .doc = "an access log (log.access); - is standard input; may be given several times"},
    {.name = "against",
     .letter = 'a',
     .type = ARGS_TEXTS,
     .offset = offsetof(struct simulate_flags, against),
     .value = "POLICY",
     .doc = "compare with this policy, not with what the log says happened"},
    {.name = "most",
     .type = ARGS_COUNT,
     .offset = offsetof(struct simulate_flags, most),
     .value = "N",
     .doc = "lines shown of each kind (default: 50)"},
    {0},
};

static const struct args_command command = {
    .name = "weft policy simulate",
    .words = "POLICY... --log FILE",
    .summary = "replay an access log: who would lose access under this policy, and who would gain it",
    .flags = flags,
    .min_words = 1,
    .max_words = ARGS_WORDS_MOST,
    .examples = "  weft policy simulate new-policy.weft --log orders.access.log\n"
                "  weft policy simulate new/ --against old/ --log - < orders.access.log\n",
    .details =
        "Requests to the function (direction inbound) are asked again.  Those that were refused as policy-denied\n"
        "count as denied, and those refused before that (bad-path, bad-request) are left out.\n"
        "Exit status: 0 nobody loses access, 1 somebody does, 2 wrong arguments, log or policy.\n",
};

enum change { LOSES, GAINS, CHANGES };

/* The same caller asking for the same thing, as far as people care. */
struct group {
    struct slice key, peer, what, id, time, why;
    uint64_t count;
};

struct replay {
    struct policy_set set, old;
    bool has_old;
    struct arena arena, line_arena;
    struct diag diag;
    struct map groups[CHANGES], peers;
    uint64_t requests, left_out, outbound, allowed, unreadable, beyond;
    uint64_t changed[CHANGES];
};

/* ---- one line ---- */

static struct slice text_of(const struct doc_node *line, const char *key)
{
    const struct doc_node *n = doc_get(line, key);
    return n && n->kind == DOC_STRING ? n->text : (struct slice){0};
}

static struct slice why_of(struct replay *p, struct authz *authz, const struct attrs *a)
{
    struct buf why;
    size_t end = 0;
    buf_init(&why, BUF_TEXT_BOUND);
    authz_why(authz, a, &why);
    struct slice text = buf_slice(&why);
    for (unsigned lines = 0; end < text.len && lines < WHY_LINES; end++)
        lines += text.at[end] == '\n';
    struct slice kept = arena_keep(&p->arena, slice_to(text, end));
    buf_fini(&why);
    return kept;
}

/* A log may hold anything; a terminal should not. */
static struct slice safe(struct replay *p, struct slice text)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    buf_put_safe(&out, text, TEXT_SHOWN);
    struct slice kept = arena_keep(&p->line_arena, buf_slice(&out));
    buf_fini(&out);
    return kept;
}

static void count(struct replay *p, enum change change, const struct doc_node *line, const struct policy_request *r)
{
    struct slice subject = safe(p, r->attrs.operation.len ? r->attrs.operation : r->attrs.path);
    struct slice method = safe(p, r->attrs.method);
    struct slice what = arena_putf(&p->line_arena, "%.*s %.*s", SLICE_FMT(method), SLICE_FMT(subject));
    struct slice key = arena_putf(&p->line_arena, "%.*s %.*s", SLICE_FMT(r->attrs.peer), SLICE_FMT(what));
    struct group *g = map_get(&p->groups[change], key);
    p->changed[change]++;
    if (!g && p->groups[change].count == GROUPS_MOST) {
        p->beyond++;
        return;
    }
    if (!g) {
        g = arena_new(&p->arena, sizeof(*g));
        *g = (struct group){.key = arena_keep(&p->arena, key),
                            .peer = arena_keep(&p->arena, safe(p, r->attrs.peer)),
                            .what = arena_keep(&p->arena, what),
                            .id = arena_keep(&p->arena, safe(p, text_of(line, "id"))),
                            .why = why_of(p, p->set.authz, &r->attrs)};
        map_put(&p->groups[change], g->key, g);
    }
    g->count++;
}

static void see_peer(struct replay *p, struct slice peer)
{
    if (map_get(&p->peers, peer))
        return;
    struct slice kept = arena_keep(&p->arena, peer.len ? peer : SLICE("?"));
    map_put(&p->peers, kept, (char *)(uintptr_t)kept.at);
}

static void replay(struct replay *p, const struct doc_node *line, const struct policy_request *r)
{
    struct slice error = text_of(line, "error");
    bool was = !slice_eq(error, SLICE("policy-denied"));
    if (p->has_old)
        was = authz_ask(p->old.authz, &r->attrs).answer == AUTHZ_ALLOW;
    bool is = authz_ask(p->set.authz, &r->attrs).answer == AUTHZ_ALLOW;
    p->requests++;
    p->allowed += is;
    see_peer(p, r->attrs.peer);
    if (was != is)
        count(p, was ? LOSES : GAINS, line, r);
}

static void read_line(struct replay *p, const struct doc_node *line)
{
    struct policy_request r;
    struct slice error = text_of(line, "error");
    if (slice_eq(text_of(line, "direction"), SLICE("outbound"))) {
        p->outbound++;
        return;
    }
    policy_request_init(&r);
    r.attrs = (struct attrs){.peer = text_of(line, "peer"),
                             .service = text_of(line, "service"),
                             .operation = text_of(line, "operation"),
                             .method = text_of(line, "method"),
                             .verdict = text_of(line, "verdict")};
    policy_request_path(&r, text_of(line, "path"));
    if (r.bad_path || slice_eq(error, SLICE("bad-path")) || slice_eq(error, SLICE("bad-request")))
        p->left_out++;
    else
        replay(p, line, &r);
    policy_request_fini(&r);
}

static void take_line(struct replay *p, struct slice text)
{
    struct diag ignored;
    struct doc_node *line;
    if (slice_trim(text).len == 0)
        return;
    diag_init(&ignored);
    arena_reset(&p->line_arena);
    if (doc_parse(text, "log", &p->line_arena, &ignored, &line) == ERR_OK && line->kind == DOC_MAP)
        read_line(p, line);
    else
        p->unreadable++;
    diag_fini(&ignored);
}

static bool read_log(struct replay *p, const char *path)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    FILE *from = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!from) {
        fprintf(stderr, "weft policy simulate: cannot read %s: %s\n", path, strerror(errno));
        return false;
    }
    while ((len = getline(&line, &room, from)) >= 0)
        take_line(p, slice_of(line, (size_t)len));
    free(line);
    if (from != stdin)
        fclose(from);
    return true;
}

/* ---- what came of it ---- */

static int by_count(const void *a, const void *b)
{
    const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return slice_cmp(x->key, y->key);
}

static struct group **sorted(const struct map *groups)
{
    struct group **v = mem_array(groups->count + 1, sizeof(*v)), *g;
    size_t at = 0, n = 0;
    while ((g = map_next(groups, &at)))
        v[n++] = g;
    qsort(v, n, sizeof(*v), by_count);
    return v;
}

static void print_group(const struct group *g)
{
    struct slice why = g->why, line;
    printf("  %.*s\n    %.*s: %llu request%s, the first %.*s\n", SLICE_FMT(g->peer.len ? g->peer : SLICE("(no peer)")),
           SLICE_FMT(g->what), (unsigned long long)g->count, g->count == 1 ? "" : "s", SLICE_FMT(g->id));
    while (slice_split(&why, '\n', &line))
        printf("      %.*s\n", SLICE_FMT(line));
}

static void print_change(const struct replay *p, enum change change, uint64_t most)
{
    static const char *const titles[CHANGES] = {"would lose access", "would gain access"};
    struct group **v = sorted(&p->groups[change]);
    if (p->groups[change].count)
        printf("\n%s:\n", titles[change]);
    for (size_t i = 0; i < p->groups[change].count && i < most; i++)
        print_group(v[i]);
    if (p->groups[change].count > most)
        printf("  and %llu more (--most)\n", (unsigned long long)(p->groups[change].count - most));
    mem_free(v);
}

/* The log has less than a request: then an answer may be another one in truth. */
static void print_gaps(const struct replay *p)
{
    static const enum question_kind gaps[] = {QUESTION_HEADER, QUESTION_CLAIM, QUESTION_CONTRACT, QUESTION_PROBE};
    for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
        if (authz_asks(p->set.authz, gaps[i]) || (p->has_old && authz_asks(p->old.authz, gaps[i])))
            printf("note: the policy asks for `%s`, which no access log has: rules with it did not hold here\n",
                   question_kind_name(gaps[i]));
}

static void print_all(const struct replay *p, uint64_t most)
{
    printf("%llu requests of %zu callers: %llu allowed, %llu denied; %llu would lose access, %llu would gain it\n",
           (unsigned long long)p->requests, p->peers.count, (unsigned long long)p->allowed,
           (unsigned long long)(p->requests - p->allowed), (unsigned long long)p->changed[LOSES],
           (unsigned long long)p->changed[GAINS]);
    if (p->left_out || p->outbound || p->unreadable)
        printf("left out: %llu that no policy was asked about, %llu outbound, %llu that cannot be read\n",
               (unsigned long long)p->left_out, (unsigned long long)p->outbound, (unsigned long long)p->unreadable);
    print_gaps(p);
    print_change(p, LOSES, most);
    print_change(p, GAINS, most);
    if (p->beyond)
        printf("\n%llu more requests, of callers and paths beyond the first 10000\n", (unsigned long long)p->beyond);
}

static int simulate(struct replay *p, const struct simulate_flags *f)
{
    for (size_t i = 0; i < f->logs.count; i++)
        if (!read_log(p, f->logs.v[i]))
            return 2;
    if (p->requests + p->left_out + p->outbound == 0) {
        fprintf(stderr, "weft policy simulate: no line of an access log is in there (log.access writes one)\n");
        return 2;
    }
    print_all(p, f->most);
    return p->changed[LOSES] ? 1 : 0;
}

int cmd_policy_simulate(int argc, char **argv)
{
    struct simulate_flags f = {.most = 50};
    const char *words[ARGS_WORDS_MOST];
    size_t word_count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &word_count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    if (f.logs.count == 0) {
        fprintf(stderr, "weft policy simulate: missing: --log FILE (try weft policy simulate --help)\n");
        return 2;
    }
    struct replay p = {.has_old = f.against.count > 0};
    arena_init(&p.arena, SIZE_MAX);
    arena_init(&p.line_arena, SIZE_MAX);
    diag_init(&p.diag);
    enum err e = policy_set_open(&p.set, words, word_count, NULL, &p.diag);
    if (e == ERR_OK && p.has_old)
        e = policy_set_open(&p.old, f.against.v, f.against.count, NULL, &p.diag);
    show_diag(&p.diag);
    int status = e == ERR_OK ? simulate(&p, &f) : 2;
    for (int c = 0; c < CHANGES; c++)
        map_fini(&p.groups[c]);
    map_fini(&p.peers);
    policy_set_fini(&p.set);
    policy_set_fini(&p.old);
    diag_fini(&p.diag);
    arena_fini(&p.arena);
    arena_fini(&p.line_arena);
    return status;
}
