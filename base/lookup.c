#include "base/lookup.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <sys/time.h>

#include "base/check.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/now.h"

/* c-ares says which descriptors it wants to hear of and until when; each has a watch.  An
 * ask is one name: one query for A and AAAA, or one for SRV and then one for each target.
 * c-ares may call back inside of ares_getaddrinfo itself (a name of /etc/hosts), so the
 * answer is always told by a deferred call. */
enum {
    SOCKETS = 16,
    TARGETS = 16,
    NAME_MOST = 255,
    TRIES = 2,
    TIMEOUT_MS = 2000,
    TTL_MOST_S = 300,
    TTL_OF_FILES_S = 30, /* what has none: /etc/hosts, a number */
};

struct watched {
    struct lookup *resolve;
    struct loop_watch *watch;
    ares_socket_t fd;
};

struct lookup {
    struct loop *loop;
    struct due_clock *clock;
    ares_channel channel;
    struct watched sockets[SOCKETS];
    struct list asks;
    struct due due;
};

struct lookup_ask {
    struct list link;
    struct lookup *resolve;
    lookup_fn *fn; /* NULL: cancelled */
    void *arg;
    struct loop_task told;
    unsigned waiting; /* queries */
    bool failed;      /* nobody answered one of them */
    int64_t ttl_s;
    size_t count;
    struct sock_addr addresses[LOOKUP_MOST];
};

/* One query of an ask. */
struct query {
    struct lookup_ask *ask;
};

/* --- names --- */

static bool is_srv(struct slice name)
{
    return slice_starts(name, SLICE("_"));
}

static bool is_host(struct slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.at[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                    c == '.' || c == '_';
        if (!fine)
            return false;
    }
    return host.len > 0 && host.len <= NAME_MOST;
}

static bool split(struct slice name, struct slice *host, uint16_t *port)
{
    size_t colon;
    uint64_t n;
    if (!slice_find_last(name, ':', &colon) || slice_u64(slice_from(name, colon + 1), UINT16_MAX, &n) != ERR_OK ||
        n == 0)
        return false;
    *host = slice_to(name, colon);
    *port = (uint16_t)n;
    return is_host(*host);
}

bool lookup_name_ok(struct slice name)
{
    struct slice host;
    uint16_t port;
    return is_srv(name) ? is_host(name) && slice_has(name, SLICE("._")) : split(name, &host, &port);
}

/* --- telling --- */

static void tell(struct loop_task *task)
{
    struct lookup_ask *a = LIST_OF(task, struct lookup_ask, told);
    lookup_fn *fn = a->fn;
    enum err e = a->count > 0 ? ERR_OK : a->failed ? ERR_IO : ERR_ABSENT;
    int64_t ttl_s = a->ttl_s < TTL_MOST_S ? a->ttl_s : TTL_MOST_S;
    list_remove(&a->link);
    if (fn)
        fn(a->arg, e, a->addresses, a->count, ttl_s * NOW_US_PER_S,
           e == ERR_OK   ? ""
           : e == ERR_IO ? "no name server answers"
                         : "there is no such name, or it has no address");
    mem_free(a);
}

static void answered(struct lookup_ask *a, int status)
{
    bool known = status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA;
    a->failed = a->failed || !known;
    if (--a->waiting == 0)
        loop_defer(a->resolve->loop, &a->told);
}

/* --- addresses --- */

static void add_address(struct lookup_ask *a, const struct ares_addrinfo_node *node)
{
    if (a->count == LOOKUP_MOST || node->ai_addrlen > sizeof(a->addresses[0].sa))
        return;
    struct sock_addr *addr = &a->addresses[a->count++];
    *addr = (struct sock_addr){.len = node->ai_addrlen};
    memcpy(&addr->sa, node->ai_addr, node->ai_addrlen);
    int64_t ttl_s = node->ai_ttl > 0 ? node->ai_ttl : TTL_OF_FILES_S;
    if (ttl_s < a->ttl_s)
        a->ttl_s = ttl_s;
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    struct query *q = arg;
    struct lookup_ask *a = q->ask;
    (void)timeouts;
    mem_free(q);
    if (status == ARES_EDESTRUCTION)
        return; /* lookup_free has the rest in hand */
    for (const struct ares_addrinfo_node *n = found ? found->nodes : NULL; n; n = n->ai_next)
        add_address(a, n);
    ares_freeaddrinfo(found);
    answered(a, status);
}

static void ask_addresses(struct lookup_ask *a, const char *host, uint16_t port)
{
    char service[8];
    struct ares_addrinfo_hints hints = {
        .ai_flags = ARES_AI_NUMERICSERV | ARES_AI_NOSORT, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct query *q = mem_new(sizeof(*q));
    *q = (struct query){.ask = a};
    (void)snprintf(service, sizeof(service), "%u", port);
    a->waiting++;
    ares_getaddrinfo(a->resolve->channel, host, service, &hints, on_addresses, q);
}

/* --- SRV (RFC 2782): the best priority; weights are for those who have nothing better to go by --- */

static void ask_targets(struct lookup_ask *a, const struct ares_srv_reply *targets)
{
    unsigned best = UINT16_MAX + 1U, asked = 0;
    for (const struct ares_srv_reply *t = targets; t; t = t->next)
        best = t->priority < best ? t->priority : best;
    for (const struct ares_srv_reply *t = targets; t && asked < TARGETS; t = t->next) {
        bool is_none = t->host[0] == '\0' || strcmp(t->host, ".") == 0;
        if (t->priority != best || is_none)
            continue;
        ask_addresses(a, t->host, t->port);
        asked++;
    }
}

static void on_srv(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
    struct query *q = arg;
    struct lookup_ask *a = q->ask;
    struct ares_srv_reply *targets = NULL;
    (void)timeouts;
    mem_free(q);
    if (status == ARES_EDESTRUCTION)
        return;
    if (status == ARES_SUCCESS)
        status = ares_parse_srv_reply(bytes, len, &targets);
    if (status == ARES_SUCCESS)
        ask_targets(a, targets);
    if (targets)
        ares_free_data(targets);
    answered(a, status);
}

static void ask_srv(struct lookup_ask *a, const char *name)
{
    struct query *q = mem_new(sizeof(*q));
    *q = (struct query){.ask = a};
    a->waiting++;
    ares_query(a->resolve->channel, name, ns_c_in, ns_t_srv, on_srv, q);
}

/* --- the library's descriptors and time --- */

static void arm(struct lookup *r)
{
    struct timeval room, *next = ares_timeout(r->channel, NULL, &room);
    if (next)
        due_in(r->clock, &r->due, (int64_t)next->tv_sec * NOW_US_PER_S + next->tv_usec + 1);
    else
        due_cancel(r->clock, &r->due);
}

static void on_socket(void *arg, unsigned events)
{
    struct watched *w = arg;
    struct lookup *r = w->resolve;
    ares_socket_t fd = w->fd;
    ares_process_fd(r->channel, events & LOOP_READ ? fd : ARES_SOCKET_BAD, events & LOOP_WRITE ? fd : ARES_SOCKET_BAD);
    arm(r);
}

static void on_late(struct due *due)
{
    struct lookup *r = LIST_OF(due, struct lookup, due);
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(r);
}

static struct watched *watched_of(struct lookup *r, ares_socket_t fd)
{
    struct watched *free_one = NULL;
    for (size_t i = 0; i < SOCKETS; i++) {
        if (r->sockets[i].watch && r->sockets[i].fd == fd)
            return &r->sockets[i];
        if (!r->sockets[i].watch && !free_one)
            free_one = &r->sockets[i];
    }
    return free_one;
}

/* Past 16 descriptors a query ends by its time-out: c-ares uses one or two a server. */
static void on_state(void *arg, ares_socket_t fd, int read, int write)
{
    struct lookup *r = arg;
    struct watched *w = watched_of(r, fd);
    if (!w)
        return;
    if (!read && !write) {
        loop_watch_free(&w->watch);
        return;
    }
    if (!w->watch) {
        *w = (struct watched){.resolve = r, .fd = fd};
        w->watch = loop_watch_new(r->loop, fd, on_socket, w);
    }
    loop_watch_set(w->watch, (read ? (unsigned)LOOP_READ : 0U) | (write ? (unsigned)LOOP_WRITE : 0U));
}

struct lookup *lookup_new(struct loop *l, struct due_clock *clock, const char *servers, const char **why)
{
    struct lookup *r = mem_new(sizeof(*r));
    *r = (struct lookup){.loop = l, .clock = clock};
    list_init(&r->asks);
    due_init(&r->due, on_late);
    struct ares_options options = {
        .sock_state_cb = on_state, .sock_state_cb_data = r, .timeout = TIMEOUT_MS, .tries = TRIES};
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status == ARES_SUCCESS)
        status = ares_init_options(&r->channel, &options, ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status == ARES_SUCCESS && servers && (status = ares_set_servers_ports_csv(r->channel, servers)) != ARES_SUCCESS)
        ares_destroy(r->channel);
    if (status == ARES_SUCCESS)
        return r;
    *why = ares_strerror(status);
    mem_free(r);
    return NULL;
}

void lookup_free(struct lookup **resolve)
{
    struct lookup *r = *resolve;
    *resolve = NULL;
    if (!r)
        return;
    ares_destroy(r->channel);
    for (struct list *at = list_first(&r->asks); at; at = list_first(&r->asks)) {
        struct lookup_ask *a = LIST_OF(at, struct lookup_ask, link);
        loop_task_cancel(&a->told);
        list_remove(&a->link);
        mem_free(a);
    }
    for (size_t i = 0; i < SOCKETS; i++)
        loop_watch_free(&r->sockets[i].watch);
    due_cancel(r->clock, &r->due);
    mem_free(r);
}

struct lookup_ask *lookup_start(struct lookup *r, struct slice name, lookup_fn *fn, void *arg)
{
    char text[NAME_MOST + 1];
    struct slice host = name;
    uint16_t port = 0;
    PRE(lookup_name_ok(name));
    if (!is_srv(name))
        (void)split(name, &host, &port);
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    struct lookup_ask *a = mem_new(sizeof(*a));
    *a = (struct lookup_ask){.resolve = r, .fn = fn, .arg = arg, .ttl_s = TTL_MOST_S};
    loop_task_init(&a->told, tell);
    list_push_back(&r->asks, &a->link);
    if (is_srv(name))
        ask_srv(a, text);
    else
        ask_addresses(a, text, port);
    arm(r);
    return a;
}

void lookup_cancel(struct lookup_ask **a)
{
    if (*a)
        (*a)->fn = NULL;
    *a = NULL;
}
