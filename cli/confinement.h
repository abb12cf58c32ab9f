#ifndef WEFT_CLI_CONFINEMENT_H
#define WEFT_CLI_CONFINEMENT_H

/* confinement - a program that runs for long gives up what it does not need, and says so. */
#include "base/confine.h"

/* Once everything is open: there is no way back. */
void confinement_enter(enum confine_mode mode);

#endif
