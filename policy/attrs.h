#ifndef WEFT_POLICY_ATTRS_H
#define WEFT_POLICY_ATTRS_H

/* attrs - what a rule may ask about: slices filled in by whoever asks.
 *
 * Empty slices are facts that do not exist.  Borrowed for the call. */
#include "base/slice.h"

struct attrs_header {
    struct slice name, value;
};

struct attrs {
    struct slice peer;         /* spiffe://... of the caller */
    struct slice service;      /* ours, or the one called */
    struct slice operation;    /* by the contract, or empty */
    struct slice method, path; /* path normalised, without the query */
    struct slice job;          /* "submit" "run" "see" "cancel", or empty */
    struct slice verdict;      /* "same" "compatible" "adaptable" "unproven" "breaking", or empty */
    struct slice contract_name, contract_version;
    const struct attrs_header *headers;
    size_t header_count;
    const struct attrs_header *claims; /* of the token of the user behind the call */
    size_t claim_count;
    bool probe; /* a health probe */
};

/* Normalises a path once (RFC 3986 section 6.2.2): dot segments, double slashes, needless percent
 * escapes.  The same bytes are then judged and forwarded.  INPUT: not a path, %2F or %00 in it, or
 * it climbs above the root.  FULL: longer than `room`. */
MUST_USE enum err attrs_path(struct slice raw, char *into, size_t room, struct slice *out);

#endif
