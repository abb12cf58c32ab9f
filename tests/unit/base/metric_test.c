#include "base/metric.h"

#include <stdio.h>

#include "tests/kit/t.h"

static void check_print(const struct metric_set *s, const char *want)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    metric_print(s, &out);
    CHECK_TEXT(want, buf_slice(&out));
    buf_fini(&out);
}

TEST(counters_and_gauges_are_printed_in_order_of_being_declared)
{
    struct metric_set *s = metric_set_new();
    struct metric_family *requests =
        metric_family(s, METRIC_COUNTER, "weft_requests_total", "direction,code", "Requests answered.");
    struct metric_family *ready = metric_family(s, METRIC_GAUGE, "weft_ready", "", "Ready to serve.");
    metric_add(metric_series(requests, (const struct slice[]){SLICE("in"), SLICE("200")}), 3);
    metric_add(metric_series(requests, (const struct slice[]){SLICE("out"), SLICE("503")}), 1);
    metric_add(metric_series(requests, (const struct slice[]){SLICE("in"), SLICE("200")}), 1);
    metric_gauge(metric_series(ready, NULL), 0.5);
    check_print(s, "# HELP weft_requests_total Requests answered.\n"
                   "# TYPE weft_requests_total counter\n"
                   "weft_requests_total{direction=\"in\",code=\"200\"} 4\n"
                   "weft_requests_total{direction=\"out\",code=\"503\"} 1\n"
                   "# HELP weft_ready Ready to serve.\n"
                   "# TYPE weft_ready gauge\n"
                   "weft_ready 0.5\n");
    metric_set_free(&s);
    CHECK(s == NULL);
}

TEST(a_histogram_counts_upwards_and_its_bounds_are_inside)
{
    struct metric_set *s = metric_set_new();
    struct metric_family *f = metric_family(s, METRIC_HISTOGRAM, "t", "op", "Time.");
    struct metric *m = metric_series(f, (const struct slice[]){SLICE("get")});
    metric_observe_us(m, -1);
    metric_observe_us(m, 100);
    metric_observe_us(m, 101);
    metric_observe_us(m, 10000000);
    metric_observe_us(m, 10000001);
    check_print(s, "# HELP t Time.\n"
                   "# TYPE t histogram\n"
                   "t_bucket{op=\"get\",le=\"0.0001\"} 2\n"
                   "t_bucket{op=\"get\",le=\"0.00025\"} 3\n"
                   "t_bucket{op=\"get\",le=\"0.0005\"} 3\n"
                   "t_bucket{op=\"get\",le=\"0.001\"} 3\n"
                   "t_bucket{op=\"get\",le=\"0.0025\"} 3\n"
                   "t_bucket{op=\"get\",le=\"0.005\"} 3\n"
                   "t_bucket{op=\"get\",le=\"0.01\"} 3\n"
                   "t_bucket{op=\"get\",le=\"0.025\"} 3\n"
                   "t_bucket{op=\"get\",le=\"0.05\"} 3\n"
                   "t_bucket{op=\"get\",le=\"0.1\"} 3\n"
                   "t_bucket{op=\"get\",le=\"0.25\"} 3\n"
                   "t_bucket{op=\"get\",le=\"0.5\"} 3\n"
                   "t_bucket{op=\"get\",le=\"1\"} 3\n"
                   "t_bucket{op=\"get\",le=\"2.5\"} 3\n"
                   "t_bucket{op=\"get\",le=\"5\"} 3\n"
                   "t_bucket{op=\"get\",le=\"10\"} 4\n"
                   "t_bucket{op=\"get\",le=\"+Inf\"} 5\n"
                   "t_sum{op=\"get\"} 20.000202\n"
                   "t_count{op=\"get\"} 5\n");
    metric_set_free(&s);
}

TEST(a_label_value_cannot_leave_its_quotes)
{
    struct metric_set *s = metric_set_new();
    struct metric_family *f = metric_family(s, METRIC_COUNTER, "n", "path", "N.");
    metric_add(metric_series(f, (const struct slice[]){SLICE("a\"b\\c\nd\xff")}), 1);
    check_print(s, "# HELP n N.\n"
                   "# TYPE n counter\n"
                   "n{path=\"a\\\"b\\\\c\\nd\\\\xff\"} 1\n");
    metric_set_free(&s);
}

TEST(past_a_thousand_series_the_rest_share_one)
{
    struct metric_set *s = metric_set_new();
    struct metric_family *f = metric_family(s, METRIC_COUNTER, "n", "path", "N.");
    struct metric *first = metric_series(f, (const struct slice[]){SLICE("0")});
    for (int i = 0; i < 2000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", i);
        metric_add(metric_series(f, (const struct slice[]){slice_str(name)}), 1);
    }
    struct metric *other = metric_series(f, (const struct slice[]){SLICE("other")});
    CHECK_INT(1000, other->count);
    CHECK(metric_series(f, (const struct slice[]){SLICE("5000")}) == other);
    CHECK(metric_series(f, (const struct slice[]){SLICE("0")}) == first);
    metric_set_free(&s);
}

TEST(numbers_that_are_none_have_their_names)
{
    struct metric_set *s = metric_set_new();
    struct metric_family *f = metric_family(s, METRIC_GAUGE, "n", "", "N.");
    metric_gauge(metric_series(f, NULL), __builtin_inf());
    check_print(s, "# HELP n N.\n# TYPE n gauge\nn +Inf\n");
    metric_gauge(metric_series(f, NULL), __builtin_nan(""));
    check_print(s, "# HELP n N.\n# TYPE n gauge\nn NaN\n");
    metric_set_free(&s);
}

TEST(a_series_is_the_same_one_whatever_was_asked_for_in_between)
{
    struct metric_set *set = metric_set_new();
    struct metric_family *f = metric_family(set, METRIC_COUNTER, "asked", "who,what", "Asked.");
    struct metric *first[200];
    char who[200][16];
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 200; i++) {
            snprintf(who[i], sizeof(who[i]), "%d-of-many", i);
            struct slice labels[] = {slice_str(who[i]), i % 2 ? SLICE("a\nb") : SLICE("")};
            struct metric *one = metric_series(f, labels);
            if (round == 0)
                first[i] = one;
            CHECK(first[i] == one);
            CHECK(i == 0 || one != first[i - 1]);
        }
    metric_set_free(&set);
}

TEST(the_sets_of_several_threads_add_up)
{
    struct metric_set *a = metric_set_new(), *b = metric_set_new(), *sum = metric_set_new();
    struct metric_set *parts[] = {a, b};
    for (unsigned i = 0; i < 2; i++) {
        struct metric_family *n = metric_family(parts[i], METRIC_COUNTER, "n", "code", "N.");
        metric_add(metric_series(n, (const struct slice[]){SLICE("200")}), 1 + i);
        metric_gauge(metric_series(metric_family(parts[i], METRIC_GAUGE, "now", "", "Now."), NULL), 1.5);
        metric_gauge(metric_series(metric_family(parts[i], METRIC_FACT, "until", "", "Until."), NULL), 9);
        if (i == 1)
            metric_add(metric_series(n, (const struct slice[]){SLICE("503")}), 7);
    }
    metric_merge(sum, a);
    metric_merge(sum, b);
    check_print(sum, "# HELP n N.\n# TYPE n counter\nn{code=\"200\"} 3\nn{code=\"503\"} 7\n"
                     "# HELP now Now.\n# TYPE now gauge\nnow 3\n"
                     "# HELP until Until.\n# TYPE until gauge\nuntil 9\n");
    metric_set_free(&a);
    metric_set_free(&b);
    metric_set_free(&sum);
}

TEST(series_that_rest_for_ten_minutes_go_where_they_fade)
{
    enum { MINUTE = 60 * 1000000 };
    struct metric_set *s = metric_set_new();
    struct metric_family *fades = metric_family(s, METRIC_COUNTER, "n", "code", "N.");
    struct metric_family *stays = metric_family(s, METRIC_COUNTER, "m", "code", "M.");
    metric_fade(fades);
    metric_add(metric_series(fades, (const struct slice[]){SLICE("200")}), 1);
    metric_add(metric_series(fades, (const struct slice[]){SLICE("503")}), 1);
    metric_add(metric_series(stays, (const struct slice[]){SLICE("200")}), 1);
    CHECK(!metric_sweep(s, 0));
    CHECK(!metric_sweep(s, 9 * (int64_t)MINUTE));
    metric_add(metric_series(fades, (const struct slice[]){SLICE("503")}), 1);
    CHECK(metric_sweep(s, 10 * (int64_t)MINUTE));
    metric_add(metric_series(fades, (const struct slice[]){SLICE("404")}), 1);
    check_print(s, "# HELP n N.\n# TYPE n counter\nn{code=\"503\"} 2\nn{code=\"404\"} 1\n"
                   "# HELP m M.\n# TYPE m counter\nm{code=\"200\"} 1\n");
    CHECK(!metric_sweep(s, 10 * (int64_t)MINUTE));
    CHECK(metric_sweep(s, 20 * (int64_t)MINUTE));
    check_print(s, "# HELP n N.\n# TYPE n counter\n# HELP m M.\n# TYPE m counter\nm{code=\"200\"} 1\n");
    metric_set_free(&s);
}

TEST(a_sample_is_in_the_first_bucket_whose_bound_it_does_not_pass)
{
    static const int64_t bounds[] = {100,   250,    500,    1000,   2500,    5000,    10000,   25000,
                                     50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};
    enum { BOUNDS = sizeof(bounds) / sizeof(bounds[0]) };
    struct metric m = {0};
    for (unsigned i = 0; i < BOUNDS; i++) {
        metric_observe_us(&m, bounds[i]);
        metric_observe_us(&m, bounds[i] + 1);
        CHECK_INT(i == 0 ? 1 : 2, m.buckets[i]);
        CHECK_INT(1, m.buckets[i + 1]);
    }
    metric_observe_us(&m, -5);
    metric_observe_us(&m, 0);
    metric_observe_us(&m, 1);
    CHECK_INT(4, m.buckets[0]);
    metric_observe_us(&m, INT64_MAX);
    CHECK_INT(2, m.buckets[BOUNDS]);
}

TESTS_BEGIN()
TESTS_RUN(a_sample_is_in_the_first_bucket_whose_bound_it_does_not_pass)
TESTS_RUN(counters_and_gauges_are_printed_in_order_of_being_declared)
TESTS_RUN(a_histogram_counts_upwards_and_its_bounds_are_inside)
TESTS_RUN(a_label_value_cannot_leave_its_quotes)
TESTS_RUN(past_a_thousand_series_the_rest_share_one)
TESTS_RUN(numbers_that_are_none_have_their_names)
TESTS_RUN(a_series_is_the_same_one_whatever_was_asked_for_in_between)
TESTS_RUN(the_sets_of_several_threads_add_up)
TESTS_RUN(series_that_rest_for_ten_minutes_go_where_they_fade)
TESTS_END()
