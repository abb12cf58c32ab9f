#include "http/h2_session.h"

#include <nghttp2/nghttp2.h>

#include "base/check.h"
#include "base/mem.h"
#include "http/h2_fields.h"

enum {
    CONNECTION_WINDOW = 4 << 20,
    FRAME_HEAD = 9,
    INFOS_MOST = 16,
    SEND_HEAD_MOST = 256 << 10, /* nghttp2's own estimate is generous; headers.h bounds what we make */
    FIELDS_MOST = HEADERS_MOST + 6,
    ACKS_MOST = 1000,
    SETTINGS_MOST = 32,
    RESET_BURST = 1000,
    RESETS_PER_SECOND = 33,
    CONTINUATIONS_MOST = 8,
    CREDIT_LEAST = 4 << 10, /* given back at once: short bodies end before that, and cost no call */
    FLEETING_SHOWN = 128,   /* of so many values one is put into the table */
    LINE = 64,              /* of the processor's caches */
    LINES_AHEAD = 10,
};

/* What the feed at hand has brought of a stream and its owner was not told yet; in this order. */
enum news { NEWS_HEAD = 1, NEWS_HEAD_ENDS = 2, NEWS_DATA = 4, NEWS_END = 8, NEWS_CLOSED = 16 };

/* Fields that are new with every message. */
enum fleeting { FLEETING_ID, FLEETING_TRACE, FLEETING_DEADLINE, FLEETING_KINDS };

struct h2_session {
    nghttp2_session *ng;
    struct h2_conn *conn;
    const struct h2_hear *hear;
    struct h2_guard guard;
    struct h2_order order; /* server side */
    int64_t now_us;
    struct h2_stream *reading;        /* whose field section comes in: looked up once, not once a field */
    struct h2_stream *last;           /* the one looked up last, or NULL: most of what follows is about it, too */
    uint8_t fleeting[FLEETING_KINDS]; /* how often each was sent */
    struct buf *out;                  /* while filling, and how far */
    size_t most;
    struct h2_stream *news, **news_end; /* streams of which something is to be told, in the order they came */
    const char *fault;
    bool is_server;
    bool hung_up; /* we have ended it: what still comes is not looked at */
    bool feeds;   /* h2_session_feed is under way */
};

static void hang_up(struct h2_session *s, enum h2_code code, const char *fault)
{
    if (s->hung_up)
        return;
    s->hung_up = true;
    s->fault = fault;
    (void)nghttp2_session_terminate_session(s->ng, (uint32_t)code);
}

static void note(struct h2_session *s, enum h2_guard_kind kind)
{
    if (h2_guard_note(&s->guard, kind, s->now_us) != ERR_OK)
        hang_up(s, H2_ENHANCE_YOUR_CALM, h2_guard_fault(kind));
}

static struct h2_stream *stream_of(struct h2_session *s, int32_t id)
{
    if (s->last && s->last->id == id)
        return s->last;
    return s->last = nghttp2_session_get_stream_user_data(s->ng, id);
}

/* Streams mostly have their turn in the order in which they began: the next one's is fetched meanwhile. */
static void fetch_neighbour(const struct h2_stream *stream)
{
    const char *next = (const char *)LIST_OF(stream->link.next, const struct h2_stream, link);
    __builtin_prefetch(stream->t);
    __builtin_prefetch(next, 1);
    __builtin_prefetch(next + LINE, 1);
}

/* In: frames to news.
 *
 * nghttp2 reads all that a feed has before the first owner hears of it: a read brings dozens of small messages, and
 * what reads frames and what carries an exchange on would push each other out of the processor's caches with each.  The
 * bytes of a body stay where they were read; a second piece of one stream tells the first. */

static void forget(struct h2_session *s, struct h2_stream *stream);

static void tell_data(struct h2_session *s, struct h2_stream *stream)
{
    struct transit *t = stream->t;
    struct slice bytes = stream->run;
    if (stream->id != 0 && t->in_head && !t->is_reset)
        transit_tell_data(t, bytes);
    else
        (void)nghttp2_session_consume_connection(s->ng, bytes.len); /* nobody will credit it */
}

/* A stream that was given up meanwhile has no id any more, and hears nothing. */
static void tell(struct h2_session *s, struct h2_stream *stream)
{
    unsigned news = stream->news;
    stream->news = 0;
    if ((news & NEWS_HEAD) && stream->id != 0)
        s->hear->head(stream, news & NEWS_HEAD_ENDS, stream->verdict);
    if (news & NEWS_DATA)
        tell_data(s, stream);
    if ((news & NEWS_END) && stream->id != 0 && stream->t->in_head)
        transit_tell_end(stream->t);
    if ((news & NEWS_CLOSED) && stream->id != 0) {
        forget(s, stream);
        s->hear->closed(stream, stream->code);
    }
}

/* What the next one's owner will look at first; it has rested since the exchange was last heard of. */
static void fetch_ahead(const struct h2_stream *next)
{
    if (!next || !next->t->owner_data)
        return;
    const char *at = next->t->owner_data;
    for (size_t i = 0; i < LINES_AHEAD; i++)
        __builtin_prefetch(at + i * LINE, 1);
}

static void tell_all(struct h2_session *s)
{
    while (s->news) {
        struct h2_stream *stream = s->news;
        s->news = stream->news_next;
        stream->is_news = false;
        fetch_ahead(s->news);
        tell(s, stream);
    }
    s->news_end = &s->news;
}

static void add_news(struct h2_session *s, struct h2_stream *stream, unsigned news)
{
    stream->news |= (uint8_t)news;
    if (stream->is_news)
        return;
    stream->is_news = true;
    stream->news_next = NULL;
    *s->news_end = stream;
    s->news_end = &stream->news_next;
}

/* Has its owner the head, or will it have it with the rest? */
static bool has_owner(const struct h2_stream *stream)
{
    return stream->t->in_head || (stream->news & NEWS_HEAD);
}

static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *arg)
{
    struct h2_session *s = arg;
    (void)ng;
    switch (hd->type) {
    case NGHTTP2_DATA:
        if (hd->length == 0 && !(hd->flags & NGHTTP2_FLAG_END_STREAM))
            note(s, H2_GUARD_EMPTY);
        break;
    case NGHTTP2_HEADERS:
        h2_guard_new_head(&s->guard);
        break;
    case NGHTTP2_PRIORITY:
        note(s, H2_GUARD_PRIORITY);
        break;
    case NGHTTP2_RST_STREAM:
        note(s, H2_GUARD_RESET);
        break;
    case NGHTTP2_SETTINGS:
        if (!(hd->flags & NGHTTP2_FLAG_ACK))
            note(s, H2_GUARD_SETTINGS);
        break;
    case NGHTTP2_PING:
        if (!(hd->flags & NGHTTP2_FLAG_ACK))
            note(s, H2_GUARD_PING);
        break;
    case NGHTTP2_WINDOW_UPDATE:
        note(s, H2_GUARD_WINDOW);
        break;
    case NGHTTP2_CONTINUATION:
        note(s, H2_GUARD_CONTINUATION);
        break;
    default:
        break;
    }
    return 0;
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    struct h2_session *s = arg;
    int32_t id = frame->hd.stream_id;
    bool is_new = s->is_server && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
    struct h2_stream *stream = is_new ? NULL : stream_of(s, id);
    if (is_new) {
        stream = s->hung_up ? NULL : s->hear->begin(s->conn, id);
        if (!stream)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        (void)nghttp2_session_set_stream_user_data(ng, id, stream);
        s->last = stream;
    }
    s->reading = stream;
    if (stream) {
        fetch_neighbour(stream);
        stream->oversized = false;
    }
    return 0;
}

static int on_field(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                    const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
    struct h2_session *s = arg;
    struct h2_stream *stream = s->reading;
    (void)ng;
    (void)frame;
    if (!stream || stream->oversized)
        return 0;
    struct message *m = &stream->t->in;
    struct slice n = slice_of(name, name_len), v = slice_of(value, value_len);
    bool secret = flags & NGHTTP2_NV_FLAG_NO_INDEX;
    enum err e = stream->has_head ? h2_fields_trailer(m, n, v, secret) : h2_fields_head(m, n, v, secret);
    stream->oversized = e != ERR_OK;
    return 0;
}

static void head_is_whole(struct h2_session *s, struct h2_stream *stream, bool end)
{
    struct message *m = &stream->t->in;
    enum err verdict = stream->oversized ? ERR_FULL : h2_fields_close(m);
    bool is_info = !stream->is_request && m->status < 200;
    if (is_info && ++stream->infos > INFOS_MOST)
        verdict = ERR_FULL;
    stream->has_head = !is_info;
    stream->verdict = verdict;
    add_news(s, stream, end ? NEWS_HEAD | NEWS_HEAD_ENDS : NEWS_HEAD);
    if (is_info)
        tell(s, stream); /* the next head comes into the same place */
}

static void trailers_are_too_large(struct h2_session *s, struct h2_stream *stream, bool end)
{
    tell(s, stream);
    if (stream->id != 0)
        s->hear->head(stream, end, ERR_FULL);
}

static void section_is_whole(struct h2_session *s, struct h2_stream *stream, bool end)
{
    s->reading = NULL;
    stream->moved_us = s->now_us;
    if (!stream->has_head)
        head_is_whole(s, stream, end);
    else if (stream->oversized)
        trailers_are_too_large(s, stream, end);
    else if (end && has_owner(stream))
        add_news(s, stream, NEWS_END);
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    struct h2_session *s = arg;
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct h2_stream *stream = frame->hd.stream_id ? stream_of(s, frame->hd.stream_id) : NULL;
    (void)ng;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (stream)
            section_is_whole(s, stream, end);
        break;
    case NGHTTP2_DATA:
        if (!end && frame->hd.length > 0 && frame->hd.length == frame->data.padlen)
            note(s, H2_GUARD_EMPTY); /* nothing but padding is nothing, too */
        if (stream && end && has_owner(stream))
            add_news(s, stream, NEWS_END);
        break;
    case NGHTTP2_RST_STREAM:
        if (stream)
            stream->reset_by_peer = true;
        break;
    case NGHTTP2_SETTINGS:
        if (!(frame->hd.flags & NGHTTP2_FLAG_ACK))
            s->hear->settings(s->conn);
        break;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK)
            s->hear->pong(s->conn);
        break;
    case NGHTTP2_GOAWAY:
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR && !s->fault)
            s->fault = "the peer ended the connection with an error";
        s->hear->goaway(s->conn);
        break;
    default:
        break;
    }
    return 0;
}

static int on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *data, size_t len, void *arg)
{
    struct h2_session *s = arg;
    struct h2_stream *stream = stream_of(s, id);
    (void)flags;
    if (stream && (stream->news & NEWS_DATA))
        tell(s, stream);
    if (stream && stream->id != 0 && has_owner(stream) && !stream->t->is_reset) {
        stream->moved_us = s->now_us;
        stream->run = slice_of(data, len);
        add_news(s, stream, NEWS_DATA);
    } else {
        (void)nghttp2_session_consume(ng, id, len); /* nobody will credit it */
    }
    return 0;
}

/* What its owner still owes is the connection's again. */
static void forget(struct h2_session *s, struct h2_stream *stream)
{
    size_t owed = stream->t->owed + stream->credit;
    if (owed > 0)
        (void)nghttp2_session_consume_connection(s->ng, owed);
    stream->id = 0;
    stream->credit = 0;
    s->reading = s->reading == stream ? NULL : s->reading;
    s->last = s->last == stream ? NULL : s->last;
}

static int on_close(nghttp2_session *ng, int32_t id, uint32_t code, void *arg)
{
    struct h2_session *s = arg;
    struct h2_stream *stream = stream_of(s, id);
    (void)ng;
    if (!stream)
        return 0;
    if (s->is_server && code != NGHTTP2_NO_ERROR && !stream->reset_by_peer)
        note(s, H2_GUARD_RESET); /* it made us reset its stream: as dear as its own resets */
    stream->code = code;
    add_news(s, stream, NEWS_CLOSED);
    s->last = NULL; /* nghttp2 forgets it in a moment */
    if (!s->feeds)
        tell_all(s);
    return 0;
}

/* Out: bodies to frames. */

static nghttp2_nv pair_of(struct slice name, struct slice value, uint8_t flags)
{
    return (nghttp2_nv){.name = (uint8_t *)name.at,
                        .value = (uint8_t *)(value.len ? value.at : ""),
                        .namelen = name.len,
                        .valuelen = value.len,
                        .flags = flags};
}

/* Pseudo names are literals: nghttp2 need not copy them. */
static nghttp2_nv pseudo_of(struct slice name, struct slice value)
{
    return pair_of(name, value, NGHTTP2_NV_FLAG_NO_COPY_NAME);
}

/* New with every message: in a table they would only push out what comes again.  But the name does come again, and a
 * name is in the table only with a value: so one of many goes there. */
static bool is_fleeting(struct h2_session *s, unsigned token)
{
    enum fleeting kind = token == HEADERS_WEFT_REQUEST_ID ? FLEETING_ID
                         : token == HEADERS_TRACEPARENT   ? FLEETING_TRACE
                         : token == HEADERS_WEFT_DEADLINE ? FLEETING_DEADLINE
                                                          : FLEETING_KINDS;
    return kind != FLEETING_KINDS && s->fleeting[kind]++ % FLEETING_SHOWN != 0;
}

static size_t put_fields(struct h2_session *s, nghttp2_nv *nv, size_t at, const struct headers *h)
{
    for (uint32_t i = 0; i < h->count && at < FIELDS_MOST; i++) {
        const struct header *f = &h->v[i];
        uint8_t flags = f->never_indexed || is_fleeting(s, f->token) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
        if (f->token != HEADERS_OTHER)
            flags |= NGHTTP2_NV_FLAG_NO_COPY_NAME; /* interned */
        if (!h2_fields_barred(f))
            nv[at++] = pair_of(f->name, f->value, flags);
    }
    return at;
}

static void send_trailers(struct h2_session *s, struct h2_stream *stream)
{
    nghttp2_nv nv[FIELDS_MOST];
    size_t count = put_fields(s, nv, 0, &stream->t->out.trailers);
    (void)nghttp2_submit_trailer(s->ng, stream->id, nv, count);
}

static ssize_t on_want_body(nghttp2_session *ng, int32_t id, uint8_t *into, size_t room, uint32_t *flags,
                            nghttp2_data_source *source, void *arg)
{
    struct h2_stream *stream = source->ptr;
    struct transit *t = stream->t;
    size_t len = buf_len(&t->body), n = len < room ? len : room;
    (void)ng;
    (void)id;
    (void)into;
    if (n == 0 && !t->out_ended) {
        stream->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags = NGHTTP2_DATA_FLAG_NO_COPY;
    if (n == len && t->out_ended) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (t->out.trailers.count > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            send_trailers(arg, stream);
        }
    }
    return (ssize_t)n;
}

static int on_send_body(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t n,
                        nghttp2_data_source *source, void *arg)
{
    struct h2_session *s = arg;
    struct h2_stream *stream = source->ptr;
    struct transit *t = stream->t;
    (void)ng;
    (void)frame;
    if (buf_len(s->out) >= s->most)
        return NGHTTP2_ERR_WOULDBLOCK; /* asks again in the next fill */
    if (buf_add(s->out, slice_of(head, FRAME_HEAD)) != ERR_OK ||
        buf_add(s->out, slice_to(buf_slice(&t->body), n)) != ERR_OK)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    s->last = stream->id ? stream : s->last;
    stream->moved_us = s->now_us;
    h2_guard_sent_data(&s->guard);
    transit_took(t, n);
    return 0;
}

/* A whole answer to half a request: the peer may stop sending (RFC 9113 section 8.1). */
static void answer_is_whole(struct h2_session *s, struct h2_stream *stream)
{
    stream->out_closed = true;
    const struct transit *t = stream->t;
    if (message_opens(&t->in, t->out.status))
        return; /* each direction ends by itself */
    if (s->is_server && !t->in_ended)
        (void)nghttp2_submit_rst_stream(s->ng, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
}

static int on_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *arg)
{
    struct h2_session *s = arg;
    uint8_t type = frame->hd.type;
    (void)ng;
    if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR && !s->fault)
        s->fault = "the peer broke HTTP/2";
    bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (type != NGHTTP2_HEADERS && type != NGHTTP2_DATA)
        return 0;
    if (!ends && (s->is_server || type == NGHTTP2_DATA))
        return 0; /* nobody asks */
    struct h2_stream *stream = stream_of(s, frame->hd.stream_id);
    if (!stream)
        return 0;
    fetch_neighbour(stream);
    if (type == NGHTTP2_HEADERS)
        stream->is_sent = true;
    if (ends)
        answer_is_whole(s, stream);
    return 0;
}

/* Making one. */

static nghttp2_session_callbacks *new_callbacks(void)
{
    nghttp2_session_callbacks *cb;
    if (nghttp2_session_callbacks_new(&cb) != 0)
        check_broken(__FILE__, __LINE__, "callee", "memory for callbacks");
    nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_field);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_session_callbacks_set_send_data_callback(cb, on_send_body);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
    return cb;
}

/* Debian has these in its 1.52, upstream only since 1.57 and 1.61: asked for by symbol, never by version. */
#ifdef HAVE_NGHTTP2_STREAM_RESET_RATE_LIMIT
static void limit_resets(nghttp2_option *o)
{
    nghttp2_option_set_stream_reset_rate_limit(o, RESET_BURST, RESETS_PER_SECOND);
}
#else
static void limit_resets(nghttp2_option *o)
{
    (void)o;
}
#endif

#ifdef HAVE_NGHTTP2_MAX_CONTINUATIONS
static void limit_continuations(nghttp2_option *o)
{
    nghttp2_option_set_max_continuations(o, CONTINUATIONS_MOST);
}
#else
static void limit_continuations(nghttp2_option *o)
{
    (void)o;
}
#endif

static nghttp2_option *new_option(void)
{
    nghttp2_option *o;
    if (nghttp2_option_new(&o) != 0)
        check_broken(__FILE__, __LINE__, "callee", "memory for options");
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_send_header_block_length(o, SEND_HEAD_MOST);
    nghttp2_option_set_max_outbound_ack(o, ACKS_MOST);
    nghttp2_option_set_max_settings(o, SETTINGS_MOST);
    limit_resets(o);
    limit_continuations(o);
    return o;
}

static void greet(struct h2_session *s, uint32_t max_streams)
{
    nghttp2_settings_entry both[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, TRANSIT_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEADERS_BYTES},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
        {s->is_server ? NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS : NGHTTP2_SETTINGS_ENABLE_PUSH,
         s->is_server ? max_streams : 0},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}, /* a server's to say; last, so that a client leaves it out */
    };
    size_t count = sizeof(both) / sizeof(both[0]) - (s->is_server ? 0 : 1);
    (void)nghttp2_submit_settings(s->ng, NGHTTP2_FLAG_NONE, both, count);
    (void)nghttp2_session_set_local_window_size(s->ng, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
}

struct h2_session *h2_session_new(bool is_server, struct h2_conn *c, const struct h2_hear *hear, uint32_t max_streams,
                                  struct h2_mem *mem)
{
    struct h2_session *s = mem_new(sizeof(*s));
    *s = (struct h2_session){.is_server = is_server, .conn = c, .hear = hear};
    s->news_end = &s->news;
    h2_guard_init(&s->guard, 0);
    h2_order_init(&s->order);
    nghttp2_session_callbacks *cb = new_callbacks();
    nghttp2_option *option = new_option();
    nghttp2_mem shared = {mem, h2_mem_take, h2_mem_give, h2_mem_take_zeroed, h2_mem_resize};
    nghttp2_mem *its = mem ? &shared : NULL;
    if (mem)
        h2_mem_settle(mem);
    int rc = is_server ? nghttp2_session_server_new3(&s->ng, cb, s, option, its)
                       : nghttp2_session_client_new3(&s->ng, cb, s, option, its);
    POST(rc == 0);
    if (mem)
        h2_mem_settled(mem);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(cb);
    greet(s, max_streams);
    return s;
}

void h2_session_free(struct h2_session **s)
{
    if (*s) {
        nghttp2_session_del((*s)->ng);
        mem_free(*s);
    }
    *s = NULL;
}

/* Bytes in, bytes out. */

enum err h2_session_feed(struct h2_session *s, struct slice bytes, int64_t now_us)
{
    if (s->hung_up)
        return ERR_CLOSED;
    s->now_us = now_us;
    s->feeds = true;
    size_t good = bytes.len;
    enum h2_order_verdict order = s->is_server ? h2_order_look(&s->order, bytes, &good) : H2_ORDER_FINE;
    ssize_t used = nghttp2_session_mem_recv(s->ng, (const uint8_t *)bytes.at, good);
    if (used < 0)
        hang_up(s, used == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? H2_PROTOCOL_ERROR : H2_ENHANCE_YOUR_CALM,
                nghttp2_strerror((int)used));
    if (order == H2_ORDER_BROKEN)
        hang_up(s, H2_PROTOCOL_ERROR, "frames out of order");
    if (order == H2_ORDER_CLOSED)
        hang_up(s, H2_STREAM_CLOSED, "a frame on a stream that the peer had ended");
    s->feeds = false;
    tell_all(s);
    return s->hung_up ? ERR_CLOSED : ERR_OK;
}

enum err h2_session_fill(struct h2_session *s, struct buf *out, size_t most, int64_t now_us)
{
    s->now_us = now_us;
    s->out = out;
    s->most = most;
    while (buf_len(out) < most) {
        const uint8_t *frame;
        ssize_t n = nghttp2_session_mem_send(s->ng, &frame);
        if (n < 0)
            return ERR_CLOSED;
        if (n == 0)
            break;
        TRY(buf_add(out, slice_of(frame, (size_t)n)));
    }
    return ERR_OK;
}

bool h2_session_over(const struct h2_session *s)
{
    return !nghttp2_session_want_read(s->ng) && !nghttp2_session_want_write(s->ng);
}

const char *h2_session_fault(const struct h2_session *s)
{
    return s->fault;
}

/* Heads, bodies, credit. */

/* What the peer counts against SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113 section 6.5.2). */
static enum err check_size(const struct h2_session *s, const struct headers *h, size_t pseudo)
{
    size_t size = pseudo + h->bytes + (size_t)h->count * 32;
    uint32_t most = nghttp2_session_get_remote_settings(s->ng, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE);
    return size > most || h->count > HEADERS_MOST ? ERR_FULL : ERR_OK;
}

static size_t put_request(struct h2_session *s, nghttp2_nv *nv, const struct message *m)
{
    size_t n = 0;
    nv[n++] = pseudo_of(SLICE(":method"), m->protocol.len > 0 ? SLICE("CONNECT") : m->method);
    if (m->scheme.len > 0)
        nv[n++] = pseudo_of(SLICE(":scheme"), m->scheme);
    if (m->authority.len > 0)
        nv[n++] = pseudo_of(SLICE(":authority"), m->authority);
    if (m->path.len > 0)
        nv[n++] = pseudo_of(SLICE(":path"), m->path);
    if (m->protocol.len > 0)
        nv[n++] = pseudo_of(SLICE(":protocol"), m->protocol);
    return put_fields(s, nv, n, &m->headers);
}

static size_t put_response(struct h2_session *s, nghttp2_nv *nv, char status_text[3], unsigned status,
                           const struct headers *fields)
{
    status_text[0] = (char)('0' + status / 100 % 10);
    status_text[1] = (char)('0' + status / 10 % 10);
    status_text[2] = (char)('0' + status % 10);
    nv[0] = pseudo_of(SLICE(":status"), slice_of(status_text, 3));
    return fields ? put_fields(s, nv, 1, fields) : 1;
}

enum err h2_session_request(struct h2_session *s, struct h2_stream *stream, bool end)
{
    nghttp2_nv nv[FIELDS_MOST];
    const struct message *m = &stream->t->out;
    TRY(check_size(s, &m->headers, m->method.len + m->scheme.len + m->authority.len + m->path.len + 5 * 42));
    size_t count = put_request(s, nv, m);
    nghttp2_data_provider body = {.source.ptr = stream, .read_callback = on_want_body};
    int32_t id = nghttp2_submit_request(s->ng, NULL, nv, count, end ? NULL : &body, stream);
    if (id < 0)
        return ERR_CLOSED; /* out of stream ids, or the connection is ending */
    stream->id = id;
    return ERR_OK;
}

/* RFC 8441 section 5: a 2xx opens the tunnel, so an answer that has passed over the offer must not be one. */
static unsigned status_of(const struct transit *t)
{
    unsigned status = t->out.status;
    if (t->in.protocol.len == 0)
        return status;
    if (status == 101)
        return 200;
    return status / 100 == 2 ? 501 : status;
}

enum err h2_session_response(struct h2_session *s, struct h2_stream *stream, bool end)
{
    nghttp2_nv nv[FIELDS_MOST];
    char status[3];
    const struct message *m = &stream->t->out;
    TRY(check_size(s, &m->headers, 42));
    size_t count = put_response(s, nv, status, status_of(stream->t), &m->headers);
    nghttp2_data_provider body = {.source.ptr = stream, .read_callback = on_want_body};
    int rc = nghttp2_submit_response(s->ng, stream->id, nv, count, end ? NULL : &body);
    return rc == 0 ? ERR_OK : ERR_CLOSED;
}

enum err h2_session_info(struct h2_session *s, struct h2_stream *stream, unsigned status, const struct headers *fields)
{
    nghttp2_nv nv[FIELDS_MOST];
    char text[3];
    if (fields)
        TRY(check_size(s, fields, 42));
    size_t count = put_response(s, nv, text, status, fields);
    int rc = nghttp2_submit_headers(s->ng, NGHTTP2_FLAG_NONE, stream->id, NULL, nv, count, NULL);
    return rc == 0 ? ERR_OK : ERR_CLOSED;
}

void h2_session_wake(struct h2_session *s, struct h2_stream *stream)
{
    if (!stream->deferred)
        return;
    stream->deferred = false;
    (void)nghttp2_session_resume_data(s->ng, stream->id);
}

void h2_session_credit(struct h2_session *s, struct h2_stream *stream, size_t n)
{
    stream->credit += n;
    if (stream->credit < CREDIT_LEAST)
        return;
    (void)nghttp2_session_consume(s->ng, stream->id, stream->credit);
    stream->credit = 0;
}

void h2_session_detach(struct h2_session *s, struct h2_stream *stream)
{
    PRE(stream->id != 0);
    (void)nghttp2_session_set_stream_user_data(s->ng, stream->id, NULL);
    forget(s, stream);
}

void h2_session_reset(struct h2_session *s, struct h2_stream *stream, enum h2_code code)
{
    (void)nghttp2_submit_rst_stream(s->ng, NGHTTP2_FLAG_NONE, stream->id, (uint32_t)code);
    h2_session_detach(s, stream);
}

/* The connection as a whole. */

void h2_session_ping(struct h2_session *s)
{
    (void)nghttp2_submit_ping(s->ng, NGHTTP2_FLAG_NONE, NULL);
}

void h2_session_goaway_soon(struct h2_session *s)
{
    (void)nghttp2_submit_shutdown_notice(s->ng);
}

void h2_session_goaway(struct h2_session *s, enum h2_code code)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(s->ng);
    (void)nghttp2_submit_goaway(s->ng, NGHTTP2_FLAG_NONE, last, (uint32_t)code, NULL, 0);
}

uint32_t h2_session_peer_streams(const struct h2_session *s)
{
    return nghttp2_session_get_remote_settings(s->ng, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool h2_session_peer_extends_connect(const struct h2_session *s)
{
    return nghttp2_session_get_remote_settings(s->ng, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

const char *h2_session_code_text(uint32_t code)
{
    return nghttp2_http2_strerror(code);
}
