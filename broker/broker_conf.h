#ifndef WEFT_BROKER_BROKER_CONF_H
#define WEFT_BROKER_BROKER_CONF_H

/* broker_conf - what a broker's YAML file says: one table of keys, one struct.
 *
 * Lifetime: strings live in the arena given to broker_conf_load.
 * Threads:  immutable once bound. */
#include "identity/identity_conf.h"

struct broker_conf_service {
    const char *identity; /* SPIFFE ID that may run its jobs */
    uint64_t attempts;
    uint64_t concurrency, per_minute; /* 0: no limit */
    uint64_t key_concurrency, key_per_minute;
    bool paused;
};

struct broker_conf {
    const char *bus;   /* "127.0.0.1:4750" */
    const char *https; /* mTLS side */
    struct identity_conf identity;
    const char *data;         /* folder */
    uint64_t max_bytes;       /* of the database */
    struct conf_map services; /* struct broker_conf_service */
    struct conf_strings policy;
    struct {
        struct conf_strings allow; /* beginnings of URLs */
        const char *secret, *ca;   /* files */
        bool private_too;
        uint64_t tries;
    } callbacks;
    int64_t lease_us, beat_us;
    int64_t retention_us; /* of terminal jobs and their results */
    struct {
        uint64_t jobs, bytes; /* waiting, per caller; of bytes 0: no limit */
        uint64_t payload;     /* bytes of one body or result */
        uint64_t blobs;       /* bytes of those over 256 KiB, per caller */
    } limits;
    struct {
        const char *listen;
    } admin;
    unsigned confine; /* enum confine_mode */
    bool recheck;
    struct {
        unsigned level;
        bool json;
    } log;
};

extern const struct conf_key broker_conf_keys[];

struct broker_conf_source {
    const char *path;
    const char *const *sets;
    size_t set_count;
    char *const *environ; /* WEFT_*; may be NULL */
};

/* INPUT: all complaints are in `diag`. */
MUST_USE enum err broker_conf_load(const struct broker_conf_source *source, struct arena *arena, struct diag *diag,
                                   struct broker_conf *out);

#endif
