#ifndef WEFT_CONTRACTS_PB_PBTRY_H
#define WEFT_CONTRACTS_PB_PBTRY_H

/* pbtry - is a message that a writer writes misread by a reader?  Both ends are run, so a misreading is never a guess.
 */
#include "contracts/pb/pbsame.h"

enum { PBTRY_BINARY = 1, PBTRY_JSON = 2 };

/* Which fields are to be blamed, the writer's and the reader's; both NULL: any. */
struct pbtry_blame {
    const struct pbtype_field *written, *read;
};

/* What came out; lives in the arena that it was made in. */
struct pbtry_found {
    const struct pbtype_message *message; /* the writer's */
    unsigned encoding;
    struct slice bytes; /* in the binary encoding, whatever was misread */
    struct slice json;  /* of PBTRY_JSON */
    struct slice text;  /* the message in the text format */
    struct slice field; /* in which it shows; empty: the message as a whole */
    struct slice was;   /* what was written there; empty: nothing was read at all */
    struct slice is;    /* what was read there, or why nothing was */
};

/* Tries the encodings in turn; true: it is misread, and `out` says how.  `unsaid` is set when an encoding could not be
 * tried. */
struct pbtry {
    const struct pbtype_message *writer, *reader;
    struct pbtry_blame blame;
    unsigned encodings;
    struct arena *keep;
    bool unsaid;
};
bool pbtry_message(struct pbtry *t, struct slice bytes, struct pbtry_found *out);

#endif
