#include "proxy/openfaas.h"

static const struct slice root = {"/async-function/", 16};

enum openfaas_call openfaas_read(const struct message *request, char *room, struct slice *name, struct slice *path)
{
    struct slice whole = request->path;
    if (!slice_starts(whole, root))
        return OPENFAAS_NOT;
    struct slice rest = slice_from(whole, root.len);
    size_t len = 0;
    while (len < rest.len && rest.at[len] != '/' && rest.at[len] != '?')
        len++;
    *name = slice_to(rest, len);
    rest = slice_from(rest, len);
    if (!headers_name_ok(*name))
        return OPENFAAS_WRONG;
    if (slice_eq(request->method, SLICE("DELETE")) && rest.len == 0)
        return OPENFAAS_CANCEL;
    if (!slice_eq(request->method, SLICE("POST")))
        return OPENFAAS_WRONG;
    size_t used = 0;
    if (rest.len == 0 || rest.at[0] != '/')
        room[used++] = '/';
    if (rest.len)
        memcpy(room + used, rest.at, rest.len);
    *path = slice_of(room, used + rest.len);
    return OPENFAAS_SUBMIT;
}
