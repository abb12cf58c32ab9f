#ifndef WEFT_CLI_DATALOG_IO_H
#define WEFT_CLI_DATALOG_IO_H

/* datalog_io - a program's .input and .output directives carried out: facts from
 * files, relations to files or to standard output.
 *
 * Soufflé's formats: one tuple a line, columns parted by `delimiter` (a tab), with
 * `headers=true` a first line of names, with `rfc4180=true` quoted as that says.
 * Files are `filename`, else NAME.facts and NAME.csv. */
#include "datalog/datalog.h"

/* Reads every .input; relative names are of `dir`.  Proofs name the files, whose names stay in `names`.
 * INPUT: `diag` says what is wrong, and where. */
MUST_USE enum err datalog_io_read(struct datalog_run *r, const char *dir, struct arena *names, struct diag *diag);
/* Carries out every .output and .printsize.  `dir` NULL: all on standard output.  IO: stderr says which file. */
MUST_USE enum err datalog_io_write(const struct datalog_run *r, const char *dir);
/* One relation, its tuples only. */
void datalog_io_print(const struct datalog_run *r, int rel);

#endif
