#ifndef WEFT_CONTRACTS_PB_PBPAIR_H
#define WEFT_CONTRACTS_PB_PBPAIR_H

/* pbpair - does a reader's message or field surely misread what a writer's says?
 *
 * Values are tried at every number where the kinds of both sides part.  Fields of one message name on both sides are
 * not looked into: what differs there is another finding.
 *
 * Lifetime: caller's memory; pbpair_fini frees what is remembered of pairs. */
#include "contracts/answer.h"
#include "contracts/pb/pbtry.h"

struct pbpair {
    struct arena *arena;
    struct map known; /* pairs of messages that were asked for, or are being asked */
    uint64_t budget;  /* of tries; without any more nothing is said */
    unsigned encodings;
    unsigned depth; /* of messages in messages that are being asked */
};

void pbpair_init(struct pbpair *p, struct arena *arena, uint64_t budget);
void pbpair_fini(struct pbpair *p);

/* YES: it is misread, `out` says how.  NO: it is not.  MAYBE: that cannot be said. */
enum answer pbpair_messages(struct pbpair *p, const struct pbtype_message *writer, const struct pbtype_message *reader,
                            struct pbtry_found *out);
/* The writer's field has a value, or several; `blame` as for pbtry. */
enum answer pbpair_field(struct pbpair *p, const struct pbtype_field *written, const struct pbtype_message *reader,
                         const struct pbtry_blame *blame, struct pbtry_found *out);
/* The least message, in which only what is required is there. */
enum answer pbpair_least(struct pbpair *p, const struct pbtype_message *writer, const struct pbtype_message *reader,
                         const struct pbtry_blame *blame, struct pbtry_found *out);
/* Two fields at once that the reader has in one oneof, one of them `written`. */
enum answer pbpair_chosen(struct pbpair *p, const struct pbtype_field *written, const struct pbtype_message *reader,
                          struct pbtry_found *out);
/* These bytes as they are. */
enum answer pbpair_bytes(struct pbpair *p, const struct pbtype_message *writer, const struct pbtype_message *reader,
                         struct slice bytes, struct pbtry_found *out);

#endif
