#include "broker/order.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/mem.h"

/* The order of one change: look the key up, look the job up, judge, and only then write.  So a refusal
 * has written nothing, and an order that ran out of room may run again in another transaction. */

enum { RECORD_BOUND = 64 << 20, PART = 680, PARTED = 4 * PART, PART_KEY = JOB_ID_BYTES + 1 };

void order_put_number(char out[ORDER_NUMBER], uint64_t n)
{
    for (unsigned i = 0; i < ORDER_NUMBER; i++)
        out[i] = (char)(uint8_t)(n >> (8 * (ORDER_NUMBER - 1 - i)));
}

static uint64_t number_of(struct slice bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < ORDER_NUMBER && i < bytes.len; i++)
        n = n << 8 | (uint8_t)bytes.at[i];
    return n;
}

struct slice order_id_key(struct arena *a, struct slice id)
{
    uint8_t bytes[JOB_ID_BYTES];
    job_id_bytes(id, bytes);
    return arena_keep(a, slice_of(bytes, sizeof(bytes)));
}

struct slice order_id_text(struct arena *a, struct slice key)
{
    char text[JOB_ID + 1];
    PRE(key.len == JOB_ID_BYTES);
    job_id_text((const uint8_t *)key.at, text);
    return arena_keep(a, slice_of(text, JOB_ID));
}

/* --- records in parts --- */

static struct slice part_key(char key[PART_KEY], struct slice id_key, size_t part)
{
    memcpy(key, id_key.at, JOB_ID_BYTES);
    key[JOB_ID_BYTES] = (char)part;
    return slice_of(key, PART_KEY);
}

/* A row of a page that three of its size would leave a quarter empty is cut in equal parts; one of many pages
 * has pages of its own. */
static size_t parts_of(size_t len)
{
    return len > PARTED || len == 0 ? 1 : (len + PART - 1) / PART;
}

enum err order_read_parts(order_get_fn *get, void *arg, enum order_table table, struct slice id_key, struct arena *a,
                          struct slice *record)
{
    char key[PART_KEY];
    struct slice first, part;
    TRY(get(arg, table, part_key(key, id_key, 0), &first));
    size_t count = first.len ? (uint8_t)first.at[0] : 0;
    first = slice_from(first, 1);
    if (count == 1) {
        *record = first;
        return ERR_OK;
    }
    struct buf whole;
    buf_init(&whole, PARTED + 1);
    enum err e = count > 1 ? buf_add(&whole, first) : ERR_FULL;
    for (size_t i = 1; i < count && e == ERR_OK; i++) {
        e = get(arg, table, part_key(key, id_key, i), &part);
        if (e == ERR_OK)
            e = buf_add(&whole, part);
    }
    *record = arena_keep(a, buf_slice(&whole));
    buf_fini(&whole);
    return e == ERR_OK ? ERR_OK : ERR_PEER;
}

/* "Stays what it was" has to survive the copy. */
static struct slice keep(struct arena *a, struct slice s)
{
    return s.at ? arena_keep(a, s) : s;
}

static struct record_job keep_job(struct arena *a, const struct record_job *j)
{
    struct record_job kept = *j;
    kept.id = keep(a, j->id);
    kept.service = keep(a, j->service);
    kept.caller = keep(a, j->caller);
    kept.operation = keep(a, j->operation);
    kept.labels = keep(a, j->labels);
    kept.worker = keep(a, j->worker);
    kept.reason = keep(a, j->reason);
    kept.progress = keep(a, j->progress);
    kept.progress_type = keep(a, j->progress_type);
    kept.log = (struct slice){0};
    return kept;
}

/* Records are written into one buf and move to the arena; what they hold came over the bus, whose
 * messages are far smaller than the bound. */
static struct slice kept_record(struct order *o, struct buf *b, enum err e)
{
    PRE(e == ERR_OK);
    struct slice kept = arena_keep(&o->arena, buf_slice(b));
    o->size += kept.len;
    buf_clear(b);
    return kept;
}

static void hash_part(struct buf *b, struct slice part)
{
    char len[ORDER_NUMBER];
    order_put_number(len, part.len);
    buf_put(b, slice_of(len, sizeof(len)));
    buf_put(b, part);
}

/* Lengths part the words: ("ab", "c") is another scope than ("a", "bc"). */
static struct slice key_of(struct arena *a, const struct record_job *j, struct slice key)
{
    struct buf b;
    buf_init(&b, BUF_TEXT_BOUND);
    hash_part(&b, j->caller);
    hash_part(&b, j->operation);
    hash_part(&b, key);
    struct hash_digest d = hash_sha256(buf_slice(&b));
    buf_fini(&b);
    return arena_keep(a, slice_of(d.b, sizeof(d.b)));
}

static struct order *new_order(enum order_kind kind)
{
    struct order *o = mem_new(sizeof(*o));
    list_init(&o->link);
    arena_init(&o->arena, RECORD_BOUND);
    o->kind = kind;
    return o;
}

static struct record_blob keep_blob(struct order *o, const struct record_blob *b)
{
    PRE(b->digest.len == 0 || b->digest.len == ORDER_BLOB);
    return (struct record_blob){keep(&o->arena, b->digest), b->size};
}

static void keep_request(struct order *o, struct buf *b, const struct record_request *r)
{
    o->request = kept_record(o, b, record_put_request(b, r));
    o->request_blob = keep_blob(o, &r->blob);
}

static void keep_records(struct order *o, const struct store_change *c)
{
    struct buf b;
    buf_init(&b, RECORD_BOUND);
    if (c->request)
        keep_request(o, &b, c->request);
    if (c->result) {
        o->result = kept_record(o, &b, record_put_result(&b, c->result));
        o->result_blob = keep_blob(o, &c->result->blob);
    }
    if (c->checkpoint.at)
        o->checkpoint = kept_record(o, &b, record_put_bytes(&b, RECORD_CHECKPOINT, c->checkpoint));
    if (c->event.name.len > 0) {
        o->event = c->event;
        o->event.id = c->job.events;
        o->event.name = arena_keep(&o->arena, c->event.name);
        o->event.data = arena_keep(&o->arena, c->event.data);
        o->size += c->event.data.len;
    }
    buf_fini(&b);
}

struct order *order_of_change(const struct store_change *change)
{
    PRE(job_id_is(change->job.id) && change->job.token >= change->guard);
    PRE(!job_over(change->job.state) || change->job.ended_ms > 0);
    struct order *o = new_order(ORDER_CHANGE);
    o->job = keep_job(&o->arena, &change->job);
    o->id = order_id_key(&o->arena, o->job.id);
    o->guard = change->guard;
    o->submit = change->request != NULL;
    keep_records(o, change);
    if (o->submit && change->request->key.len > 0) {
        o->key = key_of(&o->arena, &o->job, change->request->key);
        o->fingerprint = arena_keep(&o->arena, change->request->fingerprint);
    }
    return o;
}

struct order *order_of_all(const struct store_change *changes, size_t count)
{
    struct order *o = new_order(ORDER_ALL);
    o->submit = true;
    o->parts = arena_array(&o->arena, count + 1, sizeof(struct order *));
    o->part_count = count;
    for (size_t i = 0; i < count; i++) {
        PRE(changes[i].request);
        o->parts[i] = order_of_change(&changes[i]);
        o->size += o->parts[i]->size;
    }
    return o;
}

struct order *order_of_contract(struct slice digest, struct slice text)
{
    struct order *o = new_order(ORDER_CONTRACT);
    o->digest = arena_keep(&o->arena, digest);
    o->text = arena_keep(&o->arena, text);
    o->size = text.len;
    return o;
}

struct order *order_of_expire(int64_t before_ms)
{
    struct order *o = new_order(ORDER_EXPIRE);
    o->before_ms = before_ms;
    return o;
}

struct order *order_of_debt(struct slice job, uint64_t event, const struct record_debt *left)
{
    struct order *o = new_order(ORDER_DEBT);
    struct buf b;
    o->job.id = arena_keep(&o->arena, job);
    o->id = order_id_key(&o->arena, job);
    o->job.events = event;
    buf_init(&b, RECORD_BOUND);
    if (left)
        o->text = kept_record(o, &b, record_put_debt(&b, left));
    buf_fini(&b);
    return o;
}

struct order *order_of_schedule(struct slice key, const struct schedule *schedule, const struct record_request *request)
{
    struct order *o = new_order(ORDER_SCHEDULE);
    struct buf b;
    buf_init(&b, RECORD_BOUND);
    o->digest = arena_keep(&o->arena, key);
    if (schedule)
        o->text = kept_record(o, &b, schedule_put(&b, schedule));
    if (schedule)
        o->job.caller = arena_keep(&o->arena, schedule->caller);
    if (request)
        keep_request(o, &b, request);
    o->submit = request != NULL; /* to the room there is */
    buf_fini(&b);
    return o;
}

static void tell_asked(const struct order *o, enum store_need_step step)
{
    const struct record_blob *blobs[] = {&o->request_blob, &o->result_blob};
    for (size_t i = 0; i < 2; i++)
        if (blobs[i]->digest.len)
            o->store->need(o->store->need_arg,
                           &(struct store_need){.step = step, .digest = blobs[i]->digest, .size = blobs[i]->size});
}

void order_ask(struct order *o, struct store *s)
{
    o->store = s;
    for (size_t i = 0; i < o->part_count; i++)
        order_ask(o->parts[i], s);
    if (s->need)
        tell_asked(o, STORE_NEED_ASKED);
}

/* What is needed now first, so that a blob which one record hands to another is never without. */
static void tell_needs(const struct order *o)
{
    if (!o->store || !o->store->need)
        return;
    for (size_t i = 0; i < o->need_count; i++)
        o->store->need(o->store->need_arg, &o->needs[i]);
    tell_asked(o, STORE_NEED_ANSWERED);
}

void order_answer(struct order *o)
{
    tell_needs(o);
    for (size_t i = 0; i < o->part_count; i++)
        order_answer(o->parts[i]);
    if (o->done)
        o->done(o->arg, &o->answer);
}

void order_free(struct order **o)
{
    struct order *old = *o;
    if (!old)
        return;
    for (size_t i = 0; i < old->part_count; i++)
        order_free(&old->parts[i]);
    arena_fini(&old->arena);
    mem_free(old);
    *o = NULL;
}

/* One order at work. */
struct run {
    struct order *o;
    const struct order_rows *rows;
    void *txn;
};

static enum err put(const struct run *r, enum order_table table, struct slice key, struct slice value)
{
    return r->rows->put(r->txn, table, key, value);
}

static enum err del(const struct run *r, enum order_table table, struct slice key)
{
    return r->rows->del(r->txn, table, key);
}

/* --- blobs --- */

static void note(const struct run *r, const struct store_need *need)
{
    struct order *o = r->o;
    if (o->need_count == o->need_room) {
        struct store_need *more = arena_array(&o->arena, o->need_room + 4, sizeof(*more));
        if (o->need_count)
            memcpy(more, o->needs, o->need_count * sizeof(*more));
        o->needs = more;
        o->need_room += 4;
    }
    o->needs[o->need_count++] = *need;
}

static struct slice need_key(struct arena *a, struct slice digest, enum order_need who, struct slice of)
{
    char kind = (char)who;
    return arena_join(a, arena_join(a, digest, "", slice_of(&kind, 1)), "", of);
}

static enum err put_need(const struct run *r, const struct record_blob *blob, enum order_need who, struct slice of,
                         struct slice caller)
{
    struct order *o = r->o;
    struct slice row, key;
    if (!blob->digest.len)
        return ERR_OK;
    key = need_key(&o->arena, blob->digest, who, of);
    if (r->rows->get(r->txn, ORDER_BLOBS, key, &row) == ERR_OK)
        return ERR_OK;
    struct buf b;
    buf_init(&b, RECORD_BOUND);
    enum err e = record_put_need(&b, &(struct record_need){blob->size, caller});
    PRE(e == ERR_OK);
    e = put(r, ORDER_BLOBS, key, buf_slice(&b));
    buf_fini(&b);
    note(r, &(struct store_need){STORE_NEED_ADDED, blob->digest, arena_keep(&o->arena, caller), blob->size});
    return e;
}

static enum err del_need(const struct run *r, struct slice digest, enum order_need who, struct slice of)
{
    struct order *o = r->o;
    struct slice row, key;
    struct record_need was = {0};
    if (!digest.len)
        return ERR_OK;
    key = need_key(&o->arena, digest, who, of);
    if (r->rows->get(r->txn, ORDER_BLOBS, key, &row) != ERR_OK)
        return ERR_OK;
    enum err known = record_get_need(row, &o->arena, &was);
    if (known != ERR_OK)
        was = (struct record_need){0}; /* damaged: nobody was charged for it when we started */
    note(r, &(struct store_need){STORE_NEED_DROPPED, slice_to(key, ORDER_BLOB), was.caller, was.size});
    return del(r, ORDER_BLOBS, key);
}

static enum err put_parts(const struct run *r, enum order_table table, struct slice record)
{
    char key[PART_KEY], first[PARTED + 1];
    size_t count = parts_of(record.len), size = (record.len + count - 1) / count;
    struct slice one = count > 1 ? slice_of(first, 1 + size) : (struct slice){0};
    if (count == 1) { /* one row: the number and all of it */
        struct slice row = arena_join(&r->o->arena, SLICE("\1"), "", record);
        return put(r, table, part_key(key, r->o->id, 0), row);
    }
    first[0] = (char)count;
    memcpy(first + 1, record.at, size);
    TRY(put(r, table, part_key(key, r->o->id, 0), one));
    for (size_t i = 1; i < count; i++)
        TRY(put(r, table, part_key(key, r->o->id, i), slice_to(slice_from(record, i * size), size)));
    return ERR_OK;
}

static enum err del_parts(const struct run *r, enum order_table table, struct slice id)
{
    char key[PART_KEY];
    struct slice row;
    if (r->rows->get(r->txn, table, part_key(key, id, 0), &row) != ERR_OK)
        return ERR_OK;
    size_t count = row.len ? (uint8_t)row.at[0] : 1;
    for (size_t i = 0; i < count; i++)
        TRY(del(r, table, part_key(key, id, i)));
    return ERR_OK;
}

static enum err get_row(void *arg, enum order_table table, struct slice key, struct slice *value)
{
    const struct run *r = arg;
    return r->rows->get(r->txn, table, key, value);
}

/* The blob that a stored result has: nobody needs it for that any more, unless it is `but`. */
static enum err leave_result(const struct run *r, struct slice id, struct slice but)
{
    struct slice record;
    struct record_result was;
    struct arena *a = &r->o->arena;
    if (order_read_parts(get_row, (void *)(uintptr_t)r, ORDER_RESULTS, id, a, &record) != ERR_OK ||
        record_get_result(record, a, &was) != ERR_OK || slice_eq(was.blob.digest, but))
        return ERR_OK;
    return del_need(r, was.blob.digest, ORDER_NEED_RESULT, id);
}

/* ABSENT, PEER, or the job as it is stored. */
static enum err stored_job(const struct run *r, struct slice id, struct record_job *out)
{
    struct slice row;
    enum err e = r->rows->get(r->txn, ORDER_LIVE, id, &row);
    if (e == ERR_ABSENT)
        e = r->rows->get(r->txn, ORDER_OVER, id, &row);
    return e == ERR_OK ? record_job_get(order_id_text(&r->o->arena, id), row, &r->o->arena, out) : e;
}

static void answer(const struct run *r, enum err e, struct slice job)
{
    r->o->answer = (struct store_answer){.e = e};
    PRE(job.len <= JOB_ID);
    if (job.len > 0)
        memcpy(r->o->answer.job, job.at, job.len);
}

static struct slice ended_key(struct arena *a, const struct record_job *j)
{
    char key[ORDER_NUMBER + JOB_ID_BYTES];
    order_put_number(key, (uint64_t)j->ended_ms);
    memcpy(key + ORDER_NUMBER, order_id_key(a, j->id).at, JOB_ID_BYTES);
    return arena_keep(a, slice_of(key, sizeof(key)));
}

static enum err put_job(const struct run *r, const struct record_job *j)
{
    struct buf b;
    buf_init(&b, RECORD_BOUND);
    enum err e = record_job_put(&b, j);
    PRE(e == ERR_OK);
    e = put(r, job_over(j->state) ? ORDER_OVER : ORDER_LIVE, r->o->id, buf_slice(&b));
    buf_fini(&b);
    return e;
}

/* An event is short and stands in the log of its job; what does not fit there has a row of its own. */
static enum err put_event(const struct run *r, struct record_job *j)
{
    char key[ORDER_EVENT_KEY];
    struct order *o = r->o;
    if (record_job_log(j->log, &o->event, &o->arena, &j->log) == ERR_OK)
        return ERR_OK;
    memcpy(key, o->id.at, JOB_ID_BYTES);
    order_put_number(key + JOB_ID_BYTES, o->event.id);
    struct buf b;
    buf_init(&b, RECORD_BOUND);
    enum err e = record_put_event(&b, &o->event);
    PRE(e == ERR_OK);
    e = put(r, ORDER_EVENTS, slice_of(key, sizeof(key)), buf_slice(&b));
    buf_fini(&b);
    return e;
}

/* The rows that come with any change. */
static enum err put_whole(const struct run *r, struct record_job *j)
{
    struct order *o = r->o;
    if (o->result.len > 0 && j->traits & JOB_HAS_BLOBS)
        TRY(leave_result(r, o->id, o->result_blob.digest));
    if (o->result.len > 0)
        TRY(put_parts(r, ORDER_RESULTS, o->result));
    TRY(put_need(r, &o->result_blob, ORDER_NEED_RESULT, o->id, j->caller));
    if (o->checkpoint.len > 0)
        TRY(put_parts(r, ORDER_CHECKPOINTS, o->checkpoint));
    if (o->event.name.len > 0)
        TRY(put_event(r, j));
    return put_job(r, j);
}

static enum err put_key(const struct run *r)
{
    struct buf b;
    buf_init(&b, RECORD_BOUND);
    enum err e = record_put_key(&b, &(struct record_key){r->o->job.id, r->o->fingerprint});
    PRE(e == ERR_OK);
    e = put(r, ORDER_KEYS, r->o->key, buf_slice(&b));
    buf_fini(&b);
    return e;
}

static bool exists(const struct run *r, struct slice id)
{
    struct slice row;
    return r->rows->get(r->txn, ORDER_LIVE, id, &row) == ERR_OK || r->rows->get(r->txn, ORDER_OVER, id, &row) == ERR_OK;
}

/* Answers the submit when its key is known; false: it is new.  A key whose job is gone is free again. */
static bool replays(const struct run *r)
{
    struct slice row;
    struct record_key key;
    if (r->o->key.len == 0 || r->rows->get(r->txn, ORDER_KEYS, r->o->key, &row) != ERR_OK)
        return false;
    if (record_get_key(row, &r->o->arena, &key) != ERR_OK) {
        answer(r, ERR_PEER, (struct slice){0});
        return true;
    }
    if (!exists(r, order_id_key(&r->o->arena, key.job)))
        return false;
    bool same = slice_eq(key.fingerprint, r->o->fingerprint);
    answer(r, same ? ERR_OK : ERR_EXISTS, key.job);
    r->o->answer.replayed = same;
    return true;
}

static enum err submit(const struct run *r)
{
    struct order *o = r->o;
    if (replays(r))
        return ERR_OK;
    bool taken = exists(r, o->id);
    answer(r, taken ? ERR_STALE : ERR_FULL, o->job.id);
    if (taken || o->room != ORDER_ROOM_ALL)
        return ERR_OK;
    TRY(put_parts(r, ORDER_REQUESTS, o->request));
    TRY(put_need(r, &o->request_blob, ORDER_NEED_REQUEST, o->id, o->job.caller));
    if (o->key.len > 0)
        TRY(put_key(r));
    struct record_job will = o->job; /* a copy: the order may have to run again */
    TRY(put_whole(r, &will));
    answer(r, ERR_OK, o->job.id);
    return ERR_OK;
}

/* Would it be taken?  If not, it is answered. */
static bool would_submit(const struct run *r)
{
    struct order *o = r->o;
    if (replays(r))
        return o->answer.e == ERR_OK;
    bool taken = exists(r, o->id);
    if (!taken && o->room == ORDER_ROOM_ALL)
        return true;
    answer(r, taken ? ERR_STALE : ERR_FULL, o->job.id);
    return false;
}

static struct run part_of(const struct run *r, size_t i)
{
    r->o->parts[i]->room = r->o->room;
    return (struct run){r->o->parts[i], r->rows, r->txn};
}

/* First all are judged, and nothing is written unless each may be. */
static enum err submit_all(const struct run *r)
{
    struct order *o = r->o;
    size_t refused = 0;
    for (size_t i = 0; i < o->part_count; i++) {
        struct run part = part_of(r, i);
        part.o->answer = (struct store_answer){.e = ERR_CLOSED};
        refused += !would_submit(&part);
    }
    for (size_t i = 0; i < o->part_count; i++) {
        struct run part = part_of(r, i);
        if (!refused)
            TRY(submit(&part));
        else if (part.o->answer.e == ERR_OK)
            answer(&part, ERR_CLOSED, (struct slice){0});
    }
    return ERR_OK;
}

/* May the stored job become what the order wants? */
static enum err judge(const struct order *o, const struct record_job *now)
{
    if (o->guard != now->token)
        return ERR_STALE;
    bool stays = o->job.state == now->state && !job_over(now->state);
    return stays || job_may(now->state, o->job.state) ? ERR_OK : ERR_STALE;
}

static void fill(struct slice *wanted, struct slice was)
{
    if (!wanted->at)
        *wanted = was;
}

/* The end of a job that calls back owes somebody a word. */
static enum err put_debt(const struct run *r, const struct record_job *j)
{
    struct buf b;
    buf_init(&b, RECORD_BOUND);
    enum err e = record_put_debt(&b, &(struct record_debt){.event = j->events, .due_ms = j->ended_ms});
    PRE(e == ERR_OK);
    e = put(r, ORDER_DEBTS, r->o->id, buf_slice(&b));
    buf_fini(&b);
    return e;
}

/* Who is live and who is over are in tables of their own, so that neither start nor expiry reads all jobs. */
static enum err move_lists(const struct run *r, const struct record_job *was)
{
    struct order *o = r->o;
    bool over = job_over(o->job.state);
    if (over == job_over(was->state) && !over)
        return ERR_OK;
    if (job_over(was->state))
        TRY(del(r, ORDER_ENDED, ended_key(&o->arena, was)));
    if (over) {
        TRY(del(r, ORDER_LIVE, o->id));
        if (o->job.traits & JOB_CALLS_BACK)
            TRY(put_debt(r, &o->job));
        return put(r, ORDER_ENDED, ended_key(&o->arena, &o->job), (struct slice){0});
    }
    /* It lives again: the result was of its former life, and nobody needs to hear of its death. */
    if (was->traits & JOB_HAS_BLOBS)
        TRY(leave_result(r, o->id, (struct slice){0}));
    TRY(del_parts(r, ORDER_RESULTS, o->id));
    TRY(del(r, ORDER_DEBTS, o->id));
    return del(r, ORDER_OVER, o->id);
}

static enum err change(const struct run *r)
{
    struct order *o = r->o;
    struct record_job was;
    enum err e = stored_job(r, o->id, &was);
    if (e == ERR_OK)
        e = judge(o, &was);
    if (e == ERR_OK && o->room == ORDER_ROOM_DELETES)
        e = ERR_FULL;
    answer(r, e, o->job.id);
    if (e != ERR_OK)
        return ERR_OK;
    /* A copy: the order may have to run again from another state. */
    struct record_job will = o->job;
    fill(&will.worker, was.worker);
    fill(&will.reason, was.reason);
    fill(&will.progress, was.progress);
    fill(&will.progress_type, was.progress_type);
    will.log = was.log;
    TRY(move_lists(r, &was));
    return put_whole(r, &will);
}

/* Ages of the contracts: which is the oldest, and what comes after the youngest. */
struct survey {
    size_t count;
    uint64_t oldest_age, next_age;
    struct slice oldest;
};

static uint64_t age_of(struct slice row)
{
    struct slice content;
    /* A damaged one counts as oldest and goes first. */
    return record_get_bytes(row, RECORD_CONTRACT, &content) == ERR_OK ? number_of(content) : 0;
}

static struct survey survey_contracts(const struct run *r)
{
    struct survey s = {.oldest_age = UINT64_MAX, .next_age = 1};
    struct order_row row = {0};
    while (r->rows->next(r->txn, ORDER_CONTRACTS, row.key, &row) == ERR_OK) {
        uint64_t age = age_of(row.value);
        if (age < s.oldest_age) {
            s.oldest_age = age;
            s.oldest = row.key;
        }
        if (age >= s.next_age)
            s.next_age = age + 1;
        s.count++;
    }
    s.oldest = keep(&r->o->arena, s.oldest);
    return s;
}

static enum err put_contract(const struct run *r)
{
    struct order *o = r->o;
    struct slice old;
    answer(r, o->room == ORDER_ROOM_ALL ? ERR_OK : ERR_FULL, (struct slice){0});
    if (o->room != ORDER_ROOM_ALL)
        return ERR_OK;
    struct survey s = survey_contracts(r);
    bool known = r->rows->get(r->txn, ORDER_CONTRACTS, o->digest, &old) == ERR_OK;
    if (!known && s.count >= STORE_CONTRACTS)
        TRY(del(r, ORDER_CONTRACTS, s.oldest));
    char age[ORDER_NUMBER];
    struct buf content, record;
    order_put_number(age, s.next_age);
    buf_init(&content, RECORD_BOUND);
    buf_init(&record, RECORD_BOUND);
    buf_put(&content, slice_of(age, sizeof(age)));
    buf_put(&content, o->text);
    enum err e = record_put_bytes(&record, RECORD_CONTRACT, buf_slice(&content));
    PRE(e == ERR_OK);
    e = put(r, ORDER_CONTRACTS, o->digest, buf_slice(&record));
    buf_fini(&content);
    buf_fini(&record);
    return e;
}

static enum err del_events(const struct run *r, struct slice id)
{
    char from[ORDER_EVENT_KEY] = {0};
    struct order_row row;
    memcpy(from, id.at, JOB_ID_BYTES);
    while (r->rows->next(r->txn, ORDER_EVENTS, slice_of(from, sizeof(from)), &row) == ERR_OK &&
           slice_starts(row.key, id))
        TRY(del(r, ORDER_EVENTS, keep(&r->o->arena, row.key)));
    return ERR_OK;
}

/* What else it has, besides rows under its id.  The key's scope is in two records; when one is damaged the key
 * stays, and is free all the same since its job is gone. */
static enum err del_key(const struct run *r, struct slice id)
{
    struct slice record;
    struct record_job job;
    struct record_request request;
    struct arena *a = &r->o->arena;
    if (stored_job(r, id, &job) != ERR_OK)
        return ERR_OK;
    if (job.traits & JOB_HAS_BLOBS)
        TRY(leave_result(r, id, (struct slice){0}));
    if (order_read_parts(get_row, (void *)(uintptr_t)r, ORDER_REQUESTS, id, a, &record) != ERR_OK ||
        record_get_request(record, a, &request) != ERR_OK)
        return ERR_OK;
    TRY(del_need(r, request.blob.digest, ORDER_NEED_REQUEST, id));
    return request.key.len ? del(r, ORDER_KEYS, key_of(a, &job, request.key)) : ERR_OK;
}

static enum err del_job(const struct run *r, struct slice id)
{
    TRY(del_key(r, id));
    TRY(del_events(r, id));
    TRY(del_parts(r, ORDER_REQUESTS, id));
    TRY(del_parts(r, ORDER_RESULTS, id));
    TRY(del_parts(r, ORDER_CHECKPOINTS, id));
    TRY(del(r, ORDER_DEBTS, id));
    return del(r, ORDER_OVER, id);
}

static enum err expire(const struct run *r)
{
    struct order_row row;
    answer(r, ERR_OK, (struct slice){0});
    while (r->o->answer.count < STORE_EXPIRE_MOST &&
           r->rows->next(r->txn, ORDER_ENDED, (struct slice){0}, &row) == ERR_OK) {
        if (number_of(row.key) >= (uint64_t)r->o->before_ms)
            break;
        struct slice key = keep(&r->o->arena, row.key);
        TRY(del_job(r, slice_from(key, ORDER_NUMBER)));
        TRY(del(r, ORDER_ENDED, key));
        r->o->answer.count++;
    }
    return ERR_OK;
}

/* Only the debt that was meant: the job may have lived and ended again since. */
static enum err settle(const struct run *r)
{
    struct order *o = r->o;
    struct slice row;
    struct record_debt now;
    enum err e = r->rows->get(r->txn, ORDER_DEBTS, o->id, &row);
    if (e == ERR_OK)
        e = record_get_debt(row, &o->arena, &now);
    if (e == ERR_OK && now.event != o->job.events)
        e = ERR_STALE;
    if (e == ERR_OK && o->text.len && o->room == ORDER_ROOM_DELETES)
        e = ERR_FULL;
    answer(r, e, o->job.id);
    if (e != ERR_OK)
        return ERR_OK;
    return o->text.len ? put(r, ORDER_DEBTS, o->id, o->text) : del(r, ORDER_DEBTS, o->id);
}

/* The blob of the plan as it was, unless it is `but`. */
static enum err leave_plan(const struct run *r, struct slice but)
{
    struct slice row;
    struct record_request was;
    struct arena *a = &r->o->arena;
    if (r->rows->get(r->txn, ORDER_PLANS, r->o->digest, &row) != ERR_OK || record_get_request(row, a, &was) != ERR_OK ||
        slice_eq(was.blob.digest, but))
        return ERR_OK;
    return del_need(r, was.blob.digest, ORDER_NEED_PLAN, r->o->digest);
}

/* A new one is as a submit to the room there is; one that goes on is as a change. */
static enum err put_schedule(const struct run *r)
{
    struct order *o = r->o;
    bool has_room = o->room == ORDER_ROOM_ALL || (o->room == ORDER_ROOM_NO_SUBMITS && !o->request.len) || !o->text.len;
    answer(r, has_room ? ERR_OK : ERR_FULL, (struct slice){0});
    if (!has_room)
        return ERR_OK;
    if (o->request.len || !o->text.len)
        TRY(leave_plan(r, o->request_blob.digest));
    if (!o->text.len)
        TRY(del(r, ORDER_PLANS, o->digest));
    if (o->request.len)
        TRY(put(r, ORDER_PLANS, o->digest, o->request));
    TRY(put_need(r, &o->request_blob, ORDER_NEED_PLAN, o->digest, o->job.caller));
    return o->text.len ? put(r, ORDER_SCHEDULES, o->digest, o->text) : del(r, ORDER_SCHEDULES, o->digest);
}

enum err order_run(struct order *o, const struct order_rows *rows, void *txn)
{
    const struct run r = {o, rows, txn};
    o->need_count = 0; /* a run before this one may have been thrown away */
    for (size_t i = 0; i < o->part_count; i++)
        o->parts[i]->need_count = 0;
    switch (o->kind) {
    case ORDER_CHANGE:
        return o->submit ? submit(&r) : change(&r);
    case ORDER_CONTRACT:
        return put_contract(&r);
    case ORDER_DEBT:
        return settle(&r);
    case ORDER_SCHEDULE:
        return put_schedule(&r);
    case ORDER_ALL:
        return submit_all(&r);
    case ORDER_EXPIRE:
        break;
    }
    return expire(&r);
}
