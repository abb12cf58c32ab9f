#ifndef WEFT_POLICY_AUTHZ_H
#define WEFT_POLICY_AUTHZ_H

/* authz - allow or deny by Datalog rules, deny by default, decided once per distinct
 * question and cached.
 *
 * deny wins over allow; nothing allowed is denied; a rule set that runs out of its
 * bound denies.  A policy asks only for the facts its rules name, so a decision is
 * cached by exactly those.
 *
 * Lifetime: made by policy_load; immutable rules with a cache of its own inside.
 * Threads:  belongs to one loop. */
#include "base/diag.h"
#include "policy/question.h"

struct authz;
struct rule_set;

/* For policy_load.  Takes the rules; NULL: no policy. */
struct authz *authz_new(struct rule_set *take_rules);

enum authz_answer { AUTHZ_ALLOW, AUTHZ_DENY };

struct authz_decision {
    enum authz_answer answer;
    bool by_default; /* deny because nothing allowed it */
    bool cached;
    const char *reason; /* "denied by deny.weft:3", "nothing allows it"; lives as long as the authz */
};

struct authz_decision authz_ask(struct authz *a, const struct attrs *attrs);
/* The proof of an allow or deny, or for a default deny the nearest allow rule with the literal that
 * failed, as text for people. */
void authz_why(struct authz *a, const struct attrs *attrs, struct buf *out);
void authz_free(struct authz **a);
uint64_t authz_rule_count(const struct authz *a);
/* What it was made of; NULL: no policy. */
const struct rule_set *authz_rules(const struct authz *a);
/* Does any rule ask for this?  If none asks for headers, attrs.headers may be left out. */
bool authz_asks(const struct authz *a, enum question_kind kind);

#endif
