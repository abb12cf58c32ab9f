#include <stdio.h>

#include "cli/args.h"
#include "cli/check_input.h"
#include "cli/commands.h"
#include "cli/show.h"

struct import_flags {
    unsigned format_in;
};

static const char *const formats[] = {"auto", "weft", "openapi", "jsonschema", "avro", NULL};

static const struct args_flag flags[] = {
    {.name = "format-in",
     .type = ARGS_CHOICE,
     .offset = offsetof(struct import_flags, format_in),
     .value = "FORMAT",
     .choices = formats,
     .doc = "what FILE is (default: told by its content)"},
    {0},
};

static const struct args_command command = {
    .name = "weft import",
    .words = "FILE",
    .summary = "print an OpenAPI document, a JSON Schema or an Avro schema as the facts of a contract",
    .flags = flags,
    .min_words = 1,
    .max_words = 1,
    .examples = "  weft import openapi.yaml > orders.weft\n"
                "  weft import git:HEAD~1:api/openapi.yaml\n",
    .details = "FILE is a path, - for standard input, or git:REV:PATH.\n"
               "Exit status: 0 printed, 2 unusable arguments or input.\n",
};

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
    struct diag diag;
    struct contract *c = NULL;
    diag_init(&diag);
    enum err e = check_input_read(words[0], (enum import_format)f.format_in, &diag, &c);
    show_diag(&diag);
    diag_fini(&diag);
    if (e != ERR_OK)
        return 2;
    show_slice(stdout, contract_text(c));
    contract_unref(&c);
    return 0;
}
