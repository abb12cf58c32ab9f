#include "proxy/job_checkpoint.h"

static enum err find(struct job_visit *v, uint64_t *token, struct slice *checkpoint)
{
    struct job_shelf *shelf = v->desk->shelf;
    if (shelf && job_shelf_find(shelf, slice_str(v->id), &v->down->arena, token, checkpoint) == ERR_OK)
        return ERR_OK;
    job_visit_refuse(v, REPLY_JOB_UNKNOWN, "No such job runs behind this sidecar.");
    return ERR_ABSENT;
}

static void kept(struct job_visit *v, const Weft__Bus__V1__Record *record)
{
    (void)record;
    job_shelf_keep(v->desk->shelf, slice_str(v->id), v->token, buf_slice(&v->body));
    job_visit_bare(v, 204);
}

void job_checkpoint_put(struct job_visit *v)
{
    struct slice bytes = buf_slice(&v->body);
    if (find(v, &v->token, NULL) != ERR_OK)
        return;
    if (bytes.len == 0) {
        job_visit_refuse(v, REPLY_BAD_REQUEST, "A checkpoint has 1 byte to 256 KiB.");
        return;
    }
    Weft__Bus__V1__Lease lease = WEFT__BUS__V1__LEASE__INIT;
    lease.job = v->id;
    lease.token = v->token;
    Weft__Bus__V1__Progress body = WEFT__BUS__V1__PROGRESS__INIT;
    body.lease = &lease;
    body.checkpoint = (ProtobufCBinaryData){.len = bytes.len, .data = (uint8_t *)(uintptr_t)bytes.at};
    Weft__Bus__V1__Record record = WEFT__BUS__V1__RECORD__INIT;
    record.body_case = WEFT__BUS__V1__RECORD__BODY_PROGRESS;
    record.progress = &body;
    job_visit_call(v, &record, WEFT__BUS__V1__RECORD__BODY_OK, kept);
}

void job_checkpoint_get(struct job_visit *v)
{
    struct slice bytes;
    if (find(v, &v->token, &bytes) != ERR_OK)
        return;
    if (bytes.len == 0)
        job_visit_bare(v, 204);
    else if (transit_answer(v->down, 200, SLICE("application/octet-stream"), bytes) != ERR_OK)
        transit_reset(v->down, TRANSIT_WHY_INTERNAL);
}
