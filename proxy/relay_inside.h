#ifndef WEFT_PROXY_RELAY_INSIDE_H
#define WEFT_PROXY_RELAY_INSIDE_H

/* relay_inside - what the rooms of one relay share.
 *
 *   relay          begins, asks, refuses, ends
 *   request_half   from the caller to whoever answers
 *   response_half  and back
 *
 * Included by those three alone. */
#include "proxy/lane.h"
#include "proxy/relay.h"
#include "proxy/reply.h"

enum relay_state { RELAY_ASKING, RELAY_SENDING, RELAY_ANSWERING, RELAY_REFUSED, RELAY_OVER, RELAY_STATES };

/* A request is sent at most so often. */
enum { RELAY_ATTEMPTS = 2 };

struct relay {
    struct relay_env *env;
    struct snapshot *snap;
    enum relay_side side;
    struct cluster *to;                /* outbound */
    struct cluster_endpoint *endpoint; /* outbound, once picked */
    struct sm sm;
    struct transit *down, *up; /* `up` is NULL while there is none */
    struct lane request, response;
    struct inquiry inquiry;
    struct accord_wait wait;
    struct due late;   /* the contract's patience, then the request's */
    struct slice id;   /* request id */
    const char *error; /* weft-error word, or NULL */
    unsigned status;
    unsigned attempts;
    bool down_gone;
    bool show_again; /* the provider has lost our contract */
    int64_t began_us;
};

/* Answers in our own name.  PRE: no head was sent to the caller. */
void relay_refuse(struct relay *r, enum reply_word word, struct slice detail);
/* Something broke on the way: our own answer while that is possible, else the caller is cut. */
void relay_fail(struct relay *r, enum reply_word word, struct slice detail);
/* The body on this lane cannot be rewritten. */
void relay_unfit(struct relay *r, struct lane *l, enum err e);
/* The exchange is over if both sides are gone; then the relay is freed. */
void relay_look_over(struct relay *r);

/* A tunnel has been opened: how long it lasts is for its ends to say. */
void relay_forget_deadline(struct relay *r);

/* Can a plan rewrite the body of this message: JSON, and under no coding? */
bool relay_is_json(const struct message *m);
bool relay_is_plain(const struct message *m);
/* The length is no longer what it was; the far side learns it by framing. */
void relay_forget_length(struct message *m);

#endif
