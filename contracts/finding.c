#include "contracts/finding.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/json_out.h"

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

/* --- The fingerprint: what differs, not how it was reached, so that another operation which reaches it, another
 * order and other words leave it as it is. */

static struct slice fingerprint(const struct finding_source *s, const struct slice *parts, size_t count)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    for (size_t i = 0; i < count; i++) {
        buf_putf(&text, "%zu:", parts[i].len);
        buf_put(&text, parts[i]);
    }
    struct hash_digest digest = hash_sha256(buf_slice(&text));
    buf_clear(&text);
    hash_put_hex(&text, slice_of(digest.b, 8));
    struct slice id = arena_keep(s->keep, buf_slice(&text));
    buf_fini(&text);
    return id;
}

/* In the order of letters. */
static int by_name(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static size_t count_names(const struct graph_name *names)
{
    size_t count = 0;
    for (; names; names = names->next)
        count++;
    return count;
}

static void put_names(const struct finding_source *s, const struct graph_name *names, struct verdict_finding *out)
{
    for (const struct graph_name *n = names; n; n = n->next) {
        size_t i = 0;
        while (i < out->also_count && !slice_eq(out->also[i], n->name))
            i++;
        if (i == out->also_count)
            out->also[out->also_count++] = arena_keep(s->keep, n->name);
    }
}

/* The names that it has everywhere, and those that it has here. */
static void put_all_names(const struct finding_source *s, const struct graph_name *everywhere,
                          const struct graph_name *here, struct verdict_finding *out)
{
    size_t most = count_names(everywhere) + count_names(here);
    if (most == 0)
        return;
    out->also = arena_array(s->keep, most, sizeof(*out->also));
    put_names(s, everywhere, out);
    put_names(s, here, out);
    qsort(out->also, out->also_count, sizeof(*out->also), by_name);
}

static struct slice prove(const struct finding_source *s, int rel, const datalog_word *columns)
{
    struct datalog_proof *proof;
    struct buf text;
    if (s->unproven || datalog_explain(s->graph->run, rel, columns, s->scratch, &proof) != ERR_OK)
        return (struct slice){0};
    buf_init(&text, BUF_TEXT_BOUND);
    datalog_put_proof(s->graph->run, proof, &text);
    struct slice kept = arena_keep(s->keep, buf_slice(&text));
    buf_fini(&text);
    return kept;
}

/* --- Findings. */

/* In the words of its kind, which is given back. */
static const struct graph_kind *say(const struct finding_source *s, struct slice kind, const struct words *w,
                                    struct verdict_finding *f)
{
    const struct graph_kind *k = graph_kind(s->graph, kind, f->direction);
    f->rule = arena_keep(s->keep, k->rule);
    f->where = arena_keep(s->keep, w->where);
    f->message = fill(s->keep, k->message, w);
    f->fix = fill(s->keep, k->fix, w);
    return k;
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
    const struct graph_kind *kind = say(s, d->kind, &w, out);
    out->consumer = place_of(s->consumer, consumer);
    out->provider = place_of(s->provider, provider);
    struct slice parts[] = {out->rule, slice_str(graph_direction_name(out->direction)), d->from, d->to, d->sent,
                            d->read};
    out->id = fingerprint(s, parts, sizeof(parts) / sizeof(parts[0]));
    /* A clash says it without the way there; what fits no branch of a union is no clash. */
    bool clash = datalog_has(s->graph->run, s->graph->clash, d->columns);
    out->proof = prove(s, clash ? s->graph->clash : s->graph->difference, d->columns);
    put_all_names(s, kind->names, graph_names(s->graph, d), out);
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
    const struct graph_kind *kind = say(s, d->kind, &w, out);
    if (d->witness.len)
        out->witness = as_json(s->keep, d->witness);
    out->consumer = place_of(s->consumer, d->consumer);
    out->provider = place_of(s->provider, d->provider.len ? d->provider : d->consumer);
    struct slice parts[] = {out->rule, SLICE("surface"), d->consumer, d->provider, d->was, d->now};
    out->id = fingerprint(s, parts, sizeof(parts) / sizeof(parts[0]));
    out->proof = prove(s, s->graph->surface, d->columns);
    put_all_names(s, kind->names, graph_surface_names(s->graph, d), out);
}
