#include "proxy/job_options.h"

#include "tests/kit/t.h"

enum { NOW_MS = 1000000 };

struct field {
    const char *name, *value;
};

static enum err read(const struct field *fields, size_t count, struct job_options *out, struct buf *complaint)
{
    struct arena arena;
    arena_init(&arena, 65536);
    struct headers h;
    headers_init(&h, &arena);
    for (size_t i = 0; i < count; i++)
        CHECK_ERR(ERR_OK, headers_add_copy(&h, slice_str(fields[i].name), slice_str(fields[i].value)));
    buf_init(complaint, 4096);
    enum err e = job_options_read(&h, (int64_t)NOW_MS * 1000, out, complaint);
    arena_fini(&arena);
    return e;
}

TEST(a_request_without_options_gets_the_defaults)
{
    struct job_options o;
    struct buf complaint;
    CHECK_ERR(ERR_OK, read(NULL, 0, &o, &complaint));
    CHECK_INT(5, o.priority);
    CHECK_INT(0, o.attempts);
    CHECK_INT(0, o.delay_ms);
    CHECK_INT(0, o.timeout_ms);
    CHECK_INT(0, o.deadline_ms);
    CHECK_TEXT("", slice_str(o.key));
}

TEST(every_option_is_read)
{
    static const struct field fields[] = {
        {"prefer", "respond-async, wait=3"},
        {"idempotency-key", "\"a b\\\"c\""},
        {"weft-priority", "9"},
        {"weft-delay", "1500ms"},
        {"weft-timeout", "1us"},
        {"weft-deadline", "2s"},
        {"weft-attempts", "100"},
    };
    struct job_options o;
    struct buf complaint;
    CHECK_ERR(ERR_OK, read(fields, 7, &o, &complaint));
    CHECK(o.prefer.respond_async);
    CHECK_INT(3, o.prefer.wait_s);
    CHECK_TEXT("a b\"c", slice_str(o.key));
    CHECK_INT(9, o.priority);
    CHECK_INT(1500, o.delay_ms);
    CHECK_INT(1, o.timeout_ms);
    CHECK_INT(NOW_MS + 2000, o.deadline_ms);
    CHECK_INT(100, o.attempts);
}

TEST(a_deadline_may_be_a_moment_in_unix_milliseconds)
{
    struct job_options o;
    struct buf complaint;
    CHECK_ERR(ERR_OK, read(&(struct field){"weft-deadline", "1000001"}, 1, &o, &complaint));
    CHECK_INT(1000001, o.deadline_ms);
}

TEST(a_wrong_option_is_named_with_what_to_send_instead)
{
    static const struct {
        struct field field;
        const char *complaint;
    } rows[] = {
        {{"weft-priority", "10"},
         "weft-priority: \"10\" is not understood; send a digit from 0 to 9; 9 goes first, 5 is the default."},
        {{"weft-attempts", "0"}, "weft-attempts: \"0\" is not understood; send a number from 1 to 100."},
        {{"weft-delay", "30"}, "weft-delay: \"30\" is not understood; send a duration like 30s or 5m."},
        {{"weft-timeout", "0s"}, "weft-timeout: \"0s\" is not understood; send a duration over zero, like 30s or 5m."},
        {{"weft-deadline", "1000000"},
         "weft-deadline: \"1000000\" is not understood; send a duration from now like "
         "1h, or a moment to come in unix milliseconds."},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct job_options o;
        struct buf complaint;
        CHECK_ERR(ERR_INPUT, read(&rows[i].field, 1, &o, &complaint));
        CHECK_TEXT(rows[i].complaint, buf_slice(&complaint));
        buf_fini(&complaint);
    }
}

TEST(an_option_said_twice_is_refused)
{
    static const struct field fields[] = {{"idempotency-key", "a"}, {"idempotency-key", "a"}};
    struct job_options o;
    struct buf complaint;
    CHECK_ERR(ERR_INPUT, read(fields, 2, &o, &complaint));
    CHECK(slice_starts(buf_slice(&complaint), SLICE("idempotency-key: \"a\" is a second one; ")));
    buf_fini(&complaint);
}

TEST(a_key_is_a_quoted_string_or_bare)
{
    static const struct {
        const char *value, *key; /* NULL: refused */
    } rows[] = {
        {"\"8e03978e-40d5\"", "8e03978e-40d5"},
        {"8e03978e-40d5", "8e03978e-40d5"},
        {"\"a\\\\b\"", "a\\b"},
        {"\"\"", NULL},
        {"\"", NULL},
        {"", NULL},
        {"a b", NULL},
        {"a,b", NULL},
        {"\"a\\b\"", NULL},
        {"\"a\"b\"", NULL},
        {"\"a\\\"", NULL},
        {"\"a\tb\"", NULL},
        {"\"\xc3\xa9\"", NULL},
        {"\xc3\xa9", NULL},
    };
    char key[JOB_OPTIONS_KEY + 1];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_ERR(rows[i].key ? ERR_OK : ERR_INPUT, job_options_key(slice_str(rows[i].value), key));
        if (rows[i].key)
            CHECK_TEXT(rows[i].key, slice_str(key));
    }
}

TEST(a_key_has_at_most_255_bytes)
{
    char text[260], key[JOB_OPTIONS_KEY + 1];
    memset(text, 'k', sizeof(text));
    CHECK_ERR(ERR_OK, job_options_key(slice_of(text, 255), key));
    CHECK_ERR(ERR_INPUT, job_options_key(slice_of(text, 256), key));
    text[0] = text[256] = '"';
    CHECK_ERR(ERR_OK, job_options_key(slice_of(text, 257), key));
    CHECK_INT(255, strlen(key));
    text[256] = 'k';
    text[257] = '"';
    CHECK_ERR(ERR_INPUT, job_options_key(slice_of(text, 258), key));
}

TEST(a_key_is_the_last_label)
{
    struct field fields[] = {{"weft-key", "customer-7"}, {"weft-labels", "gpu=a100, x?"}};
    struct job_options o;
    struct buf complaint;
    CHECK_ERR(ERR_OK, read(fields, 1, &o, &complaint));
    CHECK_TEXT("@customer-7", slice_str(o.labels));
    CHECK_ERR(ERR_OK, read(fields, 2, &o, &complaint));
    CHECK_TEXT("gpu=a100,x?,@customer-7", slice_str(o.labels));
    static const char *const wrong[] = {
        "", "a b", "a,b", "a?", "\"a\"", "0123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        fields[0].value = wrong[i];
        CHECK_ERR(ERR_INPUT, read(fields, 1, &o, &complaint));
        buf_fini(&complaint);
    }
}

TESTS_BEGIN()
TESTS_RUN(a_request_without_options_gets_the_defaults)
TESTS_RUN(every_option_is_read)
TESTS_RUN(a_deadline_may_be_a_moment_in_unix_milliseconds)
TESTS_RUN(a_wrong_option_is_named_with_what_to_send_instead)
TESTS_RUN(an_option_said_twice_is_refused)
TESTS_RUN(a_key_is_a_quoted_string_or_bare)
TESTS_RUN(a_key_has_at_most_255_bytes)
TESTS_RUN(a_key_is_the_last_label)
TESTS_END()
