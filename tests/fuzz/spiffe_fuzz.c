/* spiffe - any bytes as a SPIFFE ID and as a path: what is accepted is canonical. */
#include "policy/spiffe.h"

#include <stdint.h>

#include "base/check.h"
#include "policy/attrs.h"

static void check_id(struct slice text)
{
    struct spiffe_id id;
    const char *why;
    struct slice ns, sa;

    if (spiffe_parse(text, &id, &why) != ERR_OK)
        return;
    POST(slice_eq(id.whole, text) && text.len == 9 + id.trust_domain.len + id.path.len);
    POST(spiffe_trust_domain_ok(id.trust_domain));
    if (spiffe_ns_sa(&id, &ns, &sa))
        POST(id.path.len == 8 + ns.len + sa.len);
}

static void check_path(struct slice raw)
{
    char once[4096], twice[4096];
    struct slice a, b;

    if (attrs_path(raw, once, sizeof(once), &a) != ERR_OK)
        return;
    POST(a.len >= 1 && a.len <= raw.len && a.at[0] == '/');
    POST(!slice_has(a, SLICE("//")) && !slice_has(a, SLICE("/./")) && !slice_has(a, SLICE("/../")));
    POST(attrs_path(a, twice, sizeof(twice), &b) == ERR_OK && slice_eq(a, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_id(slice_of(data, size));
    check_path(slice_of(data, size));
    return 0;
}
