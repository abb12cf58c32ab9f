#include "http/headers.h"

#include "tests/kit/t.h"

#define NAME_(name, text) {HEADERS_##name, text},
static const struct {
    enum headers_token token;
    const char *text;
} tokens[] = {HEADERS_TOKENS(NAME_)};
#undef NAME_

TEST(every_token_is_found_by_its_name_and_by_no_other)
{
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        char near[64];
        struct slice name = slice_str(tokens[i].text);
        CHECK_INT(tokens[i].token, headers_token(name));
        memcpy(near, name.at, name.len);
        near[name.len - 1] ^= 1;
        CHECK(headers_token(slice_of(near, name.len)) != tokens[i].token);
    }
    CHECK_INT(HEADERS_OTHER, headers_token(SLICE("")));
    CHECK_INT(HEADERS_OTHER, headers_token(SLICE("x")));
}

TEST(order_and_repetition_are_kept)
{
    struct arena a;
    struct headers h;
    arena_init(&a, 1 << 20);
    headers_init(&h, &a);
    CHECK_ERR(ERR_OK, headers_add_copy(&h, SLICE("X-One"), SLICE("1")));
    CHECK_ERR(ERR_OK, headers_add_copy(&h, SLICE("Via"), SLICE("a")));
    CHECK_ERR(ERR_OK, headers_add(&h, SLICE("x-one"), SLICE("2")));
    CHECK_INT(3, h.count);
    CHECK_TEXT("x-one", h.v[0].name);
    CHECK_TEXT("1", headers_find(&h, SLICE("x-one"))->value);
    CHECK_TEXT("a", headers_value(&h, HEADERS_VIA));
    CHECK_INT(5 + 1 + 3 + 1 + 5 + 1, h.bytes);
    headers_remove_name(&h, SLICE("x-one"));
    CHECK_INT(1, h.count);
    CHECK_INT(4, h.bytes);
    CHECK_ERR(ERR_OK, headers_set(&h, HEADERS_VIA, SLICE("bb")));
    CHECK_TEXT("bb", headers_value(&h, HEADERS_VIA));
    CHECK_INT(5, h.bytes);
    headers_remove(&h, HEADERS_VIA);
    CHECK_INT(0, h.count);
    CHECK(headers_get(&h, HEADERS_VIA) == NULL);
    arena_fini(&a);
}

TEST(a_field_of_another_list_is_borrowed_with_all_it_is)
{
    struct arena a, b;
    struct headers from, to;
    arena_init(&a, 1 << 20);
    arena_init(&b, 1 << 20);
    headers_init(&from, &a);
    headers_init(&to, &b);
    CHECK_ERR(ERR_OK, headers_add_copy(&from, SLICE("Cookie"), SLICE("secret")));
    CHECK_ERR(ERR_OK, headers_add_copy(&from, SLICE("X-Own"), SLICE("1")));
    from.v[0].never_indexed = true; /* RFC 7541 section 7.1.3: whoever passes it on keeps it so */
    for (uint32_t i = 0; i < from.count; i++)
        CHECK_ERR(ERR_OK, headers_add_field(&to, &from.v[i]));
    CHECK_INT(2, to.count);
    CHECK(to.v[1].value.at == from.v[1].value.at && to.v[1].spelled == from.v[1].spelled);
    CHECK_TEXT("secret", headers_value(&to, HEADERS_COOKIE));
    CHECK(to.v[0].never_indexed && !to.v[1].never_indexed);
    CHECK_TEXT("1", headers_find(&to, SLICE("x-own"))->value);
    CHECK_INT(6 + 6 + 5 + 1, to.bytes);
    arena_fini(&b);
    arena_fini(&a);
}

TEST(a_name_in_lower_case_is_known_or_copied)
{
    struct arena a;
    struct headers h;
    char name[] = "x-own";
    arena_init(&a, 1 << 20);
    headers_init(&h, &a);
    CHECK_ERR(ERR_OK, headers_add_lower(&h, SLICE("cookie"), SLICE("1")));
    CHECK_ERR(ERR_OK, headers_add_lower(&h, slice_of(name, 5), SLICE("2")));
    name[0] = 'y';
    CHECK_INT(HEADERS_COOKIE, h.v[0].token);
    CHECK_TEXT("x-own", h.v[1].name);
    CHECK(!h.v[0].spelled && !h.v[1].spelled);
    arena_fini(&a);
}

TEST(what_was_removed_is_asked_for_in_vain_until_it_comes_again)
{
    struct arena a;
    struct headers h;
    arena_init(&a, 1 << 20);
    headers_init(&h, &a);
    CHECK(!headers_get(&h, HEADERS_VIA));
    CHECK_ERR(ERR_OK, headers_add_token(&h, HEADERS_VIA, SLICE("a")));
    CHECK_ERR(ERR_OK, headers_add_token(&h, HEADERS_VIA, SLICE("b")));
    headers_remove(&h, HEADERS_VIA);
    CHECK(!headers_get(&h, HEADERS_VIA) && !headers_lists(&h, HEADERS_VIA, SLICE("a")));
    CHECK_ERR(ERR_OK, headers_add_token(&h, HEADERS_VIA, SLICE("c")));
    CHECK_TEXT("c", headers_value(&h, HEADERS_VIA));
    arena_fini(&a);
}

TEST(the_101st_field_is_refused)
{
    struct arena a;
    struct headers h;
    arena_init(&a, 1 << 20);
    headers_init(&h, &a);
    for (int i = 0; i < 100; i++)
        CHECK_ERR(ERR_OK, headers_add(&h, SLICE("n"), SLICE("v")));
    CHECK_ERR(ERR_FULL, headers_add(&h, SLICE("n"), SLICE("v")));
    CHECK_ERR(ERR_FULL, headers_add_copy(&h, SLICE("n"), SLICE("v")));
    CHECK_INT(100, h.count);
    arena_fini(&a);
}

TEST(sixty_four_kib_of_fields_and_not_a_byte_more)
{
    static char big[HEADERS_BYTES];
    struct arena a;
    struct headers h;
    arena_init(&a, 1 << 20);
    headers_init(&h, &a);
    memset(big, 'v', sizeof(big));
    CHECK_ERR(ERR_FULL, headers_add(&h, SLICE("n"), slice_of(big, HEADERS_BYTES)));
    CHECK_ERR(ERR_OK, headers_add(&h, SLICE("n"), slice_of(big, HEADERS_BYTES - 1)));
    CHECK_ERR(ERR_FULL, headers_add(&h, SLICE("n"), SLICE("")));
    arena_fini(&a);
}

TEST(list_elements_are_found_in_any_field_and_any_case)
{
    struct arena a = {0};
    struct headers h;
    headers_init(&h, &a);
    CHECK_ERR(ERR_OK, headers_add_token(&h, HEADERS_CONNECTION, SLICE("keep-alive, Upgrade ")));
    CHECK_ERR(ERR_OK, headers_add_token(&h, HEADERS_CONNECTION, SLICE("x")));
    CHECK(headers_lists(&h, HEADERS_CONNECTION, SLICE("upgrade")));
    CHECK(headers_lists(&h, HEADERS_CONNECTION, SLICE("X")));
    CHECK(!headers_lists(&h, HEADERS_CONNECTION, SLICE("keep")));
    CHECK(!headers_lists(&h, HEADERS_TE, SLICE("x")));
    arena_fini(&a);
}

TEST(names_are_tokens_and_values_hold_no_control_characters)
{
    CHECK(headers_name_ok(SLICE("x-a_1!")));
    CHECK(!headers_name_ok(SLICE("")));
    CHECK(!headers_name_ok(SLICE("a b")));
    CHECK(!headers_name_ok(SLICE("a:")));
    CHECK(!headers_name_ok(SLICE("a\0")));
    CHECK(headers_value_ok(SLICE("")));
    CHECK(headers_value_ok(SLICE("a\tb \xc3\xa9")));
    CHECK(!headers_value_ok(SLICE(" a")));
    CHECK(!headers_value_ok(SLICE("a\t")));
    CHECK(!headers_value_ok(SLICE("a\rb")));
    CHECK(!headers_value_ok(SLICE("a\x7f")));
}

TESTS_BEGIN()
TESTS_RUN(every_token_is_found_by_its_name_and_by_no_other)
TESTS_RUN(order_and_repetition_are_kept)
TESTS_RUN(a_field_of_another_list_is_borrowed_with_all_it_is)
TESTS_RUN(a_name_in_lower_case_is_known_or_copied)
TESTS_RUN(what_was_removed_is_asked_for_in_vain_until_it_comes_again)
TESTS_RUN(the_101st_field_is_refused)
TESTS_RUN(sixty_four_kib_of_fields_and_not_a_byte_more)
TESTS_RUN(list_elements_are_found_in_any_field_and_any_case)
TESTS_RUN(names_are_tokens_and_values_hold_no_control_characters)
TESTS_END()
