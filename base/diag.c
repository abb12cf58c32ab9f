#include "base/diag.h"

#include <stdarg.h>

/* SHOWN is how much of a line is shown; BEFORE how much of that stands before the place, in a line that is
 * longer: a minified file is one line of megabytes. */
enum { MOST_ENTRIES = 100, SHOWN = 160, BEFORE = 60, MESSAGE_SHOWN = 2000, WORD_MOST = 64 };

void diag_init(struct diag *d)
{
    *d = (struct diag){.most = MOST_ENTRIES};
}

void diag_fini(struct diag *d)
{
    arena_fini(&d->arena);
    d->first = NULL;
    d->last = NULL;
}

/* Line `number` of `text`, 1-based; empty when there is none. */
static struct slice line_of(struct slice text, unsigned number)
{
    size_t end = 0;
    for (unsigned i = 1; i < number; i++) {
        if (!slice_find(text, '\n', &end))
            return (struct slice){0};
        text = slice_from(text, end + 1);
    }
    if (slice_find(text, '\n', &end))
        text = slice_to(text, end);
    return slice_ends(text, SLICE("\r")) ? slice_to(text, text.len - 1) : text;
}

/* Keeps the part of the line around the place, from its first byte that is not blank. */
static void keep_source(struct diag *d, struct diag_entry *e, struct slice line)
{
    size_t from = 0;
    size_t at = e->column ? e->column - 1 : 0;
    if (line.len > SHOWN && at > BEFORE)
        from = at - BEFORE < line.len ? at - BEFORE : line.len;
    while (from < line.len && from < at && (line.at[from] == ' ' || line.at[from] == '\t'))
        from++;
    e->source = arena_keep(&d->arena, slice_to(slice_from(line, from), SHOWN));
    e->source_from = (unsigned)from + 1;
}

static void count(struct diag *d, enum diag_level level)
{
    switch (level) {
    case DIAG_NOTE:
        break;
    case DIAG_WARNING:
        d->warnings++;
        break;
    case DIAG_ERROR:
        d->errors++;
        break;
    }
    d->seen++;
}

void diag_add(struct diag *d, enum diag_level level, const struct diag_place *place, const char *fix,
              const char *format, ...)
{
    count(d, level);
    if (d->seen > d->most)
        return;
    struct diag_entry *e = arena_new(&d->arena, sizeof(*e));
    struct buf message;
    va_list args;
    buf_init(&message, BUF_TEXT_BOUND);
    va_start(args, format);
    buf_vputf(&message, format, args);
    va_end(args);
    e->level = level;
    e->message = arena_keep(&d->arena, buf_slice(&message));
    buf_fini(&message);
    e->fix = arena_keep(&d->arena, slice_str(fix));
    if (place) {
        e->file = arena_keep(&d->arena, slice_str(place->file));
        e->line = place->line;
        e->column = place->column;
        e->width = place->width;
        if (place->line)
            keep_source(d, e, line_of(place->text, place->line));
    }
    if (d->last)
        d->last->next = e;
    else
        d->first = e;
    d->last = e;
}

static const char *level_word(enum diag_level level)
{
    switch (level) {
    case DIAG_NOTE:
        return "note";
    case DIAG_WARNING:
        return "warning";
    case DIAG_ERROR:
        return "error";
    }
    return "";
}

static void print_place(const struct diag_entry *e, struct buf *out)
{
    if (e->file.len == 0)
        return;
    if (slice_eq(e->file, SLICE("-")))
        buf_put(out, SLICE("standard input"));
    else
        buf_put_safe(out, e->file, MESSAGE_SHOWN);
    if (e->line)
        buf_putf(out, ":%u", e->line);
    if (e->line && e->column)
        buf_putf(out, ":%u", e->column);
    buf_put(out, SLICE(": "));
}

/* Adds `bytes` for people, tabs as one blank; gives back how many columns that took. */
static size_t print_source(struct slice bytes, struct buf *out)
{
    size_t before = buf_len(out);
    for (size_t i = 0; i < bytes.len; i++)
        buf_put_safe(out, bytes.at[i] == '\t' ? SLICE(" ") : slice_of(bytes.at + i, 1), 1);
    return buf_len(out) - before;
}

static void print_caret(const struct diag_entry *e, struct buf *out)
{
    if (e->source.len == 0)
        return;
    size_t at = e->column > e->source_from ? e->column - e->source_from : 0;
    struct slice before = slice_to(e->source, at);
    struct slice marked = slice_to(slice_from(e->source, at), e->width ? e->width : 1);
    buf_put(out, SLICE("  "));
    size_t blanks = print_source(before, out);
    size_t marks = print_source(marked, out);
    print_source(slice_from(e->source, before.len + marked.len), out);
    buf_put_char(out, '\n');
    if (e->column == 0)
        return;
    buf_putf(out, "  %*s^", (int)blanks, "");
    for (size_t i = 1; i < marks; i++)
        buf_put_char(out, '~');
    buf_put_char(out, '\n');
}

static void print_entry(const struct diag_entry *e, struct buf *out)
{
    print_place(e, out);
    buf_putf(out, "%s: ", level_word(e->level));
    buf_put_safe(out, e->message, MESSAGE_SHOWN);
    buf_put_char(out, '\n');
    print_caret(e, out);
    if (e->fix.len) {
        buf_put(out, SLICE("  "));
        buf_put_safe(out, e->fix, MESSAGE_SHOWN);
        buf_put_char(out, '\n');
    }
}

void diag_print(const struct diag *d, struct buf *out)
{
    for (const struct diag_entry *e = d->first; e; e = e->next)
        print_entry(e, out);
    if (d->seen > d->most)
        buf_putf(out, "and %u more\n", d->seen - d->most);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row of the table at a time. */
static size_t distance(struct slice a, struct slice b)
{
    size_t row[WORD_MOST + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            size_t swap = corner + (a.at[i - 1] != b.at[j - 1]);
            row[j] = least(swap, least(above, row[j - 1]) + 1);
            corner = above;
        }
    }
    return row[b.len];
}

const char *diag_nearest(struct slice word, const char *const *candidates, size_t candidate_count)
{
    const char *nearest = NULL;
    size_t nearest_far = 3;
    if (word.len > WORD_MOST)
        return NULL;
    for (size_t i = 0; i < candidate_count; i++) {
        struct slice candidate = slice_str(candidates[i]);
        if (candidate.len > WORD_MOST)
            continue;
        size_t far = distance(word, candidate);
        /* Two words with nothing in common are no slip of the finger. */
        bool alike = far < word.len || far < candidate.len;
        if (alike && far < nearest_far) {
            nearest = candidates[i];
            nearest_far = far;
        }
    }
    return nearest;
}
