/* check_report_junit - JUnit's XML: a suite a pair, a case a finding, and one for every operation without. */
#include "cli/check_report.h"

static void put_escaped(struct buf *out, struct slice text)
{
    for (; text.len; text = slice_from(text, 1)) {
        unsigned char c = (unsigned char)text.at[0];
        switch (c) {
        case '<':
            buf_put(out, SLICE("&lt;"));
            break;
        case '>':
            buf_put(out, SLICE("&gt;"));
            break;
        case '&':
            buf_put(out, SLICE("&amp;"));
            break;
        case '"':
            buf_put(out, SLICE("&quot;"));
            break;
        case '\n':
            buf_put(out, SLICE("&#10;"));
            break;
        case '\t':
            buf_put(out, SLICE("&#9;"));
            break;
        default:
            /* Other control characters have no place in XML 1.0. */
            buf_put_char(out, c < ' ' ? '?' : (char)c);
        }
    }
}

static void put_attribute(struct buf *out, const char *name, struct slice text)
{
    buf_putf(out, " %s=\"", name);
    put_escaped(out, text);
    buf_put_char(out, '"');
}

static void put_place(struct buf *out, const char *label, const struct verdict_place *p)
{
    if (!p->file)
        return;
    buf_putf(out, "%s: ", label);
    put_escaped(out, slice_str(p->file));
    buf_putf(out, ":%u:%u\n", p->line, p->column);
}

static void put_story(struct buf *out, const struct check_pair *p, const struct check_item *item)
{
    const struct verdict_finding *f = item->finding;
    put_escaped(out, f->message);
    buf_put_char(out, '\n');
    put_place(out, p->deployed ? "consumer" : "old", check_report_old_place(item));
    put_place(out, p->deployed ? "provider" : "new", check_report_new_place(item));
    if (f->witness.len) {
        buf_put(out, SLICE("example: "));
        put_escaped(out, f->witness);
        buf_put_char(out, '\n');
    }
    if (f->fix.len) {
        buf_put(out, SLICE("repair: "));
        put_escaped(out, f->fix);
        buf_put_char(out, '\n');
    }
}

static void put_finding(struct buf *out, const struct check_report *r, const struct check_pair *p,
                        const struct check_item *item)
{
    const struct verdict_finding *f = item->finding;
    struct slice level = slice_str(verdict_level_name(item->level));
    buf_put(out, SLICE("    <testcase"));
    put_attribute(out, "classname", contract_name(p->new));
    buf_put(out, SLICE(" name=\""));
    put_escaped(out, f->rule);
    buf_put_char(out, ' ');
    put_escaped(out, f->where);
    buf_putf(out, " [%.*s]\" time=\"0\">", SLICE_FMT(f->id));
    if (check_report_fails(r, item)) {
        buf_put(out, SLICE("<failure"));
        put_attribute(out, "type", level);
        put_attribute(out, "message", f->message);
        buf_put_char(out, '>');
        put_story(out, p, item);
        buf_put(out, SLICE("</failure>"));
    } else if (item->accepted) {
        buf_put(out, SLICE("<skipped"));
        put_attribute(out, "message", item->accepted->reason);
        buf_put(out, SLICE("/>"));
    } else {
        buf_putf(out, "<system-out>%.*s\n", SLICE_FMT(level));
        put_story(out, p, item);
        buf_put(out, SLICE("</system-out>"));
    }
    buf_put(out, SLICE("</testcase>\n"));
}

static bool is_clean(const struct check_pair *p, struct slice operation)
{
    return check_report_operation_level(p, operation) <= VERDICT_COMPATIBLE;
}

static void put_clean(struct buf *out, const struct check_pair *p)
{
    for (size_t i = 0; i < contract_operation_count(p->old); i++) {
        struct slice name = contract_operation_name(p->old, i);
        if (!is_clean(p, name))
            continue;
        buf_put(out, SLICE("    <testcase"));
        put_attribute(out, "classname", contract_name(p->new));
        put_attribute(out, "name", name);
        buf_put(out, SLICE(" time=\"0\"/>\n"));
    }
}

struct tally {
    size_t tests, failures, skipped;
};

static struct tally count(const struct check_report *r, const struct check_pair *p)
{
    struct tally t = {.tests = p->item_count};
    for (size_t i = 0; i < p->item_count; i++) {
        if (check_report_fails(r, &p->items[i]))
            t.failures++;
        else if (p->items[i].accepted)
            t.skipped++;
    }
    for (size_t i = 0; i < contract_operation_count(p->old); i++)
        t.tests += is_clean(p, contract_operation_name(p->old, i));
    return t;
}

static void put_suite(struct buf *out, const struct check_report *r, const struct check_pair *p)
{
    struct tally t = count(r, p);
    buf_put(out, SLICE("  <testsuite"));
    put_attribute(out, "name", p->label ? slice_str(p->label) : contract_name(p->new));
    buf_putf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"0\">\n", t.tests, t.failures,
             t.skipped);
    for (size_t i = 0; i < p->item_count; i++)
        put_finding(out, r, p, &p->items[i]);
    put_clean(out, p);
    buf_put(out, SLICE("  </testsuite>\n"));
}

void check_report_junit(const struct check_report *r, struct buf *out)
{
    struct tally all = {0};
    for (size_t i = 0; i < r->count; i++) {
        struct tally t = count(r, &r->pairs[i]);
        all.tests += t.tests;
        all.failures += t.failures;
    }
    buf_put(out, SLICE("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    buf_putf(out, "<testsuites name=\"weft check\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"0\">\n",
             all.tests, all.failures);
    for (size_t i = 0; i < r->count; i++)
        put_suite(out, r, &r->pairs[i]);
    buf_put(out, SLICE("</testsuites>\n"));
}
