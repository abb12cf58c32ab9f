#include "base/web_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static bool copy_text(struct slice from, char *into, size_t room)
{
    if (from.len == 0 || from.len >= room)
        return false;
    for (size_t i = 0; i < from.len; i++)
        if (from.at[i] <= ' ' || from.at[i] > '~' || from.at[i] == '#')
            return false;
    memcpy(into, from.at, from.len);
    into[from.len] = 0;
    return true;
}

static bool read_port(struct slice rest, struct web_url *u)
{
    uint64_t port;
    (void)snprintf(u->port, sizeof(u->port), "%s", u->secure ? "443" : "80");
    if (rest.len == 0)
        return true;
    if (rest.at[0] != ':' || slice_u64(slice_from(rest, 1), 65535, &port) != ERR_OK || port == 0)
        return false;
    (void)snprintf(u->port, sizeof(u->port), "%u", (unsigned)port);
    return true;
}

static bool read_authority(struct slice authority, struct web_url *u)
{
    size_t end, colon;
    struct slice host = authority, rest = {0};
    if (slice_starts(authority, SLICE("["))) {
        if (!slice_find(authority, ']', &end))
            return false;
        host = slice_of(authority.at + 1, end - 1);
        rest = slice_from(authority, end + 1);
    } else if (slice_find(authority, ':', &colon)) {
        host = slice_to(authority, colon);
        rest = slice_from(authority, colon);
    }
    return read_port(rest, u) && copy_text(host, u->host, sizeof(u->host)) && !slice_find(host, '@', &end) &&
           !slice_find(host, '?', &end) && !slice_find(host, '\\', &end);
}

enum err web_url_read(struct slice text, struct web_url *out)
{
    size_t slash;
    struct web_url u = {.secure = slice_starts(text, SLICE("https://"))};
    if (!u.secure && !slice_starts(text, SLICE("http://")))
        return ERR_INPUT;
    struct slice rest = slice_from(text, u.secure ? 8 : 7), path = SLICE("/");
    if (slice_find(rest, '/', &slash)) {
        path = slice_from(rest, slash);
        rest = slice_to(rest, slash);
    }
    if (!read_authority(rest, &u) || !copy_text(path, u.path, sizeof(u.path)))
        return ERR_INPUT;
    *out = u;
    return ERR_OK;
}

bool web_url_is_loopback(const struct web_url *u)
{
    struct in_addr four;
    if (strcmp(u->host, "localhost") == 0 || strcmp(u->host, "::1") == 0)
        return true;
    return inet_pton(AF_INET, u->host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

bool web_url_is_literal(const struct web_url *u)
{
    struct in_addr four;
    struct in6_addr six;
    return inet_pton(AF_INET, u->host, &four) == 1 || inet_pton(AF_INET6, u->host, &six) == 1;
}

/* A step up would leave the beginning; its spelling in percent signs is the server's to read, so it is refused too. */
static bool climbs(struct slice path)
{
    for (size_t i = 0; i + 1 < path.len; i++)
        if (path.at[i] == '.' && path.at[i + 1] == '.')
            return true;
    for (size_t i = 0; i + 2 < path.len; i++)
        if (path.at[i] == '%' && path.at[i + 1] == '2' && (path.at[i + 2] == 'e' || path.at[i + 2] == 'E'))
            return true;
    return false;
}

bool web_url_below(const struct web_url *beginning, const struct web_url *u)
{
    struct slice base = slice_str(beginning->path), path = slice_str(u->path);
    if (beginning->secure != u->secure || !slice_eq_nocase(slice_str(beginning->host), slice_str(u->host)) ||
        strcmp(beginning->port, u->port) != 0 || !slice_starts(path, base) || climbs(path))
        return false;
    return slice_ends(base, SLICE("/")) || path.len == base.len || path.at[base.len] == '/' || path.at[base.len] == '?';
}

static bool four_private(uint32_t a)
{
    static const struct {
        uint32_t net;
        unsigned bits;
    } nets[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
                {0xac100000, 12}, {0xc0000000, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xe0000000, 3}};
    for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++)
        if ((a ^ nets[i].net) >> (32 - nets[i].bits) == 0)
            return true;
    return false;
}

static uint32_t four_at(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool six_private(const struct in6_addr *a)
{
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    const uint8_t *b = a->s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(a) || memcmp(b, nat64, sizeof(nat64)) == 0)
        return four_private(four_at(b + 12));
    if (b[0] == 0x20 && b[1] == 0x02) /* 6to4 */
        return four_private(four_at(b + 2));
    return (b[0] & 0xe0) != 0x20; /* all that is global is in 2000::/3 */
}

bool web_url_address_private(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return four_private(ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr));
    if (a->sa_family == AF_INET6)
        return six_private(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
    return true;
}
