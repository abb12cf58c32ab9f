/* Any bytes are an answer of a Workload API or none; what is taken of one lies in the set and is whole. */
#include "base/check.h"
#include "policy/svid_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct svid_set *set, *again;
    const char *why = NULL;
    enum err e = svid_set_read(slice_of(data, size), &set, &why);
    POST((e == ERR_INPUT) == (why != NULL));
    if (e != ERR_OK)
        return 0;
    const struct creds_given *g = svid_set_given(set);
    POST(g->certs.len > 0 && g->key.len > 0 && g->bundle_count >= 1 && g->bundles[0].certs.len > 0);
    for (size_t i = 0; i < g->bundle_count; i++)
        POST(g->bundles[i].trust_domain[0] != '\0' && g->bundles[i].certs.len <= size);
    POST(svid_set_read(slice_of(data, size), &again, &why) == ERR_OK && svid_set_same(set, again));
    svid_set_unref(&again);
    svid_set_unref(&set);
    return 0;
}
