#ifndef WEFT_DATALOG_DATALOG_H
#define WEFT_DATALOG_DATALOG_H

/* datalog - the face of the logic engine: load a program once, add facts, run under
 * limits, query, explain.
 *
 * The language is Soufflé's core: .decl, facts, rules, negation, comparisons,
 * checked integer arithmetic, aggregates, string functions, disjunction,
 * components.  Stratified; every program ends, unless its text may be open-ended:
 * then limits end it.  The engine knows nothing of contracts or policy, does no I/O
 * and reads no clock.
 *
 * A *program* is immutable after datalog_load and may be shared by threads.  A
 * *run* is one evaluation: its own facts, symbols and relations.
 *
 * Lifetime: a run must be freed before its program.  Text given out by a run lives
 *           as long as it.
 * Threads:  a run belongs to one thread at a time. */
#include "base/diag.h"

struct datalog;
struct datalog_run;

/* A column's value: a 32-bit id (symbols, and records and variants, of which equal ones have equal ids) or a
 * 64-bit integer (number, unsigned, float bits). */
typedef int64_t datalog_word;

enum datalog_type { DATALOG_SYMBOL, DATALOG_NUMBER, DATALOG_UNSIGNED, DATALOG_FLOAT, DATALOG_RECORD };
enum { DATALOG_COLUMNS = 24 };

/* Several texts make one program, in order: a vocabulary, rules, what a user wrote. */
struct datalog_text {
    const char *file;
    struct slice text;
    bool open_ended;  /* its recursive rules may make new values: nothing but a limit is sure to end a run */
    bool facts_only;  /* rules, .decl and directives are refused here (a contract, data) */
    bool no_warnings; /* it is known to be sound */
};
/* INPUT: every error of every text is in `diag`, with its caret. */
MUST_USE enum err datalog_load(const struct datalog_text *texts, size_t count, struct diag *diag, struct datalog **out);
void datalog_free(struct datalog **p);

/* The names that a text's `.include`s give, in order: texts that datalog_load wants, too. */
typedef void datalog_include_fn(void *arg, struct slice name);
void datalog_includes(const struct datalog_text *text, datalog_include_fn *fn, void *arg);

/* A relation's number, or -1. */
int datalog_relation(const struct datalog *p, struct slice name);
size_t datalog_relation_count(const struct datalog *p);
struct slice datalog_relation_name(const struct datalog *p, int rel);
size_t datalog_arity(const struct datalog *p, int rel);
enum datalog_type datalog_column_type(const struct datalog *p, int rel, size_t column);
struct slice datalog_column_name(const struct datalog *p, int rel, size_t column);
bool datalog_is_output(const struct datalog *p, int rel);
bool datalog_is_input(const struct datalog *p, int rel);
bool datalog_is_printsize(const struct datalog *p, int rel);

/* What the texts ask of whoever does their I/O, in order: `.output r(IO=file, delimiter=",")`. */
enum datalog_io { DATALOG_INPUT, DATALOG_OUTPUT, DATALOG_PRINTSIZE };
size_t datalog_directive_count(const struct datalog *p);
enum datalog_io datalog_directive(const struct datalog *p, size_t n, int *rel);
/* A parameter's value, or `otherwise` when it is not given. */
struct slice datalog_directive_value(const struct datalog *p, size_t n, struct slice name, struct slice otherwise);

/* A relation whose value no rule asks for need not be filled in: true when some rule body or output names it. */
bool datalog_asks(const struct datalog *p, int rel);

/* Facts of the program's own texts. */
size_t datalog_fact_count(const struct datalog *p);
/* How many rules have this head, and where the first of them stands (untouched when there is none). */
size_t datalog_rules_of(const struct datalog *p, int rel, const char **file, unsigned *line);

struct datalog_limits {
    uint64_t max_tuples; /* in all relations; 0: 5,000,000 */
    uint64_t max_steps;  /* join steps; 0: 500,000,000 */
    uint64_t max_bytes;  /* of symbols made while running; 0: 64 MiB */
    bool wraps;          /* whole numbers wrap at 32 bits, as Soufflé's do, where they would stop the run */
    bool proofs;         /* keep what datalog_explain needs (about twice the memory) */
};

struct datalog_run *datalog_run_new(const struct datalog *p, const struct datalog_limits *limits);
void datalog_run_free(struct datalog_run **r);
const struct datalog *datalog_run_program(const struct datalog_run *r);
/* Empties every relation but keeps memory: for many small runs of one program. */
void datalog_run_reset(struct datalog_run *r);

/* The id of a symbol, made when it is new. */
datalog_word datalog_symbol(struct datalog_run *r, struct slice text);
/* ABSENT: no such symbol in this run, so no tuple has it. */
MUST_USE enum err datalog_symbol_find(const struct datalog_run *r, struct slice text, datalog_word *out);
struct slice datalog_symbol_text(const struct datalog_run *r, datalog_word symbol);

/* A column's value as files hold it: text without quotes, -7, 1.5, [1, nil], $Leaf(2).  INPUT: it is none. */
MUST_USE enum err datalog_value(struct datalog_run *r, int rel, size_t column, struct slice text, datalog_word *out);
void datalog_put_value(const struct datalog_run *r, int rel, size_t column, datalog_word w, struct buf *out);

/* What a question like `path("a", _)` is about; `_` is INT64_MIN.  INPUT: every error of it is in `diag`. */
MUST_USE enum err datalog_ask(struct datalog_run *r, const struct datalog_text *question, struct diag *diag, int *rel,
                              datalog_word *columns);

/* Before datalog_run_eval.  Twice the same is once. */
void datalog_fact(struct datalog_run *r, int rel, const datalog_word *columns);
/* The same with a place that proofs name; `file` must outlive the run. */
void datalog_fact_at(struct datalog_run *r, int rel, const datalog_word *columns, const char *file, unsigned line);

/* OK.  LIMIT: `*why` says which limit; the relations are incomplete and mean nothing.
 * INPUT: a checked operation failed (overflow, division by zero, to_number of a word); `*why` says where. */
MUST_USE enum err datalog_run_eval(struct datalog_run *r, const char **why);

size_t datalog_count(const struct datalog_run *r, int rel);
bool datalog_has(const struct datalog_run *r, int rel, const datalog_word *columns);
/* Every tuple, sorted by columns (symbols by text); stops when `fn` gives false.  `columns` are good
 * until it returns. */
typedef bool datalog_each_fn(void *arg, const datalog_word *columns);
void datalog_each(const struct datalog_run *r, int rel, datalog_each_fn *fn, void *arg);
/* The tuple as it would be written: `field("Order", "qty")`. */
void datalog_put_tuple(const struct datalog_run *r, int rel, const datalog_word *columns, struct buf *out);

/* Where the rule or the fact stands that gave this tuple first, the last step of its least derivation; `*file` may
 * be NULL (a fact given by datalog_fact).  Needs limits.proofs, and costs a look-up.  false: no such tuple. */
bool datalog_source(const struct datalog_run *r, int rel, const datalog_word *columns, const char **file,
                    unsigned *line);

/* A derivation of minimal height, as an indented tree; needs limits.proofs.
 * Each node: the tuple, and the rule that gave it (`file:line`).  ABSENT: no such tuple.
 * A "fact" leaf may have a place: see datalog_fact_at. */
struct datalog_proof {
    int rel;
    const datalog_word *columns;
    const char *file; /* of the rule or fact; NULL: a fact given by datalog_fact */
    unsigned line;
    struct slice rule;  /* the rule as written; empty: a fact */
    bool negated;       /* a leaf "there is no ..."; unbound columns are INT64_MIN */
    struct slice check; /* a comparison that held, as written with values; then rel is -1 */
    bool above;         /* its derivation stands earlier in the tree already: `first` is NULL */
    struct datalog_proof *first, *next;
};
/* LIMIT: it takes more than max_steps to find. */
MUST_USE enum err datalog_explain(struct datalog_run *r, int rel, const datalog_word *columns, struct arena *arena,
                                  struct datalog_proof **out);
void datalog_put_proof(const struct datalog_run *r, const struct datalog_proof *proof, struct buf *out);

/* Why is there no such tuple?  For each rule of the relation the literals that hold and the first
 * that fails, nearest rule (most literals held) first.  `columns` may have INT64_MIN for "any".
 * EXISTS: there is one.  LIMIT: it takes more than max_steps to find out. */
struct datalog_why_not {
    const char *file;
    unsigned line;
    struct slice rule;   /* as written */
    unsigned held, of;   /* literals that held before the failing one; literals in all */
    struct slice failed; /* the failing literal with what was bound so far */
    struct datalog_why_not *next;
};
MUST_USE enum err datalog_why_not(struct datalog_run *r, int rel, const datalog_word *columns, struct arena *arena,
                                  struct datalog_why_not **out);
void datalog_put_why_not(const struct datalog_why_not *w, struct buf *out);

#endif
