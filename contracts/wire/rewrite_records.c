#include "contracts/wire/rewrite_records.h"

#include "base/mem.h"
#include "contracts/wire/rewrite_format.h"
#include "contracts/wire/rewrite_grpc.h"
#include "contracts/wire/rewrite_pb.h"
#include "contracts/wire/rewrite_stages.h"

/* Where in a line. */
enum where {
    AT_FIELD,    /* events: before the colon of "data:", as far as it went */
    BEFORE_TEXT, /* nothing but blanks of a text has come */
    IN_TEXT,
    IN_OTHER, /* a line that is passed as it is */
};

struct rewrite_records {
    struct rewrite shared;
    enum rewrite_framing framing;
    size_t max_hold;
    enum where where;
    size_t matched; /* of "data:" */
    struct rewrite *text;
    uint64_t offset, begin; /* in the body: the next byte; the first of the text under way */
    uint64_t number;        /* of texts so far */
};

static const char field[] = "data:";
enum { FIELD = sizeof(field) - 1 };

static struct rewrite_records *records_of(struct rewrite *r)
{
    return (struct rewrite_records *)r;
}

static void begin_line(struct rewrite_records *r)
{
    r->where = r->framing == REWRITE_EVENTS ? AT_FIELD : BEFORE_TEXT;
    r->matched = 0;
}

static enum err full(struct rewrite_records *r)
{
    buf_putf(&r->shared.fault, "no room for what goes out (byte %llu)", (unsigned long long)r->offset);
    buf_text(&r->shared.fault);
    r->shared.offset = r->offset;
    return ERR_FULL;
}

static enum err pass(struct rewrite_records *r, struct slice bytes, struct buf *out)
{
    if (buf_add(out, bytes) != ERR_OK)
        return full(r);
    r->offset += bytes.len;
    return ERR_OK;
}

/* The text's own fault, and which text it is. */
static enum err text_failed(struct rewrite_records *r, enum err e)
{
    r->shared.offset = r->begin + rewrite_offset(r->text);
    buf_putf(&r->shared.fault, "text %llu: %s", (unsigned long long)r->number, rewrite_fault(r->text));
    buf_text(&r->shared.fault);
    return e;
}

static enum err end_text(struct rewrite_records *r, struct buf *out)
{
    if (!r->text)
        return ERR_OK;
    enum err e = rewrite_finish(r->text, out);
    if (e != ERR_OK)
        return text_failed(r, e);
    for (size_t i = 0; i < plan_count(r->shared.plan); i++)
        r->shared.applied[i] += rewrite_applied(r->text)[i];
    rewrite_free(&r->text);
    return ERR_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static size_t blanks(struct slice s)
{
    size_t n = 0;
    while (n < s.len && is_blank(s.at[n]))
        n++;
    return n;
}

static enum err take_blanks(struct rewrite_records *r, struct slice *part, struct buf *out)
{
    size_t n = blanks(*part);
    TRY(pass(r, slice_to(*part, n), out));
    *part = slice_from(*part, n);
    if (part->len == 0)
        return ERR_OK;
    r->where = IN_TEXT;
    r->text = rewrite_json_new(r->shared.plan, r->max_hold);
    r->begin = r->offset;
    r->number++;
    return ERR_OK;
}

/* The name of the field, byte by byte; any other makes it a line that is passed. */
static enum err take_field(struct rewrite_records *r, struct slice *part, struct buf *out)
{
    size_t n = 0;
    while (n < part->len && r->matched < FIELD && part->at[n] == field[r->matched]) {
        n++;
        r->matched++;
    }
    TRY(pass(r, slice_to(*part, n), out));
    *part = slice_from(*part, n);
    if (r->matched == FIELD)
        r->where = BEFORE_TEXT;
    else if (part->len)
        r->where = IN_OTHER;
    return ERR_OK;
}

/* A part of one line, without its end. */
static enum err take_part(struct rewrite_records *r, struct slice part, struct buf *out)
{
    while (part.len) {
        switch (r->where) {
        case AT_FIELD:
            TRY(take_field(r, &part, out));
            break;
        case BEFORE_TEXT:
            TRY(take_blanks(r, &part, out));
            break;
        case IN_TEXT: {
            enum err e = rewrite_feed(r->text, part, out);
            if (e != ERR_OK)
                return text_failed(r, e);
            r->offset += part.len;
            return ERR_OK;
        }
        case IN_OTHER:
            return pass(r, part, out);
        }
    }
    return ERR_OK;
}

static enum err feed(struct rewrite *shared, struct slice bytes, struct buf *out)
{
    struct rewrite_records *r = records_of(shared);
    size_t at;
    while (slice_find(bytes, '\n', &at)) {
        TRY(take_part(r, slice_to(bytes, at), out));
        TRY(end_text(r, out));
        TRY(pass(r, SLICE("\n"), out));
        begin_line(r);
        bytes = slice_from(bytes, at + 1);
    }
    return take_part(r, bytes, out);
}

static enum err finish(struct rewrite *shared, struct buf *out)
{
    return end_text(records_of(shared), out);
}

static void fini(struct rewrite *shared)
{
    rewrite_free(&records_of(shared)->text);
}

static const struct rewrite_format records_format = {.feed = feed, .finish = finish, .fini = fini};

bool rewrite_records_framing(struct slice media, enum rewrite_framing *out)
{
    static const char *const lines[] = {"application/x-ndjson", "application/ndjson", "application/jsonl",
                                        "application/x-jsonlines"};
    bool json = slice_eq_nocase(media, SLICE("application/json")) ||
                (media.len > 5 && slice_eq_nocase(slice_from(media, media.len - 5), SLICE("+json")));
    *out = REWRITE_WHOLE;
    if (slice_eq_nocase(media, SLICE("text/event-stream")))
        *out = REWRITE_EVENTS;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (slice_eq_nocase(media, slice_str(lines[i])))
            *out = REWRITE_LINES;
    return json || *out != REWRITE_WHOLE;
}

struct rewrite *rewrite_records_new(struct plan *plan, size_t max_hold, enum rewrite_framing framing)
{
    bool lines = framing == REWRITE_LINES && (plan_reads_json(plan) != plan_writes_json(plan));
    if (framing == REWRITE_GRPC || lines) {
        struct rewrite_grpc_ends ends = {
            .in = plan_reads_json(plan) ? REWRITE_GRPC_LINES : REWRITE_GRPC_FRAMED,
            .out = plan_writes_json(plan) ? REWRITE_GRPC_LINES : REWRITE_GRPC_FRAMED,
        };
        return rewrite_grpc_new(plan, max_hold, NULL, ends);
    }
    if (plan_is_protobuf(plan))
        return plan_stages(plan) == 1 && !plan_reads_json(plan) && !plan_writes_json(plan)
                   ? rewrite_pb_new(plan, max_hold)
                   : rewrite_stages_new(plan, max_hold);
    if (framing == REWRITE_WHOLE)
        return rewrite_json_new(plan, max_hold);
    struct rewrite_records *r = mem_new(sizeof(*r));
    rewrite_init(&r->shared, &records_format, plan);
    r->framing = framing;
    r->max_hold = max_hold;
    begin_line(r);
    return &r->shared;
}
