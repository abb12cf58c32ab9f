#include <stdio.h>

#include "base/check.h"
#include "base/web_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read, written again, is the same place and lies below itself unless it climbs. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct web_url u, again;
    char text[2 * (WEB_URL_HOST + WEB_URL_PATH)];
    if (web_url_read(slice_of(data, size), &u) != ERR_OK)
        return 0;
    const char *open = strchr(u.host, ':') ? "[" : "", *shut = *open ? "]" : "";
    snprintf(text, sizeof(text), "%s://%s%s%s:%s%s", u.secure ? "https" : "http", open, u.host, shut, u.port, u.path);
    POST(web_url_read(slice_str(text), &again) == ERR_OK);
    POST(strcmp(u.host, again.host) == 0 && strcmp(u.port, again.port) == 0 && strcmp(u.path, again.path) == 0);
    bool climbs = strstr(u.path, "..") || strstr(u.path, "%2e") || strstr(u.path, "%2E");
    POST(web_url_below(&u, &again) == !climbs);
    return 0;
}
