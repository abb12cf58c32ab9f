#include "http/h1_parse.h"

#include "base/check.h"

/* The good path of a request: LINE, FIELDS, then COUNTED, or CHUNK_SIZE to TRAILERS, or neither, then WHOLE.
 * Lines are judged when they are whole, everything else byte by byte, so a cut can fall anywhere. */
enum state {
    LINE, /* the request line or status line */
    FIELDS,
    COUNTED,  /* `left` bytes of body */
    TO_CLOSE, /* a response that ends with the connection */
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_END, /* the line feed after the size */
    CHUNK_DATA,
    CHUNK_END,      /* the carriage return after the data */
    CHUNK_END_FEED, /* and its line feed */
    TRAILERS,
    WHOLE,
    OVER, /* told the end */
    REFUSED,
};

#define ALWAYS (SM_TO(REFUSED))

static const struct sm_row states[] = {
    [LINE] = {"line", SM_TO(FIELDS) | ALWAYS, SM_FIRST},
    [FIELDS] = {"fields", SM_TO(LINE) | SM_TO(COUNTED) | SM_TO(TO_CLOSE) | SM_TO(CHUNK_SIZE) | SM_TO(WHOLE) | ALWAYS,
                0},
    [COUNTED] = {"counted body", SM_TO(WHOLE) | ALWAYS, 0},
    [TO_CLOSE] = {"body to the close, or a tunnel", SM_TO(WHOLE) | ALWAYS, 0},
    [CHUNK_SIZE] = {"chunk size", SM_TO(CHUNK_EXTENSION) | SM_TO(CHUNK_SIZE_END) | ALWAYS, 0},
    [CHUNK_EXTENSION] = {"chunk extension", SM_TO(CHUNK_SIZE_END) | ALWAYS, 0},
    [CHUNK_SIZE_END] = {"end of chunk size", SM_TO(CHUNK_DATA) | SM_TO(TRAILERS) | ALWAYS, 0},
    [CHUNK_DATA] = {"chunk data", SM_TO(CHUNK_END) | ALWAYS, 0},
    [CHUNK_END] = {"end of chunk", SM_TO(CHUNK_END_FEED) | ALWAYS, 0},
    [CHUNK_END_FEED] = {"line feed after a chunk", SM_TO(CHUNK_SIZE) | ALWAYS, 0},
    [TRAILERS] = {"trailers", SM_TO(WHOLE) | ALWAYS, 0},
    [WHOLE] = {"whole", SM_TO(OVER) | ALWAYS, 0},
    [OVER] = {"over", 0, SM_LAST},
    [REFUSED] = {"refused", 0, SM_LAST},
};

enum { CHUNK_DIGITS_MOST = 16 };

void h1_parse_init(struct h1_parse *p, enum h1_parse_side side)
{
    *p = (struct h1_parse){.side = side};
    buf_init(&p->line, H1_PARSE_HEAD_MOST);
    sm_init(&p->state, states, LINE);
}

void h1_parse_fini(struct h1_parse *p)
{
    buf_fini(&p->line);
}

static void begin(struct h1_parse *p, struct message *m)
{
    struct buf line = p->line;
    *p = (struct h1_parse){
        .side = p->side,
        .message = m,
        .line = line,
        .head_left = H1_PARSE_HEAD_MOST,
        .extensions_left = H1_PARSE_EXTENSIONS_MOST,
    };
    buf_clear(&p->line);
    buf_trim(&p->line);
    sm_init(&p->state, states, LINE);
}

void h1_parse_request(struct h1_parse *p, struct message *m)
{
    PRE(p->side == H1_PARSE_REQUESTS);
    begin(p, m);
}

void h1_parse_response(struct h1_parse *p, struct message *m, struct slice method)
{
    PRE(p->side == H1_PARSE_RESPONSES);
    begin(p, m);
    p->no_body = slice_eq(method, SLICE("HEAD"));
    p->to_connect = slice_eq(method, SLICE("CONNECT"));
}

void h1_parse_may_switch(struct h1_parse *p)
{
    p->may_switch = true;
}

void h1_parse_no_tunnel(struct h1_parse *p)
{
    PRE(p->side == H1_PARSE_REQUESTS && p->state.at == TO_CLOSE);
    sm_move(&p->state, WHOLE);
}

void h1_parse_forget(struct h1_parse *p)
{
    p->message = NULL;
}

bool h1_parse_bodiless(const struct h1_parse *p)
{
    return p->state.at == WHOLE;
}

bool h1_parse_begun(const struct h1_parse *p)
{
    return p->state.at != LINE || p->infos > 0 || p->head_left < H1_PARSE_HEAD_MOST;
}

static enum h1_found refuse(struct h1_parse *p, enum h1_refusal why)
{
    p->refused = why;
    sm_move(&p->state, REFUSED);
    return H1_BAD;
}

/* ---- lines ---- */

/* H1_NOTHING: `*line` is a whole one without its line end, until the next call. */
static enum h1_found take_line(struct h1_parse *p, struct slice *in, struct slice *line)
{
    if (p->line_used)
        buf_clear(&p->line);
    p->line_used = false;
    size_t at = 0;
    bool whole = slice_find(*in, '\n', &at);
    struct slice part = slice_to(*in, whole ? at + 1 : in->len);
    if (part.len > p->head_left)
        return refuse(p, p->state.at == LINE && p->side == H1_PARSE_REQUESTS ? H1_TARGET_LONG : H1_HEAD_LARGE);
    p->head_left -= (uint32_t)part.len;
    *in = slice_from(*in, part.len);
    if (!whole || buf_len(&p->line) > 0) {
        enum err kept = buf_add(&p->line, part);
        POST(kept == ERR_OK); /* head_left has the same bound */
        part = buf_slice(&p->line);
    }
    if (!whole)
        return H1_MORE;
    p->line_used = true;
    if (part.len < 2 || part.at[part.len - 2] != '\r')
        return refuse(p, H1_BARE_LINE_FEED);
    *line = slice_to(part, part.len - 2);
    return H1_NOTHING;
}

static enum h1_found read_first_line(struct h1_parse *p, struct slice *in)
{
    struct slice line;
    enum h1_found found = take_line(p, in, &line);
    if (found != H1_NOTHING)
        return found;
    bool request = p->side == H1_PARSE_REQUESTS;
    if (line.len == 0 && request && !p->blank_seen) {
        p->blank_seen = true;
        return H1_NOTHING;
    }
    enum h1_refusal why = request ? h1_head_request_line(line, p->message, &p->facts.minor)
                                  : h1_head_status_line(line, p->message, &p->facts.minor);
    if (why != H1_FINE)
        return refuse(p, why);
    sm_move(&p->state, FIELDS);
    return H1_NOTHING;
}

/* ---- the end of a head (RFC 9112 section 6.3) ---- */

static enum h1_found interim(struct h1_parse *p)
{
    /* Nobody asked to leave HTTP, so what follows would be read by two sets of rules. */
    if (p->message->status == 101)
        return refuse(p, H1_SWITCHED);
    if (++p->infos > H1_PARSE_INFOS_MOST)
        return refuse(p, H1_INFO_FLOOD);
    p->head_left = H1_PARSE_HEAD_MOST;
    p->facts = (struct h1_head_facts){0};
    sm_move(&p->state, LINE);
    return H1_INFO;
}

static enum state body_of_response(struct h1_parse *p)
{
    unsigned status = p->message->status;
    if (status == 101 || (p->to_connect && status < 300))
        return TO_CLOSE; /* a tunnel: no field says otherwise (RFC 9112 section 6.3) */
    if (p->no_body || status == 204 || status == 304)
        return WHOLE;
    if (p->facts.chunked)
        return CHUNK_SIZE;
    if (p->message->length >= 0)
        return p->message->length > 0 ? COUNTED : WHOLE;
    p->facts.keep_alive = false;
    return TO_CLOSE;
}

static enum state body_of_request(const struct h1_parse *p)
{
    if (message_tunnels(p->message))
        return TO_CLOSE;
    if (p->facts.chunked)
        return CHUNK_SIZE;
    return p->message->length > 0 ? COUNTED : WHOLE;
}

static enum h1_found end_head(struct h1_parse *p)
{
    bool request = p->side == H1_PARSE_REQUESTS;
    enum h1_refusal why = request ? h1_head_request(p->message, &p->facts) : h1_head_response(p->message, &p->facts);
    if (why != H1_FINE)
        return refuse(p, why);
    bool switches = p->message->status == 101 && p->may_switch;
    if (!request && p->message->status < 200 && !switches)
        return interim(p);
    enum state body = request ? body_of_request(p) : body_of_response(p);
    if (body == COUNTED)
        p->left = (uint64_t)p->message->length;
    sm_move(&p->state, body);
    buf_clear(&p->line);
    buf_trim(&p->line);
    return H1_HEAD;
}

static enum h1_found read_field(struct h1_parse *p, struct slice *in)
{
    struct slice line;
    enum h1_found found = take_line(p, in, &line);
    if (found != H1_NOTHING)
        return found;
    if (line.len == 0)
        return end_head(p);
    enum h1_refusal why = h1_head_field(line, &p->message->headers);
    return why == H1_FINE ? H1_NOTHING : refuse(p, why);
}

static enum h1_found read_trailer(struct h1_parse *p, struct slice *in)
{
    struct slice line;
    enum h1_found found = take_line(p, in, &line);
    if (found != H1_NOTHING)
        return found;
    if (line.len == 0) {
        sm_move(&p->state, WHOLE);
        return H1_NOTHING;
    }
    enum h1_refusal why = h1_head_trailer(line, p->message ? &p->message->trailers : NULL);
    return why == H1_FINE ? H1_NOTHING : refuse(p, why);
}

/* ---- bodies ---- */

static struct slice take(struct slice *in, size_t n)
{
    struct slice taken = slice_to(*in, n);
    *in = slice_from(*in, n);
    return taken;
}

/* `left` bytes of body, then `after`. */
static enum h1_found read_counted(struct h1_parse *p, struct slice *in, size_t most, struct slice *piece,
                                  enum state after)
{
    if (in->len == 0 || most == 0)
        return H1_MORE;
    *piece = take(in, p->left < most ? (size_t)p->left : most);
    p->left -= piece->len;
    if (p->left == 0)
        sm_move(&p->state, after);
    return H1_DATA;
}

static enum h1_found read_to_close(struct slice *in, size_t most, struct slice *piece)
{
    if (in->len == 0 || most == 0)
        return H1_MORE;
    *piece = take(in, most);
    return H1_DATA;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum h1_found read_chunk_size(struct h1_parse *p, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0) {
        if (++p->chunk_digits > CHUNK_DIGITS_MOST || p->left > (uint64_t)INT64_MAX >> 4)
            return refuse(p, H1_CHUNK_SIZE);
        p->left = p->left << 4 | (uint64_t)digit;
        return H1_NOTHING;
    }
    if (p->chunk_digits == 0 || (c != ';' && c != '\r'))
        return refuse(p, H1_CHUNK);
    p->quoted = p->escaped = false;
    sm_move(&p->state, c == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_END);
    return H1_NOTHING;
}

/* RFC 9112 section 7.1.1: ignored, but many tiny chunks with long ones cost us and not the sender's body. */
static enum h1_found skip_extension(struct h1_parse *p, char c)
{
    if (c == '\r' && !p->quoted) {
        sm_move(&p->state, CHUNK_SIZE_END);
        return H1_NOTHING;
    }
    unsigned char u = (unsigned char)c;
    if ((u < ' ' && u != '\t') || u == 127)
        return refuse(p, H1_CHUNK); /* the end of a line, too, where another reader may still be within quotes */
    if (p->escaped)
        p->escaped = false;
    else if (c == '"')
        p->quoted = !p->quoted;
    else if (c == '\\')
        p->escaped = p->quoted;
    if (p->extensions_left-- == 0)
        return refuse(p, H1_CHUNK_EXTENSIONS);
    return H1_NOTHING;
}

static enum h1_found end_chunk_size(struct h1_parse *p, char c)
{
    if (c != '\n')
        return refuse(p, H1_CHUNK);
    bool last = p->left == 0;
    if (last)
        p->head_left = H1_PARSE_HEAD_MOST;
    sm_move(&p->state, last ? TRAILERS : CHUNK_DATA);
    return H1_NOTHING;
}

static enum h1_found expect_byte(struct h1_parse *p, char c, char want, enum state after)
{
    if (c != want)
        return refuse(p, H1_CHUNK);
    if (after == CHUNK_SIZE) {
        p->left = 0;
        p->chunk_digits = 0;
    }
    sm_move(&p->state, after);
    return H1_NOTHING;
}

/* The bytes around chunks, one at a time. */
static enum h1_found read_chunk_byte(struct h1_parse *p, struct slice *in)
{
    if (in->len == 0)
        return H1_MORE;
    char c = take(in, 1).at[0];
    if (p->state.at == CHUNK_SIZE)
        return read_chunk_size(p, c);
    if (p->state.at == CHUNK_EXTENSION)
        return skip_extension(p, c);
    if (p->state.at == CHUNK_SIZE_END)
        return end_chunk_size(p, c);
    if (p->state.at == CHUNK_END)
        return expect_byte(p, c, '\r', CHUNK_END_FEED);
    return expect_byte(p, c, '\n', CHUNK_SIZE);
}

static enum h1_found step(struct h1_parse *p, struct slice *in, size_t most, struct slice *piece)
{
    switch ((enum state)p->state.at) {
    case LINE:
        return read_first_line(p, in);
    case FIELDS:
        return read_field(p, in);
    case COUNTED:
        return read_counted(p, in, most, piece, WHOLE);
    case TO_CLOSE:
        return read_to_close(in, most, piece);
    case CHUNK_DATA:
        return read_counted(p, in, most, piece, CHUNK_END);
    case CHUNK_SIZE:
    case CHUNK_EXTENSION:
    case CHUNK_SIZE_END:
    case CHUNK_END:
    case CHUNK_END_FEED:
        return read_chunk_byte(p, in);
    case TRAILERS:
        return read_trailer(p, in);
    case WHOLE:
        sm_move(&p->state, OVER);
        return H1_END;
    case OVER:
        return H1_MORE;
    case REFUSED:
        break;
    }
    return H1_BAD;
}

/* What the interim response before it has left in the message. */
static void clear_interim(struct h1_parse *p)
{
    if (p->infos == 0 || p->state.at != LINE || p->message->status == 0)
        return;
    message_init(p->message, p->message->headers.arena);
}

enum h1_found h1_parse_next(struct h1_parse *p, struct slice *in, size_t most, struct slice *piece)
{
    clear_interim(p);
    enum h1_found found = H1_NOTHING;
    while (found == H1_NOTHING)
        found = step(p, in, most, piece);
    return found;
}

enum h1_found h1_parse_closed(struct h1_parse *p)
{
    if (p->state.at == REFUSED)
        return H1_BAD;
    if (p->state.at != TO_CLOSE)
        return p->state.at == OVER ? H1_MORE : refuse(p, H1_CUT_OFF);
    sm_move(&p->state, WHOLE);
    sm_move(&p->state, OVER);
    return H1_END;
}
