/* weft adapt: rewrite a body by hand, as a sidecar does while it streams. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/json_out.h"
#include "cli/args.h"
#include "cli/check_input.h"
#include "cli/commands.h"
#include "cli/plan_file.h"
#include "cli/show.h"
#include "contracts/wire/json_tok.h"
#include "contracts/wire/rewrite_records.h"
#include "contracts/wire/transcode_plan.h"

enum { FINE, REFUSED, UNUSABLE };
enum { PIECE = 64 << 10, COMMIT = 64 << 10, OUT_MOST = 256 << 20, LEAST_HOLD = 16, PATH_MOST = 4096 };

struct adapt_flags {
    const char *name;
    bool list, counts;
    const char *given, *types;
    uint64_t max_hold;
    unsigned framing;
};

static const char *const framings[] = {"whole", "lines", "events", "grpc", NULL}; /* by enum rewrite_framing */

#define AT(member) offsetof(struct adapt_flags, member)

static const struct args_flag flags[] = {
    {.name = "for",
     .type = ARGS_TEXT,
     .offset = AT(name),
     .value = "NAME",
     .doc = "which plan of the file, like 'request create_order' (needed when there are several)"},
    {.name = "list", .letter = 'l', .type = ARGS_SWITCH, .offset = AT(list), .doc = "print the plans' names and laws"},
    {.name = "texts",
     .type = ARGS_CHOICE,
     .offset = AT(framing),
     .value = "HOW",
     .choices = framings,
     .doc = "BODY is one text or message (whole, the default), one text a line, the data of server-sent events, or "
            "the messages of a gRPC stream"},
    {.name = "counts",
     .type = ARGS_SWITCH,
     .offset = AT(counts),
     .doc = "say on stderr how often each step was applied"},
    {.name = "give",
     .type = ARGS_TEXT,
     .offset = AT(given),
     .value = "NAMES",
     .doc = "what put steps put, by the parameters' names: 'limit=7 sort=up'"},
    {.name = "types",
     .type = ARGS_TEXT,
     .offset = AT(types),
     .value = "FILES",
     .doc = "the .proto files or contracts whose messages transcode steps name, one for each, commas between; the last "
            "one is for the rest, too"},
    {.name = "max-hold",
     .type = ARGS_COUNT,
     .offset = AT(max_hold),
     .value = "BYTES",
     .doc = "the largest member that a step may hold (default: 1048576)"},
    {0},
};

static const struct args_command command = {
    .name = "weft adapt",
    .words = "PLAN [BODY]",
    .summary = "rewrite a JSON or protobuf body by a plan, as a sidecar does",
    .flags = flags,
    .min_words = 1,
    .max_words = 2,
    .examples = "  weft check orders-1.weft orders-2.weft --format plan > orders.plan\n"
                "  weft adapt orders.plan --list\n"
                "  weft adapt orders.plan --for 'request create_order' < body.json\n"
                "  weft adapt to-json.plan --types shop.proto < order.binpb\n",
    .details =
        "PLAN is a file of steps, one a line, columns between tabs: operation, path, operand, and if wanted law\n"
        "and why; # begins a comment.  Operations:\n"
        "  rename   /lines/[]  qty -> quantity         another name\n"
        "  default  /          currency = \"EUR\"        a member when it is absent\n"
        "  drop     /          legacy                  no such member\n"
        "  narrow   /          total 0..2147483647     a whole number within, or the body is refused\n"
        "  enum     /          status GONE -> CLOSED, else \"OTHER\"\n"
        "  strip    /          note                    null becomes absent\n"
        "  scale    /          weight * 1/1000         exactly, or the body is refused\n"
        "  text     /          total                   a whole number becomes a string of its digits\n"
        "  number   /          total in 0..9999        and back\n"
        "  encode   /          note                    a text becomes base64; decode goes back\n"
        "  date     /          sent ms                 a time since 1970 becomes a date-time; epoch goes back\n"
        "  wrap     /          tag                     a value becomes an array of it\n"
        "  head     /          tags only, else null    an array becomes its first, last or only element\n"
        "  hoist    /          address/city -> city    a member of a member comes up\n"
        "  plunge   /          city -> address/city    and goes down\n"
        "  take     /          max -> query max        a member leaves for the head, and is said on stderr\n"
        "  put      /          query max -> max number and comes from it (--give)\n"
        "A path names members; [] is every element, {} every value of a map, and (...) the same value when it is of "
        "that\n"
        "branch of a union: /pay/(kind=card|visa), (v:string), (:number), (+iban&-card).  And besides\n"
        "  then     /                                  the steps below see what went out above\n"
        "A plan whose first step is `protobuf` is for bodies in protobuf's binary encoding: its steps name fields by\n"
        "number (rename, drop, default, enum, narrow, strip, head, encode, decode), and besides\n"
        "  protobuf /          shop.Order              the message that the body is\n"
        "  field    /          2 int64 -> string       what kind a value is, and what it becomes\n"
        "  inside   /          3 -> /shop.Line         where the steps for the messages of a field stand\n"
        "A first stage of `transcode` reads protobuf's JSON, a last one writes it (--types):\n"
        "  transcode /         json -> protobuf shop.Order\n"
        "  transcode /         protobuf -> json shop.Order\n"
        "method, path, status and param are about the head of a message and do nothing here.\n"
        "BODY is a file; without it, or as -, standard input.  What no step touches keeps every byte.\n"
        "Nothing is printed of a body that is refused within its first 64 KiB.\n"
        "Exit status: 0 done, 1 the body was refused, 2 unusable arguments or plan.\n",
};

/* --- The plan. */

static int wrong(const struct plan_file *f, const char *what)
{
    fprintf(stderr, "weft adapt: %s; %s has\n", what, f->path);
    for (size_t i = 0; i < f->count; i++)
        fprintf(stderr, "  %.*s\n", SLICE_FMT(f->names[i]));
    return UNUSABLE;
}

static int choose(const struct plan_file *f, const char *said, struct slice *name)
{
    if (!said && f->count > 1)
        return wrong(f, "say which plan with --for");
    *name = f->names[0];
    for (size_t i = 0; said && i < f->count; i++)
        if (slice_eq(f->names[i], slice_str(said))) {
            *name = f->names[i];
            return FINE;
        }
    return said ? wrong(f, "no plan of that name") : FINE;
}

static int unusable(const struct diag *diag)
{
    show_diag(diag);
    return UNUSABLE;
}

static int list(struct plan_file *f, struct diag *diag)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    for (size_t i = 0; i < f->count; i++) {
        struct plan *plan;
        if (plan_file_plan(f, f->names[i], diag, &plan) != ERR_OK)
            continue;
        buf_putf(&out, "%.*s\t%s\t%zu steps\n", SLICE_FMT(f->names[i]), plan_law_name(plan_law(plan)),
                 plan_count(plan));
        plan_unref(&plan);
    }
    if (diag->errors == 0)
        show_buf(stdout, &out);
    buf_fini(&out);
    return diag->errors ? unusable(diag) : FINE;
}

/* --- The body. */

struct adapting {
    int from;
    struct rewrite *rewrite;
    struct buf out;
    uint64_t gone;
};

static int broken(const char *what)
{
    fprintf(stderr, "weft adapt: %s: %s\n", what, strerror(errno));
    return UNUSABLE;
}

static int refused(const struct adapting *a)
{
    fprintf(stderr, "weft adapt: %s\n", rewrite_fault(a->rewrite));
    if (a->gone)
        fprintf(stderr, "weft adapt: %" PRIu64 " bytes had gone out before\n", a->gone);
    return REFUSED;
}

static int write_out(struct adapting *a)
{
    while (buf_len(&a->out)) {
        struct slice some = buf_slice(&a->out);
        ssize_t n = write(STDOUT_FILENO, some.at, some.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return broken("cannot write the body");
        buf_took(&a->out, (size_t)n);
        a->gone += (uint64_t)n;
    }
    return FINE;
}

static int adapt(struct adapting *a)
{
    char piece[PIECE];
    ssize_t n;
    while ((n = read(a->from, piece, sizeof(piece))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return broken("cannot read the body");
        if (rewrite_feed(a->rewrite, slice_of(piece, (size_t)n), &a->out) != ERR_OK)
            return refused(a);
        if (buf_len(&a->out) >= COMMIT && write_out(a) != FINE)
            return UNUSABLE;
    }
    return rewrite_finish(a->rewrite, &a->out) == ERR_OK ? write_out(a) : refused(a);
}

static void print_counts(const struct plan *plan, const struct rewrite *r)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    plan_put(plan, &text);
    struct slice rest = buf_slice(&text), line;
    for (size_t i = 0; slice_split(&rest, '\n', &line); i++)
        fprintf(stderr, "%" PRIu64 "\t%.*s\n", rewrite_applied(r)[i], SLICE_FMT(line));
    buf_fini(&text);
}

/* The JSON that a parameter's text is; false: it is none. */
static bool put_given(enum plan_as as, struct slice text, struct buf *json)
{
    struct json_out j;
    json_out_init(&j, json, 0);
    if (as == PLAN_AS_STRING)
        json_out_slice(&j, text);
    else
        buf_put(json, text);
    return json_tok_whole(buf_slice(json));
}

static void give(const struct plan *plan, struct rewrite *r, const char *given)
{
    struct slice rest = slice_str(given), pair;
    size_t equals;
    while (slice_split(&rest, ' ', &pair)) {
        for (size_t i = 0; i < plan_count(plan) && slice_find(pair, '=', &equals); i++) {
            const struct plan_step *s = plan_step(plan, i);
            struct buf json;
            buf_init(&json, BUF_TEXT_BOUND);
            if (s->op == PLAN_PUT && slice_eq(s->from, slice_to(pair, equals)) &&
                put_given(s->as, slice_from(pair, equals + 1), &json))
                rewrite_give(r, i, buf_slice(&json));
            buf_fini(&json);
        }
    }
}

static void print_taken(const struct plan *plan, const struct rewrite *r)
{
    struct slice json;
    for (size_t i = 0; i < plan_count(plan); i++) {
        const struct plan_step *s = plan_step(plan, i);
        if (rewrite_taken(r, i, &json) == ERR_OK)
            fprintf(stderr, "%s %.*s = %.*s\n", plan_in_name(s->to_in), SLICE_FMT(s->to), SLICE_FMT(json));
    }
}

static int adapt_file(struct plan *plan, const struct adapt_flags *f, const char *body)
{
    struct adapting a = {.from = STDIN_FILENO};
    bool opened = body && strcmp(body, "-") != 0;
    if (opened && (a.from = open(body, O_RDONLY | O_CLOEXEC)) < 0)
        return broken(body);
    a.rewrite = rewrite_records_new(plan, (size_t)f->max_hold, (enum rewrite_framing)f->framing);
    buf_init(&a.out, OUT_MOST);
    if (f->given)
        give(plan, a.rewrite, f->given);
    int status = adapt(&a);
    print_taken(plan, a.rewrite);
    if (f->counts)
        print_counts(plan, a.rewrite);
    buf_fini(&a.out);
    rewrite_free(&a.rewrite);
    if (opened)
        close(a.from);
    return status;
}

/* --- Types. */

static enum err set_step(struct plan *plan, size_t step, const char *where, struct diag *diag)
{
    struct check_input in = {0};
    struct pbmould *types = NULL;
    enum err e = check_input_load(where, IMPORT_AUTO, diag, &in);
    struct diag_place place = {.file = where};
    if (e == ERR_OK && (in.count != 1 || !(types = pbmould_new(in.files[0].contract)))) {
        diag_add(diag, DIAG_ERROR, &place, "name one .proto file, or a contract made of one", "it has no messages");
        e = ERR_INPUT;
    }
    if (e == ERR_OK && plan_set_types(plan, step, types) != ERR_OK) {
        diag_add(diag, DIAG_ERROR, &place, NULL, "it has no message %.*s", SLICE_FMT(plan_step(plan, step)->text));
        e = ERR_INPUT;
    }
    pbmould_unref(&types);
    check_input_fini(&in);
    return e;
}

static enum err set_types(struct plan *plan, const struct adapt_flags *f, struct diag *diag)
{
    struct slice rest = slice_str(f->types), word = {0};
    for (size_t i = 0; f->types && i < plan_count(plan); i++) {
        char where[PATH_MOST];
        if (plan_step(plan, i)->op != PLAN_TRANSCODE)
            continue;
        (void)slice_split(&rest, ',', &word);
        snprintf(where, sizeof(where), "%.*s", SLICE_FMT(word));
        TRY(set_step(plan, i, where, diag));
    }
    if (!transcode_plan_lacks_types(plan))
        return ERR_OK;
    diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = "--types"}, "say --types FILE",
             "a transcode step needs the .proto file, or the contract, that has its message");
    return ERR_INPUT;
}

static int run(const struct adapt_flags *f, struct plan_file *file, const char *body, struct diag *diag)
{
    if (f->list)
        return list(file, diag);
    struct slice name;
    struct plan *plan;
    if (choose(file, f->name, &name) != FINE)
        return UNUSABLE;
    if (plan_file_plan(file, name, diag, &plan) != ERR_OK)
        return unusable(diag);
    int status = set_types(plan, f, diag) == ERR_OK ? adapt_file(plan, f, body) : unusable(diag);
    plan_unref(&plan);
    return status;
}

int cmd_adapt(int argc, char **argv)
{
    struct adapt_flags f = {.max_hold = REWRITE_MAX_HOLD};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? FINE : UNUSABLE;
    if (f.max_hold < LEAST_HOLD || f.max_hold > OUT_MOST) {
        fprintf(stderr, "weft adapt: --max-hold is a number of bytes from 16 to 268435456\n");
        return UNUSABLE;
    }
    struct diag diag;
    struct plan_file file;
    diag_init(&diag);
    int status = plan_file_init(&file, words[0], &diag) == ERR_OK ? run(&f, &file, count > 1 ? words[1] : NULL, &diag)
                                                                  : unusable(&diag);
    plan_file_fini(&file);
    diag_fini(&diag);
    return status;
}
