/*
 * fuzz_infer.c - any text as a file without a dtype: what is found out is consistent, and all its lines then parse by
 * it.
 *
 * The first three bytes choose delimiter, header and comments, and missing values.
 */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "advice.h"
#include "infer.h"
#include "message.h"
#include "worker.h"

enum { CHOICES = 3, MOST_BYTES = 32768 };

/* A small file, read whole by the sample. */
struct world {
    struct options options;
    struct column_setting na;
    struct input input;
    struct inputs inputs;
    char path[64];
    int fd;
    struct finding finding;
    struct schemas schemas;
};

static void open_world(struct world *w, const uint8_t *data, size_t size)
{
    static const int delimiters[] = {DELIMITER_AUTO, DELIMITER_BLANKS, ',', '\t', ';', DELIMITER_WIDTHS, '|'};
    static uint32_t widths[] = {3, 2, 7};
    static const char *const tokens[] = {"NA", "-9,NA", ""};

    memset(w, 0, sizeof *w);
    w->options = (struct options){.delimiter = delimiters[data[0] % (sizeof delimiters / sizeof *delimiters)],
                                  .header = data[1] % 3, .max_errors_percent = -1, .max_errors = UINT64_MAX,
                                  .max_errors_given = true, .skip_lines = data[1] / 3 % 4 == 3,
                                  .comments_given = data[1] & 64, .n_widths = 3, .widths = widths};
    if (data[1] & 32 && w->options.comments_given)
        w->options.comments[w->options.n_comments++] = (struct comment_mark){"%", 1};
    if (data[2] % 4 < 3) {
        w->na.text = tokens[data[2] % 4];
        w->options.na = &w->na;
        w->options.n_na = 1;
    }
    w->fd = memfd_create("fuzz", MFD_CLOEXEC);
    EXPECT(w->fd >= 0 && write(w->fd, data + CHOICES, size - CHOICES) == (ssize_t)(size - CHOICES));
    snprintf(w->path, sizeof w->path, "/proc/self/fd/%d", w->fd);
    w->input = (struct input){.path = w->path, .dataset = "in", .file_bytes = size - CHOICES, .regular = true};
    w->inputs = (struct inputs){.n = 1, .input = &w->input, .file_bytes = size - CHOICES};
}

static void close_world(struct world *w)
{
    schemas_release(&w->schemas);
    finding_release(&w->finding);
    close(w->fd);
}

static void check_finding(const struct world *w)
{
    const struct finding *f = &w->finding;
    const struct schema *s = &w->schemas.schema[f->schema];

    EXPECT(f->dialect.delimiter != DELIMITER_AUTO);
    EXPECT(f->n_names == 0 || f->n_names == f->n_columns);
    EXPECT(f->text_start <= w->input.file_bytes);
    EXPECT(s->n_columns == f->n_columns && s->n_fields == f->n_columns);
    for (size_t i = 0; i < s->n_fields; i++) {
        EXPECT(s->fields[i].kind != KIND_UNKNOWN && s->fields[i].elem_bytes > 0);
        EXPECT(*s->fields[i].name != '\0' && strchr(s->fields[i].name, '/') == NULL);
    }
}

/* What one worker makes of the slice from..to. */
struct result {
    struct outcome outcome;
    struct survey *surveys;
    uint32_t *longest;
    unsigned char *rows;
};

static int no_drain(void *peer)
{
    (void)peer;
    return -1;
}

static void no_publish(void *peer)
{
    (void)peer;
}

static void run_worker(struct result *r, const struct world *w, const struct kernel_class *class, uint64_t from,
                       uint64_t to, bool exact)
{
    const struct finding *f = &w->finding;
    const struct schema *s = &w->schemas.schema[f->schema];
    size_t rows_bytes = (w->input.file_bytes + 2) * (s->row_bytes + sizeof(struct reject) + 8);
    struct worker_job job = {
        .path = w->path, .from = from, .to = to, .exact = exact, .file_bytes = w->input.file_bytes, .schema = s,
        .dialect = &f->dialect, .kernel_class = class, .kernel = class->open(s, &f->dialect),
        .inferred = w->schemas.field_inferred[f->schema], .guessed_from = w->schemas.surveys[f->schema],
        .max_bad = UINT64_MAX, .record_limit = 1 << 20, .outcome = &r->outcome, .rows_bytes = rows_bytes,
        .publish = no_publish, .drain = no_drain,
    };

    EXPECT(job.kernel != NULL);
    job.surveys = r->surveys = exactly(s->n_columns * sizeof *r->surveys);
    job.longest = r->longest = exactly(s->n_cells * sizeof *r->longest);
    job.rows = r->rows = exactly(rows_bytes + KERNEL_SLACK);
    worker_run(&job);
    class->close(job.kernel);
    EXPECT(r->outcome.state == OUTCOME_DONE);
    EXPECT(r->outcome.fatal.code == FAILURE_NONE);
}

static void release_result(struct result *r)
{
    free(r->surveys);
    free(r->longest);
    free(r->rows);
}

/* The file in two slices that meet in the middle: as many rows, the same ones. */
static void check_slices(const struct world *w, const struct result *whole, const struct kernel_class *class)
{
    uint64_t middle = w->finding.text_start + (w->input.file_bytes - w->finding.text_start) / 2;
    size_t row_bytes = w->schemas.schema[w->finding.schema].row_bytes;
    static struct result first, second;

    if (middle <= w->finding.text_start || middle >= w->input.file_bytes)
        return;
    run_worker(&first, w, class, w->finding.text_start, middle, true);
    run_worker(&second, w, class, middle, UINT64_MAX, false);
    if (first.outcome.text_to != second.outcome.text_from) { /* a quoted line feed: begun anew where the first ended */
        release_result(&second);
        run_worker(&second, w, class, first.outcome.text_to, UINT64_MAX, true);
    }
    EXPECT(first.outcome.n_rows + second.outcome.n_rows == whole->outcome.n_rows);
    EXPECT(first.outcome.n_bad + second.outcome.n_bad == whole->outcome.n_bad);
    EXPECT(first.outcome.n_lines + second.outcome.n_lines == whole->outcome.n_lines);
    EXPECT(memcmp(first.rows, whole->rows, first.outcome.n_rows * row_bytes) == 0);
    EXPECT(memcmp(second.rows, whole->rows + first.outcome.n_rows * row_bytes, second.outcome.n_rows * row_bytes) == 0);
    release_result(&first);
    release_result(&second);
}

static void check_rows(const struct world *w)
{
    static struct result scalar, best;
    size_t row_bytes = w->schemas.schema[w->finding.schema].row_bytes;

    run_worker(&scalar, w, &kernel_scalar, w->finding.text_start, UINT64_MAX, true);
    run_worker(&best, w, kernel_pick(NULL), w->finding.text_start, UINT64_MAX, true);
    EXPECT(!scalar.outcome.misfit); /* every value had been surveyed */
    EXPECT(memcmp(&scalar.outcome, &best.outcome, sizeof scalar.outcome) == 0);
    EXPECT(memcmp(scalar.rows, best.rows, scalar.outcome.n_rows * row_bytes) == 0);
    check_slices(w, &scalar, kernel_pick(NULL));
    release_result(&scalar);
    release_result(&best);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct failure failure;
    char error[SCHEMA_ERROR] = "";
    struct world w;

    if (size < CHOICES || size > MOST_BYTES)
        return 0;
    message_level(true, false);
    open_world(&w, data, size);
    if (infer_input(&w.finding, &w.input, &w.options, false, 0, &failure, error) != 0)
        EXPECT(failure.code != FAILURE_NONE || *error != '\0');
    else if (infer_schemas(&w.schemas, &w.finding, &w.inputs, &w.options, error) != 0)
        EXPECT(*error != '\0' && strlen(error) < SCHEMA_ERROR);
    else if (w.finding.codec == CODEC_PLAIN) {
        check_finding(&w);
        check_rows(&w);
    }
    close_world(&w);
    advice_forget(); /* it advises on the first few inputs only; the splitters stay, as from input to input */
    return 0;
}
