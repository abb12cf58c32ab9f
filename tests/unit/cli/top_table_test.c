#include "cli/top_table.h"

#include "tests/kit/t.h"

#define SERIES(service, code) \
    "weft_requests_total{direction=\"outbound\",service=\"" service "\",operation=\"\",code=\"" code "\"} "
#define BUCKET(edge) "weft_request_duration_seconds_bucket{direction=\"outbound\",le=\"" edge "\"} "

static const char before_text[] = "# TYPE weft_requests_total counter\n" SERIES("orders", "200") "10\n";
static const char now_text[] =
    SERIES("orders", "200") "25\n" SERIES("orders", "503") "5\n" SERIES("stock", "200") "100\n" BUCKET(
        "0.001") "50\n" BUCKET("0.002") "90\n" BUCKET("+Inf") "100\n"
                                                              "weft_requests_in_flight 3\nother{a=\"b} 1\n\nnonsense\n";

TEST(rates_and_errors_are_what_came_between_two_looks)
{
    struct top_look before, now;
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    top_table_read(&before, slice_str(before_text));
    top_table_read(&now, slice_str(now_text));
    CHECK_INT(2, now.row_count);
    top_table_print(&now, &before, 2, &out);
    struct slice text = buf_slice(&out);
    CHECK(slice_has(text, SLICE("in flight 3\n")));
    CHECK(slice_has(text,
                    SLICE("outbound  orders               -                             10.0   25.0%         30\n")));
    CHECK(slice_has(text,
                    SLICE("outbound  stock                -                             50.0    0.0%        100\n")));
    buf_fini(&out);
    top_table_fini(&before);
    top_table_fini(&now);
}

TEST(quantiles_lie_between_the_edges_of_their_bucket)
{
    struct top_look now;
    top_table_read(&now, slice_str(now_text));
    CHECK_INT(1000, (int)(1e6 * top_table_quantile(&now.latency[0], NULL, 0.5) + 0.5));
    CHECK_INT(1500, (int)(1e6 * top_table_quantile(&now.latency[0], NULL, 0.7) + 0.5));
    CHECK_INT(2000, (int)(1e6 * top_table_quantile(&now.latency[0], NULL, 0.99) + 0.5));
    CHECK(top_table_quantile(&now.latency[0], &now.latency[0], 0.5) < 0);
    top_table_fini(&now);
}

TESTS_BEGIN()
TESTS_RUN(rates_and_errors_are_what_came_between_two_looks)
TESTS_RUN(quantiles_lie_between_the_edges_of_their_bucket)
TESTS_END()
