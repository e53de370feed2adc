/*
 * corpus.c - writes the inputs of the benchmarks: invented tables in shapes that users have.
 *
 *     corpus SHAPE BYTES FILE...
 *
 * Each FILE gets whole lines of SHAPE until it holds BYTES bytes. Its contents depend on SHAPE, BYTES and its place
 * among the arguments only, so they are the same in every run and on every machine. The shapes:
 *
 *   methylation   chromosome, position, percent, methylated and unmethylated reads; tabs, no header
 *   csv           the same rows between commas, with a header and the chromosome in quotes
 *   climate       28 columns padded with blanks, -9999.0 where nothing was measured, no header
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 512 };

/* What the next line of a file depends on. */
struct table {
    uint64_t random;
    uint64_t bytes, bytes_wanted;
    uint32_t row;
    uint32_t chromosome, position;
};

/* The generator "splitmix64": Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014. */
static uint64_t draw(struct table *t)
{
    uint64_t z = t->random += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static uint32_t below(struct table *t, uint32_t n)
{
    return (uint32_t)((draw(t) >> 32) * n >> 32);
}

/* ---- methylation, csv ------------------------------------------------------------------------------------------ */

/* Chromosomes share the file equally, and positions grow to about the same end in a small file and in a large one. */
static void next_position(struct table *t)
{
    enum { N_CHROMOSOMES = 24, END = 200 * 1000 * 1000, ROW_BYTES = 26 };
    uint64_t rows = t->bytes_wanted / N_CHROMOSOMES / ROW_BYTES + 1;
    uint32_t chromosome = (uint32_t)(t->bytes * N_CHROMOSOMES / t->bytes_wanted);

    if (chromosome != t->chromosome)
        t->position = 10000;
    t->chromosome = chromosome;
    t->position += 2 + below(t, (uint32_t)(2 * END / rows));
}

/* Sites are mostly covered by few reads, and mostly methylated in all of them or in none. */
static uint32_t methylated(struct table *t, uint32_t reads)
{
    uint32_t kind = below(t, 20);

    return kind < 7 ? reads : kind < 10 ? 0 : below(t, reads + 1);
}

static int methylation_line(struct table *t, char *line, const char *format)
{
    static const char *const names[] = {"chr1", "chr2", "chr3", "chr4", "chr5", "chr6", "chr7", "chr8", "chr9",
                                        "chr10", "chr11", "chr12", "chr13", "chr14", "chr15", "chr16", "chr17",
                                        "chr18", "chr19", "chr20", "chr21", "chr22", "chrX", "chrY"};
    uint32_t spread = 1 + below(t, 24), reads = 1 + below(t, 6) + below(t, spread), c = methylated(t, reads);

    next_position(t);
    return snprintf(line, LINE_BYTES, format, names[t->chromosome], t->position, 100.0 * c / reads, c, reads - c);
}

static int methylation(struct table *t, char *line)
{
    return methylation_line(t, line, "%s\t%" PRIu32 "\t%.15g\t%" PRIu32 "\t%" PRIu32 "\n");
}

static int csv(struct table *t, char *line)
{
    if (t->bytes == 0)
        return snprintf(line, LINE_BYTES, "chr,pos,pct,c,t\n");
    return methylation_line(t, line, "\"%s\",%" PRIu32 ",%.15g,%" PRIu32 ",%" PRIu32 "\n");
}

/* ---- climate --------------------------------------------------------------------------------------------------- */

/* Columns of one kind: values are low + 0..span, in units of the last decimal. */
struct gauge {
    int columns, width, decimals;
    int low;
    uint32_t span, missing_percent;
};

static int gauges(struct table *t, char *line, const struct gauge *g, size_t n_gauges)
{
    static const double unit[] = {1, 10, 100, 1000};
    char *p = line;

    for (const struct gauge *end = g + n_gauges; g < end; g++)
        for (int i = 0; i < g->columns; i++)
            if (below(t, 100) < g->missing_percent)
                p += sprintf(p, " %*.1f", g->width, -9999.0);
            else
                p += sprintf(p, " %*.*f", g->width, g->decimals,
                             (g->low + (int)below(t, g->span)) / unit[g->decimals]);
    return (int)(p - line);
}

/* A station's days follow each other; 28 columns: 5, 5 of air and sun, a letter, 17 of ground and soil. */
static int climate(struct table *t, char *line)
{
    static const struct gauge air[] = {{3, 7, 1, -380, 800, 3}, {1, 7, 1, 0, 450, 5}, {1, 8, 2, 0, 3200, 6}};
    static const struct gauge ground[] = {
        {3, 7, 1, -450, 1050, 5}, {4, 7, 1, 0, 1001, 7}, {5, 7, 3, 0, 550, 18}, {5, 7, 1, -90, 420, 18}};
    uint32_t station = t->row / 5000, day = t->row % 5000;
    uint32_t date = (2008 + day / 336) * 10000 + (1 + day / 28 % 12) * 100 + 1 + day % 28;
    char *p = line;

    t->row++;
    p += sprintf(p, "%5" PRIu32 " %8" PRIu32 " %6.3f", 3000 + station * 523 % 90000, date, day < 900 ? 1.301 : 2.622);
    p += sprintf(p, " %7.2f %6.2f", -155 + station * 293 % 8700 / 100.0, 19 + station * 677 % 5200 / 100.0);
    p += gauges(t, p, air, sizeof air / sizeof air[0]);
    p += sprintf(p, "  %c", "RCU"[below(t, 3)]);
    p += gauges(t, p, ground, sizeof ground / sizeof ground[0]);
    return (int)(p - line) + sprintf(p, "\n");
}

/* ---- files ----------------------------------------------------------------------------------------------------- */

typedef int line_function(struct table *t, char *line);

static line_function *find_shape(const char *name)
{
    static const struct {
        const char *name;
        line_function *line;
    } shapes[] = {{"methylation", methylation}, {"csv", csv}, {"climate", climate}};

    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        if (strcmp(name, shapes[i].name) == 0)
            return shapes[i].line;
    return NULL;
}

static int write_file(const char *path, line_function *line_of, uint64_t bytes_wanted, uint64_t seed)
{
    struct table t = {.random = seed << 32, .bytes_wanted = bytes_wanted};
    char line[LINE_BYTES];
    FILE *f = fopen(path, "w");

    if (f == NULL)
        return -1;
    while (t.bytes < bytes_wanted) {
        int n = line_of(&t, line);

        fwrite(line, 1, (size_t)n, f);
        t.bytes += (uint64_t)n;
    }
    int failed = ferror(f);

    return fclose(f) != 0 || failed ? -1 : 0;
}

int main(int argc, char **argv)
{
    line_function *line_of = argc > 3 ? find_shape(argv[1]) : NULL;
    uint64_t bytes = line_of != NULL ? strtoull(argv[2], NULL, 10) : 0;

    if (bytes == 0) {
        fprintf(stderr, "usage: corpus methylation|csv|climate BYTES FILE...\n");
        return 2;
    }
    for (int i = 3; i < argc; i++)
        if (write_file(argv[i], line_of, bytes, (uint64_t)(i - 2)) != 0) {
            fprintf(stderr, "corpus: %s: %s\n", argv[i], strerror(errno));
            return 1;
        }
    return 0;
}
