#ifndef WEFT_CLI_CHECK_INPUT_H
#define WEFT_CLI_CHECK_INPUT_H

/* check_input - contracts from where a person says they are: a file, a folder, "-" (standard input), or
 * "git:REV:PATH", a file or folder as it stands in a revision.
 *
 * Files that a file refers to come from the same place.  Of a folder every file counts whose ending is one of
 * contracts (weft, yaml, yml, json, avsc, proto, binpb ...), hidden ones excepted; .proto files of one folder are
 * one contract together.
 *
 * Lifetime: caller's memory; check_input_fini is safe on a zeroed one. */
#include "contracts/import.h"

struct check_input_file {
    const char *path; /* below the folder; "" for a single file */
    struct contract *contract;
};

struct check_input {
    struct arena arena;
    const char *revision; /* of git; NULL: the disk */
    bool folder;
    struct check_input_file *files; /* by path */
    size_t count, cap;
};

/* "openapi", also "jschema" and other short names.  INPUT: no such format. */
MUST_USE enum err check_input_format(const char *word, enum import_format *out);
/* INPUT: complaints are in `diag`. */
MUST_USE enum err check_input_load(const char *where, enum import_format format, struct diag *diag,
                                   struct check_input *out);
void check_input_fini(struct check_input *in);
/* NULL: there is no such path. */
struct contract *check_input_find(const struct check_input *in, const char *path);

#endif
