/* policy_law - decisions against the slowest evaluator there is, on many random policies and requests.
 *
 * The slow one knows nothing of the engine, of guards or of a cache: it tries every fact for every
 * condition of every rule.  Each answer must be the same, asked once and asked again; the rule that is
 * named must be one that holds; and the proof is walked node by node, as one would by hand. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "policy/policy_load.h"
#include "tests/kit/t.h"

enum { POLICIES = 1500, REQUESTS = 24, RULES = 300, LITERALS = 4, FACTS = 96, VARIABLES = 2, DEPTH = 24, WIDE = 10 };

/* What may stand in a rule: the facts of a request, then relations of the policy's own, each of which uses
 * only those above it. */
enum relation {
    PEER,
    PEER_DOMAIN,
    PEER_PATH,
    SERVICE,
    OP,
    METHOD,
    PATH,
    SEGMENT,
    HEADER,
    JOB,
    VERDICT,
    PROBE,
    FIRST_OWN,
    FRIEND = FIRST_OWN, /* id */
    READS,              /* no column */
    NEAR,               /* text */
    ALLOW,
    DENY,
    RELATIONS
};

static const struct {
    const char *name;
    int arity;
    const char *words[2][6];
} relations[RELATIONS] = {
    [PEER] = {"peer",
              1,
              {{"spiffe://a.example/ns/shop/sa/web", "spiffe://a.example/ns/ops/sa/bot", "spiffe://b.example/x"}}},
    [PEER_DOMAIN] = {"peer_domain", 1, {{"a.example", "b.example", "c.example"}}},
    [PEER_PATH] = {"peer_path", 2, {{"shop", "ops"}, {"web", "bot", "cat"}}},
    [SERVICE] = {"service", 1, {{"orders", "stock"}}},
    [OP] = {"op", 1, {{"create", "read", "drop"}}},
    [METHOD] = {"method", 1, {{"GET", "POST", "get"}}},
    [PATH] = {"path", 1, {{"/", "/a", "/a/b", "/b/a", "/a/a"}}},
    [SEGMENT] = {"segment", 2, {{"0", "1", "2"}, {"a", "b", "c"}}},
    [HEADER] = {"header", 2, {{"x-plan", "x-team"}, {"gold", "a", "b"}}},
    [JOB] = {"job", 1, {{"submit", "run"}}},
    [VERDICT] = {"verdict", 1, {{"same", "breaking"}}},
    [PROBE] = {"probe", 0, {{0}}},
    [FRIEND] = {"friend", 1, {{"spiffe://a.example/ns/shop/sa/web", "a", "gold"}}},
    [READS] = {"reads", 0, {{0}}},
    [NEAR] = {"near", 1, {{"a", "b", "web"}}},
    [ALLOW] = {"allow", 0, {{0}}},
    [DENY] = {"deny", 0, {{0}}},
};

/* A column of a literal: a word, a variable, or anything. */
struct term {
    const char *word; /* NULL: a variable, or anything */
    int variable;     /* -1: anything */
};

struct literal {
    enum relation relation;
    struct term terms[2];
    bool negated;
};

struct rule {
    struct literal head, body[LITERALS];
    int count;
};

struct fact {
    enum relation relation;
    const char *columns[2];
};

struct world {
    uint64_t random;
    struct rule rules[RULES];
    int rule_count;
    bool holds[RULES];         /* in this request */
    int met[RELATIONS + 1][2]; /* decisions, by what decided (RELATIONS: nothing), of few rules and of many */
    struct fact facts[FACTS];
    int fact_count;
    char texts[8][64]; /* of the request's segments */
};

static int pick(struct world *w, int below)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (int)(w->random % (uint64_t)below);
}

static const char *pick_word(struct world *w, enum relation r, int column)
{
    int count = 0;
    while (count < 6 && relations[r].words[column][count])
        count++;
    return relations[r].words[column][pick(w, count)];
}

/* ---- random rules ---- */

/* Variables are symbols: the place of a segment is a number, and never one. */
static struct term random_term(struct world *w, const struct literal *l, int column, bool *bound)
{
    int kind = pick(w, 6);
    bool number = l->relation == SEGMENT && column == 0;
    int variable = pick(w, VARIABLES);
    if (kind == 0)
        return (struct term){.variable = -1};
    if (kind == 1 && !number && (!l->negated || bound[variable])) {
        bound[variable] = true;
        return (struct term){.variable = variable};
    }
    return (struct term){.word = pick_word(w, l->relation, column), .variable = -1};
}

static void random_literal(struct world *w, struct literal *l, enum relation below, bool *bound)
{
    do
        l->relation = (enum relation)pick(w, (int)below);
    while (pick(w, 3) == 0 && l->relation > METHOD && l->relation < FIRST_OWN); /* often who and what */
    l->negated = pick(w, 4) == 0;
    for (int c = 0; c < relations[l->relation].arity; c++)
        l->terms[c] = random_term(w, l, c, bound);
}

static void random_rule(struct world *w, struct rule *r, enum relation head)
{
    bool bound[VARIABLES] = {false};
    *r = (struct rule){.head = {.relation = head}, .count = 1 + pick(w, LITERALS)};
    if (w->rule_count > WIDE && pick(w, 8))
        r->count = LITERALS; /* of many rules, most should not hold */
    for (int i = 0; i < r->count; i++)
        random_literal(w, &r->body[i], head < FIRST_OWN + 3 ? head : ALLOW, bound);
    if (relations[head].arity == 0)
        return;
    r->head.terms[0] = (struct term){.word = pick_word(w, head, 0), .variable = -1};
    for (int v = 0; v < VARIABLES; v++)
        if (bound[v])
            r->head.terms[0] = (struct term){.variable = v};
}

static void random_rules(struct world *w)
{
    static const enum relation heads[] = {FRIEND, READS, NEAR, ALLOW, ALLOW, ALLOW, DENY};
    w->rule_count = 3 + pick(w, pick(w, 4) ? WIDE - 2 : RULES - 3); /* some with so many that guards are used */
    for (int i = 0; i < w->rule_count; i++)
        random_rule(w, &w->rules[i], heads[pick(w, 7)]);
}

static void put_literal(struct buf *out, const struct literal *l)
{
    buf_putf(out, "%s%s", l->negated ? "!" : "", relations[l->relation].name);
    for (int c = 0; c < relations[l->relation].arity; c++) {
        const struct term *t = &l->terms[c];
        buf_put(out, c ? SLICE(", ") : SLICE("("));
        if (t->word && l->relation == SEGMENT && c == 0)
            buf_put(out, slice_str(t->word));
        else if (t->word)
            buf_putf(out, "\"%s\"", t->word);
        else if (t->variable < 0)
            buf_put_char(out, '_');
        else
            buf_putf(out, "V%d", t->variable);
    }
    if (relations[l->relation].arity)
        buf_put_char(out, ')');
}

/* Rule i stands on line i + 1. */
static void put_rules(struct buf *out, const struct world *w)
{
    for (int i = 0; i < w->rule_count; i++) {
        put_literal(out, &w->rules[i].head);
        for (int k = 0; k < w->rules[i].count; k++) {
            buf_put(out, k ? SLICE(", ") : SLICE(" :- "));
            put_literal(out, &w->rules[i].body[k]);
        }
        buf_put(out, SLICE(".\n"));
    }
    buf_put(out, SLICE(".decl friend(id: symbol)\n.decl reads()\n.decl near(text: symbol)\n"));
}

/* ---- random requests, and their facts once more ---- */

static void add_fact(struct world *w, enum relation r, const char *first, const char *second)
{
    CHECK(w->fact_count < FACTS);
    w->facts[w->fact_count++] = (struct fact){.relation = r, .columns = {first, second}};
}

static void add_peer(struct world *w, struct attrs *a, int which)
{
    static const char *const domains[] = {"a.example", "a.example", "b.example"};
    a->peer = slice_str(relations[PEER].words[0][which]);
    add_fact(w, PEER, a->peer.at, NULL);
    add_fact(w, PEER_DOMAIN, domains[which], NULL);
    if (which < 2)
        add_fact(w, PEER_PATH, which ? "ops" : "shop", which ? "bot" : "web");
}

static void add_path(struct world *w, struct attrs *a)
{
    static const char *const places[] = {"0", "1", "2", "3"};
    char *at = w->texts[7];
    const char *path = pick_word(w, PATH, 0);
    int place = 0;
    a->path = slice_str(path);
    add_fact(w, PATH, path, NULL);
    snprintf(at, sizeof(w->texts[7]), "%s", path);
    for (char *piece = strtok(at, "/"); piece; piece = strtok(NULL, "/"))
        add_fact(w, SEGMENT, places[place++], piece);
}

static void add_text(struct world *w, enum relation r, struct slice *into)
{
    if (pick(w, 4) == 0)
        return;
    *into = slice_str(pick_word(w, r, 0));
    add_fact(w, r, into->at, NULL);
}

static struct attrs random_request(struct world *w, struct attrs_header headers[2])
{
    struct attrs a = {.headers = headers};
    w->fact_count = 0;
    if (pick(w, 8))
        add_peer(w, &a, pick(w, 3));
    if (pick(w, 8))
        add_path(w, &a);
    add_text(w, SERVICE, &a.service);
    add_text(w, OP, &a.operation);
    add_text(w, METHOD, &a.method);
    add_text(w, JOB, &a.job);
    add_text(w, VERDICT, &a.verdict);
    for (int n = pick(w, 3); n > 0; n--) {
        const char *name = pick_word(w, HEADER, 0), *value = pick_word(w, HEADER, 1);
        headers[a.header_count++] = (struct attrs_header){slice_str(name), slice_str(value)};
        add_fact(w, HEADER, name, value);
    }
    a.probe = pick(w, 5) == 0;
    if (a.probe)
        add_fact(w, PROBE, NULL, NULL);
    return a;
}

/* ---- the slow evaluator ---- */

static bool fits(const struct literal *l, const struct fact *f, const char *const *bound)
{
    if (f->relation != l->relation)
        return false;
    for (int c = 0; c < relations[l->relation].arity; c++) {
        const struct term *t = &l->terms[c];
        const char *want = t->word ? t->word : t->variable >= 0 ? bound[t->variable] : NULL;
        if (want && strcmp(want, f->columns[c]) != 0)
            return false;
    }
    return true;
}

static bool there_is(const struct world *w, const struct literal *l, const char *const *bound)
{
    for (int i = 0; i < w->fact_count; i++)
        if (fits(l, &w->facts[i], bound))
            return true;
    return false;
}

static bool add_head(struct world *w, const struct rule *r, const char *const *bound)
{
    const struct term *t = &r->head.terms[0];
    struct literal head = r->head;
    head.terms[0] = (struct term){.word = t->word            ? t->word
                                          : t->variable >= 0 ? bound[t->variable]
                                                             : NULL,
                                  .variable = -1};
    if (there_is(w, &head, bound))
        return false;
    add_fact(w, head.relation, head.terms[0].word, NULL);
    return true;
}

/* All conditions from the i-th on; those that deny come last, when everything is bound. */
static bool walk(struct world *w, const struct rule *r, int i, const char **bound)
{
    bool any = false;
    if (i == r->count) {
        for (int k = 0; k < r->count; k++)
            if (r->body[k].negated && there_is(w, &r->body[k], bound))
                return false;
        (void)add_head(w, r, bound);
        return true;
    }
    if (r->body[i].negated)
        return walk(w, r, i + 1, bound);
    for (int f = 0, end = w->fact_count; f < end; f++) {
        const char *now[VARIABLES] = {bound[0], bound[1]};
        if (!fits(&r->body[i], &w->facts[f], bound))
            continue;
        bool agrees = true;
        for (int c = 0; c < relations[r->body[i].relation].arity; c++) {
            const struct term *t = &r->body[i].terms[c];
            if (t->word || t->variable < 0)
                continue;
            if (now[t->variable] && strcmp(now[t->variable], w->facts[f].columns[c]) != 0)
                agrees = false;
            now[t->variable] = w->facts[f].columns[c];
        }
        any = (agrees && walk(w, r, i + 1, now)) || any;
    }
    return any;
}

/* Own relations in order: each uses only those above it. */
static void evaluate(struct world *w)
{
    for (int head = FIRST_OWN; head < RELATIONS; head++)
        for (int i = 0; i < w->rule_count; i++) {
            const char *bound[VARIABLES] = {NULL};
            if (w->rules[i].head.relation == (enum relation)head)
                w->holds[i] = walk(w, &w->rules[i], 0, bound);
        }
}

static bool any_holds(const struct world *w, enum relation head)
{
    for (int i = 0; i < w->rule_count; i++)
        if (w->rules[i].head.relation == head && w->holds[i])
            return true;
    return false;
}

/* ---- walking a proof ---- */

struct node {
    int depth, line; /* line 0: none is named */
    bool absent, above;
    struct literal atom;
    char words[2][64];
};

/* `  near("a")      p.weft:7  (shown above)` or `  there is no op("x")`. */
static struct node read_node(struct slice text)
{
    struct node n = {0};
    while (text.len && text.at[0] == ' ') {
        n.depth++;
        text = slice_from(text, 1);
    }
    n.depth /= 2;
    n.absent = slice_starts(text, SLICE("there is no "));
    text = slice_from(text, n.absent ? 12 : 0);
    n.above = slice_ends(text, SLICE("(shown above)"));
    size_t name = 0;
    while (name < text.len && text.at[name] != '(' && text.at[name] != ' ')
        name++;
    int r = 0;
    while (r < RELATIONS && !slice_eq(slice_to(text, name), slice_str(relations[r].name)))
        r++;
    CHECK(r < RELATIONS);
    n.atom.relation = (enum relation)r;
    text = slice_from(text, name + (relations[r].arity ? 1 : 0));
    for (int c = 0; c < relations[r].arity; c++) {
        size_t len = 0;
        bool quoted = text.at[0] == '"';
        text = slice_from(text, quoted);
        while (text.at[len] != (quoted ? '"' : c + 1 < relations[r].arity ? ',' : ')'))
            len++;
        snprintf(n.words[c], sizeof(n.words[c]), "%.*s", (int)len, text.at);
        bool any = !quoted && len == 1 && text.at[0] == '_';
        n.atom.terms[c] = (struct term){.word = any ? NULL : "", .variable = -1};
        text = slice_from(text, len + quoted + (c + 1 < relations[r].arity ? 2 : 1));
    }
    const char *place = memmem(text.at, text.len, "p.weft:", 7);
    n.line = place ? atoi(place + 7) : 0;
    return n;
}

/* The words of a node stand in the node itself. */
static struct literal atom_of(const struct node *n)
{
    struct literal l = n->atom;
    for (int c = 0; c < 2; c++)
        if (l.terms[c].word)
            l.terms[c].word = n->words[c];
    return l;
}

static void bind(const struct literal *l, const struct literal *node, const char **bound)
{
    for (int c = 0; c < relations[l->relation].arity; c++) {
        const struct term *t = &l->terms[c];
        const char *word = node->terms[c].word;
        if (t->word)
            CHECK_TEXT(t->word, slice_str(word));
        else if (t->variable >= 0 && word && bound[t->variable])
            CHECK_TEXT(bound[t->variable], slice_str(word));
        else if (t->variable >= 0 && word)
            bound[t->variable] = word;
    }
}

/* Nodes [i, ...) of one depth below a rule are its conditions in order, with the same words for the same variables. */
static void check_children(const struct world *w, const struct node *nodes, int count, int i)
{
    const struct node *parent = &nodes[i];
    const struct rule *r = &w->rules[parent->line - 1];
    const char *bound[VARIABLES] = {NULL};
    struct literal heads[RULES];
    int met = 0;
    CHECK(r->head.relation == parent->atom.relation);
    heads[0] = atom_of(parent);
    bind(&r->head, &heads[0], bound);
    for (int k = i + 1; k < count && nodes[k].depth > parent->depth; k++) {
        if (nodes[k].depth > parent->depth + 1)
            continue;
        CHECK(met < r->count);
        CHECK(nodes[k].atom.relation == r->body[met].relation);
        CHECK_INT(r->body[met].negated, nodes[k].absent);
        heads[met + 1] = atom_of(&nodes[k]);
        bind(&r->body[met], &heads[met + 1], bound);
        met++;
    }
    CHECK_INT(r->count, met);
}

static void check_proof(const struct world *w, struct slice text)
{
    static struct node nodes[2048];
    const char *none[VARIABLES] = {NULL};
    int count = 0;
    struct slice line;
    while (slice_split(&text, '\n', &line))
        if (line.len)
            nodes[count++] = read_node(line);
    CHECK(count > 0);
    for (int i = 0; i < count; i++) {
        struct literal atom = atom_of(&nodes[i]);
        CHECK_INT(!nodes[i].absent, there_is(w, &atom, none));
        if (nodes[i].line && !nodes[i].above)
            check_children(w, nodes, count, i);
        else if (!nodes[i].absent && !nodes[i].above)
            CHECK(atom.relation < FIRST_OWN); /* a fact of the request, and of nothing else */
    }
}

/* ---- the law ---- */

static int line_named(struct slice text)
{
    const char *place = memmem(text.at, text.len, "p.weft:", 7);
    return place ? atoi(place + 7) : 0;
}

static void check_why(const struct world *w, struct authz *authz, const struct attrs *a, enum relation decided)
{
    struct buf why;
    buf_init(&why, BUF_TEXT_BOUND);
    authz_why(authz, a, &why);
    struct slice text = buf_slice(&why);
    const char *proof = memmem(text.at, text.len, "It holds because:\n", 18);
    int line = line_named(text);
    if (decided == RELATIONS) {
        CHECK(slice_starts(text, SLICE("Denied, because nothing allows it.\n")));
        if (line) /* the nearest rule is one that would allow, and does not */
            CHECK(w->rules[line - 1].head.relation == ALLOW && !w->holds[line - 1]);
    } else {
        CHECK(slice_starts(text, decided == DENY ? SLICE("Denied by ") : SLICE("Allowed by ")));
        CHECK(w->rules[line - 1].head.relation == decided && w->holds[line - 1]);
        CHECK(proof != NULL);
        check_proof(w, slice_from(text, (size_t)(proof - text.at) + 18));
    }
    buf_fini(&why);
}

static void check_request(struct world *w, struct authz *authz)
{
    struct attrs_header headers[2];
    struct attrs a = random_request(w, headers);
    evaluate(w);
    enum relation decided = any_holds(w, DENY) ? DENY : any_holds(w, ALLOW) ? ALLOW : RELATIONS;
    w->met[decided][w->rule_count > WIDE]++;
    for (int again = 0; again < 2; again++) {
        struct authz_decision d = authz_ask(authz, &a);
        CHECK_INT(decided == ALLOW ? AUTHZ_ALLOW : AUTHZ_DENY, d.answer);
        CHECK_INT(decided == RELATIONS, d.by_default);
        int line = line_named(slice_str(d.reason));
        if (decided != RELATIONS)
            CHECK(line > 0 && w->rules[line - 1].head.relation == decided && w->holds[line - 1]);
    }
    check_why(w, authz, &a, decided);
}

TEST(every_decision_is_the_slow_evaluators_and_every_proof_can_be_walked)
{
    static struct world w;
    w.random = UINT64_C(0x9E3779B97F4A7C15);
    for (int i = 0; i < POLICIES; i++) {
        struct buf text;
        struct diag diag;
        struct authz *authz = NULL;
        buf_init(&text, BUF_TEXT_BOUND);
        diag_init(&diag);
        random_rules(&w);
        put_rules(&text, &w);
        struct policy_text one = {.file = "p.weft", .text = buf_slice(&text)};
        enum err e = policy_load(&one, 1, &diag, &authz);
        if (e != ERR_OK) {
            struct buf said;
            buf_init(&said, BUF_TEXT_BOUND);
            diag_print(&diag, &said);
            fprintf(stderr, "%s\n%s", buf_text(&text), buf_text(&said));
            buf_fini(&said);
        }
        CHECK_ERR(ERR_OK, e);
        for (int k = 0; k < REQUESTS; k++)
            check_request(&w, authz);
        authz_free(&authz);
        diag_fini(&diag);
        buf_fini(&text);
    }
    /* A law that meets one kind of decision only says little of the others. */
    for (int many = 0; many < 2; many++)
        CHECK(w.met[ALLOW][many] > 100 && w.met[DENY][many] > 100 && w.met[RELATIONS][many] > 100);
}

TESTS_BEGIN()
TESTS_RUN(every_decision_is_the_slow_evaluators_and_every_proof_can_be_walked)
TESTS_END()
