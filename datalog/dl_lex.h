#ifndef WEFT_DATALOG_DL_LEX_H
#define WEFT_DATALOG_DL_LEX_H

/* dl_lex - characters to tokens with positions, and complaints that point at them.
 *
 * Lifetime: a lexer is a plain value that borrows its text; copying it marks a
 *           place to come back to.  Unescaped strings live in the arena it was given.
 * Threads:  belongs to one. */
#include "datalog/datalog.h"

enum dl_token_kind {
    DL_TOKEN_END,
    DL_TOKEN_NAME, /* may be qualified: old.field */
    DL_TOKEN_STRING,
    DL_TOKEN_NUMBER,
    DL_TOKEN_UNSIGNED, /* 42u */
    DL_TOKEN_FLOAT,
    DL_TOKEN_DIRECTIVE, /* .decl and its kin */
    DL_TOKEN_DOT,
    DL_TOKEN_COMMA,
    DL_TOKEN_SEMICOLON,
    DL_TOKEN_COLON,
    DL_TOKEN_IF, /* :- */
    DL_TOKEN_OPEN,
    DL_TOKEN_CLOSE,
    DL_TOKEN_BRACE_OPEN,
    DL_TOKEN_BRACE_CLOSE,
    DL_TOKEN_NOT,
    DL_TOKEN_EQ,
    DL_TOKEN_NE,
    DL_TOKEN_LT,
    DL_TOKEN_LE,
    DL_TOKEN_GT,
    DL_TOKEN_GE,
    DL_TOKEN_PLUS,
    DL_TOKEN_MINUS,
    DL_TOKEN_STAR,
    DL_TOKEN_SLASH,
    DL_TOKEN_PERCENT,
    DL_TOKEN_CARET,
    DL_TOKEN_ANY,     /* _ */
    DL_TOKEN_SUBTYPE, /* <: */
    DL_TOKEN_BAR,
    DL_TOKEN_SQUARE_OPEN,
    DL_TOKEN_SQUARE_CLOSE,
    DL_TOKEN_DOLLAR,
    DL_TOKEN_COUNT,
};

/* A place in one of the texts. */
struct dl_at {
    uint32_t text; /* which */
    uint32_t line, column, width;
};

struct dl_token {
    enum dl_token_kind kind;
    struct dl_at at;
    struct slice raw;  /* as written */
    struct slice text; /* of a string: unescaped */
    uint64_t number;
    bool minus; /* of a dotted number */
    double real;
};

/* The texts of one program, and where complaints about them go. */
struct dl_texts {
    const struct datalog_text *v;
    size_t count;
    struct diag *diag;
};

struct dl_lex {
    const struct dl_texts *texts;
    struct arena *arena;
    struct slice rest;
    uint32_t text, line, column;
    bool quiet; /* looking ahead: complaints come when the place is read for good */
};

void dl_lex_init(struct dl_lex *l, const struct dl_texts *texts, uint32_t text, struct arena *arena);
/* Bad characters are complained about and passed over. */
struct dl_token dl_lex_next(struct dl_lex *l);
/* "`)`", "a name": for "expected ...". */
const char *dl_lex_name(enum dl_token_kind kind);
/* Source on one line: comments out, every run of space one space. */
struct slice dl_lex_one_line(struct arena *arena, struct slice source);

/* Brings the complaints that came behind `before` (NULL: all) into the order of their places. */
void dl_lex_sort(const struct dl_texts *texts, struct diag_entry *before);
/* Only the first error of a place is kept: the instances of a component share their places.
 * `fix` may be NULL. */
void dl_lex_complain(const struct dl_texts *texts, enum diag_level level, struct dl_at at, const char *fix,
                     const char *format, ...) PRINTF_LIKE(5, 6);

#endif
