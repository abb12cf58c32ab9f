#ifndef WEFT_BROKER_WORDS_H
#define WEFT_BROKER_WORDS_H

/* words - records of the bus made from what the store has.
 *
 * Lifetime: what is made lies in the arena given and borrows the texts it is made of.
 * Threads:  pure. */
#include "broker/record.h"
#include "weft/bus/v1/bus.pb-c.h"

/* A borrowed slice as a field of bytes, and as text (copied: slices have no NUL). */
ProtobufCBinaryData words_bytes(struct slice s);
char *words_text(struct arena *a, struct slice s);
struct slice words_slice(ProtobufCBinaryData b);

Weft__Bus__V1__Job *words_job(struct arena *a, const struct record_job *r);
Weft__Bus__V1__Event *words_event(struct arena *a, struct slice job, const struct record_event *e, bool last);
/* Both directions of a list of fields. */
Weft__Bus__V1__Header **words_headers(struct arena *a, const struct record_header *v, size_t count);
struct slice *words_slices(struct arena *a, char *const *v, size_t count);
struct record_header *words_fields(struct arena *a, Weft__Bus__V1__Header **v, size_t count);

/* At most 100 of them and 64 KiB: what a request may have on the wire. */
bool words_fields_fit(Weft__Bus__V1__Header *const *v, size_t count);

#endif
