#ifndef WEFT_CLI_CMD_CA_SERVE_H
#define WEFT_CLI_CMD_CA_SERVE_H

/* cmd_ca_serve - an authority that sidecars ask for leaves, until it is told to stop. */
#include <stdint.h>

struct cmd_ca_serve {
    const char *dir;
    const char *listen;
    int64_t ttl_us; /* of the leaves */
};

/* The exit status. */
int cmd_ca_serve(const struct cmd_ca_serve *conf);

#endif
