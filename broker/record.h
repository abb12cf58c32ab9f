#ifndef WEFT_BROKER_RECORD_H
#define WEFT_BROKER_RECORD_H

/* record - the stored form of a job: version, checksum, and what is in it.
 *
 *     0      4        5     6
 *     +------+--------+-----+----------------------------------------+
 *     | crc  | version| kind| protobuf (proto/weft/store/v1/store),  |
 *     |      |        |     | or fields of a job (record_job.c)      |
 *     +------+--------+-----+----------------------------------------+
 *
 * CRC-32C, little-endian, over everything after it; that of a job begins with the
 * job's id, which is its key and not in it.  Bytes that are damaged, of another
 * kind or of a version we do not know are answered ERR_PEER: nothing is guessed.
 * A job is several records, so that a change writes no more than it changes: the
 * request is written once, the job itself at every step.
 *
 * Lifetime: what is read lies in the arena given; what is written is borrowed.
 * Threads:  pure. */
#include "base/arena.h"
#include "base/buf.h"
#include "broker/job.h"

enum { RECORD_VERSION = 1, RECORD_HEAD = 6, RECORD_REASON_MOST = 1024, RECORD_LOG_MOST = 512 };

/* The numbers are stored: they never change. */
enum record_kind {
    RECORD_JOB = 1,
    RECORD_REQUEST = 2,
    RECORD_RESULT = 3,
    RECORD_CHECKPOINT = 4,
    RECORD_EVENT = 5,
    RECORD_KEY = 6,
    RECORD_CONTRACT = 7,
    RECORD_DEBT = 8,
    RECORD_SCHEDULE = 9,
    RECORD_BLOB = 10,
};

/* Rewritten at every step of the job. */
struct record_job {
    struct slice id, service, caller, operation, labels;
    enum job_state state;
    uint64_t token;
    uint32_t attempt, attempts, crashes, releases;
    uint32_t priority;
    bool cancel_asked;
    uint32_t traits;                                                 /* enum job_trait */
    int64_t due_ms, deadline_ms, submitted_ms, started_ms, ended_ms; /* unix; 0: none */
    uint64_t timeout_ms;
    uint64_t size;
    uint64_t events;
    uint32_t status; /* of the result */
    /* In a change, one of these whose `at` is NULL stays what it was. */
    struct slice worker;
    struct slice reason; /* at most RECORD_REASON_MOST bytes are kept */
    struct slice progress, progress_type;
    struct slice log; /* its first events, packed; the store alone fills and reads it */
    /* Never stored: what is so just now, for who asks. */
    struct slice waits;   /* why it does not run */
    const char *callback; /* NULL: none */
    uint32_t callback_tries;
    struct slice callback_reason;
};

struct record_header {
    struct slice name, value;
};

/* A body that lies in a file beside the database. */
struct record_blob {
    struct slice digest; /* SHA-256; empty: there is none */
    uint64_t size;
};

/* Written once, at submit. */
struct record_request {
    struct slice method, path;
    const struct record_header *headers;
    size_t header_count;
    struct slice body;
    struct slice contract; /* SHA-256, or empty */
    struct slice traceparent;
    struct slice key, fingerprint; /* as the caller gave them; empty: none */
    struct slice callback;         /* URL; empty: none */
    uint32_t callback_style;       /* enum callback_style */
    const struct slice *after;     /* jobs that it waits for */
    size_t after_count;
    bool after_any_end;      /* however they end; else one that is not done makes it dead */
    struct record_blob blob; /* instead of `body` */
};

struct record_result {
    uint32_t status;
    const struct record_header *headers;
    size_t header_count;
    struct slice body;
    struct record_blob blob; /* instead of `body` */
};

struct record_event {
    uint64_t id; /* 1, 2, ... within the job */
    struct slice name;
    int64_t at_ms;
    struct slice data; /* JSON */
};

/* What an idempotency key stands for. */
struct record_key {
    struct slice job, fingerprint;
};

/* A callback that is owed. */
struct record_debt {
    uint64_t event; /* of the job, that is to be told */
    int64_t due_ms; /* of the next try */
    uint32_t tries;
    bool dead; /* given up */
    struct slice reason;
};

/* That somebody needs a blob, which its key says. */
struct record_need {
    uint64_t size;
    struct slice caller; /* whose bytes they are */
};

/* What memory knows of `j`; its borrowed texts live as long as it.  The rest is empty: "stays what it was". */
void record_of_job(const struct job *j, struct record_job *out);
/* And back, into a new job of the table.  PEER: it cannot be one of ours. */
MUST_USE enum err record_to_job(const struct record_job *r, struct job_table *t, struct job **out);

/* Each adds one whole record.  FULL: past the buf's bound, nothing was added. */
MUST_USE enum err record_job_put(struct buf *out, const struct record_job *r);
MUST_USE enum err record_put_request(struct buf *out, const struct record_request *r);
MUST_USE enum err record_put_result(struct buf *out, const struct record_result *r);
MUST_USE enum err record_put_event(struct buf *out, const struct record_event *r);
MUST_USE enum err record_put_key(struct buf *out, const struct record_key *r);
MUST_USE enum err record_put_debt(struct buf *out, const struct record_debt *r);
MUST_USE enum err record_put_need(struct buf *out, const struct record_need *r);
/* A checkpoint or a contract: bytes as they are. */
MUST_USE enum err record_put_bytes(struct buf *out, enum record_kind kind, struct slice bytes);

/* PEER: damaged, another kind, or another version. */
/* `id`: of the row; its texts lie in the arena. */
MUST_USE enum err record_job_get(struct slice id, struct slice bytes, struct arena *arena, struct record_job *out);
MUST_USE enum err record_get_request(struct slice bytes, struct arena *arena, struct record_request *out);
MUST_USE enum err record_get_result(struct slice bytes, struct arena *arena, struct record_result *out);
MUST_USE enum err record_get_event(struct slice bytes, struct arena *arena, struct record_event *out);
MUST_USE enum err record_get_key(struct slice bytes, struct arena *arena, struct record_key *out);
MUST_USE enum err record_get_debt(struct slice bytes, struct arena *arena, struct record_debt *out);
MUST_USE enum err record_get_need(struct slice bytes, struct arena *arena, struct record_need *out);
/* Borrows from `bytes`. */
MUST_USE enum err record_get_bytes(struct slice bytes, enum record_kind kind, struct slice *out);

/* Events of a job one behind the other, inside its record.  In `arena`: `log` with one more.  ABSENT: it is
 * too long for that, and gets a row of its own. */
MUST_USE enum err record_job_log(struct slice log, const struct record_event *e, struct arena *arena,
                                 struct slice *out);
/* Takes the first one off; its texts are borrowed.  ABSENT: that was all.  PEER: damaged. */
MUST_USE enum err record_job_log_take(struct slice *log, struct record_event *out);

/* For record_*.c. */
void record_head(char *at, enum record_kind kind, struct slice id, size_t body);
MUST_USE enum err record_body(struct slice bytes, enum record_kind kind, struct slice id, struct slice *body);

#endif
