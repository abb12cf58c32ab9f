/* weft check: may peers of one version of a contract talk to peers of another?
 *
 * Inputs are loaded first, all of them: a broken one ends it, with nothing on standard output.  Then every pair is
 * judged, and one report is written. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/now.h"
#include "cli/args.h"
#include "cli/check_deploy.h"
#include "cli/commands.h"
#include "cli/show.h"
#include "contracts/rule_name.h"

enum { FINE = 0, FOUND = 1, UNUSABLE = 2, STOPPED = 3 };
enum { DAY = 10, CHOICES_MOST = 256, REPORT_BOUND = 1 << 30 };

enum mode { MODE_DEFAULT, MODE_BACKWARD, MODE_FORWARD, MODE_FULL };

static const char *const modes[] = {"default", "backward", "forward", "full", NULL};
static const char *const speakers[] = {"none", "caller", "function", "both", NULL}; /* by enum check_plan_json */
static const char *const formats[] = {"text", "json", "sarif", "junit", "github", "gitlab", "markdown", "plan", NULL};
static void (*const writers[])(const struct check_report *, struct buf *) = {
    check_report_text,   check_report_json,   check_report_sarif,    check_report_junit,
    check_report_github, check_report_gitlab, check_report_markdown, check_report_plan};
static const char *const roles[] = {"either", "provider", "consumer", NULL};

/* The least level that fails, in the order of the names. */
static const char *const failing[] = {"break", "unproven", "adaptable", "any", NULL};
static const enum verdict_level failing_levels[] = {VERDICT_BREAKING, VERDICT_UNPROVEN, VERDICT_ADAPTABLE,
                                                    VERDICT_COMPATIBLE};
enum { FAIL_ON_UNPROVEN = 1 };

struct check_flags {
    unsigned mode, format, fail_on, role, json;
    bool plan, notes;
    uint64_t steps;
    const char *format_in, *profile, *today, *explain, *baseline, *baseline_write, *deploy;
    struct args_texts only, levels, against, through;
};

#define AT(member) offsetof(struct check_flags, member)

static const struct args_flag flags[] = {
    {.name = "format",
     .letter = 'f',
     .type = ARGS_CHOICE,
     .offset = AT(format),
     .value = "FORMAT",
     .choices = formats,
     .doc = "how to say it (default: text)"},
    {.name = "fail-on",
     .type = ARGS_CHOICE,
     .offset = AT(fail_on),
     .value = "LEVEL",
     .choices = failing,
     .doc = "the least that is status 1 (default: unproven)"},
    {.name = "mode",
     .type = ARGS_CHOICE,
     .offset = AT(mode),
     .value = "MODE",
     .choices = modes,
     .doc = "what is asked; default is backward, and full for jobs"},
    {.name = "as",
     .type = ARGS_CHOICE,
     .offset = AT(role),
     .value = "ROLE",
     .choices = roles,
     .doc = "who releases NEW: the provider (backward) or a consumer (forward)"},
    {.name = "against",
     .type = ARGS_TEXTS,
     .offset = AT(against),
     .value = "PLACE",
     .doc = "one more old version: a file, a folder of them, or a git revision (NEW as it was there); repeatable"},
    {.name = "through",
     .type = ARGS_TEXTS,
     .offset = AT(through),
     .value = "PLACE",
     .doc =
         "a version between OLD and NEW, the oldest first: what has no plan of its own is adapted version by version; "
         "repeatable"},
    {.name = "deploy",
     .type = ARGS_TEXT,
     .offset = AT(deploy),
     .value = "DIR",
     .doc = "judge every pair of deployed contracts that talk; with NEW: every pair that NEW is part of"},
    {.name = "format-in",
     .type = ARGS_TEXT,
     .offset = AT(format_in),
     .value = "FORMAT",
     .doc = "what OLD and NEW are: auto|weft|openapi|jsonschema|avro|proto (default: told by their content)"},
    {.name = "profile",
     .letter = 'p',
     .type = ARGS_TEXT,
     .offset = AT(profile),
     .value = "PROFILE",
     .doc = "whose policy it is (default: wire, what breaks peers in practice)"},
    {.name = "today",
     .type = ARGS_TEXT,
     .offset = AT(today),
     .value = "DATE",
     .doc = "the day, 2030-12-31, for what was promised until one (profiles openapi and strict); else none has come"},
    {.name = "only",
     .type = ARGS_TEXTS,
     .offset = AT(only),
     .value = "RULE[,RULE]",
     .doc = "look at these rules alone; repeatable"},
    {.name = "level",
     .type = ARGS_TEXTS,
     .offset = AT(levels),
     .value = "RULE=LEVEL",
     .doc = "breaking, unproven, adaptable or compatible (then it is a note); repeatable"},
    {.name = "baseline",
     .type = ARGS_TEXT,
     .offset = AT(baseline),
     .value = "FILE",
     .doc = "YAML of accepted findings: fingerprint, reason, owner, expires"},
    {.name = "baseline-write",
     .type = ARGS_TEXT,
     .offset = AT(baseline_write),
     .value = "FILE",
     .doc = "write that file, with everything that fails now"},
    {.name = "explain",
     .type = ARGS_TEXT,
     .offset = AT(explain),
     .value = "FINGERPRINT",
     .doc = "print one finding with its proof"},
    {.name = "steps",
     .type = ARGS_COUNT,
     .offset = AT(steps),
     .value = "COUNT",
     .doc = "give up after so many steps of the rules, status 3 (default: 2000000000, a minute or so)"},
    {.name = "plan",
     .type = ARGS_SWITCH,
     .offset = AT(plan),
     .doc = "print how adaptable operations are adapted (text; --format plan prints that alone)"},
    {.name = "json",
     .type = ARGS_CHOICE,
     .offset = AT(json),
     .value = "WHO",
     .choices = speakers,
     .doc = "who speaks protobuf's JSON, none (the default), caller, function or both: plans then begin or end with "
            "transcode, as those of a sidecar with inbound.speaks"},
    {.name = "notes", .type = ARGS_SWITCH, .offset = AT(notes), .doc = "print findings that break nothing, too"},
    {0},
};

static const struct args_command command = {
    .name = "weft check",
    .words = "OLD NEW",
    .summary = "may peers of one version of a contract talk to peers of another?",
    .flags = flags,
    .max_words = 2,
    .examples = "  two OpenAPI files: does the new one break anybody who was written against the old one?\n"
                "    weft check openapi-1.yaml openapi-2.yaml\n"
                "  the file in this folder against the one on the main branch\n"
                "    weft check git:main:api/openapi.yaml api/openapi.yaml\n"
                "  why does it say so?  (the 16 digits stand in brackets behind each finding)\n"
                "    weft check openapi-1.yaml openapi-2.yaml --explain 3f60b51c9d2a77e0\n"
                "  in GitHub Actions, in GitLab, for code scanning\n"
                "    weft check git:origin/main:api api --format github\n"
                "    weft check git:origin/main:api api --format gitlab > gl-code-quality-report.json\n"
                "    weft check git:origin/main:api api --format sarif > weft.sarif\n"
                "  adapt a body by hand\n"
                "    weft check orders-1.weft orders-2.weft --format plan > orders.plan\n"
                "    weft adapt orders.plan --for 'request create_order' < body.json\n"
                "  this version against all that are still out\n"
                "    weft check api/openapi.yaml --against v1.0 --against v1.1\n"
                "  accept what is there, fail on what is new\n"
                "    weft check old.yaml new.yaml --baseline-write accepted.yaml\n"
                "    weft check old.yaml new.yaml --baseline accepted.yaml\n"
                "  may this provider be deployed beside what is deployed?\n"
                "    weft check orders.weft --deploy contracts/ --as provider\n",
    .details =
        "OLD and NEW are files, folders (matched by relative path), - for standard input, or git:REV:PATH.\n"
        "They are OpenAPI, JSON Schema, Avro, protobuf, or facts of weft; both of the same kind or not.\n"
        "backward: may old consumers call the new provider?  forward: may new consumers call the old one?\n"
        "Levels: same, compatible, adaptable (a sidecar can bridge it), unproven, breaking.\n"
        "Profiles: wire, strict, openapi, json-schema, json-schema-lenient, avro, protobuf, protobuf-wire,\n"
        "protobuf-wire-json, protobuf-package, protobuf-file, confluent:backward; or some rules of another tool:\n"
        "buf:WIRE, buf:FIELD_NO_DELETE, oasdiff:request-parameter-removed, avro:TYPE_MISMATCH.\n"
        "Rules go by these names, too; docs/rules.md has all, each with an example and its repair.\n"
        "Exit status: 0 nothing at or above the failing level, 1 findings, 2 unusable arguments or input,\n"
        "3 stopped by a limit.\n",
};

/* --- What was asked for. */

struct asking {
    struct check_flags f;
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum import_format format;
    bool asked[CHECK_QUESTIONS];
    struct arena arena;
    struct diag diag;
    struct profile profile;
    struct check_report report;
    struct check_input old, new, deployed;
    struct check_input against[ARGS_TEXTS_MOST];
    struct check_input through[VERDICT_VERSIONS];
    struct contract *versions[VERDICT_VERSIONS];
    struct check_level levels[CHOICES_MOST];
    struct slice only[CHOICES_MOST];
};

static int wrong(const char *what, struct slice word)
{
    fprintf(stderr, "weft check: %s %.*s (try weft check --help)\n", what, SLICE_FMT(word));
    return UNUSABLE;
}

/* A name that nobody has would look like no findings. */
static int unknown(const char *what, struct slice name, void (*put_nearest)(struct slice name, struct buf *out))
{
    struct buf nearest;
    buf_init(&nearest, BUF_TEXT_BOUND);
    put_nearest(name, &nearest);
    fprintf(
        stderr, "weft check: there is no %s %.*s: %.*s\n", what, SLICE_FMT(name),
        SLICE_FMT(buf_len(&nearest) ? buf_slice(&nearest) : SLICE("docs/rules.md has all (try weft check --help)")));
    buf_fini(&nearest);
    return UNUSABLE;
}

static int known_rule(struct slice rule)
{
    return rule_name_known(rule) ? FINE : unknown("rule", rule, rule_name_put_nearest);
}

/* What oasdiff and openapi-diff call a change is looked for when somebody asks. */
static void mind_name(struct asking *a, struct slice rule)
{
    if (slice_starts(rule, SLICE("oasdiff:")) || slice_starts(rule, SLICE("openapi:")))
        profile_mind(&a->profile, SLICE("oasdiff"));
}

static int choose_only(struct asking *a)
{
    size_t count = 0;
    for (size_t i = 0; i < a->f.only.count; i++) {
        struct slice rest = slice_str(a->f.only.v[i]), rule;
        while (slice_split(&rest, ',', &rule)) {
            if (count == CHOICES_MOST)
                return wrong("too many rules:", rule);
            if (known_rule(slice_trim(rule)) != FINE)
                return UNUSABLE;
            mind_name(a, slice_trim(rule));
            a->only[count++] = slice_trim(rule);
        }
    }
    if (a->f.only.count && !count)
        return wrong("--only names no rule", (struct slice){0});
    a->report.choice.only = a->only;
    a->report.choice.only_count = count;
    return FINE;
}

static bool level_of(struct slice word, enum verdict_level *out)
{
    for (enum verdict_level l = VERDICT_COMPATIBLE; l <= VERDICT_BREAKING; l++)
        if (slice_eq(word, slice_str(verdict_level_name(l)))) {
            *out = l;
            return true;
        }
    return false;
}

static int choose_levels(struct asking *a)
{
    for (size_t i = 0; i < a->f.levels.count; i++) {
        struct slice said = slice_str(a->f.levels.v[i]);
        size_t equals;
        struct check_level *l = &a->levels[i];
        if (!slice_find_last(said, '=', &equals) || !level_of(slice_from(said, equals + 1), &l->level))
            return wrong("--level wants RULE=breaking|unproven|adaptable|compatible, not", said);
        l->rule = slice_to(said, equals);
        if (known_rule(l->rule) != FINE)
            return UNUSABLE;
        mind_name(a, l->rule);
    }
    a->report.choice.levels = a->levels;
    a->report.choice.level_count = a->f.levels.count;
    return FINE;
}

static int choose_profile(struct asking *a)
{
    struct slice said = slice_str(a->f.profile ? a->f.profile : "wire");
    if (profile_init(&a->profile, said) != ERR_OK)
        return unknown("profile", said, profile_put_nearest);
    a->profile.steps = a->f.steps;
    a->report.choice.profile = &a->profile;
    return FINE;
}

/* 2030-12-31 as 20301231; 0: it is no such day. */
static unsigned day_of(struct slice said)
{
    unsigned day = 0;
    for (size_t i = 0; i < said.len && said.len == DAY; i++) {
        bool dash = i == 4 || i == 7;
        if (dash ? said.at[i] != '-' : said.at[i] < '0' || said.at[i] > '9')
            return 0;
        day = dash ? day : day * 10 + (unsigned)(said.at[i] - '0');
    }
    unsigned month = day / 100 % 100;
    return said.len == DAY && month >= 1 && month <= 12 && day % 100 >= 1 && day % 100 <= 31 ? day : 0;
}

static int choose_day(struct asking *a)
{
    if (!a->f.today)
        return FINE;
    a->profile.today = day_of(slice_str(a->f.today));
    return a->profile.today ? FINE : wrong("--today wants a day like 2030-12-31, not", slice_str(a->f.today));
}

static int choose_questions(struct asking *a)
{
    enum mode mode = (enum mode)a->f.mode;
    enum check_role role = (enum check_role)a->f.role;
    if (role != CHECK_ROLE_BY_ITSELF && !a->f.deploy) {
        if (mode != MODE_DEFAULT)
            return wrong("--as says what --mode says; leave one out:", slice_str(roles[role]));
        mode = role == CHECK_ROLE_PROVIDER ? MODE_BACKWARD : MODE_FORWARD;
    }
    if (a->f.deploy && mode != MODE_DEFAULT)
        return wrong("--deploy asks what --mode cannot: leave out --mode", slice_str(modes[mode]));
    a->f.mode = mode;
    a->asked[CHECK_BACKWARD] = mode != MODE_FORWARD;
    a->asked[CHECK_FORWARD] = mode != MODE_BACKWARD;
    return FINE;
}

/* What was read from standard input is gone. */
static bool reads_input_twice(const struct asking *a)
{
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++)
        count += strcmp(a->words[i], "-") == 0;
    for (size_t i = 0; i < a->f.against.count; i++)
        count += strcmp(a->f.against.v[i], "-") == 0;
    return count > 1;
}

static int choose_words(struct asking *a)
{
    if (reads_input_twice(a))
        return wrong("standard input can be read once only:", SLICE("-"));
    if (a->f.through.count > VERDICT_VERSIONS)
        return wrong("there are at most 8:", SLICE("--through"));
    if (a->f.deploy && (a->f.against.count || a->count > 1))
        return wrong("--deploy takes one contract or none, and no --against:", slice_str(a->f.deploy));
    if (a->f.deploy && !a->count && a->f.role != CHECK_ROLE_BY_ITSELF)
        return wrong("--as needs the contract that is to be deployed:", slice_str(roles[a->f.role]));
    if (a->f.deploy || a->count == 2 || (a->count == 1 && a->f.against.count))
        return FINE;
    return wrong("missing:", a->count ? SLICE("NEW (or --against, or --deploy)") : SLICE("OLD NEW"));
}

static int choose(struct asking *a)
{
    a->report.failing = failing_levels[a->f.fail_on];
    a->report.with_plan = a->f.plan;
    a->report.json = a->f.json;
    a->report.with_notes = a->f.notes;
    if (check_input_format(a->f.format_in ? a->f.format_in : "auto", &a->format) != ERR_OK)
        return wrong("--format-in is one of auto, weft, openapi, jsonschema, avro, proto; not",
                     slice_str(a->f.format_in));
    int (*const choices[])(struct asking *) = {choose_words, choose_questions, choose_profile,
                                               choose_day,   choose_only,      choose_levels};
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
        if (choices[i](a) != FINE)
            return UNUSABLE;
    return FINE;
}

/* --- What is compared. */

static bool load(struct asking *a, const char *where, struct check_input *into)
{
    return check_input_load(where, a->format, &a->diag, into) == ERR_OK;
}

/* What is on the disk or says git: is a place; the rest is a revision, and NEW's own path in it. */
static const char *older_place(struct asking *a, const char *against, const char *new)
{
    struct stat s;
    if (slice_starts(slice_str(against), SLICE("git:")) || strcmp(against, "-") == 0 || stat(against, &s) == 0)
        return against;
    const char *here = new[0] == '/' || slice_starts(slice_str(new), SLICE("git:")) ? "" : "./";
    return arena_putf(&a->arena, "git:%s:%s%s", against, here, new).at;
}

/* A version between is one contract. */
static bool load_version(struct asking *a, size_t i, const char *new)
{
    const char *place = older_place(a, a->f.through.v[i], new);
    if (!load(a, place, &a->through[i]))
        return false;
    if (a->through[i].count != 1) {
        diag_add(&a->diag, DIAG_ERROR, &(struct diag_place){.file = place}, NULL,
                 "--through takes a file, not a folder");
        return false;
    }
    a->versions[i] = a->through[i].files[0].contract;
    a->report.choice.through = a->versions;
    a->report.choice.through_count = i + 1;
    return true;
}

static bool load_all(struct asking *a)
{
    bool fine = true;
    const char *new = a->count ? a->words[a->count - 1] : NULL;
    if (a->count == 2)
        fine = load(a, a->words[0], &a->old);
    if (new)
        fine = load(a, new, &a->new) && fine;
    for (size_t i = 0; i < a->f.against.count; i++)
        fine = load(a, older_place(a, a->f.against.v[i], new), &a->against[i]) && fine;
    for (size_t i = 0; i < a->f.through.count; i++)
        fine = load_version(a, i, new) && fine;
    if (a->f.deploy)
        fine = load(a, a->f.deploy, &a->deployed) && fine;
    if (a->f.baseline) {
        char today[25];
        now_rfc3339(now_wall_us(&now_real), today);
        today[DAY] = 0;
        fine = check_baseline_read(a->f.baseline, today, &a->diag, &a->report.baseline) == ERR_OK && fine;
    }
    return fine;
}

static void add(struct asking *a, const char *label, struct contract *old, struct contract *new)
{
    check_report_add(&a->report, label, old, new, a->asked, a->f.mode == MODE_DEFAULT);
}

static void put_quoted(struct buf *out, struct slice text)
{
    buf_put_char(out, '"');
    for (; text.len; text = slice_from(text, 1)) {
        if (text.at[0] == '"' || text.at[0] == '\\')
            buf_put_char(out, '\\');
        buf_put_char(out, text.at[0]);
    }
    buf_put_char(out, '"');
}

/* A file that is gone is a contract that offers nothing any more; a new one has offered nothing yet. */
static struct contract *without_anything(struct asking *a, const struct contract *like)
{
    struct buf text;
    struct contract *c = NULL;
    buf_init(&text, BUF_TEXT_BOUND);
    buf_put(&text, SLICE("contract("));
    put_quoted(&text, contract_name(like));
    buf_put(&text, SLICE(", "));
    put_quoted(&text, contract_version(like));
    buf_put(&text, SLICE(").\n"));
    enum err e = contract_parse(buf_slice(&text), NULL, &a->diag, &c);
    buf_fini(&text);
    return e == ERR_OK ? c : NULL;
}

static bool add_lone(struct asking *a, const char *label, struct contract *old, struct contract *new)
{
    struct contract *nothing = without_anything(a, old ? old : new);
    if (!nothing)
        return false;
    add(a, label, old ? old : nothing, new ? new : nothing);
    contract_unref(&nothing);
    return true;
}

static const char *label_of(struct asking *a, const char *from, const char *path)
{
    if (!*path)
        return from;
    if (!from)
        return path;
    return arena_putf(&a->arena, "%s: %s", from, path).at;
}

/* Folders: by relative path, also what only one of them has. */
static bool add_folders(struct asking *a, const char *from, const struct check_input *old)
{
    bool fine = true;
    for (size_t i = 0; i < old->count; i++) {
        struct contract *new = check_input_find(&a->new, old->files[i].path);
        const char *label = label_of(a, from, old->files[i].path);
        if (new)
            add(a, label, old->files[i].contract, new);
        else
            fine = add_lone(a, label, old->files[i].contract, NULL) && fine;
    }
    for (size_t i = 0; i < a->new.count; i++)
        if (!check_input_find(old, a->new.files[i].path))
            fine = add_lone(a, label_of(a, from, a->new.files[i].path), NULL, a->new.files[i].contract) && fine;
    return fine;
}

/* A folder against one file is many old versions of it. */
static bool add_pairs(struct asking *a, const char *from, const struct check_input *old)
{
    if (a->new.folder != old->folder && (a->new.folder || !from)) {
        struct diag_place whole = {.file = a->words[a->count - 1]};
        diag_add(&a->diag, DIAG_ERROR, &whole, "name two files or two folders", "a folder and a file do not match");
        return false;
    }
    if (a->new.folder)
        return add_folders(a, from, old);
    for (size_t i = 0; i < old->count; i++)
        add(a, from ? label_of(a, from, old->files[i].path) : NULL, old->files[i].contract, a->new.files[0].contract);
    return true;
}

static bool add_version(struct asking *a, const char *from, const struct check_input *old)
{
    size_t first = a->report.count;
    bool fine = add_pairs(a, from, old);
    for (size_t i = first; i < a->report.count; i++) {
        a->report.pairs[i].old_revision = old->revision;
        a->report.pairs[i].new_revision = a->new.revision;
    }
    return fine;
}

static bool compare(struct asking *a)
{
    if (a->f.deploy)
        return check_deploy_add(&a->report, &a->deployed, a->count ? &a->new : NULL, (enum check_role)a->f.role,
                                &a->diag) == ERR_OK;
    bool fine = true, many = a->f.against.count > 0;
    if (a->count == 2)
        fine = add_version(a, many ? a->words[0] : NULL, &a->old);
    for (size_t i = 0; i < a->f.against.count; i++)
        fine = add_version(a, a->f.against.v[i], &a->against[i]) && fine;
    return fine;
}

/* --- What is said. */

/* What was accepted keeps its reason; what is new gets one to be filled in. */
static void put_accepted(struct asking *a, const struct check_item *item, struct buf *out)
{
    if (item->accepted) {
        check_baseline_put(item->accepted, out);
        return;
    }
    const struct verdict_finding *f = item->finding;
    struct check_accepted new = {.fingerprint = f->id,
                                 .rule = f->rule,
                                 .where = f->where,
                                 .reason = SLICE("to be filled in"),
                                 .owner = SLICE("to be filled in")};
    if (check_report_fails(&a->report, item))
        check_baseline_put(&new, out);
}

static bool written_before(const struct check_report *r, size_t pair, size_t item)
{
    struct slice id = r->pairs[pair].items[item].finding->id;
    for (size_t p = 0; p <= pair; p++)
        for (size_t i = 0; i < (p == pair ? item : r->pairs[p].item_count); i++)
            if (slice_eq(r->pairs[p].items[i].finding->id, id))
                return true;
    return false;
}

static int write_baseline(struct asking *a)
{
    struct buf out;
    buf_init(&out, REPORT_BOUND);
    check_baseline_put_head(&out);
    for (size_t p = 0; p < a->report.count; p++)
        for (size_t i = 0; i < a->report.pairs[p].item_count; i++)
            if (!written_before(&a->report, p, i))
                put_accepted(a, &a->report.pairs[p].items[i], &out);
    enum err e = file_write(a->f.baseline_write, buf_slice(&out), 0644);
    buf_fini(&out);
    if (e == ERR_OK)
        return FINE;
    fprintf(stderr, "weft check: %s cannot be written: %s\n", a->f.baseline_write, err_text(e));
    return UNUSABLE;
}

static int explain(struct asking *a, struct buf *out)
{
    if (check_report_text_explain(&a->report, slice_str(a->f.explain), out) == ERR_OK)
        return FINE;
    fprintf(stderr, "weft check: no finding %s between these two\n", a->f.explain);
    return UNUSABLE;
}

/* Output that is lost is no report: a full disk must not look like a verdict. */
static int flushed(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "weft check: the report cannot be written\n");
    return UNUSABLE;
}

static int say(struct asking *a)
{
    struct buf out;
    int status = FINE;
    buf_init(&out, REPORT_BOUND);
    if (a->f.explain)
        status = explain(a, &out);
    else
        writers[a->f.format](&a->report, &out);
    show_buf(stdout, &out);
    buf_fini(&out);
    if (a->f.explain)
        return flushed(status);
    if (a->f.baseline_write)
        return flushed(write_baseline(a));
    if (check_report_hit_limit(&a->report))
        return flushed(STOPPED);
    return flushed(check_report_level(&a->report) >= a->report.failing ? FOUND : FINE);
}

static int judge(struct asking *a)
{
    bool fine = load_all(a) && compare(a);
    show_diag(&a->diag);
    return fine ? say(a) : UNUSABLE;
}

int cmd_check(int argc, char **argv)
{
    struct asking a = {.f.fail_on = FAIL_ON_UNPROVEN};
    switch (args_parse(&command, argc, argv, &a.f, a.words, &a.count)) {
    case ARGS_SHOWN:
        return FINE;
    case ARGS_WRONG:
        return UNUSABLE;
    case ARGS_GO:
        break;
    }
    arena_init(&a.arena, 0);
    diag_init(&a.diag);
    check_report_init(&a.report);
    int status = choose(&a);
    if (status == FINE)
        status = judge(&a);
    check_baseline_free(&a.report.baseline);
    check_report_fini(&a.report);
    profile_fini(&a.profile);
    check_input_fini(&a.old);
    check_input_fini(&a.new);
    check_input_fini(&a.deployed);
    for (size_t i = 0; i < a.f.against.count; i++)
        check_input_fini(&a.against[i]);
    for (size_t i = 0; i < VERDICT_VERSIONS; i++)
        check_input_fini(&a.through[i]);
    diag_fini(&a.diag);
    arena_fini(&a.arena);
    return status;
}
