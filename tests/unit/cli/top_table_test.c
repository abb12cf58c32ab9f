#include "cli/top_table.h"

#include "tests/kit/t.h"

#define ROW(peer, operation, count, errors, steps)                                                       \
    "{\"direction\":\"outbound\",\"peer\":\"" peer "\",\"operation\":\"" operation "\",\"count\":" count \
    ",\"errors\":" errors ",\"steps\":[" steps "]}"

static const char before_text[] =
    "{\"at_us\":1000000,\"in_flight\":0,\"calls\":[" ROW("orders", "get", "10", "0", "[64,10]") "],\"endpoints\":[]}";
static const char now_text[] = "{\"at_us\":3000000,\"in_flight\":3,\"calls\":[" ROW(
    "orders", "get", "30", "5",
    "[64,10],[1280,18],[2048,2]") "," ROW("orders", "put", "4", "4",
                                          "[64,4]") "," ROW("stock", "", "100", "0",
                                                            "[128,100]") "],\"endpoints\":[{\"service\":\"orders\","
                                                                         "\"endpoint\":\"10.0.0.7:4743\",\"breaker\":"
                                                                         "\"open\",\"latency_us\":1500,"
                                                                         "\"in_flight\":2,\"connections\":1}]}";

static struct top_look before, now;

static void look(void)
{
    CHECK_ERR(ERR_OK, top_table_read(&before, slice_str(before_text)));
    CHECK_ERR(ERR_OK, top_table_read(&now, slice_str(now_text)));
}

static void look_away(void)
{
    top_table_fini(&before);
    top_table_fini(&now);
}

TEST(the_busiest_peer_comes_first_and_its_sum_before_its_operations)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    look();
    top_table_print(&now, &before, 0, &out);
    CHECK_TEXT(
        "in flight 3\n\n"
        "direction peer                             operation                    req/s  errors   p50 ms   p99 ms  "
        "    total\n"
        "outbound  stock                            -                             50.0    0.0%     0.12     0.13  "
        "      100\n"
        "outbound  orders                           *                             12.0   37.5%     1.14     2.02  "
        "       34\n"
        "outbound  orders                           get                           10.0   25.0%     1.17     2.02  "
        "       30\n"
        "outbound  orders                           put                            2.0  100.0%     0.03     0.06  "
        "        4\n"
        "\nservice              endpoint                 breaker     latency in flight  conns\n"
        "orders               10.0.0.7:4743            open        1.50 ms         2      1\n",
        buf_slice(&out));
    buf_fini(&out);
    look_away();
}

TEST(what_does_not_fit_is_counted)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    look();
    top_table_print(&now, &before, 1, &out);
    CHECK(slice_has(buf_slice(&out), SLICE("\nand 3 more\n")));
    CHECK(!slice_has(buf_slice(&out), SLICE("put")));
    buf_fini(&out);
    look_away();
}

TEST(json_has_the_same)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    look();
    top_table_print_json(&now, &before, &out);
    CHECK(
        slice_starts(buf_slice(&out), SLICE("{\"seconds\":2.000,\"in_flight\":3,\"calls\":[{\"direction\":\"outbound\","
                                            "\"peer\":\"stock\",\"operation\":\"\",\"per_second\":50.000,"
                                            "\"errors_per_second\":0.000,\"p50_ms\":0.120,")));
    CHECK(slice_has(buf_slice(&out), SLICE("\"endpoints\":[{\"breaker\":\"open\",")));
    buf_fini(&out);
    look_away();
}

TEST(without_calls_there_is_no_latency)
{
    look();
    struct top_row none = {0};
    CHECK(top_table_quantile(&none, 0.5) < 0);
    look_away();
}

TEST(a_sidecar_that_has_started_anew_counts_from_nothing)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    look();
    top_table_print(&before, &now, 0, &out);
    CHECK(slice_has(buf_slice(&out), SLICE("get                           10.0    0.0%     0.03")));
    buf_fini(&out);
    look_away();
}

TEST(what_is_no_answer_of_top_is_refused)
{
    struct top_look look;
    CHECK_ERR(ERR_INPUT, top_table_read(&look, SLICE("{")));
    CHECK_ERR(ERR_INPUT, top_table_read(&look, SLICE("{\"calls\":1}")));
    CHECK_ERR(ERR_INPUT, top_table_read(&look, SLICE("[]")));
}

TESTS_BEGIN()
TESTS_RUN(the_busiest_peer_comes_first_and_its_sum_before_its_operations)
TESTS_RUN(what_does_not_fit_is_counted)
TESTS_RUN(json_has_the_same)
TESTS_RUN(without_calls_there_is_no_latency)
TESTS_RUN(a_sidecar_that_has_started_anew_counts_from_nothing)
TESTS_RUN(what_is_no_answer_of_top_is_refused)
TESTS_END()
