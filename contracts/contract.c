#include "contracts/contract.h"

#include <errno.h>
#include <stdatomic.h>

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"
#include "contracts/complaint.h"
#include "contracts/digest.h"
#include "contracts/paths.h"

#define DIGEST_FIELD "sha-256="

struct operation {
    struct slice name, method, template;
    struct slice grpc; /* the path of its calls; empty: none */
    bool idempotent, job;
    bool streams[2]; /* several messages: asked, answered */
};

/* Made once somebody has asked for it: the canonical form, and the tree of paths. */
struct written {
    size_t len;
    char *_Atomic text;
    struct paths *_Atomic paths;
};

struct contract {
    atomic_uint refs;
    struct arena arena;
    struct fact_list facts;
    struct shape shape;
    struct slice name, version, digest_field;
    struct written *written;
    struct hash_digest digest;
    struct operation *operations;
    size_t operation_count;
    const char *file;
};

static struct operation *find_operation(const struct contract *c, struct slice name)
{
    int i = contract_operation(c, name);
    return i < 0 ? NULL : &c->operations[i];
}

static void describe_operation(struct contract *c, const struct fact *f)
{
    struct operation *op = find_operation(c, fact_text(f, 0));
    if (!op)
        return;
    if (f->relation == VOCABULARY_HTTP) {
        op->method = fact_text(f, 1);
        op->template = fact_text(f, 2);
    } else if (f->relation == VOCABULARY_IDEMPOTENT) {
        op->idempotent = true;
    } else if (f->relation == VOCABULARY_JOB) {
        op->job = true;
    } else if (f->relation == VOCABULARY_GRPC) {
        op->grpc = arena_putf(&c->arena, "/%.*s/%.*s", SLICE_FMT(fact_text(f, 1)), SLICE_FMT(fact_text(f, 2)));
    } else if (f->relation == VOCABULARY_STREAM) {
        op->streams[slice_eq(fact_text(f, 1), SLICE("server"))] = true;
    }
}

static void list_operations(struct contract *c)
{
    const struct fact *end = fact_list_end(&c->facts);
    size_t count = 0;
    for (const struct fact *f = c->facts.v; f < end; f++)
        count += f->relation == VOCABULARY_OPERATION;
    c->operations = arena_array(&c->arena, count + 1, sizeof(*c->operations));
    for (const struct fact *f = c->facts.v; f < end; f++)
        if (f->relation == VOCABULARY_OPERATION)
            c->operations[c->operation_count++].name = fact_text(f, 0);
    for (const struct fact *f = c->facts.v; f < end; f++)
        if (f->relation == VOCABULARY_HTTP || f->relation == VOCABULARY_IDEMPOTENT || f->relation == VOCABULARY_JOB ||
            f->relation == VOCABULARY_STREAM || f->relation == VOCABULARY_GRPC)
            describe_operation(c, f);
}

/* Facts are bounded by whoever reads them; their text may take what it takes. */
static const size_t text_most = (size_t)1 << 40;

static void settle(struct contract *c)
{
    const struct fact *first = c->facts.v;
    c->name = fact_text(first, 0);
    c->version = fact_text(first, 1);
    struct buf digest;
    c->written = mem_new(sizeof(*c->written));
    c->digest = digest_of(&c->facts, &c->written->len);
    buf_init(&digest, HASH_SHA256_TEXT);
    hash_put_base64url(&digest, slice_of(c->digest.b, sizeof(c->digest.b)));
    c->digest_field = arena_join(&c->arena, SLICE(DIGEST_FIELD), "", buf_slice(&digest));
    buf_fini(&digest);
    list_operations(c);
}

static enum err understand(struct contract *c, struct slice text, const char *file, struct diag *diag)
{
    digest_sort(&c->facts);
    shape_init(&c->shape, &c->facts, &c->arena);
    unsigned before = diag->errors;
    struct complaint_source source = {.file = file, .text = text};
    complaint_find(&c->facts, &c->shape, &source, diag);
    return diag->errors == before ? ERR_OK : ERR_INPUT;
}

static enum err read_all(struct contract *c, struct slice text, const char *file, const struct contract_bounds *bounds,
                         struct diag *diag)
{
    struct diag_place whole = {.file = file};
    if (text.len > bounds->bytes) {
        diag_add(diag, DIAG_ERROR, &whole, NULL, "a contract has at most %zu bytes", bounds->bytes);
        return ERR_INPUT;
    }
    if (fact_read(text, file, bounds->facts, &c->arena, diag, &c->facts) != ERR_OK)
        return ERR_INPUT;
    return understand(c, text, file, diag);
}

enum err contract_parse_within(struct slice text, const char *file, const struct contract_bounds *bounds,
                               struct diag *diag, struct contract **out)
{
    struct contract *c = mem_new(sizeof(*c));
    atomic_init(&c->refs, 1);
    arena_init(&c->arena, 0);
    c->file = file ? arena_keep(&c->arena, slice_str(file)).at : NULL;
    if (read_all(c, text, file, bounds, diag) != ERR_OK) {
        contract_unref(&c);
        return ERR_INPUT;
    }
    settle(c);
    *out = c;
    return ERR_OK;
}

enum err contract_parse(struct slice text, const char *file, struct diag *diag, struct contract **out)
{
    static const struct contract_bounds peer = {.bytes = CONTRACT_BYTES, .facts = CONTRACT_FACTS};
    return contract_parse_within(text, file, &peer, diag, out);
}

enum err contract_build(struct arena *take_arena, struct fact_list *take_facts, const char *file, struct diag *diag,
                        struct contract **out)
{
    struct contract *c = mem_new(sizeof(*c));
    atomic_init(&c->refs, 1);
    c->arena = *take_arena;
    c->facts = *take_facts;
    *take_arena = (struct arena){0};
    *take_facts = (struct fact_list){0};
    c->file = file ? arena_keep(&c->arena, slice_str(file)).at : NULL;
    if (understand(c, (struct slice){0}, file, diag) != ERR_OK) {
        contract_unref(&c);
        return ERR_INPUT;
    }
    settle(c);
    *out = c;
    return ERR_OK;
}

enum err contract_read(const char *path, struct diag *diag, struct contract **out)
{
    struct buf text;
    buf_init(&text, CONTRACT_BYTES);
    struct diag_place whole = {.file = path};
    enum err e = file_read(path, &text);
    if (e == ERR_OK)
        e = contract_parse(buf_slice(&text), path, diag, out);
    else if (e == ERR_FULL)
        diag_add(diag, DIAG_ERROR, &whole, NULL, "a contract has at most %d bytes", CONTRACT_BYTES);
    else
        diag_add(diag, DIAG_ERROR, &whole, NULL, "cannot be read: %s",
                 e == ERR_ABSENT ? "no such file" : strerror(errno));
    buf_fini(&text);
    return e == ERR_OK ? ERR_OK : ERR_INPUT;
}

struct contract *contract_ref(struct contract *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

void contract_unref(struct contract **c)
{
    struct contract *contract = *c;
    *c = NULL;
    if (!contract || atomic_fetch_sub(&contract->refs, 1) != 1)
        return;
    if (contract->written) {
        struct paths *paths = contract->written->paths;
        paths_free(&paths);
        mem_free(contract->written->text);
    }
    mem_free(contract->written);
    shape_fini(&contract->shape);
    fact_list_fini(&contract->facts);
    arena_fini(&contract->arena);
    mem_free(contract);
}

struct slice contract_name(const struct contract *c)
{
    return c->name;
}

struct slice contract_version(const struct contract *c)
{
    return c->version;
}

const struct hash_digest *contract_digest(const struct contract *c)
{
    return &c->digest;
}

struct slice contract_digest_text(const struct contract *c)
{
    return slice_from(c->digest_field, sizeof(DIGEST_FIELD) - 1);
}

struct slice contract_digest_field(const struct contract *c)
{
    return c->digest_field;
}

/* Two threads may both write it at first; one keeps what it has, the other takes that. */
struct slice contract_text(const struct contract *c)
{
    char *text = atomic_load(&c->written->text);
    if (text)
        return slice_of(text, c->written->len);
    struct buf canonical;
    buf_init(&canonical, text_most);
    digest_put(&c->facts, &canonical);
    char *mine = mem_copy(buf_slice(&canonical)), *none = NULL;
    buf_fini(&canonical);
    if (atomic_compare_exchange_strong(&c->written->text, &none, mine))
        return slice_of(mine, c->written->len);
    mem_free(mine);
    return slice_of(none, c->written->len);
}

size_t contract_operation_count(const struct contract *c)
{
    return c->operation_count;
}

struct slice contract_operation_name(const struct contract *c, size_t op)
{
    PRE(op < c->operation_count);
    return c->operations[op].name;
}

struct slice contract_operation_method(const struct contract *c, size_t op)
{
    PRE(op < c->operation_count);
    return c->operations[op].method;
}

struct slice contract_operation_template(const struct contract *c, size_t op)
{
    PRE(op < c->operation_count);
    return c->operations[op].template;
}

bool contract_operation_idempotent(const struct contract *c, size_t op)
{
    PRE(op < c->operation_count);
    return c->operations[op].idempotent;
}

bool contract_operation_streams(const struct contract *c, size_t op, bool answer)
{
    PRE(op < c->operation_count);
    return c->operations[op].streams[answer];
}

bool contract_operation_job(const struct contract *c, size_t op)
{
    PRE(op < c->operation_count);
    return c->operations[op].job;
}

static struct paths *make_paths(const struct contract *c)
{
    struct paths_entry *entries = mem_array(c->operation_count + 1, sizeof(*entries));
    for (size_t i = 0; i < c->operation_count; i++)
        entries[i] = (struct paths_entry){
            .method = c->operations[i].method,
            .template = c->operations[i].template,
            .grpc = c->operations[i].grpc,
        };
    struct paths *p = paths_new(entries, c->operation_count);
    mem_free(entries);
    return p;
}

/* Most contracts are only compared; and two threads may both be the first to look for a path. */
static const struct paths *paths_of(const struct contract *c)
{
    struct paths *known = atomic_load_explicit(&c->written->paths, memory_order_acquire), *none = NULL;
    if (known)
        return known;
    struct paths *mine = make_paths(c);
    if (atomic_compare_exchange_strong(&c->written->paths, &none, mine))
        return mine;
    paths_free(&mine);
    return none;
}

void contract_prepare(const struct contract *c)
{
    (void)paths_of(c);
}

int contract_match(const struct contract *c, struct slice method, struct slice path)
{
    return paths_find(paths_of(c), method, path);
}

int contract_operation(const struct contract *c, struct slice name)
{
    size_t low = 0, high = c->operation_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_cmp(c->operations[middle].name, name);
        if (order == 0)
            return (int)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

const struct fact_list *contract_facts(const struct contract *c)
{
    return &c->facts;
}

const struct shape *contract_shape(const struct contract *c)
{
    return &c->shape;
}

/* The fact that declares a symbol "Enum.SYMBOL". */
static const struct fact *find_symbol(const struct contract *c, struct slice subject)
{
    const struct fact *end = fact_list_end(&c->facts);
    size_t dot;
    for (struct slice head = subject; slice_find_last(head, '.', &dot);) {
        head = slice_to(subject, dot);
        const struct fact *f = fact_list_find(&c->facts, VOCABULARY_SYMBOL, head);
        for (; f && f < end && f->relation == VOCABULARY_SYMBOL && slice_eq(fact_text(f, 0), head); f++)
            if (slice_eq(fact_text(f, 1), slice_from(subject, dot + 1)))
                return f;
    }
    return NULL;
}

/* Imported facts stand nowhere themselves: `at` says where. */
static const struct fact *placed(const struct contract *c, struct slice subject)
{
    const struct fact *f = fact_list_find(&c->facts, VOCABULARY_AT, subject);
    if (f)
        return f;
    const struct shape_type *t = shape_type(&c->shape, subject);
    const struct fact *declared[] = {
        fact_list_find(&c->facts, VOCABULARY_OPERATION, subject),
        t ? t->fact : NULL,
        find_symbol(c, subject),
    };
    for (size_t i = 0; i < sizeof(declared) / sizeof(declared[0]); i++)
        if (declared[i] && declared[i]->line)
            return declared[i];
    const struct shape_position *p = shape_position(&c->shape, subject);
    return p ? p->fact : NULL;
}

/* Cuts the last part off "Order.qty", "create.query.limit", "create:response:201:text/plain". */
static struct slice owner_of(struct slice subject)
{
    while (subject.len > 0) {
        char c = subject.at[--subject.len];
        if (c == '.' || c == ':' || c == '[' || c == '{' || c == '|')
            break;
    }
    return subject;
}

struct contract_place contract_place(const struct contract *c, struct slice subject)
{
    const struct fact *f = NULL;
    while (subject.len > 0 && !(f = placed(c, subject)))
        subject = owner_of(subject);
    if (!f)
        f = c->facts.v;
    if (f->relation == VOCABULARY_AT)
        return (struct contract_place){
            .file = fact_text(f, 1).at, .line = (unsigned)f->value[2].number, .column = (unsigned)f->value[3].number};
    return (struct contract_place){.file = c->file, .line = f->line, .column = f->column};
}

bool contract_speaks(const struct contract *c, struct slice dialect)
{
    const struct fact_list *facts = contract_facts(c);
    for (size_t i = 0; i < facts->count && facts->v[i].relation <= VOCABULARY_DIALECT; i++)
        if (facts->v[i].relation == VOCABULARY_DIALECT && slice_eq(fact_text(&facts->v[i], 0), dialect))
            return true;
    return false;
}
