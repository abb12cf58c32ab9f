#include "datalog/dl_rel.h"

#include "base/mem.h"
#include "tests/kit/t.h"

enum { TUPLES = 3000, KEYS = 200 };

/* Where the values of a column come from. */
struct values {
    const char *called;
    unsigned arity;
    datalog_word from, to; /* of a grid of values, both included */
    datalog_word step;
};

static const struct values kinds[] = {
    {"nothing", 0, 0, 0, 1},
    {"close together", 1, 0, 4000, 1},
    {"close together", 2, 0, 60, 1},
    {"below nought", 2, -90, -31, 1},
    {"far apart", 2, -3000000, 3000000, 100000},
    {"over 32 bits", 2, -INT64_C(40000000000), INT64_C(40000000000), 1000000000},
    {"of both ends", 1, INT64_MIN, INT64_MAX, INT64_MAX / 2000},
    {"close together", 3, 5, 20, 1},
    {"far apart", 3, 0, 150000, 10000},
    {"close together", 5, 0, 4, 1},
};

struct lot {
    const struct values *values;
    uint64_t seed;
    struct dl_rel rel;
    datalog_word (*model)[DATALOG_COLUMNS];
    uint32_t count;
};

static uint64_t next(struct lot *l)
{
    l->seed = l->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return l->seed >> 33;
}

static void make_tuple(struct lot *l, datalog_word *columns)
{
    const struct values *v = l->values;
    uint64_t places = ((uint64_t)v->to - (uint64_t)v->from) / (uint64_t)v->step + 1;
    for (unsigned c = 0; c < v->arity; c++)
        columns[c] = (datalog_word)((uint64_t)v->from + next(l) % places * (uint64_t)v->step);
}

static uint32_t model_find(const struct lot *l, const datalog_word *columns)
{
    for (uint32_t row = 0; row < l->count; row++)
        if (memcmp(l->model[row], columns, l->values->arity * sizeof(*columns)) == 0)
            return row;
    return DL_REL_NONE;
}

static void put_some(struct lot *l, uint32_t tuples)
{
    for (uint32_t i = 0; i < tuples; i++) {
        datalog_word columns[DATALOG_COLUMNS];
        struct dl_origin origin = {.rule = l->count};
        make_tuple(l, columns);
        bool is_new = model_find(l, columns) == DL_REL_NONE;
        CHECK_INT(is_new, dl_rel_put(&l->rel, columns, &origin));
        if (is_new)
            memcpy(l->model[l->count++], columns, l->values->arity * sizeof(*columns));
    }
}

static void start(struct lot *l, const struct values *v, bool with_origins)
{
    *l = (struct lot){.values = v, .seed = v->arity + 17};
    l->model = mem_array(TUPLES, sizeof(*l->model));
    dl_rel_init(&l->rel, v->arity, 99, with_origins);
    put_some(l, TUPLES / 2);
}

static void finish(struct lot *l)
{
    dl_rel_fini(&l->rel);
    mem_free(l->model);
}

static void holds_what_the_model_holds(struct lot *l)
{
    CHECK_INT(l->count, l->rel.tuples.count);
    for (uint32_t row = 0; row < l->count; row++) {
        datalog_word columns[DATALOG_COLUMNS];
        dl_tuples_row(&l->rel.tuples, row, columns);
        CHECK(memcmp(l->model[row], columns, l->values->arity * sizeof(*columns)) == 0);
        CHECK(dl_rel_has(&l->rel, columns));
        if (l->rel.with_origins)
            CHECK_INT(row, dl_rel_find(&l->rel, columns));
    }
    for (unsigned i = 0; i < KEYS; i++) {
        datalog_word columns[DATALOG_COLUMNS];
        make_tuple(l, columns);
        CHECK_INT(model_find(l, columns) != DL_REL_NONE, dl_rel_has(&l->rel, columns));
    }
}

static bool has_key(const struct lot *l, uint32_t row, uint32_t mask, const datalog_word *key)
{
    for (; mask; mask &= mask - 1)
        if (l->model[row][__builtin_ctz(mask)] != *key++)
            return false;
    return true;
}

static void make_key(struct lot *l, uint32_t mask, datalog_word *key)
{
    datalog_word columns[DATALOG_COLUMNS];
    make_tuple(l, columns);
    for (; mask; mask &= mask - 1)
        *key++ = columns[__builtin_ctz(mask)];
}

static void chain_lists_the_newest_first(struct lot *l, uint32_t mask, uint32_t end)
{
    datalog_word key[DATALOG_COLUMNS];
    dl_rel_chain(&l->rel, mask);
    const struct dl_index *i = dl_rel_index(&l->rel, mask, 0, false);
    for (unsigned n = 0; n < KEYS; n++) {
        make_key(l, mask, key);
        uint32_t row = dl_index_first(i, &l->rel.tuples, key, end);
        for (uint32_t want = end; want-- > 0;) {
            if (!has_key(l, want, mask, key))
                continue;
            CHECK_INT(want, row);
            row = dl_index_after(i, &l->rel.tuples, key, row);
        }
        CHECK_INT(DL_REL_NONE, row);
    }
}

static bool pack_has(const struct dl_index *i, struct dl_pack_range range, uint32_t need, const datalog_word *columns)
{
    for (; range.from < range.to; range.from++) {
        unsigned kept = 0;
        bool same = true;
        for (uint32_t left = need; left; left &= left - 1, kept++)
            same &= dl_index_cell(i, range.from, kept) == columns[__builtin_ctz(left)];
        if (same)
            return true;
    }
    return false;
}

/* Every tuple of the key is there by its needed columns, and no more entries than tuples. */
static void pack_keeps_what_is_needed(struct lot *l, uint32_t mask, uint32_t need)
{
    datalog_word key[DATALOG_COLUMNS];
    dl_rel_pack(&l->rel, mask, need);
    const struct dl_index *i = dl_rel_index(&l->rel, mask, need, true);
    if (!i->packed)
        return;
    for (unsigned n = 0; n < KEYS; n++) {
        make_key(l, mask, key);
        struct dl_pack_range range = dl_index_pack(i, &l->rel.tuples, key);
        uint32_t with_key = 0;
        for (uint32_t row = 0; row < l->count; row++) {
            if (!has_key(l, row, mask, key))
                continue;
            with_key++;
            CHECK(pack_has(i, range, need, l->model[row]));
        }
        CHECK(range.to - range.from <= with_key);
        CHECK_INT(with_key > 0, range.to > range.from);
    }
}

static void for_every_kind(void (*check)(struct lot *l), bool with_origins)
{
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct lot l;
        start(&l, &kinds[k], with_origins);
        check(&l);
        finish(&l);
    }
}

static void check_members(struct lot *l)
{
    holds_what_the_model_holds(l);
    put_some(l, TUPLES / 2);
    holds_what_the_model_holds(l);
}

TEST(a_relation_holds_each_tuple_once_whatever_its_values)
{
    for_every_kind(check_members, false);
    for_every_kind(check_members, true);
}

static void cut_to(struct lot *l, uint32_t keep)
{
    dl_rel_cut(&l->rel, keep);
    l->count = keep;
}

static void check_cut(struct lot *l)
{
    if (l->values->arity > 1)
        dl_rel_chain(&l->rel, 1);
    cut_to(l, l->count / 3);
    holds_what_the_model_holds(l);
    put_some(l, TUPLES / 3);
    holds_what_the_model_holds(l);
    if (l->values->arity > 1)
        chain_lists_the_newest_first(l, 1, l->count);
    cut_to(l, 0);
    holds_what_the_model_holds(l);
}

TEST(what_was_cut_off_is_gone_and_may_come_again)
{
    for_every_kind(check_cut, false);
    for_every_kind(check_cut, true);
}

static void check_chains(struct lot *l)
{
    uint32_t all = (UINT32_C(1) << l->values->arity) - 1;
    for (uint32_t mask = 1; mask < all && mask < 8; mask++) {
        chain_lists_the_newest_first(l, mask, l->count);
        chain_lists_the_newest_first(l, mask, l->count / 2);
    }
    put_some(l, TUPLES / 2);
    for (uint32_t mask = 1; mask < all && mask < 8; mask++)
        chain_lists_the_newest_first(l, mask, l->count);
}

TEST(a_chain_lists_the_tuples_of_a_key_below_an_end)
{
    for_every_kind(check_chains, false);
}

static void check_packs(struct lot *l)
{
    uint32_t all = (UINT32_C(1) << l->values->arity) - 1;
    for (uint32_t mask = 1; mask < all && mask < 8; mask++)
        for (uint32_t need = 0; need <= all && need < 8; need++)
            if ((need & mask) == 0)
                pack_keeps_what_is_needed(l, mask, need);
}

TEST(a_pack_keeps_the_needed_columns_of_every_tuple)
{
    for_every_kind(check_packs, false);
}

TEST(a_pack_leaves_out_repetitions_of_what_is_needed)
{
    struct dl_rel r;
    struct dl_origin origin = {0};
    dl_rel_init(&r, 3, 1, false);
    for (datalog_word n = 0; n < 1200; n++)
        dl_rel_put(&r, (datalog_word[]){n / 12, n % 12, n % 3}, &origin);
    dl_rel_pack(&r, 1, 4);
    const struct dl_index *i = dl_rel_index(&r, 1, 4, true);
    CHECK(i->packed);
    struct dl_pack_range range = dl_index_pack(i, &r.tuples, (datalog_word[]){7});
    CHECK_INT(3, range.to - range.from);
    dl_rel_fini(&r);
}

TEST(words_take_32_bits_until_one_does_not_fit)
{
    struct dl_rel r;
    struct dl_origin origin = {0};
    dl_rel_init(&r, 2, 1, false);
    dl_rel_put(&r, (datalog_word[]){INT32_MIN, INT32_MAX}, &origin);
    CHECK(!r.tuples.wide);
    dl_rel_put(&r, (datalog_word[]){0, INT64_C(1) + INT32_MAX}, &origin);
    CHECK(r.tuples.wide);
    CHECK_INT(INT32_MIN, dl_tuples_at(&r.tuples, 0, 0));
    CHECK_INT(INT32_MAX, dl_tuples_at(&r.tuples, 0, 1));
    CHECK_INT(INT64_C(2147483648), dl_tuples_at(&r.tuples, 1, 1));
    dl_rel_fini(&r);
}

TESTS_BEGIN()
TESTS_RUN(a_relation_holds_each_tuple_once_whatever_its_values)
TESTS_RUN(what_was_cut_off_is_gone_and_may_come_again)
TESTS_RUN(a_chain_lists_the_tuples_of_a_key_below_an_end)
TESTS_RUN(a_pack_keeps_the_needed_columns_of_every_tuple)
TESTS_RUN(a_pack_leaves_out_repetitions_of_what_is_needed)
TESTS_RUN(words_take_32_bits_until_one_does_not_fit)
TESTS_END()
