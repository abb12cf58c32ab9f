#include "broker/labels.h"

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
    size_t count = 0;
    if (text.len && text.at[text.len - 1] == ',')
        return false;
    while (next_label(&rest, &label, &preferred))
        if (++count > LABELS_MOST || !is_label(label) || (preferred && !preferences))
            return false;
    return true;
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
        bool there = has_label(has, label);
        if (!there && !preferred)
            return false;
        *liked += there && preferred;
    }
    return true;
}
