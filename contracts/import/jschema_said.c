#include "contracts/import/jschema_said.h"

#include "base/hash.h"
#include "contracts/import/jschema_ref.h"

/* What a node says, and what everything that it refers to says: equal texts mean the same. */
struct saying {
    struct jschema *j;
    struct map seen;
    struct buf text;
};

enum { SAYING_MOST = 1 << 20 };

static void say(struct saying *s, const struct doc_node *n)
{
    if (jschema_ref_text(n).len && buf_len(&s->text) < SAYING_MOST) {
        const struct doc_node *to = jschema_ref_resolve(s->j, n);
        if (to && !map_put(&s->seen, jschema_state_address(s->j, &to), s)) {
            buf_putf(&s->text, "\n%.*s ", SLICE_FMT(jschema_ref_text(n)));
            doc_put_json(to, &s->text);
            say(s, to);
        }
    }
    for (const struct doc_node *c = n->first; c; c = c->next)
        say(s, c);
}

enum { SHOWN_MOST = 200 };

struct slice jschema_said(struct jschema *j, const struct doc_node *n)
{
    struct saying s = {.j = j};
    buf_init(&s.text, BUF_TEXT_BOUND);
    doc_put_json(n, &s.text);
    size_t own = buf_len(&s.text);
    say(&s, n);
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
