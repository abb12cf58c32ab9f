/* Tricks with paths against positive rules: whatever is allowed was meant, however it is spelled. */
#include "policy/policy_load.h"
#include "tests/kit/t.h"

enum outcome { REFUSED, DENIED, ALLOWED };

/* What is allowed: two whole paths, everything below one segment, and all of one place but a part of it. */
static const char rules[] = "allow :- path(\"/public/info\").\n"
                            "allow :- path(\"/\").\n"
                            "allow :- segment(0, \"open\"), !segment(1, \"staff\").\n";

static const struct {
    const char *raw;
    enum outcome outcome;
    const char *clean; /* what is judged and sent on */
} table[] = {
    {"/public/info", ALLOWED, "/public/info"},
    {"/", ALLOWED, "/"},
    {"/open/a", ALLOWED, "/open/a"},
    {"/open", ALLOWED, "/open"},
    {"/open/", ALLOWED, "/open/"},
    {"/admin", DENIED, "/admin"},
    /* doubled slashes */
    {"//public/info", ALLOWED, "/public/info"},
    {"/public//info", ALLOWED, "/public/info"},
    {"/public/info/", DENIED, "/public/info/"},
    {"///", ALLOWED, "/"},
    {"//admin", DENIED, "/admin"},
    {"/open//staff", DENIED, "/open/staff"},
    {"//open//staff", DENIED, "/open/staff"},
    /* dots */
    {"/open/../admin", DENIED, "/admin"},
    {"/open/./staff", DENIED, "/open/staff"},
    {"/open/a/../staff", DENIED, "/open/staff"},
    {"/admin/../open/a", ALLOWED, "/open/a"},
    {"/open/..", ALLOWED, "/"},
    {"/..", REFUSED, NULL},
    {"/../open", REFUSED, NULL},
    {"/open/../../etc/passwd", REFUSED, NULL},
    {"/open/...", ALLOWED, "/open/..."},
    /* escapes */
    {"/%6fpen/a", ALLOWED, "/open/a"},
    {"/open/%73taff", DENIED, "/open/staff"},
    {"/open/%2e%2e/admin", DENIED, "/admin"},
    {"/open/.%2e/admin", DENIED, "/admin"},
    {"/open/%2E./admin", DENIED, "/admin"},
    {"/open%2fstaff", REFUSED, NULL},
    {"/open/%2Fstaff", REFUSED, NULL},
    {"/open/..%2fadmin", REFUSED, NULL},
    {"/open/a%00", REFUSED, NULL},
    {"/open/%", REFUSED, NULL},
    {"/open/%2", REFUSED, NULL},
    {"/open/%zz", REFUSED, NULL},
    {"/open/%252e%252e/admin", ALLOWED, "/open/%252e%252e/admin"}, /* twice: decoded once it is a name, and stays one */
    {"/open/a%20b", ALLOWED, "/open/a%20b"},
    {"/open/%c3%a9", ALLOWED, "/open/%C3%A9"},
    {"/%c0%ae%c0%ae/admin", DENIED, "/%C0%AE%C0%AE/admin"},
    /* parameters, which some servers cut off */
    {"/open;x=1/a", DENIED, "/open;x=1/a"},
    {"/open/staff;x", ALLOWED, "/open/staff;x"}, /* a name of its own: see docs/policy.md */
    {"/open/..;/admin", REFUSED, NULL},
    {"/open/.;x/admin", REFUSED, NULL},
    {"/;/admin", REFUSED, NULL},
    /* case */
    {"/OPEN/a", DENIED, "/OPEN/a"},
    {"/Public/Info", DENIED, "/Public/Info"},
    {"/open/STAFF", ALLOWED, "/open/STAFF"}, /* another name: a deny by spelling is a note of the linter */
    /* query and fragment, other slashes, controls */
    {"/public/info?x=/../admin", REFUSED, NULL}, /* the query is cut off before; here it would be a path with '?' */
    {"/public/info#x", REFUSED, NULL},
    {"\\admin", REFUSED, NULL},
    {"/open\\..\\admin", REFUSED, NULL},
    {"/open/a b", REFUSED, NULL},
    {"/open/\t", REFUSED, NULL},
    {"open/a", REFUSED, NULL},
    {"", REFUSED, NULL},
    {"http://x/open/a", REFUSED, NULL},
    {"*", REFUSED, NULL},
};

TEST(tricks_with_paths_allow_nothing_that_was_not_meant)
{
    struct diag diag;
    struct authz *authz = NULL;
    struct policy_text text = {.file = "p.weft", .text = slice_str(rules)};
    diag_init(&diag);
    CHECK_ERR(ERR_OK, policy_load(&text, 1, &diag, &authz));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char room[256];
        struct attrs a = {0};
        enum outcome got = REFUSED;
        if (attrs_path(slice_str(table[i].raw), room, sizeof(room), &a.path) == ERR_OK) {
            CHECK_TEXT(table[i].clean, a.path);
            got = authz_ask(authz, &a).answer == AUTHZ_ALLOW ? ALLOWED : DENIED;
        }
        if (got != table[i].outcome)
            CHECK_TEXT("as in the table", slice_str(table[i].raw));
    }
    authz_free(&authz);
    diag_fini(&diag);
}

TESTS_BEGIN()
TESTS_RUN(tricks_with_paths_allow_nothing_that_was_not_meant)
TESTS_END()
