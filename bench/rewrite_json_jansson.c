#include <jansson.h>
#include <stdlib.h>

#include "bench/rewrite_json_tree.h"

bool rewrite_json_tree_known(void)
{
    return true;
}

static void rename_member(json_t *object, const char *from, const char *to)
{
    json_t *value = json_object_get(object, from);
    if (!value)
        return;
    json_object_set(object, to, value);
    json_object_del(object, from);
}

static void change(json_t *object)
{
    rename_member(object, "sku", "article");
    rename_member(object, "qty", "quantity");
    rename_member(object, "note", "remark");
    json_object_del(object, "legacy");
    if (!json_object_get(object, "currency"))
        json_object_set_new(object, "currency", json_string("EUR"));
}

bool rewrite_json_tree(struct slice body, bool each)
{
    json_t *root = json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES, NULL);
    if (!root)
        return false;
    size_t i;
    json_t *line;
    if (!each)
        change(root);
    else
        json_array_foreach(json_object_get(root, "lines"), i, line) change(line);
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    free(text);
    return text != NULL;
}
