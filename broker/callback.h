#ifndef WEFT_BROKER_CALLBACK_H
#define WEFT_BROKER_CALLBACK_H

/* callback - where the end of a job may be told, in which words, and what an answer means.
 *
 * As an event: CloudEvents 1.0.2 over HTTP in binary mode, signed as Standard Webhooks
 * are (webhook-id, webhook-timestamp, webhook-signature: v1,BASE64).  As OpenFaaS does
 * it: the function's answer with X-Call-Id and X-Function-Status, signed all the same.
 *
 * A URL must lie at or below one that the operator has listed, so that whoever may
 * submit jobs cannot make the broker knock anywhere else.
 *
 * Threads: pure. */
#include "base/web_url.h"
#include "broker/record.h"

/* The numbers are those of the bus and of the store: they never change. */
enum callback_style { CALLBACK_CLOUDEVENT, CALLBACK_OPENFAAS, CALLBACK_STYLES };

enum { CALLBACK_SECRET_LEAST = 24, CALLBACK_SECRET_MOST = 64, CALLBACK_TRIES = 12 };

struct callback_rules {
    const char *const *allow; /* beginnings of URLs; none: no callbacks at all */
    size_t allow_count;
    struct slice secret; /* 24 to 64 bytes */
    const char *ca;      /* PEM; NULL: the system's */
    bool private_too;    /* names may have private addresses */
    uint32_t tries;      /* then it is given up */
    const char *source;  /* our SPIFFE ID */
};

/* "whsec_" and base64, as the file of a secret has it.  INPUT: something else, or not 24 to 64 bytes. */
MUST_USE enum err callback_secret(struct slice text, char out[CALLBACK_SECRET_MOST], size_t *len);
/* DENIED: `*why` is a sentence for whoever submits. */
MUST_USE enum err callback_allowed(const struct callback_rules *rules, struct slice url, struct web_url *out,
                                   const char **why);
/* May this URL lead to an address that is not of the internet?  When the operator wrote the address itself, or said so.
 */
bool callback_private_ok(const struct callback_rules *rules, const struct web_url *url);

struct callback_news {
    const struct record_job *job;
    const struct record_request *request;
    const struct record_result *result; /* or NULL */
    uint64_t event;
    uint32_t tries; /* before this one */
    int64_t now_ms;
};
/* The fields, each with its CRLF, and the body of the POST. */
void callback_compose(const struct callback_rules *rules, const struct callback_news *news, struct buf *fields,
                      struct buf *body);

enum callback_verdict { CALLBACK_TOLD, CALLBACK_AGAIN, CALLBACK_NEVER };
/* `status` 0: no answer. */
enum callback_verdict callback_judge(unsigned status);
/* Before try number `tries` + 1: doubles from 5 s to an hour, 25 % either way by `seed`. */
int64_t callback_delay_ms(uint32_t tries, uint64_t seed);

#endif
