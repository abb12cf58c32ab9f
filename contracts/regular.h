#ifndef WEFT_CONTRACTS_REGULAR_H
#define WEFT_CONTRACTS_REGULAR_H

/* regular - does every text that matches one pattern match another?
 *
 * Patterns are those of ECMA-262 that are regular: groups, alternatives, sets, counts, anchors at the
 * ends of an alternative.  They match anywhere in a text; some validators and many authors take them for
 * the whole text, so the answer is yes only when it is yes for both.  Automata are walked side by side; what
 * has look-around, references back, or more states than the bounds allow is not decided. */
#include "base/buf.h"
#include "contracts/answer.h"

/* true: surely.  false: not, or not decided. */
bool regular_within(struct slice narrow, struct slice wide);
/* Does the text match?  MAYBE: not decided, or it matches in part where the pattern does not say that parts are meant.
 */
enum answer regular_takes(struct slice pattern, struct slice text);
/* Puts a shortest text of at least `least` characters that matches `narrow` as a whole and `wide` nowhere.  An empty
 * `narrow` is matched by every text, an empty `wide` by none.  false: there is none, or none was found. */
bool regular_sample(struct slice narrow, struct slice wide, unsigned least, struct buf *out);

#endif
