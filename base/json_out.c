#include "base/json_out.h"

#include "base/check.h"

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

/* A byte that may not stand in a string as it is (RFC 8259 section 7). */
static void put_escaped(struct buf *out, unsigned char c)
{
    static const char letters[] = "\b\f\n\r\t\"\\";
    static const char *const spelled[] = {"\\b", "\\f", "\\n", "\\r", "\\t", "\\\"", "\\\\"};
    const char *hit = c ? strchr(letters, c) : NULL;
    if (hit)
        buf_put(out, slice_str(spelled[hit - letters]));
    else
        buf_putf(out, "\\u%04x", c);
}

static void put_string(struct buf *out, struct slice text)
{
    buf_put_char(out, '"');
    while (text.len) {
        unsigned char c = (unsigned char)text.at[0];
        size_t step = slice_utf8_step(text);
        if (step == 0)
            buf_put(out, SLICE("\xef\xbf\xbd"));
        else if (c < 0x20 || c == '"' || c == '\\')
            put_escaped(out, c);
        else
            buf_put(out, slice_to(text, step));
        text = slice_from(text, step ? step : 1);
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
