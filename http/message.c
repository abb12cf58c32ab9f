#include "http/message.h"

void message_init(struct message *m, struct arena *arena)
{
    *m = (struct message){.length = -1};
    headers_init(&m->headers, arena);
    headers_init(&m->trailers, arena);
}

struct slice message_path_only(const struct message *m)
{
    size_t at;
    return slice_find(m->path, '?', &at) ? slice_to(m->path, at) : m->path;
}

/* RFC 9110 section 15 and the registry's later ones that proxies meet. */
static const struct {
    unsigned status;
    const char *phrase;
} phrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
};

const char *message_reason(unsigned status)
{
    if (status == 200)
        return "OK";
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Unknown";
}

bool message_tunnels(const struct message *request)
{
    return request->protocol.len > 0 || slice_eq(request->method, SLICE("CONNECT"));
}

bool message_opens(const struct message *request, unsigned status)
{
    if (request->protocol.len > 0)
        return status == 101;
    return status / 100 == 2 && slice_eq(request->method, SLICE("CONNECT"));
}

bool message_bodiless(struct slice method, unsigned status)
{
    return status < 200 || status == 204 || status == 304 || slice_eq(method, SLICE("HEAD"));
}
