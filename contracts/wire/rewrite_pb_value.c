#include "base/hash.h"
#include "contracts/wire/rewrite_pb_inside.h"

static bool look_up(const struct pbplan_field *rule, int64_t from, int64_t *to)
{
    size_t low = 0, high = rule->table_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (rule->table[mid].from == from) {
            *to = rule->table[mid].to;
            return true;
        }
        if (rule->table[mid].from < from)
            low = mid + 1;
        else
            high = mid;
    }
    *to = rule->other;
    return rule->otherwise;
}

/* NULL: it became what it should. */
static const char *turn(struct rewrite_pb *r, const struct pbplan_field *rule, struct pbvalue *v)
{
    if (rule->change != PBPLAN_NONE) {
        int64_t to;
        if (!look_up(rule, (int64_t)v->bits, &to))
            return "is none that the plan has";
        v->bits = (uint64_t)to;
        rewrite_pb_count(r, rule->change);
    }
    if (rule->narrow != PBPLAN_NONE) {
        if (!pbvalue_within(v, rule->range->low, rule->range->high))
            return "is out of range";
        rewrite_pb_count(r, rule->narrow);
    }
    if (rule->cast == PBPLAN_NONE)
        return NULL;
    rewrite_pb_count(r, rule->cast);
    return pbvalue_convert(v, rule->becomes);
}

static enum err put_text(struct rewrite_pb *r, struct slice text)
{
    TRY(rewrite_pb_out_varint(r, text.len));
    return rewrite_pb_out_put(r, text);
}

/* One value with its key, or what is in the place of it. */
static enum err put_value(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f,
                          struct pbvalue *v)
{
    const char *fault = turn(r, rule, v);
    if (fault)
        return rewrite_pb_refuse_value(r, rule, f, fault);
    if (rule->strip != PBPLAN_NONE && pbvalue_zero(v)) {
        rewrite_pb_count(r, rule->strip);
        return ERR_OK;
    }
    bool before = rule->watch != PBPLAN_NONE && r->marks[rewrite_pb_top(r)->marks + (size_t)rule->watch] == f->number;
    if (rule->head != PBPLAN_NONE && before) {
        rewrite_pb_count(r, rule->head);
        if (rule->pick == PLAN_ONLY)
            return rewrite_pb_refuse_value(r, rule, f, "is one of several, and only one may be");
        if (rule->pick == PLAN_FIRST)
            return ERR_OK;
    }
    TRY(rewrite_pb_mark(r, rule, f));
    rewrite_pb_count(r, rule->rename);
    TRY(rewrite_pb_out_key(r, rule->out, pbvalue_wire(v->kind)));
    if (pbvalue_wire(v->kind) == PBWIRE_BYTES)
        return put_text(r, v->text);
    return rewrite_pb_out_number(r, v);
}

/* Several in one run stay so, when what they become can. */
static enum err put_packed(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f,
                           struct slice run)
{
    struct pbvalue v = {0};
    uint64_t word;
    bool apart = rule->head != PBPLAN_NONE || !pbvalue_packs(rule->becomes);
    size_t reserve = pbvalue_varint_size(run.len);
    if (!apart) {
        TRY(rewrite_pb_mark(r, rule, f));
        rewrite_pb_count(r, rule->rename);
        TRY(rewrite_pb_out_key(r, rule->out, PBWIRE_BYTES));
    }
    size_t header = rewrite_pb_out_position(r);
    if (!apart)
        TRY(rewrite_pb_out_zeros(r, reserve));
    while (run.len) {
        if (!pbscan_packed(rule->kind, &run, &word))
            return rewrite_pb_refuse_value(r, rule, f, "is cut off in its packed run");
        pbvalue_set(&v, rule->kind, word);
        if (apart) {
            TRY(put_value(r, rule, f, &v));
            continue;
        }
        const char *fault = turn(r, rule, &v);
        if (fault)
            return rewrite_pb_refuse_value(r, rule, f, fault);
        TRY(rewrite_pb_out_number(r, &v));
    }
    return apart ? ERR_OK : rewrite_pb_out_length(r, header, reserve);
}

/* base64, and back. */
static enum err put_code(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f,
                         struct slice text)
{
    struct buf b;
    buf_init(&b, BUF_TEXT_BOUND);
    if (rule->encodes) {
        struct buf digits;
        buf_init(&digits, BUF_TEXT_BOUND);
        hash_put_base64(&digits, text);
        pbwire_put_bytes(&b, buf_slice(&digits));
        buf_fini(&digits);
    }
    enum err e = rule->encodes || pbvalue_put_base64(text, &b) ? rewrite_pb_mark(r, rule, f)
                                                               : rewrite_pb_refuse_value(r, rule, f, "is no base64");
    if (e == ERR_OK)
        e = rewrite_pb_out_key(r, rule->out, PBWIRE_BYTES);
    if (e == ERR_OK)
        e = rewrite_pb_out_put(r, buf_slice(&b));
    buf_fini(&b);
    rewrite_pb_count(r, rule->code);
    rewrite_pb_count(r, rule->rename);
    return e;
}

/* PRE: the field is whole. */
enum err rewrite_pb_value_judge(struct rewrite_pb *r, const struct pbplan_field *rule, const struct pbscan_field *f)
{
    struct pbvalue v = {.kind = rule->kind};
    struct slice text = slice_of(r->window.at + f->value, f->end - f->value);
    bool packed = f->type == PBWIRE_BYTES && pbvalue_packs(rule->kind);
    if (f->type != pbvalue_wire(rule->kind) && !packed)
        return rewrite_pb_refuse_value(r, rule, f, "is written as none of this kind");
    TRY(rewrite_pb_out_break(r, f->begin));
    r->run = f->end;
    if (packed)
        return put_packed(r, rule, f, text);
    if (rule->code != PBPLAN_NONE)
        return put_code(r, rule, f, text);
    if (f->type == PBWIRE_BYTES)
        v.text = text;
    else
        pbvalue_set(&v, rule->kind, f->word);
    return put_value(r, rule, f, &v);
}
