/* What the reader of HTTP/1 costs: a bare request, and one as browsers send it. */
#include "bench/kit.h"
#include "http/h1_parse.h"

static const char bare[] = "GET /orders/1 HTTP/1.1\r\nhost: orders\r\n\r\n";
static const char usual[] = "POST /orders HTTP/1.1\r\n"
                            "Host: orders.shop.example\r\n"
                            "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
                            "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
                            "Accept-Language: en-US,en;q=0.5\r\n"
                            "Accept-Encoding: gzip, deflate, br\r\n"
                            "Content-Type: application/json\r\n"
                            "Content-Length: 25\r\n"
                            "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
                            "Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark\r\n"
                            "Connection: keep-alive\r\n\r\n"
                            "{\"sku\": \"AB-1\", \"qty\": 3}";

static void body(void *arg)
{
    struct slice in = *(struct slice *)arg, piece;
    struct h1_parse p;
    struct arena arena;
    struct message m;
    enum h1_found found;
    arena_init(&arena, SIZE_MAX);
    message_init(&m, &arena);
    h1_parse_init(&p, H1_PARSE_REQUESTS);
    h1_parse_request(&p, &m);
    do
        found = h1_parse_next(&p, &in, SIZE_MAX, &piece);
    while (found == H1_HEAD || found == H1_DATA);
    kit_must(found == H1_END, "the request is whole");
    h1_parse_fini(&p);
    arena_fini(&arena);
}

int main(int argc, char **argv)
{
    struct kit k = kit_begin(argc, argv);
    struct slice requests[] = {slice_of(bare, sizeof(bare) - 1), slice_of(usual, sizeof(usual) - 1)};
    kit_run(&k,
            &(struct kit_case){.name = "h1_parse/bare", .bytes = requests[0].len, .body = body, .arg = &requests[0]});
    kit_run(&k,
            &(struct kit_case){.name = "h1_parse/usual", .bytes = requests[1].len, .body = body, .arg = &requests[1]});
    return 0;
}
