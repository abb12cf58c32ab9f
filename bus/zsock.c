/* The socket lives on the loop's thread; libzmq's own thread does the moving.  Its
 * descriptor only says "look again", so loop_edge asks ZMQ_EVENTS around every wait.
 *
 * A ROUTER's door (ZAP, RFC 27) is a REP socket of the same context: bound before
 * the ROUTER is, answered on the loop, and enforced, so that a missing or broken
 * door keeps everybody out instead of letting everybody in. */
#include "bus/zsock.h"

#include <errno.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "bus/zload.h"

enum {
    TURN_MESSAGES = 64,  /* received in one turn, so that jobs cannot starve timers */
    TURN_US = 4000,      /* nor messages that are dear, of one peer, all others */
    UNSENT = 1000,       /* messages that wait for one peer; who does not read loses its route then */
    ENFORCE_DOMAIN = 93, /* ZMQ_ZAP_ENFORCE_DOMAIN; in the library, behind DRAFT in the header */
    HANDSHAKE_FAILED =
        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH,
    PROOF_MS = 3000, /* how long the start-up proof may take */
};

struct zsock {
    void *context, *socket;
    struct loop_edge *edge;
    void *door; /* ROUTER: ZAP */
    struct loop_edge *door_edge;
    void *monitor; /* DEALER: failed handshakes */
    struct loop_edge *monitor_edge;
    zsock_admit_fn *admit;
    zsock_recv_fn *recv;
    zsock_fault_fn *fault;
    void *arg;
    bool router;
    bool busy, closing; /* close asked for from inside a callback */
    char endpoint[256];
};

/* Set before the first socket is made. */
static _Atomic(const struct zload *) zmq; /* the same for all threads */

/* --- small words over libzmq --- */

static bool ready(void *socket)
{
    int events = 0;
    size_t len = sizeof(events);
    return zmq->getsockopt(socket, ZMQ_EVENTS, &events, &len) == 0 && (events & ZMQ_POLLIN);
}

static int fd_of(void *socket)
{
    int fd = -1;
    size_t len = sizeof(fd);
    return zmq->getsockopt(socket, ZMQ_FD, &fd, &len) == 0 ? fd : -1;
}

static bool set_int(void *socket, int option, int value)
{
    return zmq->setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool set_key(void *socket, int option, const uint8_t *key)
{
    return zmq->setsockopt(socket, option, key, ZSOCK_KEY) == 0;
}

/* The kernel finds peers that are gone, not ZMTP's heartbeat: libzmq 4.3 ends the process when that is due on a
 * connection which broke while its reading had stopped (ZMQ_RCVHWM), and so any peer could end us. */
static bool set_bounds(void *socket, int linger_ms)
{
    int64_t largest = ZSOCK_MESSAGE;
    return set_int(socket, ZMQ_LINGER, linger_ms) && set_int(socket, ZMQ_SNDHWM, UNSENT) &&
           set_int(socket, ZMQ_RCVHWM, 100) && set_int(socket, ZMQ_HANDSHAKE_IVL, 5000) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE, 1) && set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, 10) &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, 5) && set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, 3) &&
           zmq->setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof(largest)) == 0;
}

static struct slice message_slice(zmq_msg_t *m)
{
    return slice_of(zmq->msg_data(m), zmq->msg_size(m));
}

void zsock_keys(uint8_t public_key[ZSOCK_KEY], uint8_t secret_key[ZSOCK_KEY])
{
    char public_text[41], secret_text[41];
    zmq = zload_calls();
    memset(public_key, 0, ZSOCK_KEY);
    memset(secret_key, 0, ZSOCK_KEY);
    if (!zmq)
        return; /* the socket that wants them says why */
    int made = zmq->curve_keypair(public_text, secret_text);
    PRE(made == 0); /* fails only where libzmq has no CURVE at all */
    zmq->z85_decode(public_key, public_text);
    zmq->z85_decode(secret_key, secret_text);
}

/* --- receiving --- */

static bool receive(void *socket, zmq_msg_t *into)
{
    zmq->msg_init(into);
    if (zmq->msg_recv(into, socket, ZMQ_DONTWAIT) >= 0)
        return true;
    zmq->msg_close(into);
    return false;
}

/* Frames past the body are nobody's protocol: read and forgotten. */
static void drop_rest(void *socket, zmq_msg_t *last)
{
    while (zmq->msg_more(last)) {
        zmq_msg_t extra;
        if (!receive(socket, &extra))
            return;
        bool more = zmq->msg_more(&extra);
        zmq->msg_close(&extra);
        if (!more)
            return;
    }
}

static void deliver(struct zsock *z, const struct zsock_route *from, zmq_msg_t *body)
{
    const char *user = z->router ? zmq->msg_gets(body, "User-Id") : NULL;
    drop_rest(z->socket, body);
    z->recv(z->arg, from, slice_str(user), message_slice(body));
}

static bool receive_routed(struct zsock *z)
{
    zmq_msg_t head, body;
    if (!receive(z->socket, &head))
        return false;
    struct zsock_route from = {0};
    bool fits = zmq->msg_size(&head) <= sizeof(from.id);
    if (fits) {
        from.len = (uint8_t)zmq->msg_size(&head);
        memcpy(from.id, zmq->msg_data(&head), from.len);
    }
    bool more = zmq->msg_more(&head);
    zmq->msg_close(&head);
    if (!more || !receive(z->socket, &body))
        return true;
    if (fits)
        deliver(z, &from, &body);
    zmq->msg_close(&body);
    return true;
}

static bool receive_plain(struct zsock *z)
{
    zmq_msg_t body;
    if (!receive(z->socket, &body))
        return false;
    deliver(z, &(struct zsock_route){0}, &body);
    zmq->msg_close(&body);
    return true;
}

static bool socket_ready(void *arg)
{
    return ready(((struct zsock *)arg)->socket);
}

static void release(struct zsock *z);

static void socket_turn(void *arg)
{
    struct zsock *z = arg;
    z->busy = true;
    int64_t until = now_mono_us(&now_real) + TURN_US;
    for (int i = 0; i < TURN_MESSAGES && !z->closing; i++)
        if (!(z->router ? receive_routed(z) : receive_plain(z)) || now_mono_us(&now_real) >= until)
            break;
    z->busy = false;
    if (z->closing)
        release(z);
}

/* --- the door --- */

enum { ZAP_FRAMES = 7 }; /* version, request id, domain, address, routing id, mechanism, key */

static void zap_part(void *door, struct slice part, bool more)
{
    zmq->send(door, part.at, part.len, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0));
}

static void zap_answer(void *door, struct slice request_id, const char *code, struct slice user)
{
    zap_part(door, SLICE("1.0"), true);
    zap_part(door, request_id, true);
    zap_part(door, slice_str(code), true);
    zap_part(door, SLICE(""), true);
    zap_part(door, user, true);
    zap_part(door, SLICE(""), false);
}

static bool zap_read(void *door, zmq_msg_t frames[ZAP_FRAMES])
{
    int count = 0;
    bool more = true;
    while (more && count < ZAP_FRAMES && receive(door, &frames[count])) {
        more = zmq->msg_more(&frames[count]);
        count++;
    }
    if (more && count == ZAP_FRAMES)
        drop_rest(door, &frames[count - 1]);
    if (count == ZAP_FRAMES && !more)
        return true;
    while (count > 0)
        zmq->msg_close(&frames[--count]);
    return false;
}

static void door_turn(void *arg)
{
    struct zsock *z = arg;
    zmq_msg_t frames[ZAP_FRAMES];
    if (!zap_read(z->door, frames))
        return;
    struct slice user = {0}, key = message_slice(&frames[6]);
    bool curve = slice_eq(message_slice(&frames[5]), SLICE("CURVE")) && key.len == ZSOCK_KEY;
    bool admitted = curve && z->admit(z->arg, (const uint8_t *)key.at, &user) == ERR_OK;
    /* 400, never 300: a temporary refusal leaves the peer hanging without a word. */
    zap_answer(z->door, message_slice(&frames[1]), admitted ? "200" : "400", user);
    for (int i = 0; i < ZAP_FRAMES; i++)
        zmq->msg_close(&frames[i]);
}

static bool door_ready(void *arg)
{
    return ready(((struct zsock *)arg)->door);
}

static bool door_open(struct zsock *z)
{
    z->door = zmq->socket(z->context, ZMQ_REP);
    return z->door && set_int(z->door, ZMQ_LINGER, 0) && zmq->bind(z->door, "inproc://zeromq.zap.01") == 0;
}

/* --- failed handshakes --- */

static void *monitor_open(void *context, void *socket)
{
    static const char address[] = "inproc://monitor";
    if (zmq->socket_monitor(socket, address,
                            HANDSHAKE_FAILED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) != 0)
        return NULL;
    void *monitor = zmq->socket(context, ZMQ_PAIR);
    if (monitor && set_int(monitor, ZMQ_LINGER, 0) && zmq->connect(monitor, address) == 0)
        return monitor;
    if (monitor)
        zmq->close(monitor);
    return NULL;
}

/* The next event's number, or 0. */
static unsigned monitor_event(void *monitor)
{
    zmq_msg_t first;
    if (!receive(monitor, &first))
        return 0;
    uint16_t event = 0;
    if (zmq->msg_size(&first) >= sizeof(event))
        memcpy(&event, zmq->msg_data(&first), sizeof(event));
    drop_rest(monitor, &first);
    zmq->msg_close(&first);
    return event;
}

static const char *fault_text(unsigned event)
{
    if (event & ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        return "the broker does not know our key";
    if (event & HANDSHAKE_FAILED)
        return "the handshake failed: not the broker's key";
    return event & ZMQ_EVENT_DISCONNECTED ? "the broker has gone" : NULL;
}

static bool monitor_ready(void *arg)
{
    return ready(((struct zsock *)arg)->monitor);
}

static void monitor_turn(void *arg)
{
    struct zsock *z = arg;
    const char *why = fault_text(monitor_event(z->monitor));
    if (!z->fault || !why)
        return;
    z->busy = true;
    z->fault(z->arg, why);
    z->busy = false;
    if (z->closing)
        release(z);
}

/* --- making and closing --- */

static void close_socket(void **socket)
{
    if (*socket)
        zmq->close(*socket);
    *socket = NULL;
}

static void release(struct zsock *z)
{
    loop_edge_free(&z->edge);
    loop_edge_free(&z->door_edge);
    loop_edge_free(&z->monitor_edge);
    if (z->monitor)
        zmq->socket_monitor(z->socket, NULL, 0);
    close_socket(&z->monitor);
    close_socket(&z->socket);
    close_socket(&z->door);
    if (z->context)
        zmq->ctx_term(z->context);
    mem_free(z);
}

void zsock_close(struct zsock **z)
{
    struct zsock *old = *z;
    *z = NULL;
    if (!old)
        return;
    old->closing = true;
    if (!old->busy)
        release(old);
}

void zsock_linger(struct zsock *z, int ms)
{
    bool set = set_int(z->socket, ZMQ_LINGER, ms);
    (void)set; /* a socket that cannot linger closes at once */
}

const char *zsock_endpoint(const struct zsock *z)
{
    return z->endpoint;
}

static enum err refuse(struct zsock *z, const char *what, const char **why)
{
    *why = what;
    release(z);
    return ERR_IO;
}

/* A stranger with a key nobody has registered knocks; it must be turned away, and must
 * not get a word in.  Served by hand, for the loop does not run yet. */
static bool proves_closed(struct zsock *z)
{
    uint8_t server_public[ZSOCK_KEY], mine[ZSOCK_KEY], secret[ZSOCK_KEY];
    char secret_text[41], public_text[41];
    size_t len = sizeof(secret_text);
    if (zmq->getsockopt(z->socket, ZMQ_CURVE_SECRETKEY, secret_text, &len) != 0 ||
        zmq->curve_public(public_text, secret_text) != 0)
        return false;
    zmq->z85_decode(server_public, public_text);
    zsock_keys(mine, secret);
    char endpoint[256];
    const char *port = strrchr(z->endpoint, ':');
    snprintf(endpoint, sizeof(endpoint), "%s", strstr(z->endpoint, "//0.0.0.0:") ? "tcp://127.0.0.1" : z->endpoint);
    if (strstr(z->endpoint, "//0.0.0.0:"))
        strncat(endpoint, port, sizeof(endpoint) - strlen(endpoint) - 1);
    void *stranger = zmq->socket(z->context, ZMQ_DEALER);
    void *monitor = stranger ? monitor_open(z->context, stranger) : NULL;
    bool refused = false;
    if (monitor && set_int(stranger, ZMQ_LINGER, 0) && set_key(stranger, ZMQ_CURVE_SERVERKEY, server_public) &&
        set_key(stranger, ZMQ_CURVE_PUBLICKEY, mine) && set_key(stranger, ZMQ_CURVE_SECRETKEY, secret) &&
        zmq->connect(stranger, endpoint) == 0) {
        zmq->send(stranger, "knock", 5, ZMQ_DONTWAIT);
        zmq_pollitem_t items[] = {
            {.socket = z->door, .events = ZMQ_POLLIN},
            {.socket = monitor, .events = ZMQ_POLLIN},
        };
        int64_t until = now_mono_us(&now_real) + INT64_C(1000) * PROOF_MS;
        while (!refused && now_mono_us(&now_real) < until && zmq->poll(items, 2, PROOF_MS) > 0) {
            if (items[0].revents)
                door_turn(z);
            unsigned event = items[1].revents ? monitor_event(monitor) : 0;
            refused = event & ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
            if (event & ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
                break;
        }
    }
    if (stranger)
        zmq->socket_monitor(stranger, NULL, 0);
    close_socket(&monitor);
    close_socket(&stranger);
    return refused && !ready(z->socket);
}

static bool router_bind(struct zsock *z, const struct zsock_router_conf *conf)
{
    size_t len = sizeof(z->endpoint);
    char endpoint[256];
    const char *colon = strrchr(conf->endpoint, ':');
    bool any_port = colon && strcmp(colon, ":0") == 0;
    snprintf(endpoint, sizeof(endpoint), "%.*s%s", any_port ? (int)(colon - conf->endpoint) : 255, conf->endpoint,
             any_port ? ":*" : "");
    return zmq->bind(z->socket, endpoint) == 0 && zmq->getsockopt(z->socket, ZMQ_LAST_ENDPOINT, z->endpoint, &len) == 0;
}

enum err zsock_router(struct loop *l, const struct zsock_router_conf *conf, struct zsock **out, const char **why)
{
    struct zsock *z = mem_new(sizeof(*z));
    *z = (struct zsock){.admit = conf->admit, .recv = conf->recv, .arg = conf->arg, .router = true};
    zmq = zload_calls();
    if (!zmq)
        return refuse(z, zload_fault(), why);
    z->context = zmq->ctx_new();
    if (!z->context || !door_open(z))
        return refuse(z, "the door for CURVE keys cannot be opened", why);
    z->socket = zmq->socket(z->context, ZMQ_ROUTER);
    if (!z->socket || !set_bounds(z->socket, 200) || !set_int(z->socket, ZMQ_ROUTER_MANDATORY, 1) ||
        !set_int(z->socket, ZMQ_CURVE_SERVER, 1) || !set_key(z->socket, ZMQ_CURVE_SECRETKEY, conf->secret_key) ||
        zmq->setsockopt(z->socket, ZMQ_ZAP_DOMAIN, "weft", 4) != 0 || !set_int(z->socket, ENFORCE_DOMAIN, 1))
        return refuse(z, "this libzmq cannot enforce CURVE", why);
    if (!router_bind(z, conf))
        return refuse(z, strerror(errno), why);
    if (!proves_closed(z))
        return refuse(z, "the door does not keep strangers out", why);
    z->edge = loop_edge_new(l, fd_of(z->socket), socket_ready, socket_turn, z);
    z->door_edge = loop_edge_new(l, fd_of(z->door), door_ready, door_turn, z);
    *out = z;
    return ERR_OK;
}

enum err zsock_dealer(struct loop *l, const struct zsock_dealer_conf *conf, struct zsock **out, const char **why)
{
    struct zsock *z = mem_new(sizeof(*z));
    *z = (struct zsock){.recv = conf->recv, .fault = conf->fault, .arg = conf->arg};
    snprintf(z->endpoint, sizeof(z->endpoint), "%s", conf->endpoint);
    zmq = zload_calls();
    if (!zmq)
        return refuse(z, zload_fault(), why);
    z->context = zmq->ctx_new();
    z->socket = z->context ? zmq->socket(z->context, ZMQ_DEALER) : NULL;
    if (!z->socket || !set_bounds(z->socket, 0) || !set_int(z->socket, ZMQ_RECONNECT_IVL, 100) ||
        !set_int(z->socket, ZMQ_RECONNECT_IVL_MAX, 2000) ||
        !set_key(z->socket, ZMQ_CURVE_SERVERKEY, conf->server_key) ||
        !set_key(z->socket, ZMQ_CURVE_PUBLICKEY, conf->public_key) ||
        !set_key(z->socket, ZMQ_CURVE_SECRETKEY, conf->secret_key))
        return refuse(z, "this libzmq has no CURVE", why);
    z->monitor = monitor_open(z->context, z->socket);
    if (!z->monitor || zmq->connect(z->socket, conf->endpoint) != 0)
        return refuse(z, strerror(errno), why);
    z->edge = loop_edge_new(l, fd_of(z->socket), socket_ready, socket_turn, z);
    z->monitor_edge = loop_edge_new(l, fd_of(z->monitor), monitor_ready, monitor_turn, z);
    *out = z;
    return ERR_OK;
}

/* --- sending --- */

enum err zsock_send(struct zsock *z, const struct zsock_route *to, struct slice body)
{
    int rc = 0;
    if (z->router)
        rc = zmq->send(z->socket, to->id, to->len, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    if (rc >= 0)
        rc = zmq->send(z->socket, body.at, body.len, ZMQ_DONTWAIT);
    if (rc >= 0)
        return ERR_OK;
    return errno == EAGAIN ? ERR_AGAIN : ERR_ABSENT;
}
