/* conf_bind_doc - the table of keys as the page people read. */
#include "base/conf_bind.h"

static const char *type_words(enum conf_type type)
{
    switch (type) {
    case CONF_STRING:
        return "text";
    case CONF_PATH:
        return "path";
    case CONF_ADDRESS:
        return "address";
    case CONF_URL:
        return "URL";
    case CONF_BOOL:
        return "true or false";
    case CONF_COUNT:
        return "number";
    case CONF_DURATION:
        return "duration";
    case CONF_SIZE:
        return "size";
    case CONF_CHOICE:
        return "one of";
    case CONF_STRINGS:
        return "list of texts";
    case CONF_PATHS:
        return "list of paths";
    case CONF_TABLE:
        return "keys";
    case CONF_MAP:
        return "names, each with keys";
    case CONF_PATH_PAIRS:
        return "map of name: path";
    case CONF_PAIRS:
        return "names, each with a text";
    }
    return "";
}

/* A bar would end the cell. */
static void put_cell(struct buf *out, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '|')
            buf_put_char(out, '\\');
        buf_put_char(out, *text);
    }
}

static void put_type(struct buf *out, const struct conf_key *key)
{
    bool number = key->type == CONF_COUNT || key->type == CONF_DURATION || key->type == CONF_SIZE;
    buf_put(out, slice_str(type_words(key->type)));
    for (size_t i = 0; key->type == CONF_CHOICE && key->choices[i]; i++)
        buf_putf(out, "%s `%s`", i ? "," : "", key->choices[i]);
    if (number && (key->min || key->max)) {
        buf_put(out, SLICE(", "));
        conf_bind_show_number(key->type, key->min, out);
        buf_put(out, key->max ? SLICE(" to ") : SLICE(" or more"));
        if (key->max)
            conf_bind_show_number(key->type, key->max, out);
    }
}

static void put_preset(struct buf *out, const struct conf_key *key)
{
    if (key->preset) {
        buf_put_char(out, '`');
        put_cell(out, key->preset);
        buf_put_char(out, '`');
    } else if (key->required) {
        buf_put(out, SLICE("required"));
    }
}

static void put_table(struct buf *out, const struct conf_key *table, struct buf *path)
{
    size_t before = buf_len(path);
    for (const struct conf_key *key = table; key->name; key++) {
        buf_putf(path, "%s%s", before ? "." : "", key->name);
        buf_putf(out, "| `%s` | ", buf_text(path));
        put_type(out, key);
        buf_put(out, SLICE(" | "));
        put_preset(out, key);
        buf_put(out, SLICE(" | "));
        put_cell(out, key->doc);
        buf_put(out, SLICE(" |\n"));
        if (key->type == CONF_MAP)
            buf_put(path, SLICE(".NAME"));
        if (key->sub)
            put_table(out, key->sub, path);
        buf_cut(path, before);
    }
}

void conf_bind_doc(const struct conf_key *table, struct buf *out)
{
    struct buf path;
    buf_init(&path, BUF_TEXT_BOUND);
    buf_put(out, SLICE("| Key | Value | Default | Meaning |\n|---|---|---|---|\n"));
    put_table(out, table, &path);
    buf_fini(&path);
}
