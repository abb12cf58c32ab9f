#include "proxy/relay_body.h"

#include <stdio.h>

#include "contracts/shape.h"
#include "contracts/wire/fit_pbjson.h"

struct slice relay_body_media(const struct message *m)
{
    struct slice type = headers_value(&m->headers, HEADERS_CONTENT_TYPE);
    size_t semicolon;
    return slice_trim(slice_find(type, ';', &semicolon) ? slice_to(type, semicolon) : type);
}

/* Does our contract have this body: OPERATION:request:MEDIA, OPERATION:response:STATUS:MEDIA? */
static bool is_described(const struct relay *r, const struct message *m)
{
    char name[512], head[3][24] = {"request"};
    struct slice media = relay_body_media(m);
    if (m->status) {
        snprintf(head[0], sizeof(head[0]), "response:%u", m->status);
        snprintf(head[1], sizeof(head[1]), "response:%uXX", m->status / 100);
        snprintf(head[2], sizeof(head[2]), "response:default");
    }
    for (size_t i = 0; r->snap->contract && i < 3 && head[i][0]; i++) {
        int len =
            snprintf(name, sizeof(name), "%.*s:%s:%.*s", SLICE_FMT(r->inquiry.operation), head[i], SLICE_FMT(media));
        if (len > 0 && (size_t)len < sizeof(name) &&
            shape_position(contract_shape(r->snap->contract), slice_of(name, (size_t)len)))
            return true;
    }
    return false;
}

/* Plans are made for one text; a body of many is one that the contract names. */
bool relay_body_is_json(const struct relay *r, const struct message *m, enum rewrite_framing *framing)
{
    return rewrite_records_framing(relay_body_media(m), framing) && (*framing == REWRITE_WHOLE || is_described(r, m));
}

static bool is_protobuf(struct slice media)
{
    return slice_eq_nocase(media, SLICE("application/protobuf")) ||
           slice_eq_nocase(media, SLICE("application/x-protobuf"));
}

static bool is_grpc(struct slice media)
{
    return slice_eq_nocase(media, SLICE("application/grpc")) || slice_eq_nocase(media, SLICE("application/grpc+proto"));
}

/* Does the call have several messages in this direction?  Who does not know says yes. */
static bool streams(const struct relay *r, bool answer)
{
    const struct contract *c = r->side == RELAY_OUTBOUND ? r->to->consumes : r->snap->contract;
    int op = c ? contract_operation(c, r->inquiry.operation) : -1;
    return op < 0 || contract_operation_streams(c, (size_t)op, answer);
}

enum coding relay_body_message_coding(const struct message *m)
{
    const struct header *said = headers_find(&m->headers, SLICE("grpc-encoding"));
    return !said || slice_eq(said->value, SLICE("identity")) ? CODING_IDENTITY : coding_of(said->value);
}

static const char *frame_protobuf(const struct relay *r, const struct message *m, struct lane *l)
{
    struct slice media = relay_body_media(m);
    size_t most = r->snap->conf.adapt.max_buffer;
    if (is_protobuf(media))
        return NULL;
    if (!is_grpc(media))
        return "The plan is for protobuf, and the body is something else.";
    enum coding coding = relay_body_message_coding(m);
    if (coding == CODING_OTHER)
        return "The messages have a grpc-encoding that cannot be undone and would have to be rewritten.";
    struct lane_grpc grpc = {.coding = coding, .streams = streams(r, m->status != 0), .max_hold = most};
    lane_frame_messages(l, &grpc, (struct rewrite_grpc_ends){0});
    return NULL;
}

const char *relay_body_frame(const struct relay *r, const struct message *m, struct lane *l)
{
    enum rewrite_framing framing;
    if (l->plan && plan_is_protobuf(l->plan))
        return frame_protobuf(r, m, l);
    if (l->rewrite && relay_body_is_json(r, m, &framing))
        lane_frame(l, framing, r->snap->conf.adapt.max_buffer);
    return NULL;
}

enum coding relay_body_coding(const struct message *m)
{
    const struct header *found = NULL;
    for (uint32_t i = 0; i < m->headers.count; i++) {
        const struct header *f = &m->headers.v[i];
        if (f->token != HEADERS_CONTENT_ENCODING)
            continue;
        if (found)
            return CODING_OTHER;
        found = f;
    }
    return found ? coding_of(found->value) : CODING_IDENTITY;
}

static bool validates(const struct relay *r, const struct message *m)
{
    return r->side == RELAY_INBOUND && r->snap->mould && r->inquiry.operation.len && !r->inquiry.audited &&
           relay_body_coding(m) != CODING_OTHER && !message_tunnels(&r->down->in);
}

static struct fit *json_fit(const struct relay *r, const struct message *m)
{
    struct slice operation = r->inquiry.operation;
    const struct mould_node *node = m->status
                                        ? mould_response(r->snap->mould, operation, m->status, relay_body_media(m))
                                        : mould_request(r->snap->mould, operation, relay_body_media(m));
    return node ? fit_json_new(node, r->snap->conf.adapt.max_buffer) : NULL;
}

/* Answers that are no success have a body of their own kind, or none. */
static const struct pbmould_message *message_of(const struct relay *r, const struct message *m)
{
    if (!r->snap->messages || m->status >= 300)
        return NULL;
    return m->status ? pbmould_response(r->snap->messages, r->inquiry.operation)
                     : pbmould_request(r->snap->messages, r->inquiry.operation);
}

void relay_body_check(const struct relay *r, const struct message *m, struct lane *l)
{
    enum rewrite_framing framing;
    struct slice media = relay_body_media(m);
    bool first = m->status != 0; /* what our function says is looked at before it is rewritten */
    if (!validates(r, m) || r->translate.how != TRANSLATE_NOT)
        return;
    const struct pbmould_message *message = message_of(r, m);
    if (rewrite_records_framing(media, &framing) && framing == REWRITE_WHOLE) {
        lane_check(
            l, message ? fit_pbjson_new(r->snap->messages, message, r->snap->conf.adapt.max_buffer) : json_fit(r, m),
            first);
        return;
    }
    if (message && is_protobuf(media)) {
        lane_check(l, fit_pb_new(message), first);
    } else if (message && is_grpc(media)) {
        struct lane_grpc grpc = {.coding = relay_body_message_coding(m),
                                 .streams = streams(r, first),
                                 .max_hold = r->snap->conf.adapt.max_buffer};
        lane_check_grpc(l, message, &grpc, first);
    }
}

/* Is the body of the kind that the plan is for? */
static bool reads(const struct relay *r, const struct message *m, const struct plan *plan)
{
    enum rewrite_framing framing;
    bool kind = plan_is_protobuf(plan) ? is_protobuf(relay_body_media(m)) || is_grpc(relay_body_media(m))
                                       : relay_body_is_json(r, m, &framing);
    return kind && relay_body_coding(m) != CODING_OTHER;
}

/* Messages of gRPC that must be read and cannot be. */
static bool is_sealed(const struct relay *r, const struct message *m, bool rewrites)
{
    bool reads_them = rewrites || (validates(r, m) && message_of(r, m));
    return reads_them && is_grpc(relay_body_media(m)) && relay_body_message_coding(m) == CODING_OTHER;
}

bool relay_body_reads(const struct relay *r, const struct message *m, const struct plan *plan)
{
    if (r->translate.how != TRANSLATE_NOT)
        return relay_body_coding(m) != CODING_OTHER && relay_body_message_coding(m) != CODING_OTHER;
    return (!plan || reads(r, m, plan)) && !is_sealed(r, m, plan != NULL);
}
