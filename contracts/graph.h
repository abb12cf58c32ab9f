#ifndef WEFT_CONTRACTS_GRAPH_H
#define WEFT_CONTRACTS_GRAPH_H

/* graph - what an evaluated run says about a pair: differences, where they are, and the
 * ways that lead there from each operation.
 *
 * A node is a writer's subject meeting a reader's in one direction.  Only nodes that
 * lead to a difference or a widening are here, so most pairs give an empty graph.
 *
 * Lifetime: lives in the arena; texts point into the run. */
#include "base/map.h"
#include "contracts/verdict.h"
#include "datalog/datalog.h"

struct graph_step {
    enum plan_op op;
    struct slice name, becomes, value, why;
};

struct graph_difference {
    struct graph_difference *next;
    struct graph_node *node;
    enum verdict_level level; /* without a step */
    struct slice kind, from, to, sent, read;
    const struct graph_step *step; /* NULL: nothing bridges it */
    datalog_word columns[9];
};

/* MOVED: its name is a path; WRAP: the writer's value to the reader's element; HEAD: the writer's element. */
enum graph_way {
    GRAPH_TYPE,
    GRAPH_MEMBER,
    GRAPH_ITEM,
    GRAPH_KEY,
    GRAPH_VALUE,
    GRAPH_BRANCH,
    GRAPH_MOVED,
    GRAPH_WRAP,
    GRAPH_HEAD,
};

struct graph_edge {
    struct graph_edge *next;
    enum graph_way way;
    struct slice name; /* the member, as the writer calls it */
    struct graph_node *to;
};

struct graph_node {
    enum verdict_direction direction;
    struct slice writer, reader;
    struct graph_edge *edges;
    struct graph_difference *differences;
    struct slice widened; /* "int32 -> int64", or empty */
    bool differs;         /* here or further in */
    bool entered;         /* by a walk under way */
    unsigned walk;        /* the last walk that came by */
};

/* A body or a parameter of an operation; `next` is the operation's next. */
struct graph_root {
    struct graph_root *next;
    struct slice operation, status, media;
    bool body; /* else a parameter */
    bool fits;
    struct graph_node *node;
};

struct graph_surface {
    struct graph_surface *next;
    enum verdict_level level;
    struct slice kind, operation, consumer, provider, was, now, witness;
    bool spanned; /* steps on the head put it right */
    datalog_word columns[8];
};

/* A step on the head of an operation's requests or responses. */
struct graph_head {
    struct graph_head *next;
    enum verdict_direction direction;
    enum plan_op op;
    struct slice from, to, why;
};

/* What another tool calls it. */
struct graph_name {
    struct graph_name *next;
    struct slice name;
};

struct graph_kind {
    struct slice rule, message, fix;
    const struct graph_name *names; /* what other tools call it, wherever it is */
};

struct graph {
    struct datalog_run *run;
    struct arena *arena;
    struct map nodes;
    struct map kinds;  /* by kind and direction */
    struct map names;  /* of differences and surfaces, to struct graph_name */
    struct map called; /* of differences of one kind */
    struct map served; /* the consumer's operation to the provider's */
    struct map roots;  /* operation to its roots */
    struct map heads;  /* operation to its steps on heads */
    struct graph_surface *surfaces;
    int difference, clash, surface, incompat, at_odds, unstable, fits; /* relations */
};

/* PRE: the run is evaluated.  Without plans no difference has a step. */
void graph_init(struct graph *g, struct datalog_run *run, struct arena *arena, bool plans);
void graph_fini(struct graph *g);
/* The row of rules/kinds.dl or kinds_proto.dl. */
const struct graph_kind *graph_kind(const struct graph *g, struct slice kind, enum verdict_direction direction);
/* The provider's operation that serves the consumer's; empty: none. */
struct slice graph_served(const struct graph *g, struct slice operation);
/* NULL: no body and no parameter meets another. */
struct graph_root *graph_roots(const struct graph *g, struct slice operation);
/* NULL: none. */
const struct graph_head *graph_heads(const struct graph *g, struct slice operation);
/* The consumer was promised nothing of it. */
bool graph_unstable(const struct graph *g, struct slice operation);
bool graph_changed(const struct graph *g, struct slice operation);
/* What other tools call it; NULL: nothing is known. */
const struct graph_name *graph_names(const struct graph *g, const struct graph_difference *d);
const struct graph_name *graph_surface_names(const struct graph *g, const struct graph_surface *s);
const char *graph_direction_name(enum verdict_direction d);

#endif
