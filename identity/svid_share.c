#include "identity/svid_share.h"

#include <stddef.h>

void svid_share_init(struct svid_share *s)
{
    *s = (struct svid_share){.guard = guard_new(), .withdrawn = "the Workload API has not answered yet"};
}

void svid_share_fini(struct svid_share *s)
{
    svid_set_unref(&s->set);
    guard_free(&s->guard);
}

static void set_both(struct svid_share *s, struct svid_set *set, const char *why)
{
    guard_enter(s->guard);
    struct svid_set *old = s->set;
    s->set = set;
    s->withdrawn = why;
    guard_leave(s->guard);
    svid_set_unref(&old);
}

void svid_share_put(struct svid_share *s, struct svid_set *set)
{
    set_both(s, svid_set_ref(set), NULL);
}

void svid_share_withdraw(struct svid_share *s, const char *why)
{
    set_both(s, NULL, why);
}

struct svid_set *svid_share_get(struct svid_share *s, const char **why)
{
    guard_enter(s->guard);
    struct svid_set *set = s->set ? svid_set_ref(s->set) : NULL;
    *why = s->withdrawn;
    guard_leave(s->guard);
    return set;
}
