#include "datalog/dl_lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

enum { MESSAGE_ROOM = 512, FLOAT_ROOM = 64 };

static const char *const token_names[DL_TOKEN_COUNT] = {
    [DL_TOKEN_END] = "the end of the text",
    [DL_TOKEN_NAME] = "a name",
    [DL_TOKEN_STRING] = "a string",
    [DL_TOKEN_NUMBER] = "a number",
    [DL_TOKEN_UNSIGNED] = "an unsigned number",
    [DL_TOKEN_FLOAT] = "a float",
    [DL_TOKEN_DIRECTIVE] = "a directive",
    [DL_TOKEN_DOT] = "`.`",
    [DL_TOKEN_COMMA] = "`,`",
    [DL_TOKEN_SEMICOLON] = "`;`",
    [DL_TOKEN_COLON] = "`:`",
    [DL_TOKEN_IF] = "`:-`",
    [DL_TOKEN_OPEN] = "`(`",
    [DL_TOKEN_CLOSE] = "`)`",
    [DL_TOKEN_BRACE_OPEN] = "`{`",
    [DL_TOKEN_BRACE_CLOSE] = "`}`",
    [DL_TOKEN_NOT] = "`!`",
    [DL_TOKEN_EQ] = "`=`",
    [DL_TOKEN_NE] = "`!=`",
    [DL_TOKEN_LT] = "`<`",
    [DL_TOKEN_LE] = "`<=`",
    [DL_TOKEN_GT] = "`>`",
    [DL_TOKEN_GE] = "`>=`",
    [DL_TOKEN_PLUS] = "`+`",
    [DL_TOKEN_MINUS] = "`-`",
    [DL_TOKEN_STAR] = "`*`",
    [DL_TOKEN_SLASH] = "`/`",
    [DL_TOKEN_PERCENT] = "`%`",
    [DL_TOKEN_CARET] = "`^`",
    [DL_TOKEN_ANY] = "`_`",
    [DL_TOKEN_SUBTYPE] = "`<:`",
    [DL_TOKEN_BAR] = "`|`",
    [DL_TOKEN_SQUARE_OPEN] = "`[`",
    [DL_TOKEN_SQUARE_CLOSE] = "`]`",
    [DL_TOKEN_DOLLAR] = "`$`",
};

/* Longer marks first. */
static const struct {
    const char *mark;
    enum dl_token_kind kind;
} marks[] = {
    {":-", DL_TOKEN_IF},         {"!=", DL_TOKEN_NE},          {"<:", DL_TOKEN_SUBTYPE}, {"<=", DL_TOKEN_LE},
    {">=", DL_TOKEN_GE},         {".", DL_TOKEN_DOT},          {",", DL_TOKEN_COMMA},    {";", DL_TOKEN_SEMICOLON},
    {":", DL_TOKEN_COLON},       {"(", DL_TOKEN_OPEN},         {")", DL_TOKEN_CLOSE},    {"{", DL_TOKEN_BRACE_OPEN},
    {"!", DL_TOKEN_NOT},         {"}", DL_TOKEN_BRACE_CLOSE},  {"=", DL_TOKEN_EQ},       {"<", DL_TOKEN_LT},
    {">", DL_TOKEN_GT},          {"+", DL_TOKEN_PLUS},         {"-", DL_TOKEN_MINUS},    {"*", DL_TOKEN_STAR},
    {"/", DL_TOKEN_SLASH},       {"%", DL_TOKEN_PERCENT},      {"^", DL_TOKEN_CARET},    {"|", DL_TOKEN_BAR},
    {"[", DL_TOKEN_SQUARE_OPEN}, {"]", DL_TOKEN_SQUARE_CLOSE}, {"$", DL_TOKEN_DOLLAR},
};

static const char *const directives[] = {
    ".decl",    ".type",     ".input",  ".output",  ".printsize", ".limitsize",   ".comp",        ".init",
    ".include", ".override", ".pragma", ".functor", ".plan",      ".number_type", ".symbol_type", ".once"};

static bool said_there(const struct diag *d, const struct diag_place *place)
{
    for (const struct diag_entry *e = d->first; e; e = e->next)
        if (e->level == DIAG_ERROR && e->line == place->line && e->column == place->column &&
            slice_eq(e->file, slice_str(place->file)))
            return true;
    return false;
}

void dl_lex_complain(const struct dl_texts *texts, enum diag_level level, struct dl_at at, const char *fix,
                     const char *format, ...)
{
    const struct datalog_text *t = &texts->v[at.text];
    struct diag_place place = {t->file, t->text, at.line, at.column, at.width};
    if (said_there(texts->diag, &place))
        return;
    char message[MESSAGE_ROOM];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    diag_add(texts->diag, level, &place, fix, "%s", message);
}

/* A complaint's place among all texts. */
struct placed {
    struct diag_entry *entry;
    size_t text, at;
};

static int by_place(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->text != y->text)
        return x->text < y->text ? -1 : 1;
    if (x->entry->line != y->entry->line)
        return x->entry->line < y->entry->line ? -1 : 1;
    if (x->entry->column != y->entry->column)
        return x->entry->column < y->entry->column ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static size_t text_of(const struct dl_texts *texts, const struct diag_entry *e)
{
    size_t i = 0;
    while (i < texts->count && !slice_eq(e->file, slice_str(texts->v[i].file)))
        i++;
    return i;
}

void dl_lex_sort(const struct dl_texts *texts, struct diag_entry *before)
{
    struct diag_entry **link = before ? &before->next : &texts->diag->first;
    size_t count = 0;
    for (const struct diag_entry *e = *link; e; e = e->next)
        count++;
    if (count < 2)
        return;
    struct placed *all = mem_array(count, sizeof(*all));
    struct diag_entry *e = *link;
    for (size_t i = 0; i < count; i++, e = e->next)
        all[i] = (struct placed){e, text_of(texts, e), i};
    qsort(all, count, sizeof(*all), by_place);
    for (size_t i = 0; i < count; i++) {
        *link = all[i].entry;
        link = &all[i].entry->next;
    }
    *link = NULL;
    texts->diag->last = all[count - 1].entry;
    mem_free(all);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '?';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c);
}

/* The byte `n` on, or 0 past the end. */
static char peek(const struct dl_lex *l, size_t n)
{
    return n < l->rest.len ? l->rest.at[n] : '\0';
}

static void advance(struct dl_lex *l, size_t n)
{
    for (size_t i = 0; i < n && i < l->rest.len; i++) {
        l->column++;
        if (l->rest.at[i] == '\n') {
            l->line++;
            l->column = 1;
        }
    }
    l->rest = slice_from(l->rest, n);
}

static struct dl_at here(const struct dl_lex *l, size_t width)
{
    return (struct dl_at){l->text, l->line, l->column, (uint32_t)width};
}

static void lex_complain(const struct dl_lex *l, struct dl_at at, const char *fix, const char *message)
{
    if (!l->quiet)
        dl_lex_complain(l->texts, DIAG_ERROR, at, fix, "%s", message);
}

static size_t to_line_end(const struct dl_lex *l)
{
    size_t n = 0;
    while (n < l->rest.len && l->rest.at[n] != '\n')
        n++;
    return n;
}

static void skip_block_comment(struct dl_lex *l)
{
    struct dl_at at = here(l, 2);
    size_t n = 2;
    while (n < l->rest.len && !(peek(l, n) == '*' && peek(l, n + 1) == '/'))
        n++;
    if (n >= l->rest.len)
        lex_complain(l, at, NULL, "this comment has no end");
    advance(l, n + 2);
}

/* Past space, comments and #-lines: true when something was passed. */
static bool skip_space(struct dl_lex *l)
{
    char c = peek(l, 0);
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        advance(l, 1);
    } else if (c == '/' && peek(l, 1) == '/') {
        advance(l, to_line_end(l));
    } else if (c == '/' && peek(l, 1) == '*') {
        skip_block_comment(l);
    } else if (c == '#') {
        lex_complain(l, here(l, to_line_end(l)), "use .include, .decl or a rule instead", "there is no preprocessor");
        advance(l, to_line_end(l));
    } else {
        return false;
    }
    return l->rest.len > 0;
}

static struct dl_token token_of(struct dl_lex *l, enum dl_token_kind kind, size_t len)
{
    struct dl_token t = {.kind = kind, .at = here(l, len), .raw = slice_to(l->rest, len)};
    t.text = t.raw;
    advance(l, len);
    return t;
}

static bool is_directive(struct slice word)
{
    for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
        if (slice_eq(word, slice_str(directives[i])))
            return true;
    return false;
}

static size_t word_end(const struct dl_lex *l, size_t n)
{
    while (is_word(peek(l, n)))
        n++;
    return n;
}

static size_t qualified_end(const struct dl_lex *l)
{
    size_t n = word_end(l, 0);
    while (peek(l, n) == '.' && is_letter(peek(l, n + 1))) {
        size_t end = word_end(l, n + 1);
        /* probe.decl is two things, new.type(x) is one. */
        if (peek(l, end) != '(' && is_directive(slice_of(l->rest.at + n, end - n)))
            break;
        n = end;
    }
    return n;
}

static struct dl_token lex_name(struct dl_lex *l)
{
    size_t n = qualified_end(l);
    return token_of(l, n == 1 && peek(l, 0) == '_' ? DL_TOKEN_ANY : DL_TOKEN_NAME, n);
}

static int digit_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

static struct dl_token lex_float(struct dl_lex *l, size_t n)
{
    for (n++; is_digit(peek(l, n));)
        n++;
    if (peek(l, n) == 'e' || peek(l, n) == 'E') {
        size_t sign = peek(l, n + 1) == '-' || peek(l, n + 1) == '+';
        if (is_digit(peek(l, n + 1 + sign)))
            for (n += 2 + sign; is_digit(peek(l, n));)
                n++;
    }
    char text[FLOAT_ROOM] = {0};
    struct dl_token t = token_of(l, DL_TOKEN_FLOAT, n);
    if (n >= sizeof(text)) {
        lex_complain(l, t.at, NULL, "this number has too many digits");
        return t;
    }
    memcpy(text, t.raw.at, n);
    t.real = strtod(text, NULL);
    if (t.real > 1.7976931348623157e308)
        lex_complain(l, t.at, NULL, "this number is too large for a float");
    return t;
}

/* 10.0.0.1: four bytes, as one number of 32 bits with its sign.  0: there is none here. */
static size_t dotted_end(const struct dl_lex *l, uint32_t *value)
{
    size_t n = 0;
    *value = 0;
    for (int part = 0; part < 4; part++) {
        unsigned byte = 0;
        size_t first = part ? ++n : n;
        for (; is_digit(peek(l, n)) && n < first + 3; n++)
            byte = byte * 10 + (unsigned)(peek(l, n) - '0');
        if (n == first || byte > 255 || (part < 3 && peek(l, n) != '.'))
            return 0;
        *value = *value << 8 | byte;
    }
    return is_word(peek(l, n)) ? 0 : n;
}

static struct dl_token lex_number(struct dl_lex *l)
{
    int base = 10;
    uint32_t dotted;
    size_t n = dotted_end(l, &dotted);
    if (n > 0) {
        struct dl_token t = token_of(l, DL_TOKEN_NUMBER, n);
        t.minus = dotted > INT32_MAX;
        t.number = t.minus ? (uint64_t)UINT32_MAX + 1 - dotted : dotted;
        return t;
    }
    if (peek(l, 0) == '0' && (peek(l, 1) == 'x' || peek(l, 1) == 'b')) {
        base = peek(l, 1) == 'x' ? 16 : 2;
        n = 2;
    }
    size_t first = n;
    uint64_t value = 0;
    bool over = false;
    for (; digit_value(peek(l, n)) < base; n++)
        over |= __builtin_mul_overflow(value, (uint64_t)base, &value) ||
                __builtin_add_overflow(value, (uint64_t)digit_value(peek(l, n)), &value);
    if (base == 10 && peek(l, n) == '.' && is_digit(peek(l, n + 1)))
        return lex_float(l, n);
    bool empty = n == first;
    bool is_unsigned = peek(l, n) == 'u';
    struct dl_token t = token_of(l, is_unsigned ? DL_TOKEN_UNSIGNED : DL_TOKEN_NUMBER, n + is_unsigned);
    t.number = value;
    if (over)
        lex_complain(l, t.at, NULL, "this number does not fit 64 bits");
    if (empty || is_word(peek(l, 0)))
        lex_complain(l, t.at, NULL, "this is no number");
    if (empty || is_word(peek(l, 0)))
        advance(l, word_end(l, 0));
    return t;
}

/* One escape at byte `n` of the text, after the backslash: bytes used, 0: there is no such escape. */
static size_t unescape(const struct dl_lex *l, size_t n, char *out)
{
    static const char from[] = "ntr0\"\\", to[] = "\n\t\r\0\"\\";
    char c = peek(l, n);
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        *out = to[known - from];
        return 1;
    }
    int high = digit_value(peek(l, n + 1)), low = high < 16 ? digit_value(peek(l, n + 2)) : 99;
    if (c != 'x' || low >= 16)
        return 0;
    *out = (char)(high * 16 + low);
    return 3;
}

static size_t string_end(const struct dl_lex *l)
{
    size_t n = 1;
    while (n < l->rest.len && peek(l, n) != '"' && peek(l, n) != '\n')
        n += peek(l, n) == '\\' && n + 1 < l->rest.len && peek(l, n + 1) != '\n' ? 2 : 1;
    return n;
}

static struct dl_token lex_string(struct dl_lex *l)
{
    size_t end = string_end(l), len = 0;
    char *text = l->quiet ? NULL : arena_new(l->arena, end);
    for (size_t n = 1; text && n < end;) {
        char c = peek(l, n);
        size_t used = 1;
        if (c == '\\') {
            used = unescape(l, n + 1, &c) + 1;
            struct dl_at at = here(l, 2);
            at.column += (uint32_t)n;
            if (used == 1)
                lex_complain(l, at, "known are \\n \\t \\r \\0 \\\" \\\\ \\xHH", "unknown escape");
        }
        text[len++] = c;
        n += used;
    }
    if (peek(l, end) != '"')
        lex_complain(l, here(l, end), NULL, "this string has no closing `\"` on its line");
    struct dl_token t = token_of(l, DL_TOKEN_STRING, end + (peek(l, end) == '"'));
    t.text = slice_of(text, len);
    return t;
}

static bool lex_directive(struct dl_lex *l, struct dl_token *t)
{
    size_t n = word_end(l, 1);
    if (!is_letter(peek(l, 1)) || !is_directive(slice_to(l->rest, n)))
        return false;
    *t = token_of(l, DL_TOKEN_DIRECTIVE, n);
    return true;
}

static bool lex_mark(struct dl_lex *l, struct dl_token *t)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        const char *mark = marks[i].mark;
        if (mark[0] != peek(l, 0) || (mark[1] && mark[1] != peek(l, 1)))
            continue;
        *t = token_of(l, marks[i].kind, mark[1] ? 2 : 1);
        return true;
    }
    return false;
}

static const char *why_bad(char c)
{
    if (c == '@')
        return "functors of one's own are not part of this language";
    return "this character has no meaning here";
}

void dl_lex_init(struct dl_lex *l, const struct dl_texts *texts, uint32_t text, struct arena *arena)
{
    *l = (struct dl_lex){
        .texts = texts, .arena = arena, .rest = texts->v[text].text, .text = text, .line = 1, .column = 1};
}

struct dl_token dl_lex_next(struct dl_lex *l)
{
    for (;;) {
        while (skip_space(l))
            continue;
        char c = peek(l, 0);
        struct dl_token t;
        if (l->rest.len == 0)
            return token_of(l, DL_TOKEN_END, 0);
        if (is_letter(c))
            return lex_name(l);
        if (is_digit(c))
            return lex_number(l);
        if (c == '"')
            return lex_string(l);
        if (lex_directive(l, &t) || lex_mark(l, &t))
            return t;
        lex_complain(l, here(l, 1), NULL, why_bad(c));
        advance(l, 1);
    }
}

const char *dl_lex_name(enum dl_token_kind kind)
{
    return token_names[kind];
}

/* Past a blank or a comment: how much, 0 for neither. */
static size_t gap(struct slice s)
{
    if (s.len == 0)
        return 0;
    if (s.at[0] == ' ' || s.at[0] == '\t' || s.at[0] == '\n' || s.at[0] == '\r')
        return 1;
    if (s.at[0] != '/')
        return 0;
    size_t end = s.len;
    if (slice_starts(s, SLICE("//"))) {
        slice_find(s, '\n', &end);
        return end;
    }
    if (!slice_starts(s, SLICE("/*")))
        return 0;
    for (end = 2; end < s.len && !slice_starts(slice_from(s, end), SLICE("*/")); end++)
        continue;
    return end + 2 < s.len ? end + 2 : s.len;
}

/* A string with its quotes, else one character. */
static size_t piece(struct slice s)
{
    if (s.at[0] != '"')
        return 1;
    size_t end = 1;
    while (end < s.len && s.at[end] != '"')
        end += s.at[end] == '\\' && end + 1 < s.len ? 2 : 1;
    return end < s.len ? end + 1 : s.len;
}

struct slice dl_lex_one_line(struct arena *arena, struct slice source)
{
    char *out = arena_new(arena, source.len + 1);
    size_t len = 0, n;
    for (size_t at = 0; at < source.len; at += n) {
        n = gap(slice_from(source, at));
        if (n > 0) {
            if (len > 0 && out[len - 1] != ' ')
                out[len++] = ' ';
            continue;
        }
        n = piece(slice_from(source, at));
        if (n == 1)
            out[len] = source.at[at];
        else
            memcpy(out + len, source.at + at, n);
        len += n;
    }
    return slice_of(out, len > 0 && out[len - 1] == ' ' ? len - 1 : len);
}
