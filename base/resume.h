#ifndef WEFT_BASE_RESUME_H
#define WEFT_BASE_RESUME_H

/* resume - TLS 1.3 sessions that may be taken up again without certificates.
 *
 * A server keeps what it has told a client by a ticket, which is a number and nothing
 * else; a client keeps the last ticket of each place.  Each session is kept together
 * with who the other side was found to be.  Whoever keeps these gives them up with the
 * credentials they rest on, and asks before each use whether that peer would still be
 * believed: here is only memory.
 *
 * At most RESUME_EACH sessions of a peer are told at a time, RESUME_MOST in all, and
 * none is used for more than an hour after it was made.
 *
 * Lifetime: resume_new/resume_free.
 * Threads:  may be asked and told from any thread. */
#include "base/slice.h"

enum { RESUME_MOST = 128, RESUME_EACH = 2, RESUME_PLACES = 64, RESUME_S = 3600 };

struct resume;
struct creds_peer;
struct ssl_session_st;

struct resume *resume_new(void);
/* NULL is fine; clears the caller's pointer. */
void resume_free(struct resume **r);

/* Server.  Shall this peer be told of another session?  Not if it was of RESUME_EACH in the last hour; but then, too, a
 * quarter of a minute after the last: its process may be a new one. */
bool resume_wants(struct resume *r, const struct creds_peer *peer, int64_t now_s);
/* Keeps a copy, by its id. */
void resume_tell(struct resume *r, struct ssl_session_st *session, struct creds_peer *peer, int64_t now_s);
/* A copy of its own, or NULL. */
struct ssl_session_st *resume_find(struct resume *r, struct slice id, int64_t now_s);

/* Client.  Keeps a copy, instead of the last one of that place. */
void resume_hear(struct resume *r, const char *place, struct ssl_session_st *session, struct creds_peer *peer,
                 int64_t now_s);
/* A copy of its own, or NULL. */
struct ssl_session_st *resume_try(struct resume *r, const char *place, int64_t now_s);
/* It was no good. */
void resume_forget(struct resume *r, const char *place);

/* Whose it is, borrowed; NULL: it was never kept here. */
struct creds_peer *resume_peer(const struct ssl_session_st *session);

#endif
