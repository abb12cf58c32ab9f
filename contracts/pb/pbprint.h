#ifndef WEFT_CONTRACTS_PB_PBPRINT_H
#define WEFT_CONTRACTS_PB_PBPRINT_H

/* pbprint - what was read as protobuf's text format, on one line. */
#include "contracts/pb/pbread.h"

void pbprint(const struct pbread_message *m, struct buf *out);
/* One value without its field's name; NULL: "absent". */
void pbprint_value(const struct pbread_value *v, struct buf *out);

#endif
