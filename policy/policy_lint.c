#include "policy/policy_lint.h"

#include <stdio.h>

#include "base/mem.h"
#include "datalog/dl_rule.h"
#include "policy/rule_set.h"
#include "policy/spiffe.h"

enum { PATH_MOST = 4096, SUBSUMED_STEPS = 2000 };

struct linting {
    const struct datalog *program;
    const struct rule_set *rules;
    const struct policy_text *texts;
    size_t text_count;
    const struct policy_lint_known *known;
    struct diag *diag;
    bool *complained;   /* by rule: that it can never hold */
    uint64_t *subjects; /* by rule: the relations it names, one bit for several */
};

/* ---- saying it ---- */

static struct diag_place place_of(const struct linting *l, const char *file, struct dl_at at)
{
    struct diag_place place = {.file = file, .line = at.line, .column = at.column, .width = at.width};
    for (size_t i = 0; i < l->text_count; i++)
        if (strcmp(l->texts[i].file, file) == 0)
            place.text = l->texts[i].text;
    return place;
}

static void PRINTF_LIKE(6, 7) say(const struct linting *l, enum diag_level level, const struct dl_rule *rule,
                                  struct dl_at at, const char *fix, const char *format, ...)
{
    struct diag_place place = place_of(l, rule->file, at);
    struct buf text;
    va_list args;
    buf_init(&text, BUF_TEXT_BOUND);
    va_start(args, format);
    buf_vputf(&text, format, args);
    va_end(args);
    diag_add(l->diag, level, &place, fix, "%s", buf_text(&text));
    buf_fini(&text);
}

static int kind_of(const struct linting *l, int rel)
{
    for (int k = 0; k < QUESTION_KINDS; k++)
        if (l->rules->wants.relation[k] == rel)
            return k;
    return -1;
}

static struct slice word_of(const struct linting *l, const struct dl_expr *e)
{
    return dl_sym_text(&l->program->symbols, (uint32_t)e->word);
}

/* A symbol that stands in this column; false: a variable, anything, or a number. */
static bool word_at(const struct linting *l, const struct dl_goal *g, unsigned column, struct slice *out)
{
    if (column >= g->count || g->args[column].kind != DL_EXPR_WORD ||
        l->program->relations[g->rel]->types[column] != DATALOG_SYMBOL)
        return false;
    *out = word_of(l, &g->args[column]);
    return true;
}

static bool is_atom(const struct dl_goal *g)
{
    return (g->kind == DL_GOAL_ATOM || g->kind == DL_GOAL_ABSENT) && !g->hidden;
}

/* ---- words that no request has ---- */

/* Why no request has it, and what to write; `why` empty: it may have it. */
struct never {
    char why[256], fix[128];
};

static bool PRINTF_LIKE(3, 4) never(struct never *n, const char *fix, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(n->why, sizeof(n->why), format, args);
    va_end(args);
    (void)snprintf(n->fix, sizeof(n->fix), "%s", fix ? fix : "");
    return true;
}

static bool one_of(struct slice word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(word, slice_str(words[i])))
            return true;
    return count == 0;
}

static bool did_you_mean(struct never *n, const char *what, struct slice word, const char *const *words, size_t count)
{
    const char *nearest = diag_nearest(word, words, count);
    char fix[64] = "";
    if (nearest)
        (void)snprintf(fix, sizeof(fix), "did you mean \"%s\"?", nearest);
    return never(n, fix, "%s \"%.*s\"", what, SLICE_FMT(word));
}

static bool never_domain(const struct linting *l, struct slice domain, struct never *n)
{
    if (!spiffe_trust_domain_ok(domain))
        return never(n, "use lower-case letters, digits, '.', '-' and '_'", "\"%.*s\" is no trust domain",
                     SLICE_FMT(domain));
    if (one_of(domain, l->known->domains, l->known->domain_count))
        return false;
    return did_you_mean(n, "nobody of this domain is trusted:", domain, l->known->domains, l->known->domain_count);
}

static bool never_peer(const struct linting *l, struct slice id, struct never *n)
{
    struct spiffe_id parsed;
    const char *why;
    if (spiffe_parse(id, &parsed, &why) != ERR_OK)
        return never(n, "write a SPIFFE ID: spiffe://DOMAIN/PATH", "no caller has this name: %s", why);
    if (parsed.path.len == 0)
        return never(n, "ask for peer_domain(\"...\")", "no caller is a whole trust domain");
    return never_domain(l, parsed.trust_domain, n);
}

static bool never_method(struct slice method, struct never *n)
{
    for (size_t i = 0; i < method.len; i++)
        if (method.at[i] >= 'a' && method.at[i] <= 'z')
            return never(n, "write it in upper case", "methods are compared byte for byte, and \"%.*s\" is none",
                         SLICE_FMT(method));
    return false;
}

static bool never_path(struct slice path, struct never *n)
{
    char room[PATH_MOST];
    struct slice clean;
    size_t mark;
    if (path.len == 0 || path.at[0] != '/')
        return never(n, "begin it with a slash", "every path begins with a slash");
    if (slice_find(path, '?', &mark))
        return never(n, "leave the query out", "the path is judged without its query");
    if (attrs_path(path, room, sizeof(room), &clean) != ERR_OK)
        return never(n, NULL, "a request with this path is refused before any rule is asked");
    if (slice_eq(clean, path))
        return false;
    char fix[96];
    (void)snprintf(fix, sizeof(fix), "write \"%.*s\"", SLICE_FMT(slice_to(clean, 64)));
    return never(n, fix, "paths are made plain first, and this one is not");
}

static bool never_segment(struct slice segment, struct never *n)
{
    char raw[PATH_MOST], room[PATH_MOST];
    struct slice clean;
    size_t at;
    if (segment.len == 0 || slice_find(segment, '/', &at))
        return never(n, "a segment is what stands between two slashes", "no segment is \"%.*s\"", SLICE_FMT(segment));
    if (segment.len + 2 > sizeof(raw))
        return false;
    raw[0] = '/';
    memcpy(raw + 1, segment.at, segment.len);
    struct slice path = slice_of(raw, segment.len + 1);
    if (attrs_path(path, room, sizeof(room), &clean) == ERR_OK && slice_eq(path, clean))
        return false;
    return never(n, NULL, "paths are made plain first, and \"%.*s\" is not", SLICE_FMT(segment));
}

static bool never_word(const struct linting *l, int kind, const struct dl_goal *g, struct never *n)
{
    static const char *const verbs[] = {"submit", "run", "see", "cancel"};
    static const char *const levels[] = {"same", "compatible", "adaptable", "unproven", "breaking"};
    struct slice word;
    if (kind == QUESTION_SEGMENT && g->args[0].kind == DL_EXPR_WORD && g->args[0].word < 0)
        return never(n, "segments are counted from 0", "no segment has a place below 0");
    if (!word_at(l, g, kind == QUESTION_SEGMENT ? 1 : 0, &word))
        return false;
    switch ((enum question_kind)kind) {
    case QUESTION_PEER:
        return never_peer(l, word, n);
    case QUESTION_PEER_DOMAIN:
        return never_domain(l, word, n);
    case QUESTION_METHOD:
        return never_method(word, n);
    case QUESTION_PATH:
        return never_path(word, n);
    case QUESTION_SEGMENT:
        return never_segment(word, n);
    case QUESTION_JOB:
        return !one_of(word, verbs, 4) &&
               did_you_mean(n, "jobs have submit, run, see and cancel, and no", word, verbs, 4);
    case QUESTION_VERDICT:
        return !one_of(word, levels, 5) && did_you_mean(n, "there is no verdict", word, levels, 5);
    case QUESTION_OP:
        return !one_of(word, l->known->operations, l->known->operation_count) &&
               did_you_mean(n, "the contract has no operation", word, l->known->operations, l->known->operation_count);
    case QUESTION_PEER_PATH:
    case QUESTION_SERVICE:
    case QUESTION_HEADER:
    case QUESTION_CLAIM:
    case QUESTION_PROBE:
    case QUESTION_CONTRACT:
    case QUESTION_KINDS:
        break;
    }
    return false;
}

/* A relation of the policy's own that nothing makes true. */
static bool is_empty(const struct linting *l, int rel)
{
    const char *file;
    unsigned line;
    if (kind_of(l, rel) >= 0 || datalog_rules_of(l->program, rel, &file, &line))
        return false;
    for (size_t i = 0; i < l->program->fact_count; i++)
        if (l->program->facts[i].rel == rel)
            return false;
    return true;
}

static void lint_words(struct linting *l, const struct dl_rule *rule)
{
    for (unsigned i = 0; i < rule->goal_count; i++) {
        const struct dl_goal *g = &rule->goals[i];
        struct never n = {0};
        if (!is_atom(g))
            continue;
        bool absent = g->kind == DL_GOAL_ABSENT;
        int kind = kind_of(l, g->rel);
        if (kind >= 0 ? !never_word(l, kind, g, &n) : !is_empty(l, g->rel))
            continue;
        if (kind < 0)
            never(&n, "give it rules or facts", "nothing makes `%.*s` true",
                  SLICE_FMT(datalog_relation_name(l->program, g->rel)));
        say(l, DIAG_WARNING, rule, g->at, n.fix[0] ? n.fix : NULL, "%s: %s", n.why,
            absent ? "this condition always holds" : "this rule never holds");
        l->complained[rule->number] = l->complained[rule->number] || !absent;
    }
}

/* ---- conditions that exclude each other ---- */

/* May a request have this fact at most once? */
static bool is_single(int kind)
{
    switch (kind) {
    case QUESTION_PEER:
    case QUESTION_PEER_DOMAIN:
    case QUESTION_PEER_PATH:
    case QUESTION_SERVICE:
    case QUESTION_OP:
    case QUESTION_METHOD:
    case QUESTION_PATH:
    case QUESTION_JOB:
    case QUESTION_VERDICT:
    case QUESTION_CONTRACT:
        return true;
    }
    return false;
}

static bool same_term(const struct dl_expr *a, const struct dl_expr *b)
{
    if (a->kind != b->kind)
        return false;
    return a->kind == DL_EXPR_WORD ? a->word == b->word : a->kind == DL_EXPR_SLOT ? a->slot == b->slot : false;
}

static bool words_differ(const struct dl_goal *a, const struct dl_goal *b, unsigned from)
{
    for (unsigned c = from; c < a->count; c++)
        if (a->args[c].kind == DL_EXPR_WORD && b->args[c].kind == DL_EXPR_WORD && a->args[c].word != b->args[c].word)
            return true;
    return false;
}

/* The same place of the path, or a fact that there is once. */
static bool exclude(const struct linting *l, const struct dl_goal *a, const struct dl_goal *b)
{
    int kind = kind_of(l, a->rel);
    if (a->kind != DL_GOAL_ATOM || b->kind != DL_GOAL_ATOM || a->rel != b->rel)
        return false;
    if (kind == QUESTION_SEGMENT)
        return same_term(&a->args[0], &b->args[0]) && words_differ(a, b, 1);
    return is_single(kind) && words_differ(a, b, 0);
}

/* `p(X), !p(X)`, also `p(X), !p(_)`. */
static bool deny_each_other(const struct dl_goal *a, const struct dl_goal *b)
{
    if (a->kind != DL_GOAL_ATOM || b->kind != DL_GOAL_ABSENT || a->rel != b->rel)
        return false;
    for (unsigned c = 0; c < a->count; c++)
        if (b->args[c].kind != DL_EXPR_ANY && !same_term(&a->args[c], &b->args[c]))
            return false;
    return true;
}

/* What peer("...") says of the domain and the parts of the path. */
static bool peer_excludes(const struct linting *l, const struct dl_goal *peer, const struct dl_goal *other)
{
    struct slice id, want, ns, sa;
    struct spiffe_id parsed;
    const char *why;
    if (peer->kind != DL_GOAL_ATOM || other->kind != DL_GOAL_ATOM || kind_of(l, peer->rel) != QUESTION_PEER ||
        !word_at(l, peer, 0, &id) || spiffe_parse(id, &parsed, &why) != ERR_OK)
        return false;
    if (kind_of(l, other->rel) == QUESTION_PEER_DOMAIN)
        return word_at(l, other, 0, &want) && !slice_eq(want, parsed.trust_domain);
    if (kind_of(l, other->rel) != QUESTION_PEER_PATH)
        return false;
    if (!spiffe_ns_sa(&parsed, &ns, &sa))
        return true;
    return (word_at(l, other, 0, &want) && !slice_eq(want, ns)) || (word_at(l, other, 1, &want) && !slice_eq(want, sa));
}

static void lint_pairs(struct linting *l, const struct dl_rule *rule)
{
    for (unsigned i = 0; i < rule->goal_count; i++)
        for (unsigned k = 0; k < rule->goal_count; k++) {
            const struct dl_goal *a = &rule->goals[i], *b = &rule->goals[k];
            if (!is_atom(a) || !is_atom(b) || i == k || l->complained[rule->number])
                continue;
            if (!(i < k && exclude(l, a, b)) && !deny_each_other(a, b) && !peer_excludes(l, a, b))
                continue;
            say(l, DIAG_WARNING, rule, rule->goals[i > k ? i : k].at, "make it two rules if either is enough",
                "no request has both %.*s and %.*s: this rule never holds", SLICE_FMT(a->written),
                SLICE_FMT(b->written));
            l->complained[rule->number] = true;
        }
}

/* ---- rules that say nothing new ---- */

/* What the variables of the wider rule stand for in the narrower one. */
struct mapping {
    const struct dl_rule *wide, *narrow;
    const struct dl_expr **slots;
    unsigned steps;
};

static bool map_term(struct mapping *m, const struct dl_expr *wide, const struct dl_expr *narrow)
{
    if (wide->kind == DL_EXPR_ANY)
        return true;
    if (wide->kind == DL_EXPR_WORD)
        return narrow->kind == DL_EXPR_WORD && narrow->word == wide->word;
    if (wide->kind != DL_EXPR_SLOT || narrow->kind == DL_EXPR_CALL)
        return false;
    const struct dl_expr *known = m->slots[wide->slot];
    if (known)
        return same_term(known, narrow);
    m->slots[wide->slot] = narrow;
    return true;
}

/* `!p(_)` says more than `!p("a")`: in the narrower rule anything covers every word. */
static bool map_absent(struct mapping *m, const struct dl_expr *wide, const struct dl_expr *narrow)
{
    if (narrow->kind == DL_EXPR_ANY)
        return true;
    return wide->kind != DL_EXPR_ANY && map_term(m, wide, narrow);
}

static bool map_goal(struct mapping *m, const struct dl_goal *wide, const struct dl_goal *narrow)
{
    if (wide->kind != narrow->kind || wide->rel != narrow->rel || !is_atom(narrow))
        return false;
    for (unsigned c = 0; c < wide->count; c++)
        if (wide->kind == DL_GOAL_ATOM ? !map_term(m, &wide->args[c], &narrow->args[c])
                                       : !map_absent(m, &wide->args[c], &narrow->args[c]))
            return false;
    return true;
}

/* Goals of `wide` from the i-th on, each to some goal of `narrow`. */
static bool map_goals(struct mapping *m, unsigned i)
{
    if (i == m->wide->goal_count)
        return true;
    if (!is_atom(&m->wide->goals[i]))
        return false;
    const struct dl_expr **kept = mem_array(m->wide->slot_count + 1, sizeof(struct dl_expr *));
    bool mapped = false;
    for (unsigned k = 0; k < m->narrow->goal_count && !mapped && m->steps < SUBSUMED_STEPS; k++) {
        m->steps++;
        memcpy(kept, m->slots, m->wide->slot_count * sizeof(struct dl_expr *));
        mapped = map_goal(m, &m->wide->goals[i], &m->narrow->goals[k]) && map_goals(m, i + 1);
        if (!mapped)
            memcpy(m->slots, kept, m->wide->slot_count * sizeof(struct dl_expr *));
    }
    mem_free(kept);
    return mapped;
}

/* Whenever `narrow` holds, `wide` does: its conditions are among those of the other. */
static bool covers(const struct dl_rule *wide, const struct dl_rule *narrow)
{
    struct mapping m = {.wide = wide, .narrow = narrow};
    m.slots = mem_array(wide->slot_count + 1, sizeof(struct dl_expr *));
    bool covered = map_goals(&m, 0);
    mem_free(m.slots);
    return covered;
}

static uint64_t subjects_of(const struct dl_rule *rule)
{
    uint64_t subjects = 0;
    for (unsigned i = 0; i < rule->goal_count; i++) {
        const struct dl_goal *g = &rule->goals[i];
        subjects |= UINT64_C(1) << (is_atom(g) ? g->rel * 2 + (g->kind == DL_GOAL_ABSENT) : 63) % 64;
        for (unsigned c = 0; c < (is_atom(g) ? g->count : 0); c++)
            if (g->args[c].kind == DL_EXPR_WORD && g->kind == DL_GOAL_ATOM)
                subjects |= UINT64_C(1) << ((uint64_t)g->args[c].word * UINT64_C(0x9E3779B97F4A7C15) >> 58);
    }
    return subjects;
}

static bool is_answer(const struct linting *l, const struct dl_rule *rule)
{
    return rule->head == l->rules->allow || rule->head == l->rules->deny;
}

static bool is_shadowed_by(const struct linting *l, const struct dl_rule *rule, const struct dl_rule *by)
{
    if (rule == by || !is_answer(l, by) || l->complained[by->number])
        return false;
    if (rule->head == l->rules->deny && by->head == l->rules->allow)
        return false;
    if ((l->subjects[by->number] & ~l->subjects[rule->number]) != 0 || !covers(by, rule))
        return false;
    /* Of two that say the same the later one is told. */
    return rule->head != by->head || by->number < rule->number || !covers(rule, by);
}

static void lint_shadows(const struct linting *l, const struct dl_rule *rule)
{
    if (!is_answer(l, rule) || l->complained[rule->number])
        return;
    for (unsigned i = 0; i < l->program->rule_count; i++) {
        const struct dl_rule *by = l->program->rules[i];
        if (!is_shadowed_by(l, rule, by))
            continue;
        if (by->head == rule->head)
            say(l, DIAG_WARNING, rule, rule->at, "remove one of them", "%s:%u says this already: %.*s", by->file,
                by->at.line, SLICE_FMT(by->written));
        else
            say(l, DIAG_WARNING, rule, rule->at, "remove it, or narrow the deny",
                "it allows nothing: %s:%u denies whatever it allows: %.*s", by->file, by->at.line,
                SLICE_FMT(by->written));
        return;
    }
}

/* ---- what lets in more than was meant ---- */

static const struct dl_goal *goal_of(const struct linting *l, const struct dl_rule *rule, enum question_kind kind)
{
    for (unsigned i = 0; i < rule->goal_count; i++)
        if (rule->goals[i].kind == DL_GOAL_ATOM && kind_of(l, rule->goals[i].rel) == (int)kind)
            return &rule->goals[i];
    return NULL;
}

/* Own relations may ask who it is; then this is not ours to say. */
static bool uses_own(const struct linting *l, const struct dl_rule *rule)
{
    for (unsigned i = 0; i < rule->goal_count; i++)
        if (is_atom(&rule->goals[i]) && kind_of(l, rule->goals[i].rel) < 0)
            return true;
    return false;
}

static void lint_allow(const struct linting *l, const struct dl_rule *rule)
{
    const struct dl_goal *path = goal_of(l, rule, QUESTION_PEER_PATH);
    bool names_domain = goal_of(l, rule, QUESTION_PEER) || goal_of(l, rule, QUESTION_PEER_DOMAIN);
    bool names_caller = names_domain || path || goal_of(l, rule, QUESTION_CLAIM) || goal_of(l, rule, QUESTION_PROBE);
    if (path && !names_domain && l->known->domain_count != 1)
        say(l, l->known->domain_count ? DIAG_WARNING : DIAG_NOTE, rule, path->at, "add peer_domain(\"...\")",
            "this holds for the same path in every trust domain that is trusted");
    if (!names_caller && !uses_own(l, rule))
        say(l, DIAG_NOTE, rule, rule->at, NULL, "this asks nothing of the caller: whoever is trusted may");
}

/* A deny by a spelling leaves other spellings open that an application may take for the same. */
static void lint_deny(const struct linting *l, const struct dl_rule *rule)
{
    const struct dl_goal *path = goal_of(l, rule, QUESTION_PATH);
    struct slice word;
    if (!path)
        path = goal_of(l, rule, QUESTION_SEGMENT);
    if (path && word_at(l, path, path->count - 1, &word))
        say(l, DIAG_NOTE, rule, path->at, "allow the paths that are meant, and deny nothing by path",
            "this denies one spelling: an application that takes another for the same (upper case, a slash at the end, "
            "an ending) is still open");
}

/* ---- relations of the policy's own ---- */

static void lint_unused(const struct linting *l, const struct dl_rule *rule)
{
    if (is_answer(l, rule) || kind_of(l, rule->head) >= 0 || datalog_asks(l->program, rule->head))
        return;
    for (unsigned i = 0; i < rule->number; i++)
        if (l->program->rules[i]->head == rule->head)
            return; /* told at the first */
    say(l, DIAG_WARNING, rule, rule->at, "use it, or remove it", "no rule uses `%.*s`",
        SLICE_FMT(datalog_relation_name(l->program, rule->head)));
}

static void lint_always(const struct linting *l)
{
    for (size_t i = 0; i < l->program->fact_count; i++) {
        const struct dl_fact *f = &l->program->facts[i];
        struct diag_place place = {.file = f->file, .line = f->line, .column = 1};
        if (f->rel == l->rules->allow)
            diag_add(l->diag, DIAG_WARNING, &place, "give it conditions: allow :- peer(\"spiffe://...\").",
                     "this allows everything to everybody who is trusted");
        if (f->rel == l->rules->deny)
            diag_add(l->diag, DIAG_WARNING, &place, "give it conditions",
                     "this denies everything, whatever is allowed");
    }
}

void policy_lint(const struct authz *a, const struct policy_text *texts, size_t count,
                 const struct policy_lint_known *known, struct diag *diag)
{
    const struct rule_set *rules = authz_rules(a);
    if (!rules)
        return;
    struct linting l = {
        .program = rules->program, .rules = rules, .texts = texts, .text_count = count, .known = known, .diag = diag};
    l.complained = mem_array(l.program->rule_count + 1, sizeof(bool));
    l.subjects = mem_array(l.program->rule_count + 1, sizeof(uint64_t));
    for (unsigned i = 0; i < l.program->rule_count; i++) {
        l.subjects[i] = subjects_of(l.program->rules[i]);
        lint_words(&l, l.program->rules[i]);
        lint_pairs(&l, l.program->rules[i]);
    }
    lint_always(&l);
    for (unsigned i = 0; i < l.program->rule_count; i++) {
        const struct dl_rule *rule = l.program->rules[i];
        lint_shadows(&l, rule);
        lint_unused(&l, rule);
        if (rule->head == rules->allow && !l.complained[i])
            lint_allow(&l, rule);
        if (rule->head == rules->deny && !l.complained[i])
            lint_deny(&l, rule);
    }
    mem_free(l.complained);
    mem_free(l.subjects);
}
