#ifndef WEFT_DATALOG_DL_RULE_H
#define WEFT_DATALOG_DL_RULE_H

/* dl_rule - a program with every name looked up: relations by number, variables
 * by slot, constants as words.
 *
 * Lifetime: all of it lives in the program's arena and is immutable after
 *           datalog_load.
 * Threads:  may be read by all. */
#include "base/map.h"
#include "base/regex.h"
#include "datalog/dl_ast.h"
#include "datalog/dl_sym.h"
#include "datalog/dl_types.h"

enum {
    DL_RULE_RELATIONS = 4096,
    /* Columns of every literal, and what functors among them need. */
    DL_RULE_SLOTS = 4096,
    DL_RULE_NO_TYPE = -1,
};

/* Stands for "any" where a column is not bound. */
#define DL_RULE_UNBOUND INT64_MIN

enum dl_expr_kind { DL_EXPR_ANY, DL_EXPR_SLOT, DL_EXPR_WORD, DL_EXPR_CALL };

struct dl_expr {
    enum dl_expr_kind kind;
    int type;      /* enum datalog_type; while loading a root of dl_types, or DL_RULE_NO_TYPE */
    int cast;      /* 0, or 1 and the type that `as` says */
    unsigned slot; /* of a FIELD: which */
    datalog_word word;
    const struct dl_term *term; /* while loading: for its place and its digits */
    enum dl_op op;
    struct slice branch; /* of MAKE and FIELD: empty for records */
    unsigned count;
    struct dl_expr *args;
};

enum dl_goal_kind { DL_GOAL_ATOM, DL_GOAL_ABSENT, DL_GOAL_COMPARE, DL_GOAL_FOLD, DL_GOAL_EACH };

struct dl_plan;

/* One literal of a rule. */
struct dl_goal {
    enum dl_goal_kind kind;
    bool hidden;  /* made by us out of a functor among the columns; people do not see it */
    bool negated; /* of match and contains */
    int rel;
    unsigned count;       /* of args */
    struct dl_expr *args; /* atoms: slots, words and any only; comparisons: two; each: what range() takes */
    enum dl_compare compare;
    struct regex *regex; /* of match; owned by the program */
    enum dl_fold fold;
    struct dl_expr result;  /* the slot that an aggregate or a range fills */
    struct dl_expr *target; /* NULL: count */
    unsigned first_local;   /* slots below this one come from outside of the aggregate */
    struct dl_goal *body;
    unsigned body_count;
    struct dl_plan *plan; /* of the body */
    struct dl_at at;
    struct slice written;
};

struct dl_rule {
    uint32_t number;
    int head;
    unsigned arity;
    struct dl_expr *args;
    struct dl_goal *goals;
    unsigned goal_count;
    unsigned shown; /* goals that people see */
    unsigned slot_count;
    struct slice *slot_names;
    int *slot_types; /* as the types of expressions */
    const char *file;
    struct dl_at at;
    struct slice written;
    bool recursive;       /* some positive goal is of the head's own component */
    bool endless;         /* and it makes new values out of that component's */
    struct dl_rule *next; /* while loading */
};

struct dl_relation {
    int number;
    struct slice name;
    unsigned arity;
    unsigned flags; /* DL_IS_... */
    bool asked;
    enum datalog_type types[DATALOG_COLUMNS];
    int declared[DATALOG_COLUMNS]; /* types of dl_types */
    uint32_t mistyped;             /* columns whose type is unknown: complained about once, where they are declared */
    struct slice columns[DATALOG_COLUMNS];
    struct dl_at at;
    unsigned group; /* relations that need each other share one; lower ones come first */
};

/* A fact of the program's texts. */
struct dl_fact {
    int rel;
    const datalog_word *columns;
    const char *file;
    unsigned line;
};

struct dl_guard;

/* Relations that are computed together, and the rules that do it. */
struct dl_group {
    const int *relations;
    unsigned relation_count;
    struct dl_rule **rules;
    unsigned rule_count;
    const int *meets; /* relations that are heads or positive literals of its rules, each once */
    unsigned meet_count;
    struct dl_guard *guard; /* or NULL */
    bool recursive;
};

struct dl_directive {
    int rel;
    unsigned flag;                 /* DL_IS_... */
    const struct dl_param *params; /* last given first */
};

struct datalog {
    struct arena arena;
    struct dl_sym symbols;
    struct dl_types types;
    struct map by_name; /* struct dl_relation */
    struct dl_relation **relations;
    unsigned relation_count;
    struct dl_rule **rules;
    unsigned rule_count;
    struct dl_group *groups;
    unsigned group_count;
    struct dl_fact *facts;
    size_t fact_count;
    size_t fact_cap;
    struct dl_directive *directives;
    size_t directive_count;
    unsigned slot_most; /* of any rule */
    const char **files;
    struct regex **regexes;
    size_t regex_count;
};

#endif
