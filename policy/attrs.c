#include "policy/attrs.h"

/* The path in three passes over one piece of memory: check and decode, then squeeze slashes and dots.
 * Decoding comes first, so that %2e%2e is the climb it is. */

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

/* RFC 3986 section 3.3: pchar, and the slash between segments. */
static bool is_path_char(unsigned char c)
{
    return is_unreserved(c) || (c != '\0' && strchr("!$&'()*+,;=:@/", c));
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Adds one character of `raw` to `into`: plain, decoded when it need not be escaped (RFC 3986
 * section 6.2.2.2), else escaped in upper case (6.2.2.1).  0: it may not stand there. */
static size_t take_char(struct slice raw, char *into, size_t *len)
{
    unsigned char c = (unsigned char)raw.at[0];

    if (c != '%') {
        into[(*len)++] = (char)c;
        return is_path_char(c) ? 1 : 0;
    }
    int high = raw.len > 2 ? hex(raw.at[1]) : -1, low = raw.len > 2 ? hex(raw.at[2]) : -1;
    if (high < 0 || low < 0)
        return 0;
    unsigned char plain = (unsigned char)(high * 16 + low);
    if (plain == '/' || plain == '\0')
        return 0;
    if (is_unreserved(plain)) {
        into[(*len)++] = (char)plain;
        return 3;
    }
    into[(*len)++] = '%';
    into[(*len)++] = "0123456789ABCDEF"[high];
    into[(*len)++] = "0123456789ABCDEF"[low];
    return 3;
}

static enum err decode(struct slice raw, char *into, size_t *len)
{
    *len = 0;
    while (raw.len > 0) {
        size_t used = take_char(raw, into, len);
        if (used == 0)
            return ERR_INPUT;
        raw = slice_from(raw, used);
    }
    return ERR_OK;
}

enum segment { SEGMENT_PLAIN, SEGMENT_SKIP, SEGMENT_UP, SEGMENT_BAD };

static enum segment kind_of(struct slice s)
{
    size_t semicolon;

    if (s.len == 0 || slice_eq(s, SLICE(".")))
        return SEGMENT_SKIP;
    if (slice_eq(s, SLICE("..")))
        return SEGMENT_UP;
    /* "..;x" is a name to RFC 3986 and a climb to servers that cut parameters off first. */
    if (slice_find(s, ';', &semicolon) && kind_of(slice_to(s, semicolon)) != SEGMENT_PLAIN)
        return SEGMENT_BAD;
    return SEGMENT_PLAIN;
}

/* Drops the last "/segment"; false: there is none. */
static bool climb(const char *path, size_t *len)
{
    return slice_find_last(slice_of(path, *len), '/', len);
}

/* Moves each kept segment down over what was dropped (RFC 3986 section 5.2.4). */
static enum err squeeze(char *path, size_t *len)
{
    struct slice rest = slice_of(path + 1, *len - 1), s;
    size_t kept = 0;
    bool ends_open = path[*len - 1] == '/', last_dropped = false;

    while (slice_split(&rest, '/', &s)) {
        enum segment kind = kind_of(s);
        if (kind == SEGMENT_BAD || (kind == SEGMENT_UP && !climb(path, &kept)))
            return ERR_INPUT;
        last_dropped = kind != SEGMENT_PLAIN;
        if (last_dropped)
            continue;
        path[kept] = '/';
        memmove(path + kept + 1, s.at, s.len);
        kept += 1 + s.len;
    }
    if (ends_open || last_dropped)
        path[kept++] = '/';
    *len = kept;
    return ERR_OK;
}

enum err attrs_path(struct slice raw, char *into, size_t room, struct slice *out)
{
    size_t len;

    if (raw.len == 0 || raw.at[0] != '/')
        return ERR_INPUT;
    if (raw.len > room)
        return ERR_FULL;
    TRY(decode(raw, into, &len));
    TRY(squeeze(into, &len));
    *out = slice_of(into, len);
    return ERR_OK;
}
