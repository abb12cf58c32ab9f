/* conf_bind_show - a bound struct as the YAML that binds to the same. */
#include "base/check.h"
#include "base/conf_bind.h"
#include "base/units.h"

enum { INDENT = 2 };

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* May it stand without quotes?  Stricter than YAML, so that nobody has to know YAML to be sure. */
static bool is_plain(struct slice s)
{
    if (s.len == 0 || slice_eq(s, SLICE("null")) || slice_ends(s, SLICE(":")))
        return false;
    if (!is_letter_or_digit(s.at[0]) && s.at[0] != '/')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_letter_or_digit(s.at[i]) && (s.at[i] == '\0' || !strchr("/._:-+@", s.at[i])))
            return false;
    return true;
}

/* The character at the front, `len` bytes of well-formed UTF-8. */
static uint32_t code_point(struct slice s, size_t len)
{
    static const uint8_t mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (uint8_t)s.at[0] & mask[len];
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((uint8_t)s.at[i] & 0x3f);
    return c;
}

/* YAML forbids some characters and folds others even between quotes; spelled by number they all are safe. */
static void put_quoted(struct buf *out, struct slice s)
{
    buf_put_char(out, '"');
    while (s.len) {
        size_t len = slice_utf8_step(s);
        PRE(len > 0);
        uint32_t c = code_point(s, len);
        if (c == '"' || c == '\\')
            buf_putf(out, "\\%c", (char)c);
        else if (c >= 0x20 && c < 0x7f)
            buf_put_char(out, (char)c);
        else
            buf_putf(out, "\\U%08X", c);
        s = slice_from(s, len);
    }
    buf_put_char(out, '"');
}

static void put_text(struct buf *out, const char *text)
{
    struct slice s = slice_str(text);
    if (!text)
        buf_put(out, SLICE("null"));
    else if (is_plain(s))
        buf_put(out, s);
    else
        put_quoted(out, s);
}

static void put_strings(struct buf *out, const struct conf_strings *list)
{
    buf_put_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        buf_put(out, i ? SLICE(", ") : SLICE(""));
        put_text(out, list->v[i]);
    }
    buf_put_char(out, ']');
}

/* A number that is not set is 0, which may be outside its own range. */
static void put_number(struct buf *out, const struct conf_key *key, uint64_t n)
{
    if (n == 0 && !key->preset && !key->required)
        buf_put(out, SLICE("null"));
    else
        conf_bind_show_number(key->type, n, out);
}

static void begin_line(struct buf *out, unsigned indent, const char *name)
{
    buf_putf(out, "%*s", (int)indent, "");
    put_text(out, name);
    buf_put_char(out, ':');
}

static void show_table(const struct conf_key *table, const void *from, unsigned indent, struct buf *out);

static void show_map(const struct conf_key *key, const struct conf_map *map, unsigned indent, struct buf *out)
{
    buf_put(out, map->count ? SLICE("\n") : SLICE(" {}\n"));
    for (size_t i = 0; i < map->count; i++) {
        begin_line(out, indent, map->names[i]);
        buf_put_char(out, '\n');
        show_table(key->sub, (const char *)map->items + i * key->sub_size, indent + INDENT, out);
    }
}

static void show_pairs(const struct conf_pairs *pairs, unsigned indent, struct buf *out)
{
    buf_put(out, pairs->count ? SLICE("\n") : SLICE(" {}\n"));
    for (size_t i = 0; i < pairs->count; i++) {
        begin_line(out, indent, pairs->names[i]);
        buf_put_char(out, ' ');
        put_text(out, pairs->values[i]);
        buf_put_char(out, '\n');
    }
}

static void show_value(const struct conf_key *key, const void *at, struct buf *out)
{
    buf_put_char(out, ' ');
    switch (key->type) {
    case CONF_STRING:
    case CONF_PATH:
    case CONF_ADDRESS:
    case CONF_URL:
        put_text(out, *(const char *const *)at);
        break;
    case CONF_BOOL:
        buf_put(out, *(const bool *)at ? SLICE("true") : SLICE("false"));
        break;
    case CONF_COUNT:
    case CONF_SIZE:
        put_number(out, key, *(const uint64_t *)at);
        break;
    case CONF_DURATION:
        put_number(out, key, (uint64_t) * (const int64_t *)at);
        break;
    case CONF_CHOICE:
        put_text(out, key->choices[*(const unsigned *)at]);
        break;
    case CONF_STRINGS:
    case CONF_PATHS:
        put_strings(out, at);
        break;
    case CONF_TABLE:
    case CONF_MAP:
    case CONF_PAIRS:
    case CONF_PATH_PAIRS:
        break;
    }
    buf_put_char(out, '\n');
}

static void show_table(const struct conf_key *table, const void *from, unsigned indent, struct buf *out)
{
    for (const struct conf_key *key = table; key->name; key++) {
        const void *at = (const char *)from + key->offset;
        begin_line(out, indent, key->name);
        if (key->type == CONF_TABLE) {
            buf_put_char(out, '\n');
            show_table(key->sub, at, indent + INDENT, out);
        } else if (key->type == CONF_MAP) {
            show_map(key, at, indent + INDENT, out);
        } else if (key->type == CONF_PAIRS || key->type == CONF_PATH_PAIRS) {
            show_pairs(at, indent + INDENT, out);
        } else {
            show_value(key, at, out);
        }
    }
}

void conf_bind_show(const struct conf_key *table, const void *from, struct buf *out)
{
    show_table(table, from, 0, out);
}

void conf_bind_show_number(enum conf_type type, uint64_t n, struct buf *out)
{
    if (type == CONF_DURATION)
        units_put_duration(out, (int64_t)n);
    else if (type == CONF_SIZE)
        units_put_size(out, n);
    else
        buf_put_u64(out, n);
}
