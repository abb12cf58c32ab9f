#include "contracts/wire/json_tok.h"

#include <endian.h>

#include "base/check.h"

/* What may come next between tokens. */
enum want {
    WANT_VALUE,
    WANT_VALUE_OR_END, /* after [ */
    WANT_NAME,
    WANT_NAME_OR_END, /* after { */
    WANT_COLON,
    WANT_COMMA_OR_END,
    WANT_NOTHING,
};

/* The token under way. */
enum lex { LEX_NONE, LEX_STRING, LEX_NUMBER, LEX_WORD };

/* Where in a string: `part` while lex is LEX_STRING. */
enum string_part { IN_TEXT, AT_ESCAPE, AT_HEX_1, AT_HEX_2, AT_HEX_3, AT_HEX_4, AT_LOW_BACKSLASH, AT_LOW_U };

/* Where in a number: `part` while lex is LEX_NUMBER. */
enum number_part { AT_INT, IN_INT, PAST_ZERO, AT_FRACTION, IN_FRACTION, AT_EXPONENT, AT_EXPONENT_DIGIT, IN_EXPONENT };

static enum err refuse(struct json_tok *t, const char *fault)
{
    t->fault = fault;
    t->stuck = ERR_PEER;
    return ERR_PEER;
}

static enum err too_long(struct json_tok *t)
{
    t->fault = "a name or value is too long";
    t->stuck = ERR_FULL;
    return ERR_FULL;
}

static enum err gather_bytes(struct json_tok *t, const char *bytes, size_t len)
{
    if (!t->keep || len == 0)
        return ERR_OK;
    t->gathered = true;
    return buf_add(&t->text, slice_of(bytes, len)) == ERR_OK ? ERR_OK : too_long(t);
}

/* Moves what was read since `run` into `text`, because its bytes are about to go or to change. */
static enum err gather(struct json_tok *t, size_t end)
{
    struct slice read = slice_to(slice_from(t->in, t->run), end - t->run);
    return gather_bytes(t, read.at, read.len);
}

static enum err collected(struct json_tok *t, size_t end, struct slice *text)
{
    *text = (struct slice){0};
    if (!t->keep)
        return ERR_OK;
    if (!t->gathered) {
        *text = slice_of(t->in.at + t->run, end - t->run);
        /* The bound is the same however the bytes were cut. */
        return text->len <= t->text.bound ? ERR_OK : too_long(t);
    }
    TRY(gather(t, end));
    *text = buf_slice(&t->text);
    return ERR_OK;
}

/* The byte under `at` begins a token that may end in another call. */
static void open_token(struct json_tok *t, enum lex lex, bool keep)
{
    t->lex = lex;
    t->begin = t->offset + t->at;
    t->keep = keep;
    if (t->gathered)
        buf_clear(&t->text);
    t->gathered = false;
}

static bool in_object(const struct json_tok *t)
{
    unsigned top = t->depth - 1;
    return t->in_object[top / 64] >> (top % 64) & 1;
}

static void value_done(struct json_tok *t)
{
    t->lex = LEX_NONE;
    t->want = t->depth ? WANT_COMMA_OR_END : WANT_NOTHING;
}

static enum err give(struct json_tok *t, enum json_tok_kind kind, struct json_token *token)
{
    token->kind = kind;
    token->begin = t->begin;
    token->end = t->offset + t->at;
    return ERR_OK;
}

/* ---- strings ---- */

#define EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

static uint64_t zero_bytes(uint64_t word)
{
    return (word - EVERY_BYTE(0x01)) & ~word & EVERY_BYTE(0x80);
}

/* How many bytes from `at` on are ASCII that stands for itself in a string.  Eight at a time: the lowest set
 * bit is exact, since a borrow can only reach bytes above a byte that was really found. */
static size_t plain_run(const char *bytes, size_t len)
{
    size_t n = 0;
    for (; len - n >= sizeof(uint64_t); n += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + n, sizeof(word));
        word = le64toh(word);
        uint64_t control = (word - EVERY_BYTE(0x20)) & ~word & EVERY_BYTE(0x80);
        uint64_t stop = control | (word & EVERY_BYTE(0x80)) | zero_bytes(word ^ EVERY_BYTE('"')) |
                        zero_bytes(word ^ EVERY_BYTE('\\'));
        if (stop)
            return n + (size_t)__builtin_ctzll(stop) / 8;
    }
    while (n < len && (uint8_t)bytes[n] >= 0x20 && (uint8_t)bytes[n] < 0x80 && bytes[n] != '"' && bytes[n] != '\\')
        n++;
    return n;
}

/* The first byte of a sequence decides the bounds of the second (RFC 3629 section 4). */
static enum err utf8_first(struct json_tok *t, uint8_t c)
{
    if (c < 0xC2 || c > 0xF4)
        return refuse(t, "bytes that are not UTF-8");
    t->left = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    t->low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    t->high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    return ERR_OK;
}

static enum err utf8_rest(struct json_tok *t, uint8_t c)
{
    if (c < t->low || c > t->high)
        return refuse(t, "bytes that are not UTF-8");
    t->low = 0x80;
    t->high = 0xBF;
    t->left--;
    return ERR_OK;
}

static size_t utf8_put(char into[4], uint32_t code)
{
    if (code < 0x80) {
        into[0] = (char)code;
        return 1;
    }
    size_t rest = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t marks[] = {0, 0xC0, 0xE0, 0xF0};
    into[0] = (char)(marks[rest] | code >> (6 * rest));
    for (size_t i = 1; i <= rest; i++)
        into[i] = (char)(0x80 | (code >> (6 * (rest - i)) & 0x3F));
    return rest + 1;
}

/* All four digits of a \u escape are read. */
static enum err escape_code(struct json_tok *t)
{
    bool low = t->code >= 0xDC00 && t->code <= 0xDFFF;
    if (low != (t->lead != 0))
        return refuse(t, "a surrogate without its other half");
    if (t->code >= 0xD800 && t->code <= 0xDBFF) {
        t->lead = t->code;
        t->part = AT_LOW_BACKSLASH;
        return ERR_OK;
    }
    char utf8[4];
    uint32_t code = low ? 0x10000 + ((t->lead - 0xD800) << 10) + (t->code - 0xDC00) : t->code;
    t->lead = 0;
    t->part = IN_TEXT;
    t->run = t->at + 1;
    return gather_bytes(t, utf8, utf8_put(utf8, code));
}

static enum err escape_hex(struct json_tok *t, char c)
{
    uint32_t digit;
    if (c >= '0' && c <= '9')
        digit = (uint32_t)(c - '0');
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        digit = (uint32_t)((c | 0x20) - 'a') + 10;
    else
        return refuse(t, "a \\u escape without four hexadecimal digits");
    t->code = t->code << 4 | digit;
    if (t->part == AT_HEX_4)
        return escape_code(t);
    t->part++;
    return ERR_OK;
}

static enum err escape_first(struct json_tok *t, char c)
{
    static const char spelled[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (c == 'u') {
        t->code = 0;
        t->part = AT_HEX_1;
        return ERR_OK;
    }
    const char *found = memchr(spelled, c, sizeof(spelled) - 1);
    if (!found)
        return refuse(t, "an escape that JSON does not have");
    t->part = IN_TEXT;
    t->run = t->at + 1;
    return gather_bytes(t, &meant[found - spelled], 1);
}

static enum err escape(struct json_tok *t, char c)
{
    switch ((enum string_part)t->part) {
    case AT_ESCAPE:
        return escape_first(t, c);
    case AT_HEX_1:
    case AT_HEX_2:
    case AT_HEX_3:
    case AT_HEX_4:
        return escape_hex(t, c);
    case AT_LOW_BACKSLASH:
        t->part = AT_LOW_U;
        return c == '\\' ? ERR_OK : refuse(t, "a surrogate without its other half");
    case AT_LOW_U:
        t->code = 0;
        t->part = AT_HEX_1;
        return c == 'u' ? ERR_OK : refuse(t, "a surrogate without its other half");
    case IN_TEXT:
        break;
    }
    return refuse(t, "a string that cannot be read");
}

static enum err string_byte(struct json_tok *t, char c)
{
    if (t->left)
        return utf8_rest(t, (uint8_t)c);
    if (t->part != IN_TEXT)
        return escape(t, c);
    if ((uint8_t)c >= 0x80)
        return utf8_first(t, (uint8_t)c);
    if (c != '\\')
        return refuse(t, "a control character inside a string");
    t->part = AT_ESCAPE;
    return gather(t, t->at);
}

static enum err string_done(struct json_tok *t, struct json_token *token)
{
    bool name = t->want == WANT_NAME;
    TRY(collected(t, t->at, &token->text));
    t->at++;
    if (!name) {
        value_done(t);
        return give(t, JSON_TOK_STRING, token);
    }
    t->lex = LEX_NONE;
    t->want = WANT_COLON;
    return give(t, JSON_TOK_NAME, token);
}

static enum err read_string(struct json_tok *t, struct json_token *token)
{
    while (t->at < t->in.len) {
        if (t->left == 0 && t->part == IN_TEXT) {
            t->at += plain_run(t->in.at + t->at, t->in.len - t->at);
            if (t->at == t->in.len)
                break;
            if (t->in.at[t->at] == '"')
                return string_done(t, token);
        }
        TRY(string_byte(t, t->in.at[t->at]));
        t->at++;
    }
    if (t->part == IN_TEXT)
        TRY(gather(t, t->at));
    return ERR_AGAIN;
}

/* ---- numbers and words ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool number_may_end(unsigned part)
{
    return part == IN_INT || part == PAST_ZERO || part == IN_FRACTION || part == IN_EXPONENT;
}

/* The part after `c` (RFC 8259 section 6), or -1: `c` is not of the number. */
static int number_part_after(unsigned part, char c)
{
    bool digit = is_digit(c), e = c == 'e' || c == 'E';
    switch ((enum number_part)part) {
    case AT_INT:
        return c == '0' ? PAST_ZERO : digit ? IN_INT : -1;
    case IN_INT:
        return digit ? IN_INT : c == '.' ? AT_FRACTION : e ? AT_EXPONENT : -1;
    case PAST_ZERO:
        return c == '.' ? AT_FRACTION : e ? AT_EXPONENT : -1;
    case AT_FRACTION:
        return digit ? IN_FRACTION : -1;
    case IN_FRACTION:
        return digit ? IN_FRACTION : e ? AT_EXPONENT : -1;
    case AT_EXPONENT:
        return digit ? IN_EXPONENT : c == '+' || c == '-' ? AT_EXPONENT_DIGIT : -1;
    case AT_EXPONENT_DIGIT:
    case IN_EXPONENT:
        return digit ? IN_EXPONENT : -1;
    }
    return -1;
}

static enum err number_done(struct json_tok *t, struct json_token *token)
{
    TRY(collected(t, t->at, &token->text));
    value_done(t);
    return give(t, JSON_TOK_NUMBER, token);
}

static enum err read_number(struct json_tok *t, struct json_token *token)
{
    for (; t->at < t->in.len; t->at++) {
        char c = t->in.at[t->at];
        int part = number_part_after(t->part, c);
        if (part < 0 && t->part == PAST_ZERO && is_digit(c))
            return refuse(t, "a number with a leading zero");
        if (part < 0 && number_may_end(t->part))
            return number_done(t, token);
        if (part < 0)
            return refuse(t, "a number that breaks off");
        t->part = (unsigned)part;
    }
    TRY(gather(t, t->at));
    return ERR_AGAIN;
}

static enum err read_word(struct json_tok *t, struct json_token *token)
{
    for (; t->at < t->in.len && *t->word; t->at++, t->word++)
        if (t->in.at[t->at] != *t->word)
            return refuse(t, "a word that is not true, false or null");
    if (*t->word)
        return ERR_AGAIN;
    value_done(t);
    return give(t, (enum json_tok_kind)t->part, token);
}

/* ---- between tokens ---- */

static enum err open_nest(struct json_tok *t, bool object, struct json_token *token)
{
    if (t->depth == JSON_TOK_DEPTH)
        return refuse(t, "nesting over 128 levels");
    json_tok_mark(t, t->depth++, object);
    t->want = object ? WANT_NAME_OR_END : WANT_VALUE_OR_END;
    t->begin = t->offset + t->at++;
    return give(t, object ? JSON_TOK_OBJECT : JSON_TOK_ARRAY, token);
}

static enum err close_nest(struct json_tok *t, bool object, struct json_token *token)
{
    t->depth--;
    t->begin = t->offset + t->at++;
    value_done(t);
    return give(t, object ? JSON_TOK_OBJECT_END : JSON_TOK_ARRAY_END, token);
}

static enum err begin_word(struct json_tok *t, const char *word, enum json_tok_kind kind, struct json_token *token)
{
    open_token(t, LEX_WORD, false);
    t->word = word;
    t->part = kind;
    return read_word(t, token);
}

static enum err begin_string(struct json_tok *t, bool name, struct json_token *token)
{
    open_token(t, LEX_STRING, name || t->collect);
    t->want = name ? WANT_NAME : WANT_VALUE;
    t->part = IN_TEXT;
    t->lead = 0;
    t->run = ++t->at;
    return read_string(t, token);
}

static enum err begin_number(struct json_tok *t, bool minus, struct json_token *token)
{
    open_token(t, LEX_NUMBER, t->collect);
    t->part = AT_INT;
    t->run = t->at;
    t->at += minus;
    return read_number(t, token);
}

static enum err begin_value(struct json_tok *t, char c, struct json_token *token)
{
    switch (c) {
    case '{':
        return open_nest(t, true, token);
    case '[':
        return open_nest(t, false, token);
    case '"':
        return begin_string(t, false, token);
    case 't':
        return begin_word(t, "true", JSON_TOK_TRUE, token);
    case 'f':
        return begin_word(t, "false", JSON_TOK_FALSE, token);
    case 'n':
        return begin_word(t, "null", JSON_TOK_NULL, token);
    default:
        if (c != '-' && !is_digit(c))
            return refuse(t, "a value is expected here");
        return begin_number(t, c == '-', token);
    }
}

static enum err begin_comma_or_end(struct json_tok *t, char c, struct json_token *token)
{
    bool object = in_object(t);
    if (c == (object ? '}' : ']'))
        return close_nest(t, object, token);
    if (c != ',')
        return refuse(t, object ? "a comma or } is expected here" : "a comma or ] is expected here");
    t->want = object ? WANT_NAME : WANT_VALUE;
    t->begin = t->offset + t->at++;
    return give(t, JSON_TOK_COMMA, token);
}

/* AGAIN: the byte was taken and gives no token. */
static enum err begin(struct json_tok *t, char c, struct json_token *token)
{
    switch ((enum want)t->want) {
    case WANT_VALUE_OR_END:
        if (c == ']')
            return close_nest(t, false, token);
        return begin_value(t, c, token);
    case WANT_VALUE:
        return begin_value(t, c, token);
    case WANT_NAME_OR_END:
        if (c == '}')
            return close_nest(t, true, token);
        return c == '"' ? begin_string(t, true, token) : refuse(t, "a member name or } is expected here");
    case WANT_NAME:
        return c == '"' ? begin_string(t, true, token) : refuse(t, "a member name is expected here");
    case WANT_COLON:
        if (c != ':')
            return refuse(t, "a colon is expected here");
        t->at++;
        t->want = WANT_VALUE;
        return ERR_AGAIN;
    case WANT_COMMA_OR_END:
        return begin_comma_or_end(t, c, token);
    case WANT_NOTHING:
        break;
    }
    return refuse(t, "more bytes after the value");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static enum err read_token(struct json_tok *t, struct json_token *token)
{
    switch ((enum lex)t->lex) {
    case LEX_STRING:
        return read_string(t, token);
    case LEX_NUMBER:
        return read_number(t, token);
    case LEX_WORD:
        return read_word(t, token);
    case LEX_NONE:
        break;
    }
    while (t->at < t->in.len) {
        if (is_blank(t->in.at[t->at])) {
            t->at++;
            continue;
        }
        enum err e = begin(t, t->in.at[t->at], token);
        if (e != ERR_AGAIN)
            return e;
    }
    return ERR_AGAIN;
}

void json_tok_init(struct json_tok *t, size_t max_text)
{
    *t = (struct json_tok){.want = WANT_VALUE};
    buf_init(&t->text, max_text);
}

void json_tok_fini(struct json_tok *t)
{
    buf_fini(&t->text);
}

enum err json_tok_next(struct json_tok *t, struct slice *bytes, struct json_token *token)
{
    if (t->stuck != ERR_OK)
        return t->stuck;
    t->in = *bytes;
    t->at = 0;
    t->run = 0;
    token->text = (struct slice){0};
    enum err e = read_token(t, token);
    *bytes = slice_from(*bytes, t->at);
    t->offset += t->at;
    return e;
}

enum err json_tok_finish(struct json_tok *t, struct json_token *token)
{
    if (t->stuck != ERR_OK)
        return t->stuck;
    if (t->lex == LEX_NUMBER && t->depth == 0 && number_may_end(t->part)) {
        t->in = (struct slice){0};
        t->at = 0;
        t->run = 0;
        TRY(number_done(t, token));
        return ERR_AGAIN;
    }
    return t->want == WANT_NOTHING ? ERR_OK : refuse(t, "the text ends before its value does");
}

const char *json_tok_fault(const struct json_tok *t)
{
    return t->fault ? t->fault : "";
}

uint64_t json_tok_offset(const struct json_tok *t)
{
    return t->offset;
}

unsigned json_tok_depth(const struct json_tok *t)
{
    return t->depth;
}

bool json_tok_resting(const struct json_tok *t, bool *fresh)
{
    *fresh = t->want == WANT_NAME_OR_END || t->want == WANT_VALUE_OR_END;
    return t->lex == LEX_NONE && t->stuck == ERR_OK && (*fresh || t->want == WANT_COMMA_OR_END);
}

void json_tok_jump(struct json_tok *t, size_t bytes, size_t depth, bool fresh)
{
    t->offset += bytes;
    t->depth = (unsigned)depth;
    if (depth == 0)
        t->want = WANT_NOTHING;
    else if (!fresh)
        t->want = WANT_COMMA_OR_END;
    else
        t->want = in_object(t) ? WANT_NAME_OR_END : WANT_VALUE_OR_END;
}

bool json_tok_whole(struct slice text)
{
    struct json_tok t;
    struct json_token token;
    json_tok_init(&t, text.len);
    enum err e;
    do
        e = json_tok_next(&t, &text, &token);
    while (e == ERR_OK);
    if (e == ERR_AGAIN)
        do
            e = json_tok_finish(&t, &token);
        while (e == ERR_AGAIN);
    json_tok_fini(&t);
    return e == ERR_OK;
}
