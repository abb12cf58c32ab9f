#include "base/heap.h"

#include "tests/kit/t.h"

struct item {
    int rank;
    struct heap_node node;
};

static bool before(const struct heap_node *a, const struct heap_node *b)
{
    return HEAP_OF(a, const struct item, node)->rank < HEAP_OF(b, const struct item, node)->rank;
}

static int pop_rank(struct heap *h)
{
    struct heap_node *n = heap_pop(h);
    return n ? HEAP_OF(n, struct item, node)->rank : -1;
}

TEST(an_empty_heap_gives_nothing)
{
    struct heap h;
    struct item loose = {0};
    heap_init(&h, before);
    CHECK(heap_first(&h) == NULL);
    CHECK(heap_pop(&h) == NULL);
    heap_remove(&h, &loose.node);
    heap_fini(&h);
}

TEST(items_come_out_in_order)
{
    static struct item items[1000];
    struct heap h;
    heap_init(&h, before);
    for (int i = 0; i < 1000; i++) {
        items[i].rank = i * 7 % 1000;
        heap_push(&h, &items[i].node);
    }
    CHECK_INT(0, HEAP_OF(heap_first(&h), struct item, node)->rank);
    for (int i = 0; i < 1000; i++)
        CHECK_INT(i, pop_rank(&h));
    CHECK_INT(-1, pop_rank(&h));
    heap_fini(&h);
}

TEST(items_taken_out_of_the_middle_leave_the_rest_in_order)
{
    static struct item items[1000];
    struct heap h;
    heap_init(&h, before);
    for (int i = 0; i < 1000; i++) {
        items[i] = (struct item){.rank = i * 391 % 1000};
        heap_push(&h, &items[i].node);
    }
    for (int i = 0; i < 1000; i++)
        if (items[i].rank % 3)
            heap_remove(&h, &items[i].node);
    for (int rank = 0; rank < 1000; rank += 3)
        CHECK_INT(rank, pop_rank(&h));
    CHECK_INT(0, h.count);
    heap_fini(&h);
}

TEST(an_item_knows_whether_it_is_inside)
{
    struct item a = {.rank = 1}, b = {.rank = 2};
    struct heap h;
    heap_init(&h, before);
    heap_push(&h, &a.node);
    heap_push(&h, &b.node);
    CHECK(heap_holds(&a.node));
    heap_remove(&h, &a.node);
    CHECK(!heap_holds(&a.node));
    heap_remove(&h, &a.node);
    CHECK_INT(1, h.count);
    heap_fini(&h);
    CHECK(!heap_holds(&b.node));
}

TESTS_BEGIN()
TESTS_RUN(an_empty_heap_gives_nothing)
TESTS_RUN(items_come_out_in_order)
TESTS_RUN(items_taken_out_of_the_middle_leave_the_rest_in_order)
TESTS_RUN(an_item_knows_whether_it_is_inside)
TESTS_END()
