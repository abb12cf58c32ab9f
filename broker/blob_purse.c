#include "broker/blob_purse.h"

#include "base/check.h"
#include "base/mem.h"

struct purse_row {
    uint64_t bytes;
    size_t len;
    char caller[];
};

void blob_purse_fini(struct blob_purse *p)
{
    size_t at = 0;
    for (struct purse_row *r = map_next(&p->by_caller, &at); r; r = map_next(&p->by_caller, &at))
        mem_free(r);
    map_fini(&p->by_caller);
}

uint64_t blob_purse_of(const struct blob_purse *p, struct slice caller)
{
    const struct purse_row *r = map_get(&p->by_caller, caller);
    return r ? r->bytes : 0;
}

void blob_purse_add(struct blob_purse *p, struct slice caller, uint64_t bytes)
{
    struct purse_row *r = map_get(&p->by_caller, caller);
    if (bytes == 0)
        return;
    if (!r) {
        r = mem_new(sizeof(*r) + caller.len + 1);
        r->len = caller.len;
        if (caller.len)
            memcpy(r->caller, caller.at, caller.len);
        map_put(&p->by_caller, slice_of(r->caller, r->len), r);
    }
    r->bytes += bytes;
    p->total += bytes;
}

void blob_purse_sub(struct blob_purse *p, struct slice caller, uint64_t bytes)
{
    struct purse_row *r = map_get(&p->by_caller, caller);
    if (bytes == 0)
        return;
    PRE(r && r->bytes >= bytes);
    r->bytes -= bytes;
    p->total -= bytes;
    if (r->bytes > 0)
        return;
    map_del(&p->by_caller, slice_of(r->caller, r->len));
    mem_free(r);
}
