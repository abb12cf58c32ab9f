#include "proxy/job_batch.h"

#include "base/hash.h"
#include "base/json_out.h"
#include "bus/zsock.h"
#include "proxy/job_submit.h"

enum { FIELDS_MOST = 100, SPARE = 1024, METHOD_MOST = 32 };

/* --- reading --- */

struct reading {
    struct arena *arena;
    struct buf *complaint;
    size_t at; /* the item */
};

static enum err wrong(struct reading *r, const char *what)
{
    buf_putf(r->complaint, "jobs[%zu]: %s", r->at, what);
    return ERR_INPUT;
}

static bool text_member(const struct doc_node *item, const char *name, struct slice *out)
{
    const struct doc_node *n = doc_get(item, name);
    if (n && n->kind == DOC_STRING)
        *out = n->text;
    return n && n->kind == DOC_STRING;
}

static enum err read_fields(struct reading *r, const struct doc_node *item, struct headers *out)
{
    const struct doc_node *fields = doc_get(item, "headers");
    if (!fields)
        return ERR_OK;
    if (fields->kind != DOC_MAP || fields->count > FIELDS_MOST)
        return wrong(r, "headers is an object of up to 100 strings");
    for (const struct doc_node *n = fields->first; n; n = n->next) {
        bool plain = n->kind == DOC_STRING && headers_name_ok(n->key) && headers_value_ok(n->text);
        for (size_t i = 0; i < n->key.len; i++)
            plain &= n->key.at[i] < 'A' || n->key.at[i] > 'Z';
        if (!plain)
            return wrong(r, "headers has lower-case names, and strings that a field can be");
        TRY(headers_add_copy(out, n->key, n->text));
    }
    return ERR_OK;
}

static enum err read_base64(struct reading *r, struct slice text, struct slice *out)
{
    char *bytes = arena_new(r->arena, text.len + 1), *plain = arena_new(r->arena, text.len + 1);
    size_t len;
    while (slice_ends(text, SLICE("=")))
        text.len--;
    for (size_t i = 0; i < text.len; i++)
        plain[i] = text.at[i] == '+' ? '-' : text.at[i] == '/' ? '_' : text.at[i];
    if (hash_base64url(slice_of(plain, text.len), bytes, text.len, &len) != ERR_OK)
        return wrong(r, "base64 is none");
    *out = slice_of(bytes, len);
    return ERR_OK;
}

static enum err read_body(struct reading *r, const struct doc_node *item, struct job_batch_item *out)
{
    const struct doc_node *json = doc_get(item, "body");
    struct slice base64;
    bool has_text = text_member(item, "text", &out->body), has_base64 = text_member(item, "base64", &base64);
    if ((json != NULL) + has_text + has_base64 > 1)
        return wrong(r, "one of body, text and base64 is enough");
    if (has_base64)
        return read_base64(r, base64, &out->body);
    if (!json)
        return ERR_OK;
    struct buf text;
    buf_init(&text, SIZE_MAX);
    doc_put_json(json, &text);
    out->body = arena_keep(r->arena, buf_slice(&text));
    buf_fini(&text);
    if (headers_value(&out->request.headers, HEADERS_CONTENT_TYPE).len)
        return ERR_OK;
    return headers_add_token(&out->request.headers, HEADERS_CONTENT_TYPE, SLICE("application/json"));
}

static bool is_known(struct slice name)
{
    static const char *const names[] = {"service", "method", "path", "headers", "body", "text", "base64"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq(name, slice_str(names[i])))
            return true;
    return false;
}

static enum err read_item(struct reading *r, const struct doc_node *item, struct job_batch_item *out)
{
    message_init(&out->request, r->arena);
    out->request.method = SLICE("POST");
    if (item->kind != DOC_MAP || !text_member(item, "service", &out->service) ||
        !text_member(item, "path", &out->request.path))
        return wrong(r, "an object with service and path is wanted");
    for (const struct doc_node *n = item->first; n; n = n->next)
        if (!is_known(n->key))
            return wrong(r, "there is service, method, path, headers, and one of body, text, base64");
    (void)text_member(item, "method", &out->request.method);
    if (!headers_name_ok(out->request.method) || out->request.method.len > METHOD_MOST || out->request.path.len == 0 ||
        out->request.path.at[0] != '/' || !headers_value_ok(out->request.path))
        return wrong(r, "method is a word like POST, and path begins with /");
    TRY(read_fields(r, item, &out->request.headers));
    return read_body(r, item, out);
}

static const struct doc_node *find_jobs(const struct doc_node *root, struct job_batch *out)
{
    const struct doc_node *all = doc_get(root, "all"), *jobs = doc_get(root, "jobs");
    bool fits = root->kind == DOC_MAP && root->count == (all ? 2u : 1u) && (!all || all->kind == DOC_BOOL) && jobs &&
                jobs->kind == DOC_LIST && jobs->count > 0 && jobs->count <= JOB_BATCH_MOST;
    out->all = all && slice_eq(all->text, SLICE("true"));
    return fits ? jobs : NULL;
}

enum err job_batch_read(struct slice text, struct arena *a, struct job_batch *out, struct buf *complaint)
{
    struct diag diag;
    struct doc_node *root = NULL;
    struct reading r = {a, complaint, 0};
    *out = (struct job_batch){0};
    diag_init(&diag);
    bool json = text.len && (text.at[0] == '{' || text.at[0] <= ' ');
    enum err e = json ? doc_parse(text, "batch", a, &diag, &root) : ERR_INPUT;
    if (e != ERR_OK && diag.first)
        buf_putf(complaint, "line %u, column %u: %.*s", diag.first->line, diag.first->column,
                 SLICE_FMT(diag.first->message));
    diag_fini(&diag);
    const struct doc_node *jobs = e == ERR_OK ? find_jobs(root, out) : NULL;
    if (!jobs) {
        if (!buf_len(complaint))
            buf_put(complaint, SLICE("A batch is {\"all\": false, \"jobs\": [...]} with 1 to 500 jobs."));
        return ERR_INPUT;
    }
    out->items = arena_array(a, jobs->count, sizeof(*out->items));
    for (const struct doc_node *n = jobs->first; n; n = n->next, r.at++)
        TRY(read_item(&r, n, &out->items[out->count++]));
    return ERR_OK;
}

/* --- deciding --- */

/* What is known of one of them. */
struct fate {
    struct job_options options;
    struct job_submit_place place;
    bool asked; /* the broker decides */
    unsigned status;
    struct slice word, detail; /* refused here, or there */
    struct slice job;
    bool replayed;
};

struct job_batch_visit {
    struct job_batch batch;
    struct fate *fates;
};

static void refuse(struct fate *f, unsigned status, struct slice word, struct slice detail)
{
    f->status = status;
    f->word = word;
    f->detail = detail;
}

static void decide(struct job_visit *v, const struct job_batch_item *item, struct fate *f)
{
    struct job_entry_target to;
    struct job_visit_refusal no = {0};
    struct buf complaint;
    buf_init(&complaint, BUF_TEXT_BOUND);
    int64_t wall_us = now_wall_us(loop_now(v->desk->loop));
    if (job_options_read(&item->request.headers, wall_us, &f->options, &complaint) != ERR_OK)
        refuse(f, 400, SLICE("bad-request"), arena_keep(&v->down->arena, buf_slice(&complaint)));
    else if (f->options.schedule[0])
        refuse(f, 400, SLICE("bad-request"), SLICE("A batch makes no schedules."));
    else if (item->body.len > JOB_ENTRY_PAYLOAD)
        refuse(f, 413, SLICE("payload-too-large"), SLICE("A job's body may have 256 KiB."));
    else if (!v->desk->resolve(v->desk->resolve_arg, item->service, &item->request, &v->down->arena, &to, &no))
        refuse(f, reply_status(no.word), slice_str(reply_word(no.word)), no.detail);
    else
        f->place = job_submit_place_of(&v->down->arena, &to);
    f->asked = !f->status;
    buf_fini(&complaint);
}

/* --- answering --- */

static void put_fate(struct json_out *j, const struct fate *f)
{
    json_out_object(j);
    if (!f->status) {
        json_out_member(j, "job", f->job);
        if (f->replayed) {
            json_out_name(j, "replayed");
            json_out_bool(j, true);
        }
    } else {
        json_out_member(j, "error", f->word);
        json_out_member_int(j, "status", f->status);
        json_out_member(j, "detail", f->detail);
    }
    json_out_end(j);
}

/* 202 when any was taken; else what the first that was refused for its own sake says. */
static unsigned status_of(const struct job_batch_visit *b)
{
    unsigned status = 0;
    for (size_t i = 0; i < b->batch.count; i++) {
        if (!b->fates[i].status)
            return 202;
        if (!status || (status == 424 && b->fates[i].status != 424))
            status = b->fates[i].status;
    }
    return status;
}

static void answer(struct job_visit *v)
{
    const struct job_batch_visit *b = v->batch;
    struct buf text;
    struct json_out j;
    size_t taken = 0;
    buf_init(&text, SIZE_MAX);
    json_out_init(&j, &text, 0);
    json_out_object(&j);
    json_out_name(&j, "jobs");
    json_out_array(&j);
    for (size_t i = 0; i < b->batch.count; i++) {
        taken += !b->fates[i].status;
        put_fate(&j, &b->fates[i]);
    }
    json_out_end(&j);
    json_out_member_int(&j, "taken", (int64_t)taken);
    json_out_end(&j);
    buf_put_char(&text, '\n');
    job_visit_json(v, status_of(b), &text);
}

static void take_verdict(struct arena *a, struct fate *f, const Weft__Bus__V1__Verdict *said)
{
    if (!said->problem) {
        f->job = arena_keep(a, slice_str(said->job));
        f->replayed = said->replayed;
        return;
    }
    unsigned status = said->problem->status >= 400 && said->problem->status <= 599 ? said->problem->status : 502;
    refuse(f, status, arena_keep(a, slice_str(said->problem->word)), arena_keep(a, slice_str(said->problem->detail)));
}

static void judged(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    struct job_batch_visit *b = v->batch;
    size_t at = 0;
    for (size_t i = 0; i < b->batch.count; i++) {
        if (!b->fates[i].asked)
            continue;
        if (at == record->verdicts->n_verdicts) {
            job_visit_refuse(v, REPLY_BAD_ANSWER, "The broker judges fewer jobs than were sent.");
            return;
        }
        take_verdict(&v->down->arena, &b->fates[i], record->verdicts->verdicts[at++]);
    }
    answer(v);
}

/* --- sending --- */

static void ask(struct job_visit *v)
{
    struct job_batch_visit *b = v->batch;
    struct arena *a = &v->down->arena;
    Weft__Bus__V1__Batch body = WEFT__BUS__V1__BATCH__INIT;
    Weft__Bus__V1__Submit *submits = arena_array(a, b->batch.count, sizeof(*submits));
    body.jobs = arena_array(a, b->batch.count, sizeof(struct Weft__Bus__V1__Submit *));
    body.all = b->batch.all;
    for (size_t i = 0; i < b->batch.count; i++) {
        const struct job_batch_item *item = &b->batch.items[i];
        struct job_submit_source from = {.options = &b->fates[i].options,
                                         .place = &b->fates[i].place,
                                         .request = &item->request,
                                         .body = item->body};
        if (!b->fates[i].asked)
            continue;
        job_submit_fill(a, &from, &submits[i]);
        body.jobs[body.n_jobs++] = &submits[i];
    }
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_BATCH;
    record.batch = &body;
    if (weft__bus__v1__batch__get_packed_size(&body) > ZSOCK_MESSAGE - SPARE)
        job_visit_refuse(v, REPLY_PAYLOAD_TOO_LARGE, "A batch may have 1 MiB in all; send it in parts.");
    else if (body.n_jobs)
        job_visit_call(v, &record, WEFT__BUS__V1__RECORD__BODY_VERDICTS, judged);
    else
        answer(v);
}

void job_batch_begin(struct job_visit *v)
{
    struct job_batch_visit *b = arena_new(&v->down->arena, sizeof(*b));
    struct buf complaint;
    bool fit = true;
    buf_init(&complaint, BUF_TEXT_BOUND);
    v->batch = b;
    if (job_batch_read(buf_slice(&v->body), &v->down->arena, &b->batch, &complaint) != ERR_OK) {
        reply_refuse(v->down, REPLY_BAD_REQUEST, buf_slice(&complaint), (struct slice){0});
        buf_fini(&complaint);
        return;
    }
    buf_fini(&complaint);
    b->fates = arena_array(&v->down->arena, b->batch.count, sizeof(*b->fates));
    for (size_t i = 0; i < b->batch.count; i++) {
        decide(v, &b->batch.items[i], &b->fates[i]);
        fit &= b->fates[i].asked;
    }
    for (size_t i = 0; !fit && b->batch.all && i < b->batch.count; i++) {
        if (b->fates[i].asked)
            refuse(&b->fates[i], 424, SLICE("batch-refused"), SLICE("Another job of its batch was refused."));
        b->fates[i].asked = false;
    }
    ask(v);
}
