#ifndef WEFT_POLICY_POLICY_IMPORT_H
#define WEFT_POLICY_POLICY_IMPORT_H

/* policy_import - the rules of another mesh as a policy of ours that decides the same, or a refusal that
 * names what cannot be said.
 *
 * Istio's AuthorizationPolicy, Linkerd's Server with what is attached to it, Consul's
 * service-intentions: each with its own order of precedence.  What would be left out in
 * silence is refused instead: nothing is written then.
 *
 * Lifetime: the texts are borrowed for the call.
 * Threads:  pure. */
#include "base/diag.h"

struct policy_import_text {
    const char *file;
    struct slice text; /* YAML, several documents parted by ---, or JSON */
};

struct policy_import_conf {
    const struct policy_import_text *texts;
    size_t count;
    const char
        *workload; /* Istio: a label app=NAME; Linkerd: the Server; Consul: the destination; NULL: there is one */
    const char *namespace; /* of the workload; NULL: "default" */
    const char *identity;  /* Consul: the SPIFFE ID of a service, {name} in it; NULL: Consul's own form */
    bool default_allow;    /* Consul: what no intention matches is allowed */
};

/* INPUT: complaints are in `diag`, and `out` has nothing. */
MUST_USE enum err policy_import(const struct policy_import_conf *conf, struct diag *diag, struct buf *out);

#endif
