/* A call of JSON to gRPC waits for the trailers before its answer begins, unless the answer is a stream: what the
 * function has ended with decides on the HTTP status.  The other way the answer's HTTP status decides on how the call
 * ends, so the body of an error is held, and said in grpc-message. */
#include "proxy/translate.h"

#include "base/json_out.h"
#include "contracts/json_value.h"
#include "contracts/wire/rewrite_grpc.h"
#include "contracts/wire/transcode_plan.h"
#include "http/grpc.h"
#include "proxy/relay_body.h"

enum { WORDS_MOST = 1000, STATUS_MOST = 16 };

static bool is_json(const struct message *m, bool *lines)
{
    enum rewrite_framing framing;
    bool json = rewrite_records_framing(relay_body_media(m), &framing) && framing != REWRITE_EVENTS;
    *lines = framing == REWRITE_LINES;
    return json;
}

/* ---- the request ---- */

static bool is_adapted(const struct inquiry *q)
{
    return (q->request && plan_is_protobuf(q->request)) || (q->response && plan_is_protobuf(q->response));
}

static enum translate_how how_of(struct translate *t, const struct snapshot *s, const struct inquiry *q,
                                 const struct message *request)
{
    bool speaks_grpc = s->conf.inbound.speaks == PROXY_SPEAKS_GRPC;
    if (!s->messages || q->operation.len == 0 || message_tunnels(request))
        return TRANSLATE_NOT;
    if (grpc_is(request))
        return s->conf.inbound.speaks == PROXY_SPEAKS_JSON ? TRANSLATE_TO_JSON : TRANSLATE_NOT;
    if (!is_json(request, &t->lines))
        return TRANSLATE_NOT;
    if (!speaks_grpc && is_adapted(q) && !t->lines)
        return TRANSLATE_JSON;
    return speaks_grpc ? TRANSLATE_TO_GRPC : TRANSLATE_NOT;
}

/* The caller's types, of its own version when it has shown one, and its name for the call. */
static struct pbmould *types_of_caller(struct snapshot *s, const struct inquiry *q, struct slice *operation)
{
    struct pbmould *theirs = q->verdict && !q->audited ? verdict_types(q->verdict) : NULL;
    *operation = theirs ? q->judged->name : q->operation;
    return theirs ? theirs : s->messages;
}

static bool make_plans(struct translate *t, struct snapshot *s, const struct inquiry *q)
{
    struct slice operation;
    struct pbmould *types = types_of_caller(s, q, &operation);
    bool asks_json = t->how != TRANSLATE_TO_JSON, takes_json = t->how != TRANSLATE_TO_GRPC;
    struct transcode_plan_end caller = {asks_json, types, pbmould_request(types, operation)};
    struct transcode_plan_end function = {takes_json, s->messages, pbmould_request(s->messages, q->operation)};
    if (!caller.message || !function.message)
        return false;
    t->request = transcode_plan_new(q->request, &caller, &function);
    caller.message = pbmould_response(types, operation);
    function.message = pbmould_response(s->messages, q->operation);
    if (!caller.message || !function.message)
        return false;
    t->response = transcode_plan_new(q->response, &function, &caller);
    return true;
}

void translate_init(struct translate *t, struct snapshot *s, const struct inquiry *q, const struct message *request)
{
    translate_fini(t);
    t->how = how_of(t, s, q, request);
    if (t->how == TRANSLATE_NOT)
        return;
    int op = contract_operation(s->contract, q->operation);
    t->asks_often = op >= 0 && contract_operation_streams(s->contract, (size_t)op, false);
    t->answers_often = op >= 0 && contract_operation_streams(s->contract, (size_t)op, true);
    if (op < 0 || !make_plans(t, s, q))
        translate_fini(t);
}

void translate_fini(struct translate *t)
{
    plan_unref(&t->request);
    plan_unref(&t->response);
    *t = (struct translate){0};
}

static void put_plan(const char *title, const struct plan *p, struct buf *out)
{
    if (!p)
        return;
    buf_putf(out, "%s:\n", title);
    plan_put(p, out);
}

void translate_why(const struct translate *t, struct buf *out)
{
    static const char *const words[] = {
        [TRANSLATE_TO_GRPC] = "The caller speaks JSON and the function gRPC",
        [TRANSLATE_TO_JSON] = "The caller speaks gRPC and the function JSON",
        [TRANSLATE_JSON] = "Both speak JSON, of two versions, and meet in protobuf",
    };
    if (t->how == TRANSLATE_NOT)
        return;
    buf_putf(out, "%s.\n", words[t->how]);
    put_plan("request as it is translated", t->request, out);
    put_plan("response as it is translated", t->response, out);
}

void translate_frame_request(const struct translate *t, const struct message *request, size_t max_hold, struct lane *l)
{
    struct lane_grpc grpc = {.coding = relay_body_message_coding(request), .max_hold = max_hold};
    enum rewrite_grpc_framing json =
        t->lines || (t->how == TRANSLATE_TO_JSON && t->asks_often) ? REWRITE_GRPC_LINES : REWRITE_GRPC_ALONE;
    if (t->how == TRANSLATE_TO_GRPC)
        lane_frame_messages(l, &grpc, (struct rewrite_grpc_ends){json, REWRITE_GRPC_FRAMED});
    else if (t->how == TRANSLATE_TO_JSON)
        lane_frame_messages(l, &grpc, (struct rewrite_grpc_ends){REWRITE_GRPC_FRAMED, json});
    l->flows = t->asks_often;
}

/* What is about the body as it was. */
static void forget_body(struct message *m)
{
    static const char *const names[] = {"content-md5",    "digest",        "content-digest", "repr-digest",
                                        "etag",           "accept-ranges", "grpc-encoding",  "grpc-accept-encoding",
                                        "accept-encoding"};
    headers_remove(&m->headers, HEADERS_CONTENT_ENCODING);
    headers_remove(&m->headers, HEADERS_CONTENT_LENGTH);
    headers_remove(&m->headers, HEADERS_RANGE);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        headers_remove_name(&m->headers, slice_str(names[i]));
    m->length = -1;
}

static struct slice json_type(bool lines)
{
    return lines ? SLICE("application/x-ndjson") : SLICE("application/json");
}

static enum err grpc_head(int64_t left_us, struct message *m)
{
    struct buf time;
    TRY(headers_set(&m->headers, HEADERS_CONTENT_TYPE, SLICE("application/grpc")));
    TRY(headers_set(&m->headers, HEADERS_TE, SLICE("trailers")));
    headers_remove(&m->headers, HEADERS_ACCEPT);
    m->path = message_path_only(m);
    if (left_us <= 0 || headers_get(&m->headers, HEADERS_GRPC_TIMEOUT))
        return ERR_OK;
    buf_init(&time, BUF_TEXT_BOUND);
    grpc_put_timeout(&time, left_us);
    struct slice value = arena_keep(m->headers.arena, buf_slice(&time));
    buf_fini(&time);
    return headers_set(&m->headers, HEADERS_GRPC_TIMEOUT, value);
}

enum err translate_request_head(const struct translate *t, int64_t left_us, struct message *m)
{
    if (t->how == TRANSLATE_JSON)
        return ERR_OK;
    forget_body(m);
    if (t->how == TRANSLATE_TO_GRPC)
        return grpc_head(left_us, m);
    headers_remove(&m->headers, HEADERS_TE);
    headers_remove(&m->headers, HEADERS_GRPC_TIMEOUT);
    TRY(headers_set(&m->headers, HEADERS_ACCEPT, json_type(t->answers_often)));
    return headers_set(&m->headers, HEADERS_CONTENT_TYPE, json_type(t->asks_often));
}

/* ---- the answer ---- */

static bool is_good(const struct message *answer)
{
    return answer->status >= 200 && answer->status < 300;
}

static const char *frame_grpc_answer(struct translate *t, const struct message *answer, size_t max_hold, struct lane *l)
{
    struct lane_grpc grpc = {.coding = relay_body_message_coding(answer), .max_hold = max_hold};
    enum rewrite_grpc_framing json = t->answers_often ? REWRITE_GRPC_LINES : REWRITE_GRPC_ALONE;
    if (!grpc_is(answer)) {
        t->failed = true;
        return is_good(answer) ? "The function should speak gRPC, and its answer is something else." : NULL;
    }
    lane_frame_messages(l, &grpc, (struct rewrite_grpc_ends){REWRITE_GRPC_FRAMED, json});
    l->flows = t->answers_often;
    l->waits = !t->answers_often;
    return NULL;
}

static const char *frame_json_answer(struct translate *t, const struct message *answer, size_t max_hold, struct lane *l)
{
    struct lane_grpc grpc = {.max_hold = max_hold};
    bool lines = false;
    bool json = is_json(answer, &lines) || headers_value(&answer->headers, HEADERS_CONTENT_TYPE).len == 0;
    l->waits = true;
    t->failed = !is_good(answer);
    if (t->failed) {
        lane_forget_plan(l);
        return NULL;
    }
    if (!json)
        return "The function should speak JSON, and its answer is something else.";
    lane_frame_messages(
        l, &grpc, (struct rewrite_grpc_ends){lines ? REWRITE_GRPC_LINES : REWRITE_GRPC_ALONE, REWRITE_GRPC_FRAMED});
    l->flows = lines && t->answers_often;
    l->waits = !l->flows;
    l->grpc_status = "0";
    return NULL;
}

const char *translate_frame_answer(struct translate *t, const struct message *answer, size_t max_hold, struct lane *l)
{
    const char *unfit = NULL;
    l->plain = t->how != TRANSLATE_JSON;
    if (t->how == TRANSLATE_TO_GRPC)
        unfit = frame_grpc_answer(t, answer, max_hold, l);
    else if (t->how == TRANSLATE_TO_JSON)
        unfit = frame_json_answer(t, answer, max_hold, l);
    else if (!is_json(answer, &t->lines) || t->lines || !is_good(answer))
        lane_forget_plan(l);
    if (t->failed && t->how == TRANSLATE_TO_GRPC)
        lane_forget_plan(l);
    return unfit;
}

/* What a gRPC function has ended with, as the caller's problem (RFC 9457). */
static void put_problem(const struct translate *t, const struct message *answer, struct buf *out)
{
    struct json_out j;
    struct buf said;
    const struct header *message = headers_get(&answer->trailers, HEADERS_GRPC_MESSAGE);
    if (!message)
        message = headers_get(&answer->headers, HEADERS_GRPC_MESSAGE);
    buf_init(&said, BUF_TEXT_BOUND);
    if (message)
        grpc_read_message(&said, message->value);
    json_out_init(&j, out, 0);
    json_out_object(&j);
    json_out_member(&j, "type", SLICE("about:blank"));
    json_out_member(&j, "title", slice_str(grpc_status_name(t->status)));
    json_out_member_int(&j, "status", grpc_http_status(t->status));
    if (buf_len(&said))
        json_out_member(&j, "detail", buf_slice(&said));
    json_out_member_int(&j, "grpc_status", t->status);
    json_out_end(&j);
    buf_fini(&said);
}

static const char *end_grpc_answer(struct translate *t, const struct message *answer, struct lane *l)
{
    const struct header *status = headers_get(&answer->trailers, HEADERS_GRPC_STATUS);
    uint64_t n;
    if (t->failed)
        return NULL; /* it never was gRPC */
    if (!status)
        status = headers_get(&answer->headers, HEADERS_GRPC_STATUS);
    if (!status || slice_u64(status->value, UINT32_MAX, &n) != ERR_OK)
        return "The answer of gRPC ends without a grpc-status.";
    t->status = (unsigned)n;
    t->failed = n != 0;
    if (!t->failed)
        return NULL;
    struct buf problem;
    buf_init(&problem, BUF_TEXT_BOUND);
    bool begun = l->open; /* then it is a line of its own behind those that have gone out */
    buf_put(&problem, begun ? SLICE("{\"error\":") : SLICE(""));
    put_problem(t, answer, &problem);
    buf_put(&problem, begun ? SLICE("}\n") : SLICE("\n"));
    lane_say(l, buf_slice(&problem));
    buf_fini(&problem);
    return NULL;
}

/* The first of these members that is a text. */
static struct slice words_of(const struct json_value *j)
{
    static const char *const names[] = {"detail", "message", "title", "error"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct json_value *v = json_value_member(j, slice_str(names[i]));
        if (v && v->kind == JSON_STRING)
            return v->text;
    }
    return (struct slice){0};
}

/* A problem of ours that has come back says which status it was. */
static unsigned status_of(const struct json_value *j, unsigned http_status)
{
    const struct json_value *v = json_value_member(j, SLICE("grpc_status"));
    uint64_t n;
    bool said = v && v->kind == JSON_NUMBER && slice_u64(v->text, STATUS_MOST, &n) == ERR_OK && n > 0;
    return said ? (unsigned)n : grpc_status_of_answer(http_status);
}

/* What the function had to say of its failure. */
static void end_failed_answer(struct translate *t, const struct message *answer, struct arena *keep, struct lane *l)
{
    struct arena arena;
    const struct json_value *j = NULL;
    struct buf said;
    arena_init(&arena, 0);
    buf_init(&said, BUF_TEXT_BOUND);
    bool read = json_value_read(buf_slice(&l->pending), &arena, &j) == ERR_OK && j->kind == JSON_OBJECT;
    struct slice words = read ? words_of(j) : (struct slice){0};
    t->status = read ? status_of(j, answer->status) : (unsigned)grpc_status_of_answer(answer->status);
    if (words.len)
        grpc_put_message(&said, slice_to(words, WORDS_MOST));
    else
        buf_putf(&said, "the function has answered with HTTP status %u", answer->status);
    t->words = arena_keep(keep, buf_slice(&said));
    lane_say(l, SLICE(""));
    buf_fini(&said);
    arena_fini(&arena);
}

const char *translate_end_answer(struct translate *t, const struct message *answer, struct arena *keep, struct lane *l)
{
    if (t->how == TRANSLATE_TO_GRPC)
        return end_grpc_answer(t, answer, l);
    if (t->how == TRANSLATE_TO_JSON && t->failed)
        end_failed_answer(t, answer, keep, l);
    return NULL;
}

/* ---- the head of the answer ---- */

static enum err json_head(const struct translate *t, const struct lane *l, struct message *m)
{
    bool problem = t->failed;
    forget_body(m);
    headers_remove(&m->headers, HEADERS_GRPC_STATUS);
    headers_remove(&m->headers, HEADERS_GRPC_MESSAGE);
    headers_remove(&m->headers, HEADERS_TRAILER);
    headers_remove_name(&m->headers, SLICE("grpc-status-details-bin"));
    m->status = problem ? grpc_http_status(t->status) : 200;
    if (l->ended)
        TRY(headers_set(&m->headers, HEADERS_CONTENT_LENGTH,
                        arena_putf(m->headers.arena, "%zu", buf_len(&l->pending))));
    return headers_set(&m->headers, HEADERS_CONTENT_TYPE,
                       problem ? SLICE("application/problem+json") : json_type(t->answers_often));
}

/* All in the one head: the status, and what the function had to say. */
static enum err failed_head(const struct translate *t, struct message *m)
{
    TRY(headers_set(&m->headers, HEADERS_GRPC_STATUS, arena_putf(m->headers.arena, "%u", t->status)));
    return headers_set(&m->headers, HEADERS_GRPC_MESSAGE, t->words);
}

enum err translate_answer_head(const struct translate *t, const struct lane *l, struct message *m)
{
    if (t->how == TRANSLATE_TO_GRPC)
        return t->failed && t->status == 0 ? ERR_OK : json_head(t, l, m);
    if (t->how != TRANSLATE_TO_JSON)
        return ERR_OK;
    forget_body(m);
    m->status = 200;
    TRY(headers_set(&m->headers, HEADERS_CONTENT_TYPE, SLICE("application/grpc")));
    return t->failed ? failed_head(t, m) : ERR_OK;
}
