#include "proxy/recall.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/kit/t.h"

static void add(struct recall *r, const char *id, const char *operation, const char *text)
{
    struct recall_event e = {
        .id = slice_str(id),
        .wall_us = INT64_C(1795477871042000),
        .word = SLICE("policy-denied"),
        .peer = SLICE("spiffe://example.org/web"),
        .operation = slice_str(operation),
        .method = SLICE("GET"),
        .path = SLICE("/orders/7"),
        .text = slice_str(text),
    };
    recall_add(r, &e);
}

TEST(an_event_is_found_by_its_id_and_copied)
{
    struct recall *r = recall_new();
    struct recall_event e;
    char text[] = "because";
    add(r, "a", "get_order", text);
    memset(text, 'x', sizeof(text) - 1);
    CHECK_ERR(ERR_OK, recall_find(r, SLICE("a"), &e));
    CHECK_TEXT("because", e.text);
    CHECK_TEXT("/orders/7", e.path);
    CHECK_ERR(ERR_ABSENT, recall_find(r, SLICE("b"), &e));
    recall_free(&r);
}

TEST(an_operation_names_its_latest_event)
{
    struct recall *r = recall_new();
    struct recall_event e;
    add(r, "a", "get_order", "first");
    add(r, "b", "get_order", "second");
    add(r, "c", "create_order", "third");
    CHECK_ERR(ERR_OK, recall_find(r, SLICE("get_order"), &e));
    CHECK_TEXT("second", e.text);
    recall_free(&r);
}

TEST(nothing_is_no_name)
{
    struct recall *r = recall_new();
    struct recall_event e;
    add(r, "a", NULL, "an event without an operation");
    CHECK_ERR(ERR_ABSENT, recall_find(r, SLICE(""), &e));
    recall_free(&r);
}

TEST(the_thousand_latest_are_kept)
{
    struct recall *r = recall_new();
    struct recall_event e;
    char id[16];
    for (int i = 0; i <= RECALL_EVENTS; i++) {
        (void)snprintf(id, sizeof(id), "id-%d", i);
        add(r, id, "op", "");
    }
    CHECK_ERR(ERR_ABSENT, recall_find(r, SLICE("id-0"), &e));
    CHECK_ERR(ERR_OK, recall_find(r, SLICE("id-1"), &e));
    CHECK_ERR(ERR_OK, recall_find(r, SLICE("id-1000"), &e));
    recall_free(&r);
}

TEST(a_long_explanation_and_a_long_path_are_cut)
{
    struct recall *r = recall_new();
    struct recall_event e = {.id = SLICE("a")};
    static char text[RECALL_TEXT + 1];
    memset(text, 't', sizeof(text));
    e.text = e.path = slice_of(text, sizeof(text));
    recall_add(r, &e);
    CHECK_ERR(ERR_OK, recall_find(r, SLICE("a"), &e));
    CHECK_INT(RECALL_TEXT, e.text.len);
    CHECK_INT(1024, e.path.len);
    recall_free(&r);
}

TEST(the_list_is_newest_first_and_as_long_as_asked)
{
    struct recall *r = recall_new();
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    recall_list(r, 5, &out);
    CHECK_INT(0, buf_len(&out));
    add(r, "a", "get_order", "");
    add(r, "b", "get_order", "");
    add(r, "c", "get_order", "");
    recall_list(r, 2, &out);
    CHECK_TEXT("2026-11-23T23:51:11.042Z  c  policy-denied  GET /orders/7  get_order  from spiffe://example.org/web\n"
               "2026-11-23T23:51:11.042Z  b  policy-denied  GET /orders/7  get_order  from spiffe://example.org/web\n",
               buf_slice(&out));
    buf_fini(&out);
    recall_free(&r);
}

TEST(bytes_of_a_peer_are_shown_escaped)
{
    struct recall *r = recall_new();
    struct recall_event e = {
        .id = SLICE("a\nb"),
        .word = SLICE("bad-path"),
        .method = SLICE("G\x1b[2J"),
        .path = SLICE("/\x01"),
        .text = SLICE("so"),
    };
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    recall_add(r, &e);
    CHECK_ERR(ERR_OK, recall_find(r, SLICE("a\nb"), &e));
    recall_put(&e, &out);
    CHECK_TEXT("1970-01-01T00:00:00.000Z  a\\x0ab  bad-path  G\\x1b[2J /\\x01  -  from the local function\n\nso\n",
               buf_slice(&out));
    buf_fini(&out);
    recall_free(&r);
}

TESTS_BEGIN()
TESTS_RUN(an_event_is_found_by_its_id_and_copied)
TESTS_RUN(an_operation_names_its_latest_event)
TESTS_RUN(nothing_is_no_name)
TESTS_RUN(the_thousand_latest_are_kept)
TESTS_RUN(a_long_explanation_and_a_long_path_are_cut)
TESTS_RUN(the_list_is_newest_first_and_as_long_as_asked)
TESTS_RUN(bytes_of_a_peer_are_shown_escaped)
TESTS_END()
