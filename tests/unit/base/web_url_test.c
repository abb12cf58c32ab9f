#include "base/web_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/kit/t.h"

static struct web_url read_one(const char *text)
{
    struct web_url u;
    CHECK_ERR(ERR_OK, web_url_read(slice_str(text), &u));
    return u;
}

TEST(an_url_has_a_host_a_port_and_a_path)
{
    struct web_url u = read_one("https://hooks.example.org/done?x=1");
    CHECK(u.secure);
    CHECK_TEXT("hooks.example.org", slice_str(u.host));
    CHECK_TEXT("443", slice_str(u.port));
    CHECK_TEXT("/done?x=1", slice_str(u.path));
    u = read_one("http://[::1]:8080");
    CHECK(!u.secure && web_url_is_loopback(&u) && web_url_is_literal(&u));
    CHECK_TEXT("::1", slice_str(u.host));
    CHECK_TEXT("8080", slice_str(u.port));
    CHECK_TEXT("/", slice_str(u.path));
}

TEST(what_would_mean_something_else_to_another_reader_is_no_url)
{
    static const char *const bad[] = {"",
                                      "ftp://a/",
                                      "https://",
                                      "https:///x",
                                      "https://user@host/",
                                      "https://host:0/",
                                      "https://host:65536/",
                                      "https://host:x/",
                                      "https://host\\evil/",
                                      "https://host?x",
                                      "https://host/a b",
                                      "https://host/#f",
                                      "https://host/\r\nx: y",
                                      "https://[::1/"};
    struct web_url u;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_ERR(ERR_INPUT, web_url_read(slice_str(bad[i]), &u));
}

static bool below(const char *beginning, const char *text)
{
    struct web_url a = read_one(beginning), b = read_one(text);
    return web_url_below(&a, &b);
}

TEST(below_is_the_same_place_and_a_deeper_path)
{
    CHECK(below("https://h.example/", "https://h.example/any?x"));
    CHECK(below("https://h.example/hooks", "https://H.example:443/hooks/a"));
    CHECK(below("https://h.example/hooks", "https://h.example/hooks?a"));
    CHECK(!below("https://h.example/hooks", "https://h.example/hooks2"));
    CHECK(!below("https://h.example/hooks/", "https://h.example/hooks/../admin"));
    CHECK(!below("https://h.example/hooks/", "https://h.example/hooks/%2E%2e/admin"));
    CHECK(!below("https://h.example/", "http://h.example/"));
    CHECK(!below("https://h.example/", "https://h.example:8443/"));
    CHECK(!below("https://h.example/", "https://h.example.evil/"));
}

static bool is_private(const char *text)
{
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return web_url_address_private((const struct sockaddr *)&four);
    CHECK_INT(1, inet_pton(AF_INET6, text, &six.sin6_addr));
    return web_url_address_private((const struct sockaddr *)&six);
}

TEST(private_addresses_are_known_in_every_disguise)
{
    static const char *const inside[] = {
        "0.0.0.0",     "10.1.2.3",    "100.64.0.1", "127.0.0.1", "169.254.169.254",  "172.16.0.1",
        "172.31.9.9",  "192.168.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",  "::",
        "::1",         "fe80::1",     "fc00::1",    "ff02::1",   "::ffff:127.0.0.1", "64:ff9b::a00:1",
        "2002:a00:1::"};
    static const char *const outside[] = {"8.8.8.8",    "172.32.0.1", "100.128.0.1",      "192.169.0.1",
                                          "2001:db8::", "2a00::1",    "64:ff9b::808:808", "2002:808:808::"};
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
        CHECK(is_private(inside[i]));
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
        CHECK(!is_private(outside[i]));
}

TESTS_BEGIN()
TESTS_RUN(an_url_has_a_host_a_port_and_a_path)
TESTS_RUN(what_would_mean_something_else_to_another_reader_is_no_url)
TESTS_RUN(below_is_the_same_place_and_a_deeper_path)
TESTS_RUN(private_addresses_are_known_in_every_disguise)
TESTS_END()
