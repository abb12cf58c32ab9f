#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"

/* PCRE2 counts steps anew from every place a match may begin at, so the steps of a search are shared out
 * among the places. */
enum {
    PATTERN_MOST = 4096,
    STEPS_WHOLE = 100000,
    STEPS_FIND = 1000000,
    STEPS_PLACE_LEAST = 200,
    DEPTH_MOST = 10000,
    HEAP_MOST_KIB = 8192,
};

struct regex {
    pcre2_code *code;
};

static enum err refuse(char why[128], size_t *at, size_t where, const char *text)
{
    snprintf(why, 128, "%s", text);
    *at = where;
    return ERR_INPUT;
}

enum err regex_new(struct slice pattern, struct regex **out, char why[128], size_t *at)
{
    if (pattern.len > PATTERN_MOST)
        return refuse(why, at, PATTERN_MOST, "the pattern is longer than 4096 bytes");
    int error = 0;
    PCRE2_SIZE where = 0;
    uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY;
    PCRE2_SPTR text = (PCRE2_SPTR)(pattern.len ? pattern.at : "");
    pcre2_code *code = pcre2_compile(text, pattern.len, options, &error, &where, NULL);
    if (!code) {
        PCRE2_UCHAR message[128] = {0};
        pcre2_get_error_message(error, message, sizeof(message));
        return refuse(why, at, where, (const char *)message);
    }
    struct regex *r = mem_new(sizeof(*r));
    r->code = code;
    *out = r;
    return ERR_OK;
}

void regex_free(struct regex **r)
{
    if (!*r)
        return;
    pcre2_code_free((*r)->code);
    mem_free(*r);
    *r = NULL;
}

static pcre2_match_context *limits(uint32_t steps)
{
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    PRE(context);
    pcre2_set_match_limit(context, steps);
    pcre2_set_depth_limit(context, DEPTH_MOST);
    pcre2_set_heap_limit(context, HEAP_MOST_KIB);
    return context;
}

static enum err outcome(int rc)
{
    if (rc >= 0)
        return ERR_OK;
    switch (rc) {
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_NOMEMORY:
    case PCRE2_ERROR_JIT_STACKLIMIT:
    case PCRE2_ERROR_RECURSELOOP:
        return ERR_LIMIT;
    default:
        /* No match; or text that is not UTF-8, which no pattern describes. */
        return ERR_ABSENT;
    }
}

static enum err match(const struct regex *r, struct slice text, uint32_t options, uint32_t steps)
{
    if (text.len > REGEX_TEXT_MOST)
        return ERR_LIMIT;
    pcre2_match_context *context = limits(steps);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    PRE(data);
    PCRE2_SPTR at = (PCRE2_SPTR)(text.len ? text.at : "");
    int rc = pcre2_match(r->code, at, text.len, 0, options, data, context);
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    return outcome(rc);
}

enum err regex_whole(const struct regex *r, struct slice text)
{
    return match(r, text, PCRE2_ANCHORED | PCRE2_ENDANCHORED, STEPS_WHOLE);
}

enum err regex_find(const struct regex *r, struct slice text)
{
    uint32_t share = STEPS_FIND / ((uint32_t)slice_to(text, REGEX_TEXT_MOST).len + 1);
    uint32_t steps = share < STEPS_PLACE_LEAST ? STEPS_PLACE_LEAST : share;
    return match(r, text, 0, steps < STEPS_WHOLE ? steps : STEPS_WHOLE);
}
