#ifndef WEFT_CLI_CHECK_REPORT_H
#define WEFT_CLI_CHECK_REPORT_H

/* check_report - what `weft check` found, ready to be shown: one part a pair of contracts.
 *
 * Two questions can be asked of a pair: may old consumers call the new provider
 * (backward), may new consumers call the old provider (forward).  What a person asked to
 * be left out, judged otherwise or accepted is settled here, before any format is written.
 *
 * Lifetime: caller's memory; check_report_fini is safe on a zeroed one. */
#include "cli/check_baseline.h"
#include "contracts/verdict.h"

enum check_question { CHECK_BACKWARD, CHECK_FORWARD, CHECK_QUESTIONS };

enum check_bump { CHECK_NONE, CHECK_PATCH, CHECK_MINOR, CHECK_MAJOR };

/* A finding as it counts here. */
struct check_item {
    const struct verdict_finding *finding;
    enum check_question question;
    enum verdict_level level;              /* what --level makes of it */
    const struct check_accepted *accepted; /* NULL: by nobody */
};

/* What somebody wants a rule to be: ours, a foreign name, or a category of those. */
struct check_level {
    struct slice rule;
    enum verdict_level level;
};

struct check_choice {
    const struct profile *profile;
    const struct check_level *levels;
    size_t level_count;
    const struct slice *only; /* rules; none: all */
    size_t only_count;
    struct contract *const *through; /* versions between, the oldest first */
    size_t through_count;
};

struct check_pair {
    const char *label; /* NULL: there is one pair and everybody knows which */
    struct contract *old, *new;
    const char *old_revision, *new_revision;  /* of git; NULL: the disk */
    struct verdict *verdict[CHECK_QUESTIONS]; /* of the second NULL: nobody needs it */
    bool asked[CHECK_QUESTIONS];
    bool jobs_only;           /* of the forward question only jobs count */
    bool deployed;            /* no two versions, but a consumer and its provider: only the first question is put */
    struct check_item *items; /* those of the first question first, worst first */
    size_t item_count;
    enum verdict_level *levels[CHECK_QUESTIONS]; /* by operation of the question's consumer */
    enum verdict_level level[CHECK_QUESTIONS];   /* the worst that counts */
    enum verdict_level backward;                 /* the worst for old consumers, whatever was asked */
};

struct check_report {
    struct arena arena;
    struct check_pair *pairs;
    size_t count, cap;
    struct check_choice choice;
    struct check_baseline *baseline; /* NULL: none; its entries are marked when they are met */
    enum verdict_level failing;      /* the least level that fails */
    bool with_plan, with_notes;
    unsigned json; /* of enum check_plan_json: who speaks protobuf's JSON, in plans */
};

void check_report_init(struct check_report *r);
void check_report_fini(struct check_report *r);

/* Judges a pair of versions.  Keeps references on both and `label` itself. */
void check_report_add(struct check_report *r, const char *label, struct contract *old, struct contract *new,
                      const bool asked[CHECK_QUESTIONS], bool jobs_only);
/* Judges a pair that talks. */
void check_report_add_deployed(struct check_report *r, const char *label, struct contract *consumer,
                               struct contract *provider);
/* What is asked of the pair, as a sentence. */
const char *check_report_question(const struct check_pair *p, enum check_question q);

/* Does this operation of that question count? */
bool check_report_counts(const struct check_pair *p, enum check_question q, struct slice operation);
/* The worst of what counts. */
enum verdict_level check_report_pair_level(const struct check_pair *p);
enum verdict_level check_report_level(const struct check_report *r);
/* An operation's level, in both questions; SAME: it is in neither. */
enum verdict_level check_report_operation_level(const struct check_pair *p, struct slice operation);
bool check_report_hit_limit(const struct check_report *r);
/* Is it at or above the failing level, and accepted by nobody? */
bool check_report_fails(const struct check_report *r, const struct check_item *i);
/* Notes are for those who ask. */
bool check_report_is_note(const struct check_item *i);

/* Where it stands in the old, or in the new. */
const struct verdict_place *check_report_old_place(const struct check_item *i);
const struct verdict_place *check_report_new_place(const struct check_item *i);
/* The one that a reviewer looks at: the new one, if it has a place. */
const struct verdict_place *check_report_place(const struct check_item *i);

/* What semantic versioning asks of the new contract, and what its version says. */
enum check_bump check_report_needed(const struct check_pair *p);
enum check_bump check_report_declared(const struct check_pair *p);
const char *check_report_bump_name(enum check_bump b);

extern const char *const check_report_directions[]; /* by verdict_direction */
extern const char *const check_report_sides[];      /* whose upgrade a question is about */

/* One file a format. */
void check_report_text(const struct check_report *r, struct buf *out);
void check_report_json(const struct check_report *r, struct buf *out);
void check_report_sarif(const struct check_report *r, struct buf *out);
void check_report_junit(const struct check_report *r, struct buf *out);
void check_report_github(const struct check_report *r, struct buf *out);
void check_report_gitlab(const struct check_report *r, struct buf *out);
void check_report_markdown(const struct check_report *r, struct buf *out);
void check_report_plan(const struct check_report *r, struct buf *out);
/* ABSENT: no finding's id begins with `id`. */
MUST_USE enum err check_report_text_explain(const struct check_report *r, struct slice id, struct buf *out);

#endif
