#include "tools/docs_rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "contracts/profile.h"
#include "contracts/rule_book.h"
#include "tools/rule_example.h"

enum { RULES_MOST = 512, EXAMPLES_BOUND = 1 << 20, PROFILES_MOST = 8 };

/* A row of kind(); the rule and its direction are what is told of. */
struct rule {
    struct slice rule, direction, locus, message, fix;
};

/* A part of the page: rules of one sort, and the profiles that differ about them. */
struct part {
    const char *title, *about;
    const char *profiles[PROFILES_MOST + 1];
};

struct page {
    struct buf *out;
    struct arena arena;
    struct buf examples;
    struct rule v[RULES_MOST];
    size_t count;
    size_t proto_from; /* the rules from here on are about .proto files */
};

static const struct part parts[] = {
    {"Calls, bodies and values",
     "Rules about operations, and about what a schema lets through, whatever it was written in.",
     {"wire", "strict", "openapi", "json-schema", "avro", NULL}},
    {".proto files",
     "Rules about two sets of `.proto` files, under the names of buf and of the schema registry, too.",
     {"wire", "strict", "protobuf-file", "protobuf-package", "protobuf-wire-json", "protobuf-wire",
      "confluent:backward", NULL}},
};

/* --- Gathering. */

static int by_name(const void *a, const void *b)
{
    const struct rule *x = a, *y = b;
    int order = slice_cmp(x->rule, y->rule);
    order = order ? order : slice_cmp(x->direction, y->direction);
    return order ? order : slice_cmp(x->locus, y->locus);
}

/* Kinds of .proto files are told apart by their locus: what no call and no schema has. */
static bool is_proto(struct slice locus)
{
    static const char *const loci[] = {"field",
                                       "oneof",
                                       "message",
                                       "enum",
                                       "file",
                                       "package",
                                       "service",
                                       "extension",
                                       "rpc",
                                       "rpc request",
                                       "rpc response",
                                       "rpc client stream",
                                       "rpc server stream",
                                       NULL};
    for (const char *const *l = loci; *l; l++)
        if (slice_eq(locus, slice_str(*l)))
            return true;
    return false;
}

static void gather(struct page *p, bool proto)
{
    struct rule_book_row row;
    size_t from = p->count;
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "kind", &row) && p->count < RULES_MOST;)
        if (is_proto(row.column[3]) == proto)
            p->v[p->count++] = (struct rule){.rule = row.column[2],
                                             .direction = row.column[1],
                                             .locus = row.column[3],
                                             .message = row.column[6],
                                             .fix = row.column[7]};
    qsort(p->v + from, p->count - from, sizeof(p->v[0]), by_name);
}

/* --- Levels. */

static bool is_picked(const struct profile *p, const struct rule *r)
{
    static const char *const relations[] = {"equivalent", "equivalent_where"};
    struct rule_book_row row;
    for (size_t i = 0; i < 2; i++)
        for (struct rule_book_cursor c = {0}; rule_book_next(&c, relations[i], &row);)
            if (slice_eq(row.column[0], r->rule) && slice_eq(row.column[1], r->direction) &&
                (i == 1 || slice_eq(row.column[2], r->locus)) && profile_picks(p, row.column[3]))
                return true;
    return false;
}

static struct slice level_of(const struct profile *p, const struct rule *r)
{
    struct slice level = profile_level(p, r->rule, r->direction);
    if (p->tool.len && profile_knows(p, r->rule, r->direction) && !is_picked(p, r))
        return SLICE("note");
    if (slice_eq(level, SLICE("compatible")))
        return SLICE("note");
    return level.len ? level : SLICE("breaking");
}

static void put_levels(struct page *p, const struct part *part, const struct rule *r)
{
    for (const char *const *name = part->profiles; *name; name++) {
        struct profile profile;
        if (profile_init(&profile, slice_str(*name)) != ERR_OK)
            abort();
        struct slice level = level_of(&profile, r);
        buf_putf(p->out, " %.*s |", SLICE_FMT(slice_eq(level, SLICE("off")) ? SLICE("") : level));
        profile_fini(&profile);
    }
}

static void put_table(struct page *p, const struct part *part, size_t from, size_t to)
{
    buf_put(p->out, SLICE("| rule | in |"));
    for (const char *const *name = part->profiles; *name; name++)
        buf_putf(p->out, " `%s` |", *name);
    buf_put(p->out, SLICE("\n|---|---|"));
    for (const char *const *name = part->profiles; *name; name++)
        buf_put(p->out, SLICE("---|"));
    buf_put_char(p->out, '\n');
    for (size_t i = from; i < to; i++) {
        const struct rule *r = &p->v[i];
        if (i > from && slice_eq(r->rule, r[-1].rule) && slice_eq(r->direction, r[-1].direction))
            continue;
        buf_putf(p->out, "| [`%.*s`](#%.*s) | %.*s |", SLICE_FMT(r->rule), SLICE_FMT(r->rule), SLICE_FMT(r->direction));
        put_levels(p, part, r);
        buf_put_char(p->out, '\n');
    }
}

/* --- One rule. */

static void put_lines(struct buf *out, const char *mark, struct slice lines)
{
    struct slice line;
    while (slice_split(&lines, '\n', &line))
        buf_putf(out, "%s %.*s\n", mark, SLICE_FMT(line));
}

static void put_example(struct page *p, const struct rule *r)
{
    struct slice rest = buf_slice(&p->examples);
    struct rule_example e;
    enum err err;
    while ((err = rule_example_next(&rest, &p->arena, &e)) == ERR_OK) {
        if (!slice_eq(e.rule, r->rule) || !slice_eq(e.direction, r->direction))
            continue;
        buf_putf(p->out, "\nFor example %s", rule_example_frame_words(e.frame));
        if (!slice_eq(e.profile, SLICE("wire")))
            buf_putf(p->out, ", with `--profile %.*s`", SLICE_FMT(e.profile));
        buf_put(p->out, SLICE(":\n\n```diff\n"));
        put_lines(p->out, "-", e.old);
        put_lines(p->out, "+", e.new);
        buf_put(p->out, SLICE("```\n"));
    }
    if (err != ERR_ABSENT) {
        fprintf(stderr, "weft_docs_tool: no example at: %.40s\n", rest.at);
        exit(1);
    }
}

static void put_names(struct page *p, const struct rule *r)
{
    static const char *const relations[] = {"equivalent", "equivalent_where"};
    struct rule_book_row row;
    size_t count = 0;
    for (size_t i = 0; i < 2; i++)
        for (struct rule_book_cursor c = {0}; rule_book_next(&c, relations[i], &row);)
            if (slice_eq(row.column[0], r->rule) && slice_eq(row.column[1], r->direction) &&
                !slice_eq(r->rule, SLICE("noted")) && !slice_starts(row.column[3], SLICE("openapi:")))
                buf_putf(p->out, "%s`%.*s`", count++ ? ", " : "\nElsewhere: ", SLICE_FMT(row.column[3]));
    if (count)
        buf_put(p->out, SLICE(".\n"));
}

/* Who writes and who reads is known by the direction. */
static void put_words(struct buf *out, struct slice words, struct slice direction)
{
    bool request = slice_eq(direction, SLICE("request"));
    size_t open, close;
    while (slice_find(words, '{', &open) && slice_find(words, '}', &close) && open < close) {
        struct slice name = slice_of(words.at + open + 1, close - open - 1);
        buf_put(out, slice_to(words, open));
        if (slice_eq(name, SLICE("writer")) || slice_eq(name, SLICE("reader")))
            buf_put(out, slice_eq(name, SLICE("writer")) == request ? SLICE("consumer") : SLICE("provider"));
        else
            buf_putf(out, "`{%.*s}`", SLICE_FMT(name));
        words = slice_from(words, close + 1);
    }
    buf_put(out, words);
}

static void put_rule(struct page *p, const struct rule *r, bool first, bool again)
{
    if (first)
        buf_putf(p->out, "\n### %.*s\n", SLICE_FMT(r->rule));
    buf_putf(p->out, "\n**%s**: ",
             slice_eq(r->direction, SLICE("request"))    ? "Requests"
             : slice_eq(r->direction, SLICE("response")) ? "Responses"
                                                         : "Surface");
    put_words(p->out, r->message, r->direction);
    buf_put(p->out, SLICE(". Repair: "));
    put_words(p->out, r->fix, r->direction);
    buf_put(p->out, SLICE(".\n"));
    if (again)
        return;
    put_example(p, r);
    put_names(p, r);
}

static bool same_rule(const struct rule *a, const struct rule *b)
{
    return slice_eq(a->rule, b->rule);
}

static bool same_row(const struct rule *a, const struct rule *b)
{
    return same_rule(a, b) && slice_eq(a->direction, b->direction);
}

static void put_part(struct page *p, const struct part *part, size_t from, size_t to)
{
    buf_putf(p->out, "\n## %s\n\n%s\n\n", part->title, part->about);
    put_table(p, part, from, to);
    for (size_t i = from; i < to; i++)
        put_rule(p, &p->v[i], i == from || !same_rule(&p->v[i], &p->v[i - 1]),
                 i + 1 < to && same_row(&p->v[i], &p->v[i + 1]));
}

static const char head[] =
    "# Rules\n\n"
    "What `weft check` finds, by the name that `--only`, `--level` and a baseline take. This page is made from\n"
    "contracts/rules; every example is run by a test, which finds this rule and no other.\n\n"
    "A consumer writes requests and a provider reads them; of responses it is the other way round. A surface is\n"
    "what is said about an operation, or a file, as a whole. `{where}` is the place, `{sent}` what the writer says\n"
    "there and `{read}` what the reader says.\n\n"
    "What a rule comes to is the profile's to say. *breaking*: within bodies it breaks where a value shows it, and is\n"
    "unproven else; with `strict` it breaks either way. *unproven*: it may break, and does where a value shows it.\n"
    "*note*: it breaks nothing. An empty cell: the rule is not asked. `json-schema-lenient` is `json-schema` without "
    "the\n"
    "rules of open records; `protobuf` has every rule about `.proto` files break. `more` and `limit` are no rules: "
    "they\n"
    "stand for findings that are not shown, and for a comparison that was stopped.\n";

void docs_rules(struct buf *out)
{
    struct page *p = calloc(1, sizeof(*p));
    if (!p)
        abort();
    p->out = out;
    arena_init(&p->arena, 0);
    buf_init(&p->examples, EXAMPLES_BOUND);
    if (file_read("contracts/rules/examples.txt", &p->examples) != ERR_OK) {
        fprintf(stderr,
                "weft_docs_tool: run it in the repository's own folder: it reads contracts/rules/examples.txt\n");
        exit(1);
    }
    gather(p, false);
    p->proto_from = p->count;
    gather(p, true);
    buf_put(out, slice_str(head));
    put_part(p, &parts[0], 0, p->proto_from);
    put_part(p, &parts[1], p->proto_from, p->count);
    buf_fini(&p->examples);
    arena_fini(&p->arena);
    free(p);
}
