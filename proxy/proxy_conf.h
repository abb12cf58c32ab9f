#ifndef WEFT_PROXY_PROXY_CONF_H
#define WEFT_PROXY_PROXY_CONF_H

/* proxy_conf - what a sidecar's YAML file says: one table of keys, one struct.
 *
 * Lifetime: strings live in the arena given to proxy_conf_bind.
 * Threads:  immutable once bound. */
#include "base/conf_bind.h"
#include "identity/identity_conf.h"

enum proxy_enforce { PROXY_ENFORCE_OFF, PROXY_ENFORCE_AUDIT, PROXY_ENFORCE_BLOCK, PROXY_ENFORCE_ADAPT };
enum proxy_policy { PROXY_POLICY_ENFORCE, PROXY_POLICY_AUDIT };
enum proxy_unknown { PROXY_UNKNOWN_ALLOW, PROXY_UNKNOWN_AUDIT, PROXY_UNKNOWN_BLOCK };

enum proxy_validate { PROXY_VALIDATE_OFF, PROXY_VALIDATE_SHAPE };
enum proxy_speaks { PROXY_SPEAKS_ANY, PROXY_SPEAKS_GRPC, PROXY_SPEAKS_JSON };

enum proxy_protocol { PROXY_PROTOCOL_HTTP, PROXY_PROTOCOL_TCP };

struct proxy_conf_version {
    struct conf_strings endpoints;
    const char *dns; /* or NULL */
    uint64_t weight;
};

struct proxy_conf_service {
    struct conf_strings endpoints; /* addresses */
    const char *dns;               /* instead of `endpoints`: a name, or NULL */
    struct conf_map versions;      /* struct proxy_conf_version; instead of `endpoints` */
    struct {
        uint64_t percent, status;
        int64_t delay_us;
    } fault;
    const char *identity; /* SPIFFE ID that must answer */
    const char *local;    /* a port of its own for callers, or NULL */
    unsigned protocol;    /* enum proxy_protocol: what is spoken on that port */
};

/* An identity provider. */
struct proxy_conf_token {
    const char *issuer;
    const char *spiffe; /* a trust domain, instead of an issuer */
    struct conf_strings audience;
    const char *keys;     /* a file */
    const char *keys_url; /* neither: by discovery */
    struct conf_strings algorithms;
    unsigned alg_bits; /* of enum jose_alg */
    int64_t leeway_us, refresh_us;
    const char *ca;
};

struct proxy_conf {
    const char *service;
    struct identity_conf identity;
    struct {
        const char *listen; /* mTLS; NULL: nobody calls us */
        const char *app;    /* http://, h2c://, tcp://, unix: */
        unsigned speaks;    /* enum proxy_speaks */
        const char *lambda; /* where a function pulls; NULL: it listens */
        uint64_t runtimes;  /* that pull */
        struct {
            const char *container; /* an address; NULL: our function is no action of OpenWhisk */
            const char *code;      /* a file */
            const char *main;
            bool binary;
        } whisk;
        uint64_t max_connections;
    } inbound;
    struct {
        const char *listen; /* plain, loopback or unix */
    } outbound;
    struct conf_map services; /* struct proxy_conf_service */
    const char *resolver;     /* name servers, or NULL: the system's */
    const char *contract;
    struct conf_strings contract_versions; /* earlier ones, the oldest first */
    struct conf_strings consumes;
    struct conf_strings policy; /* files or folders of *.weft */
    struct conf_map tokens;     /* struct proxy_conf_token */
    unsigned enforce;           /* enum proxy_enforce */
    unsigned policy_mode;       /* enum proxy_policy */
    unsigned validate;          /* enum proxy_validate */
    struct {
        unsigned unknown; /* enum proxy_unknown */
        int64_t hold_us;
    } contracts;
    struct {
        uint64_t max_buffer;
    } adapt;
    struct {
        const char *https; /* NULL: no jobs */
        const char *identity;
        uint64_t slots;     /* jobs run at once for the local function */
        const char *labels; /* what it has, for jobs that need it */
    } broker;
    struct {
        const char *listen;
    } admin;
    struct {
        int64_t connect_us, request_us, attempt_us, stream_idle_us, drain_us;
    } timeouts;
    struct {
        uint64_t limit, percent, per_second;
    } retries;
    struct {
        uint64_t failures, success, least;
        int64_t window_us, open_us, open_most_us;
    } breaker;
    struct {
        uint64_t in_flight;
        bool adaptive;
        uint64_t least, most;
        uint64_t queue;
        int64_t queue_wait_us;
        uint64_t rate, rate_per_identity;
    } limits;
    unsigned confine; /* enum confine_mode */
    bool recheck;
    uint64_t workers; /* threads that share the connections */
    struct {
        unsigned level;
        bool json;
        const char *access; /* file, "-" is stdout; NULL: none */
    } log;
};

extern const struct conf_key proxy_conf_keys[];

/* INPUT: all complaints are in `diag`, also those that concern several keys at once. */
MUST_USE enum err proxy_conf_bind(const struct conf_node *root, struct arena *arena, struct diag *diag,
                                  struct proxy_conf *out);

#endif
