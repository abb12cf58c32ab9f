#ifndef WEFT_BROKER_ORDER_H
#define WEFT_BROKER_ORDER_H

/* order - what one change does to the rows of a store; for implementations of store only.
 *
 * The rules (who is refused, which rows change together) are here, once.  A store
 * brings rows that are read and written in key order, in a transaction, and runs
 * the orders it is given one after the other.
 *
 * Lifetime: order_free after it was answered.
 * Threads:  made on the loop, run on any one thread, answered on the loop. */
#include "broker/store.h"

enum order_table {
    /* An id is its 16 bytes.  Parts: order_read_parts. */
    ORDER_LIVE,        /* id of a job that is not over: record job */
    ORDER_OVER,        /* id of one that is: record job */
    ORDER_REQUESTS,    /* id and part: record request */
    ORDER_RESULTS,     /* id and part: record result */
    ORDER_CHECKPOINTS, /* id and part: record checkpoint */
    ORDER_EVENTS,      /* id and event id, big-endian: record event, of those that are not in the job's log */
    ORDER_KEYS,        /* SHA-256 of (caller, operation, key): record key */
    ORDER_ENDED,       /* ended_ms, big-endian, and id of a job that is over: nothing */
    ORDER_CONTRACTS,   /* digest: record contract: age, big-endian, and text */
    ORDER_DEBTS,       /* id: record debt: a callback that is owed */
    ORDER_SCHEDULES,   /* schedule_key: record schedule */
    ORDER_PLANS,       /* schedule_key: record request */
    ORDER_BLOBS,       /* digest, enum order_need, and id or schedule_key: record blob */
    ORDER_TABLES,
};
enum { ORDER_NUMBER = 8, ORDER_EVENT_KEY = JOB_ID_BYTES + ORDER_NUMBER, ORDER_BLOB = 32 };

/* Who needs a blob.  The numbers are stored: they never change. */
enum order_need { ORDER_NEED_REQUEST = 1, ORDER_NEED_RESULT = 2, ORDER_NEED_PLAN = 3 };

struct order_row {
    struct slice key, value;
};

/* The rows inside one transaction.  What get and next give lives until the next call of put or del. */
struct order_rows {
    /* ABSENT: no such row. */
    enum err (*get)(void *txn, enum order_table table, struct slice key, struct slice *value);
    /* FULL: no room in the store.  IO: it is broken; so too for del. */
    enum err (*put)(void *txn, enum order_table table, struct slice key, struct slice value);
    /* OK when there was no such row. */
    enum err (*del)(void *txn, enum order_table table, struct slice key);
    /* The row with the least key above `key`. */
    enum err (*next)(void *txn, enum order_table table, struct slice key, struct order_row *row);
};

enum order_kind { ORDER_CHANGE, ORDER_CONTRACT, ORDER_EXPIRE, ORDER_DEBT, ORDER_SCHEDULE, ORDER_ALL };

/* What there is room for.  An order that has none is answered FULL, though a submit whose key is known
 * has its answer all the same. */
enum order_room { ORDER_ROOM_ALL, ORDER_ROOM_NO_SUBMITS, ORDER_ROOM_DELETES };

struct order {
    struct list link;
    store_done_fn *done;
    void *arg;
    struct store_answer answer;
    struct arena arena; /* owns every slice here */
    enum order_kind kind;
    size_t size; /* bytes it carries */
    /* A change. */
    struct record_job job;
    uint64_t guard;
    bool submit;
    enum order_room room;                     /* set by the store before each run */
    struct slice id;                          /* of the job, as a key */
    struct slice request, result, checkpoint; /* records; empty: none */
    struct record_event event;                /* no name: none */
    struct slice key, fingerprint;            /* key of ORDER_KEYS; empty: none */
    struct record_blob request_blob, result_blob;
    struct store *store;      /* whose needs change */
    struct store_need *needs; /* what has become of blobs, in this run */
    size_t need_count, need_room;
    /* The others. */
    struct slice digest, text; /* of a debt: its record, empty: it is paid */
    int64_t before_ms;
    struct order **parts; /* of ORDER_ALL: submits, all or none */
    size_t part_count;
};

struct order *order_of_change(const struct store_change *change);
/* Submits, all or none of them. */
struct order *order_of_all(const struct store_change *changes, size_t count);
struct order *order_of_contract(struct slice digest, struct slice text);
struct order *order_of_expire(int64_t before_ms);
/* `schedule` NULL: it goes; `request` NULL: it stays what it was. */
struct order *order_of_schedule(struct slice key, const struct schedule *schedule,
                                const struct record_request *request);
struct order *order_of_debt(struct slice job, uint64_t event, const struct record_debt *left);
/* Fills `answer`.  OK: it is done, or refused without having written.  FULL, IO: as the rows said; the
 * transaction must be thrown away, after which the order may be run again. */
MUST_USE enum err order_run(struct order *o, const struct order_rows *rows, void *txn);
/* It is on its way to this store: what it names must stay. */
void order_ask(struct order *o, struct store *s);
void order_answer(struct order *o);
void order_free(struct order **o);

void order_put_number(char out[ORDER_NUMBER], uint64_t n);
/* An id as a key, and back; kept in `a`. */
struct slice order_id_key(struct arena *a, struct slice id);
struct slice order_id_text(struct arena *a, struct slice key);

/* A record that is longer than a row should be lies in several rows, so that pages of the disk are filled:
 * the first begins with their number.  Reads a row as store_ops.read does.  ABSENT; PEER: a part is missing. */
typedef enum err order_get_fn(void *arg, enum order_table table, struct slice key, struct slice *value);
MUST_USE enum err order_read_parts(order_get_fn *get, void *arg, enum order_table table, struct slice id_key,
                                   struct arena *a, struct slice *record);

struct order_walk {
    enum order_table table;
    struct slice from;
    bool back;
};

/* Each store begins with a struct store. */
struct store_ops {
    /* Takes `o`; runs it, answers it on the loop and frees it. */
    void (*take)(struct store *s, struct order *o);
    /* A row as last committed, kept in s->reads. */
    enum err (*read)(struct store *s, enum order_table table, struct slice key, struct slice *value);
    /* Up to `room` rows kept in s->reads: those above `from` in order or, `back`, those below it from the
     * greatest down (an empty `from` is past the end). */
    size_t (*walk)(struct store *s, const struct order_walk *what, struct order_row *rows, size_t room);
    void (*stats)(const struct store *s, struct store_stats *out);
    /* Much was read that will not be read again soon; may be NULL. */
    void (*rest)(struct store *s);
    void (*close)(struct store *s);
    const char *durability;
};

struct store {
    const struct store_ops *ops;
    struct loop *loop;
    struct loop_task forget; /* empties `reads` at the end of the turn */
    struct arena reads;
    uint64_t damaged;
    store_need_fn *need; /* or NULL */
    void *need_arg;
};

void store_begin(struct store *s, const struct store_ops *ops, struct loop *l);
void store_end(struct store *s);

#endif
