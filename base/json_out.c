#include "base/json_out.h"

#include "base/check.h"
#include "base/json_line.h"

void json_out_init(struct json_out *j, struct buf *out, unsigned indent)
{
    *j = (struct json_out){.out = out, .indent = indent};
}

static void new_line(struct json_out *j)
{
    if (j->indent)
        buf_putf(j->out, "\n%*s", (int)(j->depth * j->indent), "");
}

/* What stands between the value before and this one. */
static void separate(struct json_out *j)
{
    if (j->after_name) {
        j->after_name = false;
        return;
    }
    if (j->depth == 0)
        return;
    if (j->comma[j->depth - 1])
        buf_put_char(j->out, ',');
    j->comma[j->depth - 1] = true;
    new_line(j);
}

static void begin(struct json_out *j, char bracket, bool array)
{
    PRE(j->depth < JSON_OUT_DEPTH);
    separate(j);
    buf_put_char(j->out, bracket);
    j->comma[j->depth] = false;
    j->array[j->depth] = array;
    j->depth++;
}

void json_out_object(struct json_out *j)
{
    begin(j, '{', false);
}

void json_out_array(struct json_out *j)
{
    begin(j, '[', true);
}

void json_out_end(struct json_out *j)
{
    PRE(j->depth > 0 && !j->after_name);
    j->depth--;
    if (j->comma[j->depth])
        new_line(j);
    buf_put_char(j->out, j->array[j->depth] ? ']' : '}');
}

/* Plain runs are most of any text and go as they are; what stands between them is a character at a time. */
static void put_string(struct buf *out, struct slice text)
{
    buf_put_char(out, '"');
    while (text.len) {
        char room[JSON_LINE_WORST * 4];
        size_t plain = json_line_plain(text), step = slice_utf8_step(slice_from(text, plain));
        buf_put(out, slice_to(text, plain));
        struct slice special = slice_to(slice_from(text, plain), step ? step : 1);
        buf_put(out, slice_of(room, (size_t)(json_line_text(room, special) - room)));
        text = slice_from(text, plain + special.len);
    }
    buf_put_char(out, '"');
}

void json_out_name(struct json_out *j, const char *name)
{
    json_out_name_slice(j, slice_str(name));
}

void json_out_name_slice(struct json_out *j, struct slice name)
{
    PRE(j->depth > 0 && !j->array[j->depth - 1] && !j->after_name);
    separate(j);
    put_string(j->out, name);
    buf_put(j->out, j->indent ? SLICE(": ") : SLICE(":"));
    j->after_name = true;
}

void json_out_slice(struct json_out *j, struct slice text)
{
    separate(j);
    put_string(j->out, text);
}

void json_out_str(struct json_out *j, const char *text)
{
    if (text)
        json_out_slice(j, slice_str(text));
    else
        json_out_null(j);
}

void json_out_int(struct json_out *j, int64_t n)
{
    separate(j);
    uint64_t magnitude = (uint64_t)n;
    if (n < 0) {
        buf_put_char(j->out, '-');
        magnitude = 0 - magnitude;
    }
    buf_put_u64(j->out, magnitude);
}

void json_out_bool(struct json_out *j, bool b)
{
    json_out_raw(j, b ? SLICE("true") : SLICE("false"));
}

void json_out_null(struct json_out *j)
{
    json_out_raw(j, SLICE("null"));
}

void json_out_raw(struct json_out *j, struct slice json)
{
    separate(j);
    buf_put(j->out, json);
}

void json_out_member(struct json_out *j, const char *name, struct slice text)
{
    json_out_name(j, name);
    json_out_slice(j, text);
}

void json_out_member_int(struct json_out *j, const char *name, int64_t n)
{
    json_out_name(j, name);
    json_out_int(j, n);
}
