#include "proxy/job_batch.h"

#include "tests/kit/t.h"

static struct arena arena;
static struct buf complaint;

static enum err read_text(const char *text, struct job_batch *out)
{
    arena_fini(&arena);
    arena_init(&arena, SIZE_MAX);
    buf_fini(&complaint);
    buf_init(&complaint, BUF_TEXT_BOUND);
    return job_batch_read(slice_str(text), &arena, out, &complaint);
}

static void done(void)
{
    arena_fini(&arena);
    buf_fini(&complaint);
}

TEST(an_item_is_a_request_with_its_fields_and_its_body)
{
    struct job_batch b;
    CHECK_ERR(ERR_OK, read_text("{\"all\": true, \"jobs\": [{\"service\": \"trainer\", \"path\": \"/train?x=1\", "
                                "\"headers\": {\"weft-priority\": \"9\"}, \"body\": {\"b\": 1, \"a\": [1.50]}},"
                                "{\"service\": \"s\", \"method\": \"PUT\", \"path\": \"/\", \"text\": \"words\"},"
                                "{\"service\": \"s\", \"path\": \"/\", \"base64\": \"/+8=\"},"
                                "{\"service\": \"s\", \"path\": \"/\"}]}",
                                &b));
    CHECK(b.all);
    CHECK_INT(4, b.count);
    CHECK_TEXT("trainer", b.items[0].service);
    CHECK_TEXT("POST", b.items[0].request.method);
    CHECK_TEXT("/train?x=1", b.items[0].request.path);
    CHECK_TEXT("9", headers_find(&b.items[0].request.headers, SLICE("weft-priority"))->value);
    CHECK_TEXT("application/json", headers_value(&b.items[0].request.headers, HEADERS_CONTENT_TYPE));
    CHECK_TEXT("{\"a\":[1.5],\"b\":1}", b.items[0].body);
    CHECK_TEXT("PUT", b.items[1].request.method);
    CHECK_TEXT("words", b.items[1].body);
    CHECK_INT(0, headers_value(&b.items[1].request.headers, HEADERS_CONTENT_TYPE).len);
    CHECK_SLICE(SLICE("\xff\xef"), b.items[2].body);
    CHECK_INT(0, b.items[3].body.len);
    done();
}

TEST(a_complaint_names_the_item_and_the_repair)
{
    static const char *const bad[][2] = {
        {"", "A batch is {\"all\": false, \"jobs\": [...]} with 1 to 500 jobs."},
        {"[]", "A batch is {\"all\": false, \"jobs\": [...]} with 1 to 500 jobs."},
        {"{\"jobs\": []}", "A batch is {\"all\": false, \"jobs\": [...]} with 1 to 500 jobs."},
        {"{\"jobs\": [{\"service\": \"s\", \"path\": \"/\"}], \"al\": true}",
         "A batch is {\"all\": false, \"jobs\": [...]} with 1 to 500 jobs."},
        {"{\"jobs\": [{\"service\": \"s\", \"path\": \"/\"}, {\"path\": \"/\"}]}",
         "jobs[1]: an object with service and path is wanted"},
        {"{\"jobs\": [{\"service\": \"s\", \"path\": \"x\"}]}",
         "jobs[0]: method is a word like POST, and path begins with /"},
        {"{\"jobs\": [{\"service\": \"s\", \"path\": \"/\\r\\nx\"}]}",
         "jobs[0]: method is a word like POST, and path begins with /"},
        {"{\"jobs\": [{\"service\": \"s\", \"path\": \"/\", \"headers\": {\"X-A\": \"b\"}}]}",
         "jobs[0]: headers has lower-case names, and strings that a field can be"},
        {"{\"jobs\": [{\"service\": \"s\", \"path\": \"/\", \"headers\": {\"x\": \"a\\nb\"}}]}",
         "jobs[0]: headers has lower-case names, and strings that a field can be"},
        {"{\"jobs\": [{\"service\": \"s\", \"path\": \"/\", \"text\": \"a\", \"body\": 1}]}",
         "jobs[0]: one of body, text and base64 is enough"},
        {"{\"jobs\": [{\"service\": \"s\", \"path\": \"/\", \"base64\": \"a\"}]}", "jobs[0]: base64 is none"},
        {"{\"jobs\": [{\"service\": \"s\", \"path\": \"/\", \"prority\": 1}]}",
         "jobs[0]: there is service, method, path, headers, and one of body, text, base64"},
    };
    struct job_batch b;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_ERR(ERR_INPUT, read_text(bad[i][0], &b));
        CHECK_TEXT(bad[i][1], buf_slice(&complaint));
    }
    CHECK_ERR(ERR_INPUT, read_text("{\"jobs\": [\n  {]}", &b));
    CHECK(slice_starts(buf_slice(&complaint), SLICE("line 2, column 4: ")));
    done();
}

TESTS_BEGIN()
TESTS_RUN(an_item_is_a_request_with_its_fields_and_its_body)
TESTS_RUN(a_complaint_names_the_item_and_the_repair)
TESTS_END()
