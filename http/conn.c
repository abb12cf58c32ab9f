#include "http/conn.h"

#include <stdatomic.h>

uint64_t conn_next_id(void)
{
    /* The one counter that workers share: an id names a connection in logs of the whole process. */
    static _Atomic uint64_t last;
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}
