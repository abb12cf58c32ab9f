#include "policy/policy_why.h"

static const datalog_word no_columns[1];

/* "orders.weft:3". */
static void put_place(struct buf *out, const char *file, unsigned line)
{
    buf_putf(out, "%s:%u", file ? file : "?", line);
}

/* A rule on one line of its own, however it was broken into lines. */
static void put_rule(struct buf *out, struct slice rule)
{
    buf_put(out, SLICE("    "));
    bool blank = false;
    for (size_t i = 0; i < rule.len; i++) {
        bool is_blank = rule.at[i] == ' ' || rule.at[i] == '\n' || rule.at[i] == '\r' || rule.at[i] == '\t';
        if (is_blank && !blank)
            buf_put_char(out, ' ');
        if (!is_blank)
            buf_put_char(out, rule.at[i]);
        blank = is_blank;
    }
    buf_put_char(out, '\n');
}

static struct datalog_proof *prove(struct datalog_run *run, int relation, struct arena *arena)
{
    struct datalog_proof *proof;
    if (!datalog_has(run, relation, no_columns))
        return NULL;
    return datalog_explain(run, relation, no_columns, arena, &proof) == ERR_OK ? proof : NULL;
}

static bool put_decided(struct datalog_run *run, int relation, const char *word, struct arena *arena, struct buf *out)
{
    const struct datalog_proof *proof = prove(run, relation, arena);
    if (!proof)
        return false;
    buf_putf(out, "%s by ", word);
    put_place(out, proof->file, proof->line);
    if (proof->rule.len) {
        buf_put(out, SLICE(":\n"));
        put_rule(out, proof->rule);
        buf_put(out, SLICE("It holds because:\n"));
    } else
        buf_put(out, SLICE(", a fact:\n"));
    datalog_put_proof(run, proof, out);
    return true;
}

static void put_nearest(const struct datalog_why_not *w, struct buf *out)
{
    buf_put(out, SLICE("The nearest is "));
    put_place(out, w->file, w->line);
    buf_put(out, SLICE(":\n"));
    put_rule(out, w->rule);
    buf_putf(out, "%u of its %u conditions hold; it fails at %.*s\n", w->held, w->of, SLICE_FMT(w->failed));
}

static void put_default_deny(struct datalog_run *run, int allow, struct arena *arena, struct buf *out)
{
    struct datalog_why_not *nearest;
    buf_put(out, SLICE("Denied, because nothing allows it.\n"));
    if (datalog_why_not(run, allow, no_columns, arena, &nearest) != ERR_OK || !nearest) {
        buf_put(out, SLICE("The policy has no rule that allows anything.\n"));
        return;
    }
    put_nearest(nearest, out);
    for (const struct datalog_why_not *w = nearest->next; w; w = w->next) {
        put_place(out, w->file, w->line);
        buf_putf(out, " fails at %.*s\n", SLICE_FMT(w->failed));
    }
}

void policy_why_put(struct datalog_run *run, int allow, int deny, struct buf *out)
{
    struct arena arena;
    arena_init(&arena, 0);
    if (!put_decided(run, deny, "Denied", &arena, out) && !put_decided(run, allow, "Allowed", &arena, out))
        put_default_deny(run, allow, &arena, out);
    arena_fini(&arena);
}

bool policy_why_place(struct datalog_run *run, int relation, const char **file, unsigned *line)
{
    if (!datalog_source(run, relation, no_columns, file, line))
        return false;
    if (!*file)
        *file = "?";
    return true;
}
