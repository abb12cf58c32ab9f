/* Any bytes, whole and cut in two: both are refused, or both give the same tokens. */
#include <stdint.h>
#include <stdlib.h>

#include "contracts/wire/json_tok.h"

enum { TEXT_MOST = 64 };

struct seen {
    uint64_t tokens, mix;
    enum err end;
};

static void see(struct seen *s, const struct json_token *t)
{
    s->tokens++;
    s->mix = s->mix * 31 + t->begin * 7 + t->end * 3 + (uint64_t)t->kind;
    for (size_t i = 0; i < t->text.len; i++)
        s->mix = s->mix * 31 + (uint8_t)t->text.at[i];
}

static enum err read_part(struct json_tok *t, struct slice part, struct seen *s)
{
    struct json_token token;
    enum err e;
    while ((e = json_tok_next(t, &part, &token)) == ERR_OK)
        see(s, &token);
    return e;
}

static struct seen read_cut(struct slice text, size_t cut)
{
    struct seen s = {0};
    struct json_tok t;
    struct json_token token;
    json_tok_init(&t, TEXT_MOST);
    t.collect = true;
    s.end = read_part(&t, slice_to(text, cut), &s);
    if (s.end == ERR_AGAIN)
        s.end = read_part(&t, slice_from(text, cut), &s);
    while (s.end == ERR_AGAIN) {
        s.end = json_tok_finish(&t, &token);
        if (s.end == ERR_AGAIN)
            see(&s, &token);
    }
    json_tok_fini(&t);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of(data, size);
    struct seen whole = read_cut(text, size);
    for (size_t cut = 0; cut < size && cut < 256; cut++) {
        struct seen s = read_cut(text, cut);
        if ((s.end == ERR_OK) != (whole.end == ERR_OK))
            abort();
        if (s.end == ERR_OK && (s.tokens != whole.tokens || s.mix != whole.mix))
            abort();
    }
    if (whole.end == ERR_OK && !json_tok_whole(text))
        abort();
    return 0;
}
