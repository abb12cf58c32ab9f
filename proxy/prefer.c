#include "proxy/prefer.h"

static void skip_blanks(struct slice *s)
{
    while (s->len && (s->at[0] == ' ' || s->at[0] == '\t'))
        *s = slice_from(*s, 1);
}

/* Up to a character that ends a token here; what a token may be made of is not our concern. */
static struct slice take_token(struct slice *s)
{
    size_t n = 0;
    while (n < s->len && !strchr(" \t=;,\"", s->at[n]))
        n++;
    struct slice token = slice_to(*s, n);
    *s = slice_from(*s, n);
    return token;
}

/* RFC 9110 section 5.6.4.  One that is not closed reaches to the end. */
static struct slice take_quoted(struct slice *s)
{
    size_t n = 1;
    while (n < s->len && s->at[n] != '"')
        n += s->at[n] == '\\' ? 2 : 1;
    struct slice inside = slice_from(slice_to(*s, n), 1);
    *s = slice_from(*s, n + 1);
    return inside;
}

static struct slice take_value(struct slice *s)
{
    skip_blanks(s);
    if (s->len == 0 || s->at[0] != '=')
        return (struct slice){0};
    *s = slice_from(*s, 1);
    skip_blanks(s);
    return s->len && s->at[0] == '"' ? take_quoted(s) : take_token(s);
}

/* Past the parameters, and past anything that should not be there, to behind the next comma. */
static void skip_element(struct slice *s)
{
    while (s->len && s->at[0] != ',') {
        if (s->at[0] == '"')
            take_quoted(s);
        else
            *s = slice_from(*s, 1);
    }
    *s = slice_from(*s, 1);
}

bool prefer_next(struct slice *rest, struct prefer_item *item)
{
    while (rest->len) {
        skip_blanks(rest);
        struct slice name = take_token(rest);
        struct slice value = take_value(rest);
        skip_element(rest);
        if (name.len) {
            *item = (struct prefer_item){name, value};
            return true;
        }
    }
    return false;
}

/* delta-seconds; anything else is as if it had not been said. */
static void read_wait(struct slice value, struct prefer *out)
{
    uint64_t seconds;
    if (slice_u64(value, UINT64_MAX, &seconds) != ERR_OK)
        return;
    out->has_wait = true;
    out->wait_s = (uint32_t)(seconds < PREFER_WAIT_MOST ? seconds : PREFER_WAIT_MOST);
}

void prefer_read(const struct headers *fields, struct prefer *out)
{
    *out = (struct prefer){0};
    bool wait_said = false;
    for (uint32_t i = 0; i < fields->count; i++) {
        struct slice rest = fields->v[i].value;
        struct prefer_item item;
        while (fields->v[i].token == HEADERS_PREFER && prefer_next(&rest, &item)) {
            if (slice_eq_nocase(item.name, SLICE("respond-async"))) {
                out->respond_async = true;
            } else if (slice_eq_nocase(item.name, SLICE("wait")) && !wait_said) {
                wait_said = true;
                read_wait(item.value, out);
            }
        }
    }
}
