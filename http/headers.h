#ifndef WEFT_HTTP_HEADERS_H
#define WEFT_HTTP_HEADERS_H

/* headers - an ordered header list with lower-cased, interned common names.
 *
 * Order and repetition are kept (RFC 9110 section 5.3), and how HTTP/1.1 spelled a name.  Names that weft itself
 * asks about have a token, so looking one up compares integers.
 *
 * Lifetime: a plain value; the array and what headers_add copies live in the arena
 *           given at init.  Borrowed slices must outlive it.
 * Threads:  belongs to one. */
#include "base/arena.h"

/* clang-format off */
#define HEADERS_TOKENS(X)                                                                   \
    X(ACCEPT, "accept")                           X(ALLOW, "allow")                         \
    X(AUTHORIZATION, "authorization")             X(CACHE_CONTROL, "cache-control")         \
    X(CONNECTION, "connection")                   X(CONTENT_ENCODING, "content-encoding")   \
    X(CONTENT_LENGTH, "content-length")           X(CONTENT_TYPE, "content-type")           \
    X(COOKIE, "cookie")                           X(DATE, "date")                           \
    X(EXPECT, "expect")                           X(GRPC_MESSAGE, "grpc-message")           \
    X(GRPC_STATUS, "grpc-status")                 X(GRPC_TIMEOUT, "grpc-timeout")           \
    X(HOST, "host")                               X(HTTP2_SETTINGS, "http2-settings")       \
    X(IDEMPOTENCY_KEY, "idempotency-key")         X(KEEP_ALIVE, "keep-alive")               \
    X(LAST_EVENT_ID, "last-event-id")             X(LOCATION, "location")                   \
    X(PREFER, "prefer")                           X(PREFERENCE_APPLIED, "preference-applied") \
    X(PROXY_CONNECTION, "proxy-connection")       X(RANGE, "range")                         \
    X(RETRY_AFTER, "retry-after")                 X(TE, "te")                               \
    X(TRAILER, "trailer")                         X(TRACEPARENT, "traceparent")             \
    X(TRANSFER_ENCODING, "transfer-encoding")     X(UPGRADE, "upgrade")                     \
    X(USER_AGENT, "user-agent")                   X(VARY, "vary")                           \
    X(VIA, "via")                                 X(WEFT_ATTEMPT, "weft-attempt")           \
    X(WEFT_CASE, "weft-case")                                                               \
    X(WEFT_CONTRACT, "weft-contract")             X(WEFT_CONTRACT_PROVIDER, "weft-contract-provider") \
    X(WEFT_DEADLINE, "weft-deadline")             X(WEFT_ERROR, "weft-error")               \
    X(WEFT_JOB, "weft-job")                       X(WEFT_REQUEST_ID, "weft-request-id")     \
    X(WEFT_TIMEOUT, "weft-timeout")                                                         \
    X(X_FORWARDED_CLIENT_CERT, "x-forwarded-client-cert")                                   \
    X(X_FORWARDED_FOR, "x-forwarded-for")         X(X_REQUEST_ID, "x-request-id")
/* clang-format on */

#define HEADERS_ENUM_(name, text) HEADERS_##name,
enum headers_token { HEADERS_OTHER, HEADERS_TOKENS(HEADERS_ENUM_) HEADERS_TOKEN_COUNT };
#undef HEADERS_ENUM_

struct header {
    struct slice name; /* lower case */
    struct slice value;
    const char *spelled; /* HTTP/1.1's spelling of the name, as long, where that is another one; else NULL */
    enum headers_token token;
    bool never_indexed; /* RFC 7541 section 7.1.3 */
};

enum { HEADERS_MOST = 100, HEADERS_BYTES = 64 << 10 };

struct headers {
    struct header *v;
    struct arena *arena;
    uint32_t count, cap;
    uint32_t bytes;   /* names and values, for the bound */
    uint64_t present; /* a bit for each token that is there, so that asking for an absent one costs nothing */
};

void headers_init(struct headers *h, struct arena *arena);
enum headers_token headers_token(struct slice lower_name);

/* Borrows both.  `name` must be lower case.  FULL: over 100 fields or 64 KiB. */
MUST_USE enum err headers_add(struct headers *h, struct slice name, struct slice value);
MUST_USE enum err headers_add_token(struct headers *h, enum headers_token token, struct slice value);
/* Copies both into the arena, lower-casing the name and keeping how it was spelled. */
MUST_USE enum err headers_add_copy(struct headers *h, struct slice name, struct slice value);
/* The same where the name is lower case already, as HTTP/2 has it. */
MUST_USE enum err headers_add_lower(struct headers *h, struct slice name, struct slice value);
/* A field of another list, whose bytes are borrowed: that list must outlive this one. */
MUST_USE enum err headers_add_field(struct headers *h, const struct header *field);
/* Replaces all of that name by one. */
MUST_USE enum err headers_set(struct headers *h, enum headers_token token, struct slice value);
void headers_remove(struct headers *h, enum headers_token token);
void headers_remove_name(struct headers *h, struct slice lower_name);
/* First of that name; NULL when there is none. */
const struct header *headers_get(const struct headers *h, enum headers_token token);
const struct header *headers_find(const struct headers *h, struct slice lower_name);
/* The first value, or empty. */
struct slice headers_value(const struct headers *h, enum headers_token token);
/* Does a comma-separated list value of any such field have this element (no case)? */
bool headers_lists(const struct headers *h, enum headers_token token, struct slice element);

/* RFC 9110 section 5.1 and 5.5: token characters; no control characters, no blanks at the ends. */
bool headers_name_ok(struct slice name);
bool headers_value_ok(struct slice value);

#endif
