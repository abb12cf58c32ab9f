#include "contracts/rule_name.h"

#include <stdio.h>

#include "base/diag.h"
#include "rules_contracts.h"

/* Every rule's name stands quoted and third in a kind(...) row: kind("k", "direction", "rule", ... */
static bool next_name(struct slice *text, struct slice *name)
{
    enum { THIRD = 3 };
    while (text->len) {
        size_t at;
        if (!slice_find(*text, 'k', &at))
            return false;
        *text = slice_from(*text, at);
        if (!slice_starts(*text, SLICE("kind(\""))) {
            *text = slice_from(*text, 1);
            continue;
        }
        *text = slice_from(*text, 5);
        for (int i = 0; i < THIRD; i++) {
            if (!slice_find(*text, '"', &at))
                return false;
            *text = slice_from(*text, at + 1);
            if (!slice_find(*text, '"', &at))
                return false;
            *name = slice_to(*text, at);
            *text = slice_from(*text, at + 1);
        }
        return true;
    }
    return false;
}

bool rule_name_known(struct slice name)
{
    struct slice found;
    for (size_t i = 0; i < rules_contracts_count; i++)
        for (struct slice rest = rules_contracts_files[i].text; next_name(&rest, &found);)
            if (slice_eq(found, name))
                return true;
    return false;
}

/* Both stand quoted in the rows that tell rules and categories. */
bool rule_name_buf(struct slice name)
{
    char quoted[96];
    if (name.len == 0 || name.len + 3 > sizeof(quoted))
        return false;
    snprintf(quoted, sizeof(quoted), "\"%.*s\")", SLICE_FMT(name));
    for (size_t i = 0; i < rules_contracts_count; i++)
        for (struct slice rest = rules_contracts_files[i].text, line; slice_split(&rest, '\n', &line);)
            if (slice_starts(line, SLICE("proto_rule(")) || slice_starts(line, SLICE("proto_category(")))
                if (slice_has(line, slice_str(quoted)))
                    return true;
    return false;
}

const char *rule_name_nearest(struct slice name, char *room, size_t size)
{
    struct slice found;
    for (size_t i = 0; i < rules_contracts_count; i++)
        for (struct slice rest = rules_contracts_files[i].text; next_name(&rest, &found);) {
            snprintf(room, size, "%.*s", SLICE_FMT(found));
            const char *candidates[] = {room};
            if (diag_nearest(name, candidates, 1))
                return room;
        }
    return NULL;
}
