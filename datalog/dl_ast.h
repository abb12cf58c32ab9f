#ifndef WEFT_DATALOG_DL_AST_H
#define WEFT_DATALOG_DL_AST_H

/* dl_ast - a program as written: items, clauses, literals, terms.
 *
 * Names are not looked up here; dl_lower does that.  Disjunction is already
 * multiplied out: a clause has several bodies, each a plain conjunction.
 *
 * Lifetime: everything lives in the parser's arena; texts point into the source. */
#include "datalog/dl_lex.h"

enum dl_op {
    DL_ADD,
    DL_SUB,
    DL_MUL,
    DL_DIV,
    DL_MOD,
    DL_BAND,
    DL_BOR,
    DL_BXOR,
    DL_BSHL,
    DL_BSHR,  /* keeps the sign */
    DL_BSHRU, /* does not */
    DL_LAND,
    DL_LOR,
    DL_LXOR,
    DL_POW, /* the last sign between two terms */
    DL_NEG,
    DL_BNOT,
    DL_LNOT,
    DL_CAT,
    DL_STRLEN,
    DL_SUBSTR,
    DL_TO_STRING,
    DL_TO_NUMBER,
    DL_TO_UNSIGNED,
    DL_TO_FLOAT,
    DL_ORD,
    DL_MIN,
    DL_MAX,
    DL_RANGE,   /* has several values */
    DL_AUTOINC, /* has another value each time */
    DL_MAKE,    /* a record of its arguments */
    DL_FIELD,   /* of the record that is its argument */
    DL_OP_COUNT,
};

enum dl_compare { DL_EQ, DL_NE, DL_LT, DL_LE, DL_GT, DL_GE, DL_MATCH, DL_CONTAINS };

enum dl_fold { DL_COUNT, DL_SUM, DL_LEAST, DL_MOST, DL_MEAN };

enum dl_term_kind {
    DL_TERM_VAR,
    DL_TERM_ANY,
    DL_TERM_NUMBER, /* no type of its own yet: 42 may be a number, an unsigned or a float */
    DL_TERM_UNSIGNED,
    DL_TERM_FLOAT,
    DL_TERM_TEXT,
    DL_TERM_CALL,
    DL_TERM_RECORD, /* [a, b], or with a branch as `text` $Name(a, b) */
    DL_TERM_NIL,
    DL_TERM_AS, /* its one argument, held to be of the type `text` */
    DL_TERM_FOLD,
};

struct dl_body;

struct dl_term {
    struct dl_term *next;
    enum dl_term_kind kind;
    struct dl_at at;
    struct slice text; /* name or string */
    uint64_t number;   /* magnitude */
    bool minus;        /* of a number */
    double real;
    enum dl_op op;        /* of a call */
    struct dl_term *args; /* of a call */
    enum dl_fold fold;
    struct dl_term *target; /* of an aggregate; NULL: count */
    struct dl_body *body;   /* of an aggregate */
};

struct dl_literal {
    struct dl_literal *next; /* among the heads of a clause */
    bool is_compare;         /* else an atom */
    bool negated;
    bool counted; /* its variables are, for the warning about lonely ones */
    struct dl_at at;
    struct slice written;
    struct slice name; /* of an atom */
    enum dl_compare compare;
    struct dl_term *args; /* of an atom all, of a comparison two */
};

/* A conjunction. */
struct dl_body {
    struct dl_body *next; /* the other side of `;` */
    unsigned count;
    struct dl_literal **v;
};

struct dl_clause {
    struct dl_literal *heads;
    struct dl_body *bodies; /* NULL: a fact */
    struct dl_at at;
    struct slice written;
};

struct dl_column {
    struct dl_column *next;
    struct slice name, type;
    struct dl_at at, type_at;
};

/* (delimiter=","): one of a directive's parameters. */
struct dl_param {
    struct dl_param *next;
    struct slice name, value;
};

/* [a:number, b:List], or a branch Name { a:number }. */
struct dl_shape {
    struct dl_shape *next;
    struct slice name; /* empty: a record */
    struct dl_at at;
    struct dl_column *fields;
};

struct dl_name {
    struct dl_name *next;
    struct slice text;
    struct dl_at at;
    struct dl_param *params; /* of what is directed */
};

enum { DL_IS_INPUT = 1, DL_IS_OUTPUT = 2, DL_IS_PRINTSIZE = 4 };

enum dl_item_kind { DL_ITEM_CLAUSE, DL_ITEM_DECL, DL_ITEM_TYPE, DL_ITEM_DIRECTIVE, DL_ITEM_COMP, DL_ITEM_INIT };

struct dl_item {
    struct dl_item *next;
    enum dl_item_kind kind;
    struct dl_clause clause;
    struct dl_name *names;     /* what is declared or directed */
    struct dl_column *columns; /* of a .decl */
    unsigned flags;            /* DL_IS_... of a .decl or directive */
    struct dl_name *parts;     /* of a .type: what it is; of .init: the component */
    bool subset;               /* of a .type: `<:` */
    struct dl_shape *shapes;   /* of a .type: a record, or branches; NULL: `parts` */
    struct dl_item *items;     /* of a .comp */
};

/* The op of a word between two terms, as in `x band y`, and how closely it binds: 0 least; false: it is none. */
bool dl_ast_word_op(struct slice name, enum dl_op *op, unsigned *level);
/* The op of a functor's name, with how many arguments it takes; false: no functor has it. */
bool dl_ast_functor(struct slice name, enum dl_op *op, unsigned *least, unsigned *most);
const char *dl_ast_op_text(enum dl_op op);
const char *dl_ast_compare_text(enum dl_compare compare, bool negated);
const char *dl_ast_fold_text(enum dl_fold fold);
const char *dl_ast_type_text(enum datalog_type type);
/* A string as a literal that reads back as the same bytes. */
void dl_ast_put_quoted(struct buf *out, struct slice text);

#endif
