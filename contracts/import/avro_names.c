#include "contracts/import/avro_names.h"

void avro_names_fini(struct avro_names *n)
{
    map_fini(&n->types);
}

const struct avro_named *avro_names_put(struct avro_names *n, struct avro_named *type)
{
    const struct avro_named *before = map_get(&n->types, type->full);
    if (!before)
        map_put(&n->types, type->full, type);
    return before;
}

const struct avro_named *avro_names_find(const struct avro_names *n, struct slice name, struct slice space)
{
    const struct avro_named *found = map_get(&n->types, avro_names_full(n->arena, name, space));
    return found ? found : map_get(&n->types, name);
}

struct slice avro_names_full(struct arena *a, struct slice name, struct slice space)
{
    if (slice_has(name, SLICE(".")) || space.len == 0)
        return name;
    return arena_putf(a, "%.*s.%.*s", SLICE_FMT(space), SLICE_FMT(name));
}

struct slice avro_names_last(struct slice full)
{
    size_t at;
    return slice_find_last(full, '.', &at) ? slice_from(full, at + 1) : full;
}

struct slice avro_names_space(struct slice full)
{
    size_t at;
    return slice_find_last(full, '.', &at) ? slice_to(full, at) : SLICE("");
}

static bool may_begin(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

bool avro_names_good(struct slice name)
{
    bool begins = true;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool inside = may_begin(c) || (c >= '0' && c <= '9') || c == '-';
        if (c == '.' ? begins : begins ? !may_begin(c) : !inside)
            return false;
        begins = c == '.';
    }
    return !begins;
}

const char *avro_names_primitive(struct slice name)
{
    static const char *const names[][2] = {{"boolean", "bool"}, {"int", "int32"},     {"long", "int64"},
                                           {"float", "float"},  {"double", "double"}, {"bytes", "bytes"},
                                           {"string", "string"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq(slice_str(names[i][0]), name))
            return names[i][1];
    return NULL;
}
