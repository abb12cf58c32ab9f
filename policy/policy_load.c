#include "policy/policy_load.h"

#include "base/mem.h"
#include "policy/policy_words.h"
#include "policy/rule_set.h"
#include "rules_policy.h"

/* How traffic is treated: these load, so that a policy may have them already. */
static const char *const traffic[] = {"timeout", "attempt_timeout", "retry", "retry_budget",
                                      "breaker", "max_pending",     "rate",  "split"};
enum { TRAFFIC = sizeof(traffic) / sizeof(traffic[0]) };

/* One policy being loaded. */
struct loading {
    const struct policy_text *texts;
    size_t count;
    struct diag *diag;
    struct rule_set *rules;
    bool warned[TRAFFIC]; /* of `traffic` */
};

static struct diag_place place_of(const struct policy_text *t, const struct policy_word *word)
{
    struct diag_place place = {
        .file = t->file, .text = t->text, .line = 1, .column = 1, .width = (unsigned)word->name.len};
    for (size_t i = 0; i < word->at; i++) {
        bool line_end = t->text.at[i] == '\n';
        place.line += line_end;
        place.column = line_end ? 1 : place.column + 1;
    }
    return place;
}

/* ---- what the words of the texts tell ---- */

static bool has_upper(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] >= 'A' && s.at[i] <= 'Z')
            return true;
    return false;
}

static void see_header(struct loading *l, const struct policy_text *t, const struct policy_word *word)
{
    if (!word->has_constant) {
        l->rules->wants.headers.every = true;
        return;
    }
    question_wants_name(&l->rules->wants, &l->rules->wants.headers, word->constant);
    if (!has_upper(word->constant))
        return;
    struct diag_place place = place_of(t, word);
    diag_add(l->diag, DIAG_WARNING, &place, "write it in lower case",
             "header names arrive in lower case, so \"%.*s\" never does", SLICE_FMT(word->constant));
}

static void see_traffic(struct loading *l, const struct policy_text *t, const struct policy_word *word)
{
    for (size_t i = 0; i < TRAFFIC; i++) {
        if (l->warned[i] || !slice_eq(word->name, slice_str(traffic[i])))
            continue;
        l->warned[i] = true;
        struct diag_place place = place_of(t, word);
        diag_add(l->diag, DIAG_WARNING, &place, NULL, "`%s` is not enforced yet", traffic[i]);
    }
}

static void see_claim(struct loading *l, const struct policy_word *word)
{
    if (word->has_constant)
        question_wants_name(&l->rules->wants, &l->rules->wants.claims, word->constant);
    else
        l->rules->wants.claims.every = true;
}

static void see_words(struct loading *l, const struct policy_text *t)
{
    struct policy_word word;
    size_t at = 0;
    while (policy_words_next(t->text, &at, &word)) {
        see_traffic(l, t, &word);
        if (slice_eq(word.name, SLICE("header")))
            see_header(l, t, &word);
        else if (slice_eq(word.name, SLICE("claim")))
            see_claim(l, &word);
    }
}

/* ---- what a run without a question tells ---- */

static const struct policy_text *text_of(const struct loading *l, const char *file)
{
    for (size_t i = 0; i < l->count; i++)
        if (file && l->texts[i].file && strcmp(l->texts[i].file, file) == 0)
            return &l->texts[i];
    return NULL;
}

static void refuse_kind(struct loading *l, enum question_kind kind, const char *file, unsigned line)
{
    const struct policy_text *t = text_of(l, file);
    struct diag_place place = {.file = file, .line = line, .column = 1};
    if (t)
        place.text = t->text;
    diag_add(l->diag, DIAG_ERROR, &place, "begin the line with `allow :-` or `deny :-`",
             "`%s` is said by the request, not by a policy", question_kind_name(kind));
}

struct first_tuple {
    struct datalog_run *run;
    struct arena *arena;
    int relation;
    struct datalog_proof *proof;
};

static bool explain_first(void *arg, const datalog_word *columns)
{
    struct first_tuple *f = arg;
    if (datalog_explain(f->run, f->relation, columns, f->arena, &f->proof) != ERR_OK)
        f->proof = NULL;
    return false;
}

/* `peer("...").` where `allow :- peer("...").` was meant would make everybody that peer. */
static void check_kind(struct loading *l, struct datalog_run *run, enum question_kind kind, struct arena *arena)
{
    int relation = l->rules->wants.relation[kind];
    const char *file;
    unsigned line;
    struct first_tuple f = {.run = run, .arena = arena, .relation = relation};
    datalog_each(run, relation, explain_first, &f);
    if (f.proof)
        refuse_kind(l, kind, f.proof->file, f.proof->line);
    else if (datalog_rules_of(l->rules->program, relation, &file, &line))
        refuse_kind(l, kind, file, line);
}

/* Rules that say this, and one more when it is stated as a fact. */
static uint64_t count_of(const struct loading *l, const struct datalog_run *run, int relation)
{
    const datalog_word none[1] = {0};
    const char *file;
    unsigned line;
    size_t rules = datalog_rules_of(l->rules->program, relation, &file, &line);
    return rules ? rules : datalog_has(run, relation, none);
}

static void check_answers(struct loading *l, struct datalog_run *run)
{
    uint64_t allows = count_of(l, run, l->rules->allow), denies = count_of(l, run, l->rules->deny);
    l->rules->count = allows + denies;
    if (allows)
        return;
    struct diag_place place = {.file = l->texts[0].file};
    diag_add(l->diag, DIAG_WARNING, &place, "write a rule: allow :- peer(\"spiffe://...\").",
             "nothing defines `allow`, so everything is denied");
}

static void try_out(struct loading *l)
{
    struct arena arena;
    const char *why = "";
    struct datalog_run *run = rule_set_run(l->rules);
    arena_init(&arena, 0);
    if (datalog_run_eval(run, &why) == ERR_OK) {
        for (unsigned k = 0; k < QUESTION_KINDS; k++)
            check_kind(l, run, (enum question_kind)k, &arena);
        check_answers(l, run);
    } else {
        struct diag_place place = {.file = l->texts[0].file};
        diag_add(l->diag, DIAG_ERROR, &place, NULL, "the policy fails before anything is asked: %s", why);
    }
    datalog_run_free(&run);
    arena_fini(&arena);
}

/* ---- loading ---- */

static enum err compile(struct loading *l, struct datalog **program)
{
    size_t own = rules_policy_count, count = own + l->count;
    struct datalog_text *all = mem_array(count, sizeof(*all));
    for (size_t i = 0; i < own; i++)
        all[i] = (struct datalog_text){.file = rules_policy_files[i].file, .text = rules_policy_files[i].text};
    for (size_t i = 0; i < l->count; i++)
        all[own + i] = (struct datalog_text){.file = l->texts[i].file, .text = l->texts[i].text};
    enum err e = datalog_load(all, count, l->diag, program);
    mem_free(all);
    return e;
}

static struct rule_set *rules_of_program(struct datalog *program)
{
    struct rule_set *r = mem_new(sizeof(*r));
    r->program = program;
    r->allow = datalog_relation(program, SLICE("allow"));
    r->deny = datalog_relation(program, SLICE("deny"));
    question_wants_init(&r->wants, program);
    return r;
}

enum err policy_load(const struct policy_text *texts, size_t count, struct diag *diag, struct authz **out)
{
    struct loading l = {.texts = texts, .count = count, .diag = diag};
    struct datalog *program;
    unsigned before = diag->errors;
    if (count == 0) {
        *out = authz_new(NULL);
        return ERR_OK;
    }
    TRY(compile(&l, &program));
    l.rules = rules_of_program(program);
    for (size_t i = 0; i < count; i++)
        see_words(&l, &texts[i]);
    try_out(&l);
    if (diag->errors != before) {
        rule_set_free(&l.rules);
        return ERR_INPUT;
    }
    *out = authz_new(l.rules);
    return ERR_OK;
}
