/*
 * fuzz_records.c - any text to records: each kernel, whole and piece by piece, against record.h over the whole text.
 *
 * The first five bytes choose schema, delimiter, comments, missing values and the size of a piece.
 */
#include "fuzz.h"

#include <string.h>

#include "kernel.h"

enum { CHOICES = 5, MAX_BAD = 64, MAX_CELLS = 40 };

/* All that came of one text. */
struct account {
    unsigned char *rows;
    size_t n_rows, rows_bytes;
    uint64_t n_lines;
    size_t n_bad;
    struct failure bad[MAX_BAD];
    struct convert_tally tally;
    uint32_t longest[MAX_CELLS];
};

static const char *const dtypes[] = {
    "i4,f8,S6", "S10,i4,f4,i4,i4", "f8", "i8,u8,i1,u2", "S4,S4", "8f4", ">i4,>f8,>u2", "f4,(3)f4", "S20,f8", "u1",
    "16i2", "S1",
};

static const int delimiters[] = {DELIMITER_BLANKS, ',', '\t', ';', ' ', DELIMITER_WIDTHS, '-', 0x80};

static const uint32_t widths[MAX_CELLS] = {4, 3, 5, 1, 8, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};

static const struct missing_token tokens[] = {
    {.text = "NA", .bytes = 2}, {.text = "-9", .bytes = 2, .is_number = true, .value = -9}, {.text = "*", .bytes = 1},
};

static void choose_schema(struct schema *s, struct missing *missing, uint8_t type_choice, uint8_t missing_choice)
{
    const char *text = dtypes[type_choice % (sizeof dtypes / sizeof *dtypes)];
    char error[SCHEMA_ERROR], spelled[SCHEMA_ERROR];

    if (*text >= '1' && *text <= '9') /* 8f4: an array member of so many */
        snprintf(spelled, sizeof spelled, "(%d)%s", atoi(text), strpbrk(text, "fiu"));
    else
        snprintf(spelled, sizeof spelled, "%s", text);
    EXPECT(schema_parse(s, spelled, error) == 0);
    EXPECT(schema_bind(s, NULL, 0, 0, error) == 0);
    EXPECT(s->n_cells <= MAX_CELLS);
    s->exact = !(missing_choice & 8);
    *missing = (struct missing){.n_tokens = missing_choice % 4, .tokens = tokens, .empty = missing_choice & 4,
                                .has_numbers = missing_choice % 4 > 1, .has_fill = missing_choice & 16};
    memset(missing->fill, 0x11, sizeof missing->fill);
    for (size_t i = 0; i < s->n_cells; i++)
        s->cells[i].missing = missing;
}

static void choose_dialect(struct dialect *d, const struct schema *s, uint8_t delimiter, uint8_t comments)
{
    *d = (struct dialect){.delimiter = delimiters[delimiter % (sizeof delimiters / sizeof *delimiters)],
                          .hash_comment = comments & 1, .n_widths = s->n_columns, .widths = widths};
    if (comments & 2)
        d->comments[d->n_comments++] = (struct comment_mark){"%", 1};
    if (comments & 4)
        d->comments[d->n_comments++] = (struct comment_mark){"//", 2};
}

static void add_bad(struct account *a, const struct failure *failure, uint64_t line_no, uint64_t byte_offset)
{
    if (a->n_bad < MAX_BAD) {
        a->bad[a->n_bad] = *failure;
        a->bad[a->n_bad].line_no = line_no;
        a->bad[a->n_bad].byte_offset = byte_offset;
    }
    a->n_bad++;
}

static void account_init(struct account *a, const struct schema *s, size_t text_bytes)
{
    memset(a, 0, sizeof *a);
    a->rows_bytes = (text_bytes + 2) * s->row_bytes;
    a->rows = exactly(a->rows_bytes);
}

/* Record by record over the whole text: what is right. */
static void read_plainly(struct account *a, const struct schema *s, const struct dialect *d, const char *text,
                         size_t text_bytes)
{
    struct record *record = record_open(s, d);
    size_t at = 0;

    EXPECT(record != NULL);
    account_init(a, s, text_bytes);
    while (at < text_bytes) {
        struct record_extent extent;
        struct failure failure;
        enum record_status status = record_parse(record, text + at, text_bytes - at, true,
                                                 a->rows + a->n_rows * s->row_bytes, a->longest, &a->tally, &extent,
                                                 &failure);

        EXPECT(status != RECORD_MORE && extent.bytes > 0 && extent.bytes <= text_bytes - at);
        if (status == RECORD_BAD)
            add_bad(a, &failure, a->n_lines + failure.line_no + 1, at);
        a->n_rows += status == RECORD_ROW;
        a->n_lines += extent.n_lines;
        at += extent.bytes;
    }
    record_close(record);
}

/* One call of a kernel, its text and rows in blocks that end where kernel.h says; 'at' moves behind what was used. */
static bool run_kernel(struct account *a, const struct schema *s, const struct kernel_class *class, struct kernel *k,
                       const char *text, size_t *at, size_t to, bool last, size_t capacity)
{
    size_t bytes = to - *at;
    char *block = exactly(bytes + 2 * KERNEL_PAD);
    struct kernel_job job = {.text = block + KERNEL_PAD, .text_bytes = bytes, .last = last, .capacity = capacity,
                             .rows = exactly(capacity * s->row_bytes + KERNEL_SLACK), .longest = a->longest};
    bool moved;

    memset(block, '7', KERNEL_PAD);
    memcpy(block + KERNEL_PAD, text + *at, bytes);
    memset(block + KERNEL_PAD + bytes, '7', KERNEL_PAD);
    class->parse(k, &job);
    EXPECT(job.n_rows <= capacity && job.text_used <= bytes);
    EXPECT((a->n_rows + job.n_rows) * s->row_bytes <= a->rows_bytes);
    memcpy(a->rows + a->n_rows * s->row_bytes, job.rows, job.n_rows * s->row_bytes);
    a->n_rows += job.n_rows;
    a->tally.n_missing += job.tally.n_missing;
    a->tally.n_overflow += job.tally.n_overflow;
    if (job.failure.code != FAILURE_NONE) {
        add_bad(a, &job.failure, a->n_lines + job.failure.line_no, *at + job.text_used);
        EXPECT(job.bad.bytes > 0);
    } else {
        EXPECT(job.bad.bytes == 0 || job.n_rows == capacity);
        job.bad = (struct record_extent){0};
    }
    a->n_lines += job.lines_used + job.bad.n_lines;
    *at += job.text_used + job.bad.bytes;
    moved = job.text_used + job.bad.bytes > 0;
    free(job.rows);
    free(block);
    return moved;
}

/* piece: bytes that come into sight at a time. */
static void read_by_kernel(struct account *a, const struct schema *s, const struct kernel_class *class,
                           struct kernel *k, const char *text, size_t text_bytes, size_t piece, size_t capacity)
{
    size_t at = 0, to = 0;

    account_init(a, s, text_bytes);
    while (at < text_bytes) {
        if (at == to || !run_kernel(a, s, class, k, text, &at, to, to == text_bytes, capacity)) {
            EXPECT(to < text_bytes);
            to = piece < text_bytes - to ? to + piece : text_bytes;
        }
    }
}

static void expect_same(const struct account *a, const struct account *b, const struct schema *s)
{
    EXPECT(a->n_rows == b->n_rows);
    EXPECT(memcmp(a->rows, b->rows, a->n_rows * s->row_bytes) == 0);
    EXPECT(a->n_lines == b->n_lines);
    EXPECT(a->n_bad == b->n_bad);
    EXPECT(memcmp(a->bad, b->bad, sizeof a->bad) == 0);
    EXPECT(memcmp(&a->tally, &b->tally, sizeof a->tally) == 0);
    EXPECT(memcmp(a->longest, b->longest, sizeof a->longest) == 0);
}

static void check_kernel(const struct account *right, const struct schema *s, const struct dialect *d,
                         const struct kernel_class *class, const char *text, size_t text_bytes, uint8_t choice)
{
    struct kernel *k = class->open(s, d);
    static struct account got;

    EXPECT(k != NULL);
    read_by_kernel(&got, s, class, k, text, text_bytes, SIZE_MAX, text_bytes + 1);
    expect_same(&got, right, s);
    free(got.rows);
    read_by_kernel(&got, s, class, k, text, text_bytes, choice + 1u, choice % 7 + 1u);
    expect_same(&got, right, s);
    free(got.rows);
    class->close(k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct account right;
    struct schema schema;
    struct missing missing;
    struct dialect dialect;
    const char *text = (const char *)data + CHOICES;

    if (size < CHOICES)
        return 0;
    choose_schema(&schema, &missing, data[0], data[3]);
    choose_dialect(&dialect, &schema, data[1], data[2]);
    read_plainly(&right, &schema, &dialect, text, size - CHOICES);
    for (size_t i = 0; kernel_classes[i] != NULL; i++)
        if (kernel_classes[i]->supported())
            check_kernel(&right, &schema, &dialect, kernel_classes[i], text, size - CHOICES, data[4]);
    free(right.rows);
    schema_release(&schema);
    return 0;
}
