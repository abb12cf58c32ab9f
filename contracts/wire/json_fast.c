#include "contracts/wire/json_fast.h"

const char *json_fast_odd(const char *at, const char *end)
{
    if ((signed char)*at < 0) {
        size_t step = slice_utf8_step(slice_of(at, (size_t)(end - at)));
        return step ? at + step : NULL;
    }
    /* \u has surrogates to mind; it is left to json_tok. */
    bool simple = *at == '\\' && end - at > 1 && at[1] != 'u' && at[1] != '\0' && strchr("\"\\/bfnrt", at[1]);
    return simple ? at + 2 : NULL;
}

const char *json_fast_fraction(const char *at, const char *end)
{
    if (*at == '.') {
        const char *digits = ++at;
        at = json_fast_digits(at, end);
        if (at == digits || at == end)
            return NULL;
    }
    if ((*at | 0x20) != 'e')
        return at;
    at++;
    at += at < end && (*at == '+' || *at == '-');
    const char *digits = at;
    at = json_fast_digits(at, end);
    return at == digits || at == end ? NULL : at;
}
