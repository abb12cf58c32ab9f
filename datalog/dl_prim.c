#include "datalog/dl_prim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "datalog/dl_record.h"

enum { SCRATCH_BOUND = 1 << 24, FLOAT_ROOM = 64 };

static double as_float(datalog_word w)
{
    double d;
    memcpy(&d, &w, sizeof(d));
    return d;
}

static double as_real(enum datalog_type type, datalog_word w)
{
    if (type == DATALOG_FLOAT)
        return as_float(w);
    return type == DATALOG_UNSIGNED ? (double)(uint64_t)w : (double)w;
}

static enum err impossible(struct dl_prim *p, const char *why)
{
    p->why = why;
    return ERR_INPUT;
}

/* No infinities and no negative zero: then equal floats have equal bits. */
static enum err from_float(struct dl_prim *p, double d, datalog_word *out)
{
    if (!isfinite(d))
        return impossible(p, "the result is no finite float");
    d += 0.0;
    memcpy(out, &d, sizeof(*out));
    return ERR_OK;
}

void dl_prim_init(struct dl_prim *p, struct dl_sym *symbols, uint64_t max_bytes)
{
    *p = (struct dl_prim){.symbols = symbols, .max_bytes = max_bytes};
    buf_init(&p->scratch, SCRATCH_BOUND);
}

void dl_prim_fini(struct dl_prim *p)
{
    buf_fini(&p->scratch);
}

static enum err new_symbol(struct dl_prim *p, struct slice text, datalog_word *out)
{
    uint32_t id;
    if (dl_sym_find(p->symbols, text, &id) != ERR_OK) {
        /* An empty-looking text still costs its entry. */
        uint64_t cost = text.len + sizeof(struct slice);
        if (p->symbols->bytes + (uint64_t)p->symbols->count * sizeof(struct slice) + cost > p->max_bytes) {
            p->why = "too many bytes of symbols";
            return ERR_LIMIT;
        }
        id = dl_sym_put(p->symbols, text);
    }
    *out = (datalog_word)id;
    return ERR_OK;
}

static enum err power(struct dl_prim *p, datalog_word base, datalog_word exponent, bool is_unsigned, datalog_word *out)
{
    if (!is_unsigned && exponent < 0)
        return impossible(p, "a whole number to a negative power");
    datalog_word result = 1;
    for (uint64_t n = (uint64_t)exponent; n > 0; n >>= 1) {
        bool over = false;
        if (n & 1)
            over |= is_unsigned ? __builtin_mul_overflow((uint64_t)result, (uint64_t)base, (uint64_t *)&result)
                                : __builtin_mul_overflow(result, base, &result);
        if (n > 1)
            over |= is_unsigned ? __builtin_mul_overflow((uint64_t)base, (uint64_t)base, (uint64_t *)&base)
                                : __builtin_mul_overflow(base, base, &base);
        if (over)
            return impossible(p, "overflow in `^`");
    }
    *out = result;
    return ERR_OK;
}

static enum err divide(struct dl_prim *p, enum dl_op op, datalog_word a, datalog_word b, bool is_unsigned,
                       datalog_word *out)
{
    if (b == 0)
        return impossible(p, op == DL_DIV ? "division by zero" : "remainder by zero");
    if (is_unsigned) {
        uint64_t x = (uint64_t)a, y = (uint64_t)b;
        *out = (datalog_word)(op == DL_DIV ? x / y : x % y);
        return ERR_OK;
    }
    if (a == INT64_MIN && b == -1)
        return impossible(p, "overflow in `/`");
    *out = op == DL_DIV ? a / b : a % b;
    return ERR_OK;
}

/* Shifts are by what the lower six bits say. */
static datalog_word bitwise(enum dl_op op, datalog_word a, datalog_word b)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    if (op == DL_BAND)
        return (datalog_word)(x & y);
    if (op == DL_BOR)
        return (datalog_word)(x | y);
    if (op == DL_BXOR)
        return (datalog_word)(x ^ y);
    if (op == DL_BSHL)
        return (datalog_word)(x << (y & 63));
    if (op == DL_BSHR)
        return a >> (y & 63);
    if (op == DL_BSHRU)
        return (datalog_word)(x >> (y & 63));
    if (op == DL_LAND)
        return a != 0 && b != 0;
    return op == DL_LOR ? a != 0 || b != 0 : (a != 0) != (b != 0);
}

static enum err checked(struct dl_prim *p, enum dl_op op, datalog_word a, datalog_word b, bool is_unsigned,
                        datalog_word *out)
{
    bool over = false;
    uint64_t x = (uint64_t)a, y = (uint64_t)b, u = 0;
    datalog_word s = 0;
    if (op == DL_DIV || op == DL_MOD)
        return divide(p, op, a, b, is_unsigned, out);
    if (op == DL_POW)
        return power(p, a, b, is_unsigned, out);
    if (op > DL_MOD && op < DL_POW) {
        *out = bitwise(op == DL_BSHR && is_unsigned ? DL_BSHRU : op, a, b);
        return ERR_OK;
    }
    if (op == DL_ADD)
        over = is_unsigned ? __builtin_add_overflow(x, y, &u) : __builtin_add_overflow(a, b, &s);
    else if (op == DL_SUB)
        over = is_unsigned ? __builtin_sub_overflow(x, y, &u) : __builtin_sub_overflow(a, b, &s);
    else
        over = is_unsigned ? __builtin_mul_overflow(x, y, &u) : __builtin_mul_overflow(a, b, &s);
    if (over)
        return impossible(p, op == DL_ADD ? "overflow in `+`" : op == DL_SUB ? "overflow in `-`" : "overflow in `*`");
    *out = is_unsigned ? (datalog_word)u : s;
    return ERR_OK;
}

static datalog_word narrowed(uint64_t w, bool is_unsigned)
{
    return is_unsigned ? (datalog_word)(uint32_t)w : (datalog_word)(int32_t)(uint32_t)w;
}

static uint64_t wrapped_power(uint64_t base, uint64_t exponent)
{
    uint64_t result = 1;
    for (; exponent > 0; exponent >>= 1, base *= base)
        result *= exponent & 1 ? base : 1;
    return result;
}

/* In 32 bits, whatever comes of it. */
static enum err wrapped(struct dl_prim *p, enum dl_op op, datalog_word a, datalog_word b, bool is_unsigned,
                        datalog_word *out)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b, u = 0;
    if (op == DL_ADD)
        u = x + y;
    else if (op == DL_SUB)
        u = x - y;
    else if (op == DL_MUL)
        u = x * y;
    else if (op == DL_POW && (is_unsigned || b >= 0))
        u = wrapped_power(x, y);
    else if (op >= DL_BSHL && op <= DL_BSHRU)
        u = (uint64_t)bitwise(op, op == DL_BSHRU ? (datalog_word)(uint32_t)x : a, b & 31);
    else
        return checked(p, op, a, b, is_unsigned, out);
    *out = narrowed(u, is_unsigned);
    return ERR_OK;
}

static enum err whole(struct dl_prim *p, enum dl_op op, datalog_word a, datalog_word b, bool is_unsigned,
                      datalog_word *out)
{
    return (p->wraps ? wrapped : checked)(p, op, a, b, is_unsigned, out);
}

static enum err real(struct dl_prim *p, enum dl_op op, double a, double b, datalog_word *out)
{
    if (op == DL_ADD)
        return from_float(p, a + b, out);
    if (op == DL_SUB)
        return from_float(p, a - b, out);
    if (op == DL_MUL)
        return from_float(p, a * b, out);
    return from_float(p, op == DL_DIV ? a / b : pow(a, b), out);
}

static int order_words(enum datalog_type type, datalog_word a, datalog_word b)
{
    if (type == DATALOG_UNSIGNED)
        return ((uint64_t)a > (uint64_t)b) - ((uint64_t)a < (uint64_t)b);
    if (type == DATALOG_FLOAT)
        return (as_float(a) > as_float(b)) - (as_float(a) < as_float(b));
    return (a > b) - (a < b);
}

static enum err binary(struct dl_prim *p, const struct dl_expr *e, datalog_word a, datalog_word b, datalog_word *out)
{
    enum datalog_type type = (enum datalog_type)e->type;
    if (e->op == DL_MIN || e->op == DL_MAX) {
        int order = order_words(type, a, b);
        *out = (e->op == DL_MIN) == (order <= 0) ? a : b;
        return ERR_OK;
    }
    if (type == DATALOG_FLOAT)
        return real(p, e->op, as_float(a), as_float(b), out);
    return whole(p, e->op, a, b, type == DATALOG_UNSIGNED, out);
}

static enum err arithmetic(struct dl_prim *p, const struct dl_expr *e, const datalog_word *slots, datalog_word *out)
{
    datalog_word value, next;
    TRY(dl_prim_value(p, &e->args[0], slots, &value));
    if (e->op == DL_NEG && e->type == DATALOG_FLOAT)
        return from_float(p, -as_float(value), out);
    if (e->op == DL_NEG)
        return whole(p, DL_SUB, 0, value, false, out);
    if (e->op == DL_BNOT || e->op == DL_LNOT) {
        *out = e->op == DL_BNOT ? ~value : value == 0;
        return ERR_OK;
    }
    for (unsigned i = 1; i < e->count; i++) {
        TRY(dl_prim_value(p, &e->args[i], slots, &next));
        TRY(binary(p, e, value, next, &value));
    }
    *out = value;
    return ERR_OK;
}

static struct slice text_of(const struct dl_prim *p, datalog_word w)
{
    return dl_sym_text(p->symbols, (uint32_t)w);
}

static enum err concatenate(struct dl_prim *p, const struct dl_expr *e, const datalog_word *slots, datalog_word *out)
{
    datalog_word parts[DATALOG_COLUMNS];
    for (unsigned i = 0; i < e->count; i++)
        TRY(dl_prim_value(p, &e->args[i], slots, &parts[i]));
    buf_clear(&p->scratch);
    for (unsigned i = 0; i < e->count; i++)
        if (buf_add(&p->scratch, text_of(p, parts[i])) != ERR_OK) {
            p->why = "too long a symbol";
            return ERR_LIMIT;
        }
    return new_symbol(p, buf_slice(&p->scratch), out);
}

static enum err make(struct dl_prim *p, const struct dl_expr *e, const datalog_word *slots, datalog_word *out)
{
    datalog_word fields[DATALOG_COLUMNS];
    for (unsigned i = 0; i < e->count; i++)
        TRY(dl_prim_value(p, &e->args[i], slots, &fields[i]));
    dl_record_begin(&p->scratch, e->branch);
    for (unsigned i = 0; i < e->count; i++)
        if (dl_record_add(&p->scratch, (enum datalog_type)e->args[i].type, fields[i]) != ERR_OK) {
            p->why = "too long a record";
            return ERR_LIMIT;
        }
    return new_symbol(p, buf_slice(&p->scratch), out);
}

static enum err field(struct dl_prim *p, const struct dl_expr *e, const datalog_word *slots, datalog_word *out)
{
    datalog_word record;
    TRY(dl_prim_value(p, &e->args[0], slots, &record));
    return dl_record_field(text_of(p, record), e->branch, e->slot, out);
}

static enum err substring(struct dl_prim *p, const struct dl_expr *e, const datalog_word *slots, datalog_word *out)
{
    datalog_word text, from, len;
    TRY(dl_prim_value(p, &e->args[0], slots, &text));
    TRY(dl_prim_value(p, &e->args[1], slots, &from));
    TRY(dl_prim_value(p, &e->args[2], slots, &len));
    if (from < 0 || len < 0)
        return impossible(p, "`substr` from or for a negative number of bytes");
    return new_symbol(p, slice_to(slice_from(text_of(p, text), (size_t)from), (size_t)len), out);
}

static enum err parse_number(struct slice text, datalog_word *out)
{
    bool minus = slice_starts(text, SLICE("-"));
    uint64_t n;
    TRY(slice_u64(slice_from(text, minus), (uint64_t)INT64_MAX + minus, &n));
    *out = (datalog_word)(minus ? 0 - n : n);
    return ERR_OK;
}

static enum err parse_unsigned(struct slice text, datalog_word *out)
{
    uint64_t n;
    TRY(slice_u64(text, UINT64_MAX, &n));
    *out = (datalog_word)n;
    return ERR_OK;
}

static enum err parse_float(struct slice text, datalog_word *out)
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

enum err dl_prim_parse(enum datalog_type type, struct slice text, datalog_word *out)
{
    switch (type) {
    case DATALOG_NUMBER:
        return parse_number(text, out) == ERR_OK ? ERR_OK : ERR_INPUT;
    case DATALOG_UNSIGNED:
        return parse_unsigned(text, out) == ERR_OK ? ERR_OK : ERR_INPUT;
    case DATALOG_FLOAT:
        return parse_float(text, out);
    case DATALOG_SYMBOL:
    case DATALOG_RECORD:
        break;
    }
    return ERR_INPUT;
}

/* A text, as files hold numbers. */
static enum err parse(struct dl_prim *p, enum dl_op op, struct slice text, datalog_word *out)
{
    enum datalog_type type = op == DL_TO_NUMBER     ? DATALOG_NUMBER
                             : op == DL_TO_UNSIGNED ? DATALOG_UNSIGNED
                                                    : DATALOG_FLOAT;
    if (dl_prim_parse(type, text, out) == ERR_OK)
        return ERR_OK;
    return impossible(p, op == DL_TO_NUMBER     ? "`to_number` of a text that is no number"
                         : op == DL_TO_UNSIGNED ? "`to_unsigned` of a text that is no unsigned number"
                                                : "`to_float` of a text that is no float");
}

static enum err round_down(struct dl_prim *p, enum dl_op op, double d, datalog_word *out)
{
    bool to_unsigned = op == DL_TO_UNSIGNED;
    if (to_unsigned ? d < 0 || d >= 0x1p64 : d < -0x1p63 || d >= 0x1p63)
        return impossible(p, "the float does not fit a whole number");
    *out = to_unsigned ? (datalog_word)(uint64_t)d : (datalog_word)d;
    return ERR_OK;
}

static enum err convert(struct dl_prim *p, const struct dl_expr *e, datalog_word w, datalog_word *out)
{
    enum datalog_type from = (enum datalog_type)e->args[0].type;
    if (from == DATALOG_SYMBOL)
        return parse(p, e->op, text_of(p, w), out);
    if (e->op == DL_TO_FLOAT)
        return from_float(p, as_real(from, w), out);
    if (from == DATALOG_FLOAT)
        return round_down(p, e->op, as_float(w), out);
    bool flips = (from == DATALOG_UNSIGNED) != (e->op == DL_TO_UNSIGNED);
    if (flips && w < 0)
        return impossible(p, "the number does not fit the other kind of whole number");
    *out = w;
    return ERR_OK;
}

static enum err to_string(struct dl_prim *p, enum datalog_type type, datalog_word w, datalog_word *out)
{
    buf_clear(&p->scratch);
    dl_prim_put(p->symbols, type, w, SIZE_MAX, &p->scratch);
    return new_symbol(p, buf_slice(&p->scratch), out);
}

static enum err call(struct dl_prim *p, const struct dl_expr *e, const datalog_word *slots, datalog_word *out)
{
    datalog_word w;
    switch (e->op) {
    case DL_CAT:
        return concatenate(p, e, slots, out);
    case DL_SUBSTR:
        return substring(p, e, slots, out);
    case DL_STRLEN:
        TRY(dl_prim_value(p, &e->args[0], slots, &w));
        *out = (datalog_word)text_of(p, w).len;
        return ERR_OK;
    case DL_MAKE:
        return make(p, e, slots, out);
    case DL_FIELD:
        return field(p, e, slots, out);
    case DL_AUTOINC:
        *out = p->counter++;
        return ERR_OK;
    case DL_ORD:
        return dl_prim_value(p, &e->args[0], slots, out);
    case DL_TO_NUMBER:
    case DL_TO_UNSIGNED:
    case DL_TO_FLOAT:
        TRY(dl_prim_value(p, &e->args[0], slots, &w));
        return convert(p, e, w, out);
    case DL_TO_STRING:
        TRY(dl_prim_value(p, &e->args[0], slots, &w));
        return to_string(p, (enum datalog_type)e->args[0].type, w, out);
    case DL_ADD:
    case DL_SUB:
    case DL_MUL:
    case DL_DIV:
    case DL_MOD:
    case DL_BAND:
    case DL_BOR:
    case DL_BXOR:
    case DL_BSHL:
    case DL_BSHR:
    case DL_BSHRU:
    case DL_LAND:
    case DL_LOR:
    case DL_LXOR:
    case DL_POW:
    case DL_NEG:
    case DL_BNOT:
    case DL_LNOT:
    case DL_MIN:
    case DL_MAX:
    case DL_RANGE:
    case DL_OP_COUNT:
        break;
    }
    return arithmetic(p, e, slots, out);
}

enum err dl_prim_value(struct dl_prim *p, const struct dl_expr *e, const datalog_word *slots, datalog_word *out)
{
    switch (e->kind) {
    case DL_EXPR_SLOT:
        *out = slots[e->slot];
        return ERR_OK;
    case DL_EXPR_WORD:
        *out = e->word;
        return ERR_OK;
    case DL_EXPR_ANY:
        *out = DL_RULE_UNBOUND;
        return ERR_OK;
    case DL_EXPR_CALL:
        break;
    }
    return call(p, e, slots, out);
}

static enum err matches(struct dl_prim *p, const struct dl_goal *g, struct slice text, bool *holds)
{
    enum err e = regex_whole(g->regex, text);
    if (e == ERR_LIMIT)
        p->why = "`match` took too long";
    if (e == ERR_LIMIT)
        return e;
    *holds = (e == ERR_OK) != g->negated;
    return ERR_OK;
}

int dl_prim_order(const struct dl_sym *symbols, enum datalog_type type, datalog_word a, datalog_word b)
{
    if ((type != DATALOG_SYMBOL && type != DATALOG_RECORD) || a == b)
        return order_words(type, a, b);
    struct slice x = dl_sym_text(symbols, (uint32_t)a), y = dl_sym_text(symbols, (uint32_t)b);
    return type == DATALOG_RECORD ? dl_record_order(symbols, x, y) : slice_cmp(x, y);
}

enum err dl_prim_holds(struct dl_prim *p, const struct dl_goal *g, const datalog_word *slots, bool *holds)
{
    datalog_word a, b;
    TRY(dl_prim_value(p, &g->args[0], slots, &a));
    TRY(dl_prim_value(p, &g->args[1], slots, &b));
    enum datalog_type type = (enum datalog_type)g->args[0].type;
    switch (g->compare) {
    case DL_EQ:
        *holds = a == b;
        return ERR_OK;
    case DL_NE:
        *holds = a != b;
        return ERR_OK;
    case DL_LT:
        *holds = dl_prim_order(p->symbols, type, a, b) < 0;
        return ERR_OK;
    case DL_LE:
        *holds = dl_prim_order(p->symbols, type, a, b) <= 0;
        return ERR_OK;
    case DL_GT:
        *holds = dl_prim_order(p->symbols, type, a, b) > 0;
        return ERR_OK;
    case DL_GE:
        *holds = dl_prim_order(p->symbols, type, a, b) >= 0;
        return ERR_OK;
    case DL_CONTAINS:
        *holds = slice_has(text_of(p, b), text_of(p, a)) != g->negated;
        return ERR_OK;
    case DL_MATCH:
        break;
    }
    return matches(p, g, text_of(p, b), holds);
}

static datalog_word one_of(enum datalog_type type)
{
    double one = 1;
    datalog_word w = 1;
    if (type == DATALOG_FLOAT)
        memcpy(&w, &one, sizeof(w));
    return w;
}

enum err dl_prim_range(struct dl_prim *p, const struct dl_goal *each, const datalog_word *slots, struct dl_range *out)
{
    struct dl_range r = {.type = (enum datalog_type)each->result.type};
    datalog_word zero = 0;
    TRY(dl_prim_value(p, &each->args[0], slots, &r.at));
    TRY(dl_prim_value(p, &each->args[1], slots, &r.end));
    r.step = one_of(r.type);
    r.down = order_words(r.type, r.at, r.end) > 0;
    if (each->count > 2) {
        TRY(dl_prim_value(p, &each->args[2], slots, &r.step));
        /* A step of nothing gives the first value alone. */
        int way = order_words(r.type, r.step, zero);
        r.down = way ? way < 0 : r.down;
    } else if (r.down && r.type == DATALOG_FLOAT) {
        TRY(from_float(p, -1.0, &r.step));
    } else if (r.down) {
        r.step = -1; /* of unsigned numbers too: adding it takes one away */
    }
    *out = r;
    return ERR_OK;
}

static bool advance_range(struct dl_range *r)
{
    datalog_word before = r->at;
    if (r->type == DATALOG_FLOAT) {
        double next = as_float(r->at) + as_float(r->step);
        memcpy(&r->at, &next, sizeof(next));
    } else {
        r->at = (datalog_word)((uint64_t)r->at + (uint64_t)r->step);
    }
    /* Past the last number, or standing still. */
    int way = order_words(r->type, r->at, before);
    return r->down ? way < 0 : way > 0;
}

bool dl_prim_range_next(struct dl_range *r, datalog_word *out)
{
    int left = order_words(r->type, r->at, r->end);
    if (r->over || (r->down ? left <= 0 : left >= 0))
        return false;
    *out = r->at;
    r->over = !advance_range(r);
    return true;
}

enum err dl_prim_tally(struct dl_prim *p, struct dl_tally *t, datalog_word value)
{
    bool first = t->count++ == 0;
    switch (t->fold) {
    case DL_COUNT:
        return ERR_OK;
    case DL_SUM:
        if (t->type == DATALOG_FLOAT)
            return real(p, DL_ADD, as_float(t->value), as_float(value), &t->value);
        return whole(p, DL_ADD, t->value, value, t->type == DATALOG_UNSIGNED, &t->value);
    case DL_LEAST:
        if (first || order_words(t->type, value, t->value) < 0)
            t->value = value;
        return ERR_OK;
    case DL_MOST:
        if (first || order_words(t->type, value, t->value) > 0)
            t->value = value;
        return ERR_OK;
    case DL_MEAN:
        t->mean_sum += as_real(t->type, value);
        return isfinite(t->mean_sum) ? ERR_OK : impossible(p, "the mean is no finite float");
    }
    return ERR_OK;
}

bool dl_prim_tallied(const struct dl_tally *t, datalog_word *out)
{
    *out = t->fold == DL_COUNT ? (datalog_word)t->count : t->value;
    if (t->fold == DL_COUNT || t->fold == DL_SUM)
        return true;
    if (t->fold == DL_MEAN && t->count > 0) {
        double mean = t->mean_sum / (double)t->count + 0.0;
        memcpy(out, &mean, sizeof(*out));
    }
    return t->count > 0;
}

/* How many digits read back as the same float, and the exponent of the first. */
static int digits_of(double d, int *exponent)
{
    char text[FLOAT_ROOM];
    int digits = 0;
    for (double back = 0; digits < 17 && !(digits && !(back < d) && !(back > d));) {
        snprintf(text, sizeof(text), "%.*e", digits++, d);
        back = strtod(text, NULL);
    }
    *exponent = atoi(strchr(text, 'e') + 1);
    return digits;
}

void dl_prim_put_float(datalog_word w, bool point, struct buf *out)
{
    double d = as_float(w);
    int exponent, digits = digits_of(d, &exponent);
    if (exponent < -5 || exponent > 16) {
        buf_putf(out, "%.*e", digits > 1 || !point ? digits - 1 : 1, d);
        return;
    }
    int decimals = digits - 1 - exponent;
    if (decimals < 1)
        decimals = point;
    buf_putf(out, "%.*f", decimals, d);
}

void dl_prim_put(const struct dl_sym *symbols, enum datalog_type type, datalog_word w, size_t most, struct buf *out)
{
    struct slice text;
    switch (type) {
    case DATALOG_SYMBOL:
        text = dl_sym_text(symbols, (uint32_t)w);
        dl_ast_put_quoted(out, slice_to(text, most));
        if (text.len > most)
            buf_put(out, SLICE("..."));
        break;
    case DATALOG_NUMBER:
        buf_putf(out, "%lld", (long long)w);
        break;
    case DATALOG_UNSIGNED:
        buf_putf(out, "%llu", (unsigned long long)w);
        break;
    case DATALOG_FLOAT:
        dl_prim_put_float(w, true, out);
        break;
    case DATALOG_RECORD:
        dl_record_put(symbols, dl_sym_text(symbols, (uint32_t)w), true, most, out);
        break;
    }
}
