#ifndef WEFT_CONTRACTS_PB_PBSAME_H
#define WEFT_CONTRACTS_PB_PBSAME_H

/* pbsame - did the reader read what the writer meant?
 *
 * Fields are the same by their number, and by their name where both sides have it.  A field that the reader's version
 * of the message does not have is none of its business; another message has to have it. */
#include "contracts/pb/pbread.h"

/* The first field that came out otherwise: the writer's and the reader's. */
struct pbsame_difference {
    const struct pbtype_field *written, *read; /* `read` NULL: it has no such field */
    const struct pbread_value *was, *is;       /* NULL: it is absent */
    size_t was_count, is_count;                /* of values */
};

/* False: `out` says what differs, the innermost field; `outer` is the outermost message's field around it, or it. */
bool pbsame(const struct pbread_message *written, const struct pbread_message *read, struct pbsame_difference *out,
            const struct pbtype_field **outer);

#endif
