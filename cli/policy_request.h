#ifndef WEFT_CLI_POLICY_REQUEST_H
#define WEFT_CLI_POLICY_REQUEST_H

/* policy_request - a request as a person writes it down: what a sidecar would ask its policy about it.
 *
 * The path is made plain as a sidecar does, and the operation is found in the contract
 * when it is not said.
 *
 * Lifetime: caller's memory; policy_request_fini is safe on a zeroed one. */
#include "base/doc.h"
#include "contracts/contract.h"
#include "policy/attrs.h"

struct policy_pairs {
    struct attrs_header *v;
    size_t count, room;
};

struct policy_request {
    struct arena arena;
    struct attrs attrs;
    struct policy_pairs headers, claims;
    bool bad_path; /* refused before any rule is asked */
};

void policy_request_init(struct policy_request *r);
void policy_request_fini(struct policy_request *r);
/* "name: value", "name=value".  INPUT: neither. */
MUST_USE enum err policy_request_header(struct policy_request *r, struct slice text);
/* "name=value".  INPUT: it is not. */
MUST_USE enum err policy_request_claim(struct policy_request *r, struct slice text);
/* "orders@1.2.0". */
void policy_request_contract(struct policy_request *r, struct slice text);
/* A path as it was sent, with or without its query. */
void policy_request_path(struct policy_request *r, struct slice raw);
/* When no operation is named: which one of `c` (or NULL) it is. */
void policy_request_operation(struct policy_request *r, const struct contract *c);
/* A map of keys; those named in `others` (NULL-terminated) are passed over.  INPUT: complaints are in `diag`. */
MUST_USE enum err policy_request_read(struct policy_request *r, const struct doc_node *map, const char *const *others,
                                      const struct diag_place *file, struct diag *diag);

#endif
