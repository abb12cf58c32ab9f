#include <stdio.h>

#include "cli/args.h"
#include "cli/check_input.h"
#include "cli/commands.h"
#include "cli/show.h"

struct import_flags {
    const char *format_in;
};

static const struct args_flag flags[] = {
    {.name = "format-in",
     .type = ARGS_TEXT,
     .offset = offsetof(struct import_flags, format_in),
     .value = "FORMAT",
     .doc = "what FILE is: auto|weft|openapi|jsonschema|avro|proto (default: told by its content)"},
    {0},
};

static const struct args_command command = {
    .name = "weft import",
    .words = "FILE",
    .summary = "print OpenAPI, JSON Schema, Avro or protobuf as the facts of a contract",
    .flags = flags,
    .min_words = 1,
    .max_words = 1,
    .examples = "  weft import openapi.yaml > orders.weft\n"
                "  weft import git:HEAD~1:api/openapi.yaml\n",
    .details = "FILE is a path, - for standard input, or git:REV:PATH.\n"
               "Exit status: 0 printed, 2 unusable arguments or input.\n",
};

/* One contract: a folder of many has no text that parses back. */
static bool is_one(const struct check_input *in, const char *where, struct diag *diag)
{
    struct diag_place whole = {.file = where};
    if (in->count == 1)
        return true;
    diag_add(diag, DIAG_ERROR, &whole, "name one of them", "there are %zu contracts in it", in->count);
    return false;
}

static int print(const char *where, enum import_format format)
{
    struct diag diag;
    struct check_input in;
    diag_init(&diag);
    bool fine = check_input_load(where, format, &diag, &in) == ERR_OK && is_one(&in, where, &diag);
    show_diag(&diag);
    if (fine)
        show_slice(stdout, contract_text(in.files[0].contract));
    fine = fflush(stdout) == 0 && fine;
    check_input_fini(&in);
    diag_fini(&diag);
    return fine ? 0 : 2;
}

int cmd_import(int argc, char **argv)
{
    struct import_flags f = {0};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    switch (args_parse(&command, argc, argv, &f, words, &count)) {
    case ARGS_SHOWN:
        return 0;
    case ARGS_WRONG:
        return 2;
    case ARGS_GO:
        break;
    }
    enum import_format format;
    if (check_input_format(f.format_in ? f.format_in : "auto", &format) != ERR_OK) {
        fprintf(stderr, "weft import: --format-in is one of auto, weft, openapi, jsonschema, avro, proto; not %s\n",
                f.format_in);
        return 2;
    }
    return print(words[0], format);
}
