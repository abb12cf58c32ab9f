/* check_report_markdown - for a comment on a merge request. */
#include "cli/check_report.h"

/* One line of a table; HTML and table marks of a contract's own names stay text. */
static void put(struct buf *out, struct slice text)
{
    for (; text.len; text = slice_from(text, 1)) {
        char c = text.at[0];
        if (c == '<')
            buf_put(out, SLICE("&lt;"));
        else if (c == '\n' || c == '\r')
            buf_put_char(out, ' ');
        else {
            if (c && strchr("|\\`*_[]", c))
                buf_put_char(out, '\\');
            buf_put_char(out, c);
        }
    }
}

static void put_place(struct buf *out, const struct verdict_place *p)
{
    if (!p->file)
        return;
    put(out, slice_str(p->file));
    buf_putf(out, ":%u", p->line);
}

static void put_row(struct buf *out, const struct check_item *item)
{
    const struct verdict_finding *f = item->finding;
    buf_putf(out, "| %s%s | %.*s | ", verdict_level_name(item->level), item->accepted ? " (accepted)" : "",
             SLICE_FMT(f->rule));
    put(out, f->where);
    buf_put(out, SLICE(" | "));
    put(out, f->message);
    buf_put(out, SLICE(" | "));
    put_place(out, check_report_old_place(item));
    buf_put(out, SLICE(" | "));
    put_place(out, check_report_new_place(item));
    buf_put(out, SLICE(" | "));
    put(out, f->fix);
    buf_putf(out, " | %.*s |\n", SLICE_FMT(f->id));
}

static size_t shown(const struct check_report *r, const struct check_pair *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->item_count; i++)
        count += r->with_notes || !check_report_is_note(&p->items[i]);
    return count;
}

static void put_version(struct buf *out, const struct check_pair *p)
{
    enum check_bump needed = check_report_needed(p), declared = check_report_declared(p);
    if (p->deployed || needed == CHECK_NONE)
        return;
    buf_putf(out, "\nThe version needs a **%s** bump; ", check_report_bump_name(needed));
    put(out, contract_version(p->old));
    buf_put(out, SLICE(" to "));
    put(out, contract_version(p->new));
    buf_putf(out, " is %s.\n", declared >= needed ? "enough" : "too small");
}

static void put_pair(struct buf *out, const struct check_report *r, const struct check_pair *p)
{
    size_t count = shown(r, p);
    buf_put(out, SLICE("### "));
    if (p->label) {
        put(out, slice_str(p->label));
        buf_put(out, SLICE(": "));
    }
    put(out, contract_name(p->new));
    buf_put_char(out, ' ');
    put(out, contract_version(p->old));
    buf_put(out, SLICE(" to "));
    put(out, contract_version(p->new));
    buf_putf(out, ": %s\n\n", verdict_level_name(check_report_pair_level(p)));
    if (!count)
        buf_put(out, SLICE("Nothing breaks.\n"));
    else
        buf_put(out, SLICE("| level | rule | where | what | old | new | repair | fingerprint |\n"
                           "|---|---|---|---|---|---|---|---|\n"));
    for (size_t i = 0; i < p->item_count; i++)
        if (r->with_notes || !check_report_is_note(&p->items[i]))
            put_row(out, &p->items[i]);
    put_version(out, p);
    buf_put_char(out, '\n');
}

void check_report_markdown(const struct check_report *r, struct buf *out)
{
    buf_putf(out, "## weft check: %s\n\n", verdict_level_name(check_report_level(r)));
    for (size_t i = 0; i < r->count; i++)
        put_pair(out, r, &r->pairs[i]);
}
