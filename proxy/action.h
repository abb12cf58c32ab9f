#ifndef WEFT_PROXY_ACTION_H
#define WEFT_PROXY_ACTION_H

/* action - our function as an action of OpenWhisk: its code, its container, and a server that stands for a function
 * that listens.
 *
 * The code is read once, as the container takes it once.
 *
 * Lifetime: outlives snapshots; action_free when no exchange is left.
 * Threads:  belongs to the loop. */
#include "http/server.h"
#include "proxy/proxy_conf.h"

struct action;

/* PRE: inbound.whisk.container is set.  INPUT: the complaint is in `diag`. */
MUST_USE enum err action_new(struct loop *l, struct due_clock *clock, const struct proxy_conf *conf, struct diag *diag,
                             struct action **out);
/* Takes connections as the function would. */
struct server *action_server(const struct action *a);
void action_free(struct action **a);

#endif
