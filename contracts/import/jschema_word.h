#ifndef WEFT_CONTRACTS_IMPORT_JSCHEMA_WORD_H
#define WEFT_CONTRACTS_IMPORT_JSCHEMA_WORD_H

/* jschema_word - the words of JSON Schema by the kind of value that they speak of, and what simple ones say. */
#include "base/doc.h"

/* NULL-terminated. */
extern const char *const jschema_word_numbers[], *const jschema_word_strings[], *const jschema_word_arrays[],
                                                                                    *const jschema_word_objects[];
/* Of any kind; "not", "if", "then" and "else" come first, then those that are understood. */
extern const char *const jschema_word_others[];
enum { JSCHEMA_WORD_KNOWN = 5 };

/* Words that say nothing of values. */
bool jschema_word_is_note(struct slice word);
/* Does a word of the schema say anything of values? */
bool jschema_word_speaks(const struct doc_node *n);
bool jschema_word_any(const struct doc_node *n, const char *const *words);
bool jschema_word_true(const struct doc_node *n);
bool jschema_word_false(const struct doc_node *n);
/* Nothing, true or {}. */
bool jschema_word_anything(const struct doc_node *n);
bool jschema_word_requires(const struct doc_node *object, struct slice member);

#endif
