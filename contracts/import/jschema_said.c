#include "contracts/import/jschema_said.h"

#include <stdlib.h>

#include "base/hash.h"
#include "contracts/import/jschema_ref.h"
#include "contracts/import/jschema_word.h"

/* What a node says, and what everything that it refers to says: equal texts mean the same.  Notes are left out, and
 * what is referred to has a number, so that it may be called otherwise. */
struct saying {
    struct jschema *j;
    struct map seen; /* address to its place in `referred`, and one */
    const struct doc_node **referred;
    size_t count, room;
    struct buf text;
};

enum { SAYING_MOST = 1 << 20 };

static size_t number_of(struct saying *s, const struct doc_node *to)
{
    uintptr_t known = (uintptr_t)map_get(&s->seen, slice_of(&to, sizeof(to)));
    if (known)
        return known;
    if (s->count == s->room) {
        size_t room = s->room ? s->room * 2 : 8;
        const struct doc_node **more = arena_array(s->j->arena, room, sizeof(*more));
        if (s->count)
            memcpy(more, s->referred, s->count * sizeof(*more));
        s->referred = more;
        s->room = room;
    }
    s->referred[s->count++] = to;
    map_put(&s->seen, jschema_state_address(s->j, &to), (void *)(uintptr_t)s->count);
    return s->count;
}

static bool is_among(struct slice key, const char *const *words)
{
    for (; *words; words++)
        if (slice_eq(key, slice_str(*words)))
            return true;
    return false;
}

/* Maps whose keys are names that somebody gave. */
static bool has_names(struct slice key)
{
    static const char *const words[] = {"properties",       "patternProperties", "$defs",    "definitions",
                                        "dependentSchemas", "dependencies",      "encoding", NULL};
    return is_among(key, words);
}

static bool is_data(struct slice key)
{
    static const char *const words[] = {"enum", "const", "required", "dependentRequired", NULL};
    return is_among(key, words);
}

static void say(struct saying *s, const struct doc_node *n, bool names);

static int by_key(const void *a, const void *b)
{
    return slice_cmp((*(const struct doc_node *const *)a)->key, (*(const struct doc_node *const *)b)->key);
}

/* `nullable` does so in OpenAPI 3.0 alone. */
static bool means_something(const struct jschema *j, struct slice key)
{
    return !jschema_word_is_note(key) && (j->dialect == JSCHEMA_OPENAPI_30 || !slice_eq(key, SLICE("nullable")));
}

static void say_members(struct saying *s, const struct doc_node *n, bool names)
{
    const struct doc_node **sorted = arena_array(s->j->arena, n->count + 1, sizeof(*sorted));
    size_t count = 0;
    for (const struct doc_node *c = n->first; c; c = c->next)
        if (names || slice_eq(c->key, SLICE("$ref")) || means_something(s->j, c->key))
            sorted[count++] = c;
    qsort(sorted, count, sizeof(*sorted), by_key);
    buf_put_char(&s->text, '{');
    for (size_t i = 0; i < count; i++) {
        const struct doc_node *c = sorted[i], key = {.kind = DOC_STRING, .text = c->key};
        if (i > 0)
            buf_put_char(&s->text, ',');
        doc_put_json(&key, &s->text);
        buf_put_char(&s->text, ':');
        say(s, c, !names && has_names(c->key));
    }
    buf_put_char(&s->text, '}');
}

static bool say_reference(struct saying *s, const struct doc_node *n)
{
    const struct doc_node *to = jschema_ref_text(n).len ? jschema_ref_resolve(s->j, n) : NULL;
    if (!to || jschema_word_speaks(n))
        return false;
    buf_putf(&s->text, "@%zu", number_of(s, to));
    return true;
}

static void say(struct saying *s, const struct doc_node *n, bool names)
{
    if (buf_len(&s->text) >= SAYING_MOST)
        return;
    if (is_data(n->key) || (n->kind != DOC_MAP && n->kind != DOC_LIST)) {
        doc_put_json(n, &s->text);
    } else if (n->kind == DOC_LIST) {
        for (const struct doc_node *c = n->first; c; c = c->next) {
            buf_put_char(&s->text, c == n->first ? '[' : ',');
            say(s, c, false);
        }
        buf_put(&s->text, n->first ? SLICE("]") : SLICE("[]"));
    } else if (names || !say_reference(s, n)) {
        say_members(s, n, names);
    }
}

enum { SHOWN_MOST = 200 };

struct slice jschema_said(struct jschema *j, const struct doc_node *n)
{
    struct saying s = {.j = j};
    buf_init(&s.text, BUF_TEXT_BOUND);
    say(&s, n, has_names(n->key));
    size_t own = buf_len(&s.text);
    for (size_t i = 0; i < s.count && buf_len(&s.text) < SAYING_MOST; i++) {
        buf_putf(&s.text, "\n@%zu ", i + 1);
        say(&s, s.referred[i], false);
    }
    /* Of what is not said to its end all of the file counts. */
    if (buf_len(&s.text) >= SAYING_MOST) {
        struct hash_digest file = hash_sha256(j->in->text);
        buf_put(&s.text, slice_of(file.b, sizeof(file.b)));
    }
    struct slice whole = buf_slice(&s.text), kept;
    if (whole.len == own && own <= SHOWN_MOST) {
        kept = arena_keep(j->arena, whole);
    } else {
        struct hash_digest digest = hash_sha256(whole);
        struct buf hex;
        buf_init(&hex, 64);
        hash_put_hex(&hex, slice_of(digest.b, 8));
        /* Cut where a character begins. */
        size_t cut = own < SHOWN_MOST ? own : SHOWN_MOST;
        while (cut > 0 && cut < own && ((unsigned char)whole.at[cut] & 0xC0) == 0x80)
            cut--;
        kept = arena_putf(j->arena, "%.*s #%.*s", SLICE_FMT(slice_to(whole, cut)), SLICE_FMT(buf_slice(&hex)));
        buf_fini(&hex);
    }
    map_fini(&s.seen);
    buf_fini(&s.text);
    return kept;
}
