#ifndef WEFT_PROXY_RELAY_INSIDE_H
#define WEFT_PROXY_RELAY_INSIDE_H

/* relay_inside - what the rooms of one relay share.
 *
 *   relay          begins, asks, refuses, ends
 *   request_half   from the caller to whoever answers
 *   response_half  and back
 *
 *   relay_body     what a body is, and what is done with it
 *
 * Included by those alone. */
#include "proxy/lane.h"
#include "proxy/relay.h"
#include "proxy/reply.h"
#include "proxy/translate.h"

enum relay_state { RELAY_ASKING, RELAY_SENDING, RELAY_ANSWERING, RELAY_REFUSED, RELAY_OVER, RELAY_STATES };

/* A request is sent at most so often. */
/* What is put off until `late`. */
enum relay_pause { RELAY_NO_PAUSE, RELAY_FAULT_PAUSE };
/* Where it stands with the local function's gate. */
enum relay_place { RELAY_OUTSIDE, RELAY_IN_QUEUE, RELAY_IN_SIDE };
enum { RELAY_ATTEMPTS = 2 };

struct relay {
    /* What every step looks at comes first: it shares few lines of the processor's cache. */
    struct transit *down, *up; /* `up` is NULL while there is none */
    struct relay_env *env;
    struct snapshot *snap;
    struct sm sm;
    enum relay_side side;
    enum relay_place place;
    enum relay_pause pause;
    unsigned status;
    unsigned attempts;
    bool down_gone;
    bool show_again;                   /* the provider has lost our contract */
    bool ask_again;                    /* it has refused without passing the request on */
    bool told;                         /* the endpoint's state knows of this attempt */
    bool told_in_trailers;             /* the caller has our reason, behind the answer's first part */
    bool too_slow;                     /* this attempt was cut by us */
    bool is_explained;                 /* `weft why` knows of it */
    bool may_be_seen;                  /* an attempt before this one broke off after it was sent */
    struct cluster *to;                /* outbound */
    struct cluster_endpoint *endpoint; /* outbound, once picked: of the attempt under way, or of the last */
    int64_t began_us;
    int64_t sent_us;        /* the attempt under way began */
    int64_t deadline_us;    /* of the whole exchange; 0: none */
    struct list link;       /* of env->running */
    struct slice id;        /* request id */
    const char *error;      /* weft-error word, or NULL */
    const char *head_fault; /* why the plan cannot be carried out on a head, or NULL */
    struct inquiry inquiry;
    struct translate translate;
    struct lane response, request;
    struct due late;       /* the contract's patience, then the attempt's and the request's */
    struct gate_wait turn; /* inbound */
    struct accord_wait wait;
};

/* Answers in our own name.  PRE: no head was sent to the caller. */
void relay_refuse(struct relay *r, enum reply_word word, struct slice detail);
/* Something broke on the way: our own answer while that is possible, else the caller is cut. */
void relay_fail(struct relay *r, enum reply_word word, struct slice detail);
/* The other sidecar has answered by this word: `weft why` says here whom to ask. */
void relay_explain_answer(struct relay *r, enum reply_word word);
/* The body on this lane cannot be rewritten. */
void relay_unfit(struct relay *r, struct lane *l, enum err e);
/* The exchange is over if both sides are gone; then the relay is freed. */
void relay_look_over(struct relay *r);

/* A tunnel has been opened: how long it lasts is for its ends to say. */
void relay_forget_deadline(struct relay *r);

/* The attempt under way is over, or has an answer: gives back its place with the function; harmless twice. */
void relay_leave_gate(struct relay *r, int64_t latency_us, bool overloaded);
/* What came of the attempt is told to its endpoint, which is let go. */
void relay_let_go(struct relay *r);
/* The next moment at which something is too late. */
void relay_arm(struct relay *r);

/* The length is no longer what it was; the far side learns it by framing. */
void relay_forget_length(struct message *m);

#endif
