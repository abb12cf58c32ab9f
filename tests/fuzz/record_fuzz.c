/* Any bytes a disk may give back as a record; and, behind a sound head, any bytes as its body. */
#include "broker/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as_all(struct slice bytes)
{
    struct arena arena = {0};
    struct record_job job;
    struct record_request request;
    struct record_result result;
    struct record_event event;
    struct record_key key;
    struct record_debt debt;
    struct record_need need;
    struct slice content;
    (void)!record_get_request(bytes, &arena, &request);
    (void)!record_get_result(bytes, &arena, &result);
    (void)!record_get_event(bytes, &arena, &event);
    (void)!record_get_key(bytes, &arena, &key);
    (void)!record_get_debt(bytes, &arena, &debt);
    (void)!record_get_need(bytes, &arena, &need);
    (void)!record_get_bytes(bytes, RECORD_CHECKPOINT, &content);
    struct slice log = bytes;
    struct record_event of_log;
    while (record_job_log_take(&log, &of_log) == ERR_OK)
        continue;
    if (record_job_get(SLICE("01ARYZ6S41ZZZZZZZZZZZZZZZZ"), bytes, &arena, &job) == ERR_OK) {
        struct job_table jobs = {0};
        struct job *j;
        (void)!record_to_job(&job, &jobs, &j);
        job_table_fini(&jobs);
    }
    arena_fini(&arena);
}

/* The first byte chooses the kind, so that the checksum does not keep the fuzzer out. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = slice_of(data, size);
    struct buf sound;
    read_as_all(all);
    if (size == 0)
        return 0;
    buf_init(&sound, size + RECORD_HEAD);
    enum record_kind kind = (enum record_kind)(1 + data[0] % RECORD_BLOB);
    if (record_put_bytes(&sound, kind, slice_from(all, 1)) == ERR_OK)
        read_as_all(buf_slice(&sound));
    buf_fini(&sound);
    return 0;
}
