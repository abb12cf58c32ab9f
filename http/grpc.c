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
    {{"encoding-unsupported", 20}, GRPC_UNIMPLEMENTED},
    {{"answer-unfit", 12}, GRPC_INTERNAL},
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

/* As gRPC's own gateways have them. */
static const struct {
    const char *name;
    unsigned http;
} statuses[] = {
    [GRPC_OK] = {"OK", 200},
    [GRPC_CANCELLED] = {"CANCELLED", 499},
    [GRPC_UNKNOWN] = {"UNKNOWN", 500},
    [GRPC_INVALID_ARGUMENT] = {"INVALID_ARGUMENT", 400},
    [GRPC_DEADLINE_EXCEEDED] = {"DEADLINE_EXCEEDED", 504},
    [GRPC_NOT_FOUND] = {"NOT_FOUND", 404},
    [GRPC_ALREADY_EXISTS] = {"ALREADY_EXISTS", 409},
    [GRPC_PERMISSION_DENIED] = {"PERMISSION_DENIED", 403},
    [GRPC_RESOURCE_EXHAUSTED] = {"RESOURCE_EXHAUSTED", 429},
    [GRPC_FAILED_PRECONDITION] = {"FAILED_PRECONDITION", 400},
    [GRPC_ABORTED] = {"ABORTED", 409},
    [GRPC_OUT_OF_RANGE] = {"OUT_OF_RANGE", 400},
    [GRPC_UNIMPLEMENTED] = {"UNIMPLEMENTED", 501},
    [GRPC_INTERNAL] = {"INTERNAL", 500},
    [GRPC_UNAVAILABLE] = {"UNAVAILABLE", 503},
    [GRPC_DATA_LOSS] = {"DATA_LOSS", 500},
    [GRPC_UNAUTHENTICATED] = {"UNAUTHENTICATED", 401},
};
enum { STATUSES = sizeof(statuses) / sizeof(statuses[0]) };

const char *grpc_status_name(unsigned status)
{
    return statuses[status < STATUSES ? status : GRPC_UNKNOWN].name;
}

unsigned grpc_http_status(unsigned status)
{
    return statuses[status < STATUSES ? status : GRPC_UNKNOWN].http;
}

unsigned grpc_status_of_answer(unsigned http_status)
{
    switch (http_status) {
    case 400:
        return GRPC_INVALID_ARGUMENT;
    case 404:
        return GRPC_NOT_FOUND;
    case 409:
        return GRPC_ABORTED;
    case 416:
        return GRPC_OUT_OF_RANGE;
    default:
        return of_http(http_status);
    }
}

static int64_t unit_ns(char unit)
{
    switch (unit) {
    case 'H':
        return INT64_C(3600) * 1000000000;
    case 'M':
        return INT64_C(60) * 1000000000;
    case 'S':
        return 1000000000;
    case 'm':
        return 1000000;
    case 'u':
        return 1000;
    case 'n':
        return 1;
    }
    return 0;
}

enum err grpc_timeout_us(struct slice value, int64_t *us)
{
    uint64_t n;
    if (value.len < 2 || value.len > 9)
        return ERR_INPUT;
    int64_t ns = unit_ns(value.at[value.len - 1]);
    if (ns == 0 || slice_u64(slice_to(value, value.len - 1), 99999999, &n) != ERR_OK)
        return ERR_INPUT;
    *us = ns >= 1000 ? (int64_t)n * (ns / 1000) : (int64_t)n / 1000;
    return ERR_OK;
}

void grpc_put_timeout(struct buf *out, int64_t us)
{
    static const char units[] = {'u', 'm', 'S'};
    int64_t n = us > 0 ? us : 0;
    size_t unit = 0;
    for (; n > 99999999 && unit < 2; unit++)
        n /= 1000;
    buf_putf(out, "%lld%c", (long long)(n > 99999999 ? 99999999 : n), units[unit]);
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

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void grpc_read_message(struct buf *out, struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        int high = value.at[i] == '%' && i + 2 < value.len ? hex_of(value.at[i + 1]) : -1;
        int low = high >= 0 ? hex_of(value.at[i + 2]) : -1;
        buf_put_char(out, low >= 0 ? (char)(high * 16 + low) : value.at[i]);
        i += low >= 0 ? 2 : 0;
    }
}
