#include "contracts/import/pbtext.h"

#include "base/check.h"

enum { DEPTH = 100 };
enum token { T_END, T_WORD, T_NUMBER, T_STRING, T_SIGN };

struct reader {
    struct slice text;
    size_t at; /* behind the token */
    unsigned line;
    size_t line_from;
    enum token kind;
    struct slice token; /* a string's is decoded */
    size_t token_from;
    struct pbmodel_place place; /* of the token */
    const char *name;
    struct arena *arena;
    struct diag *diag;
    struct pbmodel_file *file;
    bool failed;
    int depth;
};

/* From here on the text reads as if it had ended, so that every loop ends. */
static void fail(struct reader *r, const char *expected)
{
    if (!r->failed) {
        struct diag_place p = {.file = r->name,
                               .text = r->text,
                               .line = r->place.line,
                               .column = r->place.column,
                               .width = (unsigned)(r->at > r->token_from ? r->at - r->token_from : 1)};
        diag_add(r->diag, DIAG_ERROR, &p, NULL, "%s is expected here", expected);
    }
    r->failed = true;
    r->kind = T_END;
    r->token = (struct slice){0};
    r->at = r->text.len;
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static char peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->text.len ? r->text.at[r->at + ahead] : '\0';
}

static void step(struct reader *r)
{
    if (r->text.at[r->at++] == '\n') {
        r->line++;
        r->line_from = r->at;
    }
}

static void skip_comment(struct reader *r)
{
    bool line = peek(r, 1) == '/';
    r->at += 2;
    while (r->at < r->text.len && (line ? peek(r, 0) != '\n' : !(peek(r, 0) == '*' && peek(r, 1) == '/')))
        step(r);
    if (line)
        return;
    if (r->at >= r->text.len)
        fail(r, "the end of the comment, */,");
    else
        r->at += 2;
}

static void skip_blank(struct reader *r)
{
    while (r->at < r->text.len) {
        char c = peek(r, 0);
        if (c == '/' && (peek(r, 1) == '/' || peek(r, 1) == '*'))
            skip_comment(r);
        else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f')
            step(r);
        else
            return;
    }
}

static int digit_value(char c)
{
    if (digit(c))
        return c - '0';
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : 99;
}

static char numeric_escape(struct reader *r, int base, int most)
{
    int value = 0;
    for (int i = 0; i < most && digit_value(peek(r, 0)) < base; i++) {
        value = value * base + digit_value(peek(r, 0));
        r->at++;
    }
    return (char)(value & 0xff);
}

/* \u and \U stay as they are written: they are compared, never shown as text. */
static void read_escape(struct reader *r, struct buf *out)
{
    static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
    char c = peek(r, 0);
    const char *known = c ? strchr(from, c) : NULL;
    if (c >= '0' && c <= '7') {
        buf_put_char(out, numeric_escape(r, 8, 3));
    } else if (c == 'x' || c == 'X') {
        r->at++;
        buf_put_char(out, numeric_escape(r, 16, 2));
    } else {
        if (c == 'u' || c == 'U')
            buf_put_char(out, '\\');
        buf_put_char(out, known ? to[known - from] : c);
        r->at += r->at < r->text.len;
    }
}

static void read_string(struct reader *r)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    char quote = peek(r, 0);
    r->at++;
    while (r->at < r->text.len && peek(r, 0) != quote && peek(r, 0) != '\n') {
        if (peek(r, 0) == '\\') {
            r->at++;
            read_escape(r, &out);
        } else {
            buf_put_char(&out, r->text.at[r->at++]);
        }
    }
    r->kind = T_STRING;
    r->token = arena_keep(r->arena, buf_slice(&out));
    buf_fini(&out);
    if (peek(r, 0) != quote)
        fail(r, "the end of the string");
    else
        r->at++;
}

static void read_number(struct reader *r)
{
    r->kind = T_NUMBER;
    while (letter(peek(r, 0)) || digit(peek(r, 0)) || peek(r, 0) == '.' ||
           ((peek(r, 0) == '+' || peek(r, 0) == '-') && (r->text.at[r->at - 1] | 0x20) == 'e' &&
            (r->text.at[r->token_from + 1] | 0x20) != 'x'))
        r->at++;
    r->token = slice_of(r->text.at + r->token_from, r->at - r->token_from);
}

static void next(struct reader *r)
{
    skip_blank(r);
    if (r->failed)
        return;
    r->token_from = r->at;
    r->place = (struct pbmodel_place){.line = r->line, .column = (unsigned)(r->at - r->line_from + 1)};
    char c = peek(r, 0);
    if (r->at >= r->text.len) {
        r->kind = T_END;
        r->token = (struct slice){0};
        return;
    }
    if (c == '"' || c == '\'') {
        read_string(r);
        return;
    }
    if (digit(c) || (c == '.' && digit(peek(r, 1)))) {
        read_number(r);
        return;
    }
    r->kind = letter(c) ? T_WORD : T_SIGN;
    do
        r->at++;
    while (r->kind == T_WORD && (letter(peek(r, 0)) || digit(peek(r, 0))));
    r->token = slice_of(r->text.at + r->token_from, r->at - r->token_from);
}

static bool is(const struct reader *r, const char *token)
{
    return (r->kind == T_WORD || r->kind == T_SIGN) && slice_eq(r->token, slice_str(token));
}

static bool take(struct reader *r, const char *token)
{
    if (!is(r, token))
        return false;
    next(r);
    return true;
}

static void want(struct reader *r, const char *token)
{
    if (!take(r, token))
        fail(r, token);
}

static struct slice want_word(struct reader *r, const char *what)
{
    struct slice word = r->token;
    if (r->kind != T_WORD) {
        fail(r, what);
        return SLICE("");
    }
    next(r);
    return word;
}

/* Strings beside each other are one. */
static struct slice want_string(struct reader *r)
{
    struct slice first = r->token;
    if (r->kind != T_STRING) {
        fail(r, "a string");
        return SLICE("");
    }
    next(r);
    if (r->kind != T_STRING)
        return first;
    struct buf all;
    buf_init(&all, BUF_TEXT_BOUND);
    buf_put(&all, first);
    for (; r->kind == T_STRING; next(r))
        buf_put(&all, r->token);
    first = arena_keep(r->arena, buf_slice(&all));
    buf_fini(&all);
    return first;
}

/* Decimal, octal and hexadecimal. */
static int64_t want_number(struct reader *r)
{
    bool minus = take(r, "-");
    struct slice s = r->token;
    uint64_t value = 0, base = 10;
    bool fine = r->kind == T_NUMBER;
    if (fine && s.len > 1 && s.at[0] == '0') {
        base = (s.at[1] | 0x20) == 'x' ? 16 : 8;
        s = slice_from(s, base == 16 ? 2 : 1);
    }
    for (size_t i = 0; fine && i < s.len; i++) {
        fine = (uint64_t)digit_value(s.at[i]) < base && value <= (uint64_t)INT32_MAX * 4;
        value = value * base + (uint64_t)digit_value(s.at[i]);
    }
    if (!fine || value > (uint64_t)UINT32_MAX) {
        fail(r, "a whole number of 32 bits");
        return 0;
    }
    next(r);
    return minus ? -(int64_t)value : (int64_t)value;
}

/* a.b.C or .a.b.C */
static struct slice want_name(struct reader *r)
{
    size_t from = r->token_from, end = from;
    (void)take(r, ".");
    do {
        end = r->at;
        (void)want_word(r, "a name");
    } while (take(r, "."));
    if (r->failed)
        return SLICE("");
    struct slice name = slice_of(r->text.at + from, end - from);
    bool plain = true;
    for (size_t i = 0; i < name.len; i++)
        plain = plain && (letter(name.at[i]) || digit(name.at[i]) || name.at[i] == '.');
    if (!plain || name.len >= PBMODEL_NAME)
        fail(r, plain ? "a shorter name" : "a name without blanks");
    return name;
}

static struct slice full_name(struct reader *r, const struct pbmodel_message *parent, struct slice name)
{
    struct slice scope = parent ? parent->name : r->file->package;
    if (scope.len + name.len >= PBMODEL_NAME) {
        fail(r, "a shorter name");
        return name;
    }
    return scope.len ? arena_putf(r->arena, "%.*s.%.*s", SLICE_FMT(scope), SLICE_FMT(name)) : name;
}

/* --- Options. */

static void add_option(struct reader *r, struct pbmodel_option **list, struct slice name, struct slice value)
{
    struct pbmodel_option *o = arena_new(r->arena, sizeof(*o));
    *o = (struct pbmodel_option){.name = name, .value = value};
    PBMODEL_PUT(list, o);
}

/* No option that matters has a long name. */
static struct slice joined(struct reader *r, struct slice a, struct slice b)
{
    if (a.len > PBMODEL_NAME)
        return a;
    return a.len ? arena_putf(r->arena, "%.*s.%.*s", SLICE_FMT(a), SLICE_FMT(b)) : b;
}

static void read_value(struct reader *r, struct pbmodel_option **l, struct slice name);

static bool deeper(struct reader *r)
{
    if (++r->depth > DEPTH)
        fail(r, "less nesting");
    return !r->failed;
}

/* { name: value [ext.name]: value other { ... } } */
static void read_aggregate(struct reader *r, struct pbmodel_option **l, struct slice name, const char *end)
{
    while (deeper(r) && !is(r, end)) {
        struct slice part;
        if (take(r, "[")) {
            part = arena_putf(r->arena, "(%.*s)", SLICE_FMT(want_name(r)));
            if (take(r, "/"))
                (void)want_name(r);
            want(r, "]");
        } else {
            part = want_word(r, "a name");
        }
        (void)take(r, ":");
        read_value(r, l, joined(r, name, part));
        if (!take(r, ","))
            (void)take(r, ";");
        r->depth--;
    }
    r->depth--;
    want(r, end);
}

static void read_value(struct reader *r, struct pbmodel_option **l, struct slice name)
{
    if (take(r, "{")) {
        read_aggregate(r, l, name, "}");
    } else if (take(r, "<")) {
        read_aggregate(r, l, name, ">");
    } else if (take(r, "[")) {
        while (deeper(r) && !is(r, "]")) {
            read_value(r, l, name);
            (void)take(r, ",");
            r->depth--;
        }
        r->depth--;
        want(r, "]");
    } else if (r->kind == T_STRING) {
        add_option(r, l, name, want_string(r));
    } else {
        bool minus = take(r, "-");
        if (!minus)
            (void)take(r, "+");
        if (r->kind != T_WORD && r->kind != T_NUMBER) {
            fail(r, "a value");
            return;
        }
        add_option(r, l, name, minus ? arena_putf(r->arena, "-%.*s", SLICE_FMT(r->token)) : r->token);
        next(r);
    }
}

/* name, (ext.name).part, features.(pb.cpp).string_type */
static void read_option(struct reader *r, struct pbmodel_option **list)
{
    struct slice name = {0};
    do {
        if (take(r, "(")) {
            struct slice ext = want_name(r);
            ext = slice_from(ext, slice_starts(ext, SLICE(".")));
            name = joined(r, name, arena_putf(r->arena, "(%.*s)", SLICE_FMT(ext)));
            want(r, ")");
        } else {
            name = joined(r, name, want_word(r, "an option's name"));
        }
    } while (take(r, "."));
    want(r, "=");
    read_value(r, list, name);
}

static void read_brackets(struct reader *r, struct pbmodel_option **list)
{
    if (!take(r, "["))
        return;
    do
        read_option(r, list);
    while (take(r, ","));
    want(r, "]");
}

static void read_option_line(struct reader *r, struct pbmodel_option **list)
{
    read_option(r, list);
    want(r, ";");
}

/* --- Reserved numbers and names. */

static void read_ranges(struct reader *r, struct pbmodel_range **list, int64_t max)
{
    do {
        struct pbmodel_range *range = arena_new(r->arena, sizeof(*range));
        range->from = range->to = want_number(r);
        if (take(r, "to")) {
            bool most = take(r, "max");
            range->to = most ? max : want_number(r);
        }
        PBMODEL_PUT(list, range);
    } while (take(r, ","));
}

enum { FIELD_MAX = 536870911, VALUE_MAX = 2147483647 };

static void read_reserved(struct reader *r, struct pbmodel_range **ranges, struct pbmodel_name **names, int64_t max)
{
    if (r->kind == T_NUMBER || is(r, "-")) {
        read_ranges(r, ranges, max);
    } else {
        do {
            struct pbmodel_name *n = arena_new(r->arena, sizeof(*n));
            n->name = r->kind == T_WORD ? want_word(r, "a name") : want_string(r);
            PBMODEL_PUT(names, n);
        } while (take(r, ","));
    }
    want(r, ";");
}

/* --- Enums. */

static void read_enum_value(struct reader *r, struct pbmodel_value ***last)
{
    struct pbmodel_value *v = arena_new(r->arena, sizeof(*v));
    struct pbmodel_option *options = NULL;
    v->at = r->place;
    v->name = want_word(r, "a value's name");
    want(r, "=");
    v->number = want_number(r);
    read_brackets(r, &options);
    want(r, ";");
    **last = v;
    *last = &v->next;
}

static void read_enum(struct reader *r, struct pbmodel_message *parent)
{
    struct pbmodel_enum *e = arena_new(r->arena, sizeof(*e));
    struct pbmodel_value **last = &e->values;
    e->parent = parent;
    e->at = r->place;
    e->name = full_name(r, parent, want_word(r, "an enum's name"));
    want(r, "{");
    while (!r->failed && !is(r, "}")) {
        if (take(r, "option"))
            read_option_line(r, &e->options);
        else if (take(r, "reserved"))
            read_reserved(r, &e->reserved, &e->reserved_names, VALUE_MAX);
        else if (!take(r, ";"))
            read_enum_value(r, &last);
    }
    want(r, "}");
    e->next = r->file->enums;
    r->file->enums = e;
}

/* --- Messages. */

/* Fields are appended: the last one is known. */
struct body {
    struct pbmodel_message *message; /* NULL: at the top */
    struct pbmodel_field **last;
    struct slice oneof, extendee;
};

static void read_body(struct reader *r, struct pbmodel_message *m);

static struct pbmodel_message *new_message(struct reader *r, struct pbmodel_message *parent, struct slice name)
{
    struct pbmodel_message *m = arena_new(r->arena, sizeof(*m));
    *m = (struct pbmodel_message){.parent = parent, .name = full_name(r, parent, name), .at = r->place};
    m->next = r->file->messages;
    r->file->messages = m;
    return m;
}

static void add_field(struct reader *r, struct body *b, struct pbmodel_field *f)
{
    f->parent = b->message;
    f->oneof = b->oneof;
    f->extendee = b->extendee;
    if (f->extendee.len) {
        f->name = full_name(r, b->message, f->name);
        f->next = r->file->extensions;
        r->file->extensions = f;
    } else {
        *b->last = f;
        b->last = &f->next;
    }
}

static struct slice lower(struct reader *r, struct slice s)
{
    char *copy = arena_new(r->arena, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        copy[i] = s.at[i] >= 'A' && s.at[i] <= 'Z' ? (char)(s.at[i] | 0x20) : s.at[i];
    return slice_of(copy, s.len);
}

static void read_group(struct reader *r, struct body *b, struct pbmodel_field *f)
{
    struct slice name = want_word(r, "a group's name");
    struct pbmodel_message *m = new_message(r, b->message, name);
    f->group = true;
    f->type = name;
    f->name = lower(r, name);
    want(r, "=");
    f->number = want_number(r);
    read_brackets(r, &f->options);
    add_field(r, b, f);
    want(r, "{");
    if (deeper(r))
        read_body(r, m);
    r->depth--;
    want(r, "}");
}

static void read_label(struct reader *r, struct pbmodel_field *f)
{
    if (take(r, "optional"))
        f->label = PBMODEL_OPTIONAL;
    else if (take(r, "required"))
        f->label = PBMODEL_REQUIRED;
    else if (take(r, "repeated"))
        f->label = PBMODEL_REPEATED;
}

/* A word that begins a type may also be the beginning of a longer name, as in `optional.Type`. */
static void read_field(struct reader *r, struct body *b)
{
    struct pbmodel_field *f = arena_new(r->arena, sizeof(*f));
    f->at = r->place;
    read_label(r, f);
    if (take(r, "group")) {
        read_group(r, b, f);
        return;
    }
    f->type = want_name(r);
    if (slice_eq(f->type, SLICE("map")) && take(r, "<")) {
        f->key = want_name(r);
        want(r, ",");
        f->type = want_name(r);
        want(r, ">");
    }
    f->name = want_word(r, "a field's name");
    want(r, "=");
    f->number = want_number(r);
    read_brackets(r, &f->options);
    want(r, ";");
    add_field(r, b, f);
}

static void read_oneof(struct reader *r, struct body *b)
{
    struct pbmodel_name *o = arena_new(r->arena, sizeof(*o));
    struct pbmodel_option *options = NULL;
    o->name = b->oneof = want_word(r, "a oneof's name");
    PBMODEL_PUT(&b->message->oneofs, o);
    want(r, "{");
    while (!r->failed && !is(r, "}")) {
        if (take(r, "option"))
            read_option_line(r, &options);
        else if (!take(r, ";"))
            read_field(r, b);
    }
    want(r, "}");
    b->oneof = (struct slice){0};
}

static void read_extend(struct reader *r, struct pbmodel_message *parent)
{
    struct body b = {.message = parent, .extendee = want_name(r)};
    want(r, "{");
    while (!r->failed && !is(r, "}"))
        if (!take(r, ";"))
            read_field(r, &b);
    want(r, "}");
}

static void read_extensions(struct reader *r, struct pbmodel_message *m)
{
    struct pbmodel_option *options = NULL;
    read_ranges(r, &m->extensions, FIELD_MAX);
    read_brackets(r, &options);
    want(r, ";");
}

static void read_message(struct reader *r, struct pbmodel_message *parent)
{
    struct pbmodel_message *m = new_message(r, parent, want_word(r, "a message's name"));
    want(r, "{");
    if (deeper(r))
        read_body(r, m);
    r->depth--;
    want(r, "}");
}

/* What follows a word that may begin a statement or be a type: "message M {" or "message.Type f = 1;". */
static bool statement(struct reader *r, const char *word)
{
    return is(r, word) && peek(r, 0) != '.' && take(r, word);
}

static void read_body(struct reader *r, struct pbmodel_message *m)
{
    struct body b = {.message = m, .last = &m->fields};
    while (!r->failed && !is(r, "}")) {
        if (statement(r, "message"))
            read_message(r, m);
        else if (statement(r, "enum"))
            read_enum(r, m);
        else if (statement(r, "extend"))
            read_extend(r, m);
        else if (statement(r, "extensions"))
            read_extensions(r, m);
        else if (statement(r, "reserved"))
            read_reserved(r, &m->reserved, &m->reserved_names, FIELD_MAX);
        else if (statement(r, "oneof"))
            read_oneof(r, &b);
        else if (statement(r, "option"))
            read_option_line(r, &m->options);
        else if (!take(r, ";"))
            read_field(r, &b);
    }
}

/* --- Services. */

static struct slice read_rpc_type(struct reader *r, bool *stream)
{
    want(r, "(");
    *stream = statement(r, "stream");
    struct slice type = want_name(r);
    want(r, ")");
    return type;
}

static void read_method(struct reader *r, struct pbmodel_service *s)
{
    struct pbmodel_method *m = arena_new(r->arena, sizeof(*m));
    m->at = r->place;
    m->name = want_word(r, "a method's name");
    m->request = read_rpc_type(r, &m->client_stream);
    want(r, "returns");
    m->response = read_rpc_type(r, &m->server_stream);
    if (take(r, "{")) {
        while (!r->failed && !is(r, "}"))
            if (take(r, "option"))
                read_option_line(r, &m->options);
            else
                want(r, ";");
        want(r, "}");
    } else {
        want(r, ";");
    }
    PBMODEL_PUT(&s->methods, m);
}

static void read_service(struct reader *r)
{
    struct pbmodel_service *s = arena_new(r->arena, sizeof(*s));
    struct pbmodel_option *options = NULL;
    s->at = r->place;
    s->name = full_name(r, NULL, want_word(r, "a service's name"));
    want(r, "{");
    while (!r->failed && !is(r, "}")) {
        if (take(r, "rpc"))
            read_method(r, s);
        else if (take(r, "option"))
            read_option_line(r, &options);
        else
            want(r, ";");
    }
    want(r, "}");
    PBMODEL_PUT(&r->file->services, s);
}

/* --- Files. */

static void read_import(struct reader *r)
{
    struct pbmodel_name *n = arena_new(r->arena, sizeof(*n));
    if (!take(r, "public") && !take(r, "weak"))
        (void)take(r, "option");
    n->name = want_string(r);
    want(r, ";");
    PBMODEL_PUT(&r->file->imports, n);
}

static void read_syntax(struct reader *r)
{
    want(r, "=");
    struct pbmodel_place at = r->place;
    r->file->syntax = want_string(r);
    want(r, ";");
    static const char *const known[] = {"proto2", "proto3", "2023", "2024"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (slice_eq(r->file->syntax, slice_str(known[i])))
            return;
    r->place = at;
    fail(r, "proto2, proto3, 2023 or 2024");
}

static void read_statement(struct reader *r)
{
    /* Symbols of edition 2024 may say who sees them. */
    if (!take(r, "export"))
        (void)take(r, "local");
    if (take(r, "syntax") || take(r, "edition")) {
        read_syntax(r);
    } else if (take(r, "package")) {
        r->file->package = want_name(r);
        want(r, ";");
    } else if (take(r, "import")) {
        read_import(r);
    } else if (take(r, "option")) {
        read_option_line(r, &r->file->options);
    } else if (take(r, "message")) {
        read_message(r, NULL);
    } else if (take(r, "enum")) {
        read_enum(r, NULL);
    } else if (take(r, "extend")) {
        read_extend(r, NULL);
    } else if (take(r, "service")) {
        read_service(r);
    } else if (!take(r, ";")) {
        fail(r, "syntax, package, import, option, message, enum, extend or service");
    }
}

enum err pbtext_read(struct slice text, const char *name, struct arena *arena, struct diag *diag,
                     struct pbmodel_file **out)
{
    struct reader r = {
        .text = arena_keep(arena, text),
        .line = 1,
        .name = arena_keep(arena, slice_str(name)).at,
        .arena = arena,
        .diag = diag,
    };
    if (slice_starts(r.text, SLICE("\xef\xbb\xbf")))
        r.at = r.line_from = 3;
    r.file = arena_new(arena, sizeof(*r.file));
    *r.file =
        (struct pbmodel_file){.name = arena_keep(arena, slice_str(name)), .path = r.name, .syntax = SLICE("proto2")};
    next(&r);
    while (r.kind != T_END)
        read_statement(&r);
    if (r.failed)
        return ERR_INPUT;
    *out = r.file;
    return ERR_OK;
}
