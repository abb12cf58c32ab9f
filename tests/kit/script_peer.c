#include "tests/kit/script_peer.h"

#include "tests/kit/t.h"

enum { FRAME_HEAD = 9, PATIENCE = 1000 };

void script_peer_init(struct script_peer *p, struct loop *loop, struct stream *stream)
{
    *p = (struct script_peer){.loop = loop, .stream = stream};
    buf_init(&p->in, 64 << 20);
}

void script_peer_fini(struct script_peer *p)
{
    stream_close(&p->stream);
    buf_fini(&p->in);
}

static void collect(struct script_peer *p)
{
    char bytes[16 << 10];
    size_t got;
    enum err e = ERR_OK;
    while (e == ERR_OK) {
        e = stream_read(p->stream, bytes, sizeof(bytes), &got);
        if (e == ERR_OK)
            CHECK_ERR(ERR_OK, buf_add(&p->in, slice_of(bytes, got)));
    }
    if (e != ERR_AGAIN)
        p->ended = true;
}

void script_peer_hear(struct script_peer *p, int turns)
{
    for (int i = 0; i < turns; i++) {
        loop_turn(p->loop, false);
        collect(p);
    }
}

void script_peer_say(struct script_peer *p, struct slice bytes)
{
    for (int i = 0; bytes.len > 0 && !p->ended && i < PATIENCE; i++) {
        size_t took = 0;
        enum err e = stream_write(p->stream, bytes, &took);
        if (e == ERR_OK)
            bytes = slice_from(bytes, took);
        else if (e != ERR_AGAIN)
            p->ended = true;
        if (bytes.len > 0)
            script_peer_hear(p, 1);
    }
}

void script_peer_say_preface(struct script_peer *p)
{
    script_peer_say(p, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    script_peer_say_frame(p, 4, 0, 0, (struct slice){0});
}

void script_peer_say_frame(struct script_peer *p, uint8_t type, uint8_t flags, uint32_t stream_id, struct slice payload)
{
    unsigned char head[FRAME_HEAD] = {
        (unsigned char)(payload.len >> 16),
        (unsigned char)(payload.len >> 8),
        (unsigned char)payload.len,
        type,
        flags,
        (unsigned char)(stream_id >> 24),
        (unsigned char)(stream_id >> 16),
        (unsigned char)(stream_id >> 8),
        (unsigned char)stream_id,
    };
    script_peer_say(p, slice_of(head, sizeof(head)));
    script_peer_say(p, payload);
}

static uint32_t number(const unsigned char *at, int bytes)
{
    uint32_t n = 0;
    for (int i = 0; i < bytes; i++)
        n = n << 8 | at[i];
    return n;
}

bool script_peer_next_frame(struct script_peer *p, struct script_frame *f)
{
    const unsigned char *at = (const unsigned char *)buf_slice(&p->in).at;
    if (buf_len(&p->in) < FRAME_HEAD)
        return false;
    size_t len = number(at, 3);
    if (buf_len(&p->in) < FRAME_HEAD + len)
        return false;
    *f = (struct script_frame){.type = at[3], .flags = at[4], .stream_id = number(at + 5, 4) & 0x7fffffff};
    f->payload = slice_of(at + FRAME_HEAD, len);
    buf_took(&p->in, FRAME_HEAD + len); /* the bytes stay where they are until the next change */
    return true;
}
