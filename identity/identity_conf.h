#ifndef WEFT_IDENTITY_IDENTITY_CONF_H
#define WEFT_IDENTITY_IDENTITY_CONF_H

/* identity_conf - what a configuration says under `identity`, the same for a sidecar and a broker.
 *
 * Lifetime: strings live in the arena it was bound with.
 * Threads:  immutable once bound. */
#include "base/conf_bind.h"
#include "base/creds.h"

struct identity_conf {
    const char *cert, *key;
    struct conf_pairs trust;
    const char *workload; /* a Workload API's endpoint instead of cert and key; or NULL */
    struct conf_strings crl;
    struct {
        const char *address; /* of `weft ca serve`; NULL: nobody renews our certificate */
        const char *identity;
        const char *token;
    } ca;
};

extern const struct conf_key identity_conf_keys[];

/* Complains of what does not go together. */
void identity_conf_check(const struct conf_node *root, const struct identity_conf *c, struct diag *diag);
/* `given`: from a Workload API, or NULL.  INPUT: all complaints are in `diag`. */
MUST_USE enum err identity_conf_load(const struct identity_conf *c, const struct creds_given *given, struct diag *diag,
                                     struct creds **out);
/* Another number when one of the files named is another one. */
uint64_t identity_conf_stamp(uint64_t stamp, const struct identity_conf *c);

#endif
