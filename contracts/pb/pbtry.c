#include "contracts/pb/pbtry.h"

#include "contracts/pb/pbjson.h"
#include "contracts/pb/pbprint.h"

struct outcome {
    struct pbread_fault fault; /* `why` NULL: it was read */
    struct pbsame_difference difference;
    const struct pbtype_field *outer;
};

/* A fault is the reader's field, or the one that stands for the writer's. */
static bool is_blamed(const struct pbtry *t, const struct outcome *o)
{
    if (!t->blame.written && !t->blame.read)
        return true;
    if (!o->fault.why)
        return o->outer == t->blame.written;
    if (!o->fault.field || o->fault.field == t->blame.read)
        return true;
    return t->blame.written && o->fault.field->number == t->blame.written->number;
}

/* Of an absent value what stands for it. */
static void put_absent(const struct pbtype_field *f, struct buf *text)
{
    const struct fact *first = f->values ? pbtype_symbol(f->values, f->values->first) : NULL;
    struct slice otherwise = f->otherwise.len || !first ? f->otherwise : fact_text(first, 1);
    buf_put(text, SLICE("absent"));
    if (otherwise.len)
        buf_putf(text, ", which is %.*s", SLICE_FMT(slice_to(otherwise, 100)));
}

static struct slice value_text(const struct pbtry *t, const struct pbtype_field *f, const struct pbread_value *v,
                               size_t count, bool list)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    if (list && count != 1)
        buf_putf(&text, "%zu values", count);
    else if (!v)
        put_absent(f, &text);
    else
        pbprint_value(v, &text);
    struct slice kept = arena_keep(t->keep, buf_slice(&text));
    buf_fini(&text);
    return kept;
}

static void tell(const struct pbtry *t, const struct outcome *o, struct pbtry_found *out)
{
    const struct pbsame_difference *d = &o->difference;
    if (o->fault.why) {
        out->field = o->fault.field ? o->fault.field->name : (struct slice){0};
        out->is = slice_str(o->fault.why);
        return;
    }
    bool list = d->written->repeated || (d->read && d->read->repeated);
    out->field = d->written->name;
    out->was = value_text(t, d->written, d->was, d->was_count, list);
    out->is = d->read ? value_text(t, d->read, d->is, d->is_count, list) : SLICE("no such field");
}

/* Of an entry whose value a closed enum does not know some readers keep the number, some nothing. */
static bool is_odd(const struct pbsame_difference *d)
{
    const struct pbtype_field *g = d->read;
    return g && g->values && !g->values->open && g->message->name.len == 0 && !d->is;
}

static bool judge(struct pbtry *t, const struct pbread_message *written, const struct pbread_message *read,
                  struct outcome *o)
{
    if (!o->fault.why && pbsame(written, read, &o->difference, &o->outer))
        return false;
    if (!o->fault.why && is_odd(&o->difference)) {
        t->unsaid = true;
        return false;
    }
    return is_blamed(t, o);
}

static bool misread_binary(struct pbtry *t, const struct pbread_message *written, struct slice bytes,
                           struct arena *trial, struct outcome *o)
{
    struct pbread_message *read = NULL;
    return (pbread(t->reader, bytes, trial, &read, &o->fault) || o->fault.why) && judge(t, written, read, o);
}

static bool misread_json(struct pbtry *t, const struct pbread_message *written, struct arena *trial, struct outcome *o,
                         struct slice *json)
{
    struct pbread_message *read = NULL;
    const struct json_value *value;
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    bool good = pbjson_put(written, &text);
    *json = arena_keep(t->keep, buf_slice(&text));
    buf_fini(&text);
    if (!good || json_value_read(*json, trial, &value) != ERR_OK) {
        t->unsaid = true;
        return false;
    }
    return (pbjson_read(t->reader, value, trial, &read, &o->fault) || o->fault.why) && judge(t, written, read, o);
}

bool pbtry_message(struct pbtry *t, struct slice bytes, struct pbtry_found *out)
{
    struct arena trial;
    struct pbread_message *written;
    struct pbread_fault fault;
    struct outcome o = {0};
    struct slice json = {0};
    arena_init(&trial, 0);
    unsigned encoding = 0;
    bool fine = pbread(t->writer, bytes, &trial, &written, &fault);
    if (fine && t->encodings & PBTRY_BINARY && misread_binary(t, written, bytes, &trial, &o))
        encoding = PBTRY_BINARY;
    if (fine && !encoding && t->encodings & PBTRY_JSON) {
        o = (struct outcome){0};
        encoding = misread_json(t, written, &trial, &o, &json) ? PBTRY_JSON : 0;
    }
    if (encoding) {
        struct buf text;
        buf_init(&text, BUF_TEXT_BOUND);
        pbprint(written, &text);
        *out = (struct pbtry_found){.message = t->writer,
                                    .encoding = encoding,
                                    .bytes = arena_keep(t->keep, bytes),
                                    .json = json,
                                    .text = arena_keep(t->keep, buf_slice(&text))};
        buf_fini(&text);
        tell(t, &o, out);
    }
    arena_fini(&trial);
    return encoding;
}
