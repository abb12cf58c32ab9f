#ifndef WEFT_CLI_CMD_CA_ROLL_H
#define WEFT_CLI_CMD_CA_ROLL_H

/* cmd_ca_roll - a new root in three steps, so that nobody's leaf is refused on the way.
 *
 *     ca.pem  old            next root made: everybody hears of it with its next leaf
 *     ca.pem  old new        the new one signs; leaves of the old one go on
 *     ca.pem  new old        the old one is forgotten
 *     ca.pem  new
 *
 * The first certificate of ca.pem is the one that ca.key belongs to; next.key waits for its step.  Each step
 * waits until the last has reached everybody: one life of a leaf, or two. */
#include <stdbool.h>
#include <stdint.h>

struct cmd_ca_roll {
    const char *dir;
    unsigned days;  /* of the new root */
    int64_t ttl_us; /* of the leaves */
    bool force;     /* does not wait */
};

/* The next step.  The exit status. */
int cmd_ca_roll(const struct cmd_ca_roll *conf);

#endif
