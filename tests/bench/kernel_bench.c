/*
 * kernel_bench.c - how fast each kernel turns each shape of text into rows, one core, nothing else around it.
 *
 *     kernel_bench [--mib N] [--rounds N] [--kernel NAME] [--shape NAME] [DTYPE DELIMITER FILE]...
 *
 * Text is read in 256 KiB blocks from the page cache to one aligned address, as a worker does, what is left of a block
 * is moved before that address, and rows go to memory touched before; a kernel is opened once. Printed: GB of text per
 * second, the best and the median of the rounds. Rounds go through all kernels in turn, so that a noisy moment hits
 * them alike.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"

enum { BLOCK = 256 * 1024, CARRY = 1024 * 1024, MAX_ROUNDS = 64, MAX_KERNELS = 4, MAX_CELLS = 4096 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- shapes ---------------------------------------------------------------------------------------------------- */

static uint64_t random_state;

static uint32_t below(uint32_t n)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u); /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(((z ^ (z >> 31)) >> 32) * n >> 32);
}

static double uniform(void)
{
    return (below(1u << 30) + below(1u << 20) / 1048576.0) / (1u << 30);
}

static int methylation(char *line, const char *format)
{
    uint32_t c = below(20), t = below(3) ? 0 : below(20);
    double percent = c + t ? 100.0 * c / (c + t) : 0;

    return sprintf(line, format, below(22) + 1, below(248000000), percent, c, t);
}

static int line_tabs(char *line) { return methylation(line, "chr%u\t%u\t%.15g\t%u\t%u\n"); }
static int line_crlf(char *line) { return methylation(line, "chr%u\t%u\t%.15g\t%u\t%u\r\n"); }
static int line_csv(char *line) { return methylation(line, "chr%u,%u,%.15g,%u,%u\n"); }
static int line_quoted(char *line) { return methylation(line, "\"chr%u\",%u,%.15g,%u,%u\n"); }
static int line_commas(char *line) { return methylation(line, "\"chr,%u\",%u,%.15g,%u,%u\n"); }
static int line_spaced(char *line) { return methylation(line, "chr%u, %u, %.15g, %u, %u\n"); }

static int line_missing(char *line)
{
    return below(4) ? line_tabs(line) : methylation(line, "chr%u\t%u\tNA\t%2$u\t%2$u\n");
}

static int line_commented(char *line)
{
    return below(20) ? line_tabs(line) : sprintf(line, "# a line that is none\n");
}

static int line_bad(char *line)
{
    return below(2) ? line_tabs(line) : methylation(line, "chr%u\t%u bp\t%.15g\t%u\t%u\n");
}

static int line_padded(char *line)
{
    char *p = line + sprintf(line, "%6u %8u %6s", 3000 + below(90000), 20000101 + below(90000),
                             below(2) ? "-9.000" : "2.422");

    for (int i = 3; i < 28; i++)
        p += i == 11 ? sprintf(p, "  %c", "CCRU"[below(4)])
                     : sprintf(p, " %8.*f", 1 + i % 3, below(8) ? 80 * uniform() - 30 : -9999.0);
    return (int)(p - line) + sprintf(p, "\n");
}

static int floats(char *line, int n, const char *format)
{
    char *p = line;

    for (int i = 0; i < n; i++)
        p += sprintf(p, format, (uniform() - 0.5) * 1000);
    p[-1] = '\n';
    return (int)(p - line);
}

static int line_g17(char *line) { return floats(line, 8, "%.17g "); }
static int line_exponents(char *line) { return floats(line, 8, "%.6e "); }
static int line_wide(char *line) { return floats(line, 1000, "%.6f\t"); }

static int line_integers(char *line)
{
    char *p = line;

    for (int i = 0; i < 8; i++)
        p += sprintf(p, "%lld ", (long long)(uniform() * (i % 2 ? 9e18 : 1e9)));
    p[-1] = '\n';
    return (int)(p - line);
}

static int line_strings(char *line)
{
    char *p = line;

    for (int i = 0; i < 6; i++)
        p += sprintf(p, "%.*s\t", (int)(1 + below(24)), "the_quick_brown_fox_jumps");
    p[-1] = '\n';
    return (int)(p - line);
}

static const struct shape {
    const char *name;
    const char *dtype;  /* as numpy's letters; nX stands for n of X */
    int delimiter;
    int (*line)(char *line);
    const char *missing; /* a token, or NULL */
} shapes[] = {
    {"tabs", "S10,i4,f4,i4,i4", DELIMITER_BLANKS, line_tabs, NULL},
    {"tabs f8", "S10,i4,f8,i4,i4", DELIMITER_BLANKS, line_tabs, NULL},
    {"tabs delimited", "S10,i4,f4,i4,i4", '\t', line_tabs, NULL},
    {"crlf", "S10,i4,f4,i4,i4", DELIMITER_BLANKS, line_crlf, NULL},
    {"crlf delimited", "S10,i4,f4,i4,i4", '\t', line_crlf, NULL},
    {"csv", "S10,i4,f4,i4,i4", ',', line_csv, NULL},
    {"csv quoted", "S10,i4,f4,i4,i4", ',', line_quoted, NULL},
    {"csv quoted commas", "S10,i4,f4,i4,i4", ',', line_commas, NULL},
    {"csv spaced", "S10,i4,f4,i4,i4", ',', line_spaced, NULL},
    {"NA, one in four", "S10,i4,f4,i4,i4", DELIMITER_BLANKS, line_missing, "NA"},
    {"comments, 5 %", "S10,i4,f4,i4,i4", DELIMITER_BLANKS, line_commented, NULL},
    {"bad, one in two", "S10,i4,f4,i4,i4", DELIMITER_BLANKS, line_bad, NULL},
    {"padded f8", "i4,i4,S6,8f8,S1,16f8", DELIMITER_BLANKS, line_padded, NULL},
    {"padded f4", "i4,i4,S6,8f4,S1,16f4", DELIMITER_BLANKS, line_padded, NULL},
    {"padded, -9999", "i4,i4,S6,8f8,S1,16f8", DELIMITER_BLANKS, line_padded, "-9999"},
    {"%.17g f8", "8f8", DELIMITER_BLANKS, line_g17, NULL},
    {"%.6e f8", "8f8", DELIMITER_BLANKS, line_exponents, NULL},
    {"%.6e f4", "8f4", DELIMITER_BLANKS, line_exponents, NULL},
    {"1000 columns f4", "1000f4", DELIMITER_BLANKS, line_wide, NULL},
    {"i8", "8i8", DELIMITER_BLANKS, line_integers, NULL},
    {"strings", "6S25", DELIMITER_BLANKS, line_strings, NULL},
};

/* The shape's text in a file that has no name. */
static int shape_file(const struct shape *shape, size_t bytes)
{
    static char line[64 * 1024];
    int fd = memfd_create("text", 0);
    FILE *f = fd < 0 ? NULL : fdopen(dup(fd), "w");

    if (f == NULL)
        die("memfd_create");
    random_state = 1;
    for (size_t done = 0; done < bytes;) {
        int n = shape->line(line);

        fwrite(line, 1, (size_t)n, f);
        done += (size_t)n;
    }
    if (fclose(f) != 0)
        die("write");
    return fd;
}

/* ---- schemas --------------------------------------------------------------------------------------------------- */

struct layout {
    struct schema schema;
    struct cell cells[MAX_CELLS];
    struct missing missing;
    struct missing_token token;
    bool bad; /* some lines are to be passed over */
};

static void add_cell(struct layout *l, char kind, unsigned bytes)
{
    struct schema *s = &l->schema;

    if (s->n_cells == MAX_CELLS)
        exit(1);
    l->cells[s->n_cells] = (struct cell){.column = s->n_columns, .field = s->n_columns,
                                         .offset = (uint32_t)s->row_bytes, .bytes = bytes, .kind = (uint8_t)kind,
                                         .missing = &l->missing};
    s->n_cells++;
    s->n_columns++;
    s->row_bytes += bytes;
}

static void layout_init(struct layout *l, const char *dtype, const char *missing)
{
    *l = (struct layout){.schema = {.exact = true, .cells = l->cells}, .missing = {.tokens = &l->token}};
    if (missing != NULL) {
        char *end;

        l->token = (struct missing_token){.text = missing, .bytes = (uint32_t)strlen(missing)};
        l->token.value = strtod(missing, &end);
        l->token.is_number = l->missing.has_numbers = end > missing;
        l->missing.n_tokens = 1;
    }
    while (*dtype != '\0') {
        char *at;
        unsigned long n = strtoul(dtype, &at, 10);
        char kind = *at++;
        unsigned long bytes = strtoul(at, &at, 10);

        for (n += n == 0; n > 0; n--)
            add_cell(l, kind, (unsigned)bytes);
        dtype = at + (*at == ',');
    }
}

/* ---- measuring ------------------------------------------------------------------------------------------------- */

/* Of processor time: what others use of the machine in between does not count. */
static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct memory {
    char *text;           /* where blocks are read to; CARRY bytes before and a page behind belong to it */
    unsigned char *rows;
    size_t rows_bytes;
};

static void *map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        die("mmap");
    madvise(p, bytes, MADV_HUGEPAGE);
    memset(p, 1, bytes);
    return p;
}

/* One block of text, and its bad lines passed over where there may be some. Returns how many bytes were used. */
static size_t run_block(const struct kernel_class *class, struct kernel *k, const struct layout *l,
                        struct kernel_job job, const struct memory *m, uint64_t *n_rows)
{
    size_t used = 0;

    do {
        job.rows = m->rows + *n_rows * l->schema.row_bytes;
        job.capacity = (m->rows_bytes - KERNEL_SLACK) / l->schema.row_bytes - *n_rows;
        class->parse(k, &job);
        if (job.failure.code != FAILURE_NONE && !l->bad) {
            printf("line %llu: failure %d\n", (unsigned long long)job.failure.line_no, (int)job.failure.code);
            exit(1);
        }
        *n_rows += job.n_rows;
        used += job.text_used + job.bad.bytes;
        job.text += job.text_used + job.bad.bytes;
        job.text_bytes -= job.text_used + job.bad.bytes;
    } while (job.failure.code != FAILURE_NONE);
    return used;
}

/* All of the file through one open kernel. Returns bytes of text per second. */
static double run_once(const struct kernel_class *class, struct kernel *k, const struct layout *l, int fd,
                       const struct memory *m, uint64_t *n_rows)
{
    size_t carried = 0, total = 0;
    double start = seconds();
    ssize_t got;

    *n_rows = 0;
    for (off_t at = 0; (got = pread(fd, m->text, BLOCK, at)) > 0; at += got) {
        struct kernel_job job = {.text = m->text - carried, .text_bytes = carried + (size_t)got, .last = got < BLOCK};
        size_t used = run_block(class, k, l, job, m, n_rows);

        total += (size_t)got;
        carried = job.text_bytes - used;
        memmove(m->text - carried, job.text + used, carried);
    }
    return (double)total / (seconds() - start);
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

struct options {
    size_t mib;
    int rounds;
    const char *kernel, *shape;
};

static void measure(const struct shape *shape, int fd, const struct options *o, const char *kernel_name)
{
    static struct layout l;
    static double speed[MAX_KERNELS][MAX_ROUNDS];
    struct dialect dialect = {.delimiter = shape->delimiter, .hash_comment = true};
    struct kernel *open[MAX_KERNELS] = {NULL};
    struct memory m;
    off_t bytes = lseek(fd, 0, SEEK_END);
    uint64_t n_rows = 0, n_lines = 0;
    char buffer[65536];

    layout_init(&l, shape->dtype, shape->missing);
    l.bad = shape->line == line_bad;
    for (off_t at = 0; at < bytes;) {
        ssize_t got = pread(fd, buffer, sizeof buffer, at);

        if (got <= 0)
            die("read");
        for (char *p = buffer; (p = memchr(p, '\n', (size_t)(buffer + got - p))) != NULL; p++)
            n_lines++;
        at += got;
    }
    m.rows_bytes = (n_lines + 2) * l.schema.row_bytes + KERNEL_SLACK;
    m.rows = map(m.rows_bytes);
    m.text = (char *)map(CARRY + BLOCK + 4096) + CARRY;
    for (int i = 0; kernel_classes[i] != NULL; i++)
        if (kernel_classes[i]->supported() && (!kernel_name || !strcmp(kernel_name, kernel_classes[i]->name)) &&
            (open[i] = kernel_classes[i]->open(&l.schema, &dialect)) == NULL)
            die("open");
    for (int r = 0; r < o->rounds; r++)
        for (int i = 0; kernel_classes[i] != NULL; i++)
            if (open[i] != NULL)
                speed[i][r] = run_once(kernel_classes[i], open[i], &l, fd, &m, &n_rows) / 1e9;
    printf("%-18s %5.1f", shape->name, (double)bytes / (double)(n_rows ? n_rows : 1));
    for (int i = 0; kernel_classes[i] != NULL; i++) {
        if (kernel_name && strcmp(kernel_name, kernel_classes[i]->name))
            continue;
        qsort(speed[i], (size_t)o->rounds, sizeof speed[i][0], compare);
        printf("   %5.2f %5.2f", speed[i][o->rounds - 1], speed[i][o->rounds / 2]);
    }
    printf("\n");
    fflush(stdout);
    for (int i = 0; kernel_classes[i] != NULL; i++)
        if (open[i] != NULL)
            kernel_classes[i]->close(open[i]);
    munmap(m.rows, m.rows_bytes);
    munmap(m.text - CARRY, CARRY + BLOCK + 4096);
}

int main(int argc, char **argv)
{
    struct options o = {.mib = 32, .rounds = 7};
    int i = 1;

    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--mib") == 0)
            o.mib = strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--rounds") == 0)
            o.rounds = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--kernel") == 0)
            o.kernel = argv[i + 1];
        else if (strcmp(argv[i], "--shape") == 0)
            o.shape = argv[i + 1];
    }
    if (o.rounds < 1 || o.rounds > MAX_ROUNDS)
        o.rounds = MAX_ROUNDS;
    printf("%-18s %5s", "GB/s of text", "B/row");
    for (int k = 0; kernel_classes[k] != NULL; k++)
        if (!o.kernel || !strcmp(o.kernel, kernel_classes[k]->name))
            printf("   %-11s", kernel_classes[k]->name);
    printf("   (best, median of %d)\n", o.rounds);

    bool files = i < argc;

    for (; i + 2 < argc; i += 3) {
        int fd = open(argv[i + 2], O_RDONLY);

        if (fd < 0)
            die(argv[i + 2]);
        const char *slash = strrchr(argv[i + 2], '/');
        const struct shape shape = {.name = slash != NULL ? slash + 1 : argv[i + 2], .dtype = argv[i],
                                    .delimiter = strcmp(argv[i + 1], "blanks") ? argv[i + 1][0] : DELIMITER_BLANKS};

        measure(&shape, fd, &o, o.kernel);
        close(fd);
    }
    for (size_t s = 0; !files && s < sizeof shapes / sizeof shapes[0]; s++) {
        if (o.shape != NULL && strstr(shapes[s].name, o.shape) == NULL)
            continue;
        int fd = shape_file(&shapes[s], o.mib << 20);

        measure(&shapes[s], fd, &o, o.kernel);
        close(fd);
    }
    return 0;
}
