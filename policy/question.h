#ifndef WEFT_POLICY_QUESTION_H
#define WEFT_POLICY_QUESTION_H

/* question - one request as the facts that a policy asks about, and no others; what
 * they are made of is the key of its answer.
 *
 * Lifetime: caller's memory; a question borrows the attrs it was filled from.
 * Threads:  belongs to one; pure. */
#include "base/arena.h"
#include "base/buf.h"
#include "datalog/datalog.h"
#include "policy/attrs.h"

enum question_kind {
    QUESTION_PEER,
    QUESTION_PEER_DOMAIN,
    QUESTION_PEER_PATH,
    QUESTION_SERVICE,
    QUESTION_OP,
    QUESTION_METHOD,
    QUESTION_PATH,
    QUESTION_SEGMENT,
    QUESTION_HEADER,
    QUESTION_CLAIM,
    QUESTION_JOB,
    QUESTION_PROBE,
    QUESTION_VERDICT,
    QUESTION_CONTRACT,
    QUESTION_KINDS
};

/* Which of many pairs a policy wants: those whose names its rules have. */
struct question_names {
    bool every; /* a rule asks for one by a variable */
    struct slice *v;
    size_t count, room;
};

/* What a policy wants to know. */
struct question_wants {
    int relation[QUESTION_KINDS]; /* of the program */
    bool asked[QUESTION_KINDS];
    bool any_peer, any_path; /* a fact that is made of them is asked for */
    struct question_names headers, claims;
    struct arena arena; /* the names */
};

struct question_fact {
    enum question_kind kind;
    unsigned columns;
    int64_t number;       /* the first column of a segment */
    struct slice text[2]; /* the other columns, in order */
};

struct question {
    struct question_fact *facts;
    size_t count, room;
    struct buf key;
};

const char *question_kind_name(enum question_kind k);

void question_wants_init(struct question_wants *w, const struct datalog *rules);
void question_wants_fini(struct question_wants *w);
void question_wants_name(struct question_wants *w, struct question_names *names, struct slice name);

void question_init(struct question *q);
void question_fini(struct question *q);
/* Fills in the key: the same key is the same facts.  Most questions are known and need no more. */
void question_key(struct question *q, const struct question_wants *w, const struct attrs *attrs);
/* Fills in the facts. */
void question_fill(struct question *q, const struct question_wants *w, const struct attrs *attrs);
/* Gives the facts to a run that is empty. */
void question_state(const struct question *q, const struct question_wants *w, struct datalog_run *run);

#endif
