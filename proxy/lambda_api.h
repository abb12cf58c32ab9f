#ifndef WEFT_PROXY_LAMBDA_API_H
#define WEFT_PROXY_LAMBDA_API_H

/* lambda_api - for functions that pull: the AWS Lambda Runtime API, version 2018-06-01.
 *
 *   GET  /2018-06-01/runtime/invocation/next           waits for a request, and is answered with it
 *   POST /2018-06-01/runtime/invocation/ID/response    its answer, 200 to whoever asked
 *   POST /2018-06-01/runtime/invocation/ID/error       its failure, 500 to whoever asked
 *   POST /2018-06-01/runtime/init/error                it could not begin; logged
 *
 * Any other request is a call for the function, and waits until a runtime asks for one.
 * The sidecar's own relay sends its requests here as it would to a function that
 * listens: so calls and jobs, policy and contracts are the same for both kinds.
 *
 * A runtime runs one invocation at a time.  One that asks for the next over the
 * connection, or while as many as there are runtimes are out, has lost the one it had:
 * that request is cut, which a job counts as a crash.
 *
 * Lifetime: lambda_api_free after the server that feeds it.
 * Threads:  belongs to the loop. */
#include "base/now.h"
#include "http/transit.h"

struct lambda_api;

enum {
    LAMBDA_API_BODY = 6 << 20,       /* bytes of an event or an answer */
    LAMBDA_API_WAITING = 1000,       /* calls that no runtime has asked for */
    LAMBDA_API_DEADLINE_MS = 900000, /* what a runtime is told when nothing else is said */
};

/* `function` is in the ARN that runtimes are told; `runtimes`: how many there are, at least 1. */
struct lambda_api *lambda_api_new(const struct now *now, struct slice function, uint32_t runtimes);
void lambda_api_free(struct lambda_api **l);

/* Becomes the owner of `t`, a request on the server's side. */
void lambda_api_serve(struct lambda_api *l, struct transit *t);

#endif
