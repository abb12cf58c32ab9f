#include "http/grpc.h"

bool grpc_is(const struct message *m)
{
    struct slice prefix = SLICE("application/grpc");
    struct slice type = headers_value(&m->headers, HEADERS_CONTENT_TYPE);
    if (!slice_eq_nocase(slice_to(type, prefix.len), prefix))
        return false;
    return type.len == prefix.len || type.at[prefix.len] == '+' || type.at[prefix.len] == ';';
}

/* Words that say more than the status they come with. */
static const struct {
    struct slice word;
    enum grpc_status status;
} words[] = {
    {{"contract-mismatch", 17}, GRPC_FAILED_PRECONDITION},
    {{"contract-unknown", 16}, GRPC_UNAVAILABLE},
    {{"policy-denied", 13}, GRPC_PERMISSION_DENIED},
};

static enum grpc_status of_http(unsigned status)
{
    switch (status) {
    case 200:
        return GRPC_OK;
    case 400:
    case 431:
        return GRPC_INTERNAL;
    case 401:
        return GRPC_UNAUTHENTICATED;
    case 403:
        return GRPC_PERMISSION_DENIED;
    case 404:
    case 405:
    case 501:
        return GRPC_UNIMPLEMENTED;
    case 408:
    case 504:
        return GRPC_DEADLINE_EXCEEDED;
    case 412:
    case 428:
        return GRPC_FAILED_PRECONDITION;
    case 413:
    case 429:
        return GRPC_RESOURCE_EXHAUSTED;
    case 422:
        return GRPC_INVALID_ARGUMENT;
    case 499:
        return GRPC_CANCELLED;
    case 500:
        return GRPC_INTERNAL;
    case 502:
    case 503:
        return GRPC_UNAVAILABLE;
    case 508:
        return GRPC_ABORTED;
    default:
        return GRPC_UNKNOWN;
    }
}

enum grpc_status grpc_status_of(unsigned http_status, struct slice word)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_eq(word, words[i].word))
            return words[i].status;
    return of_http(http_status);
}

void grpc_put_message(struct buf *out, struct slice text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool plain = c >= 0x20 && c <= 0x7e && c != '%';
        if (plain) {
            buf_put_char(out, (char)c);
            continue;
        }
        buf_put_char(out, '%');
        buf_put_char(out, digits[c >> 4]);
        buf_put_char(out, digits[c & 15]);
    }
}
