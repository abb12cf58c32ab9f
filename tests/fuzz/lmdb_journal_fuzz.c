/* Any bytes a disk may give back as a journal, and behind sound heads any bytes as an entry. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/lmdb_journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a database of LMDB 0.9 begins with, as far as a journal looks. */
enum { PAGE = 4096, MAGIC_AT = 16, VERSION_AT = 20, PAGE_SIZE_AT = 40, ENTRIES = 8192, ENTRY_MOST = 1 << 20 };

static char folder[] = "/tmp/weft-journal-fuzz-XXXXXX";

static int open_file(const char *name)
{
    char path[100];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0)
        abort();
    return fd;
}

static void write_file(const char *name, const void *bytes, size_t size, off_t at)
{
    int fd = open_file(name);
    if (pwrite(fd, bytes, size, at) != (ssize_t)size)
        abort();
    (void)close(fd);
}

static void end(void)
{
    char command[100];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command) != 0)
        perror(folder);
}

static void begin(void)
{
    static uint8_t pages[2 * PAGE];
    const uint32_t magic = UINT32_C(0xBEEFC0DE), version = 1, page = PAGE;
    for (size_t i = 0; i < 2; i++) {
        memcpy(pages + i * PAGE + MAGIC_AT, &magic, sizeof(magic));
        memcpy(pages + i * PAGE + VERSION_AT, &version, sizeof(version));
        memcpy(pages + i * PAGE + PAGE_SIZE_AT, &page, sizeof(page));
    }
    if (!mkdtemp(folder))
        abort();
    (void)atexit(end);
    write_file("data.mdb", pages, sizeof(pages), 0);
}

/* Looks at every byte, so that one past the end is seen. */
static bool look(void *arg, unsigned table, struct slice key, struct slice value, bool del)
{
    unsigned *sum = arg;
    for (size_t i = 0; i < key.len; i++)
        *sum += (uint8_t)key.at[i];
    for (size_t i = 0; i < value.len; i++)
        *sum += (uint8_t)value.at[i];
    *sum += table + del;
    return *sum % 97 != 96;
}

static struct lmdb_journal *open_journal(void)
{
    struct lmdb_journal *j;
    const char *why;
    return lmdb_journal_open(folder, "data.mdb", &j, &why) == ERR_OK ? j : NULL;
}

static void open_and_play(void)
{
    struct lmdb_journal *j = open_journal();
    unsigned sum = 0;
    if (j)
        lmdb_journal_replay(j, look, &sum);
    lmdb_journal_close(&j);
}

static void forget(void)
{
    struct lmdb_journal *j = open_journal();
    if (j && lmdb_journal_rebase(j) != 0)
        abort();
    lmdb_journal_close(&j);
}

/* The first byte says what the others are: the file from the bases on, from the entries on, or sound entries. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool begun;
    if (!begun)
        begin();
    begun = true;
    if (size == 0 || size > ENTRY_MOST)
        return 0;
    struct slice rest = slice_of(data + 1, size - 1);
    forget();
    if (data[0] % 3 < 2) {
        write_file("journal", rest.at, rest.len, data[0] % 3 ? ENTRIES : 0);
    } else {
        struct lmdb_journal *j = open_journal();
        for (int i = 0; i < 2; i++)
            if (!j || !lmdb_journal_fits(j, rest) || lmdb_journal_add(j, rest) != 0)
                abort();
        lmdb_journal_close(&j);
    }
    open_and_play();
    return 0;
}
