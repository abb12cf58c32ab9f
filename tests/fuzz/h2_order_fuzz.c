/* However the bytes are cut, the order is judged the same, and never more is good than there is. */
#include <stdint.h>

#include "base/check.h"
#include "http/h2_order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct h2_order whole, cut;
    size_t good, some = 0;
    h2_order_init(&whole);
    h2_order_init(&cut);
    enum h2_order_verdict want = h2_order_look(&whole, slice_of(data, size), &good), got = H2_ORDER_FINE;
    POST(good <= size && (want != H2_ORDER_FINE || good == size));
    for (size_t at = 0, step = 1; at < size && got == H2_ORDER_FINE; at += step, step = step % 7 + 1) {
        struct slice piece = slice_to(slice_from(slice_of(data, size), at), step);
        got = h2_order_look(&cut, piece, &some);
        POST(some <= piece.len);
    }
    POST(got == want);
    return 0;
}
