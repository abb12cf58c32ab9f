#include "base/web_get.h"

#include <stdio.h>

#include "base/web_ask.h"

enum { HEAD_MOST = 16 << 10 };
_Static_assert((int)WEB_GET_FAULT == (int)WEB_ASK_FAULT, "one room for both");

bool web_get_url_ok(struct slice url, const char **why)
{
    struct web_url u;
    *why = "write https://HOST/PATH";
    if (web_url_read(url, &u) != ERR_OK)
        return false;
    *why = "use https: keys that came in the clear prove nothing";
    return u.secure || web_url_is_loopback(&u);
}

static enum err PRINTF_LIKE(2, 3) fail(char *fault, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault, WEB_GET_FAULT, format, args);
    va_end(args);
    return ERR_IO;
}

enum err web_get_judge(const char *url, struct slice text, bool cut, struct buf *body, char fault[WEB_GET_FAULT])
{
    struct slice value;
    uint64_t length;
    unsigned status = web_ask_status(text);
    const char *end = text.at ? memmem(text.at, text.len, "\r\n\r\n", 4) : NULL;
    if (!end || !status)
        return fail(fault, "%s gave no HTTP answer", url);
    struct slice head = slice_to(text, (size_t)(end - text.at) + 2), rest = slice_from(text, head.len + 2);
    if (status != 200)
        return fail(fault, "%s answered %u", url, status);
    if (web_ask_field(head, SLICE("transfer-encoding"), &value) ||
        web_ask_field(head, SLICE("content-encoding"), &value))
        return fail(fault, "%s answers in a coding that was not asked for", url);
    bool says = web_ask_field(head, SLICE("content-length"), &value);
    if (!says && cut)
        return fail(fault, "%s was cut", url);
    if (says && (slice_u64(value, body->bound, &length) != ERR_OK || length != rest.len))
        return fail(fault, "%s was cut, or is too long", url);
    return buf_add(body, rest) == ERR_OK ? ERR_OK : fail(fault, "%s is longer than %zu bytes", url, body->bound);
}

enum err web_get(const struct web_get *g, struct buf *body, char fault[WEB_GET_FAULT])
{
    struct web_url url;
    const char *why;
    bool cut;
    if (!web_get_url_ok(slice_str(g->url), &why) || web_url_read(slice_str(g->url), &url) != ERR_OK)
        return fail(fault, "%s: %s", g->url, why);
    struct web_ask ask = {.url = &url,
                          .ca = g->ca,
                          .timeout_us = g->timeout_us,
                          .method = "GET",
                          .version = "HTTP/1.0",
                          .fields = SLICE("Accept: application/json\r\nUser-Agent: weft\r\n")};
    struct buf all;
    buf_init(&all, body->bound + HEAD_MOST);
    enum err e = web_ask(&ask, &all, &cut, fault);
    if (e == ERR_OK)
        e = web_get_judge(g->url, buf_slice(&all), cut, body, fault);
    buf_fini(&all);
    return e;
}
