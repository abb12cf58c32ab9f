#include "broker/permits.h"

#include "broker/answers.h"

static bool allows(struct api *a, struct slice identity, const char *verb, struct slice service, struct slice operation)
{
    struct attrs attrs = {
        .peer = identity,
        .service = service,
        .operation = operation,
        .job = slice_str(verb),
    };
    return authz_ask(a->conf.policy(a->conf.arg), &attrs).answer == AUTHZ_ALLOW;
}

bool permits_policy(struct api *a, const struct session *s, const char *verb, struct slice service,
                    struct slice operation)
{
    return allows(a, slice_str(s->identity), verb, service, operation);
}

bool permits_submit(struct api *a, struct slice identity, struct slice service, struct slice operation)
{
    return allows(a, identity, "submit", service, operation);
}

bool permits_run(struct api *a, const struct session *s, struct slice service)
{
    const char *runner = a->conf.runner_of(a->conf.arg, service);
    return runner && strcmp(runner, s->identity) == 0 && permits_policy(a, s, "run", service, (struct slice){0});
}

bool permits_lease(struct api *a, const struct session *s, const Weft__Bus__V1__Lease *l)
{
    return l && s->joined && !desk_elsewhere(a->desk, slice_str(l->job), slice_str(s->service));
}

/* The job's own caller may, unless policy forbids; others only if a policy says so. */
static bool may(struct api *a, const struct session *s, const char *verb, const struct record_job *job)
{
    bool own = slice_eq(job->caller, slice_str(s->identity));
    bool has_policy = authz_rule_count(a->conf.policy(a->conf.arg)) > 0;
    return (own || has_policy) && permits_policy(a, s, verb, job->service, job->operation);
}

bool permits_sees(struct api *a, const struct session *s, const char *id, struct record_job *out)
{
    return store_read_job(a->conf.store, slice_str(id), out) == ERR_OK && may(a, s, "see", out);
}

/* Who runs a job that has waited for this one may see it meanwhile: it is told what this one has answered. */
static bool is_told(struct api *a, const struct session *s, const char *verb, const char *id)
{
    return strcmp(verb, "see") == 0 && *s->service && desk_shows(a->desk, slice_str(s->identity), slice_str(id));
}

/* The job, when the session may see it.  Else it is answered as unknown. */
bool permits_find(struct api *a, struct session *s, uint64_t re, const char *id, const char *verb,
                  struct record_job *out)
{
    enum err e = store_read_job(a->conf.store, slice_str(id), out);
    if (e == ERR_OK && (may(a, s, verb, out) || is_told(a, s, verb, id)))
        return true;
    if (e == ERR_PEER)
        answers_problem(a, s, re, "job-damaged", 500, "Its record on disk is damaged; the broker's log names it.");
    else
        answers_job_unknown(a, s, re);
    return false;
}
