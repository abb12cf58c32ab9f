#ifndef WEFT_BROKER_STORE_MEM_H
#define WEFT_BROKER_STORE_MEM_H

/* store_mem - the store that is its own specification; tests use it as the model.
 *
 * Nothing outlives the process. */
#include "broker/store.h"

struct store *store_mem_new(struct loop *l);

#endif
