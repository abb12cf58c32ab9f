#include "datalog/datalog.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "datalog/dl_ask.h"
#include "datalog/dl_check.h"
#include "datalog/dl_eval.h"
#include "datalog/dl_explain.h"
#include "datalog/dl_group.h"
#include "datalog/dl_guard.h"
#include "datalog/dl_lower.h"
#include "datalog/dl_parse.h"
#include "datalog/dl_prose.h"
#include "datalog/dl_type.h"
#include "datalog/dl_value.h"

static const struct datalog_limits usual = {
    .max_tuples = 5000000, .max_steps = 500000000, .max_bytes = UINT64_C(64) << 20};

/* Tuples are numbered by 32 bits, and a relation grows by doubling. */
static const uint64_t most_tuples = UINT64_C(1) << 30;
static const size_t most_text = (size_t)1 << 30;

static bool texts_fit(const struct dl_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct diag_place place = {.file = texts->v[i].file};
        if (texts->v[i].text.len <= most_text)
            continue;
        diag_add(texts->diag, DIAG_ERROR, &place, NULL, "this text is over 1 GiB");
        return false;
    }
    return true;
}

/* Keeps the rules that are sound by themselves, so that the rest is judged without them. */
static void check_rules(struct datalog *p, const struct dl_texts *texts)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < p->rule_count; i++) {
        struct dl_rule *r = p->rules[i];
        bool typed = dl_type_rule(p, texts, r);
        bool bound = dl_check_bound(p, texts, r);
        if (r->slot_count > p->slot_most)
            p->slot_most = r->slot_count;
        if (!typed || !bound)
            continue;
        r->number = kept;
        p->rules[kept++] = r;
    }
    p->rule_count = kept;
}

static void order_rules(struct datalog *p)
{
    for (unsigned i = 0; i < p->rule_count; i++)
        dl_order_folds(&p->arena, p->rules[i]);
}

static void build(struct datalog *p, const struct dl_texts *texts)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    dl_lower(p, dl_parse(texts, &scratch), texts);
    check_rules(p, texts);
    dl_group_find(p, texts);
    for (unsigned i = 0; i < p->rule_count; i++)
        dl_check_ends(p, texts, p->rules[i]);
    if (texts->diag->errors == 0) {
        order_rules(p);
        for (unsigned i = 0; i < p->group_count; i++)
            p->groups[i].guard = dl_guard_new(p, &p->groups[i]);
    }
    arena_fini(&scratch);
}

enum err datalog_load(const struct datalog_text *texts, size_t count, struct diag *diag, struct datalog **out)
{
    struct dl_texts all = {.v = texts, .count = count, .diag = diag};
    unsigned errors = diag->errors;
    struct diag_entry *said = diag->last;
    if (!texts_fit(&all))
        return ERR_INPUT;
    struct datalog *p = mem_new(sizeof(*p));
    arena_init(&p->arena, 0);
    dl_sym_init(&p->symbols, NULL);
    p->files = arena_array(&p->arena, count + 1, sizeof(*p->files));
    for (size_t i = 0; i < count; i++)
        p->files[i] = arena_keep(&p->arena, slice_str(texts[i].file)).at;
    build(p, &all);
    dl_lex_sort(&all, said);
    if (diag->errors > errors) {
        datalog_free(&p);
        return ERR_INPUT;
    }
    *out = p;
    return ERR_OK;
}

void datalog_free(struct datalog **p)
{
    if (!*p)
        return;
    struct datalog *d = *p;
    for (size_t i = 0; i < d->regex_count; i++)
        regex_free(&d->regexes[i]);
    mem_free(d->regexes);
    mem_free(d->facts);
    mem_free(d->directives);
    map_fini(&d->by_name);
    dl_types_fini(&d->types);
    dl_sym_fini(&d->symbols);
    arena_fini(&d->arena);
    mem_free(d);
    *p = NULL;
}

void datalog_includes(const struct datalog_text *text, datalog_include_fn *fn, void *arg)
{
    struct dl_texts one = {.v = text, .count = 1};
    struct dl_lex l;
    struct arena none;
    arena_init(&none, 0);
    dl_lex_init(&l, &one, 0, &none);
    l.quiet = true;
    for (struct dl_token t = dl_lex_next(&l), before = t; t.kind != DL_TOKEN_END; before = t, t = dl_lex_next(&l))
        if (t.kind == DL_TOKEN_STRING && before.kind == DL_TOKEN_DIRECTIVE && slice_eq(before.raw, SLICE(".include")) &&
            t.raw.len >= 2)
            fn(arg, slice_of(t.raw.at + 1, t.raw.len - 2));
    arena_fini(&none);
}

int datalog_relation(const struct datalog *p, struct slice name)
{
    const struct dl_relation *r = map_get(&p->by_name, name);
    return r ? r->number : -1;
}

size_t datalog_relation_count(const struct datalog *p)
{
    return p->relation_count;
}

static const struct dl_relation *relation(const struct datalog *p, int rel)
{
    PRE(rel >= 0 && (unsigned)rel < p->relation_count);
    return p->relations[rel];
}

struct slice datalog_relation_name(const struct datalog *p, int rel)
{
    return relation(p, rel)->name;
}

size_t datalog_arity(const struct datalog *p, int rel)
{
    return relation(p, rel)->arity;
}

enum datalog_type datalog_column_type(const struct datalog *p, int rel, size_t column)
{
    PRE(column < relation(p, rel)->arity);
    return relation(p, rel)->types[column];
}

struct slice datalog_column_name(const struct datalog *p, int rel, size_t column)
{
    PRE(column < relation(p, rel)->arity);
    return relation(p, rel)->columns[column];
}

bool datalog_is_output(const struct datalog *p, int rel)
{
    return (relation(p, rel)->flags & DL_IS_OUTPUT) != 0;
}

bool datalog_is_input(const struct datalog *p, int rel)
{
    return (relation(p, rel)->flags & DL_IS_INPUT) != 0;
}

bool datalog_is_printsize(const struct datalog *p, int rel)
{
    return (relation(p, rel)->flags & DL_IS_PRINTSIZE) != 0;
}

size_t datalog_directive_count(const struct datalog *p)
{
    return p->directive_count;
}

enum datalog_io datalog_directive(const struct datalog *p, size_t n, int *rel)
{
    PRE(n < p->directive_count);
    *rel = p->directives[n].rel;
    unsigned flag = p->directives[n].flag;
    return flag == DL_IS_INPUT ? DATALOG_INPUT : flag == DL_IS_OUTPUT ? DATALOG_OUTPUT : DATALOG_PRINTSIZE;
}

struct slice datalog_directive_value(const struct datalog *p, size_t n, struct slice name, struct slice otherwise)
{
    PRE(n < p->directive_count);
    const struct dl_param *param = p->directives[n].params;
    while (param && !slice_eq(param->name, name))
        param = param->next;
    return param ? param->value : otherwise;
}

bool datalog_asks(const struct datalog *p, int rel)
{
    return relation(p, rel)->asked;
}

size_t datalog_fact_count(const struct datalog *p)
{
    return p->fact_count;
}

size_t datalog_rules_of(const struct datalog *p, int rel, const char **file, unsigned *line)
{
    size_t count = 0;
    for (unsigned i = 0; i < p->rule_count; i++) {
        const struct dl_rule *rule = p->rules[i];
        if (rule->head != rel)
            continue;
        if (count++ == 0) {
            *file = rule->file;
            *line = rule->at.line;
        }
    }
    return count;
}

static uint64_t or_usual(uint64_t given, uint64_t otherwise, uint64_t most)
{
    uint64_t n = given ? given : otherwise;
    return n < most ? n : most;
}

static void set_limits(struct datalog_run *r, const struct datalog_limits *limits)
{
    const struct datalog_limits *given = limits ? limits : &usual;
    r->limits = (struct datalog_limits){
        .max_tuples = or_usual(given->max_tuples, usual.max_tuples, most_tuples),
        .max_steps = or_usual(given->max_steps, usual.max_steps, UINT64_MAX),
        .max_bytes = or_usual(given->max_bytes, usual.max_bytes, UINT64_MAX),
        .proofs = given->proofs,
        .wraps = given->wraps,
    };
}

/* The program's own facts stay through every reset. */
static void put_program_facts(struct datalog_run *r)
{
    const struct datalog *p = r->program;
    for (size_t i = 0; i < p->fact_count; i++) {
        const struct dl_fact *f = &p->facts[i];
        struct dl_origin origin = {.rule = DL_REL_NONE, .file = f->file, .line = f->line};
        if (dl_join_put(r, f->rel, f->columns, &origin) != ERR_OK)
            r->over = true;
    }
    for (unsigned i = 0; i < p->relation_count; i++)
        r->rels[i].base = r->rels[i].tuples.count;
    r->over_base = r->over;
    r->base_tuples = r->tuples;
    r->touched_count = 0;
}

struct datalog_run *datalog_run_new(const struct datalog *p, const struct datalog_limits *limits)
{
    struct datalog_run *r = mem_new(sizeof(*r));
    r->program = p;
    set_limits(r, limits);
    dl_sym_init(&r->symbols, &p->symbols);
    dl_prim_init(&r->prim, &r->symbols, r->limits.max_bytes);
    r->prim.wraps = r->limits.wraps;
    buf_init(&r->why, BUF_TEXT_BOUND);
    arena_init(&r->plans, 0);
    r->rels = mem_array(p->relation_count + 1, sizeof(*r->rels));
    r->touched = mem_array(p->relation_count + 1, sizeof(*r->touched));
    r->slots = mem_array(p->slot_most + 1, sizeof(*r->slots));
    r->called = mem_array(p->rule_count + 1, sizeof(*r->called));
    r->picked = mem_array(p->rule_count + 1, sizeof(*r->picked));
    r->planned = mem_array(p->rule_count + 1, sizeof(*r->planned));
    for (unsigned i = 0; i < p->relation_count; i++) {
        const struct dl_relation *d = p->relations[i];
        dl_rel_init(&r->rels[i], d->arity, map_hash(d->name), r->limits.proofs);
    }
    put_program_facts(r);
    return r;
}

void datalog_run_free(struct datalog_run **run)
{
    if (!*run)
        return;
    struct datalog_run *r = *run;
    for (unsigned i = 0; i < r->program->relation_count; i++)
        dl_rel_fini(&r->rels[i]);
    mem_free(r->rels);
    mem_free(r->touched);
    mem_free(r->slots);
    mem_free(r->called);
    mem_free(r->picked);
    mem_free(r->planned);
    dl_prim_fini(&r->prim);
    dl_sym_fini(&r->symbols);
    buf_fini(&r->why);
    arena_fini(&r->plans);
    mem_free(r);
    *run = NULL;
}

const struct datalog *datalog_run_program(const struct datalog_run *r)
{
    return r->program;
}

void datalog_run_reset(struct datalog_run *r)
{
    for (unsigned i = 0; i < r->touched_count; i++) {
        struct dl_rel *rel = &r->rels[r->touched[i]];
        dl_rel_cut(rel, rel->base);
    }
    r->touched_count = 0;
    r->tuples = r->base_tuples;
    r->steps = 0;
    r->over = r->over_base;
    r->prim.counter = 0;
    dl_sym_reset(&r->symbols);
}

datalog_word datalog_symbol(struct datalog_run *r, struct slice text)
{
    return (datalog_word)dl_sym_put(&r->symbols, text);
}

enum err datalog_symbol_find(const struct datalog_run *r, struct slice text, datalog_word *out)
{
    uint32_t id;
    TRY(dl_sym_find(&r->symbols, text, &id));
    *out = (datalog_word)id;
    return ERR_OK;
}

struct slice datalog_symbol_text(const struct datalog_run *r, datalog_word symbol)
{
    return dl_sym_text(&r->symbols, (uint32_t)symbol);
}

enum err datalog_value(struct datalog_run *r, int rel, size_t column, struct slice text, datalog_word *out)
{
    const struct dl_relation *d = relation(r->program, rel);
    PRE(column < d->arity);
    return dl_value_read(r, d, (unsigned)column, text, out);
}

void datalog_put_value(const struct datalog_run *r, int rel, size_t column, datalog_word w, struct buf *out)
{
    const struct dl_relation *d = relation(r->program, rel);
    PRE(column < d->arity);
    dl_value_put(r, d->types[column], w, out);
}

enum err datalog_ask(struct datalog_run *r, const struct datalog_text *question, struct diag *diag, int *rel,
                     datalog_word *columns)
{
    return dl_ask_tuple(r, question, diag, rel, columns);
}

void datalog_fact_at(struct datalog_run *r, int rel, const datalog_word *columns, const char *file, unsigned line)
{
    (void)relation(r->program, rel);
    struct dl_origin origin = {.rule = DL_REL_NONE, .file = file, .line = line};
    if (dl_join_put(r, rel, columns, &origin) != ERR_OK)
        r->over = true;
}

void datalog_fact(struct datalog_run *r, int rel, const datalog_word *columns)
{
    datalog_fact_at(r, rel, columns, NULL, 0);
}

enum err datalog_run_eval(struct datalog_run *r, const char **why)
{
    enum err e = ERR_LIMIT;
    buf_clear(&r->why);
    if (r->over)
        buf_putf(&r->why, "too many tuples among the facts");
    else
        e = dl_eval_run(r);
    if (e != ERR_OK && why)
        *why = buf_text(&r->why);
    return e;
}

size_t datalog_count(const struct datalog_run *r, int rel)
{
    (void)relation(r->program, rel);
    return r->rels[rel].tuples.count;
}

bool datalog_has(const struct datalog_run *r, int rel, const datalog_word *columns)
{
    (void)relation(r->program, rel);
    return dl_rel_has(&r->rels[rel], columns);
}

bool datalog_source(const struct datalog_run *r, int rel, const datalog_word *columns, const char **file,
                    unsigned *line)
{
    (void)relation(r->program, rel);
    const struct dl_rel *own = &r->rels[rel];
    uint32_t row = r->limits.proofs ? dl_rel_find(own, columns) : DL_REL_NONE;
    if (row == DL_REL_NONE)
        return false;
    struct dl_origin origin = dl_rel_origin(own, row);
    bool by_rule = origin.rule != DL_REL_NONE;
    *file = by_rule ? r->program->rules[origin.rule]->file : origin.file;
    *line = by_rule ? r->program->rules[origin.rule]->at.line : origin.line;
    return true;
}

struct sorting {
    const struct datalog_run *run;
    const struct dl_relation *relation;
    const struct dl_tuples *tuples;
};

static int by_columns(const void *a, const void *b, void *arg)
{
    const struct sorting *s = arg;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = 0;
    for (unsigned i = 0; order == 0 && i < s->tuples->arity; i++)
        order = dl_prim_order(&s->run->symbols, s->relation->types[i], dl_tuples_at(s->tuples, x, i),
                              dl_tuples_at(s->tuples, y, i));
    return order;
}

void datalog_each(const struct datalog_run *r, int rel, datalog_each_fn *fn, void *arg)
{
    struct sorting s = {.run = r, .relation = relation(r->program, rel), .tuples = &r->rels[rel].tuples};
    uint32_t count = s.tuples->count;
    datalog_word columns[DATALOG_COLUMNS];
    bool more = true;
    if (count == 0)
        return;
    uint32_t *rows = mem_array(count, sizeof(*rows));
    for (uint32_t i = 0; i < count; i++)
        rows[i] = i;
    qsort_r(rows, count, sizeof(*rows), by_columns, &s);
    for (uint32_t i = 0; i < count && more; i++) {
        dl_tuples_row(s.tuples, rows[i], columns);
        more = fn(arg, columns);
    }
    mem_free(rows);
}

void datalog_put_tuple(const struct datalog_run *r, int rel, const datalog_word *columns, struct buf *out)
{
    const struct dl_relation *d = relation(r->program, rel);
    buf_put(out, d->name);
    if (d->arity == 0)
        return;
    for (unsigned i = 0; i < d->arity; i++) {
        buf_put(out, i ? SLICE(", ") : SLICE("("));
        /* Neither an id nor a float; in a column of whole numbers it is a number. */
        if (columns[i] == DL_RULE_UNBOUND && d->types[i] != DATALOG_NUMBER && d->types[i] != DATALOG_UNSIGNED)
            buf_put_char(out, '_');
        else
            dl_prim_put(&r->symbols, d->types[i], columns[i], SIZE_MAX, out);
    }
    buf_put_char(out, ')');
}

enum err datalog_explain(struct datalog_run *r, int rel, const datalog_word *columns, struct arena *arena,
                         struct datalog_proof **out)
{
    (void)relation(r->program, rel);
    PRE(r->limits.proofs);
    return dl_explain_proof(r, rel, columns, arena, out);
}

void datalog_put_proof(const struct datalog_run *r, const struct datalog_proof *proof, struct buf *out)
{
    dl_prose_put_proof(r, proof, out);
}

enum err datalog_why_not(struct datalog_run *r, int rel, const datalog_word *columns, struct arena *arena,
                         struct datalog_why_not **out)
{
    (void)relation(r->program, rel);
    return dl_explain_absence(r, rel, columns, arena, out);
}

void datalog_put_why_not(const struct datalog_why_not *w, struct buf *out)
{
    dl_prose_put_why_not(w, out);
}
