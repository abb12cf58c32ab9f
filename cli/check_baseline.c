#include "cli/check_baseline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/file.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "contracts/rule_name.h"

enum { DIGITS = 16, DAY = 10 };

struct check_baseline {
    struct conf *conf;
    const char *path;
    struct check_accepted *entries; /* by fingerprint */
    size_t count;
};

static bool is_fingerprint(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789abcdef", s.at[i]))
            return false;
    return s.len == DIGITS;
}

static bool is_day(struct slice s)
{
    static const char shape[] = "dddd-dd-dd";
    if (s.len != DAY)
        return false;
    for (size_t i = 0; i < DAY; i++)
        if (shape[i] == 'd' ? s.at[i] < '0' || s.at[i] > '9' : s.at[i] != shape[i])
            return false;
    uint64_t month, day;
    return slice_u64(slice_of(s.at + 5, 2), 12, &month) == ERR_OK &&
           slice_u64(slice_of(s.at + 8, 2), 31, &day) == ERR_OK && month && day;
}

static struct slice *room_for(struct check_accepted *a, struct slice key)
{
    const struct {
        const char *key;
        struct slice *at;
    } rooms[] = {{"fingerprint", &a->fingerprint}, {"rule", &a->rule},   {"where", &a->where},
                 {"reason", &a->reason},           {"owner", &a->owner}, {"expires", &a->expires}};
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++)
        if (slice_eq(key, slice_str(rooms[i].key)))
            return rooms[i].at;
    return NULL;
}

/* A rule that nobody has is a slip; `more` and `limit` stand for findings that are not shown. */
static void read_rule(const struct conf_node *n, struct diag *diag)
{
    struct buf nearest;
    if (n->kind != CONF_SCALAR || rule_name_known(n->text) || slice_eq(n->text, SLICE("more")) ||
        slice_eq(n->text, SLICE("limit")))
        return;
    buf_init(&nearest, BUF_TEXT_BOUND);
    rule_name_put_nearest(n->text, &nearest);
    diag_add(diag, DIAG_ERROR, &n->place, buf_len(&nearest) ? buf_text(&nearest) : "docs/rules.md has all",
             "there is no rule `%.*s`", SLICE_FMT(slice_to(n->text, 80)));
    buf_fini(&nearest);
}

static void read_entry(const struct conf_node *n, const char *today, struct diag *diag, struct check_accepted *a)
{
    *a = (struct check_accepted){.line = n->place.line};
    if (n->kind != CONF_MAPPING) {
        diag_add(diag, DIAG_ERROR, &n->place, "fingerprint: 3f60b51c9d2a77e0", "an accepted finding is expected");
        return;
    }
    for (const struct conf_node *m = n->first; m; m = m->next) {
        struct slice *room = room_for(a, m->key);
        if (!room)
            diag_add(diag, DIAG_ERROR, &m->key_place, "fingerprint, rule, where, reason, owner and expires are known",
                     "unknown key `%.*s`", SLICE_FMT(slice_to(m->key, 80)));
        else if (m->kind == CONF_SCALAR)
            *room = m->text;
        else
            diag_add(diag, DIAG_ERROR, &m->place, NULL, "text is expected");
    }
    const struct conf_node *rule = conf_get(n, "rule");
    if (rule)
        read_rule(rule, diag);
    if (!is_fingerprint(a->fingerprint))
        diag_add(diag, DIAG_ERROR, &n->place, "weft check prints it in brackets",
                 "a fingerprint of 16 hex digits is expected");
    if (!a->reason.len || !a->owner.len)
        diag_add(diag, DIAG_ERROR, &n->place, "reason: nobody calls it since May",
                 "a reason and an owner are expected");
    if (a->expires.len && !is_day(a->expires))
        diag_add(diag, DIAG_ERROR, &n->place, "expires: 2027-01-31", "a day is expected");
    a->expired = a->expires.len && slice_cmp(a->expires, slice_str(today)) < 0;
}

static int by_fingerprint(const void *x, const void *y)
{
    const struct check_accepted *a = x, *b = y;
    return slice_cmp(a->fingerprint, b->fingerprint);
}

static void read_entries(struct check_baseline *b, const char *today, struct diag *diag)
{
    const struct conf_node *root = conf_root(b->conf), *list = NULL;
    struct diag_place whole = {.file = b->path};
    if (root && root->kind == CONF_MAPPING)
        list = conf_get(root, "accepted");
    if (!list || (list->kind != CONF_SEQUENCE && list->kind != CONF_NULL)) {
        diag_add(diag, DIAG_ERROR, &whole, "accepted: []", "a list of accepted findings is expected");
        return;
    }
    size_t count = 0;
    for (const struct conf_node *n = list->first; n; n = n->next)
        count++;
    b->entries = mem_array(count + 1, sizeof(*b->entries));
    for (const struct conf_node *n = list->first; n; n = n->next)
        read_entry(n, today, diag, &b->entries[b->count++]);
    qsort(b->entries, b->count, sizeof(*b->entries), by_fingerprint);
    for (size_t i = 1; i < b->count; i++)
        if (b->entries[i].fingerprint.len && by_fingerprint(&b->entries[i - 1], &b->entries[i]) == 0) {
            struct diag_place again = {.file = b->path, .line = b->entries[i].line, .column = 1};
            diag_add(diag, DIAG_ERROR, &again, NULL, "fingerprint %.*s stands there twice",
                     SLICE_FMT(b->entries[i].fingerprint));
        }
}

enum err check_baseline_read(const char *path, const char *today, struct diag *diag, struct check_baseline **out)
{
    struct check_baseline *b = mem_new(sizeof(*b));
    unsigned before = diag->errors;
    b->path = path;
    enum err e = conf_read(path, diag, &b->conf);
    if (e == ERR_OK)
        read_entries(b, today, diag);
    if (e != ERR_OK || diag->errors != before) {
        check_baseline_free(&b);
        return ERR_INPUT;
    }
    *out = b;
    return ERR_OK;
}

void check_baseline_free(struct check_baseline **b)
{
    if (!*b)
        return;
    if ((*b)->conf)
        conf_free(&(*b)->conf);
    mem_free((*b)->entries);
    mem_free(*b);
    *b = NULL;
}

const char *check_baseline_path(const struct check_baseline *b)
{
    return b->path;
}

size_t check_baseline_count(const struct check_baseline *b)
{
    return b->count;
}

const struct check_accepted *check_baseline_at(const struct check_baseline *b, size_t i)
{
    return &b->entries[i];
}

static struct check_accepted *find(const struct check_baseline *b, struct slice fingerprint)
{
    struct check_accepted key = {.fingerprint = fingerprint};
    return b->count ? bsearch(&key, b->entries, b->count, sizeof(key), by_fingerprint) : NULL;
}

const struct check_accepted *check_baseline_meet(struct check_baseline *b, struct slice fingerprint)
{
    struct check_accepted *a = find(b, fingerprint);
    if (!a)
        return NULL;
    a->met = true;
    return a->expired ? NULL : a;
}

bool check_baseline_accepts(const struct check_baseline *b, struct slice fingerprint)
{
    const struct check_accepted *a = find(b, fingerprint);
    return a && !a->expired;
}

void check_baseline_put_head(struct buf *out)
{
    buf_put(out, SLICE("# Findings that are accepted (weft check --baseline).\naccepted:\n"));
}

/* A string of JSON is one of YAML. */
static void put(struct buf *out, const char *lead, const char *key, struct slice text)
{
    if (!text.len)
        return;
    struct json_out j;
    buf_putf(out, "%s%s: ", lead, key);
    json_out_init(&j, out, 0);
    json_out_slice(&j, text);
    buf_put_char(out, '\n');
}

void check_baseline_put(const struct check_accepted *a, struct buf *out)
{
    put(out, "  - ", "fingerprint", a->fingerprint);
    put(out, "    ", "rule", a->rule);
    put(out, "    ", "where", a->where);
    put(out, "    ", "reason", a->reason);
    put(out, "    ", "owner", a->owner);
    put(out, "    ", "expires", a->expires);
}
