#ifndef WEFT_BASE_JSON_OUT_H
#define WEFT_BASE_JSON_OUT_H

/* json_out - JSON text, written in order (RFC 8259).
 *
 * Commas, quotes and escapes are its business; bytes that are not UTF-8 become
 * U+FFFD.  Closing what was not opened is a broken promise.
 *
 * Lifetime: a plain value over a buf that must outlive it.
 * Threads:  belongs to one. */
#include "base/buf.h"

enum { JSON_OUT_DEPTH = 64 };

struct json_out {
    struct buf *out;
    unsigned depth;
    unsigned indent; /* blanks a level; 0: one line */
    bool after_name;
    bool comma[JSON_OUT_DEPTH];
    bool array[JSON_OUT_DEPTH];
};

void json_out_init(struct json_out *j, struct buf *out, unsigned indent);
void json_out_object(struct json_out *j);
void json_out_array(struct json_out *j);
/* Ends the innermost object or array. */
void json_out_end(struct json_out *j);
void json_out_name(struct json_out *j, const char *name);
void json_out_name_slice(struct json_out *j, struct slice name);
void json_out_slice(struct json_out *j, struct slice text);
void json_out_str(struct json_out *j, const char *text); /* NULL: null */
void json_out_int(struct json_out *j, int64_t n);
void json_out_bool(struct json_out *j, bool b);
void json_out_null(struct json_out *j);
/* Text that is JSON already. */
void json_out_raw(struct json_out *j, struct slice json);

/* name and value in one call. */
void json_out_member(struct json_out *j, const char *name, struct slice text);
void json_out_member_int(struct json_out *j, const char *name, int64_t n);

#endif
