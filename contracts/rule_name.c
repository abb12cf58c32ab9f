#include "contracts/rule_name.h"

#include "contracts/rule_book.h"

/* Where names of rules stand: a relation, and a column of it. */
static const struct {
    const char *relation;
    size_t column;
} places[] = {{"kind", 2}, {"equivalent", 3}, {"category", 0}, {"equivalent_where", 3}};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

bool rule_name_known(struct slice name)
{
    struct rule_book_row row;
    for (size_t i = 0; i < PLACES; i++)
        for (struct rule_book_cursor c = {0}; rule_book_next(&c, places[i].relation, &row);)
            if (slice_eq(row.column[places[i].column], name))
                return true;
    return false;
}

bool rule_name_in(struct slice name, struct slice category)
{
    struct rule_book_row row;
    for (struct rule_book_cursor c = {0}; rule_book_next(&c, "category", &row);)
        if (slice_eq(row.column[0], category) && slice_eq(row.column[1], name))
            return true;
    return false;
}

/* "buf:" of "buf:FILE"; ours have none. */
static struct slice tool_of(struct slice name)
{
    size_t colon;
    return slice_find(name, ':', &colon) ? slice_to(name, colon + 1) : (struct slice){0};
}

void rule_name_offer(struct nearest *n)
{
    struct rule_book_row row;
    struct slice tool = tool_of(n->word);
    for (size_t i = 0; i < PLACES; i++)
        for (struct rule_book_cursor c = {0}; rule_book_next(&c, places[i].relation, &row);) {
            struct slice name = row.column[places[i].column];
            if (slice_eq(tool_of(name), tool))
                nearest_try(n, name);
        }
}

void rule_name_put_nearest(struct slice name, struct buf *out)
{
    struct nearest n = {.word = name};
    rule_name_offer(&n);
    nearest_put(&n, out);
}
