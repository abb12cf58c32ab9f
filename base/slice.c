#include "base/slice.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

int slice_cmp(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.at, b.at, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq(slice_to(s, prefix.len), prefix);
}

bool slice_ends(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_eq(slice_from(s, s.len - suffix.len), suffix);
}

bool slice_has(struct slice s, struct slice needle)
{
    if (needle.len == 0)
        return true;
    return s.len >= needle.len && memmem(s.at, s.len, needle.at, needle.len) != NULL;
}

bool slice_find_text(struct slice s, struct slice needle, size_t *at)
{
    const char *found = s.len >= needle.len && needle.len ? memmem(s.at, s.len, needle.at, needle.len) : NULL;
    if (found)
        *at = (size_t)(found - s.at);
    return found != NULL;
}

bool slice_find(struct slice s, char c, size_t *at)
{
    const char *hit = s.len ? memchr(s.at, c, s.len) : NULL;
    if (!hit)
        return false;
    *at = (size_t)(hit - s.at);
    return true;
}

bool slice_find_last(struct slice s, char c, size_t *at)
{
    const char *hit = s.len ? memrchr(s.at, c, s.len) : NULL;
    if (!hit)
        return false;
    *at = (size_t)(hit - s.at);
    return true;
}

bool slice_split(struct slice *rest, char sep, struct slice *piece)
{
    if (rest->len == 0)
        return false;
    size_t at = rest->len;
    slice_find(*rest, sep, &at);
    *piece = slice_to(*rest, at);
    *rest = slice_from(*rest, at + 1);
    return true;
}

struct slice slice_trim(struct slice s)
{
    while (s.len && is_blank(s.at[0]))
        s = slice_from(s, 1);
    while (s.len && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

enum err slice_u64(struct slice s, uint64_t max, uint64_t *out)
{
    if (s.len == 0 || s.len > 20)
        return ERR_INPUT;
    uint64_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return ERR_INPUT;
        uint64_t digit = (uint64_t)(s.at[i] - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return ERR_INPUT;
        n = n * 10 + digit;
    }
    if (n > max)
        return ERR_INPUT;
    *out = n;
    return ERR_OK;
}

/* How long the sequence is that begins with `lead`, and what its second byte may be
 * (RFC 3629 section 4); 0: nothing begins so. */
static size_t utf8_shape(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef) {
        *low = lead == 0xe0 ? 0xa0 : 0x80;
        *high = lead == 0xed ? 0x9f : 0xbf;
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *low = lead == 0xf0 ? 0x90 : 0x80;
        *high = lead == 0xf4 ? 0x8f : 0xbf;
        return 4;
    }
    return 0;
}

size_t slice_utf8_step(struct slice s)
{
    if (s.len == 0)
        return 0;
    uint8_t low, high;
    size_t len = utf8_shape((uint8_t)s.at[0], &low, &high);
    if (len > s.len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        uint8_t byte = (uint8_t)s.at[i];
        if (byte < low || byte > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return len;
}

/* Most text is ASCII: eight bytes at a time, as long as it is. */
static struct slice behind_ascii(struct slice s)
{
    uint64_t word;
    while (s.len >= sizeof(word)) {
        memcpy(&word, s.at, sizeof(word));
        if (word & UINT64_C(0x8080808080808080))
            break;
        s = slice_of(s.at + sizeof(word), s.len - sizeof(word));
    }
    return s;
}

bool slice_utf8(struct slice s)
{
    while ((s = behind_ascii(s)).len) {
        size_t step = slice_utf8_step(s);
        if (step == 0)
            return false;
        s = slice_from(s, step);
    }
    return true;
}
