#include "contracts/import/draft.h"

#include "base/check.h"

void draft_init(struct draft *d, const char *file, struct diag *diag)
{
    *d = (struct draft){.diag = diag, .file = file};
    arena_init(&d->arena, 0);
    arena_init(&d->texts, 0);
    d->last = arena_array(&d->arena, VOCABULARY_COUNT, sizeof(*d->last));
}

void draft_fini(struct draft *d)
{
    fact_list_fini(&d->facts);
    arena_fini(&d->arena);
    arena_fini(&d->texts);
}

void draft_put(struct draft *d, enum vocabulary relation, const struct slice *texts, const int64_t *numbers)
{
    if (d->facts.count == DRAFT_FACTS) {
        d->full = true;
        return;
    }
    struct fact *f = fact_list_add(&d->facts);
    f->relation = relation;
    const char *columns = vocabulary_columns(relation);
    for (size_t i = 0; columns[i]; i++) {
        if (columns[i] == 's') {
            const char **last = &d->last[relation].v[i];
            *last = fact_keep_again(&d->texts, *texts, *last);
            f->value[i].text = *last;
            texts++;
        } else {
            f->value[i].number = *numbers++;
        }
    }
}

void draft_place(struct draft *d, struct slice subject, const char *file, unsigned line, unsigned column)
{
    struct slice texts[] = {subject, slice_str(file ? file : d->file)};
    int64_t numbers[] = {line, column};
    draft_put(d, VOCABULARY_AT, texts, numbers);
}

void draft_unproven(struct draft *d, struct slice subject, struct slice word, struct slice text)
{
    DRAFT_PUT(d, UNPROVEN, subject, word, text);
}

enum err draft_finish(struct draft *d, struct contract **out)
{
    if (d->full) {
        struct diag_place whole = {.file = d->file};
        diag_add(d->diag, DIAG_ERROR, &whole, "split it", "this makes more than %d facts", DRAFT_FACTS);
        return ERR_INPUT;
    }
    PRE(d->facts.count > 0);
    arena_fini(&d->arena);
    return contract_build(&d->texts, &d->facts, d->file, d->diag, out);
}
