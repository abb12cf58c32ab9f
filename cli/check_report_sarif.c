/* check_report_sarif - SARIF 2.1.0 (OASIS, 2020), one run: for code scanning. */
#include <stdlib.h>

#include "base/json_out.h"
#include "cli/check_report.h"

/* The rules that were met, in the order of their names. */
struct rules {
    const struct verdict_finding **v;
    size_t count;
};

static int by_rule(const void *a, const void *b)
{
    return slice_cmp((*(const struct verdict_finding *const *)a)->rule,
                     (*(const struct verdict_finding *const *)b)->rule);
}

static struct rules rules_of(const struct check_report *r, struct arena *arena)
{
    size_t most = 1;
    for (size_t i = 0; i < r->count; i++)
        most += r->pairs[i].item_count;
    struct rules rules = {.v = arena_array(arena, most, sizeof(struct verdict_finding *))};
    size_t all = 0;
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->pairs[i].item_count; k++)
            rules.v[all++] = r->pairs[i].items[k].finding;
    qsort(rules.v, all, sizeof(*rules.v), by_rule);
    for (size_t i = 0; i < all; i++)
        if (!rules.count || by_rule(&rules.v[rules.count - 1], &rules.v[i]) != 0)
            rules.v[rules.count++] = rules.v[i];
    return rules;
}

static int64_t index_of(const struct rules *rules, const struct verdict_finding *f)
{
    const struct verdict_finding **at = bsearch(&f, rules->v, rules->count, sizeof(f), by_rule);
    return at ? at - rules->v : -1;
}

static const char *sarif_level(enum verdict_level l)
{
    return l >= VERDICT_UNPROVEN ? "error" : l == VERDICT_ADAPTABLE ? "warning" : "note";
}

static void put_text(struct json_out *j, const char *name, struct slice text)
{
    json_out_name(j, name);
    json_out_object(j);
    json_out_member(j, "text", text);
    json_out_end(j);
}

/* "member-removed" says itself; the help is how such a finding is repaired. */
static void put_rule(struct json_out *j, struct arena *arena, const struct verdict_finding *f)
{
    struct slice words = arena_keep(arena, f->rule);
    char *at = (char *)(uintptr_t)words.at;
    for (size_t i = 0; i < words.len; i++)
        if (at[i] == '-')
            at[i] = ' ';
    json_out_object(j);
    json_out_member(j, "id", f->rule);
    put_text(j, "shortDescription", words);
    put_text(j, "fullDescription",
             arena_putf(arena, "weft check, rule %.*s: %.*s between the two contracts.", SLICE_FMT(f->rule),
                        SLICE_FMT(words)));
    struct slice fix = f->fix.len ? f->fix : SLICE("see --explain");
    json_out_name(j, "help");
    json_out_object(j);
    json_out_member(j, "text", arena_putf(arena, "Repair: %.*s.", SLICE_FMT(fix)));
    json_out_member(j, "markdown",
                    arena_putf(arena,
                               "**Repair:** %.*s.\n\n`weft check OLD NEW --explain FINGERPRINT` "
                               "prints the proof.",
                               SLICE_FMT(fix)));
    json_out_end(j);
    json_out_name(j, "defaultConfiguration");
    json_out_object(j);
    json_out_member(j, "level", slice_str(sarif_level(f->level)));
    json_out_end(j);
    json_out_end(j);
}

/* RFC 3986: a relative reference, or file:// of an absolute path. */
static struct slice uri_of(struct arena *arena, const char *path)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    if (path[0] == '/')
        buf_put(&out, SLICE("file://"));
    for (struct slice p = slice_str(path); p.len; p = slice_from(p, 1)) {
        if (memchr(safe, p.at[0], sizeof(safe) - 1))
            buf_put_char(&out, p.at[0]);
        else
            buf_putf(&out, "%%%02X", (unsigned char)p.at[0]);
    }
    struct slice kept = arena_keep(arena, buf_slice(&out));
    buf_fini(&out);
    return kept;
}

static void put_physical(struct json_out *j, struct arena *arena, const struct verdict_place *p)
{
    json_out_name(j, "physicalLocation");
    json_out_object(j);
    json_out_name(j, "artifactLocation");
    json_out_object(j);
    json_out_member(j, "uri", uri_of(arena, p->file));
    json_out_end(j);
    if (p->line) {
        json_out_name(j, "region");
        json_out_object(j);
        json_out_member_int(j, "startLine", p->line);
        if (p->column)
            json_out_member_int(j, "startColumn", p->column);
        json_out_end(j);
    }
    json_out_end(j);
}

static void put_logical(struct json_out *j, struct slice where)
{
    json_out_name(j, "logicalLocations");
    json_out_array(j);
    json_out_object(j);
    json_out_member(j, "fullyQualifiedName", where);
    json_out_end(j);
    json_out_end(j);
}

static void put_locations(struct json_out *j, struct arena *arena, const struct check_item *item)
{
    const struct verdict_place *place = check_report_place(item);
    json_out_name(j, "locations");
    json_out_array(j);
    json_out_object(j);
    if (place->file)
        put_physical(j, arena, place);
    put_logical(j, item->finding->where);
    json_out_end(j);
    json_out_end(j);
}

static void put_side(struct json_out *j, struct arena *arena, int id, const char *what, const struct verdict_place *p)
{
    if (!p->file)
        return;
    json_out_object(j);
    json_out_member_int(j, "id", id);
    put_text(j, "message", slice_str(what));
    put_physical(j, arena, p);
    json_out_end(j);
}

static void put_related(struct json_out *j, struct arena *arena, const struct check_pair *p,
                        const struct check_item *item)
{
    json_out_name(j, "relatedLocations");
    json_out_array(j);
    put_side(j, arena, 1, p->deployed ? "the consumer" : "the old contract", check_report_old_place(item));
    put_side(j, arena, 2, p->deployed ? "the provider" : "the new contract", check_report_new_place(item));
    json_out_end(j);
}

static void put_suppression(struct json_out *j, const struct check_accepted *a)
{
    json_out_name(j, "suppressions");
    json_out_array(j);
    if (a) {
        json_out_object(j);
        json_out_member(j, "kind", SLICE("external"));
        json_out_member(j, "status", SLICE("accepted"));
        json_out_member(j, "justification", a->reason);
        json_out_end(j);
    }
    json_out_end(j);
}

static void put_properties(struct json_out *j, const struct check_pair *p, const struct check_item *item)
{
    const struct verdict_finding *f = item->finding;
    json_out_name(j, "properties");
    json_out_object(j);
    json_out_member(j, "level", slice_str(verdict_level_name(item->level)));
    json_out_member(j, "where", f->where);
    json_out_member(j, "question", slice_str(check_report_question(p, item->question)));
    json_out_name(j, "operations");
    json_out_array(j);
    for (size_t i = 0; i < f->operation_count; i++)
        if (check_report_counts(p, item->question, f->operations[i]))
            json_out_slice(j, f->operations[i]);
    json_out_end(j);
    json_out_name(j, "also");
    json_out_array(j);
    for (size_t i = 0; i < f->also_count; i++)
        json_out_slice(j, f->also[i]);
    json_out_end(j);
    if (f->witness.len) {
        json_out_name(j, "witness");
        json_out_raw(j, f->witness);
    }
    json_out_member(j, "fix", f->fix);
    json_out_end(j);
}

static void put_result(struct json_out *j, struct arena *arena, const struct rules *rules, const struct check_pair *p,
                       const struct check_item *item)
{
    const struct verdict_finding *f = item->finding;
    json_out_object(j);
    json_out_member(j, "ruleId", f->rule);
    json_out_member_int(j, "ruleIndex", index_of(rules, f));
    json_out_member(j, "level", slice_str(sarif_level(item->level)));
    put_text(j, "message",
             f->fix.len ? arena_putf(arena, "%.*s. Repair: %.*s.", SLICE_FMT(f->message), SLICE_FMT(f->fix))
                        : f->message);
    put_locations(j, arena, item);
    put_related(j, arena, p, item);
    json_out_name(j, "partialFingerprints");
    json_out_object(j);
    json_out_member(j, "weftFinding/v1", f->id);
    json_out_end(j);
    put_suppression(j, item->accepted);
    put_properties(j, p, item);
    json_out_end(j);
}

static void put_driver(struct json_out *j, struct arena *arena, const struct rules *rules)
{
    json_out_name(j, "tool");
    json_out_object(j);
    json_out_name(j, "driver");
    json_out_object(j);
    json_out_member(j, "name", SLICE("weft check"));
    json_out_member(j, "version", SLICE(WEFT_VERSION));
    json_out_member(j, "semanticVersion", SLICE(WEFT_VERSION));
    json_out_name(j, "rules");
    json_out_array(j);
    for (size_t i = 0; i < rules->count; i++)
        put_rule(j, arena, rules->v[i]);
    json_out_end(j);
    json_out_end(j);
    json_out_end(j);
}

static void put_invocation(struct json_out *j, const struct check_report *r)
{
    json_out_name(j, "invocations");
    json_out_array(j);
    json_out_object(j);
    json_out_name(j, "executionSuccessful");
    json_out_bool(j, !check_report_hit_limit(r));
    json_out_end(j);
    json_out_end(j);
}

void check_report_sarif(const struct check_report *r, struct buf *out)
{
    struct arena arena;
    struct json_out j;
    arena_init(&arena, 0);
    struct rules rules = rules_of(r, &arena);
    json_out_init(&j, out, 2);
    json_out_object(&j);
    json_out_member(&j, "$schema", SLICE("https://json.schemastore.org/sarif-2.1.0.json"));
    json_out_member(&j, "version", SLICE("2.1.0"));
    json_out_name(&j, "runs");
    json_out_array(&j);
    json_out_object(&j);
    put_driver(&j, &arena, &rules);
    put_invocation(&j, r);
    /* Our columns count bytes; of ASCII files that is the same. */
    json_out_member(&j, "columnKind", SLICE("unicodeCodePoints"));
    json_out_name(&j, "results");
    json_out_array(&j);
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->pairs[i].item_count; k++)
            put_result(&j, &arena, &rules, &r->pairs[i], &r->pairs[i].items[k]);
    json_out_end(&j);
    json_out_end(&j);
    json_out_end(&j);
    json_out_end(&j);
    buf_put_char(out, '\n');
    arena_fini(&arena);
}
