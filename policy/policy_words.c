#include "policy/policy_words.h"

static bool is_first(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '?';
}

static bool is_later(char c)
{
    return is_first(c) || (c >= '0' && c <= '9');
}

/* One past what begins at `from` and ends with `mark`; the end of the text when it never does. */
static size_t past(struct slice text, size_t from, struct slice mark)
{
    while (from < text.len && !slice_starts(slice_from(text, from), mark))
        from++;
    return from < text.len ? from + mark.len : text.len;
}

/* `at` is a quote. */
static size_t past_string(struct slice text, size_t at)
{
    for (at++; at < text.len && text.at[at] != '"' && text.at[at] != '\n'; at++)
        at += text.at[at] == '\\';
    return at < text.len ? at + 1 : text.len;
}

static size_t past_blanks(struct slice text, size_t at)
{
    while (at < text.len && (text.at[at] == ' ' || text.at[at] == '\t' || text.at[at] == '\n' || text.at[at] == '\r'))
        at++;
    return at;
}

/* Past one thing that is no name. */
static size_t past_other(struct slice text, size_t at)
{
    struct slice rest = slice_from(text, at);
    if (slice_starts(rest, SLICE("//")))
        return past(text, at, SLICE("\n"));
    if (slice_starts(rest, SLICE("/*")))
        return past(text, at + 2, SLICE("*/"));
    if (text.at[at] == '"')
        return past_string(text, at);
    return at + 1;
}

/* `at` is just past the name. */
static void find_constant(struct slice text, size_t at, struct policy_word *word)
{
    at = past_blanks(text, at);
    if (at >= text.len || text.at[at] != '(')
        return;
    at = past_blanks(text, at + 1);
    if (at >= text.len || text.at[at] != '"')
        return;
    size_t end = past_string(text, at);
    struct slice inside = slice_to(slice_from(text, at + 1), end - at - 1);
    size_t backslash;
    if (!slice_ends(inside, SLICE("\"")) || slice_find(inside, '\\', &backslash))
        return;
    word->has_constant = true;
    word->constant = slice_to(inside, inside.len - 1);
}

bool policy_words_next(struct slice text, size_t *at, struct policy_word *word)
{
    size_t from = *at;
    while (from < text.len && !is_first(text.at[from]))
        from = past_other(text, from);
    if (from >= text.len)
        return false;
    size_t end = from + 1;
    while (end < text.len && is_later(text.at[end]))
        end++;
    *word = (struct policy_word){.name = slice_to(slice_from(text, from), end - from), .at = from};
    find_constant(text, end, word);
    *at = end;
    return true;
}
