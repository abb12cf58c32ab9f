#include "base/check.h"
#include "proxy/openfaas.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Room as long as the path is enough, and what the function gets begins with a slash. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char room[4096];
    struct slice name, path;
    if (size == 0 || size > sizeof(room))
        return 0;
    struct message m = {.method = data[0] & 1 ? SLICE("POST") : SLICE("DELETE"), .path = slice_of(data, size)};
    enum openfaas_call how = openfaas_read(&m, room, &name, &path);
    if (how == OPENFAAS_SUBMIT)
        POST(path.len > 0 && path.len <= size && path.at[0] == '/' && headers_name_ok(name));
    return 0;
}
