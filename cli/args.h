#ifndef WEFT_CLI_ARGS_H
#define WEFT_CLI_ARGS_H

/* args - flags from a table; the help text from the same table.
 *
 * "--name value", "--name=value", "-x value", "--" ends flags; flags and words may
 * mix.  --help prints the help; a wrong flag names the nearest right one.
 *
 * Lifetime: everything points into argv or the tables. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum args_type {
    ARGS_SWITCH, /* bool */
    ARGS_TEXT,   /* const char * */
    ARGS_COUNT,  /* uint64_t */
    ARGS_CHOICE, /* unsigned: index into `choices` */
    ARGS_TEXTS,  /* struct args_texts: may be given several times */
};

enum { ARGS_TEXTS_MOST = 64, ARGS_WORDS_MOST = 256 };

struct args_texts {
    const char *v[ARGS_TEXTS_MOST];
    size_t count;
};

struct args_flag {
    const char *name; /* without the dashes; NULL ends the table */
    char letter;      /* 0: none */
    enum args_type type;
    size_t offset;
    const char *value;          /* "FILE", "N"; for people */
    const char *const *choices; /* NULL-terminated */
    const char *doc;
};

struct args_command {
    const char *name;    /* "weft check" */
    const char *words;   /* "OLD NEW" */
    const char *summary; /* one sentence */
    const struct args_flag *flags;
    unsigned min_words, max_words;
    const char *examples; /* lines, or NULL */
    const char *details;  /* lines: exit statuses and the like, or NULL */
};

enum args_result {
    ARGS_GO,    /* parsed */
    ARGS_SHOWN, /* --help was printed: exit 0 */
    ARGS_WRONG, /* one line on stderr said what: exit 2 */
};

/* argv[0] is skipped.  `into` holds the presets already. */
enum args_result args_parse(const struct args_command *command, int argc, char **argv, void *into, const char **words,
                            size_t *word_count);
void args_help(const struct args_command *command);

#endif
