/* check_report_gitlab - GitLab's code quality report: a list, one object a finding. */
#include "base/json_out.h"
#include "cli/check_report.h"

static const char *severity_of(const struct check_report *r, const struct check_item *item)
{
    if (item->accepted || check_report_is_note(item))
        return "info";
    if (item->level == VERDICT_BREAKING)
        return check_report_fails(r, item) ? "blocker" : "critical";
    return item->level == VERDICT_UNPROVEN ? "critical" : "minor";
}

static struct slice fingerprint_of(struct arena *arena, const struct check_pair *p, const struct check_item *item)
{
    struct slice id = item->finding->id;
    return p->label ? arena_putf(arena, "%.*s %s %s", SLICE_FMT(id), check_report_sides[item->question], p->label)
                    : arena_putf(arena, "%.*s %s", SLICE_FMT(id), check_report_sides[item->question]);
}

static void put_finding(struct json_out *j, struct arena *arena, const struct check_report *r,
                        const struct check_pair *p, const struct check_item *item)
{
    const struct verdict_finding *f = item->finding;
    const struct verdict_place *place = check_report_place(item);
    json_out_object(j);
    json_out_member(j, "description",
                    f->fix.len ? arena_putf(arena, "%.*s. Repair: %.*s", SLICE_FMT(f->message), SLICE_FMT(f->fix))
                               : f->message);
    json_out_member(j, "check_name", f->rule);
    json_out_member(j, "fingerprint", fingerprint_of(arena, p, item));
    json_out_member(j, "severity", slice_str(severity_of(r, item)));
    json_out_name(j, "location");
    json_out_object(j);
    json_out_member(j, "path", slice_str(place->file ? place->file : "."));
    json_out_name(j, "lines");
    json_out_object(j);
    json_out_member_int(j, "begin", place->line ? place->line : 1);
    json_out_end(j);
    json_out_end(j);
    json_out_end(j);
}

void check_report_gitlab(const struct check_report *r, struct buf *out)
{
    struct arena arena;
    struct json_out j;
    arena_init(&arena, 0);
    json_out_init(&j, out, 2);
    json_out_array(&j);
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->pairs[i].item_count; k++)
            if (r->with_notes || !check_report_is_note(&r->pairs[i].items[k]))
                put_finding(&j, &arena, r, &r->pairs[i], &r->pairs[i].items[k]);
    json_out_end(&j);
    buf_put_char(out, '\n');
    arena_fini(&arena);
}
