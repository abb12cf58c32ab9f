#include "proxy/proxy_conf.h"

#include "base/jose.h"
#include "base/lookup.h"
#include "base/sock.h"
#include "base/web_get.h"
#include "policy/spiffe.h"

static const char *const policy_words[] = {"enforce", "audit", NULL};
static const char *const enforce_words[] = {"off", "audit", "block", "adapt", NULL};
static const char *const speaks_words[] = {"any", "grpc", "json", NULL};
static const char *const validate_words[] = {"off", "shape", NULL};
static const char *const unknown_words[] = {"allow", "audit", "block", NULL};
static const char *const protocol_words[] = {"http", "tcp", NULL};
static const char *const level_words[] = {"debug", "info", "warn", "error", NULL};

static const char *const confine_words[] = {"false", "true", "log", NULL}; /* enum confine_mode */

enum { SECOND = 1000000, HOUR = 3600 };

#define AT(member) .offset = offsetof(struct proxy_conf, member)
#define TOKEN_AT(member) .offset = offsetof(struct proxy_conf_token, member)
#define SERVICE_AT(member) .offset = offsetof(struct proxy_conf_service, member)

static const struct conf_key whisk_keys[] = {
    {.name = "container",
     .type = CONF_ADDRESS,
     AT(inbound.whisk.container),
     .doc = "instead of app: where a container of the OpenWhisk action protocol listens, as 127.0.0.1:8080"},
    {.name = "code",
     .type = CONF_PATH,
     AT(inbound.whisk.code),
     .doc = "the action, which the container gets before its first request: text, or a ZIP or JAR with binary"},
    {.name = "main", .type = CONF_STRING, AT(inbound.whisk.main), .preset = "main", .doc = "its function"},
    {.name = "binary", .type = CONF_BOOL, AT(inbound.whisk.binary), .doc = "code is a ZIP or JAR"},
    {0},
};

static const struct conf_key inbound_keys[] = {
    {.name = "listen",
     .type = CONF_ADDRESS,
     AT(inbound.listen),
     .doc = "where other sidecars call us (mTLS); unset: nobody does"},
    {.name = "app",
     .type = CONF_URL,
     AT(inbound.app),
     .preset = "http://127.0.0.1:8080",
     .doc = "our function: http:// (HTTP/1.1), h2c://, tcp:// (any bytes) or unix:PATH"},
    {.name = "speaks",
     .type = CONF_CHOICE,
     AT(inbound.speaks),
     .preset = "any",
     .choices = speaks_words,
     .doc = "what our function understands of a protobuf contract's calls: calls of the other kind, gRPC or JSON over "
            "HTTP, are translated; any: none is"},
    {.name = "lambda",
     .type = CONF_ADDRESS,
     AT(inbound.lambda),
     .doc = "instead of app: where our function pulls, as AWS_LAMBDA_RUNTIME_API; loopback or unix only"},
    {.name = "runtimes",
     .type = CONF_COUNT,
     AT(inbound.runtimes),
     .preset = "1",
     .min = 1,
     .max = 1000,
     .doc = "how many runtimes pull; each runs one request at a time"},
    {.name = "whisk", .type = CONF_TABLE, .sub = whisk_keys, .doc = "our function is an action of Apache OpenWhisk"},
    {.name = "max_connections",
     .type = CONF_COUNT,
     AT(inbound.max_connections),
     .preset = "10000",
     .min = 1,
     .max = 1000000,
     .doc = "connections at once; more are closed at once"},
    {0},
};

static const struct conf_key outbound_keys[] = {
    {.name = "listen",
     .type = CONF_ADDRESS,
     AT(outbound.listen),
     .doc = "where our function calls others, by Host or as http_proxy; loopback or unix only"},
    {0},
};

#define VERSION_AT(member) .offset = offsetof(struct proxy_conf_version, member)

static const struct conf_key version_keys[] = {
    {.name = "endpoints", .type = CONF_STRINGS, VERSION_AT(endpoints), .doc = "addresses of the sidecars that run it"},
    {.name = "dns",
     .type = CONF_STRING,
     VERSION_AT(dns),
     .doc = "instead: HOST:PORT (A, AAAA) or _SERVICE._PROTO.NAME (SRV)"},
    {.name = "weight",
     .type = CONF_COUNT,
     VERSION_AT(weight),
     .preset = "1",
     .max = 1000000,
     .doc = "its share of the calls, beside the others' weights; 0: none, unless no other is left"},
    {0},
};

static const struct conf_key fault_keys[] = {
    {.name = "percent",
     .type = CONF_COUNT,
     SERVICE_AT(fault.percent),
     .preset = "0",
     .max = 100,
     .doc = "how many of the calls it meets"},
    {.name = "delay", .type = CONF_DURATION, SERVICE_AT(fault.delay_us), .doc = "they wait so long before they leave"},
    {.name = "status",
     .type = CONF_COUNT,
     SERVICE_AT(fault.status),
     .preset = "0",
     .max = 599,
     .doc = "they are answered with it and do not leave, 400 to 599; 0: they do"},
    {0},
};

static const struct conf_key service_keys[] = {
    {.name = "endpoints",
     .type = CONF_STRINGS,
     SERVICE_AT(endpoints),
     .doc = "addresses of its sidecars; none: it is reached by jobs alone"},
    {.name = "dns",
     .type = CONF_STRING,
     SERVICE_AT(dns),
     .doc = "instead: HOST:PORT (A, AAAA) or _SERVICE._PROTO.NAME (SRV), asked again as its TTL ends"},
    {.name = "versions",
     .type = CONF_MAP,
     SERVICE_AT(versions),
     .sub = version_keys,
     .sub_size = sizeof(struct proxy_conf_version),
     .doc = "its versions by any name, each with endpoints and a share of the calls; instead of `endpoints`"},
    {.name = "fault", .type = CONF_TABLE, .sub = fault_keys, .doc = "failures on purpose, for tests"},
    {.name = "identity", .type = CONF_STRING, SERVICE_AT(identity), .doc = "the SPIFFE ID that must answer there"},
    {.name = "local", .type = CONF_ADDRESS, SERVICE_AT(local), .doc = "a port of its own for our function's calls"},
    {.name = "protocol",
     .type = CONF_CHOICE,
     SERVICE_AT(protocol),
     .preset = "http",
     .choices = protocol_words,
     .doc = "what is spoken on its own port: http, or tcp (any bytes, as they are)"},
    {0},
};

static const struct conf_key token_keys[] = {
    {.name = "issuer", .type = CONF_STRING, TOKEN_AT(issuer), .doc = "its `iss`, byte for byte"},
    {.name = "spiffe",
     .type = CONF_STRING,
     TOKEN_AT(spiffe),
     .doc = "instead of issuer: a trust domain whose workloads show JWT-SVIDs; `keys` is its bundle then"},
    {.name = "audience",
     .type = CONF_STRINGS,
     TOKEN_AT(audience),
     .required = true,
     .doc = "one of these must be in `aud`"},
    {.name = "keys", .type = CONF_PATH, TOKEN_AT(keys), .doc = "a file with its key set (JWKS)"},
    {.name = "keys_url",
     .type = CONF_STRING,
     TOKEN_AT(keys_url),
     .doc = "where it publishes that; neither: found by OpenID discovery under the issuer"},
    {.name = "algorithms",
     .type = CONF_STRINGS,
     TOKEN_AT(algorithms),
     .doc = "of RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512; unset: RS256 and ES256"},
    {.name = "leeway",
     .type = CONF_DURATION,
     TOKEN_AT(leeway_us),
     .preset = "60s",
     .max = INT64_C(600) * SECOND,
     .doc = "how far its clock may be from ours"},
    {.name = "refresh",
     .type = CONF_DURATION,
     TOKEN_AT(refresh_us),
     .preset = "5m",
     .min = SECOND,
     .max = INT64_C(86400) * SECOND,
     .doc = "how often its keys are fetched"},
    {.name = "ca", .type = CONF_PATH, TOKEN_AT(ca), .doc = "authorities for its https, PEM; unset: the system's"},
    {0},
};

static const struct conf_key contracts_keys[] = {
    {.name = "unknown",
     .type = CONF_CHOICE,
     AT(contracts.unknown),
     .preset = "allow",
     .choices = unknown_words,
     .doc = "a caller that shows no contract"},
    {.name = "hold",
     .type = CONF_DURATION,
     AT(contracts.hold_us),
     .preset = "2s",
     .min = 1000,
     .max = 60 * SECOND,
     .doc = "how long a request waits for its caller's contract"},
    {0},
};

static const struct conf_key adapt_keys[] = {
    {.name = "max_buffer",
     .type = CONF_SIZE,
     AT(adapt.max_buffer),
     .preset = "1MiB",
     .min = 4096,
     .max = 64 << 20,
     .doc = "the largest member that a rewrite may hold"},
    {0},
};

static const struct conf_key broker_keys[] = {
    {.name = "https", .type = CONF_ADDRESS, AT(broker.https), .doc = "the broker's mTLS address; unset: no jobs"},
    {.name = "identity",
     .type = CONF_STRING,
     AT(broker.identity),
     .doc = "the SPIFFE ID that must answer there; unset: any trusted one"},
    {.name = "labels",
     .type = CONF_STRING,
     AT(broker.labels),
     .doc = "what our function has, for jobs that need it (weft-labels): gpu=a100,model=resnet@3"},
    {.name = "slots",
     .type = CONF_COUNT,
     AT(broker.slots),
     .preset = "1",
     .min = 0,
     .max = 10000,
     .doc = "jobs run at once for our function; 0: it only submits"},
    {0},
};

static const struct conf_key admin_keys[] = {
    {.name = "listen",
     .type = CONF_ADDRESS,
     AT(admin.listen),
     .doc = "/ready /metrics /contracts /why; loopback or unix only"},
    {0},
};

static const struct conf_key timeout_keys[] = {
    {.name = "connect",
     .type = CONF_DURATION,
     AT(timeouts.connect_us),
     .preset = "1s",
     .min = 1000,
     .max = 60 * SECOND,
     .doc = "to the end of the TLS handshake"},
    {.name = "request", .type = CONF_DURATION, AT(timeouts.request_us), .doc = "a whole exchange; unset: none"},
    {.name = "attempt",
     .type = CONF_DURATION,
     AT(timeouts.attempt_us),
     .doc = "one try of a call, up to the head of the answer; then another endpoint is asked if that is safe; unset: "
            "none"},
    {.name = "stream_idle",
     .type = CONF_DURATION,
     AT(timeouts.stream_idle_us),
     .preset = "5m",
     .doc = "an exchange in which nothing moves"},
    {.name = "drain",
     .type = CONF_DURATION,
     AT(timeouts.drain_us),
     .preset = "30s",
     .doc = "how long running exchanges may take after SIGTERM"},
    {0},
};

static const struct conf_key retry_keys[] = {
    {.name = "limit",
     .type = CONF_COUNT,
     AT(retries.limit),
     .preset = "1",
     .max = 10,
     .doc = "tries after the first, where that is safe and 64 KiB of body suffice"},
    {.name = "percent",
     .type = CONF_COUNT,
     AT(retries.percent),
     .preset = "20",
     .max = 100,
     .doc = "the share of a service's calls that may be tries after the first"},
    {.name = "per_second",
     .type = CONF_COUNT,
     AT(retries.per_second),
     .preset = "10",
     .max = 1000000,
     .doc = "and how many besides"},
    {0},
};

static const struct conf_key breaker_keys[] = {
    {.name = "failures",
     .type = CONF_COUNT,
     AT(breaker.failures),
     .preset = "7",
     .max = 1000000,
     .doc = "in a row, after which an endpoint is left alone: no connection, cut, 502, 503, 504; 0: never"},
    {.name = "success",
     .type = CONF_COUNT,
     AT(breaker.success),
     .preset = "80",
     .max = 100,
     .doc = "percent of `window`, under which it is, too"},
    {.name = "least",
     .type = CONF_COUNT,
     AT(breaker.least),
     .preset = "5",
     .min = 1,
     .max = 1000000,
     .doc = "answers in `window` that say anything"},
    {.name = "window",
     .type = CONF_DURATION,
     AT(breaker.window_us),
     .preset = "10s",
     .min = 1000,
     .doc = "how long answers are counted together"},
    {.name = "open",
     .type = CONF_DURATION,
     AT(breaker.open_us),
     .preset = "1s",
     .min = 1000,
     .doc = "how long it is left alone at first, and twice as long each time; then one call tells"},
    {.name = "open_most",
     .type = CONF_DURATION,
     AT(breaker.open_most_us),
     .preset = "60s",
     .min = 1000,
     .doc = "at most"},
    {0},
};

static const struct conf_key limit_keys[] = {
    {.name = "in_flight",
     .type = CONF_COUNT,
     AT(limits.in_flight),
     .preset = "10000",
     .min = 1,
     .max = 1000000,
     .doc = "exchanges at once, both ways; more are refused at once"},
    {.name = "adaptive",
     .type = CONF_BOOL,
     AT(limits.adaptive),
     .preset = "true",
     .doc = "whether our function's requests at once are limited by watching how long they take"},
    {.name = "least",
     .type = CONF_COUNT,
     AT(limits.least),
     .preset = "20",
     .min = 1,
     .max = 100000,
     .doc = "that limit's lowest"},
    {.name = "most",
     .type = CONF_COUNT,
     AT(limits.most),
     .preset = "1000",
     .min = 1,
     .max = 100000,
     .doc = "and its highest"},
    {.name = "queue",
     .type = CONF_COUNT,
     AT(limits.queue),
     .preset = "1000",
     .max = 100000,
     .doc = "requests that wait for it; more are refused"},
    {.name = "queue_wait",
     .type = CONF_DURATION,
     AT(limits.queue_wait_us),
     .preset = "1s",
     .min = 1000,
     .max = 60 * SECOND,
     .doc = "and how long"},
    {.name = "rate",
     .type = CONF_COUNT,
     AT(limits.rate),
     .preset = "0",
     .max = 1000000,
     .doc = "inbound requests a second; 0: any"},
    {.name = "rate_per_identity",
     .type = CONF_COUNT,
     AT(limits.rate_per_identity),
     .preset = "0",
     .max = 1000000,
     .doc = "of each caller; 0: any"},
    {0},
};

static const struct conf_key log_keys[] = {
    {.name = "level",
     .type = CONF_CHOICE,
     AT(log.level),
     .preset = "info",
     .choices = level_words,
     .doc = "least that is said"},
    {.name = "json", .type = CONF_BOOL, AT(log.json), .preset = "false", .doc = "one JSON object a line"},
    {.name = "access", .type = CONF_PATH, AT(log.access), .doc = "one JSON line per exchange; a file, - is stdout"},
    {0},
};

const struct conf_key proxy_conf_keys[] = {
    {.name = "service", .type = CONF_STRING, AT(service), .required = true, .doc = "our function's name"},
    {.name = "identity",
     .type = CONF_TABLE,
     AT(identity),
     .sub = identity_conf_keys,
     .required = true,
     .doc = "who we are and whom we trust"},
    {.name = "inbound", .type = CONF_TABLE, .sub = inbound_keys, .doc = "calls to our function"},
    {.name = "outbound", .type = CONF_TABLE, .sub = outbound_keys, .doc = "calls of our function"},
    {.name = "services",
     .type = CONF_MAP,
     AT(services),
     .sub = service_keys,
     .sub_size = sizeof(struct proxy_conf_service),
     .doc = "whom our function may call"},
    {.name = "resolver",
     .type = CONF_STRING,
     AT(resolver),
     .doc = "name servers for `dns`, like 10.0.0.2,10.0.0.3:5353; unset: the system's"},
    {.name = "contract", .type = CONF_PATH, AT(contract), .doc = "what our function offers"},
    {.name = "contract_versions",
     .type = CONF_PATHS,
     AT(contract_versions),
     .doc = "earlier versions of `contract`, the oldest first, at most 8: callers of these are adapted version by "
            "version"},
    {.name = "consumes",
     .type = CONF_PATHS,
     AT(consumes),
     .doc = "the contracts our function was written against, one per service"},
    {.name = "policy", .type = CONF_PATHS, AT(policy), .doc = "policy files or folders of *.weft"},
    {.name = "tokens",
     .type = CONF_MAP,
     AT(tokens),
     .sub = token_keys,
     .sub_size = sizeof(struct proxy_conf_token),
     .doc = "identity providers: whose tokens say who the user behind a call is"},
    {.name = "policy_mode",
     .type = CONF_CHOICE,
     AT(policy_mode),
     .preset = "enforce",
     .choices = policy_words,
     .doc = "audit: what policy denies passes, is counted and logged, and weft why has the proof"},
    {.name = "enforce",
     .type = CONF_CHOICE,
     AT(enforce),
     .preset = "adapt",
     .choices = enforce_words,
     .doc = "what a contract mismatch leads to"},
    {.name = "validate",
     .type = CONF_CHOICE,
     AT(validate),
     .preset = "off",
     .choices = validate_words,
     .doc = "shape: JSON and protobuf bodies to and from our function are held against its contract"},
    {.name = "contracts", .type = CONF_TABLE, .sub = contracts_keys, .doc = "the contract exchange"},
    {.name = "adapt", .type = CONF_TABLE, .sub = adapt_keys, .doc = "rewriting bodies"},
    {.name = "broker", .type = CONF_TABLE, .sub = broker_keys, .doc = "long jobs"},
    {.name = "admin", .type = CONF_TABLE, .sub = admin_keys, .doc = "health, metrics, explanations"},
    {.name = "timeouts", .type = CONF_TABLE, .sub = timeout_keys, .doc = "how long things may take"},
    {.name = "retries", .type = CONF_TABLE, .sub = retry_keys, .doc = "when a call is tried again"},
    {.name = "breaker", .type = CONF_TABLE, .sub = breaker_keys, .doc = "when an endpoint is left alone"},
    {.name = "limits", .type = CONF_TABLE, .sub = limit_keys, .doc = "how much is taken at once"},
    {.name = "confine",
     .type = CONF_CHOICE,
     AT(confine),
     .preset = "true",
     .choices = confine_words,
     .doc =
         "once started keep only the system calls that we live by (docs/threats.md); log: and the kernel's audit log "
         "names those that were refused"},
    {.name = "recheck",
     .type = CONF_BOOL,
     AT(recheck),
     .preset = "true",
     .doc =
         "after a reload, cut connections of identities that are trusted no more and exchanges that policy denies now"},
    {.name = "workers",
     .type = CONF_COUNT,
     AT(workers),
     .preset = "1",
     .min = 1,
     .max = 64,
     .doc = "threads that share the connections, each with a loop of its own; a reload does not change it"},
    {.name = "log", .type = CONF_TABLE, .sub = log_keys, .doc = "what is said, and where"},
    {0},
};

static void complain(const struct conf_node *root, const char *key, const char *fix, struct diag *diag,
                     const char *what)
{
    const struct conf_node *node = conf_get(root, key);
    diag_add(diag, DIAG_ERROR, node ? &node->key_place : &root->place, fix, "%s", what);
}

static bool loopback(const char *address)
{
    struct sock_addr addr;
    const char *why;
    return !address || sock_parse(slice_str(address), &addr, &why) != ERR_OK || sock_is_loopback(&addr);
}

/* The sidecar sends to its own Lambda side as it would to a function that listens. */
static void pull(const struct conf_node *root, struct proxy_conf *c, struct arena *arena, struct diag *diag)
{
    if (!c->inbound.lambda)
        return;
    const struct conf_node *inbound = conf_get(root, "inbound");
    if (inbound && conf_get(inbound, "app"))
        complain(root, "inbound", "remove one of them", diag,
                 "a function listens at inbound.app or pulls at inbound.lambda");
    if (!loopback(c->inbound.lambda))
        complain(root, "inbound", "use 127.0.0.1:PORT or unix:PATH", diag,
                 "inbound.lambda must be on loopback: whoever asks there is our function");
    bool is_unix = slice_starts(slice_str(c->inbound.lambda), SLICE("unix:"));
    c->inbound.app = is_unix ? c->inbound.lambda : arena_putf(arena, "http://%s", c->inbound.lambda).at;
}

/* The sidecar sends to itself, as it would to a function that listens (whisk_api). */
static void drive(const struct conf_node *root, struct proxy_conf *c, struct diag *diag)
{
    if (!c->inbound.whisk.container) {
        if (c->inbound.whisk.code)
            complain(root, "inbound", "set inbound.whisk.container: 127.0.0.1:8080", diag,
                     "an action's code, and no container to give it to");
        return;
    }
    const struct conf_node *inbound = conf_get(root, "inbound");
    if (c->inbound.lambda || (inbound && conf_get(inbound, "app")))
        complain(root, "inbound", "keep one of them", diag,
                 "inbound.whisk stands beside inbound.app or inbound.lambda");
    if (!c->inbound.whisk.code)
        complain(root, "inbound", "name the file with the action", diag, "`inbound.whisk.code` is required");
    if (c->workers > 1)
        complain(root, "workers", "leave workers at 1", diag, "a container of OpenWhisk runs one request at a time");
}

static void check_locals(const struct conf_node *root, const struct proxy_conf *c, struct diag *diag)
{
    if (!loopback(c->outbound.listen))
        complain(root, "outbound", "use 127.0.0.1:PORT or unix:PATH", diag,
                 "outbound.listen must be on loopback: it takes plain HTTP in our function's name");
    if (!loopback(c->admin.listen))
        complain(root, "admin", "use 127.0.0.1:PORT or unix:PATH", diag, "admin.listen must be on loopback");
    const struct proxy_conf_service *services = c->services.items;
    for (size_t i = 0; i < c->services.count; i++)
        if (!loopback(services[i].local))
            complain(root, "services", "use 127.0.0.1:PORT", diag, "a service's local port must be on loopback");
    for (size_t i = 0; i < c->services.count; i++)
        if (services[i].protocol == PROXY_PROTOCOL_TCP && !services[i].local)
            complain(root, "services", "add local: 127.0.0.1:PORT", diag,
                     "a tcp service is reached by a port of its own");
}

static void check_addresses(const struct conf_node *root, const struct conf_strings *addresses, struct diag *diag)
{
    for (size_t k = 0; k < addresses->count; k++) {
        struct sock_addr addr;
        const char *why;
        if (sock_parse(slice_str(addresses->v[k]), &addr, &why) != ERR_OK)
            complain(root, "services", why, diag, "an endpoint is not an address");
    }
}

static void check_name(const struct conf_node *root, const char *name, const struct conf_strings *endpoints,
                       struct diag *diag)
{
    if (name && !lookup_name_ok(slice_str(name)))
        complain(root, "services", "use HOST:PORT or _SERVICE._PROTO.NAME", diag, "`dns` is not a name");
    if (name && endpoints->count)
        complain(root, "services", "keep one of them", diag, "a service has either `endpoints` or `dns`");
}

static void check_versions(const struct conf_node *root, const struct proxy_conf_service *s, struct diag *diag)
{
    const struct proxy_conf_version *versions = s->versions.items;
    for (size_t i = 0; i < s->versions.count; i++)
        check_addresses(root, &versions[i].endpoints, diag);
    for (size_t i = 0; i < s->versions.count; i++)
        check_name(root, versions[i].dns, &versions[i].endpoints, diag);
    check_name(root, s->dns, &s->endpoints, diag);
    if (s->versions.count && (s->endpoints.count || s->dns))
        complain(root, "services", "move `endpoints` into one of the versions", diag,
                 "a service has either endpoints or versions");
    if (s->fault.status > 0 && s->fault.status < 400)
        complain(root, "services", "use 400 to 599", diag, "fault.status is no failure");
}

static void check_limits(const struct conf_node *root, const struct proxy_conf *c, struct diag *diag)
{
    if (c->limits.least > c->limits.most)
        complain(root, "limits", "raise most or lower least", diag, "limits.least is over limits.most");
}

static void check_endpoints(const struct conf_node *root, const struct proxy_conf *c, struct diag *diag)
{
    const struct proxy_conf_service *services = c->services.items;
    for (size_t i = 0; i < c->services.count; i++)
        check_addresses(root, &services[i].endpoints, diag);
    for (size_t i = 0; i < c->services.count; i++)
        check_versions(root, &services[i], diag);
    for (size_t i = 0; i < c->services.count; i++)
        if ((services[i].endpoints.count || services[i].versions.count || services[i].dns) && !services[i].identity)
            complain(root, "services", "add identity: spiffe://DOMAIN/PATH", diag,
                     "a service with endpoints needs the identity that must answer there");
}

static void check_token(const struct conf_node *root, struct proxy_conf_token *t, struct diag *diag)
{
    const char *why;
    t->alg_bits = t->algorithms.count ? 0 : t->spiffe ? JOSE_ANY : JOSE_RS256 | JOSE_ES256;
    for (size_t i = 0; i < t->algorithms.count; i++) {
        unsigned bit = jose_alg_of(slice_str(t->algorithms.v[i]));
        t->alg_bits |= bit;
        if (bit == 0)
            complain(root, "tokens", "use RS256 and ES256, or others with a public key", diag,
                     "an algorithm is not one of RS256 ... ES512: without a public key a token proves nothing");
    }
    if (t->keys && t->keys_url)
        complain(root, "tokens", "keep one of them", diag, "a provider has both keys and keys_url");
    if (t->keys_url && !web_get_url_ok(slice_str(t->keys_url), &why))
        complain(root, "tokens", why, diag, "keys_url cannot be used");
    if (!t->issuer == !t->spiffe)
        complain(root, "tokens", "its `iss`, or for JWT-SVIDs its trust domain", diag,
                 "a provider has either issuer or spiffe");
    if (t->spiffe && !spiffe_trust_domain_ok(slice_str(t->spiffe)))
        complain(root, "tokens", "as in example.org", diag, "spiffe is no trust domain");
    if (t->spiffe && !t->keys && !t->keys_url)
        complain(root, "tokens", "keys: its SPIFFE bundle (JSON), or keys_url", diag,
                 "a trust domain's keys are not discovered");
    if (t->issuer && !t->keys && !t->keys_url && !web_get_url_ok(slice_str(t->issuer), &why))
        complain(root, "tokens", "name its keys: keys or keys_url", diag,
                 "the issuer is no https URL, so its keys cannot be discovered");
    if (t->audience.count == 0)
        complain(root, "tokens", "name what this function is called in `aud`", diag, "a provider without an audience");
}

static void check_tokens(const struct conf_node *root, struct proxy_conf *c, struct diag *diag)
{
    struct proxy_conf_token *tokens = c->tokens.items;
    for (size_t i = 0; i < c->tokens.count; i++) {
        check_token(root, &tokens[i], diag);
        for (size_t k = 0; k < i; k++)
            if (tokens[i].issuer && tokens[k].issuer && strcmp(tokens[i].issuer, tokens[k].issuer) == 0)
                complain(root, "tokens", "one provider for each issuer", diag, "two providers of one issuer");
    }
}

static void check_purpose(const struct conf_node *root, const struct proxy_conf *c, struct diag *diag)
{
    if (!c->inbound.listen && !c->outbound.listen && !c->broker.https)
        diag_add(diag, DIAG_ERROR, &root->place, "set inbound.listen, outbound.listen or broker.https",
                 "this sidecar has nothing to do");
    if (c->inbound.speaks != PROXY_SPEAKS_ANY && !c->contract)
        complain(conf_get(root, "inbound"), "speaks", "set contract: FILE, of a .proto file", diag,
                 "speaks needs a contract to translate by");
    if (c->inbound.speaks != PROXY_SPEAKS_ANY && c->enforce == PROXY_ENFORCE_OFF)
        complain(conf_get(root, "inbound"), "speaks", "set enforce: audit, or more", diag,
                 "speaks translates by the contract, which enforce: off leaves out");
    if (c->inbound.speaks == PROXY_SPEAKS_GRPC && !slice_starts(slice_str(c->inbound.app), SLICE("h2c://")))
        complain(conf_get(root, "inbound"), "speaks", "set app: h2c://HOST:PORT", diag,
                 "a function that speaks gRPC listens for HTTP/2");
    if (c->validate != PROXY_VALIDATE_OFF && !c->contract)
        complain(root, "validate", "set contract: FILE", diag, "validate needs a contract to hold bodies against");
}

enum err proxy_conf_bind(const struct conf_node *root, struct arena *arena, struct diag *diag, struct proxy_conf *out)
{
    struct proxy_conf conf = {0};
    TRY(conf_bind(root, proxy_conf_keys, &conf, arena, diag));
    pull(root, &conf, arena, diag);
    drive(root, &conf, diag);
    check_locals(root, &conf, diag);
    check_endpoints(root, &conf, diag);
    check_tokens(root, &conf, diag);
    identity_conf_check(root, &conf.identity, diag);
    check_purpose(root, &conf, diag);
    check_limits(root, &conf, diag);
    if (diag->errors)
        return ERR_INPUT;
    *out = conf;
    return ERR_OK;
}
