#include "contracts/pb/pbshow.h"

#include <stdlib.h>

#include "contracts/pb/pbmake.h"
#include "contracts/pb/pbplanner.h"
#include "contracts/pb/pbwitness.h"

enum { CONSUMER, PROVIDER, TRIES = 200000, USERS_MOST = 16, LOOKED_MOST = 1000 };

/* What a finding of a kind is about, and how a message can show it. */
enum subject {
    OF_FIELD,    /* values of it */
    OF_ABSENCE,  /* it is not there */
    OF_CHOICE,   /* it is there with another of its oneof */
    OF_VALUE,    /* an enum's value in a field */
    OF_ENUM,     /* an enum's first value */
    OF_REQUEST,  /* the message that is asked with */
    OF_RESPONSE, /* the message that is answered with */
    OF_STREAM,   /* how many messages there are */
    OF_NOTHING,  /* no message shows it */
};

struct row {
    const char *kind;
    enum subject subject;
    unsigned encodings;
    bool fades; /* without a message that shows it there is nothing to say */
};

static const struct row rows[] = {
    {"type-changed-wire", OF_FIELD, PBTRY_BINARY, true},
    {"type-changed-json", OF_FIELD, PBTRY_JSON, true},
    {"value-misread", OF_FIELD, PBTRY_BINARY, true},
    {"cardinality-changed-wire", OF_FIELD, PBTRY_BINARY, true},
    {"cardinality-changed-json", OF_FIELD, PBTRY_JSON, true},
    {"field-renumbered", OF_FIELD, PBTRY_BINARY, true},
    {"json-name-changed", OF_FIELD, PBTRY_JSON, false},
    {"json-name-taken", OF_FIELD, PBTRY_JSON, true},
    {"field-default-changed", OF_ABSENCE, PBTRY_BINARY, false},
    {"required-changed", OF_ABSENCE, PBTRY_BINARY, false},
    {"oneof-changed", OF_CHOICE, PBTRY_BINARY | PBTRY_JSON, false},
    {"enum-value-removed", OF_VALUE, PBTRY_BINARY | PBTRY_JSON, false},
    {"enum-value-removed-number", OF_VALUE, PBTRY_BINARY | PBTRY_JSON, false},
    {"enum-value-removed-name", OF_VALUE, PBTRY_JSON, false},
    {"enum-value-renamed", OF_VALUE, PBTRY_JSON, false},
    {"enum-value-added", OF_VALUE, PBTRY_BINARY | PBTRY_JSON, true},
    {"enum-first-changed", OF_ENUM, PBTRY_BINARY, true},
    {"rpc-request-changed", OF_REQUEST, PBTRY_BINARY | PBTRY_JSON, false},
    {"rpc-response-changed", OF_RESPONSE, PBTRY_BINARY | PBTRY_JSON, false},
    {"rpc-client-stream-changed", OF_STREAM, 0, false},
    {"rpc-server-stream-changed", OF_STREAM, 0, false},
};

static const struct row *row_of(struct slice kind)
{
    static const struct row other = {.subject = OF_NOTHING};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (slice_eq(kind, slice_str(rows[i].kind)))
            return &rows[i];
    return &other;
}

void pbshow_init(struct pbshow *s, const struct contract *consumer, const struct contract *provider, bool governed,
                 struct arena *arena)
{
    *s = (struct pbshow){.consumer = consumer, .provider = provider, .governed = governed, .arena = arena};
}

void pbshow_fini(struct pbshow *s)
{
    if (!s->ready)
        return;
    for (int i = 0; i < 2; i++) {
        pbtype_fini(&s->types[i]);
        pbreach_fini(&s->reach[i]);
    }
    pbpair_fini(&s->pair);
}

static void prepare(struct pbshow *s)
{
    if (s->ready)
        return;
    s->ready = true;
    pbtype_init(&s->types[CONSUMER], s->consumer, s->consumer, s->arena);
    pbtype_init(&s->types[PROVIDER], s->provider, s->consumer, s->arena);
    for (int i = 0; i < 2; i++)
        pbreach_init(&s->reach[i], contract_operation_count(s->consumer), s->arena);
    pbpair_init(&s->pair, s->arena, TRIES);
}

/* --- What a finding is about. */

struct about {
    struct pbshow *s;
    const struct graph_surface *surface;
    const struct row *row;
    struct pbtype_field *field[2];     /* by side; NULL: none */
    struct pbtype_message *message[2]; /* by side; NULL: none */
    struct pbtype_enum *values[2];
    int64_t number; /* of an enum's value */
};

static void find_message(struct about *a, int side, struct slice subject)
{
    if (slice_starts(subject, SLICE("[")) && slice_ends(subject, SLICE("]")))
        subject = slice_of(subject.at + 1, subject.len - 2);
    a->field[side] = pbtype_subject(&a->s->types[side], subject);
    a->message[side] = a->field[side] ? a->field[side]->message : pbtype_message(&a->s->types[side], subject);
}

static bool find_value(struct about *a, int side, struct slice subject)
{
    size_t dot;
    a->values[side] = pbtype_enum(&a->s->types[side], subject);
    if (a->values[side] || !slice_find_last(subject, '.', &dot))
        return false;
    a->values[side] = pbtype_enum(&a->s->types[side], slice_to(subject, dot));
    const struct fact *symbol =
        a->values[side] ? pbtype_symbol_named(a->values[side], slice_from(subject, dot + 1)) : NULL;
    a->number = symbol ? symbol->value[2].number : a->number;
    return symbol;
}

/* "request pkg.Message" */
static struct pbtype_message *called(const struct about *a, int side, struct slice said)
{
    size_t blank;
    return slice_find(said, ' ', &blank) ? pbtype_message(&a->s->types[side], slice_from(said, blank + 1)) : NULL;
}

static struct about about(struct pbshow *s, const struct graph_surface *surface)
{
    struct about a = {.s = s, .surface = surface, .row = row_of(surface->kind)};
    find_message(&a, CONSUMER, surface->consumer);
    find_message(&a, PROVIDER, surface->provider.len ? surface->provider : surface->consumer);
    find_value(&a, CONSUMER, surface->consumer);
    find_value(&a, PROVIDER, surface->provider.len ? surface->provider : surface->consumer);
    if (a.row->subject == OF_REQUEST || a.row->subject == OF_RESPONSE) {
        a.message[CONSUMER] = called(&a, CONSUMER, surface->was);
        a.message[PROVIDER] = called(&a, PROVIDER, surface->now);
    }
    /* What one side has lost is looked for in the same message of the other. */
    for (int i = 0; i < 2; i++)
        if (!a.message[i] && a.message[!i])
            a.message[i] = pbtype_message(&s->types[i], a.message[!i]->name);
    return a;
}

/* --- Who writes it. */

static const struct pbreach_found *reach_of(struct pbshow *s, int side, struct pbtype_message *m)
{
    static const struct pbreach_found none;
    return m ? pbreach(&s->reach[side], m) : &none;
}

/* A policy takes either direction. */
static bool may_write(struct pbshow *s, int writer, struct pbtype_message *consumers, struct pbtype_message *providers)
{
    const struct pbreach_found *a = reach_of(s, CONSUMER, consumers), *b = reach_of(s, PROVIDER, providers);
    if (s->governed)
        return true;
    if (writer == PROVIDER)
        return a->is_served || b->is_served;
    return a->is_asked || b->is_asked || a->is_loose || b->is_loose;
}

/* --- The search. */

/* What came out for one writer. */
struct shown {
    enum answer answer;
    struct pbtry_found found;
};

static void settle(struct shown *shown, enum answer answer, const struct pbtry_found *found)
{
    if (answer == ANSWER_YES)
        shown->found = *found;
    shown->answer = answer_either(shown->answer, answer);
}

static void show_field(struct about *a, int writer, struct shown *shown)
{
    struct pbtry_found found;
    const struct pbtype_field *f = a->field[writer], *g = a->field[!writer];
    const struct pbtype_message *w = a->message[writer], *r = a->message[!writer];
    struct pbtry_blame blame = {.written = f, .read = g};
    enum answer answer = ANSWER_NO;
    if (!w || !r || (!f && !g))
        return;
    if (a->row->subject == OF_ABSENCE)
        answer = pbpair_least(&a->s->pair, w, r, &blame, &found);
    else if (f && a->row->subject == OF_CHOICE)
        answer = pbpair_chosen(&a->s->pair, f, r, &found);
    else if (f)
        answer = pbpair_field(&a->s->pair, f, r, &blame, &found);
    settle(shown, answer, &found);
}

/* The same field on the other side. */
static const struct pbtype_field *twin_of(const struct pbshow *s, int side, const struct pbtype_field *f)
{
    const struct pbtype_message *m = pbtype_message(&s->types[side], f->message->name);
    return m ? pbtype_number(m, f->number) : NULL;
}

/* A value of a map stands in the entry that the map's field has. */
static bool put_value(const struct pbtype_field *f, int64_t number, struct buf *out)
{
    struct buf inside;
    buf_init(&inside, BUF_TEXT_BOUND);
    bool good = pbmake_least_but(f->message, f, &inside);
    pbmake_symbol(f, number, &inside);
    if (f->message->name.len) {
        buf_put(out, buf_slice(&inside));
    } else {
        good = good && pbmake_least_but(f->message->users->message, f->message->users, out);
        pbmake_sub(f->message->users, buf_slice(&inside), out);
    }
    buf_fini(&inside);
    return good;
}

static void show_value_in(struct about *a, int writer, const struct pbtype_field *f, struct shown *shown)
{
    const struct pbtype_field *outer = f->message->name.len ? f : f->message->users;
    const struct pbtype_field *twin = twin_of(a->s, !writer, outer);
    struct pbtype_message *messages[2] = {outer->message, outer->message};
    struct pbtry_found found;
    if (!twin)
        return;
    messages[!writer] = twin->message;
    if (!may_write(a->s, writer, messages[CONSUMER], messages[PROVIDER]))
        return;
    struct buf bytes;
    buf_init(&bytes, BUF_TEXT_BOUND);
    if (a->row->subject == OF_ENUM) {
        struct pbtry_blame blame = {.written = outer, .read = twin};
        settle(shown, pbpair_least(&a->s->pair, outer->message, twin->message, &blame, &found), &found);
    } else if (put_value(f, a->number, &bytes)) {
        enum answer answer = pbpair_bytes(&a->s->pair, outer->message, twin->message, buf_slice(&bytes), &found);
        /* Of an entry whose value a closed enum does not know some keep the number, some nothing. */
        bool odd = outer != f && !a->values[!writer]->open && answer == ANSWER_YES && found.encoding == PBTRY_BINARY;
        settle(shown, odd ? ANSWER_MAYBE : answer, &found);
    }
    buf_fini(&bytes);
}

static void show_value(struct about *a, int writer, struct shown *shown)
{
    unsigned looked = 0;
    const struct pbtype_enum *e = a->values[writer];
    if (!e || !a->values[!writer] || (a->row->subject == OF_VALUE && !pbtype_symbol(e, a->number)))
        return;
    for (const struct pbtype_field *f = e->users; f && shown->answer != ANSWER_YES; f = f->next_user)
        if (looked++ < USERS_MOST)
            show_value_in(a, writer, f, shown);
        else
            shown->answer = answer_either(shown->answer, ANSWER_MAYBE);
}

static void show_call(struct about *a, int writer, struct shown *shown)
{
    struct pbtry_found found;
    bool request = a->row->subject == OF_REQUEST;
    if (request != (writer == CONSUMER) || !a->message[writer] || !a->message[!writer])
        return;
    settle(shown, pbpair_messages(&a->s->pair, a->message[writer], a->message[!writer], &found), &found);
}

static void show_as(struct about *a, int writer, struct shown *shown)
{
    switch (a->row->subject) {
    case OF_FIELD:
    case OF_ABSENCE:
    case OF_CHOICE:
        if (may_write(a->s, writer, a->message[CONSUMER], a->message[PROVIDER]))
            show_field(a, writer, shown);
        break;
    case OF_VALUE:
    case OF_ENUM:
        show_value(a, writer, shown);
        break;
    case OF_REQUEST:
    case OF_RESPONSE:
        show_call(a, writer, shown);
        break;
    case OF_STREAM:
    case OF_NOTHING:
        break;
    }
}

struct search {
    struct shown by[2]; /* writer */
};

static struct search search(struct about *a, unsigned encodings)
{
    struct search found = {.by = {{.answer = ANSWER_NO}, {.answer = ANSWER_NO}}};
    a->s->pair.encodings = encodings;
    show_as(a, CONSUMER, &found.by[CONSUMER]);
    /* For a policy one will do. */
    if (!a->s->governed || found.by[CONSUMER].answer != ANSWER_YES)
        show_as(a, PROVIDER, &found.by[PROVIDER]);
    return found;
}

static enum answer answer_of_both(const struct search *found)
{
    return answer_either(found->by[CONSUMER].answer, found->by[PROVIDER].answer);
}

/* --- Results. */

/* What is misread in the binary encoding is another finding already. */
static bool is_said_in_binary(struct about *a)
{
    bool json = slice_eq(a->surface->kind, SLICE("type-changed-json")) ||
                slice_eq(a->surface->kind, SLICE("cardinality-changed-json"));
    if (!json)
        return false;
    struct search found = search(a, PBTRY_BINARY);
    return answer_of_both(&found) == ANSWER_YES;
}

static void judge(struct about *a, const struct search *found, struct pbshow_result *out)
{
    if (a->row->subject == OF_STREAM)
        return;
    switch (answer_of_both(found)) {
    case ANSWER_YES:
        out->dropped = is_said_in_binary(a);
        break;
    case ANSWER_MAYBE:
        out->level = VERDICT_UNPROVEN;
        break;
    case ANSWER_NO:
        out->level = a->row->subject == OF_NOTHING ? VERDICT_UNPROVEN : VERDICT_COMPATIBLE;
        out->dropped = a->row->fades;
        break;
    }
}

static int by_name(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static size_t once(struct slice *v, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(v, count, sizeof(*v), by_name);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || !slice_eq(v[kept - 1], v[i]))
            v[kept++] = v[i];
    return kept;
}

struct names {
    struct slice v[PBREACH_HOLDERS];
    size_t count;
};

/* Which calls count: those that ask with a message, those that answer with it. */
struct counted {
    bool asked, served;
};

static void unite(struct about *a, uint64_t *into, const uint64_t *set)
{
    for (size_t i = 0; i < a->s->reach[CONSUMER].words; i++)
        into[i] |= set[i];
}

static void add_message(struct about *a, int side, struct pbtype_message *m, struct counted c, uint64_t *calls,
                        struct names *holders)
{
    if (!m)
        return;
    const struct pbreach_found *found = pbreach(&a->s->reach[side], m);
    if (c.asked)
        unite(a, calls, found->asked);
    if (c.served)
        unite(a, calls, found->served);
    for (size_t i = 0; i < found->holder_count && holders->count < PBREACH_HOLDERS; i++)
        holders->v[holders->count++] = found->holders[i];
}

static bool is_empty(const struct about *a, const uint64_t *set)
{
    for (size_t i = 0; i < a->s->reach[CONSUMER].words; i++)
        if (set[i])
            return false;
    return true;
}

static void reach(struct about *a, struct counted c, struct pbshow_result *out)
{
    struct names holders = {.count = 0};
    int own = contract_operation(a->s->consumer, a->surface->consumer);
    size_t words = a->s->reach[CONSUMER].words;
    out->reached = arena_array(a->s->arena, words, sizeof(*out->reached));
    /* A call's own finding is its own. */
    if (own >= 0) {
        out->reached[own / 64] |= UINT64_C(1) << (own % 64);
        return;
    }
    for (int i = 0; i < 2; i++) {
        unsigned looked = 0;
        add_message(a, i, a->message[i], c, out->reached, &holders);
        for (struct pbtype_field *f = a->values[i] ? a->values[i]->users : NULL; f && looked < LOOKED_MOST;
             f = f->next_user, looked++)
            add_message(a, i, f->message, c, out->reached, &holders);
    }
    if (!is_empty(a, out->reached))
        return;
    out->holder_count = once(holders.v, holders.count);
    out->holders = arena_array(a->s->arena, out->holder_count + 1, sizeof(*out->holders));
    memcpy(out->holders, holders.v, out->holder_count * sizeof(*out->holders));
}

/* A symbol that both have, under other numbers: JSON has its name, and that is the same. */
static bool have_symbol(const struct about *a, struct slice subject)
{
    size_t dot;
    if (a->row->subject != OF_VALUE || !a->values[CONSUMER] || !a->values[PROVIDER] ||
        !slice_find_last(subject, '.', &dot))
        return false;
    struct slice name = slice_from(subject, dot + 1);
    return pbtype_symbol_named(a->values[CONSUMER], name) && pbtype_symbol_named(a->values[PROVIDER], name);
}

/* What is misread in the binary encoding, which is what calls are made in, and has to do with one message. */
static bool is_spannable(const struct about *a, const struct search *found)
{
    if (have_symbol(a, a->surface->consumer) || have_symbol(a, a->surface->provider))
        return !a->s->governed;
    bool binary = true;
    for (int i = 0; i < 2; i++)
        binary = binary && (found->by[i].answer == ANSWER_NO ||
                            (found->by[i].answer == ANSWER_YES && found->by[i].found.encoding == PBTRY_BINARY));
    return binary && !a->s->governed && a->row->subject != OF_STREAM && a->row->subject != OF_NOTHING;
}

struct pbshow_result pbshow_surface(struct pbshow *s, const struct graph_surface *surface, enum verdict_level level)
{
    struct pbshow_result out = {.level = level};
    struct counted counted = {.asked = true, .served = true};
    prepare(s);
    struct about a = about(s, surface);
    if (level != VERDICT_BREAKING) {
        reach(&a, counted, &out);
        return out;
    }
    struct search found = search(&a, a.row->encodings);
    bool shown = answer_of_both(&found) == ANSWER_YES;
    if (!s->governed)
        judge(&a, &found, &out);
    if (shown && !s->governed)
        counted = (struct counted){.asked = found.by[CONSUMER].answer != ANSWER_NO,
                                   .served = found.by[PROVIDER].answer != ANSWER_NO};
    if (out.dropped)
        return out;
    out.spannable = shown && is_spannable(&a, &found);
    reach(&a, counted, &out);
    struct pbwitness w = {
        .consumer = s->consumer, .types = s->types, .reach = s->reach, .pair = &s->pair, .arena = s->arena};
    int writer = found.by[CONSUMER].answer == ANSWER_YES ? CONSUMER : PROVIDER;
    if (shown)
        out.witness = pbwitness_message(&w, writer, &found.by[writer].found);
    else if (a.row->subject == OF_STREAM)
        out.witness = pbwitness_stream(&w, surface);
    return out;
}

/* --- Plans. */

static const struct pbtype_message *body_of(const struct pbtype *t, size_t operation, bool request)
{
    const struct pbtype_message *m;
    size_t at = 0;
    while ((m = map_next(&t->messages, &at))) {
        const int *list = request ? m->asked : m->served;
        for (size_t i = 0; i < (request ? m->asked_count : m->served_count); i++)
            if (list[i] == (int)operation)
                return m;
    }
    return NULL;
}

static bool plan_between(struct pbshow *s, size_t operation, bool request, struct plan **out, const char **why)
{
    int writer = request ? CONSUMER : PROVIDER;
    const struct pbtype_message *from = body_of(&s->types[writer], operation, request);
    const struct pbtype_message *to = body_of(&s->types[!writer], operation, request);
    struct pbplanner p = {.arena = s->arena, .response = !request};
    *why = "";
    return from && to && pbplanner_make(&p, from, to, out, why) == ERR_OK;
}

bool pbshow_plans(struct pbshow *s, size_t operation, struct plan **request, struct plan **response, const char **why)
{
    struct plan *there = NULL, *back = NULL;
    prepare(s);
    bool done = plan_between(s, operation, true, &there, why) && plan_between(s, operation, false, &back, why);
    if (!done || (!there && !back)) {
        plan_unref(&there);
        return false;
    }
    *request = there;
    *response = back;
    return true;
}
