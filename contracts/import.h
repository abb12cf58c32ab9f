#ifndef WEFT_CONTRACTS_IMPORT_H
#define WEFT_CONTRACTS_IMPORT_H

/* import - which importer reads this artefact: Swagger 2.0, OpenAPI 3.0 and 3.1, JSON Schema, Avro, protobuf, or facts.
 *
 * An artefact is bytes; the files it refers to come through `read`, so that a disk, a
 * revision in git and a test look alike.  Importers do no I/O of their own.
 *
 * A schema without operations becomes one operation "document" whose request is a value of
 * its type: a writer with the consumer's schema, a reader with the provider's.
 *
 * What an importer does not understand is an unproven() fact; what it cannot read is an
 * error with its place. */
#include "contracts/contract.h"

enum import_format { IMPORT_AUTO, IMPORT_WEFT, IMPORT_OPENAPI, IMPORT_JSCHEMA, IMPORT_AVRO, IMPORT_PROTO };
enum { IMPORT_BYTES = 64 << 20 };

struct import_input {
    enum import_format format;
    const char *name;  /* path, for places and relative references */
    struct slice text; /* the artefact */
    /* A file that the artefact refers to, by path as joined with `name`.  NULL: none may be read.
     * ABSENT, FULL, IO: it cannot be. */
    enum err (*read)(void *arg, const char *path, struct buf *out);
    void *arg;
};

/* The words of --format-in: auto, weft, openapi, jsonschema, avro, proto. */
const char *import_format_name(enum import_format f);
/* By content, the name's ending breaks ties; IMPORT_AUTO: nothing that is known. */
enum import_format import_guess(struct slice text, const char *name);
/* INPUT: complaints are in `diag`. */
MUST_USE enum err import_contract(const struct import_input *in, struct diag *diag, struct contract **out);

/* One a format; `in->format` is its own. */
enum err import_openapi(const struct import_input *in, struct diag *diag, struct contract **out);
enum err import_avro(const struct import_input *in, struct diag *diag, struct contract **out);
enum err import_jschema(const struct import_input *in, struct diag *diag, struct contract **out);
/* A .proto file with what it imports, or a descriptor set. */
enum err import_proto(const struct import_input *in, struct diag *diag, struct contract **out);

/* All .proto files of a folder are one contract; imports are looked for among them. */
struct import_proto_file {
    const char *name; /* below the folder: "a/b.proto" */
    const char *path; /* for places */
    struct slice text;
};
MUST_USE enum err import_proto_files(const char *folder, const struct import_proto_file *files, size_t count,
                                     struct diag *diag, struct contract **out);

#endif
