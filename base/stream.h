#ifndef WEFT_BASE_STREAM_H
#define WEFT_BASE_STREAM_H

/* stream - a non-blocking byte pipe: read, write, half-close, pressure both ways.
 *
 * Implementations: stream_fd (a socket), stream_tls (TLS 1.3 over any other
 * stream), and the tests' pair.  One suite runs over all of them.
 *
 * Lifetime: stream_close frees at once and cancels all events; it may be called
 *           from inside an event.
 * Threads:  belongs to the loop. */
#include "base/loop.h"

enum {
    STREAM_READ = 1,   /* stream_read may give something (also the end, or an error) */
    STREAM_WRITE = 2,  /* stream_write may take something */
    STREAM_OPEN = 4,   /* connected, and for TLS: the handshake is done; comes once, before all others */
    STREAM_BROKEN = 8, /* it never opened: stream_fault() says why; nothing else comes */
};

struct stream;
struct creds_peer;
struct metric;
typedef void stream_event_fn(void *arg, unsigned events);

struct stream_ops {
    enum err (*read)(struct stream *s, char *into, size_t room, size_t *got);
    enum err (*write)(struct stream *s, struct slice bytes, size_t *took);
    void (*want)(struct stream *s, unsigned events);
    void (*shut)(struct stream *s);
    void (*close)(struct stream *s);
    struct creds_peer *(*peer)(const struct stream *s); /* NULL: no TLS */
    struct slice (*peer_id)(const struct stream *s);
    int64_t (*peer_until_us)(const struct stream *s); /* NULL: no TLS */
    bool (*is_resumed)(const struct stream *s);       /* NULL: no TLS */
    struct slice (*alpn)(const struct stream *s);
    const char *(*fault)(const struct stream *s);
};

/* Each implementation begins with this. */
struct stream {
    const struct stream_ops *ops;
    stream_event_fn *fn;
    void *arg;
};

/* Who hears the events; may change hands at any time. */
static inline void stream_hear(struct stream *s, stream_event_fn *fn, void *arg)
{
    s->fn = fn;
    s->arg = arg;
}

/* OK: 1 to `room` bytes.  AGAIN: nothing now.  CLOSED: the other side has ended well
 * (FIN; close_notify).  PEER: cut off or nonsense.  IO. */
MUST_USE static inline enum err stream_read(struct stream *s, char *into, size_t room, size_t *got)
{
    return s->ops->read(s, into, room, got);
}

/* OK: took 1 to all bytes.  AGAIN: none now.  IO: the pipe is gone. */
MUST_USE static inline enum err stream_write(struct stream *s, struct slice bytes, size_t *took)
{
    return s->ops->write(s, bytes, took);
}

/* Which of STREAM_READ | STREAM_WRITE to hear of from now on (level-triggered: an event
 * comes again every turn while it holds).  A new stream hears neither. */
static inline void stream_want(struct stream *s, unsigned events)
{
    s->ops->want(s, events);
}

/* Nothing more will be written: FIN, close_notify. */
static inline void stream_shut(struct stream *s)
{
    s->ops->shut(s);
}

static inline void stream_close(struct stream **s)
{
    if (*s)
        (*s)->ops->close(*s);
    *s = NULL;
}

/* The verified SPIFFE ID of the other side; empty without TLS.  Lives as long as the stream. */
static inline struct slice stream_peer_id(const struct stream *s)
{
    return s->ops->peer_id(s);
}

/* What it has shown for that, borrowed; NULL: nothing. */
static inline struct creds_peer *stream_peer(const struct stream *s)
{
    return s->ops->peer ? s->ops->peer(s) : NULL;
}

/* Nobody has shown a certificate this time: an earlier session with the same peer was taken up. */
static inline bool stream_is_resumed(const struct stream *s)
{
    return s->ops->is_resumed && s->ops->is_resumed(s);
}

/* When its certificate ends, microseconds since 1970; 0: nobody knows. */
static inline int64_t stream_peer_until_us(const struct stream *s)
{
    return s->ops->peer_until_us ? s->ops->peer_until_us(s) : 0;
}

/* "h2", "http/1.1", or empty. */
static inline struct slice stream_alpn(const struct stream *s)
{
    return s->ops->alpn(s);
}

/* Why it broke, for people: "certificate expired 3 s ago", "connection refused".  Also why a read or
 * write of an open one failed, where that is known; else empty. */
static inline const char *stream_fault(const struct stream *s)
{
    return s->ops->fault(s);
}

/* Takes `fd`.  `connecting`: STREAM_OPEN or STREAM_BROKEN follows; an accepted one may be read and
 * written at once, its STREAM_OPEN comes in the next turn. */
struct stream *stream_fd_new(struct loop *l, int fd, bool connecting);

struct creds;
enum stream_role { STREAM_SERVER, STREAM_CLIENT };
struct stream_tls_conf {
    enum stream_role role;
    struct creds *creds; /* keeps a reference */
    const char *alpn[4]; /* in order of preference, NULL-terminated: "h2", "http/1.1" */
    struct slice peer;   /* client: the exact SPIFFE ID to expect, or empty: any trusted one */
    struct slice place;  /* client: where that is; with `peer` an earlier session with it may be taken up; or empty */
    struct metric *full, *resumed; /* count handshakes with certificates, and without; or NULL */
    bool may_lack_cert;            /* server: who shows no certificate is taken, and has no identity */
    bool may_lack_alpn;            /* server: who offers no protocol at all is taken, and has none */
};
/* Takes `under`, which may still be connecting.  Always TLS 1.3, and both certificates but for may_lack_cert and creds
 * that have none. */
struct stream *stream_tls_new(struct loop *l, struct stream *under, const struct stream_tls_conf *conf);

#endif
