#include "cli/show.h"

void show_slice(FILE *to, struct slice text)
{
    if (text.len)
        fwrite(text.at, 1, text.len, to);
}

void show_buf(FILE *to, struct buf *text)
{
    show_slice(to, buf_slice(text));
    buf_clear(text);
}

void show_diag(const struct diag *d)
{
    struct buf text;
    buf_init(&text, BUF_TEXT_BOUND);
    diag_print(d, &text);
    show_buf(stderr, &text);
    buf_fini(&text);
}
