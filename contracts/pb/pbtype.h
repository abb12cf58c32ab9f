#ifndef WEFT_CONTRACTS_PB_PBTYPE_H
#define WEFT_CONTRACTS_PB_PBTYPE_H

/* pbtype - the messages and enums of one side of a protobuf pair, for C to walk.
 *
 * Extensions stand among the fields of the message that they extend, and a map is a repeated message with a key
 * and a value, as both are on the wire.
 *
 * Lifetime: caller's memory; what it holds lives in the arena, and its texts in the contract.
 * Threads:  belongs to one: climbs leave their stamps. */
#include "base/arena.h"
#include "base/map.h"
#include "contracts/contract.h"
#include "contracts/fact.h"

enum pbtype_kind {
    PBTYPE_BOOL,
    PBTYPE_INT32,
    PBTYPE_INT64,
    PBTYPE_UINT32,
    PBTYPE_UINT64,
    PBTYPE_SINT32,
    PBTYPE_SINT64,
    PBTYPE_FIXED32,
    PBTYPE_FIXED64,
    PBTYPE_SFIXED32,
    PBTYPE_SFIXED64,
    PBTYPE_FLOAT,
    PBTYPE_DOUBLE,
    PBTYPE_ENUM,
    PBTYPE_STRING,
    PBTYPE_BYTES,
    PBTYPE_MESSAGE,
};

struct pbtype_enum {
    struct slice name;
    const struct fact *symbols; /* symbol(enum, name, number), one behind the other */
    size_t count;
    bool open;
    struct pbtype_field *users; /* fields of this type, by next_user */
    int64_t first;              /* the value that stands for none */
};

struct pbtype_message {
    struct slice name;           /* empty: of a map's entries */
    struct pbtype_field *fields; /* by number */
    struct pbtype_field *users;  /* fields of this type, by next_user */
    /* Operations that ask with it, and that answer with it, as the consumer numbers them; -1: it has no such. */
    int *asked, *served;
    size_t asked_count, served_count;
    unsigned stamp; /* of the last climb that came by */
    bool called;    /* an operation's request or response holds it */
    bool declared;  /* else only its name is known */
    bool is_set;    /* a message set, which is written otherwise */
};

struct pbtype_field {
    struct pbtype_field *next, *next_user;
    struct pbtype_message *message; /* that has it */
    struct slice name, json;
    int64_t number;
    enum pbtype_kind kind;
    struct pbtype_message *sub; /* of PBTYPE_MESSAGE */
    struct pbtype_enum *values; /* of PBTYPE_ENUM */
    struct slice oneof;         /* empty: in none */
    struct slice otherwise;     /* its own default, as it was written; empty: none */
    bool repeated, map, required, group;
    bool has_presence; /* absent is another thing than zero */
    bool is_text;      /* strings are checked to be UTF-8 */
};

struct pbtype {
    struct map messages, enums; /* by full name */
    struct arena *arena;
};

/* PRE: the contract speaks protobuf.  Operations are numbered as `consumer` has them. */
void pbtype_init(struct pbtype *t, const struct contract *c, const struct contract *consumer, struct arena *arena);
void pbtype_fini(struct pbtype *t);
/* NULL: there is none. */
struct pbtype_message *pbtype_message(const struct pbtype *t, struct slice name);
struct pbtype_enum *pbtype_enum(const struct pbtype *t, struct slice name);
struct pbtype_field *pbtype_number(const struct pbtype_message *m, int64_t number);
struct pbtype_field *pbtype_name(const struct pbtype_message *m, struct slice name);
/* Of a subject "pkg.Message.field" or "[pkg.Message].pkg.extension". */
struct pbtype_field *pbtype_subject(const struct pbtype *t, struct slice subject);
/* NULL: the number has no name. */
const struct fact *pbtype_symbol(const struct pbtype_enum *e, int64_t number);
const struct fact *pbtype_symbol_named(const struct pbtype_enum *e, struct slice name);

#endif
