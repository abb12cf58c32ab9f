#include "bus/zload.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct zload calls;
static bool loaded;

static bool find(void *library, const char *name, void *call)
{
    void *found = dlsym(library, name);
    memcpy(call, &found, sizeof(found)); /* POSIX: a pointer to a function is one to void, C knows no such cast */
    return found != NULL;
}

static void load(void)
{
    void *library = dlopen("libzmq.so.5", RTLD_NOW | RTLD_LOCAL);
    loaded = library != NULL;
#define FIND(name) loaded = loaded && find(library, "zmq_" #name, &calls.name);
    ZLOAD_CALLS(FIND)
#undef FIND
}

const struct zload *zload_calls(void)
{
    pthread_once(&once, load);
    return loaded ? &calls : NULL;
}

const char *zload_fault(void)
{
    return "libzmq.so.5 cannot be loaded: install libzmq 4.2 or newer (Debian: libzmq5)";
}
