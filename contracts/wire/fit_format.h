#ifndef WEFT_CONTRACTS_WIRE_FIT_FORMAT_H
#define WEFT_CONTRACTS_WIRE_FIT_FORMAT_H

/* fit_format - what one format brings to a fit.
 *
 * Its own struct begins with a struct fit; the functions get that. */
#include "contracts/wire/fit.h"

struct fit_format {
    enum err (*feed)(struct fit *f, struct slice bytes);
    enum err (*finish)(struct fit *f);
    void (*fini)(struct fit *f);
};

struct fit {
    const struct fit_format *format;
    enum err stuck;
    struct buf fault;
    uint64_t offset; /* of the fault */
};

void fit_init(struct fit *f, const struct fit_format *format);

#endif
