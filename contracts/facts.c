#include "contracts/facts.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"
#include "contracts/decimal.h"
#include "contracts/regular.h"
#include "contracts/rule_book.h"
#include "contracts/scope.h"
#include "contracts/shape.h"
#include "rules_contracts.h"

enum { TEXTS = 24 };

struct side {
    const char *name;
    unsigned number; /* SCOPE_CONSUMER, SCOPE_PROVIDER */
    const struct contract *contract;
    int relations[VOCABULARY_COUNT]; /* consumer.contract ... */
};

/* Files of rules that most pairs have no use for; reading them takes longer than a small pair does.  No pair has one
 * for what is said about rules. */
enum { WITH_OASDIFF = 1, WITH_PROTO = 2, WITH_CLIENTS = 4, WITH_STRICT = 8, WITH_CONVERT = 16, WITH_ALL = 31 };

static struct datalog *_Atomic programs[WITH_ALL + 1];

/* How many keep them; FREEING while they go. */
enum { FREEING = -1 };
static _Atomic int keepers;
static atomic_bool unloads; /* at exit */

static bool is_left_out(const char *file, unsigned with)
{
    static const struct {
        const char *file;
        unsigned with;
    } needed[] = {{"oasdiff.dl", WITH_OASDIFF}, {"proto.dl", WITH_PROTO},     {"clients.dl", WITH_CLIENTS},
                  {"strict.dl", WITH_STRICT},   {"convert.dl", WITH_CONVERT}, {"mirror.dl", WITH_ALL}};
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (slice_eq(slice_str(file), slice_str(needed[i].file)))
            return (with & needed[i].with) != needed[i].with;
    return with != WITH_ALL && rule_book_has(file);
}

static struct datalog *load(unsigned with)
{
    struct datalog_text texts[TEXTS];
    PRE(rules_contracts_count <= TEXTS);
    size_t count = 0;
    for (size_t i = 0; i < rules_contracts_count; i++)
        if (!is_left_out(rules_contracts_files[i].file, with))
            texts[count++] = (struct datalog_text){
                .file = rules_contracts_files[i].file, .text = rules_contracts_files[i].text, .no_warnings = true};
    struct datalog *loaded = NULL;
    struct diag diag;
    diag_init(&diag);
    if (datalog_load(texts, count, &diag, &loaded) != ERR_OK) {
        struct buf out;
        buf_init(&out, BUF_TEXT_BOUND);
        diag_print(&diag, &out);
        fwrite(buf_slice(&out).at, 1, buf_len(&out), stderr);
        buf_fini(&out);
    }
    diag_fini(&diag);
    POST(loaded);
    return loaded;
}

static void unload(void)
{
    for (size_t i = 0; i <= WITH_ALL; i++) {
        struct datalog *p = atomic_exchange(&programs[i], NULL);
        datalog_free(&p);
    }
}

/* Two threads may both load at first; one keeps what it has, the other takes that. */
static const struct datalog *program_with(unsigned with)
{
    struct datalog *p = atomic_load(&programs[with]);
    if (p)
        return p;
    struct datalog *mine = load(with), *none = NULL;
    if (atomic_compare_exchange_strong(&programs[with], &none, mine)) {
        if (!atomic_exchange(&unloads, true))
            atexit(unload);
        return mine;
    }
    datalog_free(&mine);
    return none;
}

/* Programs go in a moment, and seldom: whoever comes then may as well wait on its feet. */
void facts_keep(void)
{
    int now = atomic_load(&keepers);
    do {
        while (now == FREEING) {
            sched_yield();
            now = atomic_load(&keepers);
        }
    } while (!atomic_compare_exchange_weak(&keepers, &now, now + 1));
}

void facts_let_go(void)
{
    int now = atomic_load(&keepers);
    PRE(now > 0);
    while (!atomic_compare_exchange_weak(&keepers, &now, now == 1 ? FREEING : now - 1))
        ;
    if (now != 1)
        return;
    unload();
    atomic_store(&keepers, 0);
}

const struct datalog *facts_program(void)
{
    return program_with(WITH_ALL);
}

/* No operations but for one that stands for a document. */
static bool is_schema(const struct contract *c)
{
    return contract_speaks(c, SLICE("avro")) || contract_speaks(c, SLICE("jsonschema")) ||
           contract_speaks(c, SLICE("protobuf"));
}

static bool declares_conversions(const struct contract *c)
{
    const struct fact_list *facts = contract_facts(c);
    for (size_t i = 0; i < facts->count; i++)
        if (facts->v[i].relation == VOCABULARY_MOVED || facts->v[i].relation == VOCABULARY_CONVERTED)
            return true;
    return false;
}

static const struct datalog *program_for(const struct contract *consumer, const struct contract *provider,
                                         const struct profile *p)
{
    const struct datalog *all = atomic_load(&programs[WITH_ALL]);
    if (all)
        return all;
    unsigned with = 0;
    if (profile_minds(p, SLICE("clients")))
        with |= WITH_CLIENTS;
    if (profile_minds(p, SLICE("strictly")))
        with |= WITH_CLIENTS | WITH_STRICT;
    if (profile_minds(p, SLICE("oasdiff")) && !(is_schema(consumer) && is_schema(provider)))
        with |= WITH_CLIENTS | WITH_OASDIFF;
    if (contract_speaks(consumer, SLICE("protobuf")) && contract_speaks(provider, SLICE("protobuf")))
        with |= WITH_PROTO;
    if (declares_conversions(consumer) || declares_conversions(provider))
        with |= WITH_CONVERT;
    return program_with(with);
}

static int relation(const struct datalog_run *r, const char *name)
{
    int rel = datalog_relation(datalog_run_program(r), slice_str(name));
    POST(rel >= 0);
    return rel;
}

static void find_relations(const struct datalog_run *r, struct side *s)
{
    for (unsigned i = 0; i < VOCABULARY_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s.%s", s->name, vocabulary_name((enum vocabulary)i));
        s->relations[i] = relation(r, name);
    }
}

/* What no rule reads costs nothing: prose and places. */
static bool is_read(enum vocabulary relation_id)
{
    return relation_id != VOCABULARY_AT && relation_id != VOCABULARY_ABOUT && relation_id != VOCABULARY_CONTRACT;
}

/* --- Two sets of .proto files are compared name by name, so what stands alike on both sides is left out. */

struct marks {
    struct map names; /* to any fact */
    struct arena arena;
    struct buf key;
};

static void marks_init(struct marks *m)
{
    *m = (struct marks){0};
    arena_init(&m->arena, 0);
    buf_init(&m->key, BUF_TEXT_BOUND);
}

static void marks_fini(struct marks *m)
{
    map_fini(&m->names);
    arena_fini(&m->arena);
    buf_fini(&m->key);
}

static void mark(struct marks *m, struct slice name, const struct fact *f)
{
    if (!map_get(&m->names, name))
        map_put(&m->names, name, (void *)(uintptr_t)f);
}

static struct slice member_of(struct marks *m, struct slice record, struct slice member)
{
    buf_clear(&m->key);
    buf_put(&m->key, record);
    buf_put_char(&m->key, '.');
    buf_put(&m->key, member);
    return buf_slice(&m->key);
}

/* "repeated a.B", "map<string, a.B>" and "a.B" are about a.B. */
static struct slice element_of(struct slice type)
{
    size_t blank;
    if (slice_find_last(type, ' ', &blank))
        type = slice_from(type, blank + 1);
    return slice_ends(type, SLICE(">")) ? slice_to(type, type.len - 1) : type;
}

static void mark_difference(struct marks *m, const struct fact *f)
{
    if (!is_read(f->relation))
        return;
    struct slice subject = fact_text(f, 0);
    bool field = f->relation == VOCABULARY_FIELD, group = f->relation == VOCABULARY_ONEOF;
    mark(m, subject, f);
    if (slice_ends(subject, SLICE("[]")))
        mark(m, slice_to(subject, subject.len - 2), f);
    if (field || group || f->relation == VOCABULARY_TAG)
        mark(m, arena_keep(&m->arena, member_of(m, subject, fact_text(f, group ? 2 : 1))), f);
    if (field)
        mark(m, element_of(fact_text(f, 2)), f);
}

static void mark_differences(struct marks *m, const struct fact_list *a, const struct fact_list *b)
{
    size_t i = 0, k = 0;
    while (i < a->count || k < b->count) {
        int order = i == a->count ? 1 : k == b->count ? -1 : fact_cmp(&a->v[i], &b->v[k]);
        if (order != 0)
            mark_difference(m, order < 0 ? &a->v[i] : &b->v[k]);
        i += order <= 0;
        k += order >= 0;
    }
}

static bool is_needed(struct marks *m, const struct fact *f)
{
    struct slice subject = fact_text(f, 0);
    switch (f->relation) {
    case VOCABULARY_DIALECT:
    case VOCABULARY_OPERATION:
    case VOCABULARY_GRPC:
    case VOCABULARY_LIST:
    case VOCABULARY_MAP:
    case VOCABULARY_ALIAS:
        return true;
    case VOCABULARY_FIELD:
    case VOCABULARY_TAG:
        return map_get(&m->names, member_of(m, subject, fact_text(f, 1)));
    case VOCABULARY_THING:
        if (slice_eq(fact_text(f, 1), SLICE("file")) || slice_eq(fact_text(f, 1), SLICE("service")))
            return true;
        break;
    case VOCABULARY_WITHIN:
        if (slice_eq(subject, fact_text(f, 1)))
            return true;
        break;
    default:
        break;
    }
    return map_get(&m->names, subject);
}

/* Without marks and without a scope everything. */
static void put_facts(struct datalog_run *r, const struct side *s, struct marks *marked, struct scope *scope)
{
    const struct fact_list *facts = contract_facts(s->contract);
    for (size_t i = 0; i < facts->count; i++) {
        const struct fact *f = &facts->v[i];
        if (!is_read(f->relation) || (marked && !is_needed(marked, f)) || (scope && !scope_needs(scope, s->number, f)))
            continue;
        const char *columns = vocabulary_columns(f->relation);
        datalog_word words[VOCABULARY_COLUMNS];
        for (size_t k = 0; columns[k]; k++)
            words[k] = columns[k] == 's' ? datalog_symbol(r, fact_text(f, k)) : f->value[k].number;
        datalog_fact(r, s->relations[f->relation], words);
    }
}

static void put_texts(struct datalog_run *r, int rel, const struct slice *texts, size_t count)
{
    datalog_word words[8];
    PRE(count <= 8);
    for (size_t i = 0; i < count; i++)
        words[i] = datalog_symbol(r, texts[i]);
    datalog_fact(r, rel, words);
}

/* "/orders/{id}/{line}" as "{id}{line}". */
static void put_blanks(struct slice template, struct buf *out)
{
    bool inside = false;
    for (size_t i = 0; i < template.len; i++) {
        char c = template.at[i];
        inside = inside || c == '{';
        if (inside)
            buf_put_char(out, c);
        inside = inside && c != '}';
    }
}

/* "/orders/{id}" as "/orders/{}": the names of path parameters are each side's own. */
static void put_route(struct datalog_run *r, const struct side *s, const struct fact *f, struct buf *path)
{
    bool inside = false;
    buf_clear(path);
    for (size_t i = 0; i < fact_text(f, 2).len; i++) {
        char c = fact_text(f, 2).at[i];
        if (c == '}')
            inside = false;
        if (!inside)
            buf_put_char(path, c);
        if (c == '{')
            inside = true;
    }
    struct slice texts[] = {slice_str(s->name), fact_text(f, 0), fact_text(f, 1), buf_slice(path)};
    put_texts(r, relation(r, "route"), texts, 4);
    buf_clear(path);
    put_blanks(fact_text(f, 2), path);
    put_texts(r, relation(r, "blanks"), (struct slice[]){slice_str(s->name), fact_text(f, 0), buf_slice(path)}, 3);
}

/* How many parameters stand before `name` in the path; its length when it is not there. */
static size_t path_number(struct slice template, struct slice name)
{
    size_t number = 0;
    for (size_t i = 0; i < template.len; i++) {
        if (template.at[i] != '{')
            continue;
        struct slice rest = slice_from(template, i + 1);
        if (slice_starts(rest, name) && slice_starts(slice_from(rest, name.len), SLICE("}")))
            return number;
        number++;
    }
    return template.len;
}

static void put_slot(struct datalog_run *r, const struct side *s, const struct fact *f, struct buf *key)
{
    struct slice in = fact_text(f, 1), name = fact_text(f, 2);
    buf_clear(key);
    if (slice_eq(in, SLICE("path"))) {
        int op = contract_operation(s->contract, fact_text(f, 0));
        PRE(op >= 0);
        buf_put_u64(key, path_number(contract_operation_template(s->contract, (size_t)op), name));
    } else {
        bool fold = slice_eq(in, SLICE("header"));
        for (size_t i = 0; i < name.len; i++) {
            char c = name.at[i];
            buf_put_char(key, fold && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
        }
    }
    struct slice texts[] = {slice_str(s->name), fact_text(f, 0), in, name, buf_slice(key)};
    put_texts(r, relation(r, "slot"), texts, 5);
}

static void put_surface(struct datalog_run *r, const struct side *s)
{
    struct buf scratch;
    buf_init(&scratch, BUF_TEXT_BOUND);
    const struct fact_list *facts = contract_facts(s->contract);
    for (size_t i = 0; i < facts->count; i++) {
        if (facts->v[i].relation == VOCABULARY_HTTP)
            put_route(r, s, &facts->v[i], &scratch);
        else if (facts->v[i].relation == VOCABULARY_PARAM)
            put_slot(r, s, &facts->v[i], &scratch);
    }
    buf_fini(&scratch);
}

/* "a/b/c" is "a" and then "b/c", and so on; names are written as in the paths of plans. */
static void put_way(struct datalog_run *r, int rel, struct slice path, struct buf *name)
{
    struct slice rest = path, first;
    while (slice_split(&path, '/', &first)) {
        buf_clear(name);
        for (size_t i = 0; i < first.len; i++) {
            bool escape = first.at[i] == '~' && i + 1 < first.len && (first.at[i + 1] == '0' || first.at[i + 1] == '1');
            buf_put_char(name, !escape ? first.at[i] : first.at[i + 1] == '0' ? '~' : '/');
            i += escape;
        }
        put_texts(r, rel, (struct slice[]){rest, buf_slice(name), path}, 3);
        rest = path;
    }
}

static void put_ways(struct datalog_run *r, const struct contract *c)
{
    struct buf name;
    buf_init(&name, BUF_TEXT_BOUND);
    const struct fact_list *facts = contract_facts(c);
    for (size_t i = 0; i < facts->count; i++) {
        if (facts->v[i].relation != VOCABULARY_MOVED)
            continue;
        put_way(r, relation(r, "way"), fact_text(&facts->v[i], 1), &name);
        put_way(r, relation(r, "way"), fact_text(&facts->v[i], 2), &name);
    }
    buf_fini(&name);
}

/* The reaches of whole types; rules/types.dl names the same. */
static const char *const reaches[] = {
    "-2147483648", "2147483647", "-9223372036854775808", "9223372036854775807",
    "0",           "4294967295", "18446744073709551615",
};
enum { REACHES = sizeof(reaches) / sizeof(reaches[0]) };

static int by_size(const void *a, const void *b)
{
    return shape_decimal_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* A bound that stands where it says nothing; some tools compare it all the same. */
static bool is_stray_number(const struct fact *f)
{
    return f->relation == VOCABULARY_OPTION && slice_starts(fact_text(f, 1), SLICE("stray ")) &&
           shape_decimal(fact_text(f, 2));
}

static size_t gather_bounds(const struct contract *c, struct slice *into)
{
    const struct fact_list *facts = contract_facts(c);
    size_t count = 0;
    for (size_t i = 0; i < facts->count; i++)
        if (facts->v[i].relation == VOCABULARY_BOUND || is_stray_number(&facts->v[i]))
            into[count++] = fact_text(&facts->v[i], 2);
    return count;
}

/* Rules know whole numbers of 64 bits only; bounds are decimals of any size, so they are compared here. */
static void put_ranks(struct datalog_run *r, const struct contract *consumer, const struct contract *provider)
{
    size_t room = contract_facts(consumer)->count + contract_facts(provider)->count + REACHES;
    struct slice *values = mem_array(room, sizeof(*values));
    size_t count = gather_bounds(consumer, values);
    count += gather_bounds(provider, values + count);
    for (size_t i = 0; i < REACHES; i++)
        values[count++] = slice_str(reaches[i]);
    qsort(values, count, sizeof(*values), by_size);
    int rel = relation(r, "rank");
    datalog_word rank = 0;
    for (size_t i = 0; i < count; i++) {
        rank += i > 0 && by_size(&values[i - 1], &values[i]) != 0;
        datalog_word words[] = {datalog_symbol(r, values[i]), rank};
        datalog_fact(r, rel, words);
    }
    mem_free(values);
}

static size_t gather_multiples(const struct contract *c, struct slice *into)
{
    const struct fact_list *facts = contract_facts(c);
    size_t count = 0;
    for (size_t i = 0; i < facts->count; i++)
        if (facts->v[i].relation == VOCABULARY_BOUND && slice_eq(fact_text(&facts->v[i], 1), SLICE("multiple_of")))
            into[count++] = fact_text(&facts->v[i], 2);
    return count;
}

static int by_text(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static size_t keep_once(struct slice *v, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(v, count, sizeof(*v), by_text);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || !slice_eq(v[i], v[kept - 1]))
            v[kept++] = v[i];
    return kept;
}

/* Past this many different ones only equal ones divide. */
enum { MULTIPLES_MOST = 256 };

static void put_multiples(struct datalog_run *r, const struct contract *consumer, const struct contract *provider)
{
    struct slice *v = mem_array(contract_facts(consumer)->count + contract_facts(provider)->count + 1, sizeof(*v));
    size_t count = gather_multiples(consumer, v);
    count += gather_multiples(provider, v + count);
    count = keep_once(v, count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            if (i == k || (count <= MULTIPLES_MOST && decimal_multiple(v[i], v[k])))
                put_texts(r, relation(r, "divides"), (struct slice[]){v[i], v[k]}, 2);
    mem_free(v);
}

/* Past this many different patterns only equal ones hold each other. */
enum { PATTERNS_MOST = 24 };

static size_t gather_patterns(const struct contract *c, struct slice *into)
{
    const struct fact_list *facts = contract_facts(c);
    size_t count = 0;
    for (size_t i = 0; i < facts->count; i++)
        if (facts->v[i].relation == VOCABULARY_PATTERN)
            into[count++] = fact_text(&facts->v[i], 1);
    return count;
}

/* The empty pattern stands for none. */
static void put_patterns(struct datalog_run *r, const struct contract *consumer, const struct contract *provider)
{
    struct slice *v = mem_array(contract_facts(consumer)->count + contract_facts(provider)->count + 1, sizeof(*v));
    size_t count = gather_patterns(consumer, v);
    count += gather_patterns(provider, v + count);
    if (count)
        v[count++] = SLICE("");
    count = keep_once(v, count);
    for (size_t i = 0; i < count && count <= PATTERNS_MOST; i++)
        for (size_t k = 0; k < count; k++)
            if (i != k && regular_within(v[i], v[k]))
                put_texts(r, relation(r, "contained"), (struct slice[]){v[i], v[k]}, 2);
    mem_free(v);
}

static void put_name(void *run, struct slice name)
{
    struct datalog_run *r = run;
    put_texts(r, relation(r, "changed"), &name, 1);
}

static void put_profile(struct datalog_run *r, const struct profile *profile)
{
    int off = relation(r, "off"), minds = relation(r, "minds");
    for (const struct profile_row *row = profile->rows; row; row = row->next)
        if (profile_is_off(profile, row->rule, row->direction))
            put_texts(r, off, (struct slice[]){row->rule, row->direction}, 2);
    datalog_word today = profile->today;
    if (today)
        datalog_fact(r, relation(r, "today"), &today);
    for (size_t i = 0; i < profile->mind_count; i++)
        put_texts(r, minds, &profile->minds[i], 1);
}

struct datalog_run *facts_run(const struct contract *consumer, const struct contract *provider,
                              const struct profile *profile, const struct datalog_limits *limits)
{
    struct datalog_run *r = datalog_run_new(program_for(consumer, provider, profile), limits);
    struct side sides[] = {{.name = "consumer", .number = SCOPE_CONSUMER, .contract = consumer},
                           {.name = "provider", .number = SCOPE_PROVIDER, .contract = provider}};
    struct marks marked;
    struct scope scope;
    marks_init(&marked);
    bool pruned = contract_speaks(consumer, SLICE("protobuf")) && contract_speaks(provider, SLICE("protobuf"));
    if (pruned)
        mark_differences(&marked, contract_facts(consumer), contract_facts(provider));
    /* What is moved may meet anything. */
    bool converted = declares_conversions(consumer) || declares_conversions(provider);
    scope_init(&scope, consumer, provider, !pruned);
    for (size_t i = 0; i < 2; i++) {
        find_relations(r, &sides[i]);
        put_facts(r, &sides[i], pruned ? &marked : NULL, converted ? NULL : &scope);
        put_surface(r, &sides[i]);
    }
    put_ways(r, consumer);
    put_ways(r, provider);
    put_profile(r, profile);
    put_ranks(r, consumer, provider);
    put_multiples(r, consumer, provider);
    put_patterns(r, consumer, provider);
    scope_each_changed(&scope, put_name, r);
    scope_fini(&scope);
    marks_fini(&marked);
    return r;
}
