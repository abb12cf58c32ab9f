#ifndef WEFT_BASE_SM_H
#define WEFT_BASE_SM_H

/* sm - a state and the moves it allows.  Only sm_move() writes `at`.
 *
 * The table is the drawing: docs/states is printed from it.  A move the table
 * does not have is a broken promise and stops the process. */
#include <stdint.h>

#define SM_TO(state) (UINT32_C(1) << (state))
enum { SM_FIRST = 1, SM_LAST = 2 };

struct sm_row {
    const char *name;
    uint32_t to;    /* SM_TO() of every state one step away */
    unsigned flags; /* SM_FIRST, SM_LAST */
};

struct sm {
    const struct sm_row *rows;
    unsigned at;
};

void sm_init(struct sm *m, const struct sm_row *rows, unsigned first);
void sm_move(struct sm *m, unsigned next);
const char *sm_name(const struct sm *m);

/* Every table of the program, for tools/states: a room adds its own with SM_TABLE. */
struct sm_table {
    const char *name;
    const struct sm_row *rows;
    unsigned count;
};

#endif
