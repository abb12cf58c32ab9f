#include <stdio.h>

#include "contracts/facts.h"
#include "contracts/import.h"
#include "contracts/rule_name.h"
#include "contracts/verdict.h"
#include "tests/kit/t.h"

#define THREE "syntax = \"proto3\"; package p; "
#define TWO "syntax = \"proto2\"; package p; "

static struct contract *read_bytes(struct slice bytes, const char *name)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_AUTO, .name = name, .text = bytes};
    diag_init(&diag);
    enum err e = import_contract(&in, &diag, &c);
    if (e != ERR_OK)
        fprintf(stderr, "%.*s\n", SLICE_FMT(diag.first->message));
    diag_fini(&diag);
    CHECK_ERR(ERR_OK, e);
    return c;
}

static struct contract *read_proto(const char *text)
{
    return read_bytes(slice_str(text), "p.proto");
}

static void has_facts(const char *text, const char *const *facts)
{
    struct contract *c = read_proto(text);
    for (; *facts; facts++) {
        if (!slice_has(contract_text(c), slice_str(*facts)))
            fprintf(stderr, "no %s in\n%.*s", *facts, SLICE_FMT(contract_text(c)));
        CHECK(slice_has(contract_text(c), slice_str(*facts)));
    }
    contract_unref(&c);
}
#define HAS(text, ...) has_facts(text, (const char *const[]){__VA_ARGS__, NULL})

static void refused(const char *text, unsigned line, unsigned column, const char *message)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_PROTO, .name = "p.proto", .text = slice_str(text)};
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, import_contract(&in, &diag, &c));
    CHECK_TEXT(message, diag.first->message);
    CHECK_INT(line, diag.first->line);
    CHECK_INT(column, diag.first->column);
    diag_fini(&diag);
}

static bool breaks(const struct verdict *v, const char *also)
{
    for (size_t i = 0; i < verdict_finding_count(v); i++) {
        const struct verdict_finding *f = verdict_finding(v, i);
        for (size_t k = 0; k < f->also_count; k++)
            if (f->level == VERDICT_BREAKING && slice_eq(f->also[k], slice_str(also)))
                return true;
    }
    return false;
}

static struct verdict *compute_as(struct contract *consumer, struct contract *provider, const char *name)
{
    struct profile p;
    CHECK_ERR(ERR_OK, profile_init(&p, slice_str(name)));
    struct verdict *v = verdict_compute_as(consumer, provider, &p);
    profile_fini(&p);
    return v;
}

static bool breaks_between(const char *old, const char *new, const char *rule)
{
    struct contract *a = read_proto(old), *b = read_proto(new);
    struct verdict *v = compute_as(a, b, rule);
    bool found = breaks(v, rule);
    verdict_unref(&v);
    contract_unref(&a);
    contract_unref(&b);
    return found;
}

static enum verdict_level judged(const char *old, const char *new, const char *profile)
{
    struct contract *a = read_proto(old), *b = read_proto(new);
    struct verdict *v = compute_as(a, b, profile);
    enum verdict_level level = verdict_level(v);
    verdict_unref(&v);
    contract_unref(&a);
    contract_unref(&b);
    return level;
}

TEST(messages_are_records_with_tags)
{
    HAS(THREE "message M { string a_b = 1; repeated M ms = 2; map<string, int64> by = 3; sint32 z = 4; }",
        "field(\"p.M\", \"a_b\", \"string\", \"optional\").", "tag(\"p.M\", \"a_b\", 1).",
        "option(\"p.M.a_b\", \"json_name\", \"aB\").", "list(\"repeated p.M\", \"p.M\").",
        "map(\"map<string, int64>\", \"string\", \"int64\").", "alias(\"sint32\", \"int32\").",
        "dialect(\"protobuf\").", "contract(\"p\", \"0.0.0\").");
    HAS(TWO "message M { required int32 a = 1; optional group G = 2 { optional bool x = 1; } }",
        "field(\"p.M\", \"a\", \"int32\", \"required\").", "field(\"p.M\", \"g\", \"p.M.G\", \"optional\").",
        "option(\"p.M.g\", \"wire\", \"group\").", "option(\"p.M\", \"json_format\", \"LEGACY_BEST_EFFORT\").");
    HAS(THREE "message M { oneof o { string s = 1; } reserved 7, 9 to 11; reserved \"x\"; }",
        "oneof(\"p.M\", \"o\", \"s\").", "reserved(\"p.M\", 7, 7).", "reserved(\"p.M\", 9, 11).",
        "reserved_name(\"p.M\", \"x\").");
}

TEST(names_are_looked_for_from_the_inside_out)
{
    HAS(THREE "message A { message B { A.C c = 1; C d = 2; .p.C e = 3; } message C {} } message C {}",
        "field(\"p.A.B\", \"c\", \"p.A.C\", \"optional\").", "field(\"p.A.B\", \"d\", \"p.A.C\", \"optional\").",
        "field(\"p.A.B\", \"e\", \"p.C\", \"optional\").");
}

TEST(enums_services_and_extensions_are_there)
{
    HAS(THREE "enum E { Z = 0; N = -1; }", "symbol(\"p.E\", \"N\", -1).", "open(\"p.E\").");
    HAS(THREE "message M {} service S { rpc R(stream M) returns (M) { option idempotency_level = IDEMPOTENT; } }",
        "grpc(\"p.S.R\", \"p.S\", \"R\").", "stream(\"p.S.R\", \"client\").",
        "option(\"p.S.R\", \"request\", \"p.M\").", "idempotent(\"p.S.R\").");
    HAS(TWO "message M { extensions 10 to max; } extend M { optional string x = 10; }",
        "reserved(\"p.M[]\", 10, 536870911).", "field(\"[p.M]\", \"p.x\", \"string\", \"optional\").",
        "thing(\"p.x\", \"extension\").");
}

TEST(editions_say_with_features_what_syntax_said)
{
    HAS("edition = \"2023\"; package p; option features.enum_type = CLOSED; enum E { Z = 0; }"
        "message M { int32 a = 1 [features.field_presence = LEGACY_REQUIRED]; M m = 2 [features = {message_encoding: "
        "DELIMITED}]; }",
        "field(\"p.M\", \"a\", \"int32\", \"required\").", "option(\"p.M.m\", \"wire\", \"group\").");
    struct contract *c = read_proto("edition = \"2023\"; option features.enum_type = CLOSED; enum E { Z = 0; }");
    CHECK(!slice_has(contract_text(c), SLICE("open(")));
    contract_unref(&c);
}

/* What protoc makes of this file:
 *     syntax = "proto3"; package p;
 *     message M { map<string, E> m = 1; optional int32 o = 2; oneof c { string s = 3; bytes b = 4; } }
 *     enum E { Z = 0; } */
static const unsigned char set[] = {
    0x0a, 0xbb, 0x01, 0x0a, 0x07, 0x70, 0x2e, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x12, 0x01, 0x70, 0x22, 0x98, 0x01, 0x0a,
    0x01, 0x4d, 0x12, 0x19, 0x0a, 0x01, 0x6d, 0x18, 0x01, 0x20, 0x03, 0x28, 0x0b, 0x32, 0x0b, 0x2e, 0x70, 0x2e, 0x4d,
    0x2e, 0x4d, 0x45, 0x6e, 0x74, 0x72, 0x79, 0x52, 0x01, 0x6d, 0x12, 0x11, 0x0a, 0x01, 0x6f, 0x18, 0x02, 0x20, 0x01,
    0x28, 0x05, 0x48, 0x01, 0x52, 0x01, 0x6f, 0x88, 0x01, 0x01, 0x12, 0x0e, 0x0a, 0x01, 0x73, 0x18, 0x03, 0x20, 0x01,
    0x28, 0x09, 0x48, 0x00, 0x52, 0x01, 0x73, 0x12, 0x0e, 0x0a, 0x01, 0x62, 0x18, 0x04, 0x20, 0x01, 0x28, 0x0c, 0x48,
    0x00, 0x52, 0x01, 0x62, 0x1a, 0x3a, 0x0a, 0x06, 0x4d, 0x45, 0x6e, 0x74, 0x72, 0x79, 0x12, 0x10, 0x0a, 0x03, 0x6b,
    0x65, 0x79, 0x18, 0x01, 0x20, 0x01, 0x28, 0x09, 0x52, 0x03, 0x6b, 0x65, 0x79, 0x12, 0x1a, 0x0a, 0x05, 0x76, 0x61,
    0x6c, 0x75, 0x65, 0x18, 0x02, 0x20, 0x01, 0x28, 0x0e, 0x32, 0x04, 0x2e, 0x70, 0x2e, 0x45, 0x52, 0x05, 0x76, 0x61,
    0x6c, 0x75, 0x65, 0x3a, 0x02, 0x38, 0x01, 0x42, 0x03, 0x0a, 0x01, 0x63, 0x42, 0x04, 0x0a, 0x02, 0x5f, 0x6f, 0x2a,
    0x0a, 0x0a, 0x01, 0x45, 0x12, 0x05, 0x0a, 0x01, 0x5a, 0x10, 0x00, 0x62, 0x06, 0x70, 0x72, 0x6f, 0x74, 0x6f, 0x33};

TEST(a_descriptor_set_says_the_same_as_its_text)
{
    struct contract *text = read_proto(THREE "message M { map<string, E> m = 1; optional int32 o = 2;"
                                             " oneof c { string s = 3; bytes b = 4; } } enum E { Z = 0; }");
    struct contract *bytes = read_bytes(slice_of(set, sizeof(set)), "p.binpb");
    struct slice a = contract_text(text), b = contract_text(bytes), x, y;
    while (slice_split(&a, '\n', &x)) {
        CHECK(slice_split(&b, '\n', &y));
        if (!slice_has(x, SLICE("the file")) && !slice_has(y, SLICE("p.proto")))
            CHECK_SLICE(x, y);
    }
    CHECK(!slice_split(&b, '\n', &y));
    contract_unref(&text);
    contract_unref(&bytes);
}

TEST(a_chopped_descriptor_set_is_refused_or_less)
{
    for (size_t n = 0; n < sizeof(set); n++) {
        struct diag diag;
        struct contract *c = NULL;
        struct import_input in = {.format = IMPORT_PROTO, .name = "p.binpb", .text = slice_of(set, n)};
        diag_init(&diag);
        CHECK((import_contract(&in, &diag, &c) == ERR_OK) == (diag.errors == 0));
        diag_fini(&diag);
        contract_unref(&c);
    }
}

TEST(faults_have_places)
{
    refused("syntax = \"proto3\";\nmessage M {\n  string a 1;\n}\n", 3, 12, "= is expected here");
    refused("syntax = \"proto4\";", 1, 10, "proto2, proto3, 2023 or 2024 is expected here");
    refused("message M { string a = 99999999999; }", 1, 24, "a whole number of 32 bits is expected here");
    refused("message M { optional Nope a = 1; }", 1, 13, "no file declares `Nope`");
    refused("message M { /* ", 1, 11, "the end of the comment, */, is expected here");
    refused("import \"x.proto\";", 0, 0, "imports \"x.proto\", which cannot be read");
    refused("option a = \"x", 1, 12, "the end of the string is expected here");
}

static enum err read_money(void *arg, const char *path, struct buf *out)
{
    (void)arg;
    return strcmp(path, "api/shop/money.proto") == 0 ? buf_add(out, SLICE("package shop; message Money {}"))
                                                     : ERR_ABSENT;
}

TEST(imports_are_looked_for_below_each_folder_of_the_file)
{
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {
        .format = IMPORT_PROTO,
        .name = "api/shop/order.proto",
        .text = SLICE("package shop; import 'shop/money.proto'; message Order { optional Money total = 1; }"),
        .read = read_money,
    };
    diag_init(&diag);
    CHECK_ERR(ERR_OK, import_contract(&in, &diag, &c));
    CHECK(slice_has(contract_text(c), SLICE("field(\"shop.Order\", \"total\", \"shop.Money\", \"optional\").")));
    contract_unref(&c);
    in.text = SLICE("import '../money.proto';");
    CHECK_ERR(ERR_INPUT, import_contract(&in, &diag, &c));
    CHECK_TEXT("imports \"../money.proto\", which cannot be read", diag.first->message);
    diag_fini(&diag);
}

TEST(nesting_is_bounded)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 1000; i++)
        buf_putf(&text, "message M%d {", i);
    struct diag diag;
    struct contract *c = NULL;
    struct import_input in = {.format = IMPORT_PROTO, .name = "p.proto", .text = buf_slice(&text)};
    diag_init(&diag);
    CHECK_ERR(ERR_INPUT, import_contract(&in, &diag, &c));
    CHECK_TEXT("less nesting is expected here", diag.first->message);
    diag_fini(&diag);
    buf_fini(&text);
}

TEST(each_rule_of_buf_finds_its_change)
{
    static const struct {
        const char *rule, *old, *new;
    } cases[] = {
        {"FIELD_NO_DELETE", THREE "message M { int32 a = 1; }", THREE "message M { reserved 1; reserved \"a\"; }"},
        {"FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED", THREE "message M { int32 a = 1; }",
         THREE "message M { reserved \"a\"; }"},
        {"FIELD_NO_DELETE_UNLESS_NAME_RESERVED", THREE "message M { int32 a = 1; }", THREE "message M { reserved 1; }"},
        {"FIELD_SAME_NAME", THREE "message M { int32 a = 1; }", THREE "message M { int32 b = 1; }"},
        {"FIELD_SAME_JSON_NAME", THREE "message M { int32 a = 1; }",
         THREE "message M { int32 a = 1 [json_name = \"x\"]; }"},
        {"FIELD_SAME_TYPE", THREE "message M { int32 a = 1; }", THREE "message M { int64 a = 1; }"},
        {"FIELD_WIRE_COMPATIBLE_TYPE", THREE "message M { int32 a = 1; }", THREE "message M { sint32 a = 1; }"},
        {"FIELD_WIRE_JSON_COMPATIBLE_TYPE", THREE "message M { int32 a = 1; }", THREE "message M { int64 a = 1; }"},
        {"FIELD_SAME_CARDINALITY", THREE "message M { int32 a = 1; }", THREE "message M { optional int32 a = 1; }"},
        {"FIELD_WIRE_COMPATIBLE_CARDINALITY", THREE "message M { int32 a = 1; }",
         THREE "message M { repeated int32 a = 1; }"},
        {"FIELD_SAME_ONEOF", THREE "message M { int32 a = 1; }", THREE "message M { oneof o { int32 a = 1; } }"},
        {"FIELD_SAME_DEFAULT", TWO "message M { optional int32 a = 1; }",
         TWO "message M { optional int32 a = 1 [default = 5]; }"},
        {"FIELD_SAME_JSTYPE", THREE "message M { int64 a = 1; }",
         THREE "message M { int64 a = 1 [jstype = JS_STRING]; }"},
        {"FIELD_SAME_CPP_STRING_TYPE", TWO "message M { optional string a = 1; }",
         TWO "message M { optional string a = 1 [ctype = CORD]; }"},
        {"FIELD_SAME_UTF8_VALIDATION", TWO "message M { optional string a = 1; }", THREE "message M { string a = 1; }"},
        {"ONEOF_NO_DELETE", THREE "message M { oneof o { int32 a = 1; } }", THREE "message M { int32 a = 1; }"},
        {"MESSAGE_NO_DELETE", THREE "message M {}", THREE ""},
        {"MESSAGE_SAME_REQUIRED_FIELDS", TWO "message M { required int32 a = 1; }",
         TWO "message M { optional int32 a = 1; }"},
        {"MESSAGE_SAME_JSON_FORMAT", THREE "message M {}", TWO "message M {}"},
        {"RESERVED_MESSAGE_NO_DELETE", THREE "message M { reserved 1 to 5; }", THREE "message M { reserved 2 to 5; }"},
        {"EXTENSION_MESSAGE_NO_DELETE", TWO "message M { extensions 9 to 20; }",
         TWO "message M { extensions 9 to 10; }"},
        {"EXTENSION_NO_DELETE", TWO "message M { extensions 9; } extend M { optional bool x = 9; }",
         TWO "message M { extensions 9; }"},
        {"ENUM_NO_DELETE", THREE "enum E { Z = 0; }", THREE ""},
        {"ENUM_SAME_TYPE", THREE "enum E { Z = 0; }", TWO "enum E { Z = 0; }"},
        {"ENUM_VALUE_NO_DELETE", THREE "enum E { Z = 0; A = 1; }",
         THREE "enum E { Z = 0; reserved 1; reserved \"A\"; }"},
        {"ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED", THREE "enum E { Z = 0; A = 1; }",
         THREE "enum E { Z = 0; reserved \"A\"; }"},
        {"ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED", THREE "enum E { Z = 0; A = 1; }",
         THREE "enum E { Z = 0; reserved 1; }"},
        {"ENUM_VALUE_SAME_NAME", THREE "enum E { Z = 0; A = 1; }", THREE "enum E { Z = 0; B = 1; }"},
        {"RESERVED_ENUM_NO_DELETE", THREE "enum E { Z = 0; reserved 5; }", THREE "enum E { Z = 0; }"},
        {"SERVICE_NO_DELETE", THREE "service S {}", THREE ""},
        {"RPC_NO_DELETE", THREE "message M {} service S { rpc R(M) returns (M); }", THREE "message M {} service S {}"},
        {"RPC_SAME_REQUEST_TYPE", THREE "message M {} message N {} service S { rpc R(M) returns (M); }",
         THREE "message M {} message N {} service S { rpc R(N) returns (M); }"},
        {"RPC_SAME_SERVER_STREAMING", THREE "message M {} service S { rpc R(M) returns (M); }",
         THREE "message M {} service S { rpc R(M) returns (stream M); }"},
        {"RPC_SAME_IDEMPOTENCY_LEVEL", THREE "message M {} service S { rpc R(M) returns (M); }",
         THREE "message M {} service S { rpc R(M) returns (M) { option idempotency_level = IDEMPOTENT; } }"},
        {"FILE_SAME_PACKAGE", THREE, "syntax = \"proto3\"; package q;"},
        {"FILE_SAME_SYNTAX", THREE, TWO},
        {"FILE_SAME_JAVA_PACKAGE", THREE, THREE "option java_package = \"x\";"},
        {"FILE_SAME_CC_ENABLE_ARENAS", THREE, THREE "option cc_enable_arenas = false;"},
        {"PACKAGE_NO_DELETE", THREE "message M {}", "syntax = \"proto3\"; package q; message M {}"},
        {"PACKAGE_MESSAGE_NO_DELETE", THREE "message M {}", THREE ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char profile[128];
        snprintf(profile, sizeof(profile), "buf:%s", cases[i].rule);
        bool found = breaks_between(cases[i].old, cases[i].new, profile);
        if (!found)
            fprintf(stderr, "%s finds nothing\n", profile);
        CHECK(found);
        CHECK(rule_name_known(slice_str(profile)));
    }
    CHECK(rule_name_known(SLICE("buf:WIRE_JSON")));
    CHECK(!rule_name_known(SLICE("buf:WIRE_JSN")));
    CHECK(!rule_name_known(SLICE("buf:file")));
    CHECK(!rule_name_known(SLICE("buf:field-removed")));
    CHECK(!rule_name_known(SLICE("buf:field-removed\", \"FIELD_NO_DELETE")));
    CHECK(rule_name_known(SLICE("buf:FIELD_SAME_LABEL")));
    CHECK(!rule_name_known(SLICE("buf:")));
}

TEST(profiles_pick_the_rules)
{
    const char *old = THREE "message M { int32 a = 1; }";
    CHECK_INT(VERDICT_COMPATIBLE, judged(old, THREE "message M { int64 b = 1; }", "buf:WIRE"));
    CHECK_INT(VERDICT_BREAKING, judged(old, THREE "message M { int64 b = 1; }", "buf:WIRE_JSON"));
    CHECK_INT(VERDICT_BREAKING, judged(old, THREE "message M { int64 b = 1; }", "buf:RPC_NO_DELETE,FIELD_SAME_NAME"));
    CHECK_INT(VERDICT_BREAKING, judged(old, THREE "message M {}", "protobuf-wire"));
    CHECK_INT(VERDICT_COMPATIBLE, judged(old, THREE "message M {}", "wire"));
    CHECK_INT(VERDICT_COMPATIBLE, judged(old, THREE "message M {}", "confluent:backward"));
    CHECK_INT(VERDICT_BREAKING,
              judged(old, "syntax = \"proto3\"; package q; message M { int32 a = 1; }", "confluent:backward"));
    CHECK_INT(VERDICT_BREAKING, judged(old, THREE "message M { string a = 1; }", "wire"));
    CHECK_INT(VERDICT_SAME, judged(old, THREE "/* said otherwise */ message M { int32 a = 0x1; }", "buf:FILE"));
}

TEST(another_enum_with_all_values_is_as_good)
{
    const char *old =
        THREE "message M { A.E e = 1; } message A { enum E { Z = 0; } } message B { enum E { Z = 0; O = 1; } } "
              "message C { enum E { Y = 0; } }";
    CHECK_INT(VERDICT_COMPATIBLE,
              judged(old,
                     THREE
                     "message M { B.E e = 1; } message A { enum E { Z = 0; } } message B { enum E { Z = 0; O = 1; } } "
                     "message C { enum E { Y = 0; } }",
                     "buf:WIRE"));
    CHECK_INT(VERDICT_BREAKING,
              judged(old,
                     THREE
                     "message M { C.E e = 1; } message A { enum E { Z = 0; } } message B { enum E { Z = 0; O = 1; } } "
                     "message C { enum E { Y = 0; } }",
                     "buf:WIRE"));
}

TEST(the_embedded_rules_load)
{
    CHECK(facts_program() != NULL);
}

TESTS_BEGIN()
cmocka_unit_test(the_embedded_rules_load),
    TESTS_RUN(messages_are_records_with_tags) TESTS_RUN(names_are_looked_for_from_the_inside_out)
        TESTS_RUN(enums_services_and_extensions_are_there) TESTS_RUN(editions_say_with_features_what_syntax_said)
            TESTS_RUN(a_descriptor_set_says_the_same_as_its_text) TESTS_RUN(a_chopped_descriptor_set_is_refused_or_less)
                TESTS_RUN(faults_have_places) TESTS_RUN(imports_are_looked_for_below_each_folder_of_the_file)
                    TESTS_RUN(nesting_is_bounded) TESTS_RUN(each_rule_of_buf_finds_its_change)
                        TESTS_RUN(profiles_pick_the_rules) TESTS_RUN(another_enum_with_all_values_is_as_good)
                            TESTS_END()
