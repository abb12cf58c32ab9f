#include "cli/check_deploy.h"

struct part {
    const char *path;
    struct contract *contract;
    bool consumes;
};

static bool says_consumer(const struct contract *c)
{
    struct slice text = contract_text(c), line;
    while (slice_split(&text, '\n', &line))
        if (slice_eq(line, SLICE("about(\"role\", \"consumer\").")))
            return true;
    return false;
}

static bool consumes(const struct check_input_file *f, enum check_role role)
{
    if (role != CHECK_ROLE_BY_ITSELF)
        return role == CHECK_ROLE_CONSUMER;
    return slice_has(slice_str(f->path), SLICE(".consumes.")) || says_consumer(f->contract);
}

static struct part *parts_of(struct arena *arena, const struct check_input *in, enum check_role role)
{
    struct part *parts = arena_array(arena, in->count + 1, sizeof(*parts));
    for (size_t i = 0; i < in->count; i++)
        parts[i] = (struct part){
            .path = *in->files[i].path ? in->files[i].path : "the candidate",
            .contract = in->files[i].contract,
            .consumes = consumes(&in->files[i], role),
        };
    return parts;
}

/* How many pairs came of it. */
static size_t add_pairs(struct check_report *r, const struct part *consumer, const struct part *providers, size_t count)
{
    size_t added = 0;
    for (size_t i = 0; i < count; i++) {
        const struct part *p = &providers[i];
        if (p->consumes || !slice_eq(contract_name(p->contract), contract_name(consumer->contract)))
            continue;
        const char *label = arena_putf(&r->arena, "%s -> %s", consumer->path, p->path).at;
        check_report_add_deployed(r, label, consumer->contract, p->contract);
        added++;
    }
    return added;
}

static void nobody_provides(const struct part *consumer, struct diag *diag)
{
    struct diag_place whole = {.file = consumer->path};
    diag_add(diag, DIAG_ERROR, &whole, "put the contract of its provider there", "nobody provides \"%.*s\"",
             SLICE_FMT(contract_name(consumer->contract)));
}

static enum err add_all(struct check_report *r, const struct part *consumers, size_t consumer_count,
                        const struct part *providers, size_t provider_count, bool must_be_provided, struct diag *diag)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < consumer_count; i++) {
        if (!consumers[i].consumes || add_pairs(r, &consumers[i], providers, provider_count) || !must_be_provided)
            continue;
        nobody_provides(&consumers[i], diag);
        e = ERR_INPUT;
    }
    return e;
}

enum err check_deploy_add(struct check_report *r, const struct check_input *deployed,
                          const struct check_input *candidate, enum check_role role, struct diag *diag)
{
    struct part *there = parts_of(&r->arena, deployed, CHECK_ROLE_BY_ITSELF);
    if (!candidate)
        return add_all(r, there, deployed->count, there, deployed->count, true, diag);
    struct part *new = parts_of(&r->arena, candidate, role);
    TRY(add_all(r, new, candidate->count, there, deployed->count, true, diag));
    return add_all(r, there, deployed->count, new, candidate->count, false, diag);
}
