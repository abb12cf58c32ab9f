#include "base/mem.h"
#include "contracts/wire/fit_format.h"

void fit_init(struct fit *f, const struct fit_format *format)
{
    *f = (struct fit){.format = format};
    buf_init(&f->fault, BUF_TEXT_BOUND);
}

void fit_free(struct fit **f)
{
    struct fit *fit = *f;
    *f = NULL;
    if (!fit)
        return;
    fit->format->fini(fit);
    buf_fini(&fit->fault);
    mem_free(fit);
}

enum err fit_feed(struct fit *f, struct slice bytes)
{
    if (f->stuck == ERR_OK)
        f->stuck = f->format->feed(f, bytes);
    return f->stuck;
}

enum err fit_finish(struct fit *f)
{
    if (f->stuck == ERR_OK)
        f->stuck = f->format->finish(f);
    return f->stuck;
}

const char *fit_fault(const struct fit *f)
{
    /* Written once, NUL-terminated, when the error came. */
    return buf_len(&f->fault) ? buf_slice(&f->fault).at : "";
}

uint64_t fit_offset(const struct fit *f)
{
    return f->offset;
}
