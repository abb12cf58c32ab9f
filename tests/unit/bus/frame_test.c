#include "bus/frame.h"
#include "tests/kit/t.h"

static Weft__Bus__V1__Record query(const char *job)
{
    static Weft__Bus__V1__Query body;
    body = (Weft__Bus__V1__Query)WEFT__BUS__V1__QUERY__INIT;
    body.job = (char *)(uintptr_t)job;
    Weft__Bus__V1__Record r = WEFT__BUS__V1__RECORD__INIT;
    r.seq = 7;
    r.body_case = WEFT__BUS__V1__RECORD__BODY_QUERY;
    r.query = &body;
    return r;
}

TEST(a_frame_comes_out_as_it_went_in)
{
    Weft__Bus__V1__Record r = query("j1"), *one = &r;
    struct buf bytes;
    buf_init(&bytes, 1000);
    CHECK_ERR(ERR_OK, frame_pack(&one, 1, &bytes));
    Weft__Bus__V1__Frame *f;
    CHECK_ERR(ERR_OK, frame_unpack(buf_slice(&bytes), &f));
    CHECK_INT(1, f->n_records);
    CHECK_INT(7, f->records[0]->seq);
    CHECK_TEXT("j1", slice_str(f->records[0]->query->job));
    frame_free(&f);
    CHECK(f == NULL);
    buf_fini(&bytes);
}

TEST(frames_packed_one_after_the_other_are_one_frame)
{
    Weft__Bus__V1__Record r = query("j1"), *one = &r;
    struct buf bytes;
    buf_init(&bytes, 1000);
    for (int i = 0; i < 3; i++)
        CHECK_ERR(ERR_OK, frame_pack(&one, 1, &bytes));
    Weft__Bus__V1__Frame *f;
    CHECK_ERR(ERR_OK, frame_unpack(buf_slice(&bytes), &f));
    CHECK_INT(3, f->n_records);
    frame_free(&f);
    buf_fini(&bytes);
}

TEST(no_record_and_257_records_are_refused_in_both_directions)
{
    Weft__Bus__V1__Record r = query("j"), *many[FRAME_RECORDS + 1];
    for (size_t i = 0; i < FRAME_RECORDS + 1; i++)
        many[i] = &r;
    struct buf bytes;
    buf_init(&bytes, 100000);
    CHECK_ERR(ERR_FULL, frame_pack(many, 0, &bytes));
    CHECK_ERR(ERR_FULL, frame_pack(many, FRAME_RECORDS + 1, &bytes));
    Weft__Bus__V1__Frame *f;
    CHECK_ERR(ERR_OK, frame_pack(many, FRAME_RECORDS, &bytes));
    CHECK_ERR(ERR_OK, frame_pack(many, 1, &bytes));
    CHECK_ERR(ERR_PEER, frame_unpack(buf_slice(&bytes), &f));
    CHECK_ERR(ERR_PEER, frame_unpack(SLICE(""), &f));
    CHECK_ERR(ERR_PEER, frame_unpack(SLICE("\xff\xff\xff"), &f));
    buf_fini(&bytes);
}

TEST(a_full_buffer_takes_nothing)
{
    Weft__Bus__V1__Record r = query("a job id that is longer than the room"), *one = &r;
    struct buf bytes;
    buf_init(&bytes, 10);
    CHECK_ERR(ERR_FULL, frame_pack(&one, 1, &bytes));
    CHECK_INT(0, buf_len(&bytes));
    buf_fini(&bytes);
}

TESTS_BEGIN()
TESTS_RUN(a_frame_comes_out_as_it_went_in)
TESTS_RUN(frames_packed_one_after_the_other_are_one_frame)
TESTS_RUN(no_record_and_257_records_are_refused_in_both_directions)
TESTS_RUN(a_full_buffer_takes_nothing)
TESTS_END()
