#ifndef WEFT_HTTP_SPELLING_H
#define WEFT_HTTP_SPELLING_H

/* spelling - how HTTP/1.1 wrote the names of fields, carried past HTTP/2, which has only lower case.
 *
 * One field between sidecars, "weft-case", lists the names that were written otherwise:
 *
 *     weft-case: User-Agent,X-Request-ID
 *
 * The same list again is a byte or two of HPACK.
 *
 * Lifetime: spellings live where the list does, in the arena of the headers.
 * Threads:  pure. */
#include <stdbool.h>

#include "http/headers.h"

/* Replaces what stands there by the list, or by nothing: when nobody wants to know, when there is nothing to tell, or
 * when there is no room for it. */
void spelling_tell(struct headers *h, bool wanted);
/* Takes the list out and spells the fields by it.  Names that are not there, and what is no name, are passed over. */
void spelling_heed(struct headers *h);

#endif
