#ifndef WEFT_CONTRACTS_CONTRACT_H
#define WEFT_CONTRACTS_CONTRACT_H

/* contract - an interface description as facts: the neutral model.
 *
 * A contract is a set of Datalog facts over contracts/rules/vocabulary.dl.  Its
 * canonical form is the facts sorted, `at` left out, one a line; the SHA-256 of
 * that text is its digest: equal meaning in another order has an equal digest.
 *
 * Lifetime: immutable, shared by reference.
 * Threads:  references may be taken from any thread. */
#include "base/diag.h"
#include "base/hash.h"

struct contract;
struct fact_list;
struct shape;

/* What a peer may send. */
enum { CONTRACT_BYTES = 1 << 20, CONTRACT_FACTS = 100000 };
struct contract_bounds {
    size_t bytes, facts;
};

/* INPUT: all errors are in `diag` (unknown relation with a suggestion, arity, type, dangling
 * names, an operation without a shape, over the bounds). */
MUST_USE enum err contract_parse(struct slice text, const char *file, struct diag *diag, struct contract **out);
/* The same within other bounds, for files that somebody names on a command line. */
MUST_USE enum err contract_parse_within(struct slice text, const char *file, const struct contract_bounds *bounds,
                                        struct diag *diag, struct contract **out);
MUST_USE enum err contract_read(const char *path, struct diag *diag, struct contract **out);
/* Of facts that are there already; takes both, also when it fails.  INPUT: as contract_parse. */
MUST_USE enum err contract_build(struct arena *take_arena, struct fact_list *take_facts, const char *file,
                                 struct diag *diag, struct contract **out);
struct contract *contract_ref(struct contract *c);
void contract_unref(struct contract **c);

struct slice contract_name(const struct contract *c);    /* contract(Name, _) */
struct slice contract_version(const struct contract *c); /* contract(_, Version) */
const struct hash_digest *contract_digest(const struct contract *c);
/* 43 characters of base64url. */
struct slice contract_digest_text(const struct contract *c);
/* The same as fields of HTTP have it: "sha-256=" before it. */
struct slice contract_digest_field(const struct contract *c);
/* The canonical form: parses back to a contract of the same digest. */
struct slice contract_text(const struct contract *c);

/* Operations are numbered from 0 in the order of their names. */
size_t contract_operation_count(const struct contract *c);
struct slice contract_operation_name(const struct contract *c, size_t op);
struct slice contract_operation_method(const struct contract *c, size_t op);   /* empty: not http */
struct slice contract_operation_template(const struct contract *c, size_t op); /* "/orders/{id}" */
bool contract_operation_idempotent(const struct contract *c, size_t op);
/* Has the call several messages in this direction: what is asked, or the answer? */
bool contract_operation_streams(const struct contract *c, size_t op, bool answer);
bool contract_operation_job(const struct contract *c, size_t op);
/* By method and path (no query; {x} matches one segment; a literal segment wins).
 * -1: no operation has it.  -2: one has the path, but not the method. */
int contract_match(const struct contract *c, struct slice method, struct slice path);
int contract_operation(const struct contract *c, struct slice name);
/* Makes now what the first contract_match would make: for contracts of peers, away from the loop. */
void contract_prepare(const struct contract *c);

/* For the checker: the facts, sorted; the types; where a subject is declared. */
bool contract_speaks(const struct contract *c, struct slice dialect);
const struct fact_list *contract_facts(const struct contract *c);
const struct shape *contract_shape(const struct contract *c);
struct contract_place {
    const char *file; /* NULL: not known */
    unsigned line, column;
};
/* Of the nearest subject that has a place: "Order.qty", else "Order", else the contract. */
struct contract_place contract_place(const struct contract *c, struct slice subject);

#endif
