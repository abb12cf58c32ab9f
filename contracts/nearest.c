#include "contracts/nearest.h"

#include <ctype.h>
#include <stdio.h>

#include "base/diag.h"

enum { SLIP = 1000, NEAR = 500, LONGEST = 96, PARTS = 16 };

static bool is_slip(struct slice word, struct slice candidate)
{
    char text[LONGEST];
    if (candidate.len >= sizeof(text))
        return false;
    snprintf(text, sizeof(text), "%.*s", SLICE_FMT(candidate));
    const char *candidates[] = {text};
    return diag_nearest(word, candidates, 1) != NULL;
}

/* "member-removed" and "MEMBER_REMOVED" are made of the same words. */
static size_t split(struct slice name, struct slice *parts)
{
    size_t count = 0, i = 0;
    while (i < name.len && count < PARTS) {
        size_t from = i;
        while (i < name.len && isalnum((unsigned char)name.at[i]))
            i++;
        if (i > from)
            parts[count++] = slice_of(name.at + from, i - from);
        i += i < name.len;
    }
    return count;
}

/* Without "oasdiff:": that two names are of one tool does not make them alike. */
static struct slice without_tool(struct slice name)
{
    size_t colon;
    return slice_find(name, ':', &colon) ? slice_from(name, colon + 1) : name;
}

/* In thousandths: how many of the words of both they share. */
static unsigned likeness(struct slice a, struct slice b)
{
    struct slice x[PARTS], y[PARTS];
    size_t n = split(a, x), m = split(b, y), shared = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            if (y[k].len && slice_eq_nocase(x[i], y[k])) {
                y[k].len = 0;
                shared++;
                break;
            }
    return n + m ? (unsigned)(2 * SLIP * shared / (n + m)) : 0;
}

void nearest_try(struct nearest *n, struct slice candidate)
{
    unsigned score = is_slip(n->word, candidate) ? SLIP + 1 : likeness(without_tool(n->word), without_tool(candidate));
    size_t at = n->count;
    if (score < NEAR)
        return;
    for (size_t i = 0; i < n->count; i++)
        if (slice_eq(n->best[i], candidate))
            return;
    while (at > 0 && n->score[at - 1] < score)
        at--;
    if (at == NEAREST_MOST)
        return;
    n->count += n->count < NEAREST_MOST;
    for (size_t i = n->count - 1; i > at; i--) {
        n->best[i] = n->best[i - 1];
        n->score[i] = n->score[i - 1];
    }
    n->best[at] = candidate;
    n->score[at] = score;
}

/* Beside a slip of the finger what has some words in common is noise. */
void nearest_put(const struct nearest *n, struct buf *out)
{
    size_t count = n->count;
    while (count > 0 && n->score[0] > SLIP && n->score[count - 1] <= SLIP)
        count--;
    for (size_t i = 0; i < count; i++)
        buf_putf(out, "%s%.*s", i == 0 ? "did you mean " : i + 1 == count ? " or " : ", ", SLICE_FMT(n->best[i]));
    if (count)
        buf_put_char(out, '?');
}
