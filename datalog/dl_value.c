#include "datalog/dl_value.h"

#include <math.h>
#include <stdlib.h>

enum { FLOAT_ROOM = 64 };

static enum err read_number(struct slice text, datalog_word *out)
{
    bool minus = slice_starts(text, SLICE("-"));
    uint64_t n;
    TRY(slice_u64(slice_from(text, minus), (uint64_t)INT64_MAX + minus, &n));
    *out = (datalog_word)(minus ? 0 - n : n);
    return ERR_OK;
}

static enum err read_unsigned(struct slice text, datalog_word *out)
{
    uint64_t n;
    TRY(slice_u64(text, UINT64_MAX, &n));
    *out = (datalog_word)n;
    return ERR_OK;
}

static enum err read_float(struct slice text, datalog_word *out)
{
    char room[FLOAT_ROOM] = {0};
    char *end = room;
    if (text.len == 0 || text.len >= sizeof(room) || slice_has(text, SLICE("x")))
        return ERR_INPUT;
    memcpy(room, text.at, text.len);
    double d = strtod(room, &end) + 0.0; /* no negative zero: equal floats have equal bits */
    if (end != room + text.len || !isfinite(d))
        return ERR_INPUT;
    memcpy(out, &d, sizeof(*out));
    return ERR_OK;
}

static enum err read_as(struct datalog_run *r, enum datalog_type type, struct slice text, datalog_word *out)
{
    switch (type) {
    case DATALOG_SYMBOL:
        *out = (datalog_word)dl_sym_put(&r->symbols, text);
        return ERR_OK;
    case DATALOG_NUMBER:
        return read_number(text, out);
    case DATALOG_UNSIGNED:
        return read_unsigned(text, out);
    case DATALOG_FLOAT:
        break;
    }
    return read_float(text, out);
}

enum err dl_value_read(struct datalog_run *r, const struct dl_relation *rel, unsigned column, struct slice text,
                       datalog_word *out)
{
    return read_as(r, rel->types[column], text, out) == ERR_OK ? ERR_OK : ERR_INPUT;
}

void dl_value_put(const struct datalog_run *r, enum datalog_type type, datalog_word w, struct buf *out)
{
    if (type == DATALOG_SYMBOL)
        buf_put(out, dl_sym_text(&r->symbols, (uint32_t)w));
    else
        dl_prim_put(&r->symbols, type, w, SIZE_MAX, out);
}
