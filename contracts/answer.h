#ifndef WEFT_CONTRACTS_ANSWER_H
#define WEFT_CONTRACTS_ANSWER_H

/* answer - yes, no, or what cannot be said. */
enum answer { ANSWER_NO, ANSWER_MAYBE, ANSWER_YES };

static inline enum answer answer_of(int yes)
{
    return yes ? ANSWER_YES : ANSWER_NO;
}

static inline enum answer answer_both(enum answer a, enum answer b)
{
    return a < b ? a : b;
}

static inline enum answer answer_either(enum answer a, enum answer b)
{
    return a > b ? a : b;
}

static inline enum answer answer_not(enum answer a)
{
    return (enum answer)(ANSWER_YES - a);
}

#endif
