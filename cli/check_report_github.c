/* check_report_github - workflow commands of GitHub Actions: each finding stands beside its line. */
#include "cli/check_report.h"

static void put_data(struct buf *out, struct slice text, const char *also)
{
    for (; text.len; text = slice_from(text, 1)) {
        char c = text.at[0];
        if (c == '%' || c == '\r' || c == '\n' || (c && strchr(also, c)))
            buf_putf(out, "%%%02X", (unsigned)c);
        else
            buf_put_char(out, c);
    }
}

static void put_property(struct buf *out, struct slice text)
{
    put_data(out, text, ":,");
}

static const char *command_of(const struct check_report *r, const struct check_item *item)
{
    if (check_report_fails(r, item))
        return "error";
    return check_report_is_note(item) || item->accepted ? "notice" : "warning";
}

static void put_line(struct buf *out, const char *lead, struct slice text)
{
    if (!text.len)
        return;
    buf_putf(out, "%%0A%s", lead);
    put_data(out, text, "");
}

static void put_finding(struct buf *out, const struct check_report *r, const struct check_item *item)
{
    const struct verdict_finding *f = item->finding;
    const struct verdict_place *p = check_report_place(item);
    const struct verdict_place *old = check_report_old_place(item);
    buf_putf(out, "::%s ", command_of(r, item));
    if (p->file) {
        buf_put(out, SLICE("file="));
        put_property(out, slice_str(p->file));
        buf_putf(out, ",line=%u,col=%u,", p->line ? p->line : 1, p->column ? p->column : 1);
    }
    buf_putf(out, "title=%s", verdict_level_name(item->level));
    put_property(out, SLICE(": "));
    put_property(out, f->rule);
    buf_put(out, SLICE("::"));
    put_data(out, f->message, "");
    put_line(out, "example: ", f->witness);
    put_line(out, "repair: ", f->fix);
    if (old->file && old != p) {
        put_line(out, "before: ", slice_str(old->file));
        buf_putf(out, ":%u:%u", old->line, old->column);
    }
    if (item->accepted)
        put_line(out, "accepted: ", item->accepted->reason);
    buf_putf(out, "%%0Afingerprint: %.*s\n", SLICE_FMT(f->id));
}

void check_report_github(const struct check_report *r, struct buf *out)
{
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->pairs[i].item_count; k++)
            if (r->with_notes || !check_report_is_note(&r->pairs[i].items[k]))
                put_finding(out, r, &r->pairs[i].items[k]);
    buf_putf(out, "weft check: %s\n", verdict_level_name(check_report_level(r)));
}
