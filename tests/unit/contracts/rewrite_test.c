#include "contracts/wire/rewrite.h"

#include "tests/kit/t.h"

/* A plan from its lines, without the law at the end of each. */
static struct plan *plan_of(const char *lines)
{
    struct buf text;
    struct diag diag;
    struct plan *plan;
    struct slice rest = slice_str(lines), line;
    buf_init(&text, BUF_TEXT_BOUND);
    diag_init(&diag);
    while (slice_split(&rest, '\n', &line))
        buf_putf(&text, "%.*s\tlossless\n", SLICE_FMT(line));
    CHECK_ERR(ERR_OK, plan_parse(buf_slice(&text), "plan", &diag, &plan));
    diag_fini(&diag);
    buf_fini(&text);
    return plan;
}

static enum err rewrite_in_pieces(struct rewrite *r, struct slice body, size_t piece, struct buf *out)
{
    for (size_t at = 0; at < body.len; at += piece) {
        /* A copy of its own, so that the sanitizer sees a read past the piece. */
        struct slice p = slice_to(slice_from(body, at), piece);
        char *copy = test_malloc(p.len);
        memcpy(copy, p.at, p.len);
        enum err e = rewrite_feed(r, slice_of(copy, p.len), out);
        test_free(copy);
        if (e != ERR_OK)
            return e;
    }
    return rewrite_finish(r, out);
}

/* Whole and cut into pieces of every size up to 9. */
static void becomes_within(const char *lines, size_t max_hold, const char *body, const char *want)
{
    struct plan *plan = plan_of(lines);
    struct slice in = slice_str(body);
    for (size_t piece = 1; piece < 10; piece++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        struct rewrite *r = rewrite_json_new(plan, max_hold);
        enum err e = rewrite_in_pieces(r, in, piece < 9 ? piece : in.len + 1, &out);
        if (e != ERR_OK)
            print_error("%s\n", rewrite_fault(r));
        CHECK_ERR(ERR_OK, e);
        CHECK_TEXT(want, buf_slice(&out));
        rewrite_free(&r);
        buf_fini(&out);
    }
    plan_unref(&plan);
}

static void becomes(const char *lines, const char *body, const char *want)
{
    becomes_within(lines, REWRITE_MAX_HOLD, body, want);
}

static void refused_within(const char *lines, size_t max_hold, const char *body, enum err want, const char *fault)
{
    struct plan *plan = plan_of(lines);
    struct slice in = slice_str(body);
    for (size_t piece = 1; piece < 10; piece++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        struct rewrite *r = rewrite_json_new(plan, max_hold);
        CHECK_ERR(want, rewrite_in_pieces(r, in, piece < 9 ? piece : in.len + 1, &out));
        if (fault)
            CHECK_TEXT(fault, slice_str(rewrite_fault(r)));
        size_t gone = buf_len(&out);
        CHECK_ERR(want, rewrite_feed(r, SLICE(" "), &out));
        CHECK_ERR(want, rewrite_finish(r, &out));
        CHECK_INT(gone, buf_len(&out));
        rewrite_free(&r);
        buf_fini(&out);
    }
    plan_unref(&plan);
}

static void refused(const char *lines, const char *body, const char *fault)
{
    refused_within(lines, REWRITE_MAX_HOLD, body, ERR_PEER, fault);
}

#define RENAME "rename\t/\tqty -> quantity"

TEST(what_no_step_touches_keeps_every_byte)
{
    const char *body = " { \"a\" : 1.50e+1 ,\n\t\"b\\u0062\":\"\\u00e9\\/\" , \"c\":[ 1 , {\"d\": null} ] }\n";
    becomes("", body, body);
    becomes(RENAME, body, body);
    becomes("drop\t/x\ty\nstrip\t/\tc (null becomes absent)\nenum\t/c/[]/d\te A -> B", body, body);
    becomes("widen\t/\tqty int32 -> int64", "7", "7");
}

TEST(a_rename_replaces_the_name_and_nothing_else)
{
    becomes(RENAME, "{ \"qty\" : 1 }", "{ \"quantity\" : 1 }");
    becomes(RENAME, "{\"a\":{\"qty\":1},\"qty\":{\"qty\":2}}", "{\"a\":{\"qty\":1},\"quantity\":{\"qty\":2}}");
    becomes("rename\t/\tqty -> \"a\\\"b\\n\"", "{\"qty\":1}", "{\"a\\\"b\\n\":1}");
}

TEST(names_are_the_same_however_they_are_escaped)
{
    becomes(RENAME, "{\"\\u0071ty\":1}", "{\"quantity\":1}");
    becomes("drop\t/\t\"\xF0\x9F\x98\x80\"", "{\"\\uD83D\\uDE00\":1,\"b\":2}", "{\"b\":2}");
    refused(RENAME, "{\"a\":1,\"\\u0061\":2}", "duplicate member \"a\" at /a (byte 7)");
}

TEST(a_rename_onto_a_member_that_is_there_is_refused_in_either_order)
{
    refused(RENAME, "{\"qty\":1,\"quantity\":2}",
            "member \"quantity\" is there twice after renaming at /quantity (byte 9)");
    refused(RENAME, "{\"quantity\":2,\"x\":0,\"qty\":1}",
            "member \"quantity\" is there twice after renaming at /qty (byte 20)");
}

TEST(two_renames_can_swap_names)
{
    becomes("rename\t/\ta -> b\nrename\t/\tb -> a", "{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}");
}

TEST(a_default_comes_last_and_only_when_absent)
{
    const char *plan = "default\t/\tcurrency = \"EUR\"";
    becomes(plan, "{\"a\":1}", "{\"a\":1,\"currency\":\"EUR\"}");
    becomes(plan, "{}", "{\"currency\":\"EUR\"}");
    becomes(plan, "{ }", "{\"currency\":\"EUR\" }");
    becomes(plan, "{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\"currency\":\"EUR\"\n}\n");
    becomes(plan, "{\"currency\":null}", "{\"currency\":null}");
    becomes("rename\t/\tqty -> quantity\ndefault\t/\tquantity = 1", "{\"qty\":5}", "{\"quantity\":5}");
}

TEST(a_dropped_member_takes_its_comma_with_it)
{
    const char *plan = "drop\t/\tx";
    becomes(plan, "{\"x\":{\"y\":[1,\"x\"]}}", "{}");
    becomes(plan, "{\"x\":1,\"a\":2}", "{\"a\":2}");
    becomes(plan, "{\"a\":2,\"x\":1}", "{\"a\":2}");
    becomes(plan, "{\n  \"a\": 1,\n  \"x\": 2,\n  \"b\": 3\n}", "{\n  \"a\": 1,\n  \"b\": 3\n}");
    becomes(plan, "{\n  \"a\": 1,\n  \"x\": 2\n}", "{\n  \"a\": 1\n}");
    becomes("drop\t/\tx\ndrop\t/\ty", "{ \"x\":1, \"a\":2 , \"y\":3 }", "{ \"a\":2  }");
    refused(plan, "{\"x\":{\"y\":1,\"y\":2}}", "duplicate member \"y\" at /x/y (byte 12)");
    refused(plan, "{\"x\":1,\"x\":2}", "duplicate member \"x\" at /x (byte 7)");
}

TEST(strip_takes_out_null_and_nothing_else)
{
    const char *plan = "strip\t/\tnote (null becomes absent)";
    becomes(plan, "{\"note\":null}", "{}");
    becomes(plan, "{\"note\": null ,\"a\":1}", "{ \"a\":1}");
    becomes(plan, "{\"a\":1,\"note\":null}", "{\"a\":1}");
    becomes(plan, "{\"note\":\"null\"}", "{\"note\":\"null\"}");
    becomes(plan, "{\"note\":{\"note\":null},\"b\":[null]}", "{\"note\":{\"note\":null},\"b\":[null]}");
    becomes("strip\t/\tnote\nrename\t/\tnote -> remark\ndefault\t/\tremark = \"-\"", "{\"note\" : null}",
            "{\"remark\":\"-\"}");
    becomes("strip\t/\tnote\nrename\t/\tnote -> remark", "{\"note\" : 1}", "{\"remark\" : 1}");
}

TEST(an_enum_maps_symbols_by_its_table)
{
    const char *plan = "enum\t/\tstatus GONE -> CLOSED, NEW -> NEW";
    becomes(plan, "{\"status\": \"GONE\" }", "{\"status\": \"CLOSED\" }");
    becomes(plan, "{\"status\":\"\\u004eEW\"}", "{\"status\":\"NEW\"}");
    becomes(plan, "{\"status\":null}", "{\"status\":null}");
    refused(plan, "{\"status\":\"ODD\"}", "the plan has nothing for \"ODD\" at /status (byte 10)");
    refused(plan, "{\"status\":3}", "a string is expected at /status (byte 10)");
    becomes("enum\t/\tstatus GONE -> CLOSED, else \"OTHER\"", "{\"status\":\"ODD\"}", "{\"status\":\"OTHER\"}");
    becomes("enum\t/list\t[] A -> B", "{\"list\":[\"A\" , \"A\",null]}", "{\"list\":[\"B\" , \"B\",null]}");
    becomes("enum\t/map\t{} A -> B", "{\"map\":{\"x\":\"A\",\"y\":\"A\"}}", "{\"map\":{\"x\":\"B\",\"y\":\"B\"}}");
    becomes("enum\t/\ts A -> B\nrename\t/\ts -> t\nstrip\t/\ts\ndefault\t/\tu = 1", "{\"s\":\"A\"}",
            "{\"t\":\"B\",\"u\":1}");
}

TEST(narrow_lets_through_whole_numbers_in_range_as_they_are_spelled)
{
    const char *plan = "narrow\t/\tn -100..200";
    becomes(plan, "{\"n\":200}", "{\"n\":200}");
    becomes(plan, "{\"n\":-1.00e2}", "{\"n\":-1.00e2}");
    becomes(plan, "{\"n\":1500e-1 , \"m\":1e9}", "{\"n\":1500e-1 , \"m\":1e9}");
    refused(plan, "{\"n\":201}", "a whole number from -100 to 200 is expected at /n (byte 5)");
    refused(plan, "{\"n\":0.5}", "a whole number from -100 to 200 is expected at /n (byte 5)");
    refused(plan, "{\"n\":1e400}", NULL);
    refused(plan, "{\"n\":\"7\"}", "a number is expected at /n (byte 5)");
}

TEST(scale_converts_exactly_or_refuses)
{
    const char *up = "scale\t/\tw * 1000", *down = "scale\t/\tw * 1/1000";
    becomes(up, "{\"w\": 1.5 }", "{\"w\": 1500 }");
    becomes(up, "{\"w\":-0.0025}", "{\"w\":-2.5}");
    becomes(up, "{\"w\":25e-1}", "{\"w\":2500}");
    becomes(up, "{\"w\":0.00}", "{\"w\":0}");
    becomes(up, "{\"w\":9999999999999999999}", "{\"w\":9999999999999999999000}");
    becomes(down, "{\"w\":1}", "{\"w\":0.001}");
    becomes(down, "{\"w\":-1234500}", "{\"w\":-1234.5}");
    becomes(down, "{\"w\":null}", "{\"w\":null}");
    becomes("scale\t/w\t[] * 1/8", "{\"w\":[1 , 16,3]}", "{\"w\":[0.125 , 2,0.375]}");
    becomes("scale\t/\tw * 7/3", "{\"w\":6}", "{\"w\":14}");
    refused("scale\t/\tw * 1/3", "{\"w\":1}", "a number that can be converted exactly is expected at /w (byte 5)");
    refused(up, "{\"w\":1e60}", "a number that can be converted exactly is expected at /w (byte 5)");
    refused(up, "{\"w\":12345678901234567890123}", "a number that can be converted exactly is expected at /w (byte 5)");
    refused(up, "{\"w\":\"1\"}", "a number is expected at /w (byte 5)");
    becomes("scale\t/\tw * 1000 in 0..5000", "{\"w\":4.999}", "{\"w\":4999}");
    refused("scale\t/\tw * 1000 in 0..5000", "{\"w\":4.9995}",
            "a whole number from 0 to 5000 is expected at /w (byte 5)");
    refused("scale\t/\tw * 1000 in 0..5000", "{\"w\":6}", "a whole number from 0 to 5000 is expected at /w (byte 5)");
}

TEST(text_and_number_are_each_others_way_back)
{
    becomes("text\t/\tid", "{\"id\": 9007199254740993 }", "{\"id\": \"9007199254740993\" }");
    becomes("text\t/\tid", "{\"id\":-1.2e1}", "{\"id\":\"-12\"}");
    becomes("text\t/\tid", "{\"id\":99999999999999999999}", "{\"id\":\"99999999999999999999\"}");
    becomes("text\t/\tid\nrename\t/\tid -> key", "{\"id\":7}", "{\"key\":\"7\"}");
    refused("text\t/\tid", "{\"id\":1.5}", "a whole number is expected at /id (byte 6)");
    refused("text\t/\tid", "{\"id\":\"7\"}", "a number is expected at /id (byte 6)");
    becomes("number\t/\tid", "{\"id\":\"9007199254740993\"}", "{\"id\":9007199254740993}");
    becomes("number\t/\tid", "{\"id\":\"\\u0037\"}", "{\"id\":7}");
    refused("number\t/\tid", "{\"id\":\"07\"}", "a string of digits is expected at /id (byte 6)");
    refused("number\t/\tid", "{\"id\":\"1.5\"}", "a string of digits is expected at /id (byte 6)");
    refused("number\t/\tid", "{\"id\":7}", "a string is expected at /id (byte 6)");
    refused("number\t/\tid in -5..5", "{\"id\":\"6\"}", "a whole number from -5 to 5 is expected at /id (byte 6)");
    becomes("number\t/m\t{}", "{\"m\":{\"a\":\"1\",\"b\":\"-0\"}}", "{\"m\":{\"a\":1,\"b\":-0}}");
}

TEST(of_two_conversions_of_a_value_the_later_stands)
{
    becomes("text\t/\ta\nenum\t/\ta A -> B", "{\"a\":\"A\"}", "{\"a\":\"B\"}");
    becomes("enum\t/\ta A -> B\nnumber\t/\ta", "{\"a\":\"7\"}", "{\"a\":7}");
}

TEST(steps_find_their_place_through_arrays_and_maps)
{
    becomes("rename\t/lines/[]\tqty -> quantity", "{\"lines\":[{\"qty\":1},{\"qty\":2}],\"qty\":3}",
            "{\"lines\":[{\"quantity\":1},{\"quantity\":2}],\"qty\":3}");
    becomes("drop\t/[]\tx", "[{\"x\":1},{\"y\":[{\"x\":1}]}]", "[{},{\"y\":[{\"x\":1}]}]");
    becomes("drop\t/m/{}\tx", "{\"m\":{\"a\":{\"x\":1},\"b\":{\"x\":2}}}", "{\"m\":{\"a\":{},\"b\":{}}}");
    becomes("drop\t/a~1b/c~0\tx", "{\"a/b\":{\"c~\":{\"x\":1}}}", "{\"a/b\":{\"c~\":{}}}");
    refused("narrow\t/lines/[]\tqty 0..9", "{\"lines\":[{},{},{},{\"qty\":10}]}",
            "a whole number from 0 to 9 is expected at /lines/[3]/qty (byte 26)");
}

TEST(steps_inside_a_renamed_member_go_by_its_old_name)
{
    becomes("rename\t/\ta -> b\ndrop\t/a\tx", "{\"a\":{\"x\":1}}", "{\"b\":{}}");
}

TEST(a_body_of_another_shape_than_the_plans_is_refused)
{
    refused(RENAME, "7", "the body is not an object at / (byte 0)");
    refused(RENAME, "[]", "the body is not an object at / (byte 0)");
    refused("drop\t/[]\tx", "{}", "the body is not an array at / (byte 0)");
    becomes("drop\t/a\tx", "{\"a\":[1,2]}", "{\"a\":[1,2]}");
}

TEST(a_default_that_is_not_json_refuses_the_body_that_needs_it)
{
    struct plan *plan = plan_new();
    plan_add(plan,
             &(struct plan_step){.op = PLAN_DEFAULT, .path = SLICE("/"), .to = SLICE("c"), .value = SLICE("EUR")});
    struct buf out;
    buf_init(&out, 100);
    struct rewrite *r = rewrite_json_new(plan, 100);
    CHECK_ERR(ERR_PEER, rewrite_feed(r, SLICE("{}"), &out));
    CHECK_TEXT("the plan's default for \"c\" is not JSON at / (byte 1)", slice_str(rewrite_fault(r)));
    CHECK_INT(1, rewrite_offset(r));
    rewrite_free(&r);
    buf_fini(&out);
    plan_unref(&plan);
}

TEST(broken_json_is_refused_with_path_and_offset)
{
    refused("", "{\"a\":[1,01]}", "a number with a leading zero at /a/[0] (byte 9)");
    refused("", "{\"a\":1", "the text ends before its value does at /a (byte 6)");
    refused("", "{\"a\":1,\"a\":2}", "duplicate member \"a\" at /a (byte 7)");
}

TEST(no_more_than_max_hold_is_kept_back)
{
    becomes_within("strip\t/\tn", 12, "{\"long\":\"01234567890123456789\"}", "{\"long\":\"01234567890123456789\"}");
    becomes_within("strip\t/\tn", 12, "{\"n\":\"123456\"}", "{\"n\":\"123456\"}");
    refused_within("strip\t/\tn", 12, "{\"n\":\"1234567\"}", ERR_FULL, NULL);
    refused_within("strip\t/\tn", 12, "{             \"n\":1}", ERR_FULL, NULL);
    refused_within("", 12, "{\"a name that is long\":1}", ERR_FULL, NULL);
}

TEST(an_object_has_at_most_4096_names)
{
    struct plan *plan = plan_new();
    for (int names = 4096; names <= 4097; names++) {
        struct buf body, out;
        buf_init(&body, BUF_TEXT_BOUND);
        buf_init(&out, BUF_TEXT_BOUND);
        buf_put_char(&body, '{');
        for (int i = 0; i < names; i++)
            buf_putf(&body, "%s\"%d\":{\"%d\":0}", i ? "," : "", i, i);
        buf_put_char(&body, '}');
        struct rewrite *r = rewrite_json_new(plan, REWRITE_MAX_HOLD);
        CHECK_ERR(names == 4096 ? ERR_OK : ERR_FULL, rewrite_feed(r, buf_slice(&body), &out));
        rewrite_free(&r);
        buf_fini(&out);
        buf_fini(&body);
    }
    plan_unref(&plan);
}

TEST(a_full_out_stops_the_rewrite)
{
    struct plan *plan = plan_new();
    struct buf out;
    buf_init(&out, 4);
    struct rewrite *r = rewrite_json_new(plan, 100);
    CHECK_ERR(ERR_FULL, rewrite_feed(r, SLICE("[1,2,3]"), &out));
    CHECK_ERR(ERR_FULL, rewrite_finish(r, &out));
    rewrite_free(&r);
    buf_fini(&out);
    plan_unref(&plan);
}

TEST(steps_are_counted_when_they_are_applied)
{
    struct plan *plan = plan_of("rename\t/[]\ta -> b\ndrop\t/[]\tc\ndefault\t/[]\td = 0");
    struct buf out;
    buf_init(&out, 1000);
    struct rewrite *r = rewrite_json_new(plan, 100);
    CHECK_ERR(ERR_OK, rewrite_feed(r, SLICE("[{\"a\":1},{\"a\":1,\"d\":2},{}]"), &out));
    CHECK_INT(2, rewrite_applied(r)[0]);
    CHECK_INT(0, rewrite_applied(r)[1]);
    CHECK_INT(2, rewrite_applied(r)[2]);
    rewrite_free(&r);
    buf_fini(&out);
    plan_unref(&plan);
}

TEST(wrap_makes_an_array_and_head_takes_it_apart)
{
    becomes("wrap\t/\ttag", "{\"tag\" : {\"x\":1} ,\"b\":2}", "{\"tag\" : [{\"x\":1}] ,\"b\":2}");
    becomes("wrap\t/\ttag", "{\"tag\":null}", "{\"tag\":[]}");
    becomes("wrap\t/tags\t[]", "{\"tags\":[1, \"a\"]}", "{\"tags\":[[1], [\"a\"]]}");
    becomes("wrap\t/\ttotal\ntext\t/\ttotal", "{\"total\":12}", "{\"total\":[\"12\"]}");
    becomes("head\t/\ttags only", "{\"tags\": [ {\"x\":[1,2]} ] ,\"b\":1}", "{\"tags\": {\"x\":[1,2]} ,\"b\":1}");
    becomes("head\t/\ttags first", "{\"tags\":[1,[2],{\"a\":3}]}", "{\"tags\":1}");
    becomes("head\t/\ttags last\ntext\t/tags\t[]", "{\"tags\":[1,2 ,3 ]}", "{\"tags\":\"3\"}");
    becomes("head\t/\ttags first, else {}", "{\"tags\":[ ]}", "{\"tags\":{}}");
    becomes("head\t/\ttags only", "{\"tags\":null}", "{\"tags\":null}");
    refused("head\t/\ttags only", "{\"tags\":[1,2]}",
            "one element is expected, and here is another at /tags/[1] (byte 11)");
    refused("head\t/\ttags only", "{\"tags\":[]}", "an array with an element is expected at /tags (byte 9)");
    refused("head\t/\ttags only", "{\"tags\":1}", "an array is expected at /tags (byte 8)");
}

TEST(hoist_brings_members_up_to_the_end_of_the_object)
{
    becomes("hoist\t/\taddress/city -> town", "{\"address\":{\"street\":\"S\", \"city\": \"C\"},\"n\":1}",
            "{\"address\":{\"street\":\"S\"},\"n\":1,\"town\":\"C\"}");
    becomes("hoist\t/\taddress/city -> city\ndrop\t/\taddress", "{\"address\":{\"city\":{\"a\":[1]},\"x\":2},\"n\":1}",
            "{\"n\":1,\"city\":{\"a\":[1]}}");
    becomes("hoist\t/[]\ta/b/c -> d", "[{\"a\":{\"b\":{\"c\":1}}},{\"a\":3},{}]",
            "[{\"a\":{\"b\":{}},\"d\":1},{\"a\":3},{}]");
    becomes("hoist\t/\ta/b -> c\ndefault\t/\tc = 7", "{\"a\":{}}", "{\"a\":{},\"c\":7}");
    refused("hoist\t/\ta/b -> c", "{\"a\":{\"b\":1},\"c\":2}",
            "member \"c\" is there twice after moving at /c (byte 18)");
}

TEST(plunge_puts_members_into_a_host_that_is_there_or_is_made)
{
    becomes("plunge\t/\tcity -> address/town", "{\"city\": \"C\",\"n\":1}", "{\"n\":1,\"address\":{\"town\":\"C\"}}");
    becomes("plunge\t/\tcity -> address/city\nplunge\t/\tzip -> address/zip\ndefault\t/address\tland = \"D\"",
            "{\"zip\":1,\"city\":2}", "{\"address\":{\"city\":2,\"zip\":1,\"land\":\"D\"}}");
    becomes("plunge\t/\tcity -> address/city", "{\"address\": {\"a\":1 } ,\"city\":2}",
            "{ \"address\":{\"a\":1,\"city\":2}}");
    becomes("plunge\t/\tcity -> address/city\nrename\t/address\ta -> b", "{\"city\":2,\"address\":{\"a\":1}}",
            "{\"address\":{\"b\":1,\"city\":2}}");
    becomes("plunge\t/\tcity -> address/city", "{\"address\":{\"a\":1 }}", "{\"address\":{\"a\":1 }}");
    becomes("plunge\t/\tcity -> address/city", "{}", "{}");
    refused("plunge\t/\tcity -> address/city", "{\"address\":{\"city\":1},\"city\":2}",
            "member \"city\" is there twice after moving at /city (byte 30)");
    refused("plunge\t/\tcity -> address/city", "{\"address\":[],\"city\":2}",
            "member \"address\" is no object, and others go into it at /city (byte 22)");
}

TEST(hoist_and_plunge_undo_each_other)
{
    const char *there = "hoist\t/\taddress/city -> city\nhoist\t/\taddress/zip -> zip\ndrop\t/\taddress\nthen\t/\t\n"
                        "plunge\t/\tcity -> address/city\nplunge\t/\tzip -> address/zip";
    becomes(there, "{\"n\":1,\"address\":{\"city\":\"C\",\"zip\":7}}",
            "{\"n\":1,\"address\":{\"city\":\"C\",\"zip\":7}}");
}

TEST(texts_become_base64_and_come_back)
{
    becomes("encode\t/\tnote", "{\"note\":\"\\u00e9 \\\"x\"}", "{\"note\":\"w6kgIng=\"}");
    becomes("decode\t/\tnote", "{\"note\":\"w6kgIng=\"}", "{\"note\":\"\xC3\xA9 \\\"x\"}");
    becomes("decode\t/\tnote", "{\"note\":\"w6kgIng\"}", "{\"note\":\"\xC3\xA9 \\\"x\"}");
    becomes("decode\t/\tnote", "{\"note\":\"\"}", "{\"note\":\"\"}");
    refused("decode\t/\tnote", "{\"note\":\"w6kgInh=\"}", "base64 of a text is expected at /note (byte 8)");
    refused("decode\t/\tnote", "{\"note\":\"/w==\"}", "base64 of a text is expected at /note (byte 8)");
    refused("decode\t/\tnote", "{\"note\":1}", "a string is expected at /note (byte 8)");
}

TEST(seconds_become_date_times_and_come_back)
{
    becomes("date\t/\tat s", "{\"at\":0}", "{\"at\":\"1970-01-01T00:00:00Z\"}");
    becomes("date\t/\tat ms", "{\"at\":1709164799500}", "{\"at\":\"2024-02-28T23:59:59.5Z\"}");
    becomes("date\t/\tat ms", "{\"at\":1709251199001}", "{\"at\":\"2024-02-29T23:59:59.001Z\"}");
    becomes("date\t/\tat s", "{\"at\":-1.5}", "{\"at\":\"1969-12-31T23:59:58.5Z\"}");
    becomes("date\t/\tat s", "{\"at\":253402300799}", "{\"at\":\"9999-12-31T23:59:59Z\"}");
    becomes("epoch\t/\tat ms", "{\"at\":\"2024-02-28T23:59:59.5Z\"}", "{\"at\":1709164799500}");
    becomes("epoch\t/\tat s", "{\"at\":\"2024-02-29t01:00:00.000+01:00\"}", "{\"at\":1709164800}");
    becomes("epoch\t/\tat s", "{\"at\":\"1969-12-31T23:59:59Z\"}", "{\"at\":-1}");
    refused("date\t/\tat s", "{\"at\":253402300800}",
            "a time from the year 0 to 9999, no finer than a nanosecond, is expected at /at (byte 6)");
    refused("epoch\t/\tat s", "{\"at\":\"2023-02-29T00:00:00Z\"}",
            "a date-time (RFC 3339) is expected at /at (byte 6)");
    refused("epoch\t/\tat s", "{\"at\":\"2024-02-29T00:00:00.5Z\"}",
            "a date-time no finer than the unit is expected at /at (byte 6)");
    refused("epoch\t/\tat s in 0..9", "{\"at\":\"1970-01-01T00:00:10Z\"}",
            "a whole number from 0 to 9 is expected at /at (byte 6)");
}

TEST(members_leave_for_the_head_and_come_from_it)
{
    struct plan *plan = plan_of("take\t/\ta/b -> query b\nput\t/\tquery limit -> limit number\nput\t/\tquery no -> no");
    struct rewrite *r = rewrite_json_new(plan, 100);
    struct buf out;
    struct slice taken;
    buf_init(&out, 1000);
    rewrite_give(r, 1, SLICE("7"));
    CHECK_ERR(ERR_ABSENT, rewrite_taken(r, 0, &taken));
    CHECK_ERR(ERR_OK, rewrite_feed(r, SLICE("{\"a\":{\"b\":[1]}}"), &out));
    CHECK_ERR(ERR_OK, rewrite_finish(r, &out));
    CHECK_TEXT("{\"a\":{},\"limit\":7}", buf_slice(&out));
    CHECK_ERR(ERR_OK, rewrite_taken(r, 0, &taken));
    CHECK_TEXT("[1]", taken);
    rewrite_free(&r);
    buf_fini(&out);
    plan_unref(&plan);
}

TEST(stages_see_what_goes_out_before_them)
{
    becomes("rename\t/\ta -> b\nthen\t/\t\nrename\t/\tb -> c\nthen\t/\t\ndefault\t/\td = 1", "{\"a\":1}",
            "{\"c\":1,\"d\":1}");
    refused("drop\t/\ta\nthen\t/\t\nnarrow\t/\tb 0..9", "{\"a\":1,\"b\":10}",
            "in stage 2: a whole number from 0 to 9 is expected at /b (byte 5)");
}

TEST(a_tag_says_which_steps_are_for_an_object)
{
    const char *plan = "rename\t/pay/(kind=card|visa)\tnum -> number\ndrop\t/pay/(kind=cash)\tnum";
    becomes(plan, "{\"pay\":{\"kind\":\"card\",\"num\":1}}", "{\"pay\":{\"kind\":\"card\",\"number\":1}}");
    becomes(plan, "{\"pay\":{\"num\":[1,{\"kind\":\"card\"}], \"kind\" : \"visa\" } }",
            "{\"pay\":{\"number\":[1,{\"kind\":\"card\"}], \"kind\" : \"visa\" } }");
    becomes(plan, "{\"pay\":{\"num\":1,\"\\u006bind\":\"c\\u0061sh\",\"x\":2}}",
            "{\"pay\":{\"\\u006bind\":\"c\\u0061sh\",\"x\":2}}");
    becomes(plan, "{\"pay\":{\"num\":1,\"kind\":\"bill\"}}", "{\"pay\":{\"num\":1,\"kind\":\"bill\"}}");
    becomes(plan, "{\"pay\":{\"num\":1,\"kind\":7}}", "{\"pay\":{\"num\":1,\"kind\":7}}");
    becomes(plan, "{\"pay\":[{\"kind\":\"card\",\"num\":1}]}", "{\"pay\":[{\"kind\":\"card\",\"num\":1}]}");
    becomes("default\t/(kind=a)\tx = 1", "{\"kind\":\"a\"}", "{\"kind\":\"a\",\"x\":1}");
    refused(plan, "{\"pay\":{\"kind\":\"card\",\"num\":1,\"number\":2}}",
            "member \"number\" is there twice after renaming at /pay/number (byte 30)");
    refused(plan, "{\"pay\":{\"num\":1,}}", "a member name is expected here at /pay/num (byte 16)");
}

TEST(each_element_may_be_of_another_branch)
{
    const char *plan = "rename\t/[]/(k=a)\tx -> y\ntext\t/[]\t(:number)\nwrap\t/[]\t(:string)";
    becomes(plan,
            "[{\"x\":1,\"k\":\"a\"}, 5 "
            ",{\"x\":1,\"k\":\"b\"},\"s\",null,true,[{\"x\":{},\"k\":\"a\"}],{\"k\":\"a\",\"x\":[1]}]",
            "[{\"y\":1,\"k\":\"a\"}, \"5\" "
            ",{\"x\":1,\"k\":\"b\"},[\"s\"],null,true,[{\"x\":{},\"k\":\"a\"}],{\"k\":\"a\",\"y\":[1]}]");
    becomes("text\t/\t(:number)\nrename\t/(:object)\ta -> b", " 12 ", " \"12\" ");
    becomes("text\t/\t(:number)\nrename\t/(:object)\ta -> b", " {\"a\":12}", " {\"b\":12}");
    becomes("text\t/\t(:number)\nrename\t/(:object)\ta -> b", "[12]", "[12]");
}

TEST(members_that_only_one_branch_has_tell_it)
{
    const char *plan = "rename\t/(+iban&-card)\ta -> b\nrename\t/(+card&-iban)\ta -> c";
    becomes(plan, "{\"a\":1,\"iban\":2}", "{\"b\":1,\"iban\":2}");
    becomes(plan, "{\"card\":1,\"a\":2}", "{\"card\":1,\"c\":2}");
    becomes(plan, "{\"a\":2}", "{\"a\":2}");
    refused(plan, "{\"a\":1,\"card\":1,\"iban\":2}",
            "it cannot be told which branch of its union this is at / (byte 0)");
    becomes("rename\t/(-x)\ta -> b", "{\"a\":1}", "{\"b\":1}");
    becomes("rename\t/(-x)\ta -> b", "{\"a\":1,\"x\":{}}", "{\"a\":1,\"x\":{}}");
    becomes("rename\t/(v:string|null)\ta -> b", "{\"a\":1,\"v\":null}", "{\"b\":1,\"v\":null}");
    becomes("rename\t/(v:string|null)\ta -> b", "{\"a\":1,\"v\":{\"v\":\"\"}}", "{\"a\":1,\"v\":{\"v\":\"\"}}");
}

TEST(a_branch_is_told_within_max_hold)
{
    const char *plan = "rename\t/(k=a)\tx -> y";
    becomes_within(plan, 32, "{\"x\":\"twelve bytes\",\"k\":\"a\",\"more\":\"than is ever held back\"}",
                   "{\"y\":\"twelve bytes\",\"k\":\"a\",\"more\":\"than is ever held back\"}");
    refused_within(plan, 32, "{\"x\":\"twelve bytes and more\",\"k\":\"a\"}", ERR_FULL,
                   "too much comes before what tells the branch at / (byte 0)");
}

TEST(an_object_that_members_move_through_has_no_branches)
{
    becomes("hoist\t/\th/a -> a\nrename\t/h/(+b)\tb -> c", "{\"h\":{\"a\":1,\"b\":2}}", "{\"h\":{\"b\":2},\"a\":1}");
    refused("plunge\t/\ta -> h/a\nhead\t/\th first", "{\"a\":1,\"h\":[{\"a\":2}]}",
            "member \"h\" is no object, and others go into it at /h (byte 20)");
}

TESTS_BEGIN()
TESTS_RUN(what_no_step_touches_keeps_every_byte)
TESTS_RUN(a_rename_replaces_the_name_and_nothing_else)
TESTS_RUN(names_are_the_same_however_they_are_escaped)
TESTS_RUN(a_rename_onto_a_member_that_is_there_is_refused_in_either_order)
TESTS_RUN(two_renames_can_swap_names)
TESTS_RUN(a_default_comes_last_and_only_when_absent)
TESTS_RUN(a_dropped_member_takes_its_comma_with_it)
TESTS_RUN(strip_takes_out_null_and_nothing_else)
TESTS_RUN(an_enum_maps_symbols_by_its_table)
TESTS_RUN(narrow_lets_through_whole_numbers_in_range_as_they_are_spelled)
TESTS_RUN(scale_converts_exactly_or_refuses)
TESTS_RUN(text_and_number_are_each_others_way_back)
TESTS_RUN(of_two_conversions_of_a_value_the_later_stands)
TESTS_RUN(steps_find_their_place_through_arrays_and_maps)
TESTS_RUN(steps_inside_a_renamed_member_go_by_its_old_name)
TESTS_RUN(a_body_of_another_shape_than_the_plans_is_refused)
TESTS_RUN(a_default_that_is_not_json_refuses_the_body_that_needs_it)
TESTS_RUN(broken_json_is_refused_with_path_and_offset)
TESTS_RUN(no_more_than_max_hold_is_kept_back)
TESTS_RUN(an_object_has_at_most_4096_names)
TESTS_RUN(a_full_out_stops_the_rewrite)
TESTS_RUN(steps_are_counted_when_they_are_applied)
TESTS_RUN(wrap_makes_an_array_and_head_takes_it_apart)
TESTS_RUN(hoist_brings_members_up_to_the_end_of_the_object)
TESTS_RUN(plunge_puts_members_into_a_host_that_is_there_or_is_made)
TESTS_RUN(hoist_and_plunge_undo_each_other)
TESTS_RUN(texts_become_base64_and_come_back)
TESTS_RUN(seconds_become_date_times_and_come_back)
TESTS_RUN(members_leave_for_the_head_and_come_from_it)
TESTS_RUN(stages_see_what_goes_out_before_them)
TESTS_RUN(a_tag_says_which_steps_are_for_an_object)
TESTS_RUN(each_element_may_be_of_another_branch)
TESTS_RUN(members_that_only_one_branch_has_tell_it)
TESTS_RUN(a_branch_is_told_within_max_hold)
TESTS_RUN(an_object_that_members_move_through_has_no_branches)
TESTS_END()
