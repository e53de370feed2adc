/*
 * test_kernel.c - every kernel against record.h, record by record, on text that is made to be difficult.
 *
 * The reference is a loop over record_parse(). Each kernel gets the same jobs and has to give the same rows, counts,
 * positions, tallies, lengths and failures. Text and rows end at pages that may not be touched, less the bytes that
 * kernel.h allows. Random, but the same in every run: KERNEL_FUZZ_SEED and KERNEL_FUZZ_ROUNDS in the environment change
 * that for a longer search.
 */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel.h"

enum { MAX_CELLS = 2048, TEXT_ROOM = 512 * 1024, ROWS_ROOM = 4 * 1024 * 1024 };

/* ---- random ---------------------------------------------------------------------------------------------------- */

static uint64_t random_state = 1;

static uint32_t below(uint32_t n)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u); /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(((z ^ (z >> 31)) >> 32) * n >> 32);
}

static bool one_in(uint32_t n)
{
    return below(n) == 0;
}

/* ---- memory that ends at a guard page -------------------------------------------------------------------------- */

struct guarded {
    unsigned char *base;
    size_t bytes;
};

static struct guarded guarded_map(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guarded g = {NULL, (bytes + page - 1) / page * page};
    unsigned char *p = mmap(NULL, g.bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(p, MAP_FAILED);
    g.base = p + page;
    assert_int_equal(mprotect(g.base, g.bytes, PROT_READ | PROT_WRITE), 0);
    memset(g.base, 0xaa, g.bytes);
    return g;
}

static struct guarded text_memory, rows_memory;

static int map_memory(void **state)
{
    (void)state;
    text_memory = guarded_map(TEXT_ROOM);
    rows_memory = guarded_map(ROWS_ROOM);
    return 0;
}

/* What is being compared, for the message. */
static const char *context, *dtype_now;
static int delimiter_now;

/* ---- schemas --------------------------------------------------------------------------------------------------- */

struct layout {
    struct schema schema;
    struct cell cells[MAX_CELLS];
    struct missing missing;
    struct missing_token tokens[4];
};

static void add_cell(struct layout *l, uint32_t column, char kind, uint32_t bytes, bool swap)
{
    struct schema *s = &l->schema;

    assert_true(s->n_cells < MAX_CELLS);
    l->cells[s->n_cells] = (struct cell){.column = column, .field = (uint32_t)s->n_cells,
                                         .offset = (uint32_t)s->row_bytes, .bytes = bytes, .kind = (uint8_t)kind,
                                         .swap = swap, .missing = &l->missing};
    s->n_cells++;
    s->row_bytes += bytes;
    if (s->n_columns <= column)
        s->n_columns = column + 1;
}

/* 'S10,i4,>f4,_,2f8': a cell per column; '_' no cell; '+i4' one more cell for the column before; 2f8 is f8,f8. */
static void layout_init(struct layout *l, const char *dtype)
{
    uint32_t column = 0;

    dtype_now = dtype;
    memset(l, 0, sizeof *l);
    l->schema.cells = l->cells;
    l->schema.exact = true;
    l->missing.tokens = l->tokens;
    while (*dtype != '\0') {
        bool more = *dtype == '+', swap = dtype[more] == '>';
        char *at;
        unsigned long n = strtoul(dtype + more + swap, &at, 10);
        char kind = *at++;
        uint32_t bytes = (uint32_t)strtoul(at, &at, 10);

        for (n += n == 0; n > 0; n--) {
            if (kind != '_')
                add_cell(l, more ? column - 1 : column, kind, bytes, swap);
            column += !more;
        }
        dtype = at + (*at == ',');
    }
    l->schema.n_columns = column;
}

static void add_missing(struct layout *l, const char *token)
{
    struct missing_token *t = &l->tokens[l->missing.n_tokens++];
    char *end;

    *t = (struct missing_token){.text = token, .bytes = (uint32_t)strlen(token)};
    t->value = strtod(token, &end);
    t->is_number = *token != '\0' && *end == '\0';
    l->missing.has_numbers |= t->is_number;
}

/* ---- the reference --------------------------------------------------------------------------------------------- */

/* kernel.h's contract in its plainest form. */
static void reference_parse(struct record *record, const struct schema *s, struct kernel_job *job)
{
    job->n_rows = job->text_used = 0;
    job->lines_used = 0;
    job->bad = (struct record_extent){0};
    memset(&job->failure, 0, sizeof job->failure);
    while (job->n_rows < job->capacity && job->text_used < job->text_bytes) {
        struct record_extent extent;
        struct failure failure;
        enum record_status status =
            record_parse(record, job->text + job->text_used, job->text_bytes - job->text_used, job->last,
                         job->rows + job->n_rows * s->row_bytes, job->longest, &job->tally, &extent, &failure);

        if (status == RECORD_MORE)
            return;
        if (status == RECORD_BAD) {
            job->bad = extent;
            job->failure = failure;
            job->failure.line_no += job->lines_used + 1;
            job->failure.byte_offset = job->text_used;
            return;
        }
        job->n_rows += status == RECORD_ROW;
        job->text_used += extent.bytes;
        job->lines_used += extent.n_lines;
    }
}

/* ---- comparing ------------------------------------------------------------------------------------------------- */


static void show(const struct kernel_job *job)
{
    print_error("%s, %s, delimiter %d, %zu bytes, last %d, capacity %zu:\n", context, dtype_now, delimiter_now,
                job->text_bytes, job->last, job->capacity);
    for (size_t i = 0; i < job->text_bytes && i < 3000; i++) {
        unsigned char c = (unsigned char)job->text[i];

        if (c == '\n')
            print_error("\\n\n");
        else if (c < ' ' || c > '~' || c == '\\')
            print_error("\\x%02x", c);
        else
            print_error("%c", c);
    }
    print_error("\n");
}

static void expect_equal(const char *what, uint64_t got, uint64_t expected, const struct kernel_job *job)
{
    if (got == expected)
        return;
    show(job);
    fail_msg("%s: %s is %llu, not %llu", context, what, (unsigned long long)got, (unsigned long long)expected);
}

static void compare_jobs(const struct kernel_job *got, const struct kernel_job *expected, const struct schema *s)
{
    const struct failure *f = &got->failure, *g = &expected->failure;

    expect_equal("failure.code", (uint64_t)f->code, (uint64_t)g->code, expected);
    expect_equal("n_rows", got->n_rows, expected->n_rows, expected);
    expect_equal("text_used", got->text_used, expected->text_used, expected);
    expect_equal("lines_used", got->lines_used, expected->lines_used, expected);
    expect_equal("n_missing", got->tally.n_missing, expected->tally.n_missing, expected);
    expect_equal("n_overflow", got->tally.n_overflow, expected->tally.n_overflow, expected);
    expect_equal("bad.bytes", got->bad.bytes, expected->bad.bytes, expected);
    expect_equal("bad.n_lines", got->bad.n_lines, expected->bad.n_lines, expected);
    expect_equal("failure.line_no", f->line_no, g->line_no, expected);
    expect_equal("failure.byte_offset", f->byte_offset, g->byte_offset, expected);
    expect_equal("failure.column_no", f->column_no, g->column_no, expected);
    expect_equal("failure.field", (uint64_t)f->field, (uint64_t)g->field, expected);
    expect_equal("failure.text", (uint64_t)memcmp(f, g, sizeof *f), 0, expected);
    for (size_t i = 0; got->longest != NULL && i < s->n_cells; i++)
        expect_equal("longest", got->longest[i], expected->longest[i], expected);
    for (size_t i = 0; i < got->n_rows * s->row_bytes; i++)
        if (got->rows[i] != expected->rows[i]) {
            show(expected);
            fail_msg("%s: row %zu differs at byte %zu: %02x, not %02x", context, i / s->row_bytes, i % s->row_bytes,
                     got->rows[i], expected->rows[i]);
        }
}

/* How text is fed: piece after piece, the unused rest again, bad records passed over. */
struct feed {
    size_t piece;    /* bytes at a time, 0: all at once */
    size_t capacity; /* rows of one call, 0: enough */
    bool front;      /* text begins at a guard page instead of ending at one */
    bool survey;     /* with 'longest' */
};

struct both {
    const struct layout *layout;
    struct record *record;
    const struct kernel_class *class;
    struct kernel *kernel;
    uint32_t *longest, *expected_longest;
    unsigned char *expected_rows;
};

/* One job, done both ways. Returns as the kernel left it. */
static struct kernel_job run_job(struct both *b, const char *text, size_t text_bytes, bool last,
                                 const struct feed *feed)
{
    const struct schema *s = &b->layout->schema;
    size_t capacity = feed->capacity ? feed->capacity : text_bytes + 1;
    size_t most = (ROWS_ROOM - KERNEL_SLACK) / s->row_bytes;
    struct kernel_job job = {.text_bytes = text_bytes, .last = last}, expected;
    unsigned char *room_end = text_memory.base + text_memory.bytes;
    char *place = (char *)(feed->front ? text_memory.base + KERNEL_PAD : room_end - KERNEL_PAD - text_bytes);

    assert_true(text_bytes + 2 * KERNEL_PAD <= text_memory.bytes);
    memcpy(place, text, text_bytes);
    job.text = place;
    job.capacity = capacity < most ? capacity : most;
    expected = job;
    expected.rows = b->expected_rows;
    expected.longest = feed->survey ? b->expected_longest : NULL;
    reference_parse(b->record, s, &expected);

    job.rows = rows_memory.base + rows_memory.bytes - KERNEL_SLACK - job.capacity * s->row_bytes;
    job.longest = feed->survey ? b->longest : NULL;
    b->class->parse(b->kernel, &job);
    compare_jobs(&job, &expected, s);
    return job;
}

static void feed_text(struct both *b, const char *text, size_t text_bytes, const struct feed *feed)
{
    size_t from = 0, to = 0;
    bool stuck = true;

    while (to < text_bytes || !stuck) {
        if (stuck)
            to = feed->piece == 0 || text_bytes - to < feed->piece ? text_bytes : to + feed->piece;
        struct kernel_job job = run_job(b, text + from, to - from, to == text_bytes, feed);

        from += job.text_used + (job.failure.code != FAILURE_NONE ? job.bad.bytes : 0);
        stuck = job.text_used == 0 && job.bad.bytes == 0;
        if (from == to)
            stuck = true;
    }
}

/* The text through all kernels that this machine has. */
static void check(const struct layout *l, const struct dialect *d, const char *text, size_t text_bytes,
                  const struct feed *feed)
{
    for (size_t i = 0; kernel_classes[i] != NULL; i++) {
        struct both b = {.layout = l, .class = kernel_classes[i]};
        size_t longest_bytes = (l->schema.n_cells + 1) * sizeof(uint32_t);

        if (!b.class->supported())
            continue;
        b.record = record_open(&l->schema, d);
        b.kernel = b.class->open(&l->schema, d);
        b.longest = calloc(1, longest_bytes);
        b.expected_longest = calloc(1, longest_bytes);
        b.expected_rows = malloc(ROWS_ROOM);
        assert_true(b.record && b.kernel && b.longest && b.expected_longest && b.expected_rows);
        context = b.class->name;
        delimiter_now = d->delimiter;
        feed_text(&b, text, text_bytes, feed);
        free(b.expected_rows);
        free(b.expected_longest);
        free(b.longest);
        b.class->close(b.kernel);
        record_close(b.record);
    }
}

/* ---- text that is made up -------------------------------------------------------------------------------------- */

struct text {
    char bytes[TEXT_ROOM - 4096];
    size_t n;
};

static struct text made;

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    int n = vsnprintf(made.bytes + made.n, sizeof made.bytes - made.n, format, list);
    va_end(list);
    assert_true(n >= 0 && made.n + (size_t)n < sizeof made.bytes);
    made.n += (size_t)n;
}

static void put_digits(unsigned n)
{
    for (; n > 0; n--)
        put("%u", below(10));
}

static void put_sign(void)
{
    if (one_in(4))
        put("%c", one_in(8) ? '+' : '-');
}

static void put_integer(uint32_t bytes)
{
    static const char *const edges[] = {
        "0",     "-0",     "127",        "128",        "-128",        "-129",       "255",        "256",
        "32767", "32768",  "-32768",     "-32769",     "65535",       "65536",      "2147483647", "2147483648",
        "007",   "-1",     "-2147483648", "-2147483649", "4294967295", "4294967296", "9223372036854775807",
        "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615",
        "18446744073709551616", "9999999999999999", "99999999999999999", "00000000000000000000012",
        "9007199254740993", "-9999", "1.0", "1e3", "-", "+", "+5", "0x10"};

    if (one_in(12)) {
        put("%s", edges[below(sizeof edges / sizeof edges[0])]);
        return;
    }
    if (one_in(4))
        put("-");
    put_digits(1 + below(bytes == 8 ? 19 : bytes == 4 ? 9 : bytes == 2 ? 4 : 2));
}

static void put_float(void)
{
    static const char *const edges[] = {
        "nan", "-NaN", "inf", "-Infinity", "1.", ".5", "-.5", ".", "-", "-.", "1e5", "1E-5", "1d3", "5.68-304",
        "1e", "1e+", "16777217", "16777219", "1.00000005960464477539", "1.000000059604644775390625",
        "1.0000000596046448", "1.17549435e-38", "1e-45", "7e-46", "3.4028236e38", "1e400", "-1e400", "1e-400", "0.1",
        "9007199254740993",
        "9007199254740991.5", "0.000000000000001", "1.2.3", "1,5", "-9999", "-9999.0", "-9999.00000000001", "1e00005",
        "123456789012345.6", "1234567890123456", "99999999999999999", "-0", "0.0", "4.35", "2.5e-3x", "1_000", "--1"};

    if (one_in(8)) {
        put("%s", edges[below(sizeof edges / sizeof edges[0])]);
        return;
    }
    put_sign();
    switch (below(6)) {
    case 0: put_digits(1 + below(5)); break;
    case 1: put_digits(1 + below(4)); put("."); put_digits(1 + below(3)); break;
    case 2: put_digits(1 + below(3)); put("."); put_digits(1 + below(14)); break;
    case 3: put_digits(1); put("."); put_digits(14 + below(8)); break;
    case 4: put_digits(1); put("."); put_digits(1 + below(17)); put("e%d", (int)below(80) - 40); break;
    default: put("%.*g", (int)(1 + below(17)), below(1000000) / (1.0 + below(1000))); break;
    }
}

/* Floats between two floats, and just beside: the double is the middle, or the middle and one digit more. */
static void put_middle(void)
{
    float low = (float)(below(1u << 24) + 1) / (float)(1u << below(20)), high;
    uint32_t bits;

    memcpy(&bits, &low, sizeof bits);
    bits++;
    memcpy(&high, &bits, sizeof bits);
    put("%.*f", (int)below(26), ((double)low + (double)high) / 2);
    if (one_in(3))
        put("%s", one_in(2) ? "1" : "0");
}

static void put_string(uint32_t bytes, const struct dialect *d)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_-.#;:/%'\xc3\xa9\xa0";
    uint32_t n = below(8) ? 1 + below(bytes) : below(bytes + 3);
    bool quoted = one_in(6);

    if (quoted)
        put("\"");
    for (; n > 0; n--) {
        if (d->delimiter >= 0 && one_in(10))
            put(" ");
        else if (quoted && one_in(12))
            put("%s", one_in(3) ? "\"\"" : one_in(2) ? "," : one_in(4) ? "\n" : " ");
        else
            put("%c", letters[below(sizeof letters - 1)]);
    }
    if (quoted)
        put("\"");
}

static void put_field(const struct cell *c, const struct dialect *d, bool wild)
{
    if (wild && one_in(10)) {
        static const char *const odd[] = {"NA", "-9999", "-9999.0", "", "x", "\"1\"", "\"\"", "\"", "a\"b", "#", "#x",
                                          "n/a"};

        put("%s", odd[below(sizeof odd / sizeof odd[0])]);
    } else if (c == NULL || c->kind == KIND_STRING) {
        put_string(c == NULL ? 6 : c->bytes, d);
    } else if (c->kind == KIND_FLOAT) {
        if (one_in(wild ? 4 : 20))
            put_middle();
        else
            put_float();
    } else {
        put_integer(c->bytes);
    }
}

static void put_separator(const struct dialect *d)
{
    if (d->delimiter >= 0) {
        if (one_in(20))
            put(" ");
        put("%c", d->delimiter);
        if (one_in(20))
            put(" ");
    } else {
        put("%s", below(4) ? " " : one_in(2) ? "\t" : one_in(8) ? "\v\f " : "   ");
    }
}

static void put_line_end(bool crlf)
{
    put("%s", one_in(300) ? "\r\r\n" : crlf != one_in(100) ? "\r\n" : "\n");
}

/* One line, mostly a record. */
static void put_line(const struct layout *l, const struct dialect *d, bool wild, bool crlf)
{
    size_t cell = 0;
    uint32_t n_columns = l->schema.n_columns;

    if (one_in(wild ? 20 : 200)) {
        static const char *const lines[] = {"", "# comment", "  ", "%% mark", " # 1 2 3 4 5 6", "\t", "// 1 2 3",
                                            "1 2 3"};

        put("%s", lines[below(sizeof lines / sizeof lines[0])]);
        put_line_end(crlf);
        return;
    }
    if (one_in(8) && d->delimiter < 0)
        put(" ");
    if (one_in(wild ? 30 : 500))
        n_columns += 1 - 2 * below(2);
    for (uint32_t c = 0; c < n_columns; c++) {
        if (c > 0)
            put_separator(d);
        while (cell < l->schema.n_cells && l->cells[cell].column < c)
            cell++;
        put_field(cell < l->schema.n_cells && l->cells[cell].column == c ? &l->cells[cell] : NULL, d, wild);
    }
    if (one_in(10) && d->delimiter < 0)
        put("  ");
    if (one_in(wild ? 20 : 300))
        put(" # note");
    if (one_in(wild ? 20 : 300))
        put("%% note");
    put_line_end(crlf);
}

/* Some bytes become others that mean something. */
static void mutate(unsigned n)
{
    static const char nasty[] = "\0\r\n\" \t,;#%-.+0a/\v";

    for (; n > 0 && made.n > 0; n--)
        made.bytes[below((uint32_t)made.n)] = nasty[below(sizeof nasty - 1)];
}

static const char *const dtypes[] = {
    "S10,i4,f4,i4,i4", "i4,i4,S6,8f8,S1,16f8", "i4", "f8", "S3", "S1,S1", "u1,u2,u4,u8,i1,i2,i4,i8",
    ">u1,>u2,>u4,>u8,>i1,>i2,>i4,>i8,>f4,>f8", "4f4", "4f8", "4i4", "_,i4,_,_,f4,_,S4", "_,_,_,S20,_,f8",
    "i4,+S8,+f8,f4,+f4", "S17,S33,S70,i2,S16", "7f4,S5", "i8,u8,i8,u8,f8", "f4,i4,f4,i4", "33f4", "i2,17_,i2,17_,f4",
    "150f8", "140i2", "S2,f4,S2,f4,S2", "i1", "16u1", "S5,_"};

static void random_dialect(struct dialect *d)
{
    static const int delimiters[] = {DELIMITER_BLANKS, DELIMITER_BLANKS, DELIMITER_BLANKS, ',', ',', '\t', ';', ' ',
                                     '|'};

    *d = (struct dialect){.delimiter = delimiters[below(sizeof delimiters / sizeof delimiters[0])]};
    if (one_in(20))
        d->delimiter = ".-5e#\v"[below(6)];
    d->hash_comment = !one_in(4);
    if (one_in(4))
        d->comments[d->n_comments++] = (struct comment_mark){"%", 1};
    if (one_in(6))
        d->comments[d->n_comments++] = (struct comment_mark){"//", 2};
    if (one_in(16))
        d->comments[d->n_comments++] = (struct comment_mark){"2x", 2};
    if (one_in(16))
        d->comments[d->n_comments++] = (struct comment_mark){"\xc3\xa9", 2};
}

static void random_case(struct layout *l, struct dialect *d)
{
    bool wild = one_in(3), crlf = one_in(4);
    size_t n_bytes = one_in(12) ? 60000 : 100 + below(3000);

    layout_init(l, dtypes[below(sizeof dtypes / sizeof dtypes[0])]);
    random_dialect(d);
    l->schema.exact = !one_in(4);
    l->missing.empty = one_in(2);
    if (one_in(2))
        add_missing(l, "NA");
    if (one_in(4))
        add_missing(l, "-9999");
    if (one_in(8))
        add_missing(l, "0.0");
    if (one_in(6)) {
        l->missing.has_fill = true;
        memset(l->missing.fill, 0x11, sizeof l->missing.fill);
    }
    made.n = 0;
    while (made.n < n_bytes)
        put_line(l, d, wild, crlf);
    if (one_in(4))
        made.n -= 1 + below(3);
    if (one_in(2))
        mutate(1 + below(one_in(4) ? 40 : 3));
}

static unsigned from_environment(const char *name, unsigned otherwise)
{
    const char *value = getenv(name);

    return value != NULL ? (unsigned)strtoul(value, NULL, 10) : otherwise;
}

/* ---- tests ----------------------------------------------------------------------------------------------------- */

static void test_fuzz(void **state)
{
    static struct layout l;
    struct dialect d;
    unsigned rounds = from_environment("KERNEL_FUZZ_ROUNDS", 1500);

    (void)state;
    random_state = from_environment("KERNEL_FUZZ_SEED", 1);
    for (unsigned round = 0; round < rounds; round++) {
        struct feed feed = {0};

        random_case(&l, &d);
        feed.front = one_in(4);
        feed.survey = one_in(3);
        if (one_in(3))
            feed.piece = 1 + below((uint32_t)made.n);
        if (one_in(3))
            feed.capacity = 1 + below(20);
        if (made.n > 10000 && feed.piece > 0)
            feed.piece += made.n / 4;
        if (made.n > 10000 && feed.capacity > 0)
            feed.capacity *= 50;
        check(&l, &d, made.bytes, made.n, &feed);
    }
}

static void test_small_pieces(void **state)
{
    static struct layout l;
    struct dialect d;

    (void)state;
    random_state = 2;
    for (size_t piece = 1; piece < 24; piece++) {
        struct feed feed = {.piece = piece};

        random_case(&l, &d);
        if (made.n > 600)
            made.n = 600;
        check(&l, &d, made.bytes, made.n, &feed);
    }
}

/* Each number alone in its line, in every type: where the fast ways end. */
static void test_hard_numbers(void **state)
{
    static const char *const types[] = {"i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", ">f8"};
    static struct layout l;
    const struct dialect blanks = {.delimiter = DELIMITER_BLANKS}, commas = {.delimiter = ','};

    (void)state;
    random_state = 3;
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        layout_init(&l, types[t]);
        made.n = 0;
        for (int i = 0; i < 1000; i++) {
            switch (below(3)) {
            case 0: put_integer(1u << below(4)); break;
            case 1: put_float(); break;
            default: put_middle(); break;
            }
            put("\n");
        }
        check(&l, &blanks, made.bytes, made.n, &(struct feed){0});
        check(&l, &commas, made.bytes, made.n, &(struct feed){0});
    }
}

/* The middle between two floats, to so many digits that it is hardly hit, or just. */
static void put_near_middle(void)
{
    float low = (float)(below(1u << 24) + 1) / (float)(1u << below(20)), high = nextafterf(low, INFINITY);
    double middle = ((double)low + (double)high) / 2;
    int n_whole = snprintf(NULL, 0, "%.0f", middle);

    put("%s%.*f", one_in(2) ? "-" : "", (int)below((uint32_t)(15 - n_whole)), middle);
}

/* All m / 10^f with few digits, and many with 15, and near the middle of floats: the quotient has to be the nearest. */
static void test_quotients(void **state)
{
    static struct layout l;
    const struct dialect d = {.delimiter = DELIMITER_BLANKS};

    (void)state;
    random_state = 4;
    for (int narrow = 0; narrow < 2; narrow++) {
        layout_init(&l, narrow ? "4f4" : "4f8");
        for (int round = 0; round < 40; round++) {
            made.n = 0;
            for (int i = 0; i < 4000; i++) {
                unsigned n_digits = 1 + below(15), n_whole = below(n_digits);

                if (one_in(4)) {
                    put_near_middle();
                } else {
                    if (n_whole > 0)
                        put_digits(n_whole);
                    put(".");
                    put_digits(n_digits - n_whole);
                }
                put("%c", i % 4 == 3 ? '\n' : ' ');
            }
            check(&l, &d, made.bytes, made.n, &(struct feed){0});
        }
    }
}

static void test_capacity(void **state)
{
    static struct layout l;
    const struct dialect d = {.delimiter = DELIMITER_BLANKS, .hash_comment = true};

    (void)state;
    layout_init(&l, "S3,i4");
    made.n = 0;
    for (int i = 0; i < 300; i++)
        put("ab %d%s\n", i, i % 7 == 0 ? "\n# c\n" : "");
    for (size_t capacity = 1; capacity < 40; capacity++)
        check(&l, &d, made.bytes, made.n, &(struct feed){.capacity = capacity});
    for (size_t capacity = 298; capacity < 303; capacity++)
        check(&l, &d, made.bytes, made.n, &(struct feed){.capacity = capacity});
}

/* Lines from short to far longer than a block, and columns by the thousand. */
static void test_long_lines(void **state)
{
    static struct layout l;
    const struct dialect blanks = {.delimiter = DELIMITER_BLANKS}, commas = {.delimiter = ','};

    (void)state;
    random_state = 5;
    layout_init(&l, "i4,S9000");
    made.n = 0;
    for (unsigned n = 1; made.n < 150000; n += n / 3 + 1) {
        put("%u ", n);
        for (unsigned i = 0; i < n; i++)
            put("x");
        put("\n7 y\n");
    }
    check(&l, &blanks, made.bytes, made.n, &(struct feed){0});

    layout_init(&l, "1000f4,_,500i2,S4,100f8");
    for (int delimited = 0; delimited < 2; delimited++) {
        made.n = 0;
        for (int line = 0; line < 16; line++)
            for (int c = 0; c < 1602; c++)
                put("%d%s%c", c % 900, c < 1000 ? ".25" : "", c == 1601 ? '\n' : delimited ? ',' : ' ');
        check(&l, delimited ? &commas : &blanks, made.bytes, made.n, &(struct feed){0});
    }
}

/* Stretches of lines that are the vectors', and of those that are not: numbers of many digits, quotes over lines. */
static void test_stretches(void **state)
{
    static struct layout l;
    const struct dialect d = {.delimiter = ','};

    (void)state;
    random_state = 6;
    layout_init(&l, "S6,f8,i4,f4");
    for (int feed = 0; feed < 4; feed++) {
        made.n = 0;
        for (int line = 0; made.n < TEXT_ROOM - 8192; line++) {
            int kind = line / 2000 % 3;

            if (kind == 0)
                put("ab,%u.5,%u,0.25\n", below(1000), below(1000));
            else if (kind == 1)
                put("ab,%u.%09u%09u,%u,1e-%u\n", below(10), below(1000000000), below(1000000000), below(1000),
                    below(40));
            else
                put("\"a%cb\",1.5,%u,0.5\n", ",\n"[below(8) == 0], below(1000));
        }
        check(&l, &d, made.bytes, made.n,
              &(struct feed){.survey = feed == 1, .piece = feed == 2 ? 70000 : 0, .capacity = feed == 3 ? 5000 : 0});
    }
}

/* Bad lines, from one here and there to nearly all of them, and then none again. */
static void test_bad_lines(void **state)
{
    static const char *const bad[] = {"x,y,z,1\n", "abc,1.5\n", "abc,1.5,99999999999,0.5\n", "abc,1.5,7,0.5,\n"};
    static const unsigned good_of_100[] = {99, 90, 50, 10, 1, 100};
    static struct layout l;
    const struct dialect d = {.delimiter = ','};

    (void)state;
    random_state = 7;
    layout_init(&l, "S6,f8,i4,f4");
    for (int feed = 0; feed < 3; feed++) {
        made.n = 0;
        for (size_t stretch = 0; stretch < sizeof good_of_100 / sizeof *good_of_100; stretch++)
            for (int line = 0; line < 1500; line++) {
                if (below(100) < good_of_100[stretch])
                    put("ab,%u.5,%u,0.25\n", below(1000), below(1000));
                else
                    put("%s", bad[below(4)]);
            }
        check(&l, &d, made.bytes, made.n,
              &(struct feed){.survey = feed == 1, .piece = feed == 2 ? 30000 : 0, .capacity = feed == 2 ? 700 : 0});
    }
}

/* What was put since 'mark' to the right of a column, spaces before it, or a tab where it may be. */
static void pad_left(size_t mark, size_t width)
{
    size_t n_bytes = made.n - mark, n_spaces = n_bytes + 1 < width ? width - n_bytes : 1;

    put("%*s", (int)n_spaces, "");
    memmove(made.bytes + mark + n_spaces, made.bytes + mark, n_bytes);
    memset(made.bytes + mark, ' ', n_spaces);
    if (one_in(200))
        made.bytes[mark + below((uint32_t)n_spaces)] = "\t\n"[one_in(8)];
}

/* Columns that end where they do in the line above, but for a cell here and there that is odd or too wide. */
static void test_padded(void **state)
{
    static const char *const padded_dtypes[] = {"i4,f4,f8,i8,f4,f4,f8,i4", "f4,i2,>f4,u4,f8,i1,S6,>i4,u8",
                                                "f8,f8,+f4,_,i4"};
    static const char *const odd[] = {
        "+5", "nan", "1e3", ".5", "-.5", "5.", "-", "-.", "--1", "1-2", "1.2.3", "1 2", "7#", "#", "-0", "-0.0", "1,5",
        "12345678", "-1234567", "123456789", "123456.7", "-12345.67", "0.000001", "-99", "-99.0", "\x80", "1/2",
        "00000000", "99999999", "16777217", "\"5\""};
    static struct layout l;
    const struct dialect d = {.delimiter = DELIMITER_BLANKS, .hash_comment = true};

    (void)state;
    random_state = 7;
    for (unsigned round = 0; round < 300; round++) {
        uint32_t widths[16];
        unsigned oddness = 5 + 20 * below(10);

        layout_init(&l, padded_dtypes[round % 3]);
        if (one_in(2))
            add_missing(&l, "-99");
        for (int c = 0; c < 16; c++)
            widths[c] = 3 + below(18);
        for (made.n = 0; made.n < 6000; put(one_in(30) ? "\r\n" : "\n"))
            for (uint32_t c = 0; c < l.schema.n_columns; c++) {
                size_t mark = made.n;
                bool whole = c < l.schema.n_cells && l.cells[c].kind != KIND_FLOAT;

                if (one_in(oddness))
                    put("%s", odd[below(sizeof odd / sizeof odd[0])]);
                else
                    put("%s%.*f", one_in(4) ? "-" : "", whole ? 0 : (int)(c % 4), below(1u << below(14)) / 100.0);
                pad_left(mark, widths[c]);
            }
        check(&l, &d, made.bytes, made.n, &(struct feed){.survey = one_in(3), .front = one_in(2),
                                                         .piece = one_in(3) ? 1 + below(3000) : 0});
    }
}

static void test_plain_dialects(void **state)
{
    static struct layout l;
    static const uint32_t widths[] = {3, 4, 2};
    const struct dialect d = {.delimiter = DELIMITER_WIDTHS, .n_widths = 3, .widths = widths};

    (void)state;
    layout_init(&l, "S3,f4,i2");
    made.n = 0;
    for (int i = 0; i < 50; i++)
        put("a%2d%4.1f%2d\n", i, i * 0.5, i);
    check(&l, &d, made.bytes, made.n, &(struct feed){0});
}

static void test_pick(void **state)
{
    (void)state;
    assert_ptr_equal(kernel_pick("scalar"), &kernel_scalar);
    assert_null(kernel_pick("abacus"));
    assert_non_null(kernel_pick(NULL));
    assert_ptr_equal(kernel_pick(""), kernel_pick(NULL));
    assert_true(kernel_pick("")->supported());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pick),        cmocka_unit_test(test_capacity),     cmocka_unit_test(test_plain_dialects),
        cmocka_unit_test(test_long_lines),  cmocka_unit_test(test_hard_numbers), cmocka_unit_test(test_quotients),
        cmocka_unit_test(test_small_pieces), cmocka_unit_test(test_stretches),   cmocka_unit_test(test_padded),
        cmocka_unit_test(test_bad_lines),   cmocka_unit_test(test_fuzz),
    };

    return cmocka_run_group_tests(tests, map_memory, NULL);
}
