#include "contracts/wire/fit.h"

#include "tests/kit/t.h"

static const char facts[] =
    "contract(\"orders\", \"1.0.0\").\n"
    "operation(\"put\"). http(\"put\", \"PUT\", \"/orders\").\n"
    "request(\"put\", \"application/json\", \"Order\").\n"
    "response(\"put\", \"201\", \"application/json\", \"Order\").\n"
    "response(\"put\", \"4XX\", \"application/json\", \"Problem\").\n"
    "response(\"put\", \"default\", \"application/json\", \"string\").\n"
    "record(\"Problem\"). field(\"Problem\", \"title\", \"string\", \"required\").\n"
    "record(\"Order\"). closed(\"Order\").\n"
    "field(\"Order\", \"id\", \"int64\", \"required\"). only(\"Order.id\", \"response\").\n"
    "field(\"Order\", \"sku\", \"string\", \"required\"). pattern(\"Order.sku\", \"^[A-Z]{2}-[0-9]+$\").\n"
    "field(\"Order\", \"qty\", \"int32\", \"required\"). bound(\"Order.qty\", \"min\", \"1\").\n"
    "field(\"Order\", \"price\", \"number\", \"optional\"). bound(\"Order.price\", \"below\", \"99.5\").\n"
    "bound(\"Order.price\", \"multiple_of\", \"0.5\").\n"
    "field(\"Order\", \"note\", \"string\", \"optional\"). nullable(\"Order.note\").\n"
    "bound(\"Order.note\", \"min_length\", \"2\"). bound(\"Order.note\", \"max_length\", \"4\").\n"
    "field(\"Order\", \"status\", \"Status\", \"optional\"). enum(\"Status\").\n"
    "symbol(\"Status\", \"NEW\", 0). symbol(\"Status\", \"GONE\", 1).\n"
    "field(\"Order\", \"lines\", \"Lines\", \"optional\"). list(\"Lines\", \"Line\").\n"
    "bound(\"Lines\", \"max_items\", \"2\"). record(\"Line\"). field(\"Line\", \"n\", \"int32\", \"required\").\n"
    "field(\"Order\", \"prices\", \"Prices\", \"optional\"). map(\"Prices\", \"Status\", \"double\").\n"
    "field(\"Order\", \"pay\", \"Pay\", \"optional\"). union(\"Pay\"). branch(\"Pay\", 0, \"Line\").\n"
    "branch(\"Pay\", 1, \"int32\"). branch(\"Pay\", 2, \"Status\").\n"
    "field(\"Order\", \"level\", \"any\", \"optional\"). value(\"Order.level\", \"1\").\n"
    "value(\"Order.level\", \"\\\"high\\\"\"). value(\"Order.level\", \"true\").\n"
    "field(\"Order\", \"key\", \"bytes\", \"optional\").\n"
    "field(\"Order\", \"pair\", \"Pair\", \"optional\"). list(\"Pair\", \"bool\"). item(\"Pair\", 0, \"string\").\n";

static struct contract *contract;
static struct mould *mould;

static void load(void)
{
    struct diag diag;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, contract_parse(slice_str(facts), "facts", &diag, &contract));
    diag_fini(&diag);
    mould = mould_new(contract);
}

static void unload(void)
{
    mould_free(&mould);
    contract_unref(&contract);
}

static enum err feed_in_pieces(struct fit *f, struct slice body, size_t piece)
{
    for (size_t at = 0; at < body.len; at += piece) {
        struct slice p = slice_to(slice_from(body, at), piece);
        char *copy = test_malloc(p.len);
        memcpy(copy, p.at, p.len);
        enum err e = fit_feed(f, slice_of(copy, p.len));
        test_free(copy);
        if (e != ERR_OK)
            return e;
    }
    return fit_finish(f);
}

/* Whole and cut into pieces of every size up to 9.  NULL: it fits. */
static void held_against(const struct mould_node *node, const char *body, const char *fault)
{
    struct slice in = slice_str(body);
    CHECK(node != NULL);
    for (size_t piece = 1; piece < 10; piece++) {
        struct fit *f = fit_json_new(node, 1000);
        enum err e = feed_in_pieces(f, in, piece < 9 ? piece : in.len + 1);
        CHECK_TEXT(fault ? fault : "", slice_str(fit_fault(f)));
        CHECK_ERR(fault ? ERR_PEER : ERR_OK, e);
        CHECK_ERR(e, fit_finish(f));
        fit_free(&f);
    }
}

static void request(const char *body, const char *fault)
{
    held_against(mould_request(mould, SLICE("put"), SLICE("application/json")), body, fault);
}

/* One more member of an order that fits. */
static void with(const char *member, const char *fault)
{
    struct buf body;
    buf_init(&body, 1000);
    buf_putf(&body, "{\"sku\":\"AB-1\",\"qty\":1,%s}", member);
    request(buf_text(&body), fault);
    buf_fini(&body);
}

TEST(a_body_that_the_contract_describes_fits)
{
    load();
    request("{\"sku\":\"AB-1\",\"qty\":3}", NULL);
    request(
        " { \"qty\" : 3.0e1 , \"sku\" : \"\\u0041B-12\",\"price\": 98.5,\"note\":null, \"status\":\"GONE\","
        "\"lines\":[ {\"n\":1},{\"n\":2,\"more\":[{}]} ],\"prices\":{\"NEW\":1e3},\"pay\":{\"n\":7},\"level\":true} ",
        NULL);
    with("\"pay\":7", NULL);
    with("\"pay\":\"NEW\"", NULL);
    with("\"level\":\"high\"", NULL);
    with("\"level\":1.00", NULL);
    with("\"key\":\"YQ==\"", NULL);
    with("\"pair\":[\"a\",true,false]", NULL);
    with("\"note\":\"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\"", NULL);
    unload();
}

TEST(what_is_missing_or_not_known_is_named)
{
    load();
    request("{\"qty\":3}", "member \"sku\" is missing at / (byte 8)");
    with("\"lines\":[{\"n\":1},{}]", "member \"n\" is missing at /lines/[1] (byte 40)");
    with("\"colour\":1", "member \"colour\" is not known at /colour (byte 22)");
    with("\"qty\":1", "duplicate member \"qty\" at /qty (byte 22)");
    unload();
}

TEST(a_value_of_another_kind_is_refused)
{
    load();
    request("[]", "an object is expected at / (byte 0)");
    with("\"note\":7", "a string or null is expected at /note (byte 29)");
    with("\"lines\":{}", "an array is expected at /lines (byte 30)");
    with("\"lines\":[7]", "an object is expected at /lines/[0] (byte 31)");
    with("\"pay\":[]", "an object or a string or a number is expected at /pay (byte 28)");
    with("\"pay\":null", "an object or a string or a number is expected at /pay (byte 28)");
    with("\"prices\":{\"NEW\":true}", "a number is expected at /prices/NEW (byte 38)");
    with("\"pair\":[1]", "a string is expected at /pair/[0] (byte 30)");
    with("\"pair\":[\"\",1]", "true or false is expected at /pair/[1] (byte 33)");
    unload();
}

TEST(bounds_hold)
{
    load();
    request("{\"sku\":\"AB-1\",\"qty\":0}", "at least 1 is expected at /qty (byte 20)");
    request("{\"sku\":\"AB-1\",\"qty\":2147483648}", "at most 2147483647 is expected at /qty (byte 20)");
    request("{\"sku\":\"AB-1\",\"qty\":99999999999999999999}", "at most 2147483647 is expected at /qty (byte 20)");
    request("{\"sku\":\"AB-1\",\"qty\":3e9}", "at most 2147483647 is expected at /qty (byte 20)");
    request("{\"sku\":\"AB-1\",\"qty\":1.5}", "a whole number is expected at /qty (byte 20)");
    with("\"price\":99.5", "less than 99.5 is expected at /price (byte 30)");
    with("\"price\":1.2", "a multiple of 0.5 is expected at /price (byte 30)");
    with("\"note\":\"a\"", "at least 2 characters are expected at /note (byte 29)");
    with("\"note\":\"abcd\\u00e9\"", "at most 4 characters are expected at /note (byte 29)");
    with("\"lines\":[{\"n\":1},{\"n\":1},{\"n\":1}]", "at most 2 elements are expected at /lines (byte 54)");
    unload();
}

TEST(only_declared_values_pass)
{
    load();
    with("\"status\":\"ODD\"", "it is none of the values that are declared at /status (byte 31)");
    with("\"pay\":\"ODD\"", "it is none of the values that are declared at /pay (byte 28)");
    with("\"prices\":{\"ODD\":1}", "it is none of the values that are declared at /prices/ODD (byte 32)");
    with("\"level\":2", "it is none of the values that are declared at /level (byte 30)");
    with("\"level\":false", "it is none of the values that are declared at /level (byte 30)");
    with("\"key\":\"a\"", "base64 is expected at /key (byte 28)");
    request("{\"sku\":\"ab-1\",\"qty\":1}", "a text that matches ^[A-Z]{2}-[0-9]+$ is expected at /sku (byte 7)");
    unload();
}

TEST(a_member_of_the_other_direction_is_neither_wanted_nor_looked_at)
{
    load();
    with("\"id\":\"odd\"", NULL);
    held_against(mould_response(mould, SLICE("put"), 201, SLICE("application/json")), "{\"sku\":\"AB-1\",\"qty\":1}",
                 "member \"id\" is missing at / (byte 21)");
    unload();
}

TEST(a_response_is_held_against_its_status_its_class_or_the_default)
{
    load();
    struct slice json = SLICE("application/json");
    held_against(mould_response(mould, SLICE("put"), 404, json), "{}", "member \"title\" is missing at / (byte 1)");
    held_against(mould_response(mould, SLICE("put"), 500, json), "\"sorry\"", NULL);
    held_against(mould_response(mould, SLICE("put"), 500, json), "7", "a string is expected at / (byte 0)");
    CHECK(mould_response(mould, SLICE("put"), 500, SLICE("text/plain")) == NULL);
    CHECK(mould_request(mould, SLICE("get"), json) == NULL);
    unload();
}

TEST(broken_json_is_refused)
{
    load();
    request("{\"sku\":\"AB-1\",\"qty\":01}", "a number with a leading zero at /qty (byte 21)");
    request("{\"sku\":\"AB-1\"", "the text ends before its value does at /sku (byte 13)");
    unload();
}

TEST(a_text_that_must_be_held_is_bounded_and_another_is_not)
{
    load();
    const struct mould_node *node = mould_request(mould, SLICE("put"), SLICE("application/json"));
    struct fit *f = fit_json_new(node, 8);
    CHECK_ERR(ERR_OK, fit_feed(f, SLICE("{\"lines\":[{\"n\":1,\"x\":\"a text that nobody looks at\"}]")));
    CHECK_ERR(ERR_FULL, fit_feed(f, SLICE(",\"sku\":\"AB-1234567\"")));
    CHECK_ERR(ERR_FULL, fit_finish(f));
    fit_free(&f);
    unload();
}

TESTS_BEGIN()
TESTS_RUN(a_body_that_the_contract_describes_fits)
TESTS_RUN(what_is_missing_or_not_known_is_named)
TESTS_RUN(a_value_of_another_kind_is_refused)
TESTS_RUN(bounds_hold)
TESTS_RUN(only_declared_values_pass)
TESTS_RUN(a_member_of_the_other_direction_is_neither_wanted_nor_looked_at)
TESTS_RUN(a_response_is_held_against_its_status_its_class_or_the_default)
TESTS_RUN(broken_json_is_refused)
TESTS_RUN(a_text_that_must_be_held_is_bounded_and_another_is_not)
TESTS_END()
