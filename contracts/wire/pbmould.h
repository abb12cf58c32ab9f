#ifndef WEFT_CONTRACTS_WIRE_PBMOULD_H
#define WEFT_CONTRACTS_WIRE_PBMOULD_H

/* pbmould - the messages of one protobuf contract, made ready so that a reader finds a field at once: by number to
 * hold bodies against it (fit_pb), by name to write them in the other encoding (transcode).
 *
 * Lifetime: keeps a reference on the contract; shared by reference.
 * Threads:  immutable once made; references may be taken from any thread. */
#include "contracts/contract.h"
#include "contracts/pb/pbtype.h"
#include "contracts/pb/pbwire.h"
#include "contracts/wire/json_names.h"

enum { PBMOULD_DIRECT = 32 };

struct pbmould_symbol {
    int64_t number;
    struct slice name;
};

struct pbmould_enum {
    const struct pbtype_enum *type;
    struct pbmould_symbol *by_number; /* sorted; of one number the first that the contract has */
    size_t count;
    struct map by_name; /* to struct pbmould_symbol */
};

/* Messages whose JSON is not that of their fields. */
enum pbmould_known {
    PBMOULD_PLAIN,
    PBMOULD_ANY,
    PBMOULD_TIMESTAMP,
    PBMOULD_DURATION,
    PBMOULD_FIELD_MASK,
    PBMOULD_STRUCT,
    PBMOULD_VALUE,
    PBMOULD_LIST_VALUE,
    PBMOULD_WRAPPER, /* the kind of its one field is `wrapped` */
    PBMOULD_EMPTY,
};

struct pbmould_field {
    const struct pbtype_field *type;
    struct slice member; /* its name in JSON as it is written there, with quotes and colon */
    uint32_t number;
    uint32_t place; /* among the message's fields */
    enum pbtype_kind kind;
    enum pbwire_type wire;
    bool repeated, packs; /* packs: may also stand in one run */
    bool is_text;         /* UTF-8 is checked */
    bool required;
    uint32_t required_bit; /* among the required ones */
    uint32_t oneof;        /* 1 and up; 0: none */
    const struct pbmould_message *sub;
    const struct pbmould_enum *values; /* of enums */
};

struct pbmould_name {
    const struct pbmould_field *field; /* NULL: free */
    struct slice name;
    uint64_t hash; /* json_names_hash of it */
};

struct pbmould_message {
    struct slice name; /* empty: of a map's entries */
    const struct pbtype_message *type;
    enum pbmould_known known;
    enum pbtype_kind wrapped;
    bool blank;                   /* its fields are not known: whatever it holds passes */
    struct pbmould_field *fields; /* by number */
    size_t count, required_count, oneof_count;
    const struct pbmould_field *direct[PBMOULD_DIRECT]; /* of low numbers */
    struct pbmould_name *names;   /* in JSON, and as they were written; by hash: open addressing */
    size_t name_cap;              /* a power of two, or 0 */
    struct pbmould_message *next; /* to be filled */
};

struct pbmould;

/* NULL: the contract does not speak protobuf. */
struct pbmould *pbmould_new(struct contract *c);
struct pbmould *pbmould_ref(struct pbmould *m);
void pbmould_unref(struct pbmould **m);

struct contract *pbmould_contract(const struct pbmould *m);
/* NULL: there is none. */
const struct pbmould_message *pbmould_message(const struct pbmould *m, struct slice name);
const struct pbmould_message *pbmould_request(const struct pbmould *m, struct slice operation);
const struct pbmould_message *pbmould_response(const struct pbmould *m, struct slice operation);

const struct pbmould_field *pbmould_field_seldom(const struct pbmould_message *m, uint32_t number);
/* NULL: it is not known. */
static inline const struct pbmould_field *pbmould_field(const struct pbmould_message *m, uint32_t number)
{
    return number < PBMOULD_DIRECT ? m->direct[number] : pbmould_field_seldom(m, number);
}
/* `hash` is json_names_hash of the name. */
static inline const struct pbmould_field *pbmould_named(const struct pbmould_message *m, struct slice name,
                                                        uint64_t hash)
{
    for (size_t i = hash & (m->name_cap - 1); m->name_cap && m->names[i].field; i = (i + 1) & (m->name_cap - 1))
        if (m->names[i].hash == hash && json_names_same(m->names[i].name, name))
            return m->names[i].field;
    return NULL;
}
/* NULL: the number has no name, the name no number. */
const struct pbmould_symbol *pbmould_symbol(const struct pbmould_enum *e, int64_t number);
const struct pbmould_symbol *pbmould_symbol_named(const struct pbmould_enum *e, struct slice name);

#endif
