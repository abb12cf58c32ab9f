#ifndef WEFT_CLI_CHECK_REPORT_H
#define WEFT_CLI_CHECK_REPORT_H

/* check_report - what `weft check` found, for a person or as JSON.
 *
 * Two questions can be asked of a pair: may old consumers call the new provider
 * (backward), may new consumers call the old provider (forward). */
#include "contracts/verdict.h"

enum check_question { CHECK_BACKWARD, CHECK_FORWARD, CHECK_QUESTIONS };

enum check_bump { CHECK_NONE, CHECK_PATCH, CHECK_MINOR, CHECK_MAJOR };

struct check_report {
    struct contract *old, *new;
    struct verdict *verdict[CHECK_QUESTIONS]; /* of the forward question NULL: nobody needs it */
    bool asked[CHECK_QUESTIONS];
    bool jobs_only; /* of the forward question only jobs count */
    bool with_plan;
};

/* Does this operation of that question count? */
bool check_report_counts(const struct check_report *r, enum check_question q, struct slice operation);
/* The worst of what counts. */
enum verdict_level check_report_level(const struct check_report *r);
/* What semantic versioning asks of the new contract, and what its version says. */
enum check_bump check_report_needed(const struct check_report *r);
enum check_bump check_report_declared(const struct check_report *r);
const char *check_report_bump_name(enum check_bump b);

void check_report_text(const struct check_report *r, struct buf *out);
void check_report_json(const struct check_report *r, struct buf *out);
/* ABSENT: no finding's id begins with `id`. */
MUST_USE enum err check_report_explain(const struct check_report *r, struct slice id, struct buf *out);

#endif
