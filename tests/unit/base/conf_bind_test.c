#include "base/conf_bind.h"

#include "tests/kit/t.h"

struct listener {
    const char *listen;
    const char *app;
    int64_t idle_us;
    uint64_t body;
};

struct service {
    struct conf_strings endpoints;
    const char *identity;
    uint64_t weight;
};

struct settings {
    const char *service;
    const char *cert;
    struct listener inbound;
    struct conf_map services;
    struct conf_pairs trust;
    struct conf_strings consumes;
    struct conf_strings headers;
    unsigned enforce;
    bool strict;
};

static const char *const enforce_words[] = {"off", "report", "adapt", NULL};

static const struct conf_key listener_keys[] = {
    {.name = "listen",
     .type = CONF_ADDRESS,
     .offset = offsetof(struct listener, listen),
     .required = true,
     .doc = "where callers connect"},
    {.name = "app",
     .type = CONF_URL,
     .offset = offsetof(struct listener, app),
     .preset = "http://127.0.0.1:8080",
     .doc = "the local function"},
    {.name = "idle",
     .type = CONF_DURATION,
     .offset = offsetof(struct listener, idle_us),
     .preset = "5m",
     .min = 1000000,
     .max = 3600000000,
     .doc = "how long | a stream may rest"},
    {.name = "body",
     .type = CONF_SIZE,
     .offset = offsetof(struct listener, body),
     .min = 1024,
     .doc = "most bytes kept"},
    {0},
};

static const struct conf_key service_keys[] = {
    {.name = "endpoints",
     .type = CONF_STRINGS,
     .offset = offsetof(struct service, endpoints),
     .required = true,
     .doc = "where it is"},
    {.name = "identity", .type = CONF_STRING, .offset = offsetof(struct service, identity), .doc = "its SPIFFE ID"},
    {.name = "weight",
     .type = CONF_COUNT,
     .offset = offsetof(struct service, weight),
     .preset = "1",
     .min = 1,
     .max = 100,
     .doc = "its share"},
    {0},
};

static const struct conf_key keys[] = {
    {.name = "service", .type = CONF_STRING, .offset = offsetof(struct settings, service), .doc = "our name"},
    {.name = "cert",
     .type = CONF_PATH,
     .offset = offsetof(struct settings, cert),
     .preset = "certs/own.pem",
     .doc = "our certificate"},
    {.name = "inbound",
     .type = CONF_TABLE,
     .offset = offsetof(struct settings, inbound),
     .sub = listener_keys,
     .doc = "the way in"},
    {.name = "services",
     .type = CONF_MAP,
     .offset = offsetof(struct settings, services),
     .sub = service_keys,
     .sub_size = sizeof(struct service),
     .doc = "whom we call"},
    {.name = "trust", .type = CONF_PAIRS, .offset = offsetof(struct settings, trust), .doc = "trust domains"},
    {.name = "consumes", .type = CONF_PATHS, .offset = offsetof(struct settings, consumes), .doc = "contracts"},
    {.name = "headers",
     .type = CONF_STRINGS,
     .offset = offsetof(struct settings, headers),
     .preset = "[te, via]",
     .doc = "what we add"},
    {.name = "enforce",
     .type = CONF_CHOICE,
     .offset = offsetof(struct settings, enforce),
     .preset = "adapt",
     .choices = enforce_words,
     .doc = "how hard"},
    {.name = "strict",
     .type = CONF_BOOL,
     .offset = offsetof(struct settings, strict),
     .preset = "true",
     .doc = "no second guess"},
    {0},
};

static struct arena arena;
static struct diag diag;

static enum err bind_text(const char *text, const char *file, struct settings *s)
{
    struct conf *c = NULL;
    arena_init(&arena, 0);
    diag_init(&diag);
    *s = (struct settings){0};
    CHECK_ERR(ERR_OK, conf_parse(slice_str(text), file, &diag, &c));
    enum err e = conf_bind(conf_root(c), keys, s, &arena, &diag);
    conf_free(&c);
    return e;
}

static void end(void)
{
    arena_fini(&arena);
    diag_fini(&diag);
}

static void check_complaints(const char *text, const char *want)
{
    struct settings s;
    struct buf out;
    CHECK_ERR(ERR_INPUT, bind_text(text, "weft.yaml", &s));
    buf_init(&out, BUF_TEXT_BOUND);
    diag_print(&diag, &out);
    CHECK_TEXT(want, buf_slice(&out));
    buf_fini(&out);
    end();
}

TEST(what_is_not_written_has_its_default)
{
    struct settings s;
    CHECK_ERR(ERR_OK, bind_text("inbound: {listen: 127.0.0.1:0}\n", NULL, &s));
    CHECK(s.service == NULL);
    CHECK_TEXT("certs/own.pem", slice_str(s.cert));
    CHECK_TEXT("http://127.0.0.1:8080", slice_str(s.inbound.app));
    CHECK_INT(300000000, s.inbound.idle_us);
    CHECK_INT(0, s.inbound.body);
    CHECK_INT(0, s.services.count);
    CHECK_INT(2, s.headers.count);
    CHECK_TEXT("via", slice_str(s.headers.v[1]));
    CHECK_INT(2, s.enforce);
    CHECK(s.strict);
    end();
}

TEST(what_is_written_arrives)
{
    struct settings s;
    CHECK_ERR(ERR_OK, bind_text("service: orders\n"
                                "inbound: {listen: 'unix:/run/in', app: unix:/run/app, idle: 90s, body: 64KiB}\n"
                                "services:\n"
                                "  pricing: {endpoints: [10.0.0.7:4743, 10.0.0.8:4743], weight: 100}\n"
                                "  stock: {endpoints: 10.0.0.9:4743, identity: spiffe://example.org/stock}\n"
                                "trust: {example.org: ca.pem}\n"
                                "enforce: off\n"
                                "strict: false\n"
                                "headers: []\n",
                                NULL, &s));
    const struct service *services = s.services.items;
    CHECK_TEXT("orders", slice_str(s.service));
    CHECK_TEXT("unix:/run/app", slice_str(s.inbound.app));
    CHECK_INT(90000000, s.inbound.idle_us);
    CHECK_INT(65536, s.inbound.body);
    CHECK_INT(2, s.services.count);
    CHECK_TEXT("stock", slice_str(s.services.names[1]));
    CHECK_INT(2, services[0].endpoints.count);
    CHECK_INT(100, services[0].weight);
    CHECK_TEXT("10.0.0.9:4743", slice_str(services[1].endpoints.v[0]));
    CHECK_INT(1, services[1].weight);
    CHECK_TEXT("example.org", slice_str(s.trust.names[0]));
    CHECK_TEXT("ca.pem", slice_str(s.trust.values[0]));
    CHECK_INT(0, s.enforce);
    CHECK(!s.strict);
    CHECK_INT(0, s.headers.count);
    end();
}

TEST(paths_are_relative_to_the_folder_of_their_file)
{
    struct settings s;
    CHECK_ERR(ERR_OK,
              bind_text("inbound: {listen: 127.0.0.1:0}\nconsumes: [a.weft, /b.weft]\n", "/etc/weft/w.yaml", &s));
    CHECK_TEXT("/etc/weft/certs/own.pem", slice_str(s.cert));
    CHECK_TEXT("/etc/weft/a.weft", slice_str(s.consumes.v[0]));
    CHECK_TEXT("/b.weft", slice_str(s.consumes.v[1]));
    end();
}

TEST(every_complaint_names_its_key_and_line_and_what_was_meant)
{
    check_complaints("service: [a]\n"
                     "inbound:\n"
                     "  lisen: 127.0.0.1:0\n"
                     "  app: ftp://x\n"
                     "  idle: 2h\n"
                     "  body: 12\n"
                     "services:\n"
                     "  pricing: {weight: 0}\n"
                     "  stock: 7\n"
                     "enforce: adopt\n"
                     "strict: yes\n",
                     "weft.yaml:1:10: error: `service` must be a single value\n"
                     "  service: [a]\n"
                     "           ^\n"
                     "weft.yaml:3:3: error: `inbound.lisen` is no known key\n"
                     "  lisen: 127.0.0.1:0\n"
                     "  ^~~~~\n"
                     "  did you mean `listen`?\n"
                     "weft.yaml:3:3: error: `inbound.listen` is required\n"
                     "  lisen: 127.0.0.1:0\n"
                     "  ^\n"
                     "  where callers connect\n"
                     "weft.yaml:4:8: error: `inbound.app` must begin with http://, h2c://, tcp:// or unix:\n"
                     "  app: ftp://x\n"
                     "       ^~~~~~~\n"
                     "weft.yaml:5:9: error: `inbound.idle` must be between 1s and 1h\n"
                     "  idle: 2h\n"
                     "        ^~\n"
                     "weft.yaml:6:9: error: `inbound.body` must be at least 1KiB\n"
                     "  body: 12\n"
                     "        ^~\n"
                     "weft.yaml:8:3: error: `services.pricing.endpoints` is required\n"
                     "  pricing: {weight: 0}\n"
                     "  ^~~~~~~\n"
                     "  where it is\n"
                     "weft.yaml:8:21: error: `services.pricing.weight` must be between 1 and 100\n"
                     "  pricing: {weight: 0}\n"
                     "                    ^\n"
                     "weft.yaml:9:10: error: `services.stock` must be keys and values\n"
                     "  stock: 7\n"
                     "         ^\n"
                     "weft.yaml:10:10: error: `enforce` must be one of off, report, adapt\n"
                     "  enforce: adopt\n"
                     "           ^~~~~\n"
                     "  did you mean `adapt`?\n"
                     "weft.yaml:11:9: error: `strict` must be true or false\n"
                     "  strict: yes\n"
                     "          ^~~\n");
}

TEST(words_that_are_no_numbers_are_refused)
{
    check_complaints("inbound: {listen: 127.0.0.1:0, idle: 5, body: much}\n"
                     "services: {a: {endpoints: [[1]], weight: -1}}\n"
                     "cert: ''\n"
                     "trust: {a: }\n",
                     "weft.yaml:3:7: error: `cert` must not be empty\n"
                     "  cert: ''\n"
                     "        ^~\n"
                     "weft.yaml:1:38: error: `inbound.idle` must be a duration\n"
                     "  inbound: {listen: 127.0.0.1:0, idle: 5, body: much}\n"
                     "                                       ^\n"
                     "  write 250us, 500ms, 2s, 5m, 1h or 7d\n"
                     "weft.yaml:1:47: error: `inbound.body` must be a size\n"
                     "  inbound: {listen: 127.0.0.1:0, idle: 5, body: much}\n"
                     "                                                ^~~~\n"
                     "  write 512, 64KiB, 1MiB or 2GiB\n"
                     "weft.yaml:2:28: error: `services.a.endpoints` must be a single value\n"
                     "  services: {a: {endpoints: [[1]], weight: -1}}\n"
                     "                             ^\n"
                     "weft.yaml:2:42: error: `services.a.weight` must be a whole number\n"
                     "  services: {a: {endpoints: [[1]], weight: -1}}\n"
                     "                                           ^~\n"
                     "weft.yaml:4:12: error: `trust.a` must be a single value\n"
                     "  trust: {a: }\n"
                     "             ^\n");
}

TEST(a_nul_byte_is_refused_in_keys_and_values)
{
    struct settings s;
    CHECK_ERR(ERR_INPUT,
              bind_text("inbound: {listen: 127.0.0.1:0}\nservice: \"a\\0b\"\ntrust: {\"a\\0b\": c}\n", NULL, &s));
    CHECK_INT(2, diag.errors);
    end();
}

static void show(const struct settings *s, struct buf *out)
{
    buf_init(out, BUF_TEXT_BOUND);
    conf_bind_show(keys, s, out);
}

TEST(show_prints_every_key_with_its_default)
{
    struct settings s;
    struct buf out;
    CHECK_ERR(ERR_OK, bind_text("inbound: {listen: '[::1]:0'}\n"
                                "services: {pricing: {endpoints: ['a: b', 10.0.0.7:1]}}\n"
                                "trust: {example.org: \"\\u00e4\"}\n",
                                NULL, &s));
    show(&s, &out);
    CHECK_TEXT("service: null\n"
               "cert: certs/own.pem\n"
               "inbound:\n"
               "  listen: \"[::1]:0\"\n"
               "  app: http://127.0.0.1:8080\n"
               "  idle: 5m\n"
               "  body: null\n"
               "services:\n"
               "  pricing:\n"
               "    endpoints: [\"a: b\", 10.0.0.7:1]\n"
               "    identity: null\n"
               "    weight: 1\n"
               "trust:\n"
               "  example.org: \"\\U000000E4\"\n"
               "consumes: []\n"
               "headers: [te, via]\n"
               "enforce: adapt\n"
               "strict: true\n",
               buf_slice(&out));
    buf_fini(&out);
    end();
}

/* A small congruential sequence: the same settings in every run. */
static uint32_t drawn;

static uint32_t draw(uint32_t below)
{
    drawn = drawn * 1664525 + 1013904223;
    return (drawn >> 8) % below;
}

static const char *draw_text(void)
{
    static const char *const texts[] = {
        "a",        "null", "~",        "true",         "- x",      "#",   "a #b",    "a: b", "a:",
        "\xc3\xa4", "\n",   " blank ",  "\"q\"",        "\\",       "'",   "[",       "{}",   "\xe2\x80\xa8",
        "---",      "...",  "%percent", "\xef\xbb\xbf", "\x01\x1b", "@at", "&anchor", "*a",   "!t",
        "|",        ">",    "?",
    };
    return texts[draw(sizeof(texts) / sizeof(texts[0]))];
}

static void draw_strings(struct arena *a, struct conf_strings *list)
{
    list->count = draw(4);
    list->v = arena_array(a, list->count, sizeof(*list->v));
    for (size_t i = 0; i < list->count; i++)
        list->v[i] = draw_text();
}

static void draw_pairs(struct arena *a, struct conf_pairs *pairs)
{
    static const char *const names[] = {"null", "a: b", "\xc3\xa4"};
    pairs->count = draw(4);
    pairs->names = arena_array(a, pairs->count, sizeof(*pairs->names));
    pairs->values = arena_array(a, pairs->count, sizeof(*pairs->values));
    for (size_t i = 0; i < pairs->count; i++) {
        pairs->names[i] = names[i];
        pairs->values[i] = draw_text();
    }
}

static void draw_services(struct arena *a, struct conf_map *map)
{
    static const char *const names[] = {"pricing", "- x", "true"};
    struct service *items = arena_array(a, 3, sizeof(*items));
    map->count = draw(4);
    map->names = arena_array(a, 3, sizeof(*map->names));
    map->items = items;
    for (size_t i = 0; i < map->count; i++) {
        map->names[i] = names[i];
        draw_strings(a, &items[i].endpoints);
        items[i].identity = draw(2) ? draw_text() : NULL;
        items[i].weight = 1 + draw(100);
    }
}

static struct settings draw_settings(struct arena *a)
{
    struct settings s = {
        .service = draw(2) ? draw_text() : NULL,
        .cert = draw_text(),
        .inbound = {.listen = "[::1]:0", .app = "unix:/a b", .idle_us = 1000000 + draw(1 << 20), .body = 0},
        .enforce = draw(3),
        .strict = draw(2),
    };
    if (draw(2))
        s.inbound.body = 1024 + draw(1 << 20);
    draw_services(a, &s.services);
    draw_pairs(a, &s.trust);
    draw_strings(a, &s.consumes);
    draw_strings(a, &s.headers);
    return s;
}

static void check_same_text(const char *want, const char *got)
{
    CHECK(!want == !got);
    CHECK_SLICE(slice_str(want), slice_str(got));
}

static void check_same_strings(const struct conf_strings *want, const struct conf_strings *got)
{
    CHECK_INT(want->count, got->count);
    for (size_t i = 0; i < want->count; i++)
        check_same_text(want->v[i], got->v[i]);
}

static void check_same_services(const struct conf_map *want, const struct conf_map *got)
{
    const struct service *a = want->items, *b = got->items;
    CHECK_INT(want->count, got->count);
    for (size_t i = 0; i < want->count; i++) {
        check_same_text(want->names[i], got->names[i]);
        check_same_strings(&a[i].endpoints, &b[i].endpoints);
        check_same_text(a[i].identity, b[i].identity);
        CHECK_INT(a[i].weight, b[i].weight);
    }
}

static void check_same(const struct settings *want, const struct settings *got)
{
    check_same_text(want->service, got->service);
    check_same_text(want->cert, got->cert);
    check_same_text(want->inbound.listen, got->inbound.listen);
    check_same_text(want->inbound.app, got->inbound.app);
    CHECK_INT(want->inbound.idle_us, got->inbound.idle_us);
    CHECK_INT(want->inbound.body, got->inbound.body);
    check_same_services(&want->services, &got->services);
    CHECK_INT(want->trust.count, got->trust.count);
    for (size_t i = 0; i < want->trust.count; i++) {
        check_same_text(want->trust.names[i], got->trust.names[i]);
        check_same_text(want->trust.values[i], got->trust.values[i]);
    }
    check_same_strings(&want->consumes, &got->consumes);
    check_same_strings(&want->headers, &got->headers);
    CHECK_INT(want->enforce, got->enforce);
    CHECK_INT(want->strict, got->strict);
}

TEST(law_what_is_shown_binds_back_to_the_same)
{
    drawn = 20260101;
    for (int round = 0; round < 300; round++) {
        struct arena own = {0};
        struct buf shown;
        struct settings back;
        struct settings s = draw_settings(&own);
        show(&s, &shown);
        CHECK_ERR(ERR_OK, bind_text(buf_text(&shown), NULL, &back));
        check_same(&s, &back);
        end();
        buf_fini(&shown);
        arena_fini(&own);
    }
}

TEST(the_page_of_keys_has_a_row_for_each)
{
    struct buf out;
    buf_init(&out, BUF_TEXT_BOUND);
    conf_bind_doc(keys, &out);
    CHECK_TEXT("| Key | Value | Default | Meaning |\n"
               "|---|---|---|---|\n"
               "| `service` | text |  | our name |\n"
               "| `cert` | path | `certs/own.pem` | our certificate |\n"
               "| `inbound` | keys |  | the way in |\n"
               "| `inbound.listen` | address | required | where callers connect |\n"
               "| `inbound.app` | URL | `http://127.0.0.1:8080` | the local function |\n"
               "| `inbound.idle` | duration, 1s to 1h | `5m` | how long \\| a stream may rest |\n"
               "| `inbound.body` | size, 1KiB or more |  | most bytes kept |\n"
               "| `services` | names, each with keys |  | whom we call |\n"
               "| `services.NAME.endpoints` | list of texts | required | where it is |\n"
               "| `services.NAME.identity` | text |  | its SPIFFE ID |\n"
               "| `services.NAME.weight` | number, 1 to 100 | `1` | its share |\n"
               "| `trust` | names, each with a text |  | trust domains |\n"
               "| `consumes` | list of paths |  | contracts |\n"
               "| `headers` | list of texts | `[te, via]` | what we add |\n"
               "| `enforce` | one of `off`, `report`, `adapt` | `adapt` | how hard |\n"
               "| `strict` | true or false | `true` | no second guess |\n",
               buf_slice(&out));
    buf_fini(&out);
}

TESTS_BEGIN()
TESTS_RUN(what_is_not_written_has_its_default)
TESTS_RUN(what_is_written_arrives)
TESTS_RUN(paths_are_relative_to_the_folder_of_their_file)
TESTS_RUN(every_complaint_names_its_key_and_line_and_what_was_meant)
TESTS_RUN(words_that_are_no_numbers_are_refused)
TESTS_RUN(a_nul_byte_is_refused_in_keys_and_values)
TESTS_RUN(show_prints_every_key_with_its_default)
TESTS_RUN(law_what_is_shown_binds_back_to_the_same)
TESTS_RUN(the_page_of_keys_has_a_row_for_each)
TESTS_END()
