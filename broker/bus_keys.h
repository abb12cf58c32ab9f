#ifndef WEFT_BROKER_BUS_KEYS_H
#define WEFT_BROKER_BUS_KEYS_H

/* bus_keys - PUT /.well-known/weft/bus-keys on the mTLS side: a sidecar's way onto the bus.
 *
 *     PUT /.well-known/weft/bus-keys        200
 *     {"key":"<32 bytes, base64url>"}       weft-bus-key: <the broker's>
 *                                           weft-bus-endpoint: tcp://127.0.0.1:4750
 *
 * The key stands for the SPIFFE identity of the certificate it came with.
 *
 * Threads: belongs to the loop. */
#include "broker/keyring.h"
#include "http/transit.h"

struct bus_keys {
    struct keyring *ring;
    const struct now *now;
    uint8_t public_key[KEYRING_KEY]; /* the broker's */
    const char *endpoint;
};

enum { BUS_KEYS_HOURS = 24 }; /* a registration is good for; then the sidecar registers again */

/* Becomes the owner of `t`.  `keys` must outlive it. */
void bus_keys_serve(struct bus_keys *keys, struct transit *t);

#endif
