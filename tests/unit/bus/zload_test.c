#include "bus/zload.h"

#include <dlfcn.h>

#include "tests/kit/t.h"

static bool is_there(void)
{
    void *library = dlopen("libzmq.so.5", RTLD_NOW | RTLD_NOLOAD);
    if (library)
        dlclose(library);
    return library != NULL;
}

TEST(libzmq_comes_with_the_first_one_who_asks)
{
    CHECK(!is_there());
    const struct zload *zmq = zload_calls();
    CHECK(zmq != NULL);
    CHECK(is_there());
    void *context = zmq->ctx_new();
    CHECK(context != NULL);
    CHECK_INT(0, zmq->ctx_term(context));
}

TEST(everybody_gets_the_same_calls)
{
    CHECK(zload_calls() == zload_calls());
}

TESTS_BEGIN()
TESTS_RUN(libzmq_comes_with_the_first_one_who_asks)
TESTS_RUN(everybody_gets_the_same_calls)
TESTS_END()
