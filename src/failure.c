/*
 * failure.c - what can go wrong with an input, as a value that travels.
 */
#include "failure.h"

#include <string.h>

/* Reasons that follow a quoted field read as its predicate; the others stand alone. */
static const char *const reasons[FAILURE_CODES] = {
    [FAILURE_NONE] = "no failure",
    [FAILURE_NOT_INTEGER] = "is not an integer",
    [FAILURE_NOT_NUMBER] = "is not a number",
    [FAILURE_OUT_OF_RANGE] = "is out of range",
    [FAILURE_TOO_LONG] = "is too long",
    [FAILURE_MISSING_VALUE] = "is a missing value, which an integer field cannot hold without --fill",
    [FAILURE_TOO_FEW] = "too few fields",
    [FAILURE_TOO_MANY] = "too many fields",
    [FAILURE_NUL] = "NUL byte in the text",
    [FAILURE_CR] = "carriage return inside a line",
    [FAILURE_QUOTE_OPEN] = "quote is never closed",
    [FAILURE_QUOTE_JUNK] = "text after a closing quote",
    [FAILURE_ROUNDED] = "is rounded",
    [FAILURE_NO_TYPE] = "does not fit an integer type together with the rest of its column; give a --dtype",
    [FAILURE_LINE_LONG] = "record is larger than the memory for it",
    [FAILURE_OPEN] = "cannot be opened",
    [FAILURE_READ] = "read error",
    [FAILURE_TRUNCATED] = "compressed data ends too early",
    [FAILURE_CORRUPT] = "compressed data is damaged",
    [FAILURE_BEHIND] = "other bytes stand behind the compressed data",
    [FAILURE_CHANGED] = "file changed while it was read",
    [FAILURE_MEMORY] = "out of memory",
    [FAILURE_LOST] = "worker was lost",
    [FAILURE_INTERNAL] = "internal error",
};

void failure_quote(struct failure *f, const char *text, size_t text_bytes)
{
    size_t n_kept = text_bytes < FAILURE_TEXT ? text_bytes : FAILURE_TEXT;
    if (n_kept > 0)
        memcpy(f->text, text, n_kept);
    f->text_bytes = (uint32_t)n_kept;
    f->text_total = text_bytes < UINT32_MAX ? (uint32_t)text_bytes : UINT32_MAX;
}

int failure_is_record(int code)
{
    return code >= FAILURE_NOT_INTEGER && code <= FAILURE_LINE_LONG;
}

const char *failure_reason(int code)
{
    if (code < 0 || code >= FAILURE_CODES)
        return "unknown failure";
    return reasons[code];
}
