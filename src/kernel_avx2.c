/*
 * kernel_avx2.c - the kernel for processors with AVX2.
 *
 * index      64 bytes at a time to bit masks of where tokens start and end, and from those, one by one, to positions
 *            (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019, section 3.2)
 * measure    token lengths, 16 at a time, against what each column can hold
 * columns    a column of numbers for all records of a batch: 16 bytes that end where the token ends, what is not of the
 *            token masked off, digits joined in five multiplications (Mula, "SIMD-ized parsing of integers"), the
 *            point shuffled out, one exact division (Clinger, "How to Read Floating Point Numbers Accurately", 1990)
 * place      values to their cells in the rows, by kernel_block.c
 *
 * Whether a number is one that these 16 bytes settle is computed beside its value, without a jump; the records where
 * it is not are collected, and mended after the column.
 */
#include "kernel_block.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define TARGET __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt")))
#define INLINE TARGET static inline __attribute__((always_inline))

static bool avx2_supported(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt");
}

/* ---- index ----------------------------------------------------------------------------------------------------- */

/* What is carried from one 64 bytes to the next, and what has been seen so far. */
struct index_state {
    size_t n_starts, n_ends, n_lines;
    uint64_t solid;     /* blanks: bit 0, the byte before is in a token. delimited: it is a separator */
    uint64_t blank;     /* bit 0: the byte before is a blank */
    uint64_t crlf;      /* bit 0: the byte before is a CR and a LF follows */
    uint64_t lone_cr, padding, watched;
};

struct text_64 {
    __m256i low, high;
};

INLINE uint64_t join_masks(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

INLINE uint64_t equal(struct text_64 t, char c)
{
    __m256i all = _mm256_set1_epi8(c);

    return join_masks(_mm256_cmpeq_epi8(t.low, all), _mm256_cmpeq_epi8(t.high, all));
}

INLINE uint64_t members(struct text_64 t, const struct byte_set *set)
{
    __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)set->table));

    return join_masks(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, t.low), t.low),
                      _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, t.high), t.high));
}

/* Append the positions of the ones in 'mask', counted from 'base': always eight, since a jump per one costs more. */
INLINE void append(uint16_t *positions, size_t *n, uint64_t mask, size_t base)
{
    size_t n_ones = (size_t)_mm_popcnt_u64(mask);
    uint16_t *out = positions + *n;

    *n += n_ones;
    for (size_t done = 0; done < n_ones || done == 0; done += 8)
        for (size_t i = 0; i < 8; i++) {
            out[done + i] = (uint16_t)(base + _tzcnt_u64(mask));
            mask = _blsr_u64(mask);
        }
}

/* CRs before a LF are the line's end, others are for record_parse(). Returns the ends with the CR in the LF's place. */
INLINE uint64_t take_cr(struct index_state *s, uint64_t cr, uint64_t lf, uint64_t ends, bool next_is_lf)
{
    uint64_t crlf = cr & (lf >> 1 | (uint64_t)next_is_lf << 63);
    uint64_t before = crlf << 1 | s->crlf;

    s->lone_cr |= cr & ~crlf;
    s->crlf = crlf >> 63;
    return (ends & ~(lf & before)) | crlf;
}

/* 64 bytes at 'at', of which those in 'live' belong to the block. */
INLINE void index_64(struct block *b, const struct alphabet *a, struct index_state *s, size_t at, uint64_t live,
                     const bool delimited)
{
    struct text_64 text = {_mm256_loadu_si256((const __m256i *)(b->text + at)),
                           _mm256_loadu_si256((const __m256i *)(b->text + at + 32))};
    uint64_t lf = equal(text, '\n') & live;
    uint64_t cr = equal(text, '\r') & live;
    uint64_t starts, ends;

    if (delimited) {
        uint64_t separators = (equal(text, a->delimiter) & live) | lf;
        uint64_t blanks = members(text, &a->spaces);

        starts = (separators << 1 | s->solid) & live;
        ends = separators;
        s->solid = separators >> 63;
        s->padding |= (blanks & starts) | ((blanks << 1 | s->blank) & ends);
        s->blank = blanks >> 63;
    } else {
        uint64_t solid = ~members(text, &a->spaces) & live;
        uint64_t before = solid << 1 | s->solid;

        starts = solid & ~before;
        ends = before & ~solid;
        s->solid = solid >> 63;
    }
    if (__builtin_expect((cr | s->crlf) != 0, 0)) {
        uint64_t with_cr = take_cr(s, cr, lf, ends, b->text[at + 64] == '\n');

        if (delimited)
            ends = with_cr;
    }
    s->watched |= members(text, &a->watched) | equal(text, '\0');

    append(b->start, &s->n_starts, starts, at);
    append(b->end, &s->n_ends, ends, at);
    append(b->line_end, &s->n_lines, lf, at);
}

INLINE void index_block(struct block *b, const struct alphabet *a, const bool delimited)
{
    struct index_state s = {.solid = delimited};
    size_t at = 0;

    for (; at + 64 <= b->bytes; at += 64)
        index_64(b, a, &s, at, ~UINT64_C(0), delimited);
    if (at < b->bytes)
        index_64(b, a, &s, at, _bzhi_u64(~UINT64_C(0), (unsigned)(b->bytes - at)), delimited);
    b->n_lines = s.n_lines;
    b->n_tokens = s.n_starts;
    b->start[s.n_starts] = BLOCK_NOWHERE;
    b->has_watched = s.watched != 0;
    b->has_lone_cr = s.lone_cr != 0;
    b->has_padding = s.padding != 0;
}

TARGET static void avx2_index(struct block *b, const struct alphabet *a)
{
    if (a->delimited)
        index_block(b, a, true);
    else
        index_block(b, a, false);
}

/* ---- measure --------------------------------------------------------------------------------------------------- */

/* Tokens longer than their columns allow: their records are to be done over. */
TARGET static void measure(struct block_kernel *k, const struct run *run)
{
    const uint16_t *start = k->block.start + run->token, *end = k->block.end + run->token;
    const size_t n_tokens = run->n_records * k->n_columns, step = 16 % k->n_columns;
    size_t phase = 0;

    for (size_t t = 0; t < n_tokens; t += 16) {
        __m256i length = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)(end + t)),
                                          _mm256_loadu_si256((const __m256i *)(start + t)));
        __m256i limit = _mm256_loadu_si256((const __m256i *)(k->limits + phase));
        __m256i excess = _mm256_subs_epu16(length, limit);

        if (__builtin_expect(!_mm256_testz_si256(excess, excess), 0))
            for (size_t i = t; i < t + 16 && i < n_tokens; i++)
                if (end[i] - start[i] > k->limits[i % k->n_columns])
                    block_mark_long(k, i);
        phase += step;
        phase -= phase >= k->n_columns ? k->n_columns : 0;
    }
}

/* ---- strings --------------------------------------------------------------------------------------------------- */

/* Sixteen bytes of which from byte 16 - n on the last n are all ones: to be loaded at n, and for a head at 32 - n. */
static const uint8_t ones_behind[48] = {[16] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                        0xff,        0xff, 0xff, 0xff, 0xff};

INLINE __m128i first_bytes(size_t n)
{
    return _mm_loadu_si128((const __m128i *)(ones_behind + 32 - n));
}

/*
 * 16 bytes at a time, NUL after the token's end. A store may reach 15 bytes past its cell: cells come in the order of
 * their offsets, rows one after the other, and numbers later, so what it spills on is not stored yet.
 */
TARGET static void place_strings(const struct block_kernel *k, const struct run *run)
{
    const struct block *b = &k->block;
    unsigned char *row = run->rows;
    size_t t = run->token;

    for (size_t r = 0; r < run->n_records; r++, t += k->n_columns, row += k->row_bytes) {
        for (size_t i = 0; i < k->n_strings; i++) {
            const struct cell *c = k->strings[i];
            const char *text = b->text + b->start[t + c->column];
            size_t length = (size_t)(b->end[t + c->column] - b->start[t + c->column]);

            for (size_t at = 0; at < c->bytes; at += 16) {
                size_t left = at < length ? length - at : 0;
                const char *from = at < length ? text + at : text;
                __m128i kept = first_bytes(left < 16 ? left : 16);

                _mm_storeu_si128((__m128i *)(row + c->offset + at),
                                 _mm_and_si128(_mm_loadu_si128((const __m128i *)from), kept));
            }
        }
    }
}

/* ---- columns --------------------------------------------------------------------------------------------------- */

enum {
    LANE = 16,
    BATCH = 128, /* records: what goes between loops stays in the first cache */
};

struct plan {
    _Alignas(64) uint64_t values[BATCH];
    uint16_t open[BATCH + 1]; /* records whose value has to be mended */
};

static void *avx2_plan(const struct block_kernel *k)
{
    (void)k;
    return aligned_alloc(64, (sizeof(struct plan) + 63) / 64 * 64);
}

/* The last n of sixteen digits; all sixteen when n is larger. */
INLINE __m128i last_bytes(size_t n)
{
    static const uint8_t mask[64] = {[16] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff,        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff,        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff,        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    return _mm_loadu_si128((const __m128i *)(mask + (n & 31)));
}

/* Sixteen digits to their number: pairs, fours, eights by sums of products, and the two eights by one more. */
INLINE uint64_t join_all(__m128i digits)
{
    __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
    __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);

    return (both & 0xffffffff) * 100000000 + (both >> 32);
}

/* Closes the gap of a point at byte p: what is before it moves up one. At 15 there is nothing to close. */
static const _Alignas(16) uint8_t close_point[LANE][LANE] = {
#define FROM(p, j) (uint8_t)((j) > (p) || (p) == 15 ? (j) : (j) > 0 ? (j) - 1 : 0x80)
#define ROW(p) \
    {FROM(p, 0), FROM(p, 1), FROM(p, 2),  FROM(p, 3),  FROM(p, 4),  FROM(p, 5),  FROM(p, 6),  FROM(p, 7), \
     FROM(p, 8), FROM(p, 9), FROM(p, 10), FROM(p, 11), FROM(p, 12), FROM(p, 13), FROM(p, 14), FROM(p, 15)}
    ROW(0), ROW(1), ROW(2),  ROW(3),  ROW(4),  ROW(5),  ROW(6),  ROW(7),
    ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15),
#undef ROW
#undef FROM
};

/* 10^f by where the point is: f digits are behind it. */
static const double tens[LANE] = {1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1, 1e0};

/* A token's digits, and its sign. */
struct digits {
    __m128i lane;
    bool minus;
    bool open; /* nothing left, or longer than a lane */
};

INLINE struct digits take_digits(const char *text, size_t start, size_t end)
{
    struct digits d = {.minus = text[start] == '-'};
    size_t n = end - start - d.minus;

    d.lane = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(text + end - LANE)), _mm_set1_epi8('0'));
    d.lane = _mm_and_si128(d.lane, last_bytes(n));
    d.open = n - 1 >= LANE;
    return d;
}

INLINE bool integer_of(const char *text, size_t start, size_t end, uint64_t limit, bool is_signed, uint64_t *value)
{
    struct digits d = take_digits(text, start, end);
    __m128i excess = _mm_subs_epu8(d.lane, _mm_set1_epi8(9));
    uint64_t magnitude = join_all(d.lane);

    *value = (magnitude ^ -(uint64_t)d.minus) + d.minus;
    return d.open | !_mm_testz_si128(excess, excess) | (magnitude > limit) | (d.minus & !is_signed);
}

/* The value's double; a point at the lane's end would have no digit behind it, and counts as none. */
INLINE bool float_of(const char *text, size_t start, size_t end, uint64_t *bits, const bool narrow)
{
    struct digits d = take_digits(text, start, end);
    __m128i good = _mm_cmpeq_epi8(_mm_min_epu8(d.lane, _mm_set1_epi8(9)), d.lane);
    unsigned points = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(d.lane, _mm_set1_epi8('.' - '0')));
    unsigned foreign = (unsigned)_mm_movemask_epi8(good) ^ 0xffff;
    unsigned at = (unsigned)_tzcnt_u32(points | 0x8000);
    uint64_t magnitude = join_all(_mm_shuffle_epi8(d.lane, _mm_load_si128((const __m128i *)close_point[at])));
    double value = (double)(int64_t)magnitude / tens[at];
    bool open = d.open | (foreign != ((1u << at) & 0x7fff)) | (magnitude > UINT64_C(1) << 53);

    memcpy(bits, &value, sizeof value);
    if (!narrow) {
        *bits |= (uint64_t)d.minus << 63;
        return open;
    }
    /* Exactly between two floats: the double may have been rounded to there. */
    open |= (*bits & 0x1fffffff) == 0x10000000;
    float small = (float)value;
    uint32_t small_bits;
    memcpy(&small_bits, &small, sizeof small_bits);
    *bits = small_bits | (uint32_t)d.minus << 31;
    return open;
}

enum shape { SHAPE_INTEGER, SHAPE_FLOAT, SHAPE_DOUBLE };

/* A column of a batch to values. Returns how many records are open. */
INLINE size_t convert_column(const struct block_kernel *k, struct plan *restrict p, const struct cell *c,
                             const struct run *run, size_t record, size_t n_records, const enum shape shape)
{
    const char *text = k->block.text;
    const size_t n_columns = k->n_columns, token = run->token + record * n_columns + c->column;
    const uint16_t *restrict start = k->block.start + token, *restrict end = k->block.end + token;
    const uint64_t limit = UINT64_MAX >> (64 - 8 * c->bytes) >> (c->kind == KIND_INT);
    size_t n_open = 0;

    for (size_t r = 0; r < n_records; r++, start += n_columns, end += n_columns) {
        bool open = shape == SHAPE_INTEGER
                        ? integer_of(text, *start, *end, limit, c->kind == KIND_INT, &p->values[r])
                        : float_of(text, *start, *end, &p->values[r], shape == SHAPE_FLOAT);

        p->open[n_open] = (uint16_t)r;
        n_open += open;
    }
    return n_open;
}

#define CONVERT(name, shape)                                                                                             \
    TARGET static __attribute__((noinline)) size_t name(const struct block_kernel *k, struct plan *p,                    \
                                                        const struct cell *c, const struct run *run, size_t record,      \
                                                        size_t n_records)                                                \
    {                                                                                                                    \
        return convert_column(k, p, c, run, record, n_records, shape);                                                   \
    }

CONVERT(convert_integers, SHAPE_INTEGER)
CONVERT(convert_floats, SHAPE_FLOAT)
CONVERT(convert_doubles, SHAPE_DOUBLE)

/* What is not open yet but may be missing: appended. Returns how many are open now. */
static size_t open_suspects(struct plan *p, const struct number *number, size_t n_records, size_t n_open)
{
    const size_t n_before = n_open;

    for (size_t r = 0, next = 0; r < n_records; r++) {
        if (next < n_before && p->open[next] == r)
            next++;
        else if (kernel_is_suspect(number, p->values[r]))
            p->open[n_open++] = (uint16_t)r;
    }
    return n_open;
}

TARGET static void avx2_convert(struct block_kernel *k, const struct run *run)
{
    struct plan *p = k->plan;

    if (k->has_limits)
        measure(k, run);
    if (k->n_strings > 0)
        place_strings(k, run);
    for (size_t record = 0; record < run->n_records; record += BATCH) {
        size_t n_records = run->n_records - record < BATCH ? run->n_records - record : BATCH;

        for (const struct number *n = k->numbers; n < k->numbers + k->n_numbers; n++) {
            size_t n_open = (n->cell->kind != KIND_FLOAT   ? convert_integers
                             : n->cell->bytes == sizeof(float) ? convert_floats
                                                           : convert_doubles)(k, p, n->cell, run, record, n_records);

            if (n->n_suspects > 0)
                n_open = open_suspects(p, n, n_records, n_open);
            block_place(k, run, record, n_records, n->cell, p->values, 1);
            for (size_t i = 0; i < n_open; i++)
                block_mend(k, run, record + p->open[i], n->cell);
        }
    }
}

static const struct block_engine engine = {avx2_index, avx2_convert, avx2_plan};

static struct kernel *avx2_open(const struct schema *schema, const struct dialect *dialect)
{
    return block_open(schema, dialect, &engine);
}

#else

static bool avx2_supported(void)
{
    return false;
}

static struct kernel *avx2_open(const struct schema *schema, const struct dialect *dialect)
{
    (void)schema;
    (void)dialect;
    return NULL;
}

#endif

const struct kernel_class kernel_avx2 = {"avx2", avx2_supported, avx2_open, block_parse, block_close};
