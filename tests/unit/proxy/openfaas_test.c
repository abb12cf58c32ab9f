#include "proxy/openfaas.h"

#include <stdio.h>

#include "tests/kit/t.h"

static enum openfaas_call call(const char *method, const char *path, const char **name, const char **rest)
{
    static char room[256], texts[2][256];
    struct message m = {.method = slice_str(method), .path = slice_str(path)};
    struct slice n = {0}, p = {0};
    enum openfaas_call how = openfaas_read(&m, room, &n, &p);
    (void)snprintf(texts[0], sizeof(texts[0]), "%.*s", SLICE_FMT(n));
    (void)snprintf(texts[1], sizeof(texts[1]), "%.*s", SLICE_FMT(p));
    *name = texts[0];
    *rest = texts[1];
    return how;
}

TEST(a_call_names_a_function_and_the_path_it_gets)
{
    static const char *const rows[][3] = {{"/async-function/figlet", "figlet", "/"},
                                          {"/async-function/figlet/", "figlet", "/"},
                                          {"/async-function/figlet.fn/a/b?x=1", "figlet.fn", "/a/b?x=1"},
                                          {"/async-function/figlet?x=/y", "figlet", "/?x=/y"}};
    const char *name, *rest;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_INT(OPENFAAS_SUBMIT, call("POST", rows[i][0], &name, &rest));
        CHECK_TEXT(rows[i][1], slice_str(name));
        CHECK_TEXT(rows[i][2], slice_str(rest));
    }
}

TEST(a_delete_names_a_call)
{
    const char *name, *rest;
    CHECK_INT(OPENFAAS_CANCEL, call("DELETE", "/async-function/01M8", &name, &rest));
    CHECK_TEXT("01M8", slice_str(name));
    CHECK_INT(OPENFAAS_WRONG, call("DELETE", "/async-function/01M8/x", &name, &rest));
}

TEST(other_methods_and_names_are_wrong_and_other_paths_are_not_ours)
{
    const char *name, *rest;
    CHECK_INT(OPENFAAS_WRONG, call("GET", "/async-function/figlet", &name, &rest));
    CHECK_INT(OPENFAAS_WRONG, call("POST", "/async-function/", &name, &rest));
    CHECK_INT(OPENFAAS_WRONG, call("POST", "/async-function//x", &name, &rest));
    CHECK_INT(OPENFAAS_NOT, call("POST", "/async-functions/x", &name, &rest));
    CHECK_INT(OPENFAAS_NOT, call("POST", "/function/x", &name, &rest));
}

TESTS_BEGIN()
TESTS_RUN(a_call_names_a_function_and_the_path_it_gets)
TESTS_RUN(a_delete_names_a_call)
TESTS_RUN(other_methods_and_names_are_wrong_and_other_paths_are_not_ours)
TESTS_END()
