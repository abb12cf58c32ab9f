#include "broker/labels.h"

#include "base/check.h"

enum { LABEL = 64 };

static bool is_label(struct slice text)
{
    if (text.len == 0 || text.len > LABEL)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && !(c && strchr("_.-/:@=", c)))
            return false;
    }
    return true;
}

static bool is_key(struct slice label)
{
    return label.len && label.at[0] == '@';
}

/* The next one, without its ?; false: the end. */
static bool next_label(struct slice *rest, struct slice *label, bool *preferred)
{
    size_t comma;
    if (rest->len == 0)
        return false;
    *label = slice_find(*rest, ',', &comma) ? slice_to(*rest, comma) : *rest;
    *rest = slice_from(*rest, label->len + 1);
    *preferred = slice_ends(*label, SLICE("?"));
    label->len -= *preferred;
    return true;
}

bool labels_ok(struct slice text, bool preferences)
{
    struct slice rest = text, label;
    bool preferred;
    size_t count = 0, keys = 0;
    if (text.len && text.at[text.len - 1] == ',')
        return false;
    while (next_label(&rest, &label, &preferred)) {
        if (++count > LABELS_MOST || !is_label(label) || (preferred && !preferences))
            return false;
        if (is_key(label) && (preferred || !preferences || label.len == 1 || ++keys > 1))
            return false;
    }
    return true;
}

struct slice labels_key(struct slice text)
{
    struct slice label;
    bool preferred;
    while (next_label(&text, &label, &preferred))
        if (is_key(label))
            return slice_from(label, 1);
    return (struct slice){0};
}

struct slice labels_needs(struct slice text, char room[LABELS_TEXT])
{
    struct slice key = labels_key(text);
    if (key.len == 0)
        return text;
    size_t before = (size_t)(key.at - text.at) - 1, at = before + 1 + key.len;
    struct slice first = slice_to(text, before), rest = slice_from(text, at + (at < text.len));
    if (rest.len == 0 && first.len)
        first.len--; /* the comma before it */
    PRE(first.len + rest.len <= LABELS_TEXT);
    memcpy(room, first.at, first.len);
    memcpy(room + first.len, rest.at, rest.len);
    return slice_of(room, first.len + rest.len);
}

static bool has_label(struct slice has, struct slice label)
{
    struct slice one;
    bool preferred;
    while (next_label(&has, &one, &preferred))
        if (slice_eq(one, label))
            return true;
    return false;
}

bool labels_fit(struct slice needs, struct slice has, unsigned *liked)
{
    struct slice label;
    bool preferred;
    *liked = 0;
    while (next_label(&needs, &label, &preferred)) {
        if (is_key(label))
            continue;
        bool there = has_label(has, label);
        if (!there && !preferred)
            return false;
        *liked += there && preferred;
    }
    return true;
}
