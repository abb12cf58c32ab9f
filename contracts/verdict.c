#include "contracts/verdict.h"

#include <stdatomic.h>

#include "base/check.h"
#include "base/mem.h"
#include "contracts/facts.h"
#include "contracts/judge.h"
#include "contracts/wire/pbmould.h"

struct verdict {
    atomic_uint refs;
    struct arena arena;
    struct contract *consumer, *provider;
    enum verdict_level level;
    bool hit_limit;
    struct verdict_operation *operations;
    size_t operation_count;
    struct verdict_finding *findings;
    size_t finding_count;
    _Atomic(struct pbmould *) types; /* NULL: nobody has asked yet */
};

const char *verdict_level_name(enum verdict_level l)
{
    static const char *const names[] = {
        [VERDICT_SAME] = "same",         [VERDICT_COMPATIBLE] = "compatible", [VERDICT_ADAPTABLE] = "adaptable",
        [VERDICT_UNPROVEN] = "unproven", [VERDICT_BREAKING] = "breaking",
    };
    PRE(l <= VERDICT_BREAKING);
    return names[l];
}

/* --- The whole. */

/* Enough for contracts at their bounds that are made by people; a run past them is stopped within a second or so. */
static const struct datalog_limits peer_limits = {
    .max_tuples = 2000000, .max_steps = 100000000, .max_bytes = 64 << 20, .proofs = true};
/* Files may be larger than what a peer may send, and whoever names them waits. */
static const struct datalog_limits file_limits = {
    .max_tuples = 30000000, .max_steps = 2000000000, .max_bytes = 1 << 30, .proofs = true};

/* Between peers nobody reads more of them: a proof of what is bridged costs more than what led to it. */
enum { PEER_PROOFS = 8 };

static void undecided(struct verdict *v, const char *why)
{
    v->hit_limit = true;
    v->findings = arena_array(&v->arena, 1, sizeof(*v->findings));
    v->finding_count = 1;
    struct slice *names = arena_array(&v->arena, v->operation_count + 1, sizeof(*names));
    for (size_t i = 0; i < v->operation_count; i++) {
        v->operations[i].level = VERDICT_UNPROVEN;
        names[i] = v->operations[i].name;
    }
    v->findings[0] = (struct verdict_finding){
        .level = VERDICT_UNPROVEN,
        .direction = VERDICT_SURFACE,
        .id = SLICE("0000000000000000"),
        .rule = SLICE("limit"),
        .operations = names,
        .operation_count = v->operation_count,
        .where = arena_keep(&v->arena, contract_name(v->provider)),
        .message = arena_putf(&v->arena, "the comparison was stopped: %s", why ? why : "a limit"),
        .fix = SLICE("allow more steps, or make the contracts smaller"),
    };
}

static void compute(struct verdict *v, const struct profile *profile, const struct datalog_limits *limits)
{
    struct datalog_run *run = facts_run(v->consumer, v->provider, profile, limits);
    const char *why = NULL;
    if (datalog_run_eval(run, &why) != ERR_OK) {
        undecided(v, why);
        datalog_run_free(&run);
        return;
    }
    struct judge j = {.consumer = v->consumer,
                      .provider = v->provider,
                      .profile = profile,
                      .run = run,
                      .bridged_proofs = limits == &peer_limits ? PEER_PROOFS : SIZE_MAX,
                      .keep = &v->arena,
                      .operations = v->operations,
                      .operation_count = v->operation_count};
    judge_run(&j);
    v->findings = j.findings;
    v->finding_count = j.finding_count;
    datalog_run_free(&run);
}

static bool same_text(const struct verdict *v)
{
    return memcmp(contract_digest(v->consumer), contract_digest(v->provider), sizeof(struct hash_digest)) == 0;
}

/* The worst of all operations, and of what is said of the contract as a whole. */
static void settle(struct verdict *v)
{
    v->level = VERDICT_SAME;
    for (size_t i = 0; i < v->operation_count; i++)
        v->level = v->operations[i].level > v->level ? v->operations[i].level : v->level;
    for (size_t i = 0; i < v->finding_count; i++)
        if (v->findings[i].operation_count == 0 && v->findings[i].level > v->level)
            v->level = v->findings[i].level;
}

static struct verdict *judge(struct contract *consumer, struct contract *provider, const struct profile *profile,
                             const struct datalog_limits *limits)
{
    struct verdict *v = mem_new(sizeof(*v));
    atomic_init(&v->refs, 1);
    arena_init(&v->arena, 0);
    v->consumer = contract_ref(consumer);
    v->provider = contract_ref(provider);
    v->operation_count = contract_operation_count(consumer);
    v->operations = arena_array(&v->arena, v->operation_count + 1, sizeof(*v->operations));
    for (size_t i = 0; i < v->operation_count; i++) {
        struct slice name = contract_operation_name(consumer, i);
        v->operations[i] = (struct verdict_operation){.name = name, .provider_name = name};
    }
    if (!same_text(v))
        compute(v, profile, limits);
    settle(v);
    return v;
}

/* --- Version by version. */

/* How a pair is judged. */
struct way {
    const struct profile *profile;
    const struct datalog_limits *limits;
};

static enum verdict_level worse(enum verdict_level a, enum verdict_level b)
{
    return a > b ? a : b;
}

/* First to the version in between, then on from there. */
static void go_through(struct verdict *v, struct verdict_operation *op, const struct verdict_operation *first,
                       const struct verdict *onward)
{
    int next = first->provider_name.len ? contract_operation(onward->consumer, first->provider_name) : -1;
    if (first->level > VERDICT_ADAPTABLE || next < 0 || onward->operations[next].level > VERDICT_ADAPTABLE)
        return;
    const struct verdict_operation *second = &onward->operations[next];
    plan_unref(&op->request);
    plan_unref(&op->response);
    op->provider_name = arena_keep(&v->arena, second->provider_name);
    op->request = plan_then(first->request, second->request);
    op->response = plan_then(second->response, first->response);
    op->level =
        op->request || op->response ? VERDICT_ADAPTABLE : worse(VERDICT_COMPATIBLE, worse(first->level, second->level));
}

static bool is_bridged(const struct verdict *v)
{
    for (size_t i = 0; i < v->operation_count; i++)
        if (v->operations[i].level > VERDICT_ADAPTABLE)
            return false;
    return true;
}

/* What `v` cannot do by itself goes through the version that `via` leads to. */
static void improve(struct verdict *v, const struct verdict *via, const struct way *how)
{
    if (is_bridged(v))
        return;
    struct verdict *onward = judge(via->provider, v->provider, how->profile, how->limits);
    for (size_t i = 0; i < v->operation_count; i++)
        if (v->operations[i].level > VERDICT_ADAPTABLE)
            go_through(v, &v->operations[i], &via->operations[i], onward);
    verdict_unref(&onward);
    settle(v);
}

static struct verdict *through(struct contract *consumer, struct contract *provider, struct contract *const *versions,
                               size_t count, const struct way *how)
{
    struct verdict *to[VERDICT_VERSIONS], *v = judge(consumer, provider, how->profile, how->limits);
    size_t made = 0;
    PRE(count <= VERDICT_VERSIONS);
    for (; made < count && !is_bridged(v); made++) {
        to[made] = judge(consumer, versions[made], how->profile, how->limits);
        for (size_t i = made; i-- > 0;)
            improve(to[made], to[i], how);
    }
    /* The newest first: the fewer versions between, the less is lost. */
    for (size_t i = made; i-- > 0;)
        improve(v, to[i], how);
    while (made)
        verdict_unref(&to[--made]);
    return v;
}

struct verdict *verdict_compute(struct contract *consumer, struct contract *provider)
{
    struct profile wire;
    enum err e = profile_init(&wire, SLICE("wire"));
    PRE(e == ERR_OK);
    struct verdict *v = judge(consumer, provider, &wire, &peer_limits);
    profile_fini(&wire);
    return v;
}

struct verdict *verdict_compute_as(struct contract *consumer, struct contract *provider, const struct profile *profile)
{
    struct datalog_limits limits = file_limits;
    if (profile->steps)
        limits.max_steps = profile->steps;
    return judge(consumer, provider, profile, &limits);
}

struct verdict *verdict_compute_through(struct contract *consumer, struct contract *provider,
                                        struct contract *const *versions, size_t count)
{
    struct profile wire;
    enum err e = profile_init(&wire, SLICE("wire"));
    PRE(e == ERR_OK);
    struct verdict *v =
        through(consumer, provider, versions, count, &(struct way){.profile = &wire, .limits = &peer_limits});
    profile_fini(&wire);
    return v;
}

struct verdict *verdict_compute_through_as(struct contract *consumer, struct contract *provider,
                                           struct contract *const *versions, size_t count,
                                           const struct profile *profile)
{
    struct datalog_limits limits = file_limits;
    if (profile->steps)
        limits.max_steps = profile->steps;
    return through(consumer, provider, versions, count, &(struct way){.profile = profile, .limits = &limits});
}

struct verdict *verdict_ref(struct verdict *v)
{
    atomic_fetch_add(&v->refs, 1);
    return v;
}

void verdict_unref(struct verdict **v)
{
    struct verdict *verdict = *v;
    *v = NULL;
    if (!verdict || atomic_fetch_sub(&verdict->refs, 1) != 1)
        return;
    for (size_t i = 0; i < verdict->operation_count; i++) {
        plan_unref(&verdict->operations[i].request);
        plan_unref(&verdict->operations[i].response);
    }
    struct pbmould *types = atomic_load(&verdict->types);
    pbmould_unref(&types);
    contract_unref(&verdict->consumer);
    contract_unref(&verdict->provider);
    arena_fini(&verdict->arena);
    mem_free(verdict);
}

struct pbmould *verdict_types(struct verdict *v)
{
    struct pbmould *types = atomic_load(&v->types);
    bool same = hash_same(contract_digest(v->consumer), contract_digest(v->provider), sizeof(struct hash_digest));
    if (types || same || !contract_speaks(v->provider, SLICE("protobuf")))
        return types;
    struct pbmould *made = pbmould_new(v->consumer);
    if (!made || atomic_compare_exchange_strong(&v->types, &types, made))
        return made;
    pbmould_unref(&made); /* another thread was faster */
    return types;
}

enum verdict_level verdict_level(const struct verdict *v)
{
    return v->level;
}

struct contract *verdict_consumer(const struct verdict *v)
{
    return v->consumer;
}

struct contract *verdict_provider(const struct verdict *v)
{
    return v->provider;
}

size_t verdict_operation_count(const struct verdict *v)
{
    return v->operation_count;
}

const struct verdict_operation *verdict_operation(const struct verdict *v, size_t i)
{
    PRE(i < v->operation_count);
    return &v->operations[i];
}

size_t verdict_finding_count(const struct verdict *v)
{
    return v->finding_count;
}

const struct verdict_finding *verdict_finding(const struct verdict *v, size_t i)
{
    PRE(i < v->finding_count);
    return &v->findings[i];
}

static bool touches(const struct verdict_finding *f, struct slice operation)
{
    for (size_t i = 0; i < f->operation_count; i++)
        if (slice_eq(f->operations[i], operation))
            return true;
    return false;
}

const struct verdict_finding *verdict_worst(const struct verdict *v, struct slice operation)
{
    for (size_t i = 0; i < v->finding_count; i++)
        if (touches(&v->findings[i], operation))
            return &v->findings[i];
    return NULL;
}

bool verdict_hit_limit(const struct verdict *v)
{
    return v->hit_limit;
}
