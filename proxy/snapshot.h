#ifndef WEFT_PROXY_SNAPSHOT_H
#define WEFT_PROXY_SNAPSHOT_H

/* snapshot - one immutable, ref-counted view of all config; exchanges keep theirs.
 *
 * snapshot_load reads the file and everything it names (certificates, contracts,
 * policy) and gives a whole snapshot or every complaint; `weft conf check` is just
 * that.  snapshot_start then makes the pools.  A reload makes another snapshot; the
 * old one goes when its last exchange ends.
 *
 * Threads: belongs to the loop. */
#include "contracts/wire/mould.h"
#include "contracts/wire/pbmould.h"
#include "http/server.h"
#include "policy/policy_files.h"
#include "proxy/cluster.h"
#include "proxy/discovery.h"
#include "proxy/presented.h"
#include "proxy/proxy_conf.h"

struct snapshot {
    unsigned refs;
    struct arena arena;
    struct proxy_conf conf;
    struct creds *creds;
    struct contract *contract;  /* ours, or NULL */
    struct mould *mould;        /* of it, when bodies are validated; or NULL */
    struct pbmould *messages;   /* of it, when it is of protobuf; or NULL */
    struct contract **versions; /* earlier ones of it, the oldest first */
    size_t version_count;
    struct presented *presented; /* what it asks callers to show; NULL: nothing, or nobody asks */
    struct contract **consumes;
    size_t consume_count;
    struct policy_files policy; /* its texts */
    struct authz *authz;
    struct providers *providers; /* whose tokens count; borrowed, NULL: none are */
    struct lookup *resolve;      /* where a service is found by name */
    struct discovery **discoveries;
    size_t discovery_count;
    struct cluster **clusters; /* as many as conf.services.count, once started */
    struct pool *app;          /* our function, once started; NULL: none */
    struct pool *app_jobs;     /* the same for jobs, which may take hours in silence */
    struct sock_addr app_addr;
    bool app_h2;
    bool app_raw;     /* bytes, not HTTP */
    const char *path; /* the YAML file */
    uint64_t stamp;   /* of all files, as they were just before they were read */
    struct loop *loop;
    struct server *inner; /* as in snapshot_start */
    void (*opened)(struct snapshot *s, struct cluster_endpoint *e, uint64_t conn_id, void *arg);
    void *arg;
};

/* `*given`, if it is set, is good until the snapshot is loaded.  INPUT: the complaint is in `diag`. */
typedef enum err snapshot_prepare_fn(void *arg, const struct identity_conf *conf, struct diag *diag,
                                     const struct creds_given **given);

struct snapshot_source {
    const char *path;        /* the YAML file; "-" is standard input */
    const char *const *sets; /* "path=value" */
    size_t set_count;
    char *const *environ; /* WEFT_*; may be NULL */
    /* Before identities are read: the place to fetch one.  NULL: one that is not in files is not looked at. */
    snapshot_prepare_fn *prepare;
    void *arg;
};

/* INPUT: all complaints are in `diag`. */
MUST_USE enum err snapshot_load(const struct snapshot_source *source, struct diag *diag, struct snapshot **out);

/* The stamp of the same files now; another one than s->stamp: something has changed. */
uint64_t snapshot_stamp(const struct snapshot *s);

struct snapshot_start {
    struct loop *loop;
    struct due_clock *clock;
    /* a connection to a service is ready: the moment for the contract exchange */
    void (*opened)(struct snapshot *s, struct cluster_endpoint *e, uint64_t conn_id, void *arg);
    void *arg;
    unsigned worker, workers;    /* which of how many; 0: the only one */
    const struct meters *meters; /* outlives the snapshot; NULL: nothing is measured */
    struct server *inner;        /* stands for our function; outlives the snapshot.  NULL: it listens itself */
};
void snapshot_start(struct snapshot *s, const struct snapshot_start *start);

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot **s);

/* By the name callers use: the host of an authority ("pricing", "pricing:80"); NULL: none. */
struct cluster *snapshot_cluster(const struct snapshot *s, struct slice authority);

#endif
