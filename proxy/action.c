#include "proxy/action.h"

#include <errno.h>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/sock.h"
#include "proxy/whisk_api.h"

enum {
    CODE_BYTES = 48 << 20,
    CONNECTIONS = 1024,
    STREAMS = 100,
    LAST_TURNS = 16
}; /* 48 MiB is OpenWhisk's own bound */

#define SECOND INT64_C(1000000)

struct action {
    struct loop *loop;
    struct sock_addr container;
    struct whisk_api *api;
    struct server *server;
};

static struct stream *dial(void *arg, const char **why)
{
    struct action *a = arg;
    int fd;
    if (sock_connect(&a->container, &fd) == ERR_OK)
        return stream_fd_new(a->loop, fd, true);
    *why = strerrordesc_np(errno);
    return NULL;
}

static void serve(struct transit *t, void *arg)
{
    whisk_api_serve(((struct action *)arg)->api, t);
}

static enum err read_code(const struct proxy_conf *c, struct buf *code, struct diag *diag)
{
    if (file_read(c->inbound.whisk.code, code) == ERR_OK)
        return ERR_OK;
    diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = c->inbound.whisk.code},
             "name a readable file of at most 48 MiB", "inbound.whisk.code: %s", strerrordesc_np(errno));
    return ERR_INPUT;
}

static void start(struct action *a, struct due_clock *clock, const struct proxy_conf *c, struct slice code)
{
    struct whisk_api_conf api = {
        .loop = a->loop,
        .clock = clock,
        .dial = dial,
        .arg = a,
        .name = slice_str(c->service),
        .main = slice_str(c->inbound.whisk.main),
        .code = code,
        .binary = c->inbound.whisk.binary,
    };
    struct server_conf server = {
        .accept = serve,
        .arg = a,
        .header_timeout_us = 10 * SECOND,
        .idle_timeout_us = 60 * SECOND,
        .max_streams = STREAMS,
        .max_connections = CONNECTIONS,
    };
    a->api = whisk_api_new(&api);
    a->server = server_new(a->loop, clock, &server);
}

enum err action_new(struct loop *l, struct due_clock *clock, const struct proxy_conf *conf, struct diag *diag,
                    struct action **out)
{
    struct action *a = mem_new(sizeof(*a));
    struct buf code, text;
    const char *why;
    a->loop = l;
    buf_init(&code, CODE_BYTES);
    buf_init(&text, CODE_BYTES / 3 * 4 + 4);
    enum err e = read_code(conf, &code, diag);
    if (e == ERR_OK && conf->inbound.whisk.binary)
        hash_put_base64(&text, buf_slice(&code));
    enum err parsed = sock_parse(slice_str(conf->inbound.whisk.container), &a->container, &why);
    PRE(parsed == ERR_OK); /* proxy_conf has checked it */
    if (e == ERR_OK)
        start(a, clock, conf, conf->inbound.whisk.binary ? buf_slice(&text) : buf_slice(&code));
    buf_fini(&code);
    buf_fini(&text);
    if (e == ERR_OK)
        *out = a;
    else
        mem_free(a);
    return e;
}

struct server *action_server(const struct action *a)
{
    return a->server;
}

void action_free(struct action **action)
{
    struct action *a = *action;
    *action = NULL;
    if (!a)
        return;
    server_free(&a->server);
    for (int i = 0; i < LAST_TURNS; i++)
        loop_turn(a->loop, false);
    whisk_api_free(&a->api);
    mem_free(a);
}
