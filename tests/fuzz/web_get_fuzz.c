/* Any bytes as a web server's answer: a document is as long as the head says, or there is none and a reason. */
#include "base/check.h"
#include "base/web_get.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BOUND = 256 };

static void judge(struct slice answer, bool cut)
{
    struct buf body;
    char fault[WEB_GET_FAULT] = "";
    buf_init(&body, BOUND);
    enum err e = web_get_judge("https://idp.example/keys", answer, cut, &body, fault);
    POST((e == ERR_OK) == (fault[0] == '\0'));
    POST(buf_len(&body) <= BOUND && buf_len(&body) <= answer.len);
    if (e == ERR_OK)
        POST(slice_ends(answer, buf_slice(&body)));
    buf_fini(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    judge(slice_of(data, size), false);
    judge(slice_of(data, size), true);
    return 0;
}
