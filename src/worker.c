/*
 * worker.c - one slice of one input to rows.
 *
 * Text comes block by block into one buffer that stays hot in the cache. The unfinished record at a block's end is
 * carried in front of the next block, so that the kernel always sees whole lines in one piece:
 *
 *     buffer:  | room for the carry ........ carry | block, read(2) to an address congruent to its file offset |
 *
 * read(2) copies at a third of its speed when source and destination differ by 1 to 15 bytes modulo the page size,
 * therefore the block's place is fixed and the carry moves.
 *
 * The kernel gets the text that is visible to this slice: not the records of the next slice, not the lines of a
 * footer. It stops for three reasons: all is read, no room for more rows, a bad record.
 */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "widen.h"

enum {
    BLOCK_BYTES = 256 * 1024,
    PAGE_BYTES = 4096,
    CARRY_BYTES = WORKER_TEXT_AT,    /* room for the carry at first */
    OVERRUN_BYTES = 4 * 1024,        /* a slice's last line reaches so far into the next one, mostly */
    PUBLISH_BYTES = 8 << 20,         /* of rows that are worth waking the parent; */
    STREAM_PUBLISH_BYTES = 1 << 20,  /* of a stream, whose region begins anew with */
    STREAM_TURN_BYTES = 4 << 20,     /* so many, if all of them can be taken out */
};

_Static_assert(CARRY_BYTES + BLOCK_BYTES + PAGE_BYTES <= WORKER_TEXT_BYTES, "what worker.h says");

struct worker {
    struct worker_job *job;
    struct outcome *outcome;
    struct stream *stream;
    struct ahead *ahead;          /* reads the stream for us, or NULL */
    const struct schema *schema;  /* the job's, or our own wider one */
    struct kernel *kernel;
    struct schema wider;
    bool is_wider;
    struct record *record;        /* for surveys; opened when first needed */

    char *buffer;
    size_t carry_room;            /* bytes between the buffer's first pad and the block */
    const char *text;             /* what is not used yet */
    size_t text_bytes;
    uint64_t text_offset;         /* of 'text' in the input's text */
    uint64_t read_offset;         /* of the next byte to read */
    size_t head_used;
    bool at_end;                  /* nothing more to read */
    bool one_by_one;              /* past the slice's end, finishing a quoted record */

    struct packer *packer;        /* opened when first needed */
    bool placed;                  /* outcome->first_row is known */
    size_t n_rows;                /* in the region now */
    size_t published;
    struct seals seals;           /* of the region's rows; they stand in the outcome */
    bool void_rows;               /* rows are made, but nobody wants them */
};

/* ---- text ------------------------------------------------------------------------------------------------------ */

static char *block_of(const struct worker *w)
{
    return w->buffer + w->carry_room;
}

static void release_buffer(struct worker *w)
{
    if (w->buffer != w->job->buffer)
        free(w->buffer);
}

/* Make room for a carry of that size; the text in the buffer moves along. */
static int reserve_carry(struct worker *w, size_t carry_bytes)
{
    size_t room = w->carry_room ? w->carry_room : CARRY_BYTES;
    char *grown;

    if (w->buffer != NULL && carry_bytes + KERNEL_PAD <= w->carry_room)
        return FAILURE_NONE;
    if (carry_bytes > w->job->record_limit)
        return FAILURE_LINE_LONG;
    while (room < carry_bytes + KERNEL_PAD)
        room *= 2;
    if (w->buffer == NULL && room == CARRY_BYTES && w->job->buffer != NULL)
        grown = w->job->buffer;
    else
        grown = aligned_alloc(PAGE_BYTES, room + BLOCK_BYTES + PAGE_BYTES);
    if (grown == NULL)
        return FAILURE_MEMORY;
    if (w->text_bytes > 0)
        memcpy(grown + room - w->text_bytes, w->text, w->text_bytes);
    release_buffer(w);
    w->buffer = grown;
    w->carry_room = room;
    w->text = grown + room - w->text_bytes;
    return FAILURE_NONE;
}

/* Up to n bytes: first the head that was taken before, then the stream. */
static ssize_t read_text(struct worker *w, char *to, size_t n)
{
    size_t left = w->job->head_bytes - w->head_used;

    if (left > 0) {
        n = n < left ? n : left;
        memcpy(to, w->job->head + w->head_used, n);
        w->head_used += n;
        return (ssize_t)n;
    }
    return w->ahead != NULL ? ahead_read(w->ahead, to, n, &w->outcome->fatal)
                            : stream_read(w->stream, to, n, &w->outcome->fatal);
}

/*
 * How much to read at a time. Of compressed text little more than this slice's: to inflate the next one's is work done
 * twice.
 */
static size_t wanted_bytes(const struct worker *w, size_t room)
{
    uint64_t left = w->job->to - w->read_offset;

    if (w->job->next.file == 0 || w->read_offset >= w->job->to || left + OVERRUN_BYTES >= room)
        return room;
    return (size_t)left + OVERRUN_BYTES;
}

/* Carry what is unused and read the next block behind it. Errors a failure code. */
static int next_block(struct worker *w)
{
    size_t wanted, skew = w->text_bytes == 0 ? w->read_offset % PAGE_BYTES : 0;
    int code = reserve_carry(w, w->text_bytes);
    char *start;
    ssize_t n;

    if (code != FAILURE_NONE)
        return code;
    start = block_of(w) + skew - w->text_bytes;
    memmove(start, w->text, w->text_bytes);
    w->text = start;
    wanted = wanted_bytes(w, BLOCK_BYTES - skew);
    n = read_text(w, block_of(w) + skew, wanted);
    if (n < 0)
        return w->outcome->fatal.code;
    w->at_end = n == 0;
    w->text_bytes += (size_t)n;
    w->read_offset += (uint64_t)n;
    w->outcome->file_bytes = w->ahead != NULL ? ahead_position(w->ahead) : stream_position(w->stream);
    return FAILURE_NONE;
}

static void use_text(struct worker *w, size_t n_bytes, uint64_t n_lines)
{
    w->text += n_bytes;
    w->text_bytes -= n_bytes;
    w->text_offset += n_bytes;
    w->outcome->n_lines += n_lines;
}

/* The text without its last n lines; an unterminated line is a line. */
static size_t without_footer(const char *text, size_t text_bytes, uint64_t n_lines)
{
    size_t end = text_bytes;

    if (n_lines == 0)
        return text_bytes;
    if (end > 0 && text[end - 1] == '\n')
        end--;
    for (; end > 0; end--)
        if (text[end - 1] == '\n' && --n_lines == 0)
            return end;
    return 0;
}

/* How much of the text belongs to this slice as far as can be seen. */
static size_t visible_text(const struct worker *w)
{
    const struct worker_job *job = w->job;
    uint64_t last_byte;
    const char *lf;

    if (job->skip_footer > 0)
        return without_footer(w->text, w->text_bytes, job->skip_footer);
    if (w->one_by_one || job->to == UINT64_MAX || w->text_offset + w->text_bytes < job->to)
        return w->text_bytes;
    last_byte = job->to - 1 > w->text_offset ? job->to - 1 - w->text_offset : 0;
    lf = memchr(w->text + last_byte, '\n', w->text_bytes - last_byte);
    return lf != NULL ? (size_t)(lf - w->text) + 1 : w->text_bytes;
}

static bool past_slice(const struct worker *w)
{
    return w->job->to != UINT64_MAX && w->text_offset >= w->job->to;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

static size_t row_capacity(const struct worker *w)
{
    size_t room = w->job->rows_bytes - w->outcome->rejects_bytes;

    return w->schema->row_bytes > 0 ? room / w->schema->row_bytes : 0;
}

/* The rows behind those of the region, which are in the cache still. */
static void seal_rows(struct worker *w, const unsigned char *rows, size_t n_rows)
{
    size_t n_bytes = n_rows * w->schema->row_bytes;
    struct seal seal = {.first_row = w->n_rows, .n_rows = n_rows, .n_bytes = n_bytes,
                        .checksum = seal_checksum(0, rows, n_bytes)};

    seals_add(&w->seals, &seal);
    w->outcome->n_seals = w->seals.n;
}

/* The region is empty again. */
static void begin_seals(struct worker *w)
{
    w->seals = (struct seals){.list = w->outcome->seals, .room = OUTCOME_SEALS, .unit_bytes = SEAL_BYTES};
    w->outcome->n_seals = 0;
}

static bool is_stream(const struct worker_job *job)
{
    return job->to == UINT64_MAX && job->file_bytes == 0;
}

static bool worth_publishing(const struct worker *w)
{
    size_t enough = is_stream(w->job) ? STREAM_PUBLISH_BYTES : PUBLISH_BYTES;

    return !w->void_rows && w->job->packing == NULL && (w->n_rows - w->published) * w->schema->row_bytes >= enough;
}

static void publish(struct worker *w)
{
    w->published = w->n_rows;
    __atomic_store_n(&w->outcome->rows_ready, w->n_rows, __ATOMIC_RELEASE);
    w->job->publish(w->job->peer);
}

/* Pack the whole chunks among the region's rows, each in its place. Errors a failure code. */
static int pack_chunks(struct worker *w)
{
    const struct packing *p = w->job->packing;
    struct outcome *o = w->outcome;
    size_t chunk_bytes = p->chunk_rows * p->row_bytes, past = (size_t)(o->first_row % p->chunk_rows), most;
    unsigned char *chunk, *packed;

    o->rows_lead = past == 0 ? 0 : p->chunk_rows - past;
    o->rows_lead = o->rows_lead < w->n_rows ? o->rows_lead : w->n_rows;
    o->n_chunks = (w->n_rows - o->rows_lead) / p->chunk_rows;
    if (o->n_chunks == 0)
        return FAILURE_NONE;
    if (w->packer == NULL && (w->packer = packer_open(p)) == NULL)
        return FAILURE_MEMORY;
    most = packer_most_bytes(p);
    packed = malloc(most);
    if (packed == NULL)
        return FAILURE_MEMORY;
    chunk = w->job->rows + o->rows_lead * p->row_bytes;
    for (size_t i = 0; i < o->n_chunks; i++, chunk += chunk_bytes) {
        struct packed_chunk *parts = w->job->chunks + i * packer_parts(p);
        size_t packed_bytes;

        if (packer_pack_parts(w->packer, chunk, packed, parts, &packed_bytes) != 0) {
            free(packed);
            return FAILURE_MEMORY;
        }
        if (packed_bytes <= chunk_bytes)
            memcpy(chunk, packed, packed_bytes);
        else
            parts->packed_bytes = 0;
    }
    free(packed);
    return FAILURE_NONE;
}

/* Do to the region's rows what is to be done before they are stored. Errors a failure code. */
static int finish_rows(struct worker *w)
{
    if (w->job->packing == NULL || w->void_rows || w->n_rows == 0)
        return FAILURE_NONE;
    if (!w->placed && w->job->place(w->job->peer) != 0)
        return FAILURE_LOST;
    w->placed = true;
    return pack_chunks(w);
}

/* Have the parent take everything out of the region, and start it anew. Errors a failure code. */
static int hand_over(struct worker *w)
{
    int code = finish_rows(w);

    if (code != FAILURE_NONE)
        return code;
    publish(w);
    if (w->job->drain(w->job->peer) != 0)
        return FAILURE_LOST;
    w->outcome->first_row += w->n_rows;
    w->outcome->rows_lead = w->outcome->n_chunks = 0;
    w->n_rows = w->published = 0;
    w->outcome->rejects_bytes = 0;
    begin_seals(w);
    __atomic_store_n(&w->outcome->rows_ready, 0, __ATOMIC_RELEASE);
    return FAILURE_NONE;
}

/*
 * Of a stream nobody knows how much is to come. While its rows are taken out as they come, the region's start is
 * written to again, which is near the processor, and not fresh memory. Not where rows are packed: the parent would have
 * to pack those at each seam.
 */
static bool wants_turn(const struct worker *w)
{
    return is_stream(w->job) && w->job->packing == NULL &&
           w->n_rows * w->schema->row_bytes >= STREAM_TURN_BYTES &&
           __atomic_load_n(&w->outcome->is_head, __ATOMIC_RELAXED);
}

/* Room for at least one more row. Errors a failure code. */
static int make_room(struct worker *w)
{
    if (w->void_rows)
        w->n_rows = 0;
    if (w->n_rows < row_capacity(w) && !wants_turn(w))
        return FAILURE_NONE;
    if (w->n_rows == 0 && w->outcome->rejects_bytes == 0)
        return FAILURE_MEMORY; /* not even one fits */
    return hand_over(w);
}

static void void_rows(struct worker *w)
{
    w->void_rows = true;
    w->n_rows = w->published = 0;
}

/* ---- bad records ----------------------------------------------------------------------------------------------- */

/* The bad record's fields. Errors a failure code. */
static int split_bad(struct worker *w, const struct kernel_job *k, struct record_field **fields, size_t *n_fields)
{
    const struct worker_job *job = w->job;
    struct record_extent extent;
    struct failure failure;

    if (w->record == NULL && (w->record = record_open(job->schema, job->dialect)) == NULL)
        return FAILURE_MEMORY;
    return record_split(w->record, w->text, k->bad.bytes, true, job->schema->n_columns, fields, n_fields, &extent,
                        &failure) == RECORD_ROW ? FAILURE_NONE : FAILURE_INTERNAL;
}

static const struct record_field *field_of(const struct cell *c, const struct record_field *fields, size_t n_fields)
{
    return &fields[c->from_end < 0 ? n_fields - (size_t)-c->from_end : c->column];
}

/* A matrix has numbers only: text makes a bad record, not a wider type. */
static bool has_text(const struct schema *s, const struct record_field *fields, size_t n_fields)
{
    for (size_t i = 0; i < s->n_cells; i++) {
        const struct record_field *f = field_of(&s->cells[i], fields, n_fields);
        struct survey survey = {0};

        survey_field(&survey, s->cells[i].missing, f->text, f->bytes, f->quoted);
        if (survey.class == SURVEY_TEXT)
            return true;
    }
    return false;
}

/* A guessed type did not hold: take the record into the surveys and go on with a wider schema. */
static int widen(struct worker *w, const struct record_field *fields, size_t n_fields, uint64_t line_no)
{
    struct worker_job *job = w->job;
    struct schema wider;
    struct kernel *kernel;

    for (size_t i = 0; i < job->schema->n_cells; i++) {
        const struct cell *c = &job->schema->cells[i];
        const struct record_field *f = field_of(c, fields, n_fields);
        struct survey *s = &job->surveys[c->column];

        survey_field(s, c->missing, f->text, f->bytes, f->quoted);
        survey_place(s, line_no);
        if (f->full_bytes > s->longest)
            s->longest = (uint32_t)f->full_bytes;
    }
    if (widen_schema(&wider, job->schema, job->inferred, job->guessed_from, job->surveys) != 0)
        return FAILURE_MEMORY;
    if (w->is_wider) {
        job->kernel_class->close(w->kernel);
        schema_release(&w->wider);
    }
    w->wider = wider;
    w->schema = &w->wider;
    w->is_wider = true;
    kernel = job->kernel_class->open(w->schema, job->dialect);
    w->kernel = kernel;
    w->outcome->misfit = true;
    void_rows(w);
    return kernel != NULL ? FAILURE_NONE : FAILURE_MEMORY;
}

/* Put the line into the region's far end. False: no room for it. */
static bool keep_reject(struct worker *w, const struct failure *failure, size_t text_bytes)
{
    struct outcome *o = w->outcome;
    size_t entry = (sizeof(struct reject) + text_bytes + 7) / 8 * 8;
    size_t used = w->n_rows * w->schema->row_bytes + KERNEL_SLACK;
    struct reject *r;

    if (entry > w->job->rows_bytes || used + o->rejects_bytes + entry > w->job->rows_bytes)
        return false;
    o->rejects_bytes += entry;
    r = (struct reject *)(void *)(w->job->rows + w->job->rows_bytes / 8 * 8 - o->rejects_bytes);
    *r = (struct reject){.line_no = failure->line_no, .byte_offset = failure->byte_offset, .failure = *failure,
                         .text_bytes = (uint32_t)text_bytes, .entry_bytes = (uint32_t)entry};
    memcpy(r + 1, w->text, text_bytes);
    return true;
}

/* Count the bad record at the start of the text, keep what is wanted of it, and step over it. */
static int set_aside(struct worker *w, const struct kernel_job *k)
{
    struct outcome *o = w->outcome;
    struct failure failure = k->failure;
    size_t text_bytes = k->bad.bytes;

    if (w->job->inferred != NULL && failure.field >= 0 && w->job->inferred[failure.field]) {
        struct record_field *fields = NULL;
        size_t n_fields = 0;
        bool matrix = w->schema->shape == SHAPE_MATRIX;
        int code = matrix || !w->job->final ? split_bad(w, k, &fields, &n_fields) : FAILURE_NONE;

        if (code != FAILURE_NONE)
            return code;
        if (matrix && has_text(w->job->schema, fields, n_fields)) {
            failure.code = FAILURE_NOT_NUMBER;
        } else if (!w->job->final) {
            if (!o->misfit) {
                o->misfit_at = failure;
                o->misfit_at.line_no += o->n_lines - k->lines_used;
            }
            code = widen(w, fields, n_fields, failure.line_no + o->n_lines - k->lines_used);
            use_text(w, k->bad.bytes, k->bad.n_lines);
            return code;
        } else {
            failure.code = FAILURE_NO_TYPE;
        }
    }
    failure.line_no += o->n_lines - k->lines_used; /* the kernel counts from its own first line */
    failure.byte_offset = w->text_offset;
    o->n_bad++;
    o->bad_lines += k->bad.n_lines;
    if (o->n_failures < OUTCOME_FAILURES)
        o->failures[o->n_failures++] = failure;
    if (o->n_bad > w->job->max_bad) {
        void_rows(w);
    } else if (w->job->keep_rejects && !w->void_rows) {
        while (text_bytes > 0 && (w->text[text_bytes - 1] == '\n' || w->text[text_bytes - 1] == '\r'))
            text_bytes--;
        if (!keep_reject(w, &failure, text_bytes)) {
            int code = hand_over(w);

            if (code != FAILURE_NONE || !keep_reject(w, &failure, text_bytes))
                return code != FAILURE_NONE ? code : FAILURE_LINE_LONG;
        }
        o->n_rejected++;
    }
    use_text(w, k->bad.bytes, k->bad.n_lines);
    return FAILURE_NONE;
}

/* ---- the slice ------------------------------------------------------------------------------------------------- */

/* The input's number into new rows: after the kernel, which knows cells only and may write behind a row's end. */
static void fill_source(const struct worker *w, unsigned char *rows, size_t n_rows)
{
    const struct field *f = schema_constant(w->schema);

    if (f == NULL || w->void_rows)
        return;
    for (size_t i = 0; i < n_rows; i++)
        memcpy(rows + i * w->schema->row_bytes + f->offset, &w->job->source, sizeof w->job->source);
}

/* Give the visible text to the kernel and take what came of it. True when it stopped for want of room. */
static bool run_kernel(struct worker *w, size_t visible, struct kernel_job *k)
{
    const struct worker_job *job = w->job;
    size_t rows_used = w->n_rows * w->schema->row_bytes;
    uint32_t n_rounded = w->outcome->rounded.n;

    *k = (struct kernel_job){
        .text = w->text,
        .text_bytes = visible,
        .last = w->at_end && (visible == w->text_bytes || job->skip_footer > 0),
        .rows = job->rows + rows_used,
        .capacity = w->one_by_one ? 1 : row_capacity(w) - w->n_rows,
        .longest = job->inferred != NULL ? job->longest : NULL,
        .rounded = job->inferred != NULL ? &w->outcome->rounded : NULL,
    };
    if (job->warm != NULL)
        job->warm(job->peer, rows_used + visible + visible / 4);
    job->kernel_class->parse(w->kernel, k);
    for (; n_rounded < w->outcome->rounded.n; n_rounded++)
        w->outcome->rounded.first[n_rounded].line_no += w->outcome->n_lines;
    fill_source(w, k->rows, k->n_rows);
    if (job->seal && !w->void_rows && k->n_rows > 0)
        seal_rows(w, k->rows, k->n_rows);
    w->n_rows += k->n_rows;
    w->outcome->n_rows += k->n_rows;
    w->outcome->tally.n_missing += k->tally.n_missing;
    w->outcome->tally.n_overflow += k->tally.n_overflow;
    use_text(w, k->text_used, k->lines_used);
    if (worth_publishing(w))
        publish(w);
    return k->n_rows == k->capacity;
}

/* Parse what text there is. 'done': the slice is. Errors a failure code. */
static int parse_text(struct worker *w, bool *done)
{
    for (;;) {
        size_t visible = visible_text(w);
        struct kernel_job k;
        int code;

        *done = past_slice(w) || (w->at_end && visible == 0);
        if (*done || visible == 0)
            return FAILURE_NONE;
        code = make_room(w);
        if (code != FAILURE_NONE)
            return code;
        if (run_kernel(w, visible, &k))
            continue;
        if (k.failure.code != FAILURE_NONE) {
            code = set_aside(w, &k);
            if (code != FAILURE_NONE)
                return code;
        } else if (k.text_used == visible) {
            continue; /* at the slice's end, or in need of text */
        } else if (visible < w->text_bytes && !w->one_by_one && w->job->skip_footer == 0) {
            w->one_by_one = true; /* a quoted field runs over the slice's end: finish its record, and only that */
        } else {
            return w->at_end ? FAILURE_INTERNAL : FAILURE_NONE;
        }
    }
}

/* Step over the rest of a line that belongs to the slice before. Errors a failure code. */
static int find_first_line(struct worker *w)
{
    for (;;) {
        const char *lf = w->text_bytes > 0 ? memchr(w->text, '\n', w->text_bytes) : NULL;
        size_t skip = lf != NULL ? (size_t)(lf - w->text) + 1 : w->text_bytes;
        int code;

        use_text(w, skip, 0);
        if (lf != NULL || w->at_end)
            return FAILURE_NONE;
        code = next_block(w);
        if (code != FAILURE_NONE)
            return code;
    }
}

/* Read and forget the text before 'from', where seeking cannot be. Errors a failure code. */
static int skip_text(struct worker *w, uint64_t n_bytes)
{
    while (n_bytes > 0) {
        size_t now = w->text_bytes < n_bytes ? w->text_bytes : (size_t)n_bytes;
        int code;

        use_text(w, now, 0);
        n_bytes -= now;
        if (n_bytes == 0 || w->at_end)
            return FAILURE_NONE;
        code = next_block(w);
        if (code != FAILURE_NONE)
            return code;
    }
    return FAILURE_NONE;
}

/* Open the input and come to the slice's first record. Errors a failure code. */
static int begin_slice(struct worker *w)
{
    const struct worker_job *job = w->job;
    bool whole_lines = job->exact || job->from == 0;
    uint64_t start = whole_lines ? job->from : job->from - 1;
    int code;

    w->stream = job->stream;
    if (w->stream == NULL && stream_open(&w->stream, job->path, &w->outcome->fatal) != 0)
        return w->outcome->fatal.code;
    if (stream_kind(w->stream) == CODEC_PLAIN && job->stream == NULL && stream_seek(w->stream, start) == 0)
        w->text_offset = w->read_offset = start;
    if (job->begin.file > 0) {
        if (stream_seek_member(w->stream, job->begin) != 0)
            return FAILURE_CHANGED;
        w->text_offset = w->read_offset = job->begin.text;
    }
    if (job->next.file > 0)
        stream_expect_member(w->stream, job->next);
    /* Not within a file's slices: they would inflate what is the next one's. */
    if (job->ahead && job->to == UINT64_MAX && stream_kind(w->stream) != CODEC_PLAIN && stream_is_seekable(w->stream) &&
        ahead_open(&w->ahead, w->stream) != 0)
        w->ahead = NULL;
    code = reserve_carry(w, 0);
    if (code == FAILURE_NONE && w->text_offset < start)
        code = skip_text(w, start - w->text_offset);
    if (code == FAILURE_NONE && !whole_lines)
        code = find_first_line(w);
    w->outcome->text_from = w->text_offset;
    return code;
}

static bool same_stamp(const struct stream_stamp *a, const struct stream_stamp *b)
{
    return a->bytes == b->bytes && a->modified_s == b->modified_s && a->modified_ns == b->modified_ns;
}

/*
 * A file that is not what it was when the work was planned has no right answer: another one may have its name, or
 * somebody writes to it.
 */
static int check_unchanged(const struct worker *w)
{
    uint64_t expected = w->job->file_bytes;
    struct stream_stamp now;

    if (w->job->stamp != NULL && stream_stamp(w->stream, &now) == 0 && !same_stamp(w->job->stamp, &now))
        return FAILURE_CHANGED;
    if (expected == 0 || w->job->to != UINT64_MAX || stream_kind(w->stream) != CODEC_PLAIN)
        return FAILURE_NONE;
    return w->read_offset == expected ? FAILURE_NONE : FAILURE_CHANGED;
}

static int read_slice(struct worker *w)
{
    bool done = false;
    int code = begin_slice(w);

    while (code == FAILURE_NONE) {
        code = parse_text(w, &done);
        if (code != FAILURE_NONE || done)
            break;
        if (w->at_end) {
            code = w->text_bytes > 0 && w->job->skip_footer == 0 ? FAILURE_INTERNAL : FAILURE_NONE;
            break;
        }
        code = next_block(w);
    }
    return code == FAILURE_NONE ? check_unchanged(w) : code;
}

void worker_run(struct worker_job *job)
{
    struct worker w = {.job = job, .outcome = job->outcome, .schema = job->schema, .kernel = job->kernel};
    struct outcome *o = job->outcome;
    int code;

    memset(o, 0, sizeof *o);
    o->state = OUTCOME_STARTED;
    begin_seals(&w);
    memset(job->surveys, 0, job->schema->n_columns * sizeof *job->surveys);
    for (size_t i = 0; i < job->schema->n_cells; i++)
        job->longest[i] = job->inferred != NULL ? job->guessed_from[job->schema->cells[i].column].longest : 0;
    if (job->discard)
        void_rows(&w);

    code = read_slice(&w);
    o->text_to = w.text_offset;
    __atomic_store_n(&o->counted, code == FAILURE_NONE, __ATOMIC_RELEASE);
    if (code == FAILURE_NONE)
        code = finish_rows(&w);
    if (code != FAILURE_NONE && o->fatal.code == FAILURE_NONE) {
        o->fatal.code = code;
        o->fatal.sys_errno = errno;
        o->fatal.line_no = o->n_lines + 1;
        o->fatal.byte_offset = w.text_offset;
        o->fatal.field = -1;
    }
    __atomic_store_n(&o->rows_ready, w.void_rows ? 0 : w.n_rows, __ATOMIC_RELEASE);
    o->state = OUTCOME_DONE;

    packer_close(w.packer);
    record_close(w.record);
    if (w.is_wider) {
        job->kernel_class->close(w.kernel);
        schema_release(&w.wider);
    }
    ahead_close(w.ahead);
    if (w.stream != NULL)
        stream_close(w.stream);
    release_buffer(&w);
}
