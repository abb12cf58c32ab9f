/* Any bytes as rules of another mesh: a policy that loads, or complaints and nothing. */
#include "base/check.h"
#include "policy/policy_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_import_text text = {.file = "fuzz", .text = slice_of(data, size)};
    struct policy_import_conf conf = {.texts = &text, .count = 1};
    struct diag diag;
    struct buf out;
    diag_init(&diag);
    buf_init(&out, BUF_TEXT_BOUND);
    enum err e = policy_import(&conf, &diag, &out);
    POST((e == ERR_OK) == (diag.errors == 0));
    POST(e == ERR_OK || buf_len(&out) == 0);
    buf_fini(&out);
    diag_fini(&diag);
    return 0;
}
