#ifndef WEFT_PROXY_LEDGER_H
#define WEFT_PROXY_LEDGER_H

/* ledger - what is counted, logged and remembered of an exchange.
 *
 * Lifetime: caller's memory; `access` is opened by whoever wants an access log.
 * Threads:  belongs to the loop. */
#include "base/map.h"
#include "base/metric.h"
#include "proxy/access_log.h"
#include "proxy/board.h"
#include "proxy/inquiry.h"
#include "proxy/lane.h"
#include "proxy/recall.h"

/* Everything that is counted by name, for names that came lately: finding it by its text costs a tenth of an exchange.
 */
enum { LEDGER_RECENT = 32, LEDGER_NAMES = 192, LEDGER_ANSWERS = 3 };
struct ledger_recent {
    struct metric *requests; /* NULL: free */
    struct metric *verdicts; /* NULL: there was no verdict */
    struct board_row *row;
    const char *verdict; /* its static word, or NULL */
    unsigned status;
    bool inbound;
    uint8_t service_len, operation_len, peer_len;
    char names[LEDGER_NAMES]; /* service, operation, peer */
};

struct ledger {
    struct metric_family *requests;     /* direction, service, operation, code */
    struct metric_family *duration;     /* direction */
    struct metric_family *refused;      /* reason */
    struct metric_family *verdicts;     /* peer, operation, verdict */
    struct metric_family *unwelcome[2]; /* peer, operation, verdict, rule: refused, audited */
    struct metric_family *adapted;      /* operation, step */
    struct metric_family *fields;       /* peer, operation, field */
    struct metric_family *sampled;      /* peer, operation */
    uint64_t answered;                  /* answers that might have been looked at */
    struct metric *retries;
    struct metric *durations[2];            /* series: outbound and inbound */
    struct metric *answers[LEDGER_ANSWERS]; /* series: deny, allow, audited */
    struct ledger_recent recent[LEDGER_RECENT];
    struct metric_family *decisions; /* answer */
    struct recall *recall;
    struct board board;
    struct access_log *access; /* or NULL */
    int64_t wall_ahead_us;     /* wall time less monotonic time, as of `wall_read_us` */
    int64_t wall_read_us;
    struct map adaptations; /* remembered already: two digests and an operation */
    struct arena adaptation_keys;
};

struct ledger_entry {
    bool inbound;
    struct slice id, peer, service;
    struct transit *down;
    const struct inquiry *inquiry;
    const struct lane *lanes[2]; /* request, response */
    const char *error;           /* weft-error word, or NULL */
    unsigned status;
    int64_t began_us, ended_us; /* monotonic */
};

/* Of answers that could be looked at: the first 64, and then one of 16. */
enum { LEDGER_SAMPLED_FIRST = 64, LEDGER_SAMPLED_OF = 16 };
bool ledger_samples(struct ledger *l);

void ledger_init(struct ledger *l, struct metric_set *set);
void ledger_fini(struct ledger *l);
/* Now and then: series that nobody moves any more go. */
void ledger_sweep(struct ledger *l, struct metric_set *set, int64_t now_us);
/* Is this the first adaptation for its verdict and operation?  One of them explains all. */
bool ledger_is_news(struct ledger *l, const struct inquiry *q);
/* For `weft why`. */
void ledger_remember(struct ledger *l, const struct ledger_entry *e, struct slice word, struct slice why,
                     int64_t wall_us);
/* The exchange is over: one access line, and every counter that goes with it. */
void ledger_close_entry(struct ledger *l, const struct ledger_entry *e, const struct now *now);

#endif
