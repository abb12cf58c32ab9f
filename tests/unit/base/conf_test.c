#include "base/conf.h"

#include <stdlib.h>

#include "tests/kit/t.h"

static struct diag diag;

static struct conf *parse(const char *text)
{
    struct conf *c = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_OK, conf_parse(slice_str(text), "weft.yaml", &diag, &c));
    CHECK_INT(0, diag.errors);
    return c;
}

static void end(struct conf *c)
{
    conf_free(&c);
    diag_fini(&diag);
}

static void check_complaints(const char *want)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    diag_print(&diag, &out);
    CHECK_TEXT(want, buf_slice(&out));
    buf_fini(&out);
    diag_fini(&diag);
}

static void check_refused(struct slice text, const char *want)
{
    struct conf *c = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, conf_parse(text, "weft.yaml", &diag, &c));
    CHECK(c == NULL);
    check_complaints(want);
}

TEST(every_node_knows_its_place_in_bytes)
{
    struct conf *c = parse("# \xc3\xa4\n\"\xc3\xa4\": {listen: 127.0.0.1:80}\nlist:\n- one\n- 'two'\n");
    const struct conf_node *map = conf_get(conf_root(c), "\xc3\xa4");
    const struct conf_node *listen = conf_get(map, "listen");
    const struct conf_node *list = conf_get(conf_root(c), "list");
    CHECK_INT(CONF_MAPPING, map->kind);
    CHECK_INT(2, listen->key_place.line);
    CHECK_INT(8, listen->key_place.column);
    CHECK_INT(6, listen->key_place.width);
    CHECK_INT(16, listen->place.column);
    CHECK_INT(12, listen->place.width);
    CHECK_TEXT("127.0.0.1:80", listen->text);
    CHECK_INT(CONF_SEQUENCE, list->kind);
    CHECK_INT(5, list->first->next->place.line);
    CHECK_INT(3, list->first->next->place.column);
    CHECK_TEXT("two", list->first->next->text);
    CHECK(conf_get(conf_root(c), "absent") == NULL);
    CHECK(conf_get(listen, "listen") == NULL);
    end(c);
}

TEST(nothing_a_tilde_and_null_are_null_unless_quoted)
{
    struct conf *c = parse("a:\nb: ~\nc: null\nd: \"\"\ne: 'null'\n");
    const struct conf_node *n = conf_root(c)->first;
    const enum conf_kind want[] = {CONF_NULL, CONF_NULL, CONF_NULL, CONF_SCALAR, CONF_SCALAR};
    for (int i = 0; i < 5; i++, n = n->next)
        CHECK_INT(want[i], n->kind);
    end(c);
}

TEST(an_empty_file_is_null)
{
    struct conf *c = parse("# nothing\n");
    CHECK_INT(CONF_NULL, conf_root(c)->kind);
    CHECK_INT(0, conf_root(c)->place.line);
    end(c);
}

TEST(what_is_not_taken_is_said_all_at_once)
{
    check_refused(SLICE("a: &x 1\nb: *x\nc: !!int 2\na: 3\n[1]: 4\n"),
                  "weft.yaml:1:4: error: anchors are not taken\n"
                  "  a: &x 1\n"
                  "     ^~~~\n"
                  "  write the value out where it is needed\n"
                  "weft.yaml:2:4: error: aliases are not taken\n"
                  "  b: *x\n"
                  "     ^~\n"
                  "  write the value out where it is needed\n"
                  "weft.yaml:3:4: error: tags are not taken\n"
                  "  c: !!int 2\n"
                  "     ^~~~~~~\n"
                  "  leave the tag out\n"
                  "weft.yaml:4:1: error: this key is there already\n"
                  "  a: 3\n"
                  "  ^\n"
                  "  keep one of them\n"
                  "weft.yaml:5:1: error: a key must be a single word\n"
                  "  [1]: 4\n"
                  "  ^\n");
}

TEST(a_second_document_is_refused)
{
    check_refused(SLICE("a: 1\n---\nb: 2\n"), "weft.yaml:2:1: error: a second document is not taken\n"
                                              "  ---\n"
                                              "  ^~~\n"
                                              "  make it a file of its own\n");
}

TEST(text_that_is_no_yaml_is_refused_where_it_stops_being_some)
{
    check_refused(SLICE("a: 1\nb: [1, 2\nc: 3\n"),
                  "weft.yaml:3:2: error: this is not YAML: did not find expected ',' or ']'\n"
                  "  c: 3\n"
                  "   ^\n");
    check_refused(SLICE("a: 1\nb: \xff\n"), "weft.yaml:2:4: error: this is not YAML: invalid leading UTF-8 octet\n"
                                            "  b: \\xff\n"
                                            "     ^~~~\n");
}

TEST(sixteen_levels_are_taken_and_seventeen_are_not)
{
    struct conf *c = parse("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]");
    end(c);
    check_refused(SLICE("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"),
                  "weft.yaml:1:17: error: this is nested more than 16 levels deep\n"
                  "  [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]\n"
                  "                  ^\n");
}

TEST(text_over_one_mebibyte_is_refused)
{
    size_t most = 1 << 20;
    char *text = malloc(most + 1);
    struct conf *c = NULL;
    memset(text, '#', most + 1);
    diag_init(&diag);
    CHECK_ERR(ERR_OK, conf_parse(slice_of(text, most), NULL, &diag, &c));
    conf_free(&c);
    CHECK_ERR(ERR_INPUT, conf_parse(slice_of(text, most + 1), NULL, &diag, &c));
    check_complaints("error: this is over 1 MiB\n");
    free(text);
}

TEST(a_key_over_256_bytes_is_refused)
{
    char text[260];
    struct conf *c = NULL;
    memset(text, 'k', sizeof(text));
    memcpy(text + 256, ": 1", 4);
    c = parse(text);
    end(c);
    memcpy(text + 256, "k:", 3);
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, conf_parse(slice_str(text), NULL, &diag, &c));
    CHECK_TEXT("a key has at most 256 bytes", diag.first->message);
    diag_fini(&diag);
}

TEST(a_file_that_is_not_there_says_so)
{
    struct conf *c = NULL;
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, conf_read("/tmp/no/such/weft.yaml", &diag, &c));
    check_complaints("/tmp/no/such/weft.yaml: error: there is no such file\n");
}

static struct slice text_at(const struct conf *c, const char *first, const char *second)
{
    const struct conf_node *n = conf_get(conf_root(c), first);
    n = n && second ? conf_get(n, second) : n;
    return n ? n->text : SLICE("(absent)");
}

TEST(a_set_puts_and_replaces_by_dotted_path)
{
    struct conf *c = parse("inbound: {listen: 1, app: 2}\n");
    CHECK_ERR(ERR_OK, conf_set(c, "inbound.listen=[::1]:80", &diag));
    CHECK_ERR(ERR_OK, conf_set(c, "outbound.listen=a=b", &diag));
    CHECK_ERR(ERR_OK, conf_set(c, "service=", &diag));
    CHECK_TEXT("[::1]:80", text_at(c, "inbound", "listen"));
    CHECK_TEXT("2", text_at(c, "inbound", "app"));
    CHECK_TEXT("a=b", text_at(c, "outbound", "listen"));
    CHECK_INT(CONF_NULL, conf_get(conf_root(c), "service")->kind);
    end(c);
}

TEST(a_set_may_be_a_flow_or_quoted)
{
    struct conf *c = parse("");
    CHECK_ERR(ERR_OK, conf_set(c, "list=[a, b]", &diag));
    CHECK_ERR(ERR_OK, conf_set(c, "text=\"null\"", &diag));
    const struct conf_node *list = conf_get(conf_root(c), "list");
    CHECK_INT(CONF_SEQUENCE, list->kind);
    CHECK_TEXT("b", list->first->next->text);
    CHECK_INT(10, list->first->next->place.column);
    CHECK_TEXT("null", text_at(c, "text", NULL));
    end(c);
}

TEST(a_set_that_means_nothing_is_refused_with_its_place)
{
    struct conf *c = parse("a: 1\n");
    CHECK_ERR(ERR_INPUT, conf_set(c, "a.b=2", &diag));
    CHECK_ERR(ERR_INPUT, conf_set(c, "c..d=2", &diag));
    CHECK_ERR(ERR_INPUT, conf_set(c, "=2", &diag));
    CHECK_ERR(ERR_INPUT, conf_set(c, "a", &diag));
    conf_free(&c);
    check_complaints("--set:1:3: error: what stands before this key is a value and has no keys\n"
                     "  a.b=2\n"
                     "    ^\n"
                     "--set:1:3: error: this is no path of keys\n"
                     "  c..d=2\n"
                     "    ^\n"
                     "--set:1:1: error: this is no path of keys\n"
                     "  =2\n"
                     "  ^\n"
                     "--set:1:1: error: there is no `=`\n"
                     "  a\n"
                     "  ^\n"
                     "  write --set inbound.listen=127.0.0.1:0\n");
}

TEST(the_environment_sets_keys_under_its_prefix)
{
    char *const variables[] = {"WEFT_INBOUND_LISTEN=127.0.0.1:0", "WEF_A=1", "WEFT=2", "WEFT_LOG=x", "HOME=/", NULL};
    struct conf *c = parse("");
    conf_environment(c, "WEFT_", variables, &diag);
    CHECK_INT(0, diag.errors);
    CHECK_TEXT("127.0.0.1:0", text_at(c, "inbound", "listen"));
    CHECK_TEXT("x", text_at(c, "log", NULL));
    CHECK(conf_root(c)->first->next->next == NULL);
    end(c);
}

TEST(every_variable_that_cannot_be_set_is_said)
{
    char *const variables[] = {"WEFT_=1", "WEFT_A_B=\xff", "WEFT_A=3", NULL};
    struct conf *c = parse("a: 1\n");
    conf_environment(c, "WEFT_", variables, &diag);
    CHECK_TEXT("3", text_at(c, "a", NULL));
    conf_free(&c);
    check_complaints("the environment:1:6: error: this is no path of keys\n"
                     "  WEFT_=1\n"
                     "       ^\n"
                     "the environment:1:1: error: this is not UTF-8, or over 1 MiB\n"
                     "  WEFT_A_B=\\xff\n"
                     "  ^~~~~~~~~~~~~\n");
}

TESTS_BEGIN()
TESTS_RUN(every_node_knows_its_place_in_bytes)
TESTS_RUN(nothing_a_tilde_and_null_are_null_unless_quoted)
TESTS_RUN(an_empty_file_is_null)
TESTS_RUN(what_is_not_taken_is_said_all_at_once)
TESTS_RUN(a_second_document_is_refused)
TESTS_RUN(text_that_is_no_yaml_is_refused_where_it_stops_being_some)
TESTS_RUN(sixteen_levels_are_taken_and_seventeen_are_not)
TESTS_RUN(text_over_one_mebibyte_is_refused)
TESTS_RUN(a_key_over_256_bytes_is_refused)
TESTS_RUN(a_file_that_is_not_there_says_so)
TESTS_RUN(a_set_puts_and_replaces_by_dotted_path)
TESTS_RUN(a_set_may_be_a_flow_or_quoted)
TESTS_RUN(a_set_that_means_nothing_is_refused_with_its_place)
TESTS_RUN(the_environment_sets_keys_under_its_prefix)
TESTS_RUN(every_variable_that_cannot_be_set_is_said)
TESTS_END()
