#include "contracts/pb/pbprint.h"

/* Longer texts are cut: a witness is to be looked at. */
enum { TEXT_MOST = 200 };

static void put_text(struct slice text, struct buf *out)
{
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.len && i < TEXT_MOST; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '"' || c == '\\')
            buf_putf(out, "\\%c", c);
        else if (c < ' ' || c >= 0x7f)
            buf_putf(out, "\\%03o", c);
        else
            buf_put_char(out, (char)c);
    }
    buf_put(out, text.len > TEXT_MOST ? SLICE("\"...") : SLICE("\""));
}

static void put_real(enum pbtype_kind k, uint64_t bits, struct buf *out)
{
    double value = 0;
    float small = 0;
    uint32_t half = (uint32_t)bits;
    memcpy(&value, &bits, sizeof(value));
    memcpy(&small, &half, sizeof(small));
    if (k == PBTYPE_DOUBLE)
        buf_putf(out, "%.17g", value);
    else
        buf_putf(out, "%.9g", (double)small);
}

void pbprint_value(const struct pbread_value *v, struct buf *out)
{
    if (!v) {
        buf_put(out, SLICE("absent"));
        return;
    }
    const struct pbtype_field *f = v->field;
    const struct fact *symbol = f->values ? pbtype_symbol(f->values, (int64_t)v->bits) : NULL;
    switch (f->kind) {
    case PBTYPE_MESSAGE:
        buf_put_char(out, '{');
        pbprint(v->sub, out);
        buf_put_char(out, '}');
        break;
    case PBTYPE_STRING:
    case PBTYPE_BYTES:
        put_text(v->text, out);
        break;
    case PBTYPE_BOOL:
        buf_put(out, v->bits ? SLICE("true") : SLICE("false"));
        break;
    case PBTYPE_FLOAT:
    case PBTYPE_DOUBLE:
        put_real(f->kind, v->bits, out);
        break;
    case PBTYPE_UINT32:
    case PBTYPE_UINT64:
    case PBTYPE_FIXED32:
    case PBTYPE_FIXED64:
        buf_putf(out, "%llu", (unsigned long long)v->bits);
        break;
    case PBTYPE_INT32:
    case PBTYPE_INT64:
    case PBTYPE_SINT32:
    case PBTYPE_SINT64:
    case PBTYPE_SFIXED32:
    case PBTYPE_SFIXED64:
    case PBTYPE_ENUM:
        if (symbol)
            buf_put(out, fact_text(symbol, 1));
        else
            buf_putf(out, "%lld", (long long)(int64_t)v->bits);
        break;
    }
}

void pbprint(const struct pbread_message *m, struct buf *out)
{
    for (const struct pbread_value *v = m->first; v; v = v->next) {
        struct slice name = v->field->name;
        bool extension = slice_has(name, SLICE("."));
        if (v != m->first)
            buf_put_char(out, ' ');
        buf_putf(out, extension ? "[%.*s]: " : "%.*s: ", SLICE_FMT(name));
        pbprint_value(v, out);
    }
}
