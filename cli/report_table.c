#include "cli/report_table.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "base/mem.h"

enum { RULES_MOST = 16 };

void report_table_init(struct report_table *t)
{
    *t = (struct report_table){0};
    arena_init(&t->arena, 0);
}

void report_table_fini(struct report_table *t)
{
    arena_fini(&t->arena);
    mem_free(t->rows);
    mem_free(t->fields);
}

/* ---- reading ---- */

/* One series: name{label="value",...} count. */
struct series {
    struct slice name;
    struct slice peer, operation, verdict, rule, field;
    uint64_t count;
};

/* The value behind the opening quote, without its escapes; `*rest` goes behind the closing one. */
static bool take_value(struct report_table *t, struct slice *rest, struct slice *value)
{
    char *into = arena_new(&t->arena, rest->len + 1);
    size_t len = 0;
    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->at[i];
        if (c == '"') {
            *value = slice_of(into, len);
            *rest = slice_from(*rest, i + 1);
            return true;
        }
        if (c == '\\' && i + 1 < rest->len)
            c = rest->at[++i] == 'n' ? '\n' : rest->at[i];
        into[len++] = c;
    }
    return false;
}

static void put_label(struct series *s, struct slice name, struct slice value)
{
    if (slice_eq(name, SLICE("peer")))
        s->peer = value;
    else if (slice_eq(name, SLICE("operation")))
        s->operation = value;
    else if (slice_eq(name, SLICE("verdict")))
        s->verdict = value;
    else if (slice_eq(name, SLICE("rule")))
        s->rule = value;
    else if (slice_eq(name, SLICE("field")))
        s->field = value;
}

static bool read_labels(struct report_table *t, struct slice *rest, struct series *s)
{
    size_t equals;
    while (!slice_starts(*rest, SLICE("}"))) {
        if (!slice_find(*rest, '=', &equals))
            return false;
        struct slice name = slice_to(*rest, equals), value;
        *rest = slice_from(*rest, equals + 1);
        if (!slice_starts(*rest, SLICE("\"")))
            return false;
        *rest = slice_from(*rest, 1);
        if (!take_value(t, rest, &value))
            return false;
        put_label(s, name, value);
        if (slice_starts(*rest, SLICE(",")))
            *rest = slice_from(*rest, 1);
    }
    *rest = slice_from(*rest, 1);
    return true;
}

static bool read_series(struct report_table *t, struct slice line, struct series *s)
{
    size_t brace;
    *s = (struct series){0};
    if (!slice_starts(line, SLICE("weft_contract_")) || !slice_find(line, '{', &brace))
        return false;
    s->name = slice_to(line, brace);
    struct slice rest = slice_from(line, brace + 1);
    return read_labels(t, &rest, s) && slice_u64(slice_trim(rest), UINT64_MAX, &s->count) == ERR_OK;
}

/* ---- rows ---- */

static struct report_row *row_of(struct report_table *t, const struct series *s)
{
    for (size_t i = 0; i < t->count; i++) {
        struct report_row *r = &t->rows[i];
        if (slice_eq(r->peer, s->peer) && slice_eq(r->operation, s->operation) && slice_eq(r->verdict, s->verdict))
            return r;
    }
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 16;
        t->rows = mem_resize(t->rows, t->room, sizeof(*t->rows));
    }
    struct report_row *r = &t->rows[t->count++];
    *r = (struct report_row){.peer = s->peer, .operation = s->operation, .verdict = s->verdict};
    return r;
}

static void add_rule(struct report_table *t, struct report_row *r, struct slice rule)
{
    for (size_t i = 0; i < r->rule_count; i++)
        if (slice_eq(r->rules[i], rule))
            return;
    if (!r->rules)
        r->rules = arena_array(&t->arena, RULES_MOST, sizeof(*r->rules));
    if (rule.len && r->rule_count < RULES_MOST)
        r->rules[r->rule_count++] = rule;
}

static struct report_field *field_of(struct report_table *t, const struct series *s)
{
    for (size_t i = 0; i < t->field_count; i++) {
        struct report_field *f = &t->fields[i];
        if (slice_eq(f->peer, s->peer) && slice_eq(f->operation, s->operation) && slice_eq(f->field, s->field))
            return f;
    }
    if (t->field_count == t->field_room) {
        t->field_room = t->field_room ? t->field_room * 2 : 64;
        t->fields = mem_resize(t->fields, t->field_room, sizeof(*t->fields));
    }
    struct report_field *f = &t->fields[t->field_count++];
    *f = (struct report_field){.peer = s->peer, .operation = s->operation, .field = s->field};
    return f;
}

static bool add_field(struct report_table *t, const struct series *s)
{
    if (slice_eq(s->name, SLICE("weft_contract_fields_total")))
        field_of(t, s)->seen += s->count;
    else if (slice_eq(s->name, SLICE("weft_contract_sampled_total")))
        field_of(t, s)->sampled += s->count;
    else
        return false;
    return true;
}

void report_table_add(struct report_table *t, struct slice metrics)
{
    struct slice line;
    struct series s;
    while (slice_split(&metrics, '\n', &line)) {
        if (!read_series(t, line, &s) || add_field(t, &s))
            continue;
        if (slice_eq(s.name, SLICE("weft_contract_verdicts_total"))) {
            row_of(t, &s)->exchanges += s.count;
            continue;
        }
        bool audited = slice_eq(s.name, SLICE("weft_contract_audited_total"));
        if (!audited && !slice_eq(s.name, SLICE("weft_contract_refused_total")))
            continue;
        struct report_row *r = row_of(t, &s);
        *(audited ? &r->audited : &r->refused) += s.count;
        add_rule(t, r, s.rule);
    }
}

static int compare(const void *a, const void *b)
{
    const struct report_row *x = a, *y = b;
    int order = slice_cmp(x->peer, y->peer);
    order = order ? order : slice_cmp(x->operation, y->operation);
    return order ? order : slice_cmp(x->verdict, y->verdict);
}

static int compare_fields(const void *a, const void *b)
{
    const struct report_field *x = a, *y = b;
    int order = slice_cmp(x->peer, y->peer);
    order = order ? order : slice_cmp(x->operation, y->operation);
    return order ? order : slice_cmp(x->field, y->field);
}

/* Before the fields of a peer and operation stands the one of no name: it has the answers that were looked at. */
static void sort_fields(struct report_table *t)
{
    size_t kept = 0;
    uint64_t sampled = 0;
    if (t->field_count)
        qsort(t->fields, t->field_count, sizeof(*t->fields), compare_fields);
    for (size_t i = 0; i < t->field_count; i++) {
        if (t->fields[i].field.len == 0) {
            sampled = t->fields[i].sampled;
            continue;
        }
        t->fields[kept] = t->fields[i];
        t->fields[kept++].sampled = sampled;
    }
    t->field_count = kept;
}

void report_table_sort(struct report_table *t)
{
    sort_fields(t);
    if (t->count)
        qsort(t->rows, t->count, sizeof(*t->rows), compare);
}

/* ---- printing ---- */

static const struct slice titles[] = {{"PEER", 4}, {"OPERATION", 9}, {"VERDICT", 7}};

static struct slice cell(const struct report_row *r, size_t column)
{
    const struct slice cells[] = {r->peer, r->operation, r->verdict};
    return cells[column];
}

static void put_padded(struct buf *out, struct slice text, size_t width)
{
    size_t before = buf_len(out);
    buf_put_safe(out, text, width);
    for (size_t n = buf_len(out) - before; n < width + 2; n++)
        buf_put_char(out, ' ');
}

/* What enforcement did with them, or would do. */
static void put_outcome(struct buf *out, const struct report_row *r)
{
    bool adaptable = slice_eq(r->verdict, SLICE("adaptable"));
    const char *outcome = r->audited   ? adaptable ? "audited: would be adapted" : "audited: would be refused"
                          : r->refused ? "refused"
                          : adaptable  ? "adapted"
                                       : "passed";
    buf_putf(out, "%10" PRIu64 "  %s", r->exchanges, outcome);
    if (r->audited && r->audited < r->exchanges)
        buf_putf(out, " (%" PRIu64 ")", r->audited);
    for (size_t i = 0; i < r->rule_count; i++)
        buf_putf(out, "%s%.*s", i ? ", " : ": ", SLICE_FMT(r->rules[i]));
    buf_put_char(out, '\n');
}

void report_table_put_text(const struct report_table *t, struct buf *out)
{
    size_t widths[3];
    for (size_t c = 0; c < 3; c++) {
        widths[c] = titles[c].len;
        for (size_t i = 0; i < t->count; i++)
            widths[c] = cell(&t->rows[i], c).len > widths[c] ? cell(&t->rows[i], c).len : widths[c];
    }
    for (size_t c = 0; c < 3; c++)
        put_padded(out, titles[c], widths[c]);
    buf_put(out, SLICE(" EXCHANGES  OUTCOME\n"));
    for (size_t i = 0; i < t->count; i++) {
        for (size_t c = 0; c < 3; c++)
            put_padded(out, cell(&t->rows[i], c), widths[c]);
        put_outcome(out, &t->rows[i]);
    }
}

static size_t wider(size_t width, struct slice text)
{
    return text.len > width ? text.len : width;
}

void report_table_put_fields_text(const struct report_table *t, struct buf *out)
{
    size_t peers = strlen("PEER"), operations = strlen("OPERATION"), fields = strlen("FIELD");
    for (size_t i = 0; i < t->field_count; i++) {
        peers = wider(peers, t->fields[i].peer);
        operations = wider(operations, t->fields[i].operation);
        fields = wider(fields, t->fields[i].field);
    }
    put_padded(out, SLICE("PEER"), peers);
    put_padded(out, SLICE("OPERATION"), operations);
    put_padded(out, SLICE("FIELD"), fields);
    buf_put(out, SLICE("      SEEN  OF ANSWERS LOOKED AT\n"));
    for (size_t i = 0; i < t->field_count; i++) {
        const struct report_field *f = &t->fields[i];
        put_padded(out, f->peer, peers);
        put_padded(out, f->operation, operations);
        put_padded(out, f->field, fields);
        buf_putf(out, "%10" PRIu64 "  %" PRIu64 "\n", f->seen, f->sampled);
    }
}

void report_table_put_fields_json(const struct report_table *t, struct buf *out)
{
    struct json_out j;
    json_out_init(&j, out, 2);
    json_out_array(&j);
    for (size_t i = 0; i < t->field_count; i++) {
        const struct report_field *f = &t->fields[i];
        json_out_object(&j);
        json_out_member(&j, "peer", f->peer);
        json_out_member(&j, "operation", f->operation);
        json_out_member(&j, "field", f->field);
        json_out_member_int(&j, "seen", (int64_t)f->seen);
        json_out_member_int(&j, "sampled", (int64_t)f->sampled);
        json_out_end(&j);
    }
    json_out_end(&j);
    buf_put_char(out, '\n');
}

void report_table_put_json(const struct report_table *t, struct buf *out)
{
    struct json_out j;
    json_out_init(&j, out, 2);
    json_out_array(&j);
    for (size_t i = 0; i < t->count; i++) {
        const struct report_row *r = &t->rows[i];
        json_out_object(&j);
        json_out_member(&j, "peer", r->peer);
        json_out_member(&j, "operation", r->operation);
        json_out_member(&j, "verdict", r->verdict);
        json_out_member_int(&j, "exchanges", (int64_t)r->exchanges);
        json_out_member_int(&j, "refused", (int64_t)r->refused);
        json_out_member_int(&j, "audited", (int64_t)r->audited);
        json_out_name(&j, "rules");
        json_out_array(&j);
        for (size_t k = 0; k < r->rule_count; k++)
            json_out_slice(&j, r->rules[k]);
        json_out_end(&j);
        json_out_end(&j);
    }
    json_out_end(&j);
    buf_put_char(out, '\n');
}
