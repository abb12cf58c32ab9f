#include <stdio.h>

#include "cli/args.h"
#include "cli/check_input.h"
#include "cli/check_report.h"
#include "cli/commands.h"
#include "cli/show.h"

enum { FINE = 0, FOUND = 1, UNUSABLE = 2, STOPPED = 3 };

enum mode { MODE_DEFAULT, MODE_BACKWARD, MODE_FORWARD, MODE_FULL };
enum format { FORMAT_TEXT, FORMAT_JSON };

static const char *const modes[] = {"default", "backward", "forward", "full", NULL};
static const char *const formats[] = {"text", "json", NULL};
static const char *const formats_in[] = {"auto", "weft", "openapi", "jsonschema", "avro", NULL};
static const char *const profiles[] = {"wire", "openapi", "json-schema-lenient", "json-schema", "avro", NULL};

/* The least level that fails, in the order of the names. */
static const char *const failing[] = {"break", "unproven", "adaptable", "any", NULL};
static const enum verdict_level failing_levels[] = {VERDICT_BREAKING, VERDICT_UNPROVEN, VERDICT_ADAPTABLE,
                                                    VERDICT_COMPATIBLE};
enum { FAIL_ON_UNPROVEN = 1 };

struct check_flags {
    unsigned mode, format, format_in, profile, fail_on;
    bool plan;
    const char *explain;
};

static const struct args_flag flags[] = {
    {.name = "mode",
     .type = ARGS_CHOICE,
     .offset = offsetof(struct check_flags, mode),
     .value = "MODE",
     .choices = modes,
     .doc = "what is asked; default is backward, and full for jobs"},
    {.name = "format",
     .type = ARGS_CHOICE,
     .offset = offsetof(struct check_flags, format),
     .value = "FORMAT",
     .choices = formats,
     .doc = "for people or for programs"},
    {.name = "format-in",
     .type = ARGS_CHOICE,
     .offset = offsetof(struct check_flags, format_in),
     .value = "FORMAT",
     .choices = formats_in,
     .doc = "what OLD and NEW are (default: told by their content)"},
    {.name = "profile",
     .type = ARGS_CHOICE,
     .offset = offsetof(struct check_flags, profile),
     .value = "PROFILE",
     .choices = profiles,
     .doc = "wire, openapi and json-schema-lenient: what breaks peers in practice; json-schema: also that an open "
            "record may send anything under a name that is new; avro: Avro's schema resolution (default: wire)"},
    {.name = "fail-on",
     .type = ARGS_CHOICE,
     .offset = offsetof(struct check_flags, fail_on),
     .value = "LEVEL",
     .choices = failing,
     .doc = "the least that is status 1 (default: unproven)"},
    {.name = "plan",
     .type = ARGS_SWITCH,
     .offset = offsetof(struct check_flags, plan),
     .doc = "print how adaptable operations are adapted"},
    {.name = "explain",
     .type = ARGS_TEXT,
     .offset = offsetof(struct check_flags, explain),
     .value = "FINGERPRINT",
     .doc = "print one finding with its proof"},
    {0},
};

static const struct args_command command = {
    .name = "weft check",
    .words = "OLD NEW",
    .summary = "may peers of one version of a contract, an OpenAPI document or a JSON Schema talk to peers of another?",
    .flags = flags,
    .min_words = 2,
    .max_words = 2,
    .examples = "  weft check openapi-1.yaml openapi-2.yaml\n"
                "  weft check git:main:api/openapi.yaml api/openapi.yaml --fail-on break\n"
                "  weft check orders-1.weft orders-2.weft --plan\n"
                "  weft check orders-1.weft orders-2.weft --mode full --format json\n"
                "  weft check orders-1.weft orders-2.weft --explain 3f60b51c9d2a77e0\n",
    .details = "OLD and NEW are paths, - for standard input, or git:REV:PATH (PATH as git has it, from the top).\n"
               "backward: may old consumers call the new provider?  forward: may new consumers call the old one?\n"
               "Exit status: 0 nothing at or above the failing level, 1 findings, 2 unusable arguments or input,\n"
               "3 stopped by a limit.\n",
};

static int read_both(const struct check_flags *f, const char *const words[2], struct check_report *r)
{
    struct diag diag;
    diag_init(&diag);
    enum import_format format = (enum import_format)f->format_in;
    enum err a = check_input_read(words[0], format, &diag, &r->old);
    enum err b = check_input_read(words[1], format, &diag, &r->new);
    show_diag(&diag);
    diag_fini(&diag);
    return a == ERR_OK && b == ERR_OK ? FINE : UNUSABLE;
}

static bool has_jobs(const struct contract *c)
{
    for (size_t i = 0; i < contract_operation_count(c); i++)
        if (contract_operation_job(c, i))
            return true;
    return false;
}

/* The second question takes as long as the first: it is asked when it is shown, or when the bump hangs on it. */
static bool needs_forward(const struct check_flags *f, const struct check_report *r)
{
    bool jobs = has_jobs(r->old) || has_jobs(r->new);
    return f->mode == MODE_FORWARD || f->mode == MODE_FULL || (f->mode == MODE_DEFAULT && jobs) ||
           verdict_level(r->verdict[CHECK_BACKWARD]) == VERDICT_SAME;
}

static void ask(const struct check_flags *f, struct check_report *r)
{
    r->verdict[CHECK_BACKWARD] = verdict_compute_as(r->old, r->new, profiles[f->profile]);
    r->asked[CHECK_BACKWARD] = f->mode != MODE_FORWARD;
    r->asked[CHECK_FORWARD] = f->mode != MODE_BACKWARD;
    r->jobs_only = f->mode == MODE_DEFAULT;
    r->with_plan = f->plan;
    r->asked[CHECK_FORWARD] = r->asked[CHECK_FORWARD] && needs_forward(f, r);
    if (needs_forward(f, r))
        r->verdict[CHECK_FORWARD] = verdict_compute_as(r->new, r->old, profiles[f->profile]);
}

static int show_report(const struct check_flags *f, const struct check_report *r)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    enum err e = ERR_OK;
    if (f->explain)
        e = check_report_explain(r, slice_str(f->explain), &out);
    else if (f->format == FORMAT_JSON)
        check_report_json(r, &out);
    else
        check_report_text(r, &out);
    show_buf(stdout, &out);
    buf_fini(&out);
    if (e == ERR_OK)
        return FINE;
    fprintf(stderr, "weft check: no finding %s between these two\n", f->explain);
    return UNUSABLE;
}

static bool was_stopped(const struct check_report *r)
{
    for (int q = 0; q < CHECK_QUESTIONS; q++)
        if (r->asked[q] && verdict_hit_limit(r->verdict[q]))
            return true;
    return false;
}

static int judge(const struct check_flags *f, const struct check_report *r)
{
    int shown = show_report(f, r);
    if (shown != FINE || f->explain)
        return shown;
    if (was_stopped(r))
        return STOPPED;
    return check_report_level(r) >= failing_levels[f->fail_on] ? FOUND : FINE;
}

int cmd_check(int argc, char **argv)
{
    struct check_flags f = {.fail_on = FAIL_ON_UNPROVEN};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    switch (args_parse(&command, argc, argv, &f, words, &count)) {
    case ARGS_SHOWN:
        return FINE;
    case ARGS_WRONG:
        return UNUSABLE;
    case ARGS_GO:
        break;
    }
    struct check_report r = {0};
    int status = read_both(&f, words, &r);
    if (status == FINE) {
        ask(&f, &r);
        status = judge(&f, &r);
    }
    verdict_unref(&r.verdict[CHECK_BACKWARD]);
    verdict_unref(&r.verdict[CHECK_FORWARD]);
    contract_unref(&r.old);
    contract_unref(&r.new);
    return status;
}
