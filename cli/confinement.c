#include "cli/confinement.h"

#include "base/log.h"

void confinement_enter(enum confine_mode mode)
{
    const char *missing;
    if (mode == CONFINE_OFF)
        return;
    if (confine_process(mode, &missing) == ERR_OK)
        log_event(LOG_INFO, "confined", LOG_STR("so", "no other program, no new privileges, no core dump"));
    else
        log_event(LOG_WARN, "not-confined", LOG_STR("missing", missing));
}
