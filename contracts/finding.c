#include "contracts/finding.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "contracts/facts.h"

/* --- Words. */

struct words {
    struct slice writer, reader, where, sent, read;
};

static struct slice word_of(const struct words *w, struct slice name)
{
    const struct {
        const char *name;
        struct slice word;
    } words[] = {
        {"writer", w->writer}, {"reader", w->reader}, {"where", w->where}, {"sent", w->sent}, {"read", w->read}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_eq(name, slice_str(words[i].name)))
            return words[i].word;
    return name;
}

static struct slice fill(struct arena *keep, struct slice template, const struct words *w)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    size_t open, close;
    while (slice_find(template, '{', &open) && slice_find(template, '}', &close) && open < close) {
        buf_put(&out, slice_to(template, open));
        buf_put(&out, word_of(w, slice_of(template.at + open + 1, close - open - 1)));
        template = slice_from(template, close + 1);
    }
    buf_put(&out, template);
    struct slice kept = arena_keep(keep, buf_slice(&out));
    buf_fini(&out);
    return kept;
}

/* The provider's name for it, unless the consumer's says more: "Order.qty" against "Order". */
static struct slice where_of(struct slice consumer, struct slice provider)
{
    bool more = consumer.len > provider.len && slice_starts(consumer, provider);
    return provider.len == 0 || more ? consumer : provider;
}

static struct verdict_place place_of(const struct contract *c, struct slice subject)
{
    struct contract_place p = contract_place(c, subject);
    return (struct verdict_place){.file = p.file, .line = p.line, .column = p.column};
}

/* --- The fingerprint: the facts that a difference rests on, without the way that leads to it, so that another
 * operation which reaches it, another order and other words leave it as it is. */

struct leaves {
    const struct graph *graph;
    struct buf text;
    int way[4]; /* relations that say how something was reached */
};

static void put_column(const struct leaves *l, int rel, size_t column, datalog_word word, struct buf *out)
{
    buf_put_char(out, column ? ',' : '(');
    if (word == INT64_MIN)
        buf_put_char(out, '_');
    else if (datalog_column_type(facts_program(), rel, column) == DATALOG_SYMBOL)
        buf_put(out, datalog_symbol_text(l->graph->run, word));
    else
        buf_putf(out, "%lld", (long long)word);
}

static void put_leaf(struct leaves *l, const struct datalog_proof *p)
{
    buf_put(&l->text, p->negated ? SLICE("!") : SLICE(" "));
    buf_put(&l->text, datalog_relation_name(facts_program(), p->rel));
    for (size_t i = 0; i < datalog_arity(facts_program(), p->rel); i++)
        put_column(l, p->rel, i, p->columns[i], &l->text);
    buf_put(&l->text, SLICE(")\n"));
}

static bool is_way(const struct leaves *l, int rel)
{
    for (size_t i = 0; i < sizeof(l->way) / sizeof(l->way[0]); i++)
        if (l->way[i] == rel)
            return true;
    return false;
}

enum { LEAVES_BYTES = 1 << 16, LEAVES_DEPTH = 200 };

static void put_leaves(struct leaves *l, const struct datalog_proof *p, unsigned depth)
{
    for (; p && buf_len(&l->text) < LEAVES_BYTES && depth < LEAVES_DEPTH; p = p->next) {
        if (p->rel < 0 || is_way(l, p->rel))
            continue;
        if (p->negated || p->rule.len == 0)
            put_leaf(l, p);
        else
            put_leaves(l, p->first, depth + 1);
    }
}

static struct slice fingerprint(const struct finding_source *s, const struct verdict_finding *f,
                                const struct datalog_proof *proof)
{
    struct leaves l = {.graph = s->graph};
    static const char *const ways[] = {"must", "pair", "served", "rank"};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        l.way[i] = datalog_relation(facts_program(), slice_str(ways[i]));
    buf_init(&l.text, BUF_TEXT_BOUND);
    buf_putf(&l.text, "%.*s\n%s\n%.*s\n", SLICE_FMT(f->rule), graph_direction_name(f->direction), SLICE_FMT(f->where));
    put_leaves(&l, proof, 0);
    struct hash_digest digest = hash_sha256(buf_slice(&l.text));
    buf_clear(&l.text);
    hash_put_hex(&l.text, slice_of(digest.b, 8));
    struct slice id = arena_keep(s->keep, buf_slice(&l.text));
    buf_fini(&l.text);
    return id;
}

static void prove(const struct finding_source *s, int rel, const datalog_word *columns, struct verdict_finding *f)
{
    struct datalog_proof *proof = NULL;
    if (datalog_explain(s->graph->run, rel, columns, s->scratch, &proof) != ERR_OK)
        proof = NULL;
    f->id = fingerprint(s, f, proof);
    if (!proof)
        return;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    datalog_put_proof(s->graph->run, proof, &text);
    f->proof = arena_keep(s->keep, buf_slice(&text));
    buf_fini(&text);
}

/* --- Findings. */

static void say(const struct finding_source *s, struct slice kind, const struct words *w, struct verdict_finding *f)
{
    const struct graph_kind *k = graph_kind(s->graph, kind, f->direction);
    f->rule = arena_keep(s->keep, k->rule);
    f->where = arena_keep(s->keep, w->where);
    f->message = fill(s->keep, k->message, w);
    f->fix = fill(s->keep, k->fix, w);
}

void finding_of_difference(const struct finding_source *s, const struct graph_difference *d,
                           struct verdict_finding *out)
{
    bool request = d->node->direction == VERDICT_REQUEST;
    struct slice consumer = request ? d->from : d->to, provider = request ? d->to : d->from;
    struct words w = {
        .writer = request ? SLICE("consumer") : SLICE("provider"),
        .reader = request ? SLICE("provider") : SLICE("consumer"),
        .where = where_of(consumer, provider),
        .sent = d->sent,
        .read = d->read,
    };
    *out = (struct verdict_finding){.direction = d->node->direction};
    say(s, d->kind, &w, out);
    out->consumer = place_of(s->consumer, consumer);
    out->provider = place_of(s->provider, provider);
    prove(s, s->graph->difference, d->columns, out);
}

static struct slice as_json(struct arena *keep, struct slice text)
{
    struct buf b;
    struct json_out j;
    buf_init(&b, BUF_TEXT_BOUND);
    json_out_init(&j, &b, 0);
    json_out_slice(&j, text);
    struct slice kept = arena_keep(keep, buf_slice(&b));
    buf_fini(&b);
    return kept;
}

void finding_of_surface(const struct finding_source *s, const struct graph_surface *d, struct verdict_finding *out)
{
    struct words w = {.where = where_of(d->consumer, d->provider), .sent = d->was, .read = d->now};
    *out = (struct verdict_finding){.direction = VERDICT_SURFACE};
    say(s, d->kind, &w, out);
    if (d->witness.len)
        out->witness = as_json(s->keep, d->witness);
    out->consumer = place_of(s->consumer, d->consumer);
    out->provider = place_of(s->provider, d->provider.len ? d->provider : d->consumer);
    prove(s, s->graph->surface, d->columns, out);
}
