/*
 * report.c - failures in words, and the closing account, for people and for scripts.
 */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "convert.h"
#include "message.h"
#include "missing.h"
#include "misspelt.h"
#include "options.h"

enum {
    MOST_TOLD = 10,     /* inputs with something to tell, when nobody asked for all */
    NUMBER_BYTES = 32,
    PATH_BYTES = 4200,
    QUOTED_BYTES = 4 * FAILURE_TEXT + 8, /* all of it escaped, quotes and dots */
    REASON_BYTES = 2048,
};

/* ---- words ----------------------------------------------------------------------------------------------------- */

/* 3581234 as '3,581,234'. */
static const char *grouped(char text[NUMBER_BYTES], uint64_t number)
{
    char digits[NUMBER_BYTES];
    const int n = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *to = text;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

/* '512 bytes', '93.1 MB', '1.25 GB'. */
static const char *sized(char text[NUMBER_BYTES], uint64_t bytes)
{
    const double size = (double)bytes;
    if (bytes < 1000)
        snprintf(text, NUMBER_BYTES, "%u byte%s", (unsigned)bytes, bytes == 1 ? "" : "s");
    else if (size < 999950.0)
        snprintf(text, NUMBER_BYTES, "%.1f kB", size / 1e3);
    else if (size < 999.95e6)
        snprintf(text, NUMBER_BYTES, "%.1f MB", size / 1e6);
    else
        snprintf(text, NUMBER_BYTES, "%.2f GB", size / 1e9);
    return text;
}

/* '1 row', '1,234 rows'. */
static const char *counted(char text[2 * NUMBER_BYTES], uint64_t number, const char *noun)
{
    char digits[NUMBER_BYTES];
    snprintf(text, 2 * NUMBER_BYTES, "%s %s%s", grouped(digits, number), noun, number == 1 ? "" : "s");
    return text;
}

/* 'i4', '>f8', 'S10': of one element. */
static const char *type_word(char text[NUMBER_BYTES], const struct field *f)
{
    snprintf(text, NUMBER_BYTES, "%s%c%" PRIu32, f->big_endian ? ">" : "",
             f->kind != KIND_UNKNOWN ? (char)f->kind : '?', f->elem_bytes);
    return text;
}

/* ---- failures -------------------------------------------------------------------------------------------------- */

/*
 * The type that holds an integer that did not fit: of the same sign where that will do, wide enough for what the old
 * type held, f8 where no integer is.
 */
static const char *wider_type(const struct field *f, const struct failure *failure)
{
    static const char *const words[2][9] = {{[1] = "i1", [2] = "i2", [4] = "i4", [8] = "i8"},
                                            {[1] = "u1", [2] = "u2", [4] = "u4", [8] = "u8"}};
    const bool negative = memchr(failure->text, '-', failure->text_bytes) != NULL;
    const bool is_unsigned = f->kind == KIND_UINT && !negative;
    uint64_t magnitude = 0;
    for (uint32_t i = 0; i < failure->text_bytes; i++) {
        const char c = failure->text[i];
        if (c >= '0' && c <= '9' && (__builtin_mul_overflow(magnitude, 10, &magnitude) ||
                                     __builtin_add_overflow(magnitude, (uint64_t)(c - '0'), &magnitude)))
            return "f8";
    }
    for (uint32_t bytes = f->kind == KIND_UINT && negative ? 2 * f->elem_bytes : 1; bytes <= 8; bytes *= 2) {
        const uint64_t largest = (UINT64_MAX >> (64 - 8 * bytes)) >> (is_unsigned ? 0 : 1);
        if (magnitude <= largest + (negative ? 1 : 0))
            return words[is_unsigned][bytes];
    }
    return negative ? "f8" : "u8";
}

/*
 * The cure for a type that does not hold the value, as it can be added to any command line: "--dtype chr=S14". Names
 * that this form cannot spell, or the shell would take apart, get words or quotes.
 */
static const char *typed(char text[REASON_BYTES], const struct field *f, const char *type)
{
    const char *quote = strpbrk(f->name, " \t$`&;|<>*?[]()!~\"\\{}") != NULL ? "'" : "";
    if (*f->name == '\0' || strpbrk(f->name, ",:=#\n'") != NULL)
        snprintf(text, REASON_BYTES, "make its type %s in --dtype", type);
    else
        snprintf(text, REASON_BYTES, "--dtype %s%s=%s%s", quote, f->name, type, quote);
    return text;
}

/* The offending text, printable: '...' is added where it was longer than a failure holds. */
static const char *quoted_text(char text[QUOTED_BYTES], const struct failure *f)
{
    char shown[4 * FAILURE_TEXT + 1];
    message_printable(shown, sizeof shown, f->text, f->text_bytes);
    snprintf(text, QUOTED_BYTES, "'%s%s'", shown, f->text_total > f->text_bytes ? "..." : "");
    return text;
}

static void wrong_count_reason(char reason[REASON_BYTES], const struct schema *schema, const struct failure *f)
{
    char found[2 * NUMBER_BYTES];
    counted(found, f->text_total, "field");
    if (f->text_total == 0 || schema == NULL)
        snprintf(reason, REASON_BYTES, "%s", failure_reason(f->code));
    else if (!schema->exact)
        snprintf(reason, REASON_BYTES, "%s, fewer than --usecols asks for", found);
    else
        snprintf(reason, REASON_BYTES, "%s where %" PRIu32 " %s expected", found, schema->n_columns,
                 schema->n_columns == 1 ? "is" : "are");
}

/* A stray quote takes good lines into its field, as far as the next quote: then the number of lines tells more. */
static void stray_quote_reason(char reason[REASON_BYTES], const struct failure *f)
{
    char lines[2 * NUMBER_BYTES];
    if (f->text_total > 0)
        snprintf(reason, REASON_BYTES, "%s, %s below the one that opens here: is that a stray quote?",
                 failure_reason(f->code), counted(lines, f->text_total, "line"));
    else
        snprintf(reason, REASON_BYTES, "%s", failure_reason(f->code));
}

static void lost_reason(char reason[REASON_BYTES], int wait_status)
{
    if (WIFSIGNALED(wait_status)) {
        const int signal_no = WTERMSIG(wait_status);
        snprintf(reason, REASON_BYTES, "the worker was killed by signal %d (%s)%s", signal_no, strsignal(signal_no),
                 signal_no == 9 ? "; out of memory? give a smaller --memory or --jobs" : "");
    } else {
        snprintf(reason, REASON_BYTES, "the worker stopped early with status %d",
                 WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : wait_status);
    }
}

/* '2.0' or '1e3' in an integer field. */
static bool is_number(const struct failure *f)
{
    double value;
    bool overflow;
    return f->code == FAILURE_NOT_INTEGER && f->text_total == f->text_bytes &&
           convert_double(f->text, f->text_bytes, &value, &overflow) == FAILURE_NONE;
}

/* The text may well be somebody's code for a missing value. */
static bool is_code(const struct failure *f)
{
    return f->text_total == f->text_bytes && missing_is_likely(f->text, f->text_bytes);
}

/* The sentence for a text that does not suit its field, with the cure. */
static void field_reason(char reason[REASON_BYTES], const struct field *field, const struct failure *f)
{
    char text[QUOTED_BYTES], type[NUMBER_BYTES], cure[REASON_BYTES], longer[NUMBER_BYTES];
    const enum misspelt how = f->text_total == f->text_bytes ? misspelt_find(f->text, f->text_bytes) : MISSPELT_NOT;
    quoted_text(text, f);
    snprintf(longer, sizeof longer, "S%" PRIu32, f->text_total);
    switch (f->code) {
    case FAILURE_OUT_OF_RANGE:
        snprintf(reason, REASON_BYTES, "%s is out of range; %s", text, typed(cure, field, wider_type(field, f)));
        break;
    case FAILURE_TOO_LONG:
        snprintf(reason, REASON_BYTES, "%s has %" PRIu32 " bytes, more than %s holds; %s", text,
                 f->text_total, type_word(type, field), memchr(f->text, '\n', f->text_bytes) == NULL ?
                 typed(cure, field, longer) : "line ends are in it: is the quote at its start a stray one?");
        break;
    case FAILURE_MISSING_VALUE:
        snprintf(reason, REASON_BYTES, "%s is missing and an integer has no NaN; --fill '%s=VALUE' or %s",
                 f->text_total > 0 ? text : "the value", field->name, typed(cure, field, "f8"));
        break;
    case FAILURE_NO_TYPE:
        snprintf(reason, REASON_BYTES, "%s and the rest of the column fit no 64-bit integer; %s", text,
                 typed(cure, field, "f8"));
        break;
    case FAILURE_NOT_INTEGER:
    case FAILURE_NOT_NUMBER:
        if (is_number(f))
            snprintf(reason, REASON_BYTES, "%s %s; %s", text, failure_reason(f->code), typed(cure, field, "f8"));
        else if (how != MISSPELT_NOT && how != MISSPELT_LIMIT)
            snprintf(reason, REASON_BYTES, "%s %s; %s", text, failure_reason(f->code), misspelt_cure(how, true));
        else if (how == MISSPELT_LIMIT && memchr(f->text, '=', f->text_bytes) != NULL)
            snprintf(reason, REASON_BYTES, "%s %s; if it stands for a missing value, --na '%s=%.*s'", text,
                     failure_reason(f->code), field->name, (int)f->text_bytes, f->text);
        else if (how == MISSPELT_LIMIT || is_code(f))
            snprintf(reason, REASON_BYTES, "%s %s; if it stands for a missing value, --na %s", text,
                     failure_reason(f->code), text);
        else
            snprintf(reason, REASON_BYTES, "%s %s", text, failure_reason(f->code));
        break;
    default:
        snprintf(reason, REASON_BYTES, "%s %s", text, failure_reason(f->code));
        break;
    }
}

/* ', at byte 123: ...' of a compressed file; nothing where the place is not known. */
static const char *file_place(char text[QUOTED_BYTES], const char *where, const struct failure *f, const char *cure)
{
    snprintf(text, QUOTED_BYTES, ", %s%" PRIu64 "%s", where, f->byte_offset, cure);
    return f->byte_offset > 0 ? text : "";
}

/* The sentence for what concerns a record, an input or the machine. */
static void other_reason(char reason[REASON_BYTES], const struct schema *schema, const struct failure *f)
{
    char text[QUOTED_BYTES], place[QUOTED_BYTES];
    const char *codec = f->text_bytes > 0 ? f->text : "compressed";
    const int codec_bytes = f->text_bytes > 0 ? (int)f->text_bytes : (int)strlen(codec);
    const char *why = f->sys_errno != 0 ? strerror(f->sys_errno) : failure_reason(f->code);
    quoted_text(text, f);
    switch (f->code) {
    case FAILURE_TOO_FEW:
    case FAILURE_TOO_MANY:
        wrong_count_reason(reason, schema, f);
        break;
    case FAILURE_NUL:
        snprintf(reason, REASON_BYTES, "NUL byte: not a text file?");
        break;
    case FAILURE_CR:
        snprintf(reason, REASON_BYTES, "%s; where lines end in CR alone, as in old Mac files, use tr '\\r' '\\n'",
                 failure_reason(f->code));
        break;
    case FAILURE_QUOTE_OPEN:
        snprintf(reason, REASON_BYTES, "the quoted field that begins here is never closed");
        break;
    case FAILURE_QUOTE_JUNK:
        stray_quote_reason(reason, f);
        break;
    case FAILURE_LINE_LONG:
        snprintf(reason, REASON_BYTES, "the record is larger than the memory for it; if no quote is left open, give a "
                 "larger --memory%.*s", (int)f->text_bytes, f->text);
        break;
    case FAILURE_OPEN:
        snprintf(reason, REASON_BYTES, "%s", why);
        break;
    case FAILURE_READ:
        snprintf(reason, REASON_BYTES, "read error: %s", why);
        break;
    case FAILURE_TRUNCATED:
        snprintf(reason, REASON_BYTES, "%.*s stream ends too early%s", codec_bytes, codec,
                 file_place(place, "behind byte ", f, ": was the file copied whole?"));
        break;
    case FAILURE_CORRUPT:
        snprintf(reason, REASON_BYTES, "%.*s stream is damaged%s", codec_bytes, codec,
                 file_place(place, "at byte ", f, " or before: copy or make the file anew"));
        break;
    case FAILURE_BEHIND:
        snprintf(reason, REASON_BYTES, "the %.*s data end with byte %" PRIu64 ", and other bytes stand behind them: if "
                 "these may be lost, give head -c %" PRIu64 " FILE | shmload NAME=-", codec_bytes, codec,
                 f->byte_offset, f->byte_offset);
        break;
    case FAILURE_MEMORY:
        snprintf(reason, REASON_BYTES, "out of memory; fewer --jobs need less");
        break;
    case FAILURE_LOST:
        lost_reason(reason, f->sys_errno);
        break;
    case FAILURE_INTERNAL:
        snprintf(reason, REASON_BYTES, "internal error: a defect of shmload, please report it");
        break;
    default:
        snprintf(reason, REASON_BYTES, "%s%s%s", f->text_bytes > 0 ? text : "", f->text_bytes > 0 ? " " : "",
                 failure_reason(f->code));
        break;
    }
}

void report_sentence(char *text, size_t text_bytes, const struct schema *schema, const struct failure *failure)
{
    char reason[REASON_BYTES], raw[2 * REASON_BYTES], type[NUMBER_BYTES];
    const struct field *field = NULL;
    if (schema != NULL && failure->field >= 0 && (size_t)failure->field < schema->n_fields)
        field = &schema->fields[failure->field];

    if (field != NULL) {
        field_reason(reason, field, failure);
        snprintf(raw, sizeof raw, "field '%s' (%s): %s", field->name, type_word(type, field), reason);
    } else {
        other_reason(reason, schema, failure);
        snprintf(raw, sizeof raw, "%s", reason);
    }
    message_printable(text, text_bytes, raw, strlen(raw));
}

void report_failure(const char *path, const struct schema *schema, const struct failure *failure)
{
    char sentence[2 * REASON_BYTES], place[2 * NUMBER_BYTES] = "";
    report_sentence(sentence, sizeof sentence, schema, failure);
    if (failure->line_no > 0 && failure->column_no > 0)
        snprintf(place, sizeof place, ":%" PRIu64 ":%" PRIu32, failure->line_no, failure->column_no);
    else if (failure->line_no > 0)
        snprintf(place, sizeof place, ":%" PRIu64, failure->line_no);
    message_place("%s%s: %s", path, place, sentence);
}

void report_misfit(const char *path, const struct schema *schema, const struct failure *failure)
{
    char sentence[2 * REASON_BYTES];
    report_sentence(sentence, sizeof sentence, schema, failure);
    message_detail("%s:%" PRIu64 ":%" PRIu32 ": the guess did not hold, so the file is parsed twice: %s", path,
                   failure->line_no, failure->column_no, sentence);
}

void report_more_failures(const char *path, uint64_t n_more)
{
    char lines[2 * NUMBER_BYTES];
    if (n_more > 0)
        message_place("%s: %s", path, counted(lines, n_more, "more bad line"));
}

/* ---- the account ----------------------------------------------------------------------------------------------- */

/* Sums over all inputs. */
struct totals {
    uint64_t n_rows, n_rejected, rejected_lines, n_missing, n_overflow, n_lines, text_bytes, file_bytes, record_bytes;
};

static struct totals totals_of(const struct run_account *run)
{
    struct totals t = {0};
    for (size_t i = 0; i < run->n_inputs; i++) {
        const struct account *a = &run->inputs[i];
        t.n_rows += a->n_rows;
        t.n_rejected += a->n_rejected;
        t.rejected_lines += a->rejected_lines;
        t.n_missing += a->n_missing;
        t.n_overflow += a->n_overflow;
        t.n_lines += a->n_lines;
        t.text_bytes += a->text_bytes;
        t.file_bytes += a->file_bytes;
        t.record_bytes += a->n_rows * a->row_bytes;
    }
    return t;
}

/* '3 bad lines'; where a stray quote makes one record of many lines, '3 bad records of 5,000 lines'. */
static const char *bad_lines(char text[4 * NUMBER_BYTES], uint64_t n_records, uint64_t n_lines)
{
    char records[2 * NUMBER_BYTES], lines[NUMBER_BYTES];
    if (n_lines <= n_records)
        return counted(text, n_records, "bad line");
    snprintf(text, 4 * NUMBER_BYTES, "%s of %s lines", counted(records, n_records, "bad record"),
             grouped(lines, n_lines));
    return text;
}

static bool has_something_to_tell(const struct account *a)
{
    return a->n_rows == 0 || a->n_rejected > 0 || a->n_overflow > 0 || a->parsed_twice;
}

/* What is out of the ordinary, as '; 3 values beyond range, stored as inf; parsed twice'. */
static void describe_oddities(const struct account *a, char *text, size_t text_bytes)
{
    char number[4 * NUMBER_BYTES];
    size_t n = 0;
    text[0] = '\0';
    if (a->n_rows == 0 && a->n_rejected == 0)
        n += (size_t)snprintf(text + n, text_bytes - n, "; no records");
    if (a->n_rejected > 0 && a->rejected_lines <= a->n_rejected)
        n += (size_t)snprintf(text + n, text_bytes - n, "; %s bad, set aside", grouped(number, a->n_rejected));
    else if (a->n_rejected > 0)
        n += (size_t)snprintf(text + n, text_bytes - n, "; %s, set aside",
                              bad_lines(number, a->n_rejected, a->rejected_lines));
    if (a->n_missing > 0)
        n += (size_t)snprintf(text + n, text_bytes - n, "; %s missing", grouped(number, a->n_missing));
    if (a->n_overflow > 0)
        n += (size_t)snprintf(text + n, text_bytes - n, "; %s beyond range, stored as inf",
                              grouped(number, a->n_overflow));
    if (a->parsed_twice)
        snprintf(text + n, text_bytes - n, "; parsed twice, the first guess of types did not hold");
}

/* Lines that hold no record of their own: comments, blank lines, and those that go on within quotes. */
static uint64_t other_lines(const struct account *a)
{
    const uint64_t known = a->lines_before + a->n_rows + a->n_rejected;
    return a->n_lines > known ? a->n_lines - known : 0;
}

/* So that lines = before + rows + set aside + others can be reckoned: ', 12 lines (1 above, 2 without a record)'. */
static const char *lines_in_words(char text[4 * NUMBER_BYTES], const struct account *a)
{
    char lines[2 * NUMBER_BYTES], above[2 * NUMBER_BYTES] = "", others[2 * NUMBER_BYTES] = "", number[NUMBER_BYTES];
    if (a->lines_before > 0)
        snprintf(above, sizeof above, "%s above", grouped(number, a->lines_before));
    if (other_lines(a) > 0)
        snprintf(others, sizeof others, "%s without a record", grouped(number, other_lines(a)));
    snprintf(text, 4 * NUMBER_BYTES, "%s%s%s%s%s%s", counted(lines, a->n_lines, "line"),
             *above != '\0' || *others != '\0' ? " (" : "", above,
             *above != '\0' && *others != '\0' ? ", " : "", others,
             *above != '\0' || *others != '\0' ? ")" : "");
    return text;
}

static void tell_input(const struct account *a, bool verbose)
{
    char rows[2 * NUMBER_BYTES], size[NUMBER_BYTES], odd[256], lines[4 * NUMBER_BYTES], how[256] = "";
    describe_oddities(a, odd, sizeof odd);
    if (verbose)
        snprintf(how, sizeof how, ", %s of text, %s, %s, %s%s", sized(size, a->text_bytes), lines_in_words(lines, a),
                 a->delimiter, a->codec, a->header ? ", header" : "");
    message_notice("%s -> /%s: %s%s%s", a->path, a->dataset, counted(rows, a->n_rows, "row"), how, odd);
}

static void tell_inputs(const struct run_account *run, bool verbose)
{
    uint64_t n_told = 0;
    for (size_t i = 0; i < run->n_inputs; i++) {
        if (!verbose && (!has_something_to_tell(&run->inputs[i]) || ++n_told > MOST_TOLD))
            continue;
        tell_input(&run->inputs[i], verbose);
    }
    char inputs[2 * NUMBER_BYTES];
    if (n_told > MOST_TOLD)
        message_notice("%s with something to tell; -v tells", counted(inputs, n_told - MOST_TOLD, "more file"));
}

void report_account(const struct run_account *run, bool verbose)
{
    char files[2 * NUMBER_BYTES], rows[2 * NUMBER_BYTES], bad[4 * NUMBER_BYTES], size[NUMBER_BYTES];
    char output[PATH_BYTES] = "", output_size[NUMBER_BYTES], rejected[5 * NUMBER_BYTES] = "";
    const char *verified = run->verified ? ", read back and found right," : "";
    const struct totals t = totals_of(run);
    const double seconds = run->seconds > 1e-6 ? run->seconds : 1e-6;

    tell_inputs(run, verbose);
    if (t.n_rejected > 0)
        snprintf(rejected, sizeof rejected, " stored, %s set aside",
                 bad_lines(bad, t.n_rejected, t.rejected_lines));
    if (run->output != NULL)
        snprintf(output, sizeof output, " -> %s (%s)", run->output, sized(output_size, run->output_bytes));
    message_notice("%s, %s%s, %s of text%s%s in %.2f s, %.0f MB/s", counted(files, run->n_inputs, "file"),
                   counted(rows, t.n_rows, "row"), rejected, sized(size, t.text_bytes), output, verified, run->seconds,
                   (double)t.text_bytes / 1e6 / seconds);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

/* A JSON string of any bytes: those that are not UTF-8 as \xNN. NULL gives null. */
static json_t *json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    json_t *exact = json_string(text);
    if (exact != NULL)
        return exact;
    const size_t text_bytes = strlen(text), room = 4 * text_bytes + 1;
    char *printable = malloc(room);
    if (printable == NULL)
        return NULL;
    json_t *made = json_string(message_printable(printable, room, text, text_bytes));
    free(printable);
    return made;
}

static json_t *json_count(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static json_t *json_input(const struct account *a, const char *dtype)
{
    return json_pack("{so so sI sI sI sI sI sI sI sI sI sI so so so sb sb}",
                     "path", json_text(a->path),
                     "dataset", json_text(a->dataset),
                     "rows", (json_int_t)a->n_rows,
                     "rejected", (json_int_t)a->n_rejected,
                     "missing", (json_int_t)a->n_missing,
                     "overflow", (json_int_t)a->n_overflow,
                     "lines", (json_int_t)a->n_lines,
                     "lines_before", (json_int_t)a->lines_before,
                     "lines_other", (json_int_t)other_lines(a),
                     "text_bytes", (json_int_t)a->text_bytes,
                     "file_bytes", (json_int_t)a->file_bytes,
                     "row_bytes", (json_int_t)a->row_bytes,
                     "dtype", json_text(dtype),
                     "delimiter", json_text(a->delimiter),
                     "codec", json_text(a->codec),
                     "header", (int)a->header,
                     "parsed_twice", (int)a->parsed_twice);
}

static json_t *json_totals(const struct run_account *run)
{
    const struct totals t = totals_of(run);
    return json_pack("{sI sI sI sI sI sI sI sI sI}",
                     "inputs", (json_int_t)run->n_inputs,
                     "rows", (json_int_t)t.n_rows,
                     "rejected", (json_int_t)t.n_rejected,
                     "missing", (json_int_t)t.n_missing,
                     "overflow", (json_int_t)t.n_overflow,
                     "lines", (json_int_t)t.n_lines,
                     "text_bytes", (json_int_t)t.text_bytes,
                     "file_bytes", (json_int_t)t.file_bytes,
                     "record_bytes", (json_int_t)t.record_bytes);
}

/* Print one value and drop it. Errors 0 or -1, also for the NULL of a value that could not be made. */
static int put_json(json_t *value, size_t flags)
{
    enum { SECONDS_DIGITS = 6 };
    if (value == NULL) {
        errno = ENOMEM;
        return -1;
    }
    const int result = json_dumpf(value, stdout, flags | JSON_REAL_PRECISION(SECONDS_DIGITS));
    json_decref(value);
    return result;
}

/* The inputs go out one by one: a tree of 100,000 of them would be larger than the work that is told. */
static int put_inputs(const struct run_account *run)
{
    const struct schema *schema = NULL;
    char *dtype = NULL;
    int result = 0;
    for (size_t i = 0; i < run->n_inputs && result == 0; i++) {
        const struct account *a = &run->inputs[i];
        if (a->schema != schema) {
            schema = a->schema;
            free(dtype);
            dtype = schema != NULL ? schema_dtype(schema) : NULL;
        }
        fputs(i > 0 ? ",\n  " : "\n  ", stdout);
        result = put_json(json_input(a, dtype), 0);
    }
    free(dtype);
    return result;
}

static int flush_output(void)
{
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
}

int report_json(const struct run_account *run)
{
    json_t *head = json_pack("{ss so so sf so sI sb}",
                             "version", SHMLOAD_VERSION,
                             "output", json_text(run->output),
                             "output_bytes", run->output != NULL ? json_count(run->output_bytes) : json_null(),
                             "seconds", run->seconds,
                             "kernel", json_text(run->kernel),
                             "jobs", (json_int_t)run->jobs,
                             "verified", (int)run->verified);
    fputc('{', stdout);
    if (put_json(head, JSON_EMBED) != 0)
        return -1;
    fputs(", \"inputs\": [", stdout);
    if (put_inputs(run) != 0)
        return -1;
    fputs("\n], \"totals\": ", stdout);
    if (put_json(json_totals(run), 0) != 0)
        return -1;
    fputs("}\n", stdout);
    return flush_output();
}

/* ---- dry run --------------------------------------------------------------------------------------------------- */

/*
 * Put inputs that share a schema together: group[i] is the first input with the schema of input i.
 * Few schemas are usual, and neighbours mostly share one.
 */
static size_t *group_inputs(const struct run_account *run)
{
    size_t *group = malloc((run->n_inputs + 1) * sizeof *group);
    if (group == NULL)
        return NULL;
    for (size_t i = 0; i < run->n_inputs; i++) {
        const struct schema *schema = run->inputs[i].schema;
        size_t g = i > 0 ? group[i - 1] : 0;
        if (i == 0 || schema != run->inputs[g].schema)
            for (g = 0; g < i; g++)
                if (group[g] == g &&
                    (schema == run->inputs[g].schema || schema_equal(schema, run->inputs[g].schema)))
                    break;
        group[i] = g;
    }
    return group;
}

static void print_dry_input(const struct account *a)
{
    char rows[NUMBER_BYTES], bytes[NUMBER_BYTES], path[PATH_BYTES], dataset[PATH_BYTES], odd[256];
    describe_oddities(a, odd, sizeof odd);
    printf("# %13s %17s  %-10s  %s -> /%s%s%s%s%s\n", grouped(rows, a->n_rows),
           grouped(bytes, a->n_rows * a->row_bytes), a->delimiter,
           message_printable(path, sizeof path, a->path, strlen(a->path)),
           message_printable(dataset, sizeof dataset, a->dataset, strlen(a->dataset)),
           strcmp(a->codec, "plain") != 0 ? ", " : "", strcmp(a->codec, "plain") != 0 ? a->codec : "",
           a->header ? ", header" : "", odd);
}

/* The dtype alone on its line, then the inputs that have it, from input 'first' on: comments in a file for --dtype. */
static int print_group(const struct run_account *run, const size_t *group, size_t first)
{
    char *dtype = schema_dtype(run->inputs[first].schema);
    if (dtype == NULL) {
        errno = ENOMEM;
        return -1;
    }
    printf("%s\n# %13s %17s  %-10s  %s\n", dtype, "rows", "bytes of records", "delimiter", "input -> dataset");
    free(dtype);
    for (size_t i = first; i < run->n_inputs; i++)
        if (group[i] == first)
            print_dry_input(&run->inputs[i]);
    return 0;
}

int report_dry_run(const struct run_account *run)
{
    char files[2 * NUMBER_BYTES], rows[2 * NUMBER_BYTES], bad[4 * NUMBER_BYTES] = "", size[NUMBER_BYTES],
        text_size[NUMBER_BYTES];
    const struct totals t = totals_of(run);
    size_t *group = group_inputs(run);
    int result = group != NULL ? 0 : -1;

    for (size_t i = 0; i < run->n_inputs && result == 0; i++)
        if (group[i] == i)
            result = print_group(run, group, i);
    free(group);
    if (result != 0)
        return -1;
    if (t.n_rejected > 0)
        bad_lines(bad, t.n_rejected, t.rejected_lines);
    printf("# %s, %s%s%s, %s of records from %s of text\n", counted(files, run->n_inputs, "file"),
           counted(rows, t.n_rows, "row"), t.n_rejected > 0 ? ", " : "", bad, sized(size, t.record_bytes),
           sized(text_size, t.text_bytes));
    return flush_output() == 0 || errno == EPIPE ? 0 : -1;
}
