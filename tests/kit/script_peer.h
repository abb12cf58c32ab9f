#ifndef WEFT_TESTS_KIT_SCRIPT_PEER_H
#define WEFT_TESTS_KIT_SCRIPT_PEER_H

/* script_peer - a peer that says exactly what the test tells it, byte by byte or frame by frame.
 *
 * Lifetime: caller's memory; takes the stream; script_peer_fini closes it.
 * Threads:  belongs to the loop. */
#include "base/buf.h"
#include "base/stream.h"

struct script_peer {
    struct loop *loop;
    struct stream *stream;
    struct buf in; /* heard and not yet looked at */
    bool ended;    /* the other side has closed, or will hear no more */
};

/* An HTTP/2 frame that was heard (RFC 9113 section 4.1). */
struct script_frame {
    uint8_t type, flags;
    uint32_t stream_id;
    struct slice payload; /* until the next call */
};

void script_peer_init(struct script_peer *p, struct loop *loop, struct stream *stream);
void script_peer_fini(struct script_peer *p);

/* Turns the loop until all is taken or the other side hangs up. */
void script_peer_say(struct script_peer *p, struct slice bytes);
/* Turns the loop `turns` times and collects what is said to us. */
void script_peer_hear(struct script_peer *p, int turns);

/* The client preface and empty SETTINGS. */
void script_peer_say_preface(struct script_peer *p);
void script_peer_say_frame(struct script_peer *p, uint8_t type, uint8_t flags, uint32_t stream_id,
                           struct slice payload);
/* The next whole frame of what was heard; false: there is none. */
bool script_peer_next_frame(struct script_peer *p, struct script_frame *f);

#endif
