/* weft job: submit, watch, cancel and inspect jobs by hand, through a sidecar's local side. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/fetch.h"
#include "cli/job_progress.h"
#include "cli/job_show.h"
#include "cli/show.h"

enum { PATH_ROOM = 1024, LINE_ROOM = 64 << 10, DATA_BOUND = 1 << 20, QUICK_US = 15000000 };

struct job_flags {
    const char *sidecar, *broker, *data, *type, *key, *limit_key, *labels, *delay, *timeout, *deadline, *out, *state,
        *service, *cursor, *callback, *after, *after_end, *catch_up;
    struct args_texts headers;
    uint64_t priority, attempts, wait, limit;
    bool json;
};

#define AT(member) .offset = offsetof(struct job_flags, member)

static const struct args_flag flags[] = {
    {.name = "sidecar",
     .letter = 's',
     .type = ARGS_TEXT,
     AT(sidecar),
     .value = "ADDR",
     .doc = "its outbound.listen; default 127.0.0.1:4740"},
    {.name = "broker",
     .type = ARGS_TEXT,
     AT(broker),
     .value = "ADDR",
     .doc = "pause, resume, top: its admin.listen; default 127.0.0.1:4790"},
    {.name = "data",
     .letter = 'd',
     .type = ARGS_TEXT,
     AT(data),
     .value = "TEXT|@FILE",
     .doc = "submit: the body; @- is standard input"},
    {.name = "type",
     .type = ARGS_TEXT,
     AT(type),
     .value = "TYPE",
     .doc = "submit: its content-type (application/json)"},
    {.name = "header",
     .letter = 'H',
     .type = ARGS_TEXTS,
     AT(headers),
     .value = "'NAME: VALUE'",
     .doc = "submit: one more field"},
    {.name = "key",
     .letter = 'k',
     .type = ARGS_TEXT,
     AT(key),
     .value = "KEY",
     .doc = "submit: Idempotency-Key; the same again is the same job"},
    {.name = "priority", .type = ARGS_COUNT, AT(priority), .value = "0..9", .doc = "submit: 9 first; default 5"},
    {.name = "delay", .type = ARGS_TEXT, AT(delay), .value = "DURATION", .doc = "submit: not before"},
    {.name = "limit-key",
     .type = ARGS_TEXT,
     AT(limit_key),
     .value = "KEY",
     .doc = "submit: jobs of the service with the same one share its limits per key"},
    {.name = "labels",
     .type = ARGS_TEXT,
     AT(labels),
     .value = "LABELS",
     .doc = "submit: gpu=a100,model=x? its worker must (?: should) have"},
    {.name = "timeout", .type = ARGS_TEXT, AT(timeout), .value = "DURATION", .doc = "submit: of one attempt"},
    {.name = "deadline", .type = ARGS_TEXT, AT(deadline), .value = "DURATION", .doc = "submit: dead after"},
    {.name = "after",
     .type = ARGS_TEXT,
     AT(after),
     .value = "ID,ID",
     .doc = "submit: waits for these jobs; gets their answers"},
    {.name = "after-end",
     .type = ARGS_TEXT,
     AT(after_end),
     .value = "done|any",
     .doc = "submit: how those must end; done"},
    {.name = "catch-up",
     .type = ARGS_TEXT,
     AT(catch_up),
     .value = "one|all|none",
     .doc = "schedule: of moments that were missed; one"},
    {.name = "callback", .type = ARGS_TEXT, AT(callback), .value = "URL", .doc = "submit: it hears of the end"},
    {.name = "attempts", .type = ARGS_COUNT, AT(attempts), .value = "N", .doc = "submit: failures it may have"},
    {.name = "wait",
     .letter = 'w',
     .type = ARGS_COUNT,
     AT(wait),
     .value = "SECONDS",
     .doc = "submit: print the answer if it is done by then"},
    {.name = "out", .letter = 'o', .type = ARGS_TEXT, AT(out), .value = "FILE", .doc = "result: write the body there"},
    {.name = "state",
     .type = ARGS_TEXT,
     AT(state),
     .value = "STATE",
     .doc = "list: delayed queued leased done cancelled dead"},
    {.name = "service", .type = ARGS_TEXT, AT(service), .value = "NAME", .doc = "list: of one service"},
    {.name = "cursor", .type = ARGS_TEXT, AT(cursor), .value = "CURSOR", .doc = "list: go on there"},
    {.name = "limit", .type = ARGS_COUNT, AT(limit), .value = "N", .doc = "list: at most so many"},
    {.name = "json", .type = ARGS_SWITCH, AT(json), .doc = "print JSON as it came"},
    {0},
};

static const struct args_command command = {
    .name = "weft job",
    .words = "submit SERVICE METHOD PATH | batch FILE | status|why|wait|events|result|cancel|retry|callback ID | list "
             "| dead | "
             "schedule NAME CRON SERVICE METHOD PATH | schedule show|pause|resume|run|delete NAME | schedules | top | "
             "pause|resume SERVICE",
    .summary = "submit, watch, cancel and inspect jobs",
    .flags = flags,
    .min_words = 1,
    .max_words = 6,
    .examples = "  weft job submit trainer POST /train -d '{\"epochs\": 3}'\n"
                "  weft job wait 01M85JM4VK8G4NP2RDGJBJRNRG          # until it is over; the last line says how\n"
                "  weft job result 01M85JM4VK8G4NP2RDGJBJRNRG -o model.json\n"
                "  weft job why 01M85JM4VK8G4NP2RDGJBJRNRG           # what it waits for, or why it failed\n"
                "  weft job dead                                     # then: weft job retry ID\n"
                "  weft job batch jobs.json                          # docs/job-api.md says what is in it\n"
                "  weft job schedule nightly '0 3 * * *' trainer POST /train -d '{}'   # UTC; or '@every 15m'\n"
                "  weft job pause trainer --broker 127.0.0.1:4790\n",
    .details = "Exit status: 0 done, 1 refused or the job failed, 2 wrong arguments or no sidecar there.\n",
};

/* --- asking --- */

static void add_field(struct fetch_request *r, const char *name, const char *value)
{
    if (value && r->field_count < FETCH_FIELDS)
        r->fields[r->field_count++] = (struct fetch_field){slice_str(name), slice_str(value)};
}

/* 0 when it was answered with 2xx, else what to exit with; says why on stderr. */
static int ask(const struct fetch_request *request, struct fetch_answer *answer)
{
    if (fetch(request, answer) != ERR_OK) {
        fprintf(stderr, "weft job: no answer from the sidecar at %s: %s\n", request->address, answer->fault);
        return 2;
    }
    if (answer->status >= 200 && answer->status < 300)
        return 0;
    fprintf(stderr, "weft job: %u ", answer->status);
    show_slice(stderr, headers_value(&answer->headers, HEADERS_WEFT_ERROR));
    fprintf(stderr, "\n");
    show_buf(stderr, &answer->body);
    return 1;
}

static struct fetch_request request_of(const struct job_flags *f, const char *method, const char *path)
{
    return (struct fetch_request){.address = f->sidecar, .method = method, .path = path, .timeout_us = QUICK_US};
}

typedef void shower_fn(FILE *to, struct slice json);

/* The answer, for a person unless JSON is asked for. */
static int tell(const struct job_flags *f, const struct fetch_request *request, shower_fn *show)
{
    struct fetch_answer answer;
    int status = ask(request, &answer);
    if (status == 0 && (f->json || !show))
        show_buf(stdout, &answer.body);
    else if (status == 0)
        show(stdout, buf_slice(&answer.body));
    fetch_answer_fini(&answer);
    return status;
}

/* --- submit --- */

/* `@FILE` and `@-` go as they are read. */
static int open_data(const struct job_flags *f, FILE **file, int64_t *length)
{
    struct stat st;
    const char *name = f->data ? f->data + 1 : "";
    *file = NULL;
    if (!f->data || f->data[0] != '@')
        return 0;
    *file = strcmp(name, "-") == 0 ? stdin : fopen(name, "re");
    if (*file && fstat(fileno(*file), &st) == 0 && !S_ISDIR(st.st_mode)) {
        *length = S_ISREG(st.st_mode) && *file != stdin ? (int64_t)st.st_size : -1;
        return 0;
    }
    fprintf(stderr, "weft job: %s: cannot be read\n", name);
    if (*file && *file != stdin)
        (void)fclose(*file);
    return 2;
}

static void close_data(FILE *file)
{
    if (file && file != stdin)
        (void)fclose(file);
}

static int add_given(const struct job_flags *f, struct fetch_request *r)
{
    for (size_t i = 0; i < f->headers.count; i++) {
        struct slice field = slice_str(f->headers.v[i]);
        size_t colon;
        if (!slice_find(field, ':', &colon) || r->field_count == FETCH_FIELDS) {
            fprintf(stderr, "weft job: -H \"%s\": write 'name: value', at most 12 times\n", f->headers.v[i]);
            return 2;
        }
        r->fields[r->field_count++] =
            (struct fetch_field){slice_trim(slice_to(field, colon)), slice_trim(slice_from(field, colon + 1))};
    }
    return 0;
}

static void show_accepted(const struct job_flags *f, struct fetch_answer *answer)
{
    struct slice job = headers_value(&answer->headers, HEADERS_WEFT_JOB);
    if (answer->status != 202 || f->json) {
        show_buf(stdout, &answer->body);
    } else {
        show_slice(stdout, job);
        printf("\n");
    }
}

/* What goes where, and for a schedule when. */
struct sending {
    const char *service, *method, *path;
    const char *schedule, *cron; /* or NULL */
    FILE *file;                  /* or NULL: the body is text of the command */
    struct job_progress progress;
};

static int send(const struct job_flags *f, struct sending *what)
{
    char prefer[64], priority[24], attempts[24];
    struct fetch_request request = request_of(f, what->method, what->path);
    struct fetch_answer answer;
    snprintf(prefer, sizeof(prefer), f->wait ? "respond-async, wait=%llu" : "respond-async",
             (unsigned long long)f->wait);
    snprintf(priority, sizeof(priority), "%llu", (unsigned long long)f->priority);
    snprintf(attempts, sizeof(attempts), "%llu", (unsigned long long)f->attempts);
    request.authority = slice_str(what->service);
    request.body = what->file ? (struct slice){0} : slice_str(f->data);
    request.has_body = f->data != NULL;
    request.file = what->file;
    request.length = what->progress.total;
    request.sent = job_progress_note;
    request.arg = &what->progress;
    request.timeout_us = what->file ? 0 : QUICK_US + (int64_t)f->wait * 1000000;
    add_field(&request, "prefer", prefer);
    add_field(&request, "content-type", f->data ? f->type : NULL);
    add_field(&request, "idempotency-key", f->key);
    add_field(&request, "weft-priority", f->priority != 5 ? priority : NULL);
    add_field(&request, "weft-attempts", f->attempts ? attempts : NULL);
    add_field(&request, "weft-labels", f->labels);
    add_field(&request, "weft-key", f->limit_key);
    add_field(&request, "weft-delay", f->delay);
    add_field(&request, "weft-callback", f->callback);
    add_field(&request, "weft-after", f->after);
    add_field(&request, "weft-after-end", f->after_end);
    add_field(&request, "weft-timeout", f->timeout);
    add_field(&request, "weft-deadline", f->deadline);
    add_field(&request, "weft-schedule", what->schedule);
    add_field(&request, "weft-cron", what->cron);
    add_field(&request, "weft-catch-up", what->schedule ? f->catch_up : NULL);
    int status = add_given(f, &request);
    if (status)
        return status;
    status = ask(&request, &answer);
    job_progress_end(&what->progress);
    if (status == 0 && what->schedule && !f->json)
        job_show_schedule(stdout, buf_slice(&answer.body));
    else if (status == 0)
        show_accepted(f, &answer);
    fetch_answer_fini(&answer);
    return status;
}

static int submit(const struct job_flags *f, struct sending *what)
{
    int64_t length = -1;
    int status = open_data(f, &what->file, &length);
    job_progress_init(&what->progress, "sent", length);
    if (status == 0)
        status = send(f, what);
    close_data(what->file);
    return status;
}

/* --- events --- */

struct listening {
    struct buf line;
    char event[32], data[4096];
    bool quiet; /* one line that changes, for a person who waits */
    bool json;
    bool over, failed;
    unsigned long long last;
};

static void show_event(struct listening *l)
{
    if (l->json) {
        printf("%s %s\n", l->event, l->data);
    } else {
        bool in_place = l->quiet && isatty(STDOUT_FILENO);
        printf("%s", in_place ? "\r\033[K" : "");
        job_show_event(stdout, l->event, slice_str(l->data));
        printf("%s", in_place ? "" : "\n");
    }
    fflush(stdout);
    l->over = strcmp(l->event, "done") == 0 || strcmp(l->event, "dead") == 0 || strcmp(l->event, "cancelled") == 0;
    l->failed = l->over && strcmp(l->event, "done") != 0;
    if (l->over && l->quiet && !l->json && isatty(STDOUT_FILENO))
        printf("\n");
}

static void take_line(struct listening *l, struct slice line)
{
    if (slice_starts(line, SLICE("event: ")))
        snprintf(l->event, sizeof(l->event), "%.*s", SLICE_FMT(slice_from(line, 7)));
    else if (slice_starts(line, SLICE("data: ")))
        snprintf(l->data, sizeof(l->data), "%.*s", SLICE_FMT(slice_from(line, 6)));
    else if (slice_starts(line, SLICE("id: ")))
        l->last = strtoull(line.at + 4, NULL, 10);
    else if (line.len == 0 && l->event[0]) {
        show_event(l);
        l->event[0] = l->data[0] = 0;
    }
}

static bool hear(void *arg, struct slice bytes)
{
    struct listening *l = arg;
    size_t end;
    if (buf_add(&l->line, bytes) != ERR_OK)
        return false;
    while (slice_find(buf_slice(&l->line), '\n', &end)) {
        take_line(l, slice_to(buf_slice(&l->line), end));
        buf_took(&l->line, end + 1);
    }
    return !l->over;
}

/* Comes back with Last-Event-ID when the stream breaks, as an EventSource does. */
static int follow(const struct job_flags *f, const char *id, bool quiet)
{
    struct listening l = {.quiet = quiet, .json = f->json};
    char path[PATH_ROOM], last[24];
    int status = 0;
    snprintf(path, sizeof(path), "/v1/jobs/%s/events", id);
    buf_init(&l.line, LINE_ROOM);
    for (int tries = 0; !l.over && status == 0 && tries < 10; tries++) {
        struct fetch_request request = request_of(f, "GET", path);
        struct fetch_answer answer;
        snprintf(last, sizeof(last), "%llu", l.last);
        request.timeout_us = 0;
        request.data = hear;
        request.arg = &l;
        add_field(&request, "last-event-id", l.last ? last : NULL);
        unsigned long long before = l.last;
        enum err e = fetch(&request, &answer);
        if (answer.status == 204)
            l.over = true;
        else if (answer.status >= 400)
            status = 1;
        if (e == ERR_OK && l.last != before)
            tries = 0;
        if (e != ERR_OK && !l.over)
            usleep(500000);
        if (status)
            fprintf(stderr, "weft job: %u from the sidecar; does the job exist?\n", answer.status);
        fetch_answer_fini(&answer);
    }
    buf_fini(&l.line);
    if (status == 0 && !l.over)
        fprintf(stderr, "weft job: the sidecar at %s does not answer\n", f->sidecar);
    return status ? status : !l.over ? 2 : l.failed;
}

/* --- the rest --- */

/* Where a result goes, as it comes; what is no result is collected as ever. */
struct receiving {
    struct fetch_answer answer;
    FILE *to;
    bool broken;
    struct job_progress progress;
};

static int64_t length_of(const struct fetch_answer *a)
{
    uint64_t n;
    bool says = slice_u64(headers_value(&a->headers, HEADERS_CONTENT_LENGTH), INT64_MAX, &n) == ERR_OK;
    return says ? (int64_t)n : -1;
}

static bool receive(void *arg, struct slice bytes)
{
    struct receiving *r = arg;
    if (r->answer.status >= 300)
        return buf_add(&r->answer.body, bytes) == ERR_OK;
    if (r->progress.done == 0)
        r->progress.total = length_of(&r->answer);
    job_progress_note(&r->progress, r->progress.done + bytes.len);
    r->broken = fwrite(bytes.at, 1, bytes.len, r->to) != bytes.len;
    return !r->broken;
}

static int get_result(const struct job_flags *f, const char *id, FILE *to, const char *name)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof(path), "/v1/jobs/%s/result", id);
    struct fetch_request request = request_of(f, "GET", path);
    struct receiving r = {.to = to};
    job_progress_init(&r.progress, "got", -1);
    r.progress.shown = r.progress.shown && f->out;
    request.data = receive;
    request.arg = &r;
    request.timeout_us = 0;
    int status = ask(&request, &r.answer);
    job_progress_end(&r.progress);
    fetch_answer_fini(&r.answer);
    if (fflush(to) != 0 || r.broken) {
        fprintf(stderr, "weft job: cannot write %s\n", name);
        return 1;
    }
    return status;
}

/* Beside its place first, so that what has the name is whole. */
static int result(const struct job_flags *f, const char *id)
{
    char part[PATH_ROOM];
    if (!f->out)
        return get_result(f, id, stdout, "standard output");
    int len = snprintf(part, sizeof(part), "%s.part", f->out);
    FILE *to = len > 0 && (size_t)len < sizeof(part) ? fopen(part, "we") : NULL;
    if (!to) {
        fprintf(stderr, "weft job: cannot write %s\n", f->out);
        return 1;
    }
    int status = get_result(f, id, to, f->out);
    if (fclose(to) != 0 || (status == 0 && rename(part, f->out) != 0)) {
        fprintf(stderr, "weft job: cannot write %s\n", f->out);
        status = 1;
    }
    if (status)
        (void)unlink(part);
    return status;
}

static int list(const struct job_flags *f)
{
    char path[PATH_ROOM];
    int used = snprintf(path, sizeof(path), "/v1/jobs?limit=%llu", (unsigned long long)f->limit);
    if (f->state)
        used += snprintf(path + used, sizeof(path) - (size_t)used, "&state=%.32s", f->state);
    if (f->service)
        used += snprintf(path + used, sizeof(path) - (size_t)used, "&service=%.256s", f->service);
    if (f->cursor)
        snprintf(path + used, sizeof(path) - (size_t)used, "&cursor=%.256s", f->cursor);
    struct fetch_request request = request_of(f, "GET", path);
    return tell(f, &request, job_show_list);
}

/* One question about one job, and who shows the answer. */
static const struct about {
    const char *verb, *method, *tail;
    shower_fn *show;
} abouts[] = {
    {"status", "GET", "", job_show_status},
    {"why", "GET", "", job_show_why},
    {"cancel", "DELETE", "", job_show_status},
    {"retry", "POST", "/retry", job_show_status},
    {"callback", "POST", "/callback", job_show_status},
};

static int about(const struct job_flags *f, const char *verb, const char *id)
{
    char path[PATH_ROOM];
    for (size_t i = 0; i < sizeof(abouts) / sizeof(abouts[0]); i++)
        if (strcmp(verb, abouts[i].verb) == 0) {
            snprintf(path, sizeof(path), "/v1/jobs/%.64s%s", id, abouts[i].tail);
            struct fetch_request request = request_of(f, abouts[i].method, path);
            return tell(f, &request, abouts[i].show);
        }
    if (strcmp(verb, "result") == 0)
        return result(f, id);
    if (strcmp(verb, "wait") == 0 || strcmp(verb, "events") == 0)
        return follow(f, id, strcmp(verb, "wait") == 0);
    fprintf(stderr, "weft job: no verb \"%s\" (try weft job --help)\n", verb);
    return 2;
}

/* --- the broker's side --- */

static int at_broker(const struct job_flags *f, const char *verb, const char *service)
{
    char path[PATH_ROOM];
    bool top = strcmp(verb, "top") == 0;
    snprintf(path, sizeof(path), top ? "/queues" : "/%s/%.256s", verb, service);
    struct fetch_request request = request_of(f, top ? "GET" : "POST", path);
    request.address = f->broker;
    return tell(f, &request, top ? job_show_queues : NULL);
}

/* --- batches --- */

static int batch(const struct job_flags *f, const char *path)
{
    struct fetch_request request = request_of(f, "POST", "/v1/jobs");
    struct fetch_answer answer;
    struct buf body;
    buf_init(&body, DATA_BOUND);
    if (file_read(path, &body) != ERR_OK) {
        fprintf(stderr, "weft job: %s: cannot be read, or has over 1 MiB\n", path);
        buf_fini(&body);
        return 2;
    }
    request.body = buf_slice(&body);
    request.has_body = true;
    add_field(&request, "content-type", "application/json");
    bool answered = fetch(&request, &answer) == ERR_OK;
    int status = !answered ? 2 : answer.status == 202 ? 0 : 1;
    if (!answered)
        fprintf(stderr, "weft job: no answer from the sidecar at %s: %s\n", f->sidecar, answer.fault);
    else if (f->json)
        show_buf(stdout, &answer.body);
    else if (!job_show_batch(stdout, buf_slice(&answer.body)))
        status = 1;
    fetch_answer_fini(&answer);
    buf_fini(&body);
    return status;
}

/* --- schedules --- */

static int about_schedule(const struct job_flags *f, const char *verb, const char *name)
{
    static const char *const verbs[][3] = {{"show", "GET", ""},
                                           {"pause", "POST", "/pause"},
                                           {"resume", "POST", "/resume"},
                                           {"run", "POST", "/run"},
                                           {"delete", "DELETE", ""}};
    char path[PATH_ROOM];
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verb, verbs[i][0]) == 0) {
            snprintf(path, sizeof(path), "/v1/schedules/%.80s%s", name, verbs[i][2]);
            struct fetch_request request = request_of(f, verbs[i][1], path);
            return tell(f, &request, strcmp(verb, "run") == 0 ? NULL : job_show_schedule);
        }
    fprintf(stderr, "weft job: schedule show|pause|resume|run|delete NAME, or NAME CRON SERVICE METHOD PATH\n");
    return 2;
}

static int schedules(const struct job_flags *f)
{
    char path[PATH_ROOM];
    snprintf(path, sizeof(path), f->cursor ? "/v1/schedules?after=%.80s" : "/v1/schedules", f->cursor);
    struct fetch_request request = request_of(f, "GET", path);
    return tell(f, &request, job_show_schedules);
}

/* 2: no such verb, or with another number of words. */
static int words_go(struct job_flags *f, const char **words, size_t count)
{
    const char *verb = words[0];
    bool pauses = strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0;
    if (strcmp(verb, "submit") == 0 && count == 4)
        return submit(f, &(struct sending){.service = words[1], .method = words[2], .path = words[3]});
    if (strcmp(verb, "schedule") == 0 && count == 6)
        return submit(
            f, &(struct sending){
                   .schedule = words[1], .cron = words[2], .service = words[3], .method = words[4], .path = words[5]});
    if (strcmp(verb, "schedule") == 0 && count == 3)
        return about_schedule(f, words[1], words[2]);
    if (strcmp(verb, "batch") == 0 && count == 2)
        return batch(f, words[1]);
    if (strcmp(verb, "schedules") == 0 && count == 1)
        return schedules(f);
    if (strcmp(verb, "dead") == 0 && count == 1)
        f->state = "dead";
    if ((strcmp(verb, "list") == 0 || strcmp(verb, "dead") == 0) && count == 1)
        return list(f);
    if ((strcmp(verb, "top") == 0 && count == 1) || (pauses && count == 2))
        return at_broker(f, verb, count > 1 ? words[1] : "");
    if (count == 2)
        return about(f, verb, words[1]);
    fprintf(stderr, "weft job: expected %s\n", command.words);
    return 2;
}

int cmd_job(int argc, char **argv)
{
    struct job_flags f = {.sidecar = "127.0.0.1:4740",
                          .broker = "127.0.0.1:4790",
                          .type = "application/json",
                          .priority = 5,
                          .limit = 50};
    const char *words[ARGS_WORDS_MOST];
    size_t count;
    enum args_result parsed = args_parse(&command, argc, argv, &f, words, &count);
    if (parsed != ARGS_GO)
        return parsed == ARGS_SHOWN ? 0 : 2;
    return words_go(&f, words, count);
}
