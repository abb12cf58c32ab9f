/* check_report_text - for a person: what broke, who, where, an example, how to repair it. */
#include "cli/check_plan.h"
#include "cli/check_report.h"

/* Names are a contract's own: what moves a terminal's cursor is written, not done. */
static void put(struct buf *out, struct slice text)
{
    for (; text.len; text = slice_from(text, 1)) {
        unsigned char c = (unsigned char)text.at[0];
        if (c == '\n')
            buf_put(out, SLICE("\\n"));
        else if (c < ' ' || c == 0x7f)
            buf_putf(out, "\\x%02x", c);
        else
            buf_put_char(out, (char)c);
    }
}

static void put_line(struct buf *out, const char *label, struct slice text)
{
    buf_putf(out, "    %-8s ", label);
    put(out, text);
    buf_put_char(out, '\n');
}

static void put_place(struct buf *out, const char *label, const char *revision, const struct verdict_place *p)
{
    if (p->file)
        buf_putf(out, "    %-8s %s%s%s:%u:%u\n", label, revision ? revision : "", revision ? ":" : "", p->file, p->line,
                 p->column);
}

static void put_who(struct buf *out, const struct check_pair *p, const struct check_item *item)
{
    static const char *const parts[] = {
        [VERDICT_REQUEST] = "requests of", [VERDICT_RESPONSE] = "responses of", [VERDICT_SURFACE] = "calls of"};
    enum { SHOWN = 8 };
    const struct verdict_finding *f = item->finding;
    buf_putf(out, "    %-8s %s", "who", f->both_directions ? "requests and responses of" : parts[f->direction]);
    size_t shown = 0, counted = 0;
    for (size_t i = 0; i < f->operation_count; i++) {
        if (!check_report_counts(p, item->question, f->operations[i]))
            continue;
        if (++counted > SHOWN)
            continue;
        buf_put(out, shown++ ? SLICE(", ") : SLICE(" "));
        put(out, f->operations[i]);
    }
    if (counted > shown)
        buf_putf(out, " and %zu more", counted - shown);
    buf_put_char(out, '\n');
}

static void put_accepted(struct buf *out, const struct check_accepted *a)
{
    buf_putf(out, "    %-8s by %.*s: %.*s", "accepted", SLICE_FMT(a->owner), SLICE_FMT(a->reason));
    if (a->expires.len)
        buf_putf(out, " (until %.*s)", SLICE_FMT(a->expires));
    buf_put_char(out, '\n');
}

/* A value of a surface is a message; what is no value is a call. */
static const char *label_of(const struct verdict_finding *f)
{
    if (f->direction != VERDICT_SURFACE)
        return "body";
    return f->witness.at[0] == '{' ? "message" : "call";
}

static void put_messages(struct buf *out, const struct verdict_finding *f)
{
    enum { SHOWN = 8 };
    buf_putf(out, "    %-8s", "in");
    for (size_t i = 0; i < f->message_count && i < SHOWN; i++) {
        buf_put(out, i ? SLICE(", ") : SLICE(" "));
        put(out, f->messages[i]);
    }
    if (f->message_count > SHOWN)
        buf_putf(out, " and %zu more", f->message_count - SHOWN);
    buf_put_char(out, '\n');
}

/* --- Findings that are alike. */

/* "Order" of "Order.qty". */
static struct slice holder_of(struct slice where)
{
    size_t dot;
    return slice_find_last(where, '.', &dot) ? slice_to(where, dot) : (struct slice){0};
}

static bool same_operations(const struct verdict_finding *a, const struct verdict_finding *b)
{
    if (a->operation_count != b->operation_count)
        return false;
    for (size_t i = 0; i < a->operation_count; i++)
        if (!slice_eq(a->operations[i], b->operations[i]))
            return false;
    return true;
}

/* The same happened to another part of the same thing, and hits the same operations. */
static bool alike(const struct check_item *a, const struct check_item *b)
{
    const struct verdict_finding *f = a->finding, *g = b->finding;
    struct slice holder = holder_of(f->where);
    return holder.len && a->question == b->question && a->level == b->level && !a->accepted && !b->accepted &&
           f->direction == g->direction && f->both_directions == g->both_directions && slice_eq(f->rule, g->rule) &&
           slice_eq(holder, holder_of(g->where)) && same_operations(f, g);
}

static bool is_told(const struct check_pair *p, size_t item)
{
    for (size_t i = 0; i < item; i++)
        if (alike(&p->items[i], &p->items[item]))
            return true;
    return false;
}

/* The one that tells the two apart. */
static const struct verdict_place *other_place(const struct check_item *head, const struct check_item *item)
{
    const struct verdict_place *here = check_report_place(item), *there = check_report_place(head);
    return here->line != there->line ? here : check_report_old_place(item);
}

static void put_likewise(struct buf *out, const struct check_pair *p, size_t item)
{
    enum { SHOWN = 6 };
    size_t count = 0;
    struct slice holder = holder_of(p->items[item].finding->where);
    for (size_t i = item + 1; i < p->item_count; i++) {
        const struct verdict_finding *f = p->items[i].finding;
        if (!alike(&p->items[item], &p->items[i]) || ++count > SHOWN)
            continue;
        const struct verdict_place *place = other_place(&p->items[item], &p->items[i]);
        buf_putf(out, "    %-8s ", count == 1 ? "likewise" : "");
        put(out, slice_from(f->where, holder.len + 1));
        if (place->line)
            buf_putf(out, ", line %u", place->line);
        buf_putf(out, "  [%.*s]\n", SLICE_FMT(f->id));
    }
    if (count > SHOWN)
        buf_putf(out, "    %-8s and %zu more (--format json has all)\n", "", count - SHOWN);
}

/* --- One finding. */

/* Of a large body what stands around the member that it is about. */
static void put_witness(struct buf *out, const struct verdict_finding *f)
{
    enum { WHOLE = 160, BEFORE = 40 };
    struct slice holder = holder_of(f->where), w = f->witness;
    if (w.len <= WHOLE) {
        put_line(out, label_of(f), w);
        return;
    }
    struct slice member = holder.len ? slice_from(f->where, holder.len + 1) : (struct slice){0};
    size_t at = 0, from;
    while (member.len && at + member.len < w.len && !(w.at[at] == '"' && slice_starts(slice_from(w, at + 1), member)))
        at++;
    at = at + member.len < w.len ? at : 0;
    from = at > BEFORE ? at - BEFORE : 0;
    buf_putf(out, "    %-8s %s", label_of(f), from ? "..." : "");
    put(out, slice_to(slice_from(w, from), WHOLE));
    buf_putf(out, "%s (%zu bytes, --explain and --format json have all)\n", from + WHOLE < w.len ? "..." : "", w.len);
}

static void put_finding(struct buf *out, const struct check_pair *p, size_t index, bool whole)
{
    const struct check_item *item = &p->items[index];
    const struct verdict_finding *f = item->finding;
    buf_putf(out, "\n  %s: %.*s  ", verdict_level_name(item->level), SLICE_FMT(f->rule));
    put(out, f->where);
    buf_putf(out, "  [%.*s]\n    ", SLICE_FMT(f->id));
    put(out, f->message);
    buf_put_char(out, '\n');
    if (f->operation_count)
        put_who(out, p, item);
    if (f->message_count)
        put_messages(out, f);
    put_place(out, p->deployed ? "consumer" : "old", p->old_revision, check_report_old_place(item));
    put_place(out, p->deployed ? "provider" : "new", p->new_revision, check_report_new_place(item));
    if (f->witness.len && whole)
        put_line(out, label_of(f), f->witness);
    else if (f->witness.len)
        put_witness(out, f);
    if (f->fix.len)
        put_line(out, "repair", f->fix);
    if (item->level == VERDICT_ADAPTABLE && f->level == VERDICT_ADAPTABLE)
        put_line(out, "bridge", SLICE("a sidecar of weft can do it, --plan shows how"));
    if (item->accepted)
        put_accepted(out, item->accepted);
    if (!whole)
        put_likewise(out, p, index);
}

static void put_plan(struct buf *out, struct slice operation, enum verdict_direction d, const struct plan *p)
{
    if (!p)
        return;
    buf_putf(out, "\n  plan for the %s of %.*s (%s):\n", check_report_directions[d], SLICE_FMT(operation),
             plan_law_name(plan_law(p)));
    struct buf steps;
    buf_init(&steps, BUF_TEXT_BOUND);
    plan_put(p, &steps);
    struct slice rest = buf_slice(&steps), line;
    while (slice_split(&rest, '\n', &line))
        buf_putf(out, "    %.*s\n", SLICE_FMT(line));
    buf_fini(&steps);
}

static void put_plans(struct buf *out, const struct check_report *r, const struct check_pair *p, enum check_question q)
{
    struct check_plan plans;
    check_plan_init(&plans, p->verdict[q], r->json);
    for (size_t i = 0; i < verdict_operation_count(p->verdict[q]); i++) {
        const struct verdict_operation *op = verdict_operation(p->verdict[q], i);
        if (!check_report_counts(p, q, op->name))
            continue;
        for (int d = VERDICT_REQUEST; d <= VERDICT_RESPONSE; d++) {
            struct plan *plan = check_plan_of(&plans, op, (enum verdict_direction)d);
            put_plan(out, op->name, (enum verdict_direction)d, plan);
            plan_unref(&plan);
        }
    }
    check_plan_fini(&plans);
}

static void put_question(struct buf *out, const struct check_report *r, const struct check_pair *p,
                         enum check_question q)
{
    size_t notes = 0, shown = 0;
    buf_putf(out, "%s%s %s\n", check_report_question(p, q), q == CHECK_FORWARD && p->jobs_only ? " (jobs)" : "",
             verdict_level_name(p->level[q]));
    for (size_t i = 0; i < p->item_count; i++) {
        const struct check_item *item = &p->items[i];
        if (item->question != q)
            continue;
        if (check_report_is_note(item) && !r->with_notes) {
            notes++;
            continue;
        }
        shown++;
        if (!is_told(p, i))
            put_finding(out, p, i, false);
    }
    if (r->with_plan)
        put_plans(out, r, p, q);
    if (notes)
        buf_putf(out, "\n  and %zu that break nothing (--notes shows them)\n", notes);
    if (shown || notes)
        buf_put_char(out, '\n');
}

static void put_bump(struct buf *out, const struct check_pair *p)
{
    enum check_bump needed = check_report_needed(p), declared = check_report_declared(p);
    if (needed == CHECK_NONE)
        buf_put(out, SLICE("version: no bump is needed\n"));
    else
        buf_putf(out, "version: a %s bump is needed, %.*s -> %.*s is %s%s\n", check_report_bump_name(needed),
                 SLICE_FMT(contract_version(p->old)), SLICE_FMT(contract_version(p->new)),
                 declared == CHECK_NONE ? "no bump" : check_report_bump_name(declared),
                 declared >= needed ? "" : ": too small");
}

static void put_pair(struct buf *out, const struct check_report *r, const struct check_pair *p)
{
    if (p->label)
        buf_putf(out, "== %s\n", p->label);
    put(out, contract_name(p->new));
    buf_put_char(out, ' ');
    put(out, contract_version(p->old));
    buf_put(out, SLICE(" -> "));
    put(out, contract_version(p->new));
    buf_putf(out, ": %s\n", verdict_level_name(check_report_pair_level(p)));
    for (int q = 0; q < CHECK_QUESTIONS; q++)
        if (p->asked[q])
            put_question(out, r, p, (enum check_question)q);
    if (!p->deployed)
        put_bump(out, p);
    if (p->label && !(p->deployed && p->item_count))
        buf_put_char(out, '\n');
}

static void put_baseline(struct buf *out, const struct check_baseline *b)
{
    for (size_t i = 0; i < check_baseline_count(b); i++) {
        const struct check_accepted *a = check_baseline_at(b, i);
        if (a->expired)
            buf_putf(out, "baseline: %.*s has expired on %.*s%s (%s:%u, %.*s)\n", SLICE_FMT(a->fingerprint),
                     SLICE_FMT(a->expires), a->met ? "" : " and is not there any more", check_baseline_path(b), a->line,
                     SLICE_FMT(a->owner));
        else if (!a->met)
            buf_putf(out, "baseline: %.*s is stale, there is no such finding (%s:%u, %.*s)\n",
                     SLICE_FMT(a->fingerprint), check_baseline_path(b), a->line, SLICE_FMT(a->owner));
    }
}

void check_report_text(const struct check_report *r, struct buf *out)
{
    for (size_t i = 0; i < r->count; i++)
        put_pair(out, r, &r->pairs[i]);
    if (r->count != 1 || r->pairs[0].label)
        buf_putf(out, "%zu pair%s: %s\n", r->count, r->count == 1 ? "" : "s",
                 verdict_level_name(check_report_level(r)));
    if (r->baseline)
        put_baseline(out, r->baseline);
}

/* How many stand before it; all of them when it is not there. */
static size_t find(const struct check_pair *p, struct slice id)
{
    size_t i = 0;
    while (i < p->item_count && !(id.len && slice_starts(p->items[i].finding->id, id)))
        i++;
    return i;
}

enum err check_report_text_explain(const struct check_report *r, struct slice id, struct buf *out)
{
    for (size_t i = 0; i < r->count; i++) {
        size_t at = find(&r->pairs[i], id);
        if (at == r->pairs[i].item_count)
            continue;
        const struct check_item *item = &r->pairs[i].items[at];
        buf_putf(out, "%s\n", check_report_question(&r->pairs[i], item->question));
        put_finding(out, &r->pairs[i], at, true);
        buf_putf(out, "\n%.*s", SLICE_FMT(item->finding->proof));
        return ERR_OK;
    }
    return ERR_ABSENT;
}
