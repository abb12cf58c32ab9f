#include "contracts/regular.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

enum {
    STATES = 256,
    RANGES = 1024,
    CUTS = 512,
    PAIRS = 512,
    STEPS = 1 << 12,
    DEPTH = 32,
    REPEATS = 64,
    REACHED = 512,
    TEXT_MOST = 4096,
    LEAST_MOST = 64,
    LAST = 0x10FFFF
};
enum { NONE = -1 };

struct range {
    unsigned from, to;
};

/* Reads one character of `ranges`, or none (count 0) and goes on two ways. */
struct state {
    unsigned first, count;
    int next, other;
};

struct automaton {
    struct slice text;
    size_t at;
    unsigned depth;
    struct state states[STATES];
    int count, start, accept;
    struct range ranges[RANGES];
    unsigned range_count;
    bool whole; /* a text matches as a whole, or not at all */
    bool given_up;
};

/* A part under construction: where it begins, and the one state where it ends. */
struct part {
    int from, to;
};

static int give_up(struct automaton *a)
{
    a->given_up = true;
    return 0;
}

static int add_state(struct automaton *a, int next, int other)
{
    if (a->count == STATES)
        return give_up(a);
    a->states[a->count] = (struct state){.next = next, .other = other};
    return a->count++;
}

static void add_range(struct automaton *a, unsigned from, unsigned to)
{
    if (a->range_count == RANGES || from > to)
        give_up(a);
    else
        a->ranges[a->range_count++] = (struct range){from, to};
}

static bool peeks(const struct automaton *a, char c)
{
    return a->at < a->text.len && a->text.at[a->at] == c;
}

static bool takes(struct automaton *a, char c)
{
    bool found = peeks(a, c);
    a->at += found;
    return found;
}

static struct part reads(struct automaton *a, unsigned first)
{
    int to = add_state(a, NONE, NONE), from = add_state(a, to, NONE);
    a->states[from].first = first;
    a->states[from].count = a->range_count - first;
    /* A set of nothing matches nothing, which a state that reads nothing would not say. */
    if (a->range_count == first)
        give_up(a);
    return (struct part){from, to};
}

/* Turns the ranges from `first` on into all others. */
static void invert(struct automaton *a, unsigned first)
{
    struct range old[64];
    unsigned count = a->range_count - first, at = 0;
    if (count > 64) {
        give_up(a);
        return;
    }
    memcpy(old, a->ranges + first, count * sizeof(*old));
    a->range_count = first;
    while (at <= LAST) {
        unsigned end = LAST + 1, skip = at;
        for (unsigned i = 0; i < count; i++) {
            if (old[i].from <= at && old[i].to >= at && old[i].to + 1 > skip)
                skip = old[i].to + 1;
            if (old[i].from > at && old[i].from < end)
                end = old[i].from;
        }
        if (skip > at) {
            at = skip;
            continue;
        }
        add_range(a, at, end - 1);
        at = end;
    }
}

static void add_class(struct automaton *a, char c)
{
    unsigned first = a->range_count;
    static const struct range spaces[] = {{9, 13},          {32, 32},         {0xA0, 0xA0},     {0x1680, 0x1680},
                                          {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                                          {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
    if ((c | 0x20) == 'd' || (c | 0x20) == 'w')
        add_range(a, '0', '9');
    if ((c | 0x20) == 'w') {
        add_range(a, 'A', 'Z');
        add_range(a, '_', '_');
        add_range(a, 'a', 'z');
    }
    for (size_t i = 0; (c | 0x20) == 's' && i < sizeof(spaces) / sizeof(spaces[0]); i++)
        add_range(a, spaces[i].from, spaces[i].to);
    if (c < 'a')
        invert(a, first);
}

static unsigned hex(struct automaton *a, int digits)
{
    unsigned value = 0;
    for (int i = 0; i < digits; i++, a->at++) {
        static const char set[] = "0123456789abcdef";
        char c = a->at < a->text.len ? a->text.at[a->at] : '\0';
        const char *found = c ? strchr(set, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
        if (!found)
            return (unsigned)give_up(a);
        value = value * 16 + (unsigned)(found - set);
    }
    return value;
}

/* One character as itself; false: a class was added instead. */
static bool read_character(struct automaton *a, unsigned *out)
{
    static const char from[] = "nrtfv", to[] = "\n\r\t\f\v";
    if (a->at >= a->text.len)
        return give_up(a);
    char c = a->text.at[a->at];
    if (c != '\\') {
        /* Beyond ASCII, a pattern may mean halves of characters. */
        if ((unsigned char)c >= 0x80)
            return give_up(a);
        a->at++;
        *out = (unsigned char)c;
        return true;
    }
    a->at++;
    c = a->at < a->text.len ? a->text.at[a->at++] : '\0';
    const char *control = c ? strchr(from, c) : NULL;
    if (c && strchr("dDwWsS", c)) {
        add_class(a, c);
        return false;
    }
    if (c == 'x' || c == 'u') {
        *out = hex(a, c == 'x' ? 2 : 4);
        if (*out >= 0xD800 && *out < 0xE000)
            give_up(a);
        return true;
    }
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z', digit = c >= '0' && c <= '9';
    if (!control && (letter || digit || !c))
        return give_up(a);
    *out = control ? (unsigned char)to[control - from] : (unsigned char)c;
    return true;
}

static struct part read_set(struct automaton *a)
{
    unsigned first = a->range_count;
    bool others = takes(a, '^');
    while (!takes(a, ']') && !a->given_up) {
        unsigned from, to;
        if (!read_character(a, &from))
            continue;
        to = from;
        if (peeks(a, '-') && a->at + 1 < a->text.len && a->text.at[a->at + 1] != ']') {
            a->at++;
            if (!read_character(a, &to))
                give_up(a);
        }
        if (!a->given_up)
            add_range(a, from, to);
    }
    if (others)
        invert(a, first);
    return reads(a, first);
}

static struct part read_either(struct automaton *a, bool top);

static struct part read_atom(struct automaton *a)
{
    unsigned first = a->range_count, c;
    if (takes(a, '(')) {
        if (takes(a, '?') && !takes(a, ':'))
            give_up(a);
        struct part inner = read_either(a, false);
        if (!takes(a, ')'))
            give_up(a);
        return inner;
    }
    if (takes(a, '['))
        return read_set(a);
    if (takes(a, '.')) {
        add_range(a, '\n', '\n');
        add_range(a, '\r', '\r');
        add_range(a, 0x2028, 0x2029);
        invert(a, first);
        return reads(a, first);
    }
    if (a->at < a->text.len && strchr("^$*+?{}]", a->text.at[a->at]))
        give_up(a);
    else if (read_character(a, &c))
        add_range(a, c, c);
    return reads(a, first);
}

static struct part nothing(struct automaton *a)
{
    int only = add_state(a, NONE, NONE);
    return (struct part){only, only};
}

static struct part chain(struct automaton *a, struct part x, struct part y)
{
    a->states[x.to].next = y.from;
    return (struct part){x.from, y.to};
}

static struct part maybe(struct automaton *a, struct part x, bool again)
{
    int to = add_state(a, NONE, NONE), from = add_state(a, x.from, to);
    a->states[x.to].next = again ? from : to;
    return (struct part){from, to};
}

static unsigned read_number(struct automaton *a)
{
    unsigned n = 0;
    size_t from = a->at;
    for (; a->at < a->text.len && a->text.at[a->at] >= '0' && a->text.at[a->at] <= '9'; a->at++)
        n = n < REPEATS ? n * 10 + (unsigned)(a->text.at[a->at] - '0') : n;
    if (a->at == from || n > REPEATS)
        give_up(a);
    return n;
}

/* How often: false when there is no count.  `endless`: no most. */
static bool read_count(struct automaton *a, unsigned *least, unsigned *most, bool *endless)
{
    *least = peeks(a, '+');
    *most = 1;
    *endless = peeks(a, '*') || peeks(a, '+');
    if (takes(a, '*') || takes(a, '+') || takes(a, '?')) {
        takes(a, '?');
        return true;
    }
    if (!takes(a, '{'))
        return false;
    *least = *most = read_number(a);
    if (takes(a, ',')) {
        *endless = peeks(a, '}');
        if (!*endless)
            *most = read_number(a);
    }
    if (!takes(a, '}') || *most < *least)
        give_up(a);
    takes(a, '?');
    return true;
}

/* Read again for each time that it may stand there. */
static struct part read_piece(struct automaton *a)
{
    size_t begin = a->at, end;
    unsigned least, most;
    bool endless;
    struct part whole = read_atom(a);
    if (a->given_up || !read_count(a, &least, &most, &endless))
        return whole;
    end = a->at;
    whole = nothing(a);
    for (unsigned i = 0; i < (endless ? least + 1 : most) && !a->given_up; i++) {
        a->at = begin;
        struct part one = read_atom(a);
        whole = chain(a, whole, i < least ? one : maybe(a, one, endless));
    }
    a->at = end;
    return whole;
}

static struct part anything(struct automaton *a)
{
    unsigned first = a->range_count;
    add_range(a, 0, LAST);
    return maybe(a, reads(a, first), true);
}

static struct part read_sequence(struct automaton *a, bool top)
{
    struct part whole = top && !takes(a, '^') && !a->whole ? anything(a) : nothing(a);
    bool ends = false;
    while (a->at < a->text.len && !peeks(a, '|') && !peeks(a, ')') && !a->given_up && !ends) {
        ends = top && takes(a, '$');
        if (!ends)
            whole = chain(a, whole, read_piece(a));
    }
    if (ends && a->at < a->text.len && !peeks(a, '|'))
        give_up(a);
    return top && !ends && !a->whole ? chain(a, whole, anything(a)) : whole;
}

static struct part read_either(struct automaton *a, bool top)
{
    if (++a->depth > DEPTH)
        give_up(a);
    struct part whole = a->given_up ? nothing(a) : read_sequence(a, top);
    while (!a->given_up && takes(a, '|')) {
        struct part other = read_sequence(a, top);
        int to = add_state(a, NONE, NONE), from = add_state(a, whole.from, other.from);
        a->states[whole.to].next = to;
        a->states[other.to].next = to;
        whole = (struct part){from, to};
    }
    a->depth--;
    return whole;
}

static bool build(struct automaton *a, struct slice pattern, bool all)
{
    *a = (struct automaton){.text = pattern, .whole = all};
    struct part whole = read_either(a, true);
    a->start = whole.from;
    a->accept = whole.to;
    return !a->given_up && a->at == pattern.len;
}

struct set {
    uint64_t bits[STATES / 64];
};

static bool has(const struct set *s, int state)
{
    return s->bits[state / 64] >> (state % 64) & 1;
}

/* With all that is reached without reading. */
static void enter(const struct automaton *a, struct set *s, int state)
{
    int left[2 * STATES], count = 0;
    left[count++] = state;
    while (count > 0) {
        int at = left[--count];
        if (at == NONE || has(s, at))
            continue;
        s->bits[at / 64] |= UINT64_C(1) << (at % 64);
        if (a->states[at].count == 0) {
            left[count++] = a->states[at].next;
            left[count++] = a->states[at].other;
        }
    }
}

static bool reads_it(const struct automaton *a, int state, unsigned c)
{
    const struct state *s = &a->states[state];
    for (unsigned i = s->first; i < s->first + s->count; i++)
        if (a->ranges[i].from <= c && c <= a->ranges[i].to)
            return true;
    return false;
}

static struct set step(const struct automaton *a, const struct set *s, unsigned c)
{
    struct set to = {0};
    for (int i = 0; i < a->count; i++)
        if (has(s, i) && a->states[i].count && reads_it(a, i, c))
            enter(a, &to, a->states[i].next);
    return to;
}

/* One character for each class of characters that no range tells apart. */
static bool add_cut(unsigned *cuts, unsigned *count, unsigned c)
{
    for (unsigned i = 0; i < *count; i++)
        if (cuts[i] == c)
            return true;
    if (c > LAST)
        return true;
    if (*count == CUTS)
        return false;
    cuts[(*count)++] = c;
    return true;
}

static bool cut_at(const struct automaton *a, unsigned *cuts, unsigned *count)
{
    bool fits = add_cut(cuts, count, 0);
    for (unsigned i = 0; i < a->range_count && fits; i++)
        fits = add_cut(cuts, count, a->ranges[i].from) && add_cut(cuts, count, a->ranges[i].to + 1);
    return fits;
}

struct both {
    struct set narrow, wide;
};

static bool walk(const struct automaton *x, const struct automaton *y, const unsigned *cuts, unsigned cut_count)
{
    struct both *pairs = mem_array(PAIRS, sizeof(*pairs));
    struct map seen = {0};
    unsigned count = 1, at = 0, steps = 0;
    bool within = true;
    enter(x, &pairs[0].narrow, x->start);
    enter(y, &pairs[0].wide, y->start);
    map_put(&seen, slice_of(&pairs[0], sizeof(pairs[0])), &pairs[0]);
    for (; at < count && within; at++) {
        within = !has(&pairs[at].narrow, x->accept) || has(&pairs[at].wide, y->accept);
        steps += cut_count;
        for (unsigned i = 0; i < cut_count && within; i++) {
            struct both to = {step(x, &pairs[at].narrow, cuts[i]), step(y, &pairs[at].wide, cuts[i])};
            struct slice key = slice_of(&to, sizeof(to));
            if (memcmp(&to.narrow, &(struct set){0}, sizeof(to.narrow)) == 0 || map_get(&seen, key))
                continue;
            within = count < PAIRS && steps < STEPS;
            if (!within)
                break;
            pairs[count] = to;
            map_put(&seen, slice_of(&pairs[count], sizeof(to)), &pairs[count]);
            count++;
        }
    }
    map_fini(&seen);
    mem_free(pairs);
    return within;
}

static bool within(struct slice narrow, struct slice wide, bool whole)
{
    struct automaton *both = mem_array(2, sizeof(*both));
    unsigned cuts[CUTS], count = 0;
    bool is = build(&both[0], narrow, whole) && build(&both[1], wide, whole) && cut_at(&both[0], cuts, &count) &&
              cut_at(&both[1], cuts, &count) && walk(&both[0], &both[1], cuts, count);
    mem_free(both);
    return is;
}

bool regular_within(struct slice narrow, struct slice wide)
{
    if (slice_eq(narrow, wide))
        return true;
    return within(narrow, wide, false) && within(narrow.len ? narrow : SLICE(".*"), wide, true);
}

/* --- Texts. */

static unsigned character_of(struct slice *rest)
{
    size_t step = slice_utf8_step(*rest);
    unsigned char first = (unsigned char)rest->at[0];
    unsigned c = step < 2 ? first : first & (0x7Fu >> step);
    for (size_t i = 1; i < step; i++)
        c = c << 6 | ((unsigned char)rest->at[i] & 0x3F);
    *rest = slice_from(*rest, step ? step : 1);
    return c;
}

static bool accepts(const struct automaton *a, struct slice text)
{
    struct set s = {0};
    enter(a, &s, a->start);
    while (text.len)
        s = step(a, &s, character_of(&text));
    return has(&s, a->accept);
}

/* 1, 0, or -1: not decided. */
static int decide(struct automaton *a, struct slice pattern, struct slice text, bool whole)
{
    return build(a, pattern, whole) ? accepts(a, text) : -1;
}

enum answer regular_takes(struct slice pattern, struct slice text)
{
    if (text.len > TEXT_MOST || !slice_utf8(text))
        return ANSWER_MAYBE;
    struct automaton *a = mem_new(sizeof(*a));
    int found = decide(a, pattern, text, false);
    enum answer answer = found < 0 ? ANSWER_MAYBE : answer_of(found);
    /* Whoever writes an anchor knows that patterns match anywhere. */
    bool anchored = slice_starts(pattern, SLICE("^")) || slice_ends(pattern, SLICE("$"));
    if (found == 1 && !anchored && decide(a, pattern, text, true) != 1)
        answer = ANSWER_MAYBE;
    mem_free(a);
    return answer;
}

static void put_character(struct buf *out, unsigned c)
{
    if (c < 0x80) {
        buf_put_char(out, (char)c);
        return;
    }
    unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char heads[] = {0, 0xC0, 0xE0, 0xF0};
    buf_put_char(out, (char)(heads[more] | c >> 6 * more));
    while (more--)
        buf_put_char(out, (char)(0x80 | (c >> 6 * more & 0x3F)));
}

/* A character between `from` and `to`, which no range tells apart: one that people read if there is one. */
static unsigned shown(unsigned from, unsigned to)
{
    static const char nice[] = "a1A_-. ";
    for (size_t i = 0; nice[i]; i++)
        if (from <= (unsigned char)nice[i] && (unsigned char)nice[i] < to)
            return (unsigned char)nice[i];
    return from < ' ' && '!' < to ? '!' : from;
}

static int by_number(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

/* Without what is no character of its own; those that people read first. */
static unsigned choose_shown(unsigned *cuts, unsigned count)
{
    unsigned kept = 0;
    qsort(cuts, count, sizeof(*cuts), by_number);
    for (unsigned i = 0; i < count; i++) {
        unsigned c = shown(cuts[i], i + 1 < count ? cuts[i + 1] : LAST + 1);
        if (c < 0xD800 || c >= 0xE000)
            cuts[kept++] = c;
    }
    for (unsigned i = 0, front = 0; i < kept; i++)
        if (cuts[i] > ' ' && cuts[i] < 0x7F) {
            unsigned c = cuts[front];
            cuts[front++] = cuts[i];
            cuts[i] = c;
        }
    return kept;
}

struct reached {
    struct both sets;
    uint64_t length; /* no more is counted than is asked for */
    unsigned from, character;
};

static void put_way(const struct reached *all, unsigned at, struct buf *out)
{
    unsigned way[REACHED], count = 0;
    for (; at != 0; at = all[at].from)
        way[count++] = all[at].character;
    while (count--)
        put_character(out, way[count]);
}

/* Breadth first, so that the text is a shortest one. */
static bool search(const struct automaton *x, const struct automaton *y, const unsigned *cuts, unsigned cut_count,
                   unsigned least, struct buf *out)
{
    struct reached *all = mem_array(REACHED, sizeof(*all));
    struct map seen = {0};
    unsigned count = 1, steps = 0;
    bool found = false;
    enter(x, &all[0].sets.narrow, x->start);
    if (y)
        enter(y, &all[0].sets.wide, y->start);
    for (unsigned at = 0; at < count && !found; at++) {
        const struct reached *r = &all[at];
        found = r->length == least && has(&r->sets.narrow, x->accept) && !(y && has(&r->sets.wide, y->accept));
        if (found)
            put_way(all, at, out);
        for (unsigned i = 0; i < cut_count && !found && count < REACHED && steps < 4 * STEPS; i++, steps++) {
            struct reached to = {.from = at, .character = cuts[i], .length = r->length + (r->length < least)};
            to.sets.narrow = step(x, &r->sets.narrow, cuts[i]);
            if (y)
                to.sets.wide = step(y, &r->sets.wide, cuts[i]);
            if (memcmp(&to.sets.narrow, &(struct set){0}, sizeof(to.sets.narrow)) == 0)
                continue;
            all[count] = to;
            struct slice key = slice_of(&all[count], offsetof(struct reached, from));
            if (!map_get(&seen, key))
                map_put(&seen, key, &all[count++]);
        }
    }
    map_fini(&seen);
    mem_free(all);
    return found;
}

bool regular_sample(struct slice narrow, struct slice wide, unsigned least, struct buf *out)
{
    struct automaton *both = mem_array(2, sizeof(*both));
    unsigned cuts[CUTS], count = 0;
    bool built = build(&both[0], narrow.len ? narrow : SLICE("[\\s\\S]*"), true) && cut_at(&both[0], cuts, &count);
    if (built && wide.len)
        built = build(&both[1], wide, false) && cut_at(&both[1], cuts, &count);
    bool found = false;
    if (built) {
        count = choose_shown(cuts, count);
        found = search(&both[0], wide.len ? &both[1] : NULL, cuts, count, least < LEAST_MOST ? least : LEAST_MOST, out);
    }
    mem_free(both);
    return found;
}
