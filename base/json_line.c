#include "base/json_line.h"

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* A byte that is zero becomes one with its highest bit set; so may bytes above it, which does not matter here. */
static uint64_t zeros(uint64_t word)
{
    return (word - EACH(1)) & ~word;
}

/* Eight bytes at once: is one of them not ASCII, a control character, a quote or a backslash? */
static bool has_special(uint64_t word)
{
    uint64_t controls = (word - EACH(0x20)) & ~word;
    return ((word | controls | zeros(word ^ EACH('"')) | zeros(word ^ EACH('\\'))) & EACH(0x80)) != 0;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static uint64_t word_at(struct slice text, size_t at)
{
    uint64_t word;
    memcpy(&word, text.at + at, sizeof(word));
    return word;
}

/* What follows the last whole word is looked at together with bytes before it, again; of a short text both halves may
 * overlap.  false: it has something special, or is too short or too long for that. */
static bool is_end_plain(struct slice text, size_t from)
{
    uint32_t half[2];
    if (text.len - from >= sizeof(uint64_t) || text.len < sizeof(half[0]))
        return false;
    if (text.len >= sizeof(uint64_t))
        return !has_special(word_at(text, text.len - sizeof(uint64_t)));
    memcpy(&half[0], text.at, sizeof(half[0]));
    memcpy(&half[1], text.at + text.len - sizeof(half[1]), sizeof(half[1]));
    return !has_special((uint64_t)half[0] << 32 | half[1]);
}

size_t json_line_plain(struct slice text)
{
    size_t n = 0;
    while (n + sizeof(uint64_t) <= text.len && !has_special(word_at(text, n)))
        n += sizeof(uint64_t);
    if (is_end_plain(text, n))
        return text.len;
    while (n < text.len && is_plain((unsigned char)text.at[n]))
        n++;
    return n;
}

static char *put_escaped(char *at, unsigned char c)
{
    static const char letters[] = "\b\f\n\r\t\"\\", spelled[] = "bfnrt\"\\", hex[] = "0123456789abcdef";
    const char *hit = c ? strchr(letters, c) : NULL;
    if (hit) {
        const char pair[2] = {'\\', spelled[hit - letters]};
        return json_line_put(at, slice_of(pair, 2));
    }
    const char code[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    return json_line_put(at, slice_of(code, 6));
}

static char *put_special(char *at, struct slice text, size_t *used)
{
    unsigned char c = (unsigned char)text.at[0];
    size_t step = slice_utf8_step(text);
    *used = step ? step : 1;
    if (step == 0)
        return json_line_put(at, SLICE("\xef\xbf\xbd"));
    if (c < 0x80)
        return put_escaped(at, c);
    return json_line_put(at, slice_to(text, step));
}

char *json_line_text(char *at, struct slice text)
{
    while (text.len) {
        size_t used = json_line_plain(text);
        if (used)
            at = json_line_put(at, slice_to(text, used));
        else
            at = put_special(at, text, &used);
        text = slice_from(text, used);
    }
    return at;
}

char *json_line_u64(char *at, uint64_t n)
{
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243"
        "4445464748495051525354555657585960616263646566676869707172737475767778798081828384858687"
        "888990919293949596979899";
    char digits[JSON_LINE_DIGITS];
    size_t first = sizeof(digits);
    for (; n >= 100; n /= 100)
        memcpy(digits + (first -= 2), pairs + 2 * (n % 100), 2);
    if (n >= 10)
        memcpy(digits + (first -= 2), pairs + 2 * n, 2);
    else
        digits[--first] = (char)('0' + n);
    return json_line_put(at, slice_of(digits + first, sizeof(digits) - first));
}
