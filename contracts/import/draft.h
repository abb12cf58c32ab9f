#ifndef WEFT_CONTRACTS_IMPORT_DRAFT_H
#define WEFT_CONTRACTS_IMPORT_DRAFT_H

/* draft - a contract under construction: the facts that an importer puts down, each with its place.
 *
 * Texts are copied; a fact may be put twice.  Complaints about the artefact go to `diag`.  What an importer keeps
 * besides lives in `arena`, which is gone before the contract is built.
 *
 * Lifetime: caller's memory; draft_fini frees what draft_finish did not take. */
#include "contracts/contract.h"
#include "contracts/fact.h"

enum { DRAFT_FACTS = 8000000 };

struct draft_texts {
    const char *v[VOCABULARY_COLUMNS];
};

struct draft {
    struct arena arena;
    struct arena texts;       /* of the facts */
    struct draft_texts *last; /* by relation: those of the fact before, which this one often has too */
    struct fact_list facts;
    struct diag *diag;
    const char *file; /* of places, unless another is named */
    bool full;        /* more than DRAFT_FACTS: the rest was left out, draft_finish refuses */
};

void draft_init(struct draft *d, const char *file, struct diag *diag);
void draft_fini(struct draft *d);

/* Symbol columns from `texts`, number columns from `numbers` (may be NULL when there are none), in order. */
void draft_put(struct draft *d, enum vocabulary relation, const struct slice *texts, const int64_t *numbers);
#define DRAFT_PUT(d, relation, ...) draft_put(d, VOCABULARY_##relation, (const struct slice[]){__VA_ARGS__}, NULL)
/* at(subject, file, line, column); `file` NULL: the draft's. */
void draft_place(struct draft *d, struct slice subject, const char *file, unsigned line, unsigned column);
/* unproven(subject, word, text): what was met and not understood. */
void draft_unproven(struct draft *d, struct slice subject, struct slice word, struct slice text);

/* PRE: a contract() fact is there.  Takes the draft's memory.  INPUT: the facts make no contract; `diag` says why. */
MUST_USE enum err draft_finish(struct draft *d, struct contract **out);

#endif
