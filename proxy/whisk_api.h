#ifndef WEFT_PROXY_WHISK_API_H
#define WEFT_PROXY_WHISK_API_H

/* whisk_api - drives a container of Apache OpenWhisk's action protocol, so that an action runs as it is.
 *
 *   POST /init {"value":{"name","main","code","binary"}}   once, before the first request
 *   POST /run  {"value":EVENT,"activation_id","deadline",...}   one at a time
 *
 * A request's body is the event, a JSON object or nothing.  200 with a JSON object is the answer.  An object with
 * another status is an error of the action: 500 with it.  Anything else is no action: 502.  A container that breaks off
 * cuts the request, which a job counts as a crash, and its next one is initialised again.  403 to /init says that
 * somebody has done it before us, and is as good.
 *
 * The sidecar's own relay sends its requests here as it would to a function that listens.
 *
 * Lifetime: whisk_api_free after the server that feeds it; the loop turns afterwards until its connection has ended.
 * Threads:  belongs to the loop. */
#include "base/due.h"
#include "http/pool.h"
#include "http/transit.h"

struct whisk_api;

enum {
    WHISK_API_BODY = 6 << 20,       /* bytes of an event or an answer */
    WHISK_API_WAITING = 1000,       /* requests that wait for the container */
    WHISK_API_DEADLINE_MS = 900000, /* what an action is told when nothing else is said */
};

struct whisk_api_conf {
    struct loop *loop;
    struct due_clock *clock;
    struct stream *(*dial)(void *arg, const char **why); /* to the container */
    void *arg;
    struct slice name, main, code; /* copied; `code` is text, or base64 of a ZIP or JAR */
    bool binary;
};

struct whisk_api *whisk_api_new(const struct whisk_api_conf *conf);
void whisk_api_free(struct whisk_api **w);

/* Becomes the owner of `t`, a request on the server's side. */
void whisk_api_serve(struct whisk_api *w, struct transit *t);

#endif
