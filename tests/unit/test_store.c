/*
 * test_store.c - the output file and what is in it, read back by HDF5 and byte by byte.
 *
 * Everything happens in one temporary directory that must be empty again after each test.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output_file.h"
#include "store.h"

enum { ROW_BYTES = 30, PAGE_BYTES = 4096, CHUNK_ROWS = 64, N_FIELDS = 5 };

static char work_directory[64];
static uint64_t file_bytes;
static char error[STORE_ERROR];

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Expect success, or print the sentence. */
#define works(call)                            \
    do {                                       \
        error[0] = '\0';                       \
        if ((call) != 0)                       \
            fail_msg("%s: %s", #call, error);  \
    } while (0)

/* Expect failure with 'words' in the sentence. */
#define refuses(call, words)                                                \
    do {                                                                    \
        error[0] = '\0';                                                    \
        if ((call) == 0)                                                    \
            fail_msg("%s: has worked", #call);                              \
        if (strstr(error, words) == NULL)                                   \
            fail_msg("%s: '%s' does not say '%s'", #call, error, words);    \
        assert_null(strchr(error, '\n'));                                   \
    } while (0)

/* --- the schema of most tests --- */

static char name_chr[] = "chr", name_pos[] = "pos", name_xy[] = "xy", name_big[] = "big", name_tiny[] = "tiny";

static struct field fields[N_FIELDS] = {
    {.name = name_chr, .kind = KIND_STRING, .elem_bytes = 11, .n_elems = 1, .offset = 0},
    {.name = name_pos, .kind = KIND_INT, .elem_bytes = 4, .n_elems = 1, .offset = 11},
    {.name = name_xy, .kind = KIND_FLOAT, .elem_bytes = 4, .n_dims = 1, .dims = {2}, .n_elems = 2, .offset = 15},
    {.name = name_big, .kind = KIND_UINT, .elem_bytes = 4, .n_elems = 1, .big_endian = true, .offset = 23},
    {.name = name_tiny, .kind = KIND_INT, .elem_bytes = 1, .n_elems = 3, .n_dims = 2, .dims = {1, 3}, .offset = 27},
};

static struct schema schema = {.n_fields = N_FIELDS, .fields = fields, .row_bytes = ROW_BYTES};

static const struct store_attribute attributes[] = {
    {.name = "source", .type = ATTRIBUTE_TEXT, .text = "data/\xc3\xa4.txt"},
    {.name = "note", .type = ATTRIBUTE_TEXT, .text = ""},
    {.name = "latin", .type = ATTRIBUTE_TEXT, .text = "\xe4\xf6"},
    {.name = "rows", .type = ATTRIBUTE_COUNT, .count = UINT64_MAX},
    {.name = "missing_value", .type = ATTRIBUTE_NUMBER, .number = -9999.5},
};

/* Rows whose every byte tells its place. Owner the caller. */
static unsigned char *make_rows(size_t n_rows, unsigned seed)
{
    unsigned char *rows = malloc(n_rows * ROW_BYTES + 1);

    assert_non_null(rows);
    for (size_t i = 0; i < n_rows * ROW_BYTES; i++)
        rows[i] = (unsigned char)(1 + (i * 7 + i / 251 + seed * 31) % 255);
    return rows;
}

static struct store_dataset dataset_at(const char *path, enum store_layout layout, bool pieces)
{
    return (struct store_dataset){.path = path,
                                  .schema = &schema,
                                  .layout = layout,
                                  .chunk_rows = CHUNK_ROWS,
                                  .pieces = pieces,
                                  .n_attributes = COUNT(attributes),
                                  .attributes = attributes};
}

/* A dataset of make_rows(n_rows, seed), at most call_rows in a call. */
static void put(struct store *s, const struct store_dataset *d, size_t n_rows, unsigned seed, size_t call_rows)
{
    unsigned char *rows = make_rows(n_rows, seed);

    works(store_begin(s, d, error));
    for (size_t row = 0; row < n_rows; row += call_rows)
        works(store_rows(s, rows + row * ROW_BYTES, n_rows - row < call_rows ? n_rows - row : call_rows, error));
    works(store_end(s, attributes, COUNT(attributes), error));
    free(rows);
}

/* --- files --- */

static size_t count_entries(void)
{
    DIR *directory = opendir(".");
    size_t n = 0;

    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(directory);
    return n;
}

/* Owner the caller. */
static unsigned char *read_file(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    unsigned char *data;
    struct stat st;

    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    *bytes = (size_t)st.st_size;
    data = malloc(*bytes + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *bytes, f), *bytes);
    (void)fclose(f);
    return data;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static void assert_same_file(const char *a, const char *b)
{
    size_t a_bytes, b_bytes;
    unsigned char *a_data = read_file(a, &a_bytes);
    unsigned char *b_data = read_file(b, &b_bytes);

    assert_int_equal(a_bytes, b_bytes);
    assert_memory_equal(a_data, b_data, a_bytes);
    free(a_data);
    free(b_data);
}

static void remove_files(size_t n, const char *const *paths)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(unlink(paths[i]), 0);
    assert_int_equal(count_entries(), 0);
}

#define expect_only(...) remove_files(COUNT(((const char *[]){__VA_ARGS__})), (const char *const[]){__VA_ARGS__})

/* --- reading back --- */

static hsize_t rows_of(hid_t dataset)
{
    hid_t space = H5Dget_space(dataset);
    hssize_t n = H5Sget_simple_extent_npoints(space);

    assert_true(n >= 0);
    (void)H5Sclose(space);
    return (hsize_t)n;
}

/* Expect make_rows(n_rows, seed) under 'path', through HDF5 and, where contiguous, at the offset it tells. */
static void expect_rows(const char *file, const char *path, size_t n_rows, unsigned seed)
{
    hid_t h5 = H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(h5, path, H5P_DEFAULT);
    hid_t type = H5Dget_type(dataset);
    unsigned char *wanted = make_rows(n_rows, seed);
    unsigned char *rows = malloc(n_rows * ROW_BYTES + 1);
    haddr_t offset = H5Dget_offset(dataset);
    int fd = open(file, O_RDONLY);

    assert_non_null(rows);
    assert_int_equal(rows_of(dataset), n_rows);
    assert_int_equal(H5Tget_size(type), ROW_BYTES);
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows) >= 0);
    assert_memory_equal(rows, wanted, n_rows * ROW_BYTES);
    if (offset != HADDR_UNDEF) {
        if (n_rows * ROW_BYTES >= PAGE_BYTES)
            assert_int_equal(offset % PAGE_BYTES, 0);
        assert_int_equal(pread(fd, rows, n_rows * ROW_BYTES, (off_t)offset), (ssize_t)(n_rows * ROW_BYTES));
        assert_memory_equal(rows, wanted, n_rows * ROW_BYTES);
    }
    (void)close(fd);
    free(rows);
    free(wanted);
    (void)H5Tclose(type);
    (void)H5Dclose(dataset);
    (void)H5Fclose(h5);
}

static void expect_text(hid_t object, const char *name, const char *wanted, H5T_cset_t charset)
{
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute);
    char *text = malloc(H5Tget_size(type));

    assert_non_null(text);
    assert_int_equal(H5Tget_size(type), strlen(wanted) + 1);
    assert_int_equal(H5Tget_strpad(type), H5T_STR_NULLTERM);
    assert_int_equal(H5Tget_cset(type), charset);
    assert_true(H5Aread(attribute, type, text) >= 0);
    assert_string_equal(text, wanted);
    free(text);
    (void)H5Tclose(type);
    (void)H5Aclose(attribute);
}

static void expect_number(hid_t object, const char *name, hid_t type, const void *wanted)
{
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t stored = H5Aget_type(attribute);
    unsigned char value[8];

    assert_true(H5Tequal(stored, type) > 0);
    assert_true(H5Aread(attribute, type, value) >= 0);
    assert_memory_equal(value, wanted, sizeof value);
    (void)H5Tclose(stored);
    (void)H5Aclose(attribute);
}

/* --- rows --- */

static void whole_datasets(void **state)
{
    static const size_t sizes[] = {0, 1, 4, 137, 1000, 70000};
    char path[32];
    struct store *s;

    (void)state;
    works(store_create(&s, "a.h5", false, 1, error));
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct store_dataset d = dataset_at(path, STORE_CONTIGUOUS, false);

        (void)snprintf(path, sizeof path, "g%zu/h/d%zu", i % 2, i);
        put(s, &d, sizes[i], (unsigned)i, SIZE_MAX);
    }
    assert_int_equal(store_bytes(s), 71142 * ROW_BYTES);
    works(store_commit(s, &file_bytes, error));
    for (size_t i = 0; i < COUNT(sizes); i++) {
        (void)snprintf(path, sizeof path, "g%zu/h/d%zu", i % 2, i);
        expect_rows("a.h5", path, sizes[i], (unsigned)i);
    }
    expect_only("a.h5");
}

/* Some of every way, in calls of 'call_rows' where that is free. */
static void store_mixture(const char *output, size_t call_rows)
{
    static const size_t sizes[] = {3000, 0, 1, 63, 64, 65, 640, 5000, 20, 137};
    struct store *s;
    char path[32];

    works(store_create(&s, output, false, 1, error));
    for (size_t i = 0; i < 90; i++) {
        enum store_layout layout = i % 3 == 2 ? STORE_CHUNKED : STORE_CONTIGUOUS;
        struct store_dataset d = dataset_at(path, layout, i % 3 == 1);

        (void)snprintf(path, sizeof path, "%s%zu", i % 7 == 3 ? "group/" : "", i);
        put(s, &d, sizes[i % COUNT(sizes)], (unsigned)i, i % 3 == 0 ? SIZE_MAX : call_rows);
    }
    works(store_commit(s, &file_bytes, error));
    for (size_t i = 0; i < 90; i++) {
        (void)snprintf(path, sizeof path, "%s%zu", i % 7 == 3 ? "group/" : "", i);
        expect_rows(output, path, sizes[i % COUNT(sizes)], (unsigned)i);
    }
}

static void cuts_leave_no_trace(void **state)
{
    static const size_t calls[] = {SIZE_MAX, 1, 2, 31, 63, 64, 65, 127, 128, 1000};

    (void)state;
    store_mixture("a.h5", SIZE_MAX);
    for (size_t i = 0; i < COUNT(calls); i++) {
        store_mixture("b.h5", calls[i]);
        assert_same_file("a.h5", "b.h5");
        assert_int_equal(unlink("b.h5"), 0);
    }
    expect_only("a.h5");
}

/* True when the first row stands at 'offset' of the temporary. */
static bool row_is_at(const struct store *s, off_t offset, unsigned seed)
{
    unsigned char row[ROW_BYTES] = {0};
    unsigned char *wanted = make_rows(1, seed);
    int fd = open(store_temporary(s), O_RDONLY);
    bool same;

    assert_true(fd >= 0);
    same = pread(fd, row, sizeof row, offset) == sizeof row && memcmp(row, wanted, sizeof row) == 0;
    (void)close(fd);
    free(wanted);
    return same;
}

static off_t offset_of(const char *file, const char *path)
{
    hid_t h5 = H5Fopen(file, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(h5, path, H5P_DEFAULT);
    haddr_t offset = H5Dget_offset(dataset);

    assert_true(offset != HADDR_UNDEF);
    (void)H5Dclose(dataset);
    (void)H5Fclose(h5);
    return (off_t)offset;
}

/* The page of the temporary where a dataset in pieces was put, before the dataset exists. */
static off_t find_row(const struct store *s, unsigned seed)
{
    for (off_t offset = 0; offset < 64 * PAGE_BYTES; offset += PAGE_BYTES)
        if (row_is_at(s, offset, seed))
            return offset;
    fail_msg("the rows are nowhere");
    return -1;
}

/* One dataset in pieces; with 'disturbed', metadata come between it and its place. Gives how far it was moved. */
static off_t move_of(bool disturbed)
{
    enum { N_ROWS = 400000 };
    static char long_text[50000];
    struct store_attribute disturbance = {.name = "long", .type = ATTRIBUTE_TEXT, .text = long_text};
    struct store_dataset d = dataset_at("d", STORE_CONTIGUOUS, true);
    unsigned char *rows = make_rows(N_ROWS, 3);
    struct store *s;
    off_t predicted;

    memset(long_text, 'x', sizeof long_text - 1);
    works(store_create(&s, "a.h5", false, 1, error));
    works(store_begin(s, &d, error));
    works(store_rows(s, rows, N_ROWS / 2, error));
    predicted = find_row(s, 3);
    if (disturbed)
        works(store_root_attribute(s, &disturbance, error));
    works(store_rows(s, rows + N_ROWS / 2 * ROW_BYTES, N_ROWS / 2, error));
    works(store_end(s, attributes, COUNT(attributes), error));
    d.path = "after";
    put(s, &d, 1000, 4, 100);
    works(store_commit(s, &file_bytes, error));
    expect_rows("a.h5", "d", N_ROWS, 3);
    expect_rows("a.h5", "after", 1000, 4);
    predicted = offset_of("a.h5", "d") - predicted;
    free(rows);
    expect_only("a.h5");
    return predicted;
}

static void pieces_stay_where_they_are(void **state)
{
    (void)state;
    assert_int_equal(move_of(false), 0);
}

static void pieces_are_moved_where_they_must(void **state)
{
    (void)state;
    assert_true(move_of(true) > 0);
}

static void moves_overlap_safely(void **state)
{
    enum { BYTES = 9 << 20 };
    static const off_t shifts[] = {0, 1, -1, 4096, -4096, 5 << 20, -(5 << 20), 20 << 20};
    unsigned char *data = make_rows(BYTES / ROW_BYTES + 1, 5);
    unsigned char *back = malloc(BYTES);

    (void)state;
    assert_non_null(back);
    for (size_t i = 0; i < COUNT(shifts); i++) {
        struct output_file f;
        off_t from = 6 << 20;

        works(output_file_open(&f, "a", false, error));
        assert_int_equal(output_file_write(&f, data, BYTES, from), 0);
        assert_int_equal(output_file_move(&f, from, from + shifts[i], BYTES), 0);
        assert_int_equal(pread(f.fd, back, BYTES, from + shifts[i]), BYTES);
        assert_memory_equal(back, data, BYTES);
        output_file_discard(&f);
        assert_int_equal(count_entries(), 0);
    }
    free(back);
    free(data);
}

/* Room for rows, small and large, in the places that they would have had, and the rows by another process's hand. */
static void reserved_rows_are_put_by_others(void **state)
{
    static const char *const files[] = {"written.h5", "reserved.h5"};
    uint64_t bytes;

    (void)state;
    for (int reserved = 0; reserved < 2; reserved++) {
        struct store *s;

        works(store_create(&s, files[reserved], false, 1, error));
        for (unsigned i = 0; i < 4; i++) {
            const char *const path = (const char *const[]){"a", "g/b", "g/c", "d"}[i];
            struct store_dataset d = dataset_at(path, STORE_CONTIGUOUS, i % 2 == 1);
            size_t n_rows = i < 2 ? 7 : 5000;

            d.reserved = reserved;
            if (!reserved) {
                put(s, &d, n_rows, i, n_rows);
                continue;
            }
            works(store_begin(s, &d, error));
            works(store_reserve(s, n_rows, error));
            works(store_end(s, attributes, COUNT(attributes), error));
        }
        works(store_hand_over(s, error));
        for (unsigned i = 0; reserved && i < 4; i++) {
            off_t at = offset_of(store_temporary(s), (const char *const[]){"a", "g/b", "g/c", "d"}[i]);
            size_t n_bytes = (i < 2 ? 7 : 5000) * ROW_BYTES;
            unsigned char *rows = make_rows(n_bytes / ROW_BYTES, i);
            int fd = open(store_temporary(s), O_WRONLY);

            assert_int_equal(pwrite(fd, rows, n_bytes, at), (ssize_t)n_bytes);
            assert_int_equal(close(fd), 0);
            free(rows);
        }
        works(store_commit(s, &bytes, error));
    }
    assert_same_file(files[0], files[1]);
    remove_files(COUNT(files), files);
}

/* --- types and attributes --- */

static void expect_types(hid_t type)
{
    hid_t xy = H5Tget_member_type(type, 2), big = H5Tget_member_type(type, 3), chr = H5Tget_member_type(type, 0);
    hsize_t n;

    for (unsigned i = 0; i < N_FIELDS; i++) {
        char *name = H5Tget_member_name(type, i);

        assert_string_equal(name, fields[i].name);
        assert_int_equal(H5Tget_member_offset(type, i), fields[i].offset);
        (void)H5free_memory(name);
    }
    assert_int_equal(H5Tget_strpad(chr), H5T_STR_NULLPAD);
    assert_int_equal(H5Tget_size(chr), 11);
    assert_int_equal(H5Tget_array_dims2(xy, &n), 1);
    assert_int_equal(n, 2);
    assert_true(H5Tequal(big, H5T_STD_U32BE) > 0);
    (void)H5Tclose(xy);
    (void)H5Tclose(big);
    (void)H5Tclose(chr);
}

static void table_and_given_attributes(void **state)
{
    static const bool in_pieces[] = {false, true};
    struct store_attribute program = {.name = "program", .type = ATTRIBUTE_TEXT, .text = "shmload"};
    uint64_t most = UINT64_MAX;
    int64_t n_rows = 50;
    double missing = -9999.5;

    (void)state;
    for (size_t i = 0; i < COUNT(in_pieces); i++) {
        struct store_dataset d = dataset_at("d", STORE_CONTIGUOUS, in_pieces[i]);
        struct store *s;
        hid_t h5, dataset, type;

        works(store_create(&s, "a.h5", false, 1, error));
        works(store_root_attribute(s, &program, error));
        put(s, &d, 50, 1, SIZE_MAX);
        works(store_commit(s, &file_bytes, error));
        h5 = H5Fopen("a.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
        dataset = H5Dopen2(h5, "d", H5P_DEFAULT);
        type = H5Dget_type(dataset);
        expect_types(type);
        expect_text(h5, "program", "shmload", H5T_CSET_UTF8);
        expect_text(dataset, "CLASS", "TABLE", H5T_CSET_UTF8);
        expect_text(dataset, "VERSION", "3.0", H5T_CSET_UTF8);
        expect_text(dataset, "TITLE", "", H5T_CSET_UTF8);
        expect_text(dataset, "FIELD_4_NAME", "tiny", H5T_CSET_UTF8);
        expect_text(dataset, "source", attributes[0].text, H5T_CSET_UTF8);
        expect_text(dataset, "note", "", H5T_CSET_UTF8);
        expect_text(dataset, "latin", attributes[2].text, H5T_CSET_ASCII);
        expect_number(dataset, "NROWS", H5T_STD_I64LE, &n_rows);
        expect_number(dataset, "rows", H5T_STD_U64LE, &most);
        expect_number(dataset, "missing_value", H5T_IEEE_F64LE, &missing);
        (void)H5Tclose(type);
        (void)H5Dclose(dataset);
        (void)H5Fclose(h5);
        expect_only("a.h5");
    }
}

/* The same struct with other contents is another schema. */
static void schemas_are_told_by_contents(void **state)
{
    struct store_dataset d = dataset_at("first", STORE_CONTIGUOUS, false);
    struct store *s;
    hid_t h5, dataset, type;
    char *name;

    (void)state;
    works(store_create(&s, "a.h5", false, 1, error));
    put(s, &d, 10, 1, SIZE_MAX);
    fields[1].name = name_tiny;
    fields[4].name = name_pos;
    d.path = "second";
    put(s, &d, 10, 2, SIZE_MAX);
    fields[1].name = name_pos;
    fields[4].name = name_tiny;
    works(store_commit(s, &file_bytes, error));
    h5 = H5Fopen("a.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
    dataset = H5Dopen2(h5, "second", H5P_DEFAULT);
    type = H5Dget_type(dataset);
    name = H5Tget_member_name(type, 1);
    assert_string_equal(name, "tiny");
    (void)H5free_memory(name);
    (void)H5Tclose(type);
    (void)H5Dclose(dataset);
    (void)H5Fclose(h5);
    expect_only("a.h5");
}

/* A schema of n 8-byte floats f0, f1, ... */
static struct schema wide_schema(size_t n)
{
    struct schema wide = {.n_fields = n, .row_bytes = 8 * n, .fields = calloc(n, sizeof *wide.fields)};

    assert_non_null(wide.fields);
    for (size_t i = 0; i < n; i++) {
        wide.fields[i] = (struct field){.kind = KIND_FLOAT, .elem_bytes = 8, .n_elems = 1, .offset = 8 * i};
        assert_true(asprintf(&wide.fields[i].name, "f%zu", i) > 0);
    }
    return wide;
}

static void free_wide(struct schema *wide)
{
    for (size_t i = 0; i < wide->n_fields; i++)
        free(wide->fields[i].name);
    free(wide->fields);
}

static void wide_records(void **state)
{
    static const size_t widths[] = {300, 1092, 1093, 2300};

    (void)state;
    for (size_t i = 0; i < COUNT(widths); i++) {
        struct schema wide = wide_schema(widths[i]);
        struct store_dataset d = dataset_at("wide", STORE_CONTIGUOUS, i % 2 == 1);
        struct store_dataset narrow = dataset_at("narrow", STORE_CONTIGUOUS, false);
        unsigned char *rows = calloc(100, wide.row_bytes);
        struct store *s;

        assert_non_null(rows);
        d.schema = &wide;
        works(store_check_schema(&wide, error));
        works(store_create(&s, "a.h5", false, 1, error));
        works(store_begin(s, &d, error));
        works(store_rows(s, rows, 100, error));
        works(store_end(s, attributes, COUNT(attributes), error));
        put(s, &narrow, 500, 1, SIZE_MAX);
        works(store_commit(s, &file_bytes, error));
        expect_rows("a.h5", "narrow", 500, 1);
        expect_only("a.h5");
        free(rows);
        free_wide(&wide);
    }
}

static void schemas_that_cannot_be(void **state)
{
    struct schema wide = wide_schema(3000);

    (void)state;
    refuses(store_check_schema(&wide, error), "a record of 3000 fields is too wide for HDF5");
    refuses(store_check_schema(&wide, error), "--usecols");
    free_wide(&wide);
    fields[3].name = name_pos;
    refuses(store_check_schema(&schema, error), "field 4 ('pos') cannot be stored");
    fields[3].name = name_big;
    works(store_check_schema(&schema, error));
}

static void two_of_one_name(void **state)
{
    struct store_dataset d = dataset_at("d", STORE_CONTIGUOUS, false);
    unsigned char *rows = make_rows(10, 1);
    struct store *s;

    (void)state;
    works(store_create(&s, "a.h5", false, 1, error));
    put(s, &d, 10, 1, SIZE_MAX);
    works(store_begin(s, &d, error));
    refuses(store_rows(s, rows, 10, error), "a.h5: cannot create dataset 'd'");
    store_discard(s);
    free(rows);
    assert_int_equal(count_entries(), 0);
}

/* --- names --- */

/* A small complete output. Errors as store_commit() */
static int store_small(const char *output, bool force)
{
    struct store_dataset d = dataset_at("d", STORE_CONTIGUOUS, false);
    struct store *s;

    if (store_create(&s, output, force, 1, error) != 0)
        return -1;
    put(s, &d, 10, 1, SIZE_MAX);
    return store_commit(s, &file_bytes, error);
}

static void existing_outputs(void **state)
{
    struct stat st;

    (void)state;
    write_file("a.h5", "old", 0640);
    refuses(store_small("a.h5", false), "a.h5: exists");
    works(store_small("a.h5", true));
    expect_rows("a.h5", "d", 10, 1);
    assert_int_equal(stat("a.h5", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(chmod("a.h5", 0400), 0);
    works(store_small("a.h5", true));
    assert_int_equal(stat("a.h5", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0400);
    expect_only("a.h5");
}

static void new_outputs_follow_umask(void **state)
{
    mode_t before = umask(027);
    struct stat st;

    (void)state;
    works(store_small("a.h5", false));
    (void)umask(before);
    assert_int_equal(stat("a.h5", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    expect_only("a.h5");
}

static void names_that_cannot_be_outputs(void **state)
{
    (void)state;
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    for (int force = 0; force < 2; force++) {
        refuses(store_small("/dev/null", force), "/dev/null: is not a regular file");
        refuses(store_small("fifo", force), "fifo: is not a regular file");
        refuses(store_small("dir", force), "dir: is a directory");
        refuses(store_small("new/", force), "new/: is a directory");
        refuses(store_small("", force), "needs a name");
        refuses(store_small("no/a.h5", force), "no/a.h5: cannot create: No such file or directory");
        refuses(store_small("loop", force), "loop: cannot create: Too many levels");
    }
    assert_int_equal(rmdir("dir"), 0);
    expect_only("fifo", "loop");
}

static void links_are_written_through(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_int_equal(symlink("dir/b", "a.h5"), 0);
    assert_int_equal(symlink("c.h5", "dir/b"), 0);
    works(store_small("a.h5", false));
    expect_rows("dir/c.h5", "d", 10, 1);
    refuses(store_small("a.h5", false), "a.h5: exists");
    works(store_small("a.h5", true));
    assert_int_equal(lstat("a.h5", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(unlink("dir/b"), 0);
    assert_int_equal(unlink("dir/c.h5"), 0);
    assert_int_equal(rmdir("dir"), 0);
    expect_only("a.h5");
}

static void an_output_that_appears_meanwhile(void **state)
{
    size_t bytes;
    unsigned char *text;
    struct store *s;

    (void)state;
    works(store_create(&s, "a.h5", false, 1, error));
    write_file("a.h5", "mine", 0600);
    refuses(store_commit(s, &file_bytes, error), "a.h5: has appeared meanwhile");
    text = read_file("a.h5", &bytes);
    assert_int_equal(bytes, 4);
    free(text);
    expect_only("a.h5");
}

static void long_names(void **state)
{
    char name[256];

    (void)state;
    memset(name, 'n', 255);
    name[255] = '\0';
    works(store_small(name, false));
    expect_rows(name, "d", 10, 1);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(count_entries(), 0);
}

static void dead_temporaries_go_and_live_ones_stay(void **state)
{
    struct store *live;
    struct stat st;

    (void)state;
    works(store_create(&live, "a.h5", false, 1, error));
    write_file(".a.h5.shmload-123456789.tmp", "dead", 0600);
    write_file(".a.h5.shmload-123456789-1.tmp", "dead", 0600);
    write_file(".b.h5.shmload-1.tmp", "another output's", 0600);
    write_file(".a.h5.shmload-x.tmp", "no temporary", 0600);
    works(store_small("a.h5", false));
    assert_int_equal(stat(store_temporary(live), &st), 0);
    assert_int_equal(count_entries(), 4);
    store_discard(live);
    expect_only("a.h5", ".b.h5.shmload-1.tmp", ".a.h5.shmload-x.tmp");
}

static void discard(void **state)
{
    struct store_dataset d = dataset_at("d", STORE_CHUNKED, false);
    unsigned char *rows = make_rows(100, 1);
    struct store *s;

    (void)state;
    assert_null(store_temporary(NULL));
    store_discard(NULL);
    works(store_create(&s, "a.h5", false, 1, error));
    works(store_begin(s, &d, error));
    works(store_rows(s, rows, 100, error));
    assert_int_equal(count_entries(), 1);
    store_discard(s);
    assert_int_equal(count_entries(), 0);
    free(rows);
}

/* --- a full disk --- */

/* A dataset each way. Errors as soon as something fails, with the sentence */
static int store_some(const char *output)
{
    unsigned char *rows = make_rows(2000, 1);
    struct store *s;
    int result = store_create(&s, output, false, 1, error);

    for (int way = 0; result == 0 && way < 3; way++) {
        static const char *const paths[] = {"whole", "pieces", "group/chunks"};
        struct store_dataset d = dataset_at(paths[way], way == 2 ? STORE_CHUNKED : STORE_CONTIGUOUS, way == 1);

        result = store_begin(s, &d, error);
        if (result == 0)
            result = store_rows(s, rows, 2000, error);
        if (result == 0)
            result = store_end(s, attributes, COUNT(attributes), error);
    }
    free(rows);
    if (result == 0)
        return store_commit(s, &file_bytes, error);
    store_discard(s);
    return -1;
}

/* In a child whose files may not grow beyond 'limit' bytes: 0 it worked, 1 it failed well, 2 it failed otherwise. */
static int store_with_limit(rlim_t limit)
{
    pid_t pid = fork();
    int status = -1;

    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit size = {limit, limit};
        int result;

        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &size);
        result = store_some("a.h5");
        if (result != 0 && strcmp(error, "a.h5: cannot write: File too large") != 0) {
            (void)fprintf(stderr, "limit %lu: %s\n", (unsigned long)limit, error);
            _exit(2);
        }
        _exit(result == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_full_disk_leaves_nothing(void **state)
{
    size_t whole_bytes;

    (void)state;
    works(store_some("whole.h5"));
    free(read_file("whole.h5", &whole_bytes));
    for (size_t limit = 0; limit < whole_bytes; limit += limit < 5000 ? 97 : 1777) {
        assert_int_equal(store_with_limit(limit), 1);
        assert_int_equal(count_entries(), 1);
    }
    assert_int_equal(store_with_limit(whole_bytes - 1), 1);
    assert_int_equal(store_with_limit(whole_bytes), 0);
    assert_same_file("a.h5", "whole.h5");
    expect_only("a.h5", "whole.h5");
}

/* --- children --- */

static void children_leave_the_file_alone(void **state)
{
    struct store_dataset d = dataset_at("d", STORE_CONTIGUOUS, false);
    struct store *s;
    int status;
    pid_t pid;

    (void)state;
    works(store_create(&s, "a.h5", false, 1, error));
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        exit(0); /* on purpose: what HDF5 does at exit must not reach the file */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    put(s, &d, 1000, 1, SIZE_MAX);
    works(store_commit(s, &file_bytes, error));
    expect_rows("a.h5", "d", 1000, 1);
    store_mixture("b.h5", 10);
    expect_only("a.h5", "b.h5");
}

static void library_version(void **state)
{
    unsigned major, minor;
    char text[32];

    (void)state;
    store_library_version(text, sizeof text);
    assert_int_equal(sscanf(text, "%u.%u.", &major, &minor), 2);
    assert_int_equal(major, 1);
}

static int make_directory(void **state)
{
    (void)state;
    (void)strcpy(work_directory, "/tmp/test_store.XXXXXX");
    if (mkdtemp(work_directory) == NULL || chdir(work_directory) != 0)
        return -1;
    (void)setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return chdir("/") != 0 || rmdir(work_directory) != 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_datasets),
        cmocka_unit_test(cuts_leave_no_trace),
        cmocka_unit_test(pieces_stay_where_they_are),
        cmocka_unit_test(pieces_are_moved_where_they_must),
        cmocka_unit_test(moves_overlap_safely),
        cmocka_unit_test(reserved_rows_are_put_by_others),
        cmocka_unit_test(table_and_given_attributes),
        cmocka_unit_test(schemas_are_told_by_contents),
        cmocka_unit_test(wide_records),
        cmocka_unit_test(schemas_that_cannot_be),
        cmocka_unit_test(two_of_one_name),
        cmocka_unit_test(existing_outputs),
        cmocka_unit_test(new_outputs_follow_umask),
        cmocka_unit_test(names_that_cannot_be_outputs),
        cmocka_unit_test(links_are_written_through),
        cmocka_unit_test(an_output_that_appears_meanwhile),
        cmocka_unit_test(long_names),
        cmocka_unit_test(dead_temporaries_go_and_live_ones_stay),
        cmocka_unit_test(discard),
        cmocka_unit_test(a_full_disk_leaves_nothing),
        cmocka_unit_test(children_leave_the_file_alone),
        cmocka_unit_test(library_version),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
