#ifndef WEFT_CONTRACTS_WIRE_PLAN_H
#define WEFT_CONTRACTS_WIRE_PLAN_H

/* plan - adaptation steps in order: how one body becomes the other.
 *
 * A plan is a tree shaped like the data: at a path stand the steps for the object
 * there.  Paths are member names; "[]" is every element of an array, "{}" every
 * value of a map, "(kind=card)" the same value when it is of that branch of a union
 * (plan_branch); in a name `~` is written ~0, `/` ~1 and a first `(` ~2 (plan_put_name).  Paths and
 * `from` are names as they come in, so steps do not see each other's work: a -> b
 * beside b -> a swaps the two.  Steps on values (narrow, enum, scale, text, number) may
 * also say "[]", "{}" or "(:number)" as `from`: every element, every value, the value of that
 * branch; null passes them all.  So may encode, decode, date, epoch, wrap and head.  Of enum, scale, text, number,
 * encode, decode, date and epoch a value has one, the last, and of wrap and head too.  Each step has its law.
 *
 *     rename   /            qty -> quantity            lossless
 *     default  /lines/[]    currency = "EUR"           defaulting
 *     drop     /            legacy                     one-way
 *     widen    /            total int32 -> int64       lossless
 *     enum     /            status GONE -> CLOSED      one-way
 *     strip    /            note (null becomes absent) one-way
 *     scale    /            weight * 1/1000            lossless
 *     scale    /            weight * 1000 in 0..9999   partial
 *     text     /            total                      lossless
 *     number   /            total in 0..9999           partial
 *     encode   /            note                       lossless
 *     decode   /            note                       partial
 *     date     /            sent ms                    lossless
 *     epoch    /            sent ms                    partial
 *     wrap     /            tag                        lossless
 *     head     /            tags only, else null       partial
 *     hoist    /            address/city -> city       lossless
 *     plunge   /            city -> address/city       lossless
 *
 * Steps on the head of the message stand at "/" too.
 *
 *     method   /            POST -> PUT                lossless
 *     path     /            /v1/a/{id} -> /v2/a/{id}   lossless
 *     status   /            200 -> 201                 lossless
 *     param    /            query max -> header x-max  lossless
 *     take     /            max -> query max           lossless
 *     put      /            query max -> max number    lossless
 *
 * A plan for protobuf bodies begins with `protobuf`, and its steps name numbers (pbplan).  One that begins or ends in
 * JSON has a stage of its own for that:
 *
 *     transcode /           json -> protobuf shop.Order   partial
 *
 * `then` ends a stage: the steps below it see what goes out above it (plan_then).
 *
 * Text form: one step a line, as above, tab-separated; plan_parse reads what
 * plan_put wrote (`weft adapt`, tests).  The law may be left out, and # begins a
 * comment.
 *
 * Lifetime: immutable once built, shared by reference.
 * Threads:  references may be taken from any thread. */
#include "base/diag.h"

enum plan_op {
    PLAN_RENAME,  /* from, to.  Never when `to` is there already: then the body is refused */
    PLAN_DEFAULT, /* to, value (JSON): put at the end of the object when absent */
    PLAN_DROP,    /* from */
    PLAN_WIDEN,   /* from, text "int32 -> int64": bytes unchanged, said for people */
    PLAN_NARROW,  /* from, low, high: the number is checked; out of range: the body is refused */
    PLAN_ENUM,    /* from (member), table of symbol -> symbol; what the table lacks: `value`, or refused when empty */
    PLAN_STRIP,   /* from: null becomes absent */
    PLAN_SCALE,   /* from, times, per: the number becomes times/per of it, exactly; what has no end is refused */
    PLAN_TEXT,    /* from: a whole number becomes a string of its digits */
    PLAN_NUMBER,  /* from: and back; another string is refused */
    PLAN_ENCODE,  /* from: a text becomes the base64 of its bytes */
    PLAN_DECODE,  /* from: and back; what is no base64 of UTF-8 is refused */
    PLAN_DATE,    /* from, times: a number of 1/times seconds since 1970 becomes a date-time (RFC 3339) in UTC */
    PLAN_EPOCH,   /* from, times: and back, from any zone; what is finer than 1/times seconds is refused */
    PLAN_WRAP,    /* from: the value becomes an array of it, null an empty one */
    PLAN_HEAD,  /* from, pick: an array becomes one of its elements; an empty one `value`, or refused when that is empty
                 */
    PLAN_HOIST, /* from (two names or more, as in a path), to: a member of a member comes up, to the end of the object
                 */
    PLAN_PLUNGE, /* from, to (two names): a member goes into another one, which is made when it is not there */
    PLAN_METHOD, /* from, to */
    PLAN_PATH,   /* from, to: templates with {name}; the names are those of `from` */
    PLAN_STATUS, /* from, to: three digits */
    PLAN_PARAM,  /* from_in, from, to_in, to */
    PLAN_TAKE,   /* from (one name or more), to_in, to: a member leaves the body for the head */
    PLAN_PUT,    /* from_in, from, to, as: a parameter becomes a member when the body has none of the name */
    PLAN_THEN,
    PLAN_PROTOBUF,  /* from: the message that the body is */
    PLAN_FIELD,     /* protobuf: from, text "int64 -> string": the kind of a value, and what it becomes */
    PLAN_INSIDE,    /* protobuf: from, to: the messages of a field are rewritten by the steps at a place */
    PLAN_TRANSCODE, /* from, to: json and protobuf; text: the message, of `types`; whole: unknown members are refused */
    PLAN_OP_COUNT
};

#define PLAN_FACTOR_MOST INT64_C(1000000000000)

enum plan_pick { PLAN_FIRST, PLAN_LAST, PLAN_ONLY /* two are refused */ };
/* Where a parameter is.  The stash is a field of its own in which a body's lost members travel with it. */
enum plan_in { PLAN_IN_QUERY, PLAN_IN_HEADER, PLAN_IN_COOKIE, PLAN_IN_PATH, PLAN_IN_STASH, PLAN_INS };
/* What a parameter's text is as JSON. */
enum plan_as { PLAN_AS_STRING, PLAN_AS_NUMBER, PLAN_AS_BOOL, PLAN_AS_JSON, PLAN_ASES };

struct pbmould;

enum plan_law { PLAN_LOSSLESS, PLAN_ONE_WAY, PLAN_DEFAULTING, PLAN_PARTIAL };

struct plan_step {
    enum plan_op op;
    enum plan_law law;
    struct slice path;  /* of the object: "/" or "/lines/[]" */
    struct slice from;  /* member as it comes in */
    struct slice to;    /* member as it goes out */
    struct slice value; /* JSON; what is not JSON refuses the body that needs it */
    struct slice text;  /* for people */
    int64_t low, high;
    bool whole;         /* scale, number: the result must be whole, from low to high */
    int64_t times, per; /* scale: above 0, at most PLAN_FACTOR_MOST; date, epoch: 1, 1000, 10^6 or 10^9 */
    enum plan_pick pick;
    enum plan_in from_in, to_in;
    enum plan_as as;
    struct pbmould *types;     /* of transcode; NULL: nobody has given them yet */
    const struct slice *table; /* pairs: from, to, from, to ... */
    size_t table_count;        /* number of pairs */
    struct slice why;          /* the proof that offers it, one line */
};

struct plan;
struct pbmould_message;

struct plan *plan_new(void);
/* Copies what the step points to.  PRE: before the first plan_ref. */
void plan_add(struct plan *p, const struct plan_step *step);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan **p);

size_t plan_count(const struct plan *p);
const struct plan_step *plan_step(const struct plan *p, size_t i);
const char *plan_op_name(enum plan_op op);
const char *plan_law_name(enum plan_law law);
/* What holds of a step of this kind when nobody says more. */
enum plan_law plan_op_law(enum plan_op op);
/* The weakest law of all steps. */
enum plan_law plan_law(const struct plan *p);
/* Does it change any byte of a body (widen alone does not, nor do steps on the head)? */
bool plan_rewrites(const struct plan *p);
/* Does it change the head: method, path, status, a parameter? */
bool plan_reheads(const struct plan *p);
/* One plan that does what `first` does and then what `second` does to that; NULL is nothing to do.  The caller unrefs
 * it; NULL when both are. */
struct plan *plan_then(const struct plan *first, const struct plan *second);
/* How many stages: 1 and one for each `then`. */
size_t plan_stages(const struct plan *p);

const char *plan_in_name(enum plan_in in);
const char *plan_as_name(enum plan_as as);
const char *plan_pick_name(enum plan_pick pick);

/* The plan as a tree, for those who rewrite; made when first asked for, lives as long as the plan.  One tree for each
 * stage, `next` by `next`. */
struct plan_tree;
const struct plan_tree *plan_compiled(struct plan *p);

/* Is it for protobuf bodies, at one end at least? */
bool plan_is_protobuf(const struct plan *p);
/* The same in JSON, as it comes in and as it goes out. */
bool plan_reads_json(const struct plan *p);
bool plan_writes_json(const struct plan *p);
/* The types for a transcode step that was read from text; the plan takes a reference.  ABSENT: they do not have the
 * message.  PRE: the step is one; before it is used. */
MUST_USE enum err plan_set_types(struct plan *p, size_t step, struct pbmould *types);
/* The message of a transcode step.  PRE: it has types. */
const struct pbmould_message *plan_step_message(const struct plan *p, size_t step);
/* The same for those; made and kept likewise. */
struct pbplan;
const struct pbplan *plan_protobuf(struct plan *p);

/* A member name as it stands in a path. */
void plan_put_name(struct buf *out, struct slice name);
void plan_put(const struct plan *p, struct buf *out);
MUST_USE enum err plan_parse(struct slice text, const char *file, struct diag *diag, struct plan **out);

#endif
