#include "bus/frame.h"

enum err frame_pack(Weft__Bus__V1__Record **records, size_t count, struct buf *out)
{
    Weft__Bus__V1__Frame frame = WEFT__BUS__V1__FRAME__INIT;
    frame.version = FRAME_VERSION;
    frame.n_records = count;
    frame.records = records;
    if (count == 0 || count > FRAME_RECORDS)
        return ERR_FULL;
    char *at;
    size_t size = weft__bus__v1__frame__get_packed_size(&frame);
    TRY(buf_room(out, size, &at));
    buf_wrote(out, weft__bus__v1__frame__pack(&frame, (uint8_t *)at));
    return ERR_OK;
}

static bool well_formed(const Weft__Bus__V1__Frame *f)
{
    if (f->version != FRAME_VERSION || f->n_records == 0 || f->n_records > FRAME_RECORDS)
        return false;
    for (size_t i = 0; i < f->n_records; i++)
        if (f->records[i]->body_case == WEFT__BUS__V1__RECORD__BODY__NOT_SET)
            return false;
    return true;
}

enum err frame_unpack(struct slice bytes, Weft__Bus__V1__Frame **out)
{
    Weft__Bus__V1__Frame *f = weft__bus__v1__frame__unpack(NULL, bytes.len, (const uint8_t *)bytes.at);
    if (!f)
        return ERR_PEER;
    if (!well_formed(f)) {
        frame_free(&f);
        return ERR_PEER;
    }
    *out = f;
    return ERR_OK;
}

void frame_free(Weft__Bus__V1__Frame **f)
{
    if (*f)
        weft__bus__v1__frame__free_unpacked(*f, NULL);
    *f = NULL;
}
