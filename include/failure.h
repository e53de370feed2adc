/*
 * failure.h - what can go wrong with an input, as a value that travels.
 *
 * A struct failure has a fixed size and no pointers, so it goes up the calls and from a worker to its
 * parent unchanged. Lower files fill it; only report and main turn it into words.
 */
#ifndef SHMLOAD_FAILURE_H
#define SHMLOAD_FAILURE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MUST_USE __attribute__((warn_unused_result))
#else
#define MUST_USE
#endif

enum failure_code {
    FAILURE_NONE = 0,

    /* the text of one record */
    FAILURE_NOT_INTEGER,   /* field is no [+-]?digits */
    FAILURE_NOT_NUMBER,    /* field is no decimal number, inf or nan */
    FAILURE_OUT_OF_RANGE,  /* integer does not fit its type */
    FAILURE_TOO_LONG,      /* string is longer than its Sn */
    FAILURE_MISSING_VALUE, /* missing token in an integer column that has no fill value */
    FAILURE_TOO_FEW,       /* record ends before its last field */
    FAILURE_TOO_MANY,      /* record has more fields than the schema */
    FAILURE_NUL,           /* NUL byte */
    FAILURE_CR,            /* carriage return that does not end the line */
    FAILURE_QUOTE_OPEN,    /* quoted field never closed */
    FAILURE_QUOTE_JUNK,    /* text between a closing quote and the delimiter */
    FAILURE_ROUNDED,       /* no failure: the value is stored, but a guessed float does not hold the integer exactly */
    FAILURE_NO_TYPE,       /* inferred column: integers that fit no 64-bit type */
    FAILURE_LINE_LONG,     /* record larger than the memory a worker may use */

    /* the bytes of one input */
    FAILURE_OPEN,          /* cannot be opened; sys_errno says why */
    FAILURE_READ,          /* read error; sys_errno says why */
    FAILURE_TRUNCATED,     /* compressed stream ends too early */
    FAILURE_CORRUPT,       /* compressed stream is damaged */
    FAILURE_BEHIND,        /* other bytes stand behind it; byte_offset, in the file, is where it ends */
    FAILURE_CHANGED,       /* file changed while it was read */

    /* the machine */
    FAILURE_MEMORY,        /* no memory */
    FAILURE_LOST,          /* worker died; sys_errno holds its wait status */
    FAILURE_INTERNAL,      /* a library said no where it should not; a defect */

    FAILURE_CODES
};

enum { FAILURE_TEXT = 64 };

/*
 * Units   line_no and column_no from 1 (0: does not apply), byte_offset in bytes of text from 0
 * Shape   text: the first text_bytes bytes of the offending field, not terminated; text_total its real length
 */
struct failure {
    int32_t code;         /* enum failure_code */
    int32_t sys_errno;
    uint64_t line_no;
    uint64_t byte_offset; /* of the record's first byte; of compressed data, how far the file was read (0: not told) */
    uint32_t column_no;   /* the field's number in its line */
    int32_t field;        /* index into the schema's fields, or -1 */
    uint32_t text_bytes;
    uint32_t text_total;
    char text[FAILURE_TEXT];
};

/* Remember the start of the offending text. Range any bytes; copies at most FAILURE_TEXT. */
void failure_quote(struct failure *f, const char *text, size_t text_bytes);

/* True for the codes that concern one record, which --max-errors may set aside. */
int failure_is_record(int code);

/* The short reason, such as "is not an integer"; static text. */
const char *failure_reason(int code);

#endif
