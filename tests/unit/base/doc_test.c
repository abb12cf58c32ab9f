#include "base/doc.h"

#include "tests/kit/t.h"

static struct arena arena;
static struct diag diag;

static const struct doc_node *parse(const char *text)
{
    struct doc_node *root = NULL;
    arena_init(&arena, 0);
    diag_init(&diag);
    (void)!doc_parse(slice_str(text), "test", &arena, &diag, &root);
    return root;
}

static void drop(void)
{
    arena_fini(&arena);
    diag_fini(&diag);
}

static void reads(const char *text, const char *json)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    const struct doc_node *root = parse(text);
    CHECK(root != NULL);
    doc_put_json(root, &out);
    CHECK_TEXT(json, buf_slice(&out));
    buf_fini(&out);
    drop();
}

static void refused(const char *text, unsigned line, unsigned column, const char *message)
{
    CHECK(parse(text) == NULL);
    CHECK_INT(1, diag.errors);
    CHECK_INT(line, diag.first->line);
    CHECK_INT(column, diag.first->column);
    CHECK_TEXT(message, diag.first->message);
    drop();
}

TEST(json_is_put_back_in_one_spelling)
{
    reads(" {\"b\": [1, 2.50, -0, 1e2], \"a\": {\"x\": null, \"y\": true}} ",
          "{\"a\":{\"x\":null,\"y\":true},\"b\":[1,2.5,0,100]}");
    reads("\"\\u00e9\\ud83d\\ude00\\n\"", "\"\xC3\xA9\xF0\x9F\x98\x80\\u000a\"");
    reads("0.00120", "0.0012");
    reads("[12e-3]", "[0.012]");
}

TEST(yaml_has_the_types_of_its_core_schema)
{
    reads("a: 1\nb: '1'\nc: ~\nd: True\ne: 1.50\nf: yes\n'200': {g: [x, 007]}\n",
          "{\"200\":{\"g\":[\"x\",7]},\"a\":1,\"b\":\"1\",\"c\":null,\"d\":true,\"e\":1.5,\"f\":\"yes\"}");
}

TEST(aliases_and_merge_keys_bring_what_they_name)
{
    reads("base: &b {x: 1, y: 2}\nuse: *b\nmore: {<<: *b, y: 3}\n",
          "{\"base\":{\"x\":1,\"y\":2},\"more\":{\"x\":1,\"y\":3},\"use\":{\"x\":1,\"y\":2}}");
}

TEST(what_is_wrong_is_said_with_its_place)
{
    refused("{\"a\": 1,\n \"a\": 2}", 2, 1, "`a` stands here a second time");
    refused("{\"a\": }", 1, 7, "a JSON value is expected here");
    refused("[1,\n2,]", 2, 3, "another value behind the comma is expected here");
    refused("{\"a\": \"x\n", 1, 7, "this string has no end");
    refused("[\"\\ud800\"]", 1, 9, "the second half of a surrogate pair is expected here");
    refused("a: *nobody\n", 1, 4, "no anchor of this name stands before");
}

TEST(a_bomb_of_aliases_is_counted_and_not_built)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_put(&text, SLICE("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"));
    for (int i = 1; i < 9; i++)
        buf_putf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    CHECK(parse(buf_text(&text)) == NULL);
    CHECK_TEXT("more than 4000000 values, counted with what aliases repeat", diag.first->message);
    CHECK(arena.used < 1 << 20);
    drop();
    buf_fini(&text);
}

TEST(two_hundred_levels_are_deep_enough)
{
    char deep[512];
    memset(deep, '[', 250);
    memset(deep + 250, ']', 250);
    deep[500] = '\0';
    CHECK(parse(deep) == NULL);
    CHECK_TEXT("nested more than 200 deep", diag.first->message);
    drop();
}

TEST(pointers_lead_through_maps_and_lists)
{
    const struct doc_node *root = parse("{\"a/b\": [{\"c~d\": 7}], \"n\": {\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,"
                                        "\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"10\":42}}");
    CHECK_TEXT("7", doc_pointer(root, SLICE("/a~1b/0/c~0d"))->text);
    CHECK_TEXT("7", doc_pointer(root, SLICE("/a%2Fb/0/c~0d"))->text);
    CHECK_TEXT("42", doc_pointer(root, SLICE("/n/10"))->text);
    CHECK(doc_pointer(root, SLICE("/n/11")) == NULL);
    CHECK(doc_pointer(root, SLICE("/a~1b/1")) == NULL);
    CHECK(doc_pointer(root, SLICE("")) == root);
    drop();
}

TESTS_BEGIN()
TESTS_RUN(json_is_put_back_in_one_spelling)
TESTS_RUN(yaml_has_the_types_of_its_core_schema)
TESTS_RUN(aliases_and_merge_keys_bring_what_they_name)
TESTS_RUN(what_is_wrong_is_said_with_its_place)
TESTS_RUN(a_bomb_of_aliases_is_counted_and_not_built)
TESTS_RUN(two_hundred_levels_are_deep_enough)
TESTS_RUN(pointers_lead_through_maps_and_lists)
TESTS_END()
