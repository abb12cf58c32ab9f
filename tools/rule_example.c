#include "tools/rule_example.h"

#include "base/buf.h"
#include "contracts/import.h"

#define DOCUMENT "{\"openapi\": \"3.1.0\", \"info\": {\"title\": \"things\", \"version\": \"1.0.0\"}, "
#define POST DOCUMENT "\"paths\": {\"/things\": {\"post\": "
#define DONE "\"responses\": {\"204\": {\"description\": \"done\"}}"
#define CREDENTIALS                                                                                                   \
    ", \"components\": {\"securitySchemes\": {\"key\": {\"type\": \"apiKey\", \"in\": \"header\", \"name\": \"K\"}, " \
    "\"token\": {\"type\": \"http\", \"scheme\": \"bearer\"}}}"
#define FACTS "contract(\"things\", \"1.0.0\").\n"
#define PUT FACTS "operation(\"put\"). http(\"put\", \"PUT\", \"/things\").\n"

/* What stands before and behind the lines. */
static const struct frame {
    const char *name, *words, *before, *after;
    enum import_format format;
} frames[] = {
    {"request", "the body of requests, as JSON Schema",
     POST "{\"requestBody\": {\"required\": true, \"content\": {\"application/json\": {\"schema\": ",
     "}}}, " DONE "}}}}", IMPORT_OPENAPI},
    {"response", "the body of responses, as JSON Schema",
     POST "{\"responses\": {\"200\": {\"description\": \"ok\", \"content\": {\"application/json\": {\"schema\": ",
     "}}}}}}}}", IMPORT_OPENAPI},
    {"operation", "an operation of OpenAPI", POST, "}}" CREDENTIALS "}", IMPORT_OPENAPI},
    {"paths", "the paths of an OpenAPI document", DOCUMENT "\"paths\": ", "}", IMPORT_OPENAPI},
    {"schemes", "a security scheme of an OpenAPI document, which an operation asks for",
     POST "{\"security\": [{\"it\": []}], " DONE "}}}, \"components\": {\"securitySchemes\": {\"it\": ", "}}}",
     IMPORT_OPENAPI},
    {"facts request", "the body of requests, as facts",
     PUT "request(\"put\", \"application/json\", \"Body\").\n"
         "response(\"put\", \"204\", \"\", \"\").\n",
     "\n", IMPORT_WEFT},
    {"facts response", "the body of responses, as facts",
     PUT "response(\"put\", \"200\", \"application/json\", \"Body\").\n", "\n", IMPORT_WEFT},
    {"facts", "an operation, as facts", FACTS, "\n", IMPORT_WEFT},
    {"proto", "a .proto file", "", "\n", IMPORT_PROTO},
    {"moved proto", "a .proto file, first a.proto and then b.proto", "", "\n", IMPORT_PROTO},
};

static const struct frame *frame_of(struct slice name)
{
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
        if (slice_eq(name, slice_str(frames[i].name)))
            return &frames[i];
    return NULL;
}

const char *rule_example_frame_words(struct slice frame)
{
    const struct frame *f = frame_of(frame);
    return f ? f->words : "";
}

/* --- Reading. */

static struct slice first_line(struct slice rest)
{
    struct slice line = {0};
    slice_split(&rest, '\n', &line);
    return line;
}

static void skip_line(struct slice *rest)
{
    struct slice line;
    slice_split(rest, '\n', &line);
}

static void read_head(struct slice head, struct rule_example *out)
{
    struct slice word = {0};
    slice_split(&head, ' ', &out->rule);
    slice_split(&head, ' ', &out->direction);
    out->profile = SLICE("wire");
    if (slice_split(&head, ' ', &word))
        out->profile = word;
    if (slice_split(&head, ' ', &word) && slice_eq(word, SLICE("with")))
        slice_split(&head, ' ', &out->with);
}

/* The lines that begin with the mark, without it. */
static struct slice read_side(struct slice *rest, struct arena *a, const char *mark)
{
    struct slice side = {0};
    for (struct slice line = first_line(*rest); slice_starts(line, slice_str(mark)); line = first_line(*rest)) {
        struct slice text = slice_from(line, 2);
        side = side.len ? arena_putf(a, "%.*s\n%.*s", SLICE_FMT(side), SLICE_FMT(text)) : text;
        skip_line(rest);
    }
    return side;
}

enum err rule_example_next(struct slice *rest, struct arena *a, struct rule_example *out)
{
    *out = (struct rule_example){0};
    while (rest->len && (rest->at[0] == '\n' || rest->at[0] == '#'))
        skip_line(rest);
    if (rest->len == 0)
        return ERR_ABSENT;
    if (!slice_starts(*rest, SLICE("== ")))
        return ERR_INPUT;
    read_head(slice_from(first_line(*rest), 3), out);
    skip_line(rest);
    if (!slice_starts(*rest, SLICE("in ")))
        return ERR_INPUT;
    out->frame = slice_from(first_line(*rest), 3);
    skip_line(rest);
    out->old = read_side(rest, a, "- ");
    out->new = read_side(rest, a, "+ ");
    return frame_of(out->frame) && (out->old.len || out->new.len) ? ERR_OK : ERR_INPUT;
}

/* --- The contracts. */

/* Of a folder, files have names. */
static enum err read_moved(const struct rule_example *e, struct slice side, struct diag *diag, struct contract **out)
{
    bool new = side.at == e->new.at;
    struct import_proto_file file = {.name = new ? "b.proto" : "a.proto", .path = "example", .text = side};
    return import_proto_files("example", &file, 1, diag, out);
}

enum err rule_example_contract(const struct rule_example *e, struct slice side, struct diag *diag,
                               struct contract **out)
{
    const struct frame *f = frame_of(e->frame);
    struct buf text;
    if (slice_eq(e->frame, SLICE("moved proto")))
        return read_moved(e, side, diag, out);
    buf_init(&text, BUF_TEXT_BOUND);
    buf_putf(&text, "%s%.*s%s", f->before, SLICE_FMT(side), f->after);
    struct import_input in = {.format = f->format, .name = "example", .text = buf_slice(&text)};
    enum err err = import_contract(&in, diag, out);
    buf_fini(&text);
    return err;
}
