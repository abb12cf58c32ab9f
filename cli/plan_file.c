#include "cli/plan_file.h"

#include "base/file.h"
#include "base/mem.h"

static bool is_heading(struct slice line, struct slice *name)
{
    line = slice_trim(line);
    if (!slice_starts(line, SLICE("[")) || !slice_ends(line, SLICE("]")))
        return false;
    *name = slice_trim(slice_of(line.at + 1, line.len - 2));
    return true;
}

static bool known(const struct plan_file *f, struct slice name)
{
    for (size_t i = 0; i < f->count; i++)
        if (slice_eq(f->names[i], name))
            return true;
    return false;
}

static enum err add_name(struct plan_file *f, struct slice name, const struct diag_place *place, struct diag *diag)
{
    const char *wrong = name.len == 0                 ? "a plan without a name"
                        : known(f, name)              ? "a second plan of this name"
                        : f->count == PLAN_FILE_PLANS ? "more than 4096 plans"
                                                      : NULL;
    if (wrong) {
        diag_add(diag, DIAG_ERROR, place, NULL, "%s", wrong);
        return ERR_INPUT;
    }
    f->names[f->count++] = name;
    return ERR_OK;
}

static enum err find_names(struct plan_file *f, struct diag *diag)
{
    struct diag_place place = {.file = f->path, .text = buf_slice(&f->text), .column = 1};
    struct slice rest = buf_slice(&f->text), line, name;
    while (slice_split(&rest, '\n', &line)) {
        place.line++;
        place.width = line.len ? (unsigned)line.len : 1;
        if (is_heading(line, &name))
            TRY(add_name(f, name, &place, diag));
    }
    if (f->count == 0)
        f->names[f->count++] = SLICE("");
    return ERR_OK;
}

enum err plan_file_init(struct plan_file *f, const char *path, struct diag *diag)
{
    *f = (struct plan_file){.path = path};
    buf_init(&f->text, PLAN_FILE_BYTES);
    buf_init(&f->chosen, PLAN_FILE_BYTES);
    f->names = mem_array(PLAN_FILE_PLANS, sizeof(*f->names));
    enum err e = file_read(path, &f->text);
    if (e == ERR_OK)
        return find_names(f, diag);
    diag_add(diag, DIAG_ERROR, &(struct diag_place){.file = path}, NULL, "cannot read it: %s", err_text(e));
    return ERR_INPUT;
}

void plan_file_fini(struct plan_file *f)
{
    buf_fini(&f->text);
    buf_fini(&f->chosen);
    mem_free(f->names);
}

/* Lines of other plans become empty, so that every line keeps its number. */
enum err plan_file_plan(struct plan_file *f, struct slice name, struct diag *diag, struct plan **out)
{
    struct slice rest = buf_slice(&f->text), line, heading;
    bool wanted = name.len == 0;
    buf_clear(&f->chosen);
    while (slice_split(&rest, '\n', &line)) {
        if (is_heading(line, &heading))
            wanted = slice_eq(heading, name);
        else if (wanted)
            buf_put(&f->chosen, line);
        buf_put_char(&f->chosen, '\n');
    }
    return plan_parse(buf_slice(&f->chosen), f->path, diag, out);
}
