#include "proxy/reply.h"

#include "base/json_out.h"
#include "http/grpc.h"

struct reply_row {
    const char *word;
    unsigned status;
    const char *what, *fix;
};

#define REPLY_ROW_(name, word_, status_, what_, fix_) {word_, status_, what_, fix_},
static const struct reply_row rows[REPLY_COUNT] = {REPLY_LIST(REPLY_ROW_)};

const char *reply_word(enum reply_word w)
{
    return rows[w].word;
}

unsigned reply_status(enum reply_word w)
{
    return rows[w].status;
}

const char *reply_what(enum reply_word w)
{
    return rows[w].what;
}

const char *reply_fix(enum reply_word w)
{
    return rows[w].fix;
}

enum reply_word reply_find(struct slice word)
{
    for (unsigned i = 0; word.len && i < REPLY_COUNT; i++)
        if (slice_eq(word, slice_str(rows[i].word)))
            return (enum reply_word)i;
    return REPLY_COUNT;
}

static void owner_data(struct transit *t, struct slice bytes)
{
    (void)bytes;
    transit_credit(t, t->owed);
}

static void owner_end(struct transit *t)
{
    (void)t;
}

static void owner_gone(struct transit *t, enum transit_end how)
{
    (void)how;
    transit_free(&t);
}

const struct transit_owner reply_owner = {.data = owner_data, .end = owner_end, .gone = owner_gone};

/* What cannot be sent any more needs no second answer: the exchange is cut instead. */
static void send_all(struct transit *down, struct slice type, struct slice body)
{
    if (transit_answer(down, down->out.status, type, body) != ERR_OK)
        transit_reset(down, TRANSIT_WHY_INTERNAL);
}

static void name_it(struct transit *down, unsigned status, struct slice word, struct slice request_id)
{
    struct headers *h = &down->out.headers;
    down->out.status = status;
    bool fits = headers_add_token(h, HEADERS_WEFT_ERROR, arena_keep(&down->arena, word)) == ERR_OK &&
                (request_id.len == 0 || headers_add_token(h, HEADERS_WEFT_REQUEST_ID, request_id) == ERR_OK) &&
                (status != 401 ||
                 headers_add(h, SLICE("www-authenticate"), SLICE("Bearer error=\"invalid_token\"")) == ERR_OK) &&
                ((status != 503 && status != 429) || headers_add_token(h, HEADERS_RETRY_AFTER, SLICE("1")) == ERR_OK);
    (void)fits; /* a fresh head has room for four fields */
}

/* Trailers-only (gRPC over HTTP/2): the status travels in the one head there is. */
static void refuse_grpc(struct transit *down, unsigned status, struct slice word, struct slice detail)
{
    struct buf message;
    buf_init(&message, BUF_TEXT_BOUND);
    grpc_put_message(&message, detail);
    struct headers *h = &down->out.headers;
    struct slice code = arena_putf(&down->arena, "%u", grpc_status_of(status, word));
    bool fits = headers_add_token(h, HEADERS_CONTENT_TYPE, SLICE("application/grpc")) == ERR_OK &&
                headers_add_token(h, HEADERS_GRPC_STATUS, code) == ERR_OK &&
                headers_add_token(h, HEADERS_GRPC_MESSAGE, arena_keep(&down->arena, buf_slice(&message))) == ERR_OK;
    buf_fini(&message);
    if (slice_eq(word, slice_str(reply_word(REPLY_ENCODING_UNSUPPORTED))))
        fits = fits && headers_add(h, SLICE("grpc-accept-encoding"), SLICE("identity,gzip,deflate")) == ERR_OK;
    down->out.status = 200;
    if (!fits || transit_head(down, true) != ERR_OK)
        transit_reset(down, TRANSIT_WHY_INTERNAL);
}

static void send_problem(struct transit *down, unsigned status, struct slice word, struct slice problem)
{
    if (grpc_is(&down->in))
        refuse_grpc(down, status, word, problem);
    else
        send_all(down, SLICE("application/problem+json"), problem);
}

void reply_trail(struct transit *down, enum reply_word w, struct slice detail)
{
    struct slice word = slice_str(reply_word(w));
    struct buf message;
    buf_init(&message, BUF_TEXT_BOUND);
    grpc_put_message(&message, detail.len ? detail : slice_str(reply_what(w)));
    struct headers *h = &down->out.trailers;
    struct slice code = arena_putf(&down->arena, "%u", grpc_status_of(reply_status(w), word));
    bool fits = headers_add_token(h, HEADERS_GRPC_STATUS, code) == ERR_OK &&
                headers_add_token(h, HEADERS_GRPC_MESSAGE, arena_keep(&down->arena, buf_slice(&message))) == ERR_OK &&
                headers_add_token(h, HEADERS_WEFT_ERROR, word) == ERR_OK;
    buf_fini(&message);
    if (fits)
        transit_finish(down);
    else
        transit_reset(down, TRANSIT_WHY_INTERNAL);
}

void reply_word_text(struct transit *down, unsigned status, struct slice word, struct slice detail)
{
    enum reply_word known = reply_find(word);
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    struct json_out j;
    json_out_init(&j, &text, 0);
    json_out_object(&j);
    json_out_name(&j, "type");
    struct slice type = arena_putf(&down->arena, "urn:weft:error:%.*s", SLICE_FMT(word));
    json_out_slice(&j, type);
    json_out_member(&j, "title", known < REPLY_COUNT ? slice_str(rows[known].what) : word);
    json_out_member_int(&j, "status", status);
    if (detail.len)
        json_out_member(&j, "detail", detail);
    if (known < REPLY_COUNT)
        json_out_member(&j, "fix", slice_str(rows[known].fix));
    json_out_end(&j);
    buf_put_char(&text, '\n');
    name_it(down, status, word, (struct slice){0});
    if (grpc_is(&down->in))
        refuse_grpc(down, status, word, detail.len ? detail : slice_str(reply_what(known < REPLY_COUNT ? known : 0)));
    else
        send_all(down, SLICE("application/problem+json"), buf_slice(&text));
    buf_fini(&text);
}

void reply_refuse(struct transit *down, enum reply_word w, struct slice detail, struct slice request_id)
{
    bool fits =
        request_id.len == 0 || headers_add_token(&down->out.headers, HEADERS_WEFT_REQUEST_ID, request_id) == ERR_OK;
    (void)fits;
    reply_word_text(down, rows[w].status, slice_str(rows[w].word), detail);
}

void reply_problem(struct transit *down, enum reply_word w, struct slice problem, struct slice request_id)
{
    name_it(down, rows[w].status, slice_str(rows[w].word), request_id);
    send_problem(down, rows[w].status, slice_str(rows[w].word), problem);
}

void reply_doc(struct buf *out)
{
    buf_put(out, SLICE("| `weft-error` | HTTP | what happened | what to do |\n|---|---|---|---|\n"));
    for (unsigned i = 0; i < REPLY_COUNT; i++)
        buf_putf(out, "| `%s` | %u | %s | %s |\n", rows[i].word, rows[i].status, rows[i].what, rows[i].fix);
}
