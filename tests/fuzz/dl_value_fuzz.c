/* Any text as a value of a file and as a question: it is refused, or it prints as what reads back the same. */
#include <stdlib.h>

#include "datalog/datalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char program[] =
    ".type List = [n:number, t:List] .type Tree = Leaf { x:float } | Two { a:Tree, b:List } | None {}"
    ".decl a(s:symbol, n:number, u:unsigned, f:float, l:List, t:Tree)";

enum { COLUMNS = 6 };

static void try_value(struct datalog_run *r, size_t column, struct slice text)
{
    datalog_word w, again = 0;
    struct buf out;
    if (datalog_value(r, 0, column, text, &w) != ERR_OK)
        return;
    buf_init(&out, BUF_TEXT_BOUND);
    datalog_put_value(r, 0, column, w, &out);
    if (datalog_value(r, 0, column, buf_slice(&out), &again) != ERR_OK || again != w)
        abort();
    buf_fini(&out);
}

static void try_question(struct datalog_run *r, struct slice text)
{
    struct datalog_text question = {.file = "q", .text = text};
    datalog_word columns[DATALOG_COLUMNS], again[DATALOG_COLUMNS];
    struct diag diag;
    struct buf out;
    int rel;
    diag_init(&diag);
    buf_init(&out, BUF_TEXT_BOUND);
    enum err e = datalog_ask(r, &question, &diag, &rel, columns);
    if ((e == ERR_OK) != (diag.errors == 0))
        abort();
    if (e == ERR_OK) {
        datalog_put_tuple(r, rel, columns, &out);
        question.text = buf_slice(&out);
        if (datalog_ask(r, &question, &diag, &rel, again) != ERR_OK ||
            memcmp(columns, again, datalog_arity(datalog_run_program(r), rel) * sizeof(*columns)) != 0)
            abort();
    }
    buf_fini(&out);
    diag_fini(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct datalog_text text = {.file = "fuzz.dl", .text = slice_str(program)};
    struct datalog *p = NULL;
    struct diag diag;
    diag_init(&diag);
    if (datalog_load(&text, 1, &diag, &p) != ERR_OK)
        abort();
    struct datalog_run *r = datalog_run_new(p, NULL);
    for (size_t column = 0; column < COLUMNS; column++)
        try_value(r, column, slice_of(data, size));
    try_question(r, slice_of(data, size));
    datalog_run_free(&r);
    datalog_free(&p);
    diag_fini(&diag);
    return 0;
}
