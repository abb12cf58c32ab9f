#include "proxy/turns.h"

#include "tests/kit/t.h"

enum { MOST = 4 };

struct named {
    struct turn turn;
    char name;
};

static void put(struct turns *t, const char *peer, struct named *n, char name)
{
    n->name = name;
    CHECK_ERR(ERR_OK, turns_put(t, slice_str(peer), &n->turn));
}

static char next(struct turns *t)
{
    struct turn *turn = turns_next(t);
    return turn ? LIST_OF(turn, struct named, turn)->name : '-';
}

TEST(peers_take_turns_and_each_keeps_its_order)
{
    struct turns t;
    struct named n[8];
    turns_init(&t, MOST);
    for (int i = 0; i < 4; i++)
        put(&t, "mallory", &n[i], (char)('a' + i));
    put(&t, "web", &n[4], 'W');
    put(&t, "shop", &n[5], 'S');
    put(&t, "web", &n[6], 'X');
    const char *want = "aWSbXcd-";
    for (; *want; want++)
        CHECK_INT(*want, next(&t));
    turns_fini(&t);
}

TEST(who_comes_waits_for_one_piece_of_each_peer)
{
    struct turns t;
    struct named n[5];
    turns_init(&t, MOST);
    for (int i = 0; i < 4; i++)
        put(&t, "mallory", &n[i], (char)('a' + i));
    CHECK_INT('a', next(&t));
    put(&t, "web", &n[4], 'W');
    CHECK_INT('b', next(&t));
    CHECK_INT('W', next(&t));
    CHECK_INT('c', next(&t));
    CHECK_INT('d', next(&t));
    turns_fini(&t);
}

TEST(a_peer_has_a_bound_and_others_have_their_own)
{
    struct turns t;
    struct named n[MOST + 2];
    turns_init(&t, MOST);
    for (int i = 0; i < MOST; i++)
        put(&t, "mallory", &n[i], 'm');
    CHECK_ERR(ERR_FULL, turns_put(&t, SLICE("mallory"), &n[MOST].turn));
    CHECK_INT(MOST, turns_waiting(&t, SLICE("mallory")));
    CHECK_INT(0, turns_waiting(&t, SLICE("web")));
    put(&t, "web", &n[MOST], 'W');
    CHECK_INT('m', next(&t));
    put(&t, "mallory", &n[MOST + 1], 'n');
    while (next(&t) != '-')
        ;
    turns_fini(&t);
}

TESTS_BEGIN()
TESTS_RUN(peers_take_turns_and_each_keeps_its_order)
TESTS_RUN(who_comes_waits_for_one_piece_of_each_peer)
TESTS_RUN(a_peer_has_a_bound_and_others_have_their_own)
TESTS_END()
