#ifndef WEFT_PROXY_REPLY_H
#define WEFT_PROXY_REPLY_H

/* reply - the answers we give ourselves, each with a machine-readable reason.
 *
 * Every refusal has a word: it is the header `weft-error`, the log's `why`, the
 * metric's label and a row of docs/errors.md, which is made from this table.
 * A gRPC caller gets trailers-only with the mapped grpc-status instead. */
#include "http/transit.h"

/* word, HTTP status, what happened, how to repair it */
/* clang-format off */
#define REPLY_LIST(X)                                                                                              \
    X(BAD_PATH, "bad-path", 400, "The path cannot be normalised.", "Send a plain path without %2F, %00 or ..")      \
    X(BAD_REQUEST, "bad-request", 400, "The request is not one this address understands.",                         \
      "Read the detail; the address and its methods are in docs/job-api.md.")                                      \
    X(TOKEN_INVALID, "token-invalid", 401, "The token of the user behind the call is not good.",                   \
      "Fetch a new one from its provider; the detail says what is wrong with this one.")                           \
    X(CREDENTIALS_MISSING, "credentials-missing", 401, "The contract asks callers of this operation to show more.",\
      "Read the detail: it names what would be enough.")                                                           \
    X(SCOPE_MISSING, "scope-missing", 403, "The token lacks a scope that the contract asks for.",                  \
      "Fetch a token with the scope that the detail names.")                                                       \
    X(POLICY_DENIED, "policy-denied", 403, "Policy does not allow this.",                                          \
      "Ask `weft why REQUEST-ID` at the sidecar that refused.")                                                    \
    X(NO_ROUTE, "no-route", 404, "No service of that name is configured here.",                                    \
      "Add it under `services:`, or call it by one of the names there.")                                           \
    X(OPERATION_UNKNOWN, "operation-unknown", 404, "The contract has no operation with this method and path.",     \
      "Add the operation to the contract, or call one that it has.")                                               \
    X(JOB_UNKNOWN, "job-unknown", 404, "No such job, or not yours to see.", "Check the id and who submitted it.")  \
    X(METHOD_UNKNOWN, "method-unknown", 405, "The contract has this path with another method.",                    \
      "Use a method that the contract names.")                                                                     \
    X(JOB_ENDED, "job-ended", 409, "The job is over.", "Nothing is left to do; fetch its result.")                 \
    X(JOB_RUNNING, "job-running", 409, "The job has no result yet.", "Wait for it: GET /v1/jobs/ID/events.")       \
    X(CONTRACT_MISMATCH, "contract-mismatch", 412, "What the caller was written against no longer fits.",          \
      "Read `fix` in the answer, or ask `weft why`.")                                                              \
    X(PAYLOAD_TOO_LARGE, "payload-too-large", 413, "The body is over the bound.",                                  \
      "Send less, or raise adapt.max_buffer for rewritten bodies.")                                                \
    X(ENCODING_UNSUPPORTED, "encoding-unsupported", 415, "A body that must be rewritten is of another kind, or coded.",       \
      "Send what the contract has, plain or under gzip or deflate.")                                                           \
    X(MISDIRECTED, "misdirected", 421, "This sidecar takes no calls from outside.", "Set inbound.listen and inbound.app.") \
    X(BODY_UNFIT, "body-unfit", 422, "The request body is not what the contract describes.",                       \
      "Send a body that the contract describes; the detail names the place.")                                      \
    X(IDEMPOTENCY_CONFLICT, "idempotency-conflict", 422, "This Idempotency-Key came before with another request.", \
      "Use a new key for a new request.")                                                                          \
    X(CONTRACT_UNKNOWN, "contract-unknown", 428, "The caller's contract has not been shown here.",                 \
      "PUT it to /.well-known/weft/contracts/DIGEST and repeat.")                                                  \
    X(RATE_LIMITED, "rate-limited", 429, "More requests a second than are allowed here.",                          \
      "Send fewer, or raise limits.rate or limits.rate_per_identity.")                                             \
    X(HEAD_TOO_LARGE, "head-too-large", 431, "Over 100 fields or 64 KiB of them.", "Send fewer or shorter fields.") \
    X(JOBS_ONLY, "jobs-only", 404, "This service has no endpoints here: it is reached by jobs alone.",              \
      "Send `Prefer: respond-async`, or add endpoints.")                                                           \
    X(BAD_ANSWER, "bad-answer", 502, "The other side broke the protocol.", "Look at its log.")                     \
    X(ANSWER_UNFIT, "answer-unfit", 502, "The response body is not what the contract describes.",                  \
      "The function answers with something its contract does not describe.")                                       \
    X(UPSTREAM_RESET, "upstream-reset", 502, "The other side gave up in the middle.", "Look at its log.")          \
    X(UNREACHABLE, "unreachable", 503, "No connection to the other sidecar.",                                      \
      "Is it running, is its identity the configured one, does it trust ours?")                                    \
    X(APP_UNREACHABLE, "app-unreachable", 503, "The function behind this sidecar does not answer.",                \
      "Is it running at inbound.app?")                                                                             \
    X(APP_RESET, "app-reset", 502, "The function behind this sidecar gave up in the middle.", "Look at its log.")  \
    X(OVERLOADED, "overloaded", 503, "Too much is waiting already.", "Try again after Retry-After.")               \
    X(APP_OVERLOADED, "app-overloaded", 503, "The function behind this sidecar has enough to do.",                  \
      "Try again after Retry-After, or another instance.")                                                         \
    X(BREAKER_OPEN, "breaker-open", 503, "All endpoints of the service have failed lately and are left alone.",    \
      "Try again after Retry-After; GET /peers names them.")                                                       \
    X(FAULT_INJECTED, "fault-injected", 503, "This service is configured to fail sometimes (services.*.fault).",   \
      "Nothing is wrong: take `fault` out of the configuration.")                                                  \
    X(CONTRACT_PENDING, "contract-pending", 503, "The caller's contract did not arrive in time.",                  \
      "Try again; raise contracts.hold if it is large.")                                                           \
    X(KEYS_UNAVAILABLE, "keys-unavailable", 503, "The keys of the token's provider are not to be had.",            \
      "Is the provider running, and does `tokens:` name it rightly? Look for keys-not-fetched in the log.")        \
    X(BROKER_UNREACHABLE, "broker-unreachable", 503, "No broker: jobs can be neither taken nor asked about.",      \
      "Is the broker running at broker.https, and is `broker:` configured?")                                       \
    X(DRAINING, "draining", 503, "This sidecar is about to stop.", "Try another one, or again.")                   \
    X(REQUEST_TIMEOUT, "request-timeout", 504, "The exchange took longer than timeouts.request.",                  \
      "Make it a job: `Prefer: respond-async`.")                                                                   \
    X(LOOP, "loop", 508, "The request came back to the sidecar it left.", "An endpoint names this sidecar itself.")
/* clang-format on */

#define REPLY_ENUM_(name, word, status, what, fix) REPLY_##name,
enum reply_word { REPLY_LIST(REPLY_ENUM_) REPLY_COUNT };
#undef REPLY_ENUM_

const char *reply_word(enum reply_word w);
unsigned reply_status(enum reply_word w);
const char *reply_what(enum reply_word w);
const char *reply_fix(enum reply_word w);
/* By its text; REPLY_COUNT when there is none. */
enum reply_word reply_find(struct slice word);

/* An owner for transits that only get an answer: drops the body, frees at the end. */
extern const struct transit_owner reply_owner;

/* Answers on a server transit whose head has not been sent.  `detail` may be empty: the table's
 * sentence.  `request_id` is what `weft why` takes. */
void reply_refuse(struct transit *down, enum reply_word w, struct slice detail, struct slice request_id);
/* The same with a problem+json of the caller's making. */
void reply_problem(struct transit *down, enum reply_word w, struct slice problem, struct slice request_id);
/* For a gRPC caller whose head was sent: the reason as trailers, which end the answer. */
void reply_trail(struct transit *down, enum reply_word w, struct slice detail);
/* Any word, as the broker sends them; `status` 400..599. */
void reply_word_text(struct transit *down, unsigned status, struct slice word, struct slice detail);

/* The table as Markdown, for docs/errors.md. */
void reply_doc(struct buf *out);

#endif
