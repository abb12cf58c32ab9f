#ifndef WEFT_BROKER_ANSWERS_H
#define WEFT_BROKER_ANSWERS_H

/* answers - what the broker says back to one record.
 *
 * `re` is the seq of the record that is answered.
 *
 * Threads: belongs to the loop. */
#include "base/hash.h"
#include "broker/api.h"

/* A word of docs/errors.md, the HTTP status it maps to, a sentence. */
void answers_problem(struct api *a, struct session *s, uint64_t re, const char *word, unsigned status,
                     const char *detail);
void answers_job_unknown(struct api *a, struct session *s, uint64_t re);
void answers_job_stale(struct api *a, struct session *s, uint64_t re);
/* A change of a job was not made: the store says why. */
void answers_refusal(struct api *a, struct session *s, uint64_t re, enum err e);
void answers_ok(struct api *a, struct session *s, uint64_t re);
void answers_job(struct api *a, struct session *s, uint64_t re, const struct record_job *job);

/* Who asked, while the store answers. */
struct answers_asker {
    struct api *api;
    uint64_t session, seq;
    Weft__Bus__V1__Record__BodyCase verb;
    bool names_blob;
    uint8_t blob[HASH_SHA256_LEN]; /* its digest */
};
/* Free it with mem_free. */
struct answers_asker *answers_asker(struct api *a, const struct session *s, const Weft__Bus__V1__Record *r);

#endif
