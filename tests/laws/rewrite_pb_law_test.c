/* Laws of rewriting protobuf, over bodies and plans drawn from a fixed seed. */
#include "contracts/wire/rewrite_pb.h"

#include <stdio.h>

#include "tests/kit/t.h"
#include "tests/laws/rewrite_pb_by_hand.h"

enum { ROUNDS = 20000, FIELDS = 6, PLACES = 3, BODY_MOST = 1 << 20, HIGH = 70 };

/* The contract of the bodies: what kind each field of each place has.  Drawn anew for each round. */
static enum pbtype_kind world[PLACES][FIELDS + 1];
static unsigned leads[PLACES][FIELDS + 1]; /* of messages: to which place */
static bool renumbered[PLACES][FIELDS + 1], filled[PLACES][FIELDS + 1];
static const char *const places[PLACES] = {"/", "/A", "/B"};

static uint64_t state;

static unsigned draw(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 33) % below);
}

static uint64_t draw_word(void)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     127,
                                     128,
                                     INT32_MAX,
                                     UINT32_MAX,
                                     INT64_MAX,
                                     UINT64_MAX,
                                     16777217,
                                     (uint64_t)INT64_MIN,
                                     UINT64_MAX - 1,
                                     UINT64_C(0xffffffff80000000),
                                     300,
                                     5};
    return edges[draw(sizeof(edges) / sizeof(edges[0]))];
}

static void draw_world(void)
{
    for (unsigned p = 0; p < PLACES; p++)
        for (unsigned f = 1; f <= FIELDS; f++) {
            world[p][f] = (enum pbtype_kind)draw(PBTYPE_MESSAGE + 3);
            if (world[p][f] >= PBTYPE_MESSAGE)
                world[p][f] = PBTYPE_MESSAGE;
            leads[p][f] = draw(PLACES);
            renumbered[p][f] = filled[p][f] = false;
        }
}

/* ---- bodies ---- */

static void put_message(struct buf *b, unsigned place, unsigned depth);

static void put_text(struct buf *b, enum pbtype_kind kind)
{
    static const char *const texts[] = {
        "",          "a", "12", "-7", "\xc3\xa9", "\xc3\x28", "007", "some text of some length", "9223372036854775808",
        "4294967296"};
    unsigned n = draw(10);
    pbwire_put_bytes(b, slice_str(texts[n == 5 && kind == PBTYPE_STRING ? 4 : n]));
}

static void put_number(struct buf *b, enum pbtype_kind kind)
{
    struct pbvalue v = {.kind = kind};
    char at[PBVALUE_MOST];
    pbvalue_set(&v, kind, draw(2) ? draw(4) : draw_word());
    buf_put(b, slice_of(at, pbvalue_write(&v, at)));
}

static void put_packed(struct buf *b, enum pbtype_kind kind)
{
    struct buf run;
    buf_init(&run, BUF_TEXT_BOUND);
    for (unsigned i = draw(5); i > 0; i--)
        put_number(&run, kind);
    pbwire_put_bytes(b, buf_slice(&run));
    buf_fini(&run);
}

static void put_field(struct buf *b, unsigned place, unsigned f, unsigned depth)
{
    enum pbtype_kind kind = world[place][f];
    if (kind == PBTYPE_MESSAGE && draw(4) == 0) {
        pbwire_put_key(b, f, PBWIRE_GROUP);
        put_message(b, leads[place][f], depth + 1);
        pbwire_put_key(b, f, PBWIRE_END);
    } else if (kind == PBTYPE_MESSAGE) {
        struct buf inside;
        buf_init(&inside, BUF_TEXT_BOUND);
        put_message(&inside, leads[place][f], depth + 1);
        pbwire_put_key(b, f, PBWIRE_BYTES);
        pbwire_put_bytes(b, buf_slice(&inside));
        buf_fini(&inside);
    } else if (!pbvalue_packs(kind)) {
        pbwire_put_key(b, f, PBWIRE_BYTES);
        put_text(b, kind);
    } else if (draw(4) == 0) {
        pbwire_put_key(b, f, PBWIRE_BYTES);
        put_packed(b, kind);
    } else {
        pbwire_put_key(b, f, pbvalue_wire(kind));
        put_number(b, kind);
    }
}

/* Now and then a field that nobody knows. */
static void put_message(struct buf *b, unsigned place, unsigned depth)
{
    for (unsigned i = depth < 5 ? draw(8) : draw(2); i > 0; i--) {
        unsigned f = 1 + draw(FIELDS);
        if (draw(12) == 0) {
            pbwire_put_key(b, HIGH + 40 + draw(9), PBWIRE_BYTES);
            put_text(b, PBTYPE_BYTES);
        } else if (depth < 6 || world[place][f] != PBTYPE_MESSAGE) {
            put_field(b, place, f, depth);
        }
    }
}

/* ---- plans ---- */

static const char *default_of(enum pbtype_kind kind)
{
    if (kind == PBTYPE_BOOL)
        return "true";
    if (kind == PBTYPE_STRING)
        return "\"d\"";
    return kind == PBTYPE_BYTES ? "\"AAA=\"" : "1";
}

static void put_steps(struct buf *text, unsigned p, unsigned f)
{
    enum pbtype_kind kind = world[p][f], to = kind;
    const char *at = places[p];
    if (kind == PBTYPE_MESSAGE) {
        if (draw(4))
            buf_putf(text, "inside\t%s\t%u -> %s\n", at, f, places[leads[p][f]]);
    } else {
        do
            to = (enum pbtype_kind)draw(PBTYPE_MESSAGE);
        while (!pbvalue_converts(kind, to));
        if (draw(3))
            to = kind;
        buf_putf(text, "field\t%s\t%u %s -> %s\n", at, f, pbvalue_name(kind), pbvalue_name(to));
        if (draw(4) == 0)
            buf_putf(text, "strip\t%s\t%u\n", at, f);
        if (draw(6) == 0 && pbvalue_packs(kind) && kind != PBTYPE_FLOAT && kind != PBTYPE_DOUBLE)
            buf_putf(text, "narrow\t%s\t%u -5..%u\n", at, f, draw(2) ? 1000U : 4294967295U);
        if (draw(2) && (kind == PBTYPE_ENUM || kind == PBTYPE_INT32))
            buf_putf(text, "enum\t%s\t%u 0 -> 3, 1 -> 0%s\n", at, f, draw(4) ? ", else 2" : "");
    }
    if (draw(8) == 0)
        buf_putf(text, "drop\t%s\t%u\n", at, f);
    /* Now and then to a number that another has. */
    unsigned out = draw(8) ? HIGH + f : 1 + draw(FIELDS);
    bool renames = draw(3) == 0;
    if (renames)
        buf_putf(text, "rename\t%s\t%u -> %u\n", at, f, out);
    if (kind != PBTYPE_MESSAGE && draw(3) == 0 && (!renames || out > HIGH))
        buf_putf(text, "default\t%s\t%u = %s\n", at, renames ? out : f, default_of(to));
}

static struct plan *draw_plan(void)
{
    struct buf text;
    struct diag diag;
    struct plan *plan = NULL;
    buf_init(&text, BUF_TEXT_BOUND);
    diag_init(&diag);
    buf_put(&text, SLICE("protobuf\t/\tM\n"));
    for (unsigned p = 0; p < PLACES; p++)
        for (unsigned f = 1; f <= FIELDS; f++)
            if (draw(2))
                put_steps(&text, p, f);
    /* A drop beside a default leaves that without a kind: no plan. */
    if (plan_parse(buf_slice(&text), "plan", &diag, &plan) != ERR_OK)
        plan = NULL;
    diag_fini(&diag);
    buf_fini(&text);
    return plan;
}

/* ---- laws ---- */

static enum err rewrite_all(struct plan *plan, struct slice body, bool pieces, struct buf *out)
{
    struct rewrite *r = rewrite_pb_new(plan, REWRITE_MAX_HOLD);
    enum err e = ERR_OK;
    while (body.len && e == ERR_OK) {
        size_t n = pieces ? 1 + draw(draw(4) ? 6 : 60) : body.len;
        e = rewrite_feed(r, slice_to(body, n), out);
        body = slice_from(body, n);
    }
    if (e == ERR_OK)
        e = rewrite_finish(r, out);
    rewrite_free(&r);
    return e;
}

TEST(a_plan_does_what_its_steps_say_however_the_body_is_cut)
{
    unsigned done = 0, refused = 0;
    state = 0x5eed5eed;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct buf body, want, whole, pieces;
        draw_world();
        struct plan *plan = draw_plan();
        if (!plan)
            continue;
        buf_init(&body, BODY_MOST);
        buf_init(&want, BODY_MOST * 2);
        buf_init(&whole, BODY_MOST * 2);
        buf_init(&pieces, BODY_MOST * 2);
        put_message(&body, 0, 0);
        bool fine = rewrite_pb_by_hand(plan, buf_slice(&body), &want);
        CHECK_ERR(fine ? ERR_OK : ERR_PEER, rewrite_all(plan, buf_slice(&body), false, &whole));
        CHECK_ERR(fine ? ERR_OK : ERR_PEER, rewrite_all(plan, buf_slice(&body), true, &pieces));
        if (fine) {
            CHECK_SLICE(buf_slice(&want), buf_slice(&whole));
            CHECK_SLICE(buf_slice(&want), buf_slice(&pieces));
        }
        done += fine;
        refused += !fine;
        buf_fini(&body);
        buf_fini(&want);
        buf_fini(&whole);
        buf_fini(&pieces);
        plan_unref(&plan);
    }
    /* Both must be well tried. */
    CHECK(done > ROUNDS / 4);
    CHECK(refused > ROUNDS / 20);
}

TEST(a_body_that_is_spoilt_is_refused_or_rewritten_the_same_way_in_pieces)
{
    state = 0xbad5eed;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct buf body, whole, pieces;
        draw_world();
        struct plan *plan = draw_plan();
        if (!plan)
            continue;
        buf_init(&body, BODY_MOST);
        buf_init(&whole, BODY_MOST * 2);
        buf_init(&pieces, BODY_MOST * 2);
        put_message(&body, 0, 0);
        buf_put_char(&body, '\x08');
        for (unsigned n = 1 + draw(3); n > 0; n--)
            body.mem[body.start + draw((unsigned)buf_len(&body))] = (char)draw(256);
        enum err e = rewrite_all(plan, buf_slice(&body), false, &whole);
        CHECK_ERR(e, rewrite_all(plan, buf_slice(&body), true, &pieces));
        if (e == ERR_OK)
            CHECK_SLICE(buf_slice(&whole), buf_slice(&pieces));
        buf_fini(&body);
        buf_fini(&whole);
        buf_fini(&pieces);
        plan_unref(&plan);
    }
}

TESTS_BEGIN()
TESTS_RUN(a_plan_does_what_its_steps_say_however_the_body_is_cut)
TESTS_RUN(a_body_that_is_spoilt_is_refused_or_rewritten_the_same_way_in_pieces)
TESTS_END()
