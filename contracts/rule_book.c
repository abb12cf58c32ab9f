#include "contracts/rule_book.h"

#include "rules_contracts.h"

/* Which relations a file has; others need not be looked for there. */
static const struct {
    const char *file, *relations;
} pages[] = {
    {"kinds.dl", "kind"},
    {"kinds_proto.dl", "kind"},
    {"profiles.dl", "policy level mind tool"},
    {"names.dl", "equivalent category"},
    {"names_where.dl", "equivalent_where"},
};

static const char *relations_of(const char *file)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        if (slice_eq(slice_str(file), slice_str(pages[i].file)))
            return pages[i].relations;
    return NULL;
}

bool rule_book_has(const char *file)
{
    return relations_of(file) != NULL;
}

static bool has_relation(const char *file, struct slice relation)
{
    const char *relations = relations_of(file);
    struct slice rest = slice_str(relations ? relations : ""), word;
    while (slice_split(&rest, ' ', &word))
        if (slice_eq(word, relation))
            return true;
    return false;
}

/* The words in quotes up to the end of the fact; no word of the book has a quote in it. */
static bool read_row(struct slice *rest, struct rule_book_row *row)
{
    row->count = 0;
    while (rest->len) {
        size_t end;
        char c = rest->at[0];
        *rest = slice_from(*rest, 1);
        if (c == ')')
            return true;
        if (c != '"')
            continue;
        if (row->count == RULE_BOOK_COLUMNS || !slice_find(*rest, '"', &end))
            return false;
        row->column[row->count++] = slice_to(*rest, end);
        *rest = slice_from(*rest, end + 1);
    }
    return false;
}

/* Every fact begins a line. */
static bool next_in(struct slice *rest, struct slice relation, struct rule_book_row *row)
{
    size_t end;
    while (rest->len) {
        if (slice_starts(*rest, relation) && slice_starts(slice_from(*rest, relation.len), SLICE("(\""))) {
            *rest = slice_from(*rest, relation.len);
            return read_row(rest, row);
        }
        *rest = slice_find(*rest, '\n', &end) ? slice_from(*rest, end + 1) : slice_from(*rest, rest->len);
    }
    return false;
}

bool rule_book_next(struct rule_book_cursor *c, const char *relation, struct rule_book_row *row)
{
    for (;;) {
        if (next_in(&c->rest, slice_str(relation), row))
            return true;
        while (c->file < rules_contracts_count &&
               !has_relation(rules_contracts_files[c->file].file, slice_str(relation)))
            c->file++;
        if (c->file == rules_contracts_count)
            return false;
        c->rest = rules_contracts_files[c->file++].text;
    }
}
