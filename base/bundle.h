#ifndef WEFT_BASE_BUNDLE_H
#define WEFT_BASE_BUNDLE_H

/* bundle - a trust domain's authorities as SPIFFE publishes them: a set of JSON Web Keys.
 *
 * SPIFFE Trust Domain and Bundle, section 4.  Keys of a use or a type that we do not
 * know are passed over, as it asks; a key for certificates that is not as it should be
 * spoils the whole, since leaving it out would change who is trusted in silence.
 *
 * Lifetime: what is read lives in the arena.
 * Threads:  pure. */
#include "base/diag.h"

enum { BUNDLE_AUTHORITIES = 64 };

struct bundle {
    struct slice authorities[BUNDLE_AUTHORITIES]; /* certificates, DER */
    size_t authority_count;
    uint64_t sequence;  /* spiffe_sequence; 0: none */
    uint64_t refresh_s; /* spiffe_refresh_hint, seconds; 0: none */
};

/* Does the text look like JSON rather than PEM? */
bool bundle_is_json(struct slice text);
/* INPUT: every complaint is in `diag`. */
MUST_USE enum err bundle_read(struct slice text, const char *file, struct arena *arena, struct diag *diag,
                              struct bundle *out);

#endif
