#include "proxy/job_stream.h"

#include "tests/kit/t.h"

static void check(const char *name, const char *data, const char *frame)
{
    Weft__Bus__V1__Event event = WEFT__BUS__V1__EVENT__INIT;
    event.id = 42;
    event.name = (char *)(uintptr_t)name;
    event.data = (ProtobufCBinaryData){.len = strlen(data), .data = (uint8_t *)(uintptr_t)data};
    struct buf out;
    buf_init(&out, 4096);
    job_stream_put(&out, &event);
    CHECK_TEXT(frame, buf_slice(&out));
    buf_fini(&out);
}

TEST(an_event_is_three_fields_and_an_empty_line)
{
    check("progress", "{\"done\":7}", "id: 42\nevent: progress\ndata: {\"done\":7}\n\n");
}

TEST(an_event_without_data_has_two_fields)
{
    check("started", "", "id: 42\nevent: started\n\n");
}

TEST(every_line_of_data_is_a_field_however_it_ends)
{
    check("progress", "a\nb\r\nc\rd", "id: 42\nevent: progress\ndata: a\ndata: b\ndata: c\ndata: d\n\n");
    check("progress", "a\n\nb\n", "id: 42\nevent: progress\ndata: a\ndata: \ndata: b\n\n");
}

TEST(data_cannot_become_a_field_of_its_own)
{
    check("progress", "x\revent: done\r\r", "id: 42\nevent: progress\ndata: x\ndata: event: done\ndata: \n\n");
    check("a\ndata: b", "", "id: 42\nevent: a\n\n");
}

TESTS_BEGIN()
TESTS_RUN(an_event_is_three_fields_and_an_empty_line)
TESTS_RUN(every_line_of_data_is_a_field_however_it_ends)
TESTS_RUN(an_event_without_data_has_two_fields)
TESTS_RUN(data_cannot_become_a_field_of_its_own)
TESTS_END()
