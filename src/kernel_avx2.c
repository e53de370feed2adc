/*
 * kernel_avx2.c - the kernel for processors with AVX2.
 *
 * index      64 bytes at a time to bit masks of where tokens start and end, and from those, one by one, to positions
 *            (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019, section 3.2)
 * measure    token lengths, 16 at a time, against what each column can hold
 * columns    a column of numbers for all records of a batch. One by one, the 16 bytes that end where the token ends
 *            become digits: what is not of the token is masked off, the point shuffled out. Then four at a time the
 *            digits are joined in five multiplications (Mula, "SIMD-ized parsing of integers", 2014 on) and, for
 *            floats, divided once (Clinger, "How to Read Floating Point Numbers Accurately", 1990)
 * place      values to their cells in the rows, by kernel_block.c
 *
 * A number that these 16 bytes do not settle is open, and mended after its column.
 */
#include "kernel_block.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define TARGET __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define INLINE TARGET static inline __attribute__((always_inline))

static bool avx2_supported(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt");
}

enum { LANE = 16 }; /* bytes of text that a number may have, or of a string that are moved at a time */

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

/* Append the positions of the ones in 'mask', counted from 'base'. 'step' at a time: a jump for each costs more. */
INLINE void append(uint16_t *positions, size_t *n, uint64_t mask, size_t base, const size_t step)
{
    size_t n_ones = (size_t)_mm_popcnt_u64(mask);
    uint16_t *out = positions + *n;

    *n += n_ones;
    for (size_t done = 0; done < n_ones; done += step)
        for (size_t i = 0; i < step; i++) {
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

    append(b->start, &s->n_starts, starts, at, 8);
    append(b->end, &s->n_ends, ends, at, 8);
    append(b->line_end, &s->n_lines, lf, at, 4);
}

INLINE void index_block(struct block *b, const struct alphabet *a, const bool delimited)
{
    struct index_state s = {.solid = delimited};
    size_t at = 0;

    for (; at + 64 <= b->bytes; at += 64) {
        __builtin_prefetch(b->rows + at, 1);
        index_64(b, a, &s, at, ~UINT64_C(0), delimited);
    }
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

/* Of sixteen bytes the first n. */
INLINE __m128i first_bytes(size_t n)
{
    static const _Alignas(32) uint8_t mask[32] = {[0 ... 15] = 0xff};

    return _mm_loadu_si128((const __m128i *)(mask + LANE - n));
}

/* The first n bytes of sixteen, and no other. The same n all down a column, so these jumps are never surprising. */
INLINE void store_first(unsigned char *place, __m128i bytes, size_t n)
{
    if (n >= LANE) {
        _mm_storeu_si128((__m128i *)place, bytes);
        return;
    }
    if (n & 8) {
        _mm_storel_epi64((__m128i *)place, bytes);
        bytes = _mm_srli_si128(bytes, 8);
        place += 8;
    }
    uint64_t rest = (uint64_t)_mm_cvtsi128_si64(bytes);
    if (n & 4) {
        memcpy(place, &rest, 4);
        rest >>= 32;
        place += 4;
    }
    if (n & 2) {
        memcpy(place, &rest, 2);
        rest >>= 16;
        place += 2;
    }
    if (n & 1)
        memcpy(place, &rest, 1);
}

/* A column of strings, 16 bytes at a time, NUL behind the token's end. */
TARGET static void place_string(const struct block_kernel *k, const struct run *run, const struct cell *c)
{
    const struct block *b = &k->block;
    const uint16_t *start = b->start + run->token + c->column, *end = b->end + run->token + c->column;
    const size_t n_records = run->n_records, n_columns = k->n_columns, row_bytes = k->row_bytes, bytes = c->bytes;
    const char *all = b->text;

    for (size_t at = 0; at < bytes; at += LANE) {
        unsigned char *place = run->rows + c->offset + at;

        for (size_t r = 0, t = 0; r < n_records; r++, t += n_columns, place += row_bytes) {
            size_t length = (size_t)(end[t] - start[t]), left = at < length ? length - at : 0;
            __m128i text = _mm_loadu_si128((const __m128i *)(all + start[t] + (left > 0 ? at : 0)));

            store_first(place, _mm_and_si128(text, first_bytes(left < LANE ? left : LANE)), bytes - at);
        }
    }
}

/* ---- columns --------------------------------------------------------------------------------------------------- */

enum {
    STEP = 4,    /* values at a time */
    BATCH = 128, /* records: what goes between loops stays in the first cache */
};

/* What goes from loop to loop, per record. */
struct plan {
    _Alignas(64) uint8_t digits[BATCH][LANE]; /* right-aligned */
    _Alignas(64) double tens[BATCH];          /* floats: what the digits are to be divided by */
    _Alignas(64) uint64_t values[BATCH];
    _Alignas(64) int8_t minus[BATCH];         /* -1 or 0 */
    _Alignas(64) uint32_t open[BATCH];        /* not 0: to be mended */
};

static void *avx2_plan(const struct block_kernel *k)
{
    struct plan *p = aligned_alloc(64, (sizeof *p + 63) / 64 * 64);

    (void)k;
    if (p != NULL)
        memset(p, 0, sizeof *p); /* the last step of a batch may reach past its records */
    return p;
}

/* The last n of sixteen bytes; all sixteen when n is 16 to 31. */
INLINE __m128i last_bytes(uint32_t n)
{
    static const _Alignas(64) uint8_t mask[48] = {[16 ... 47] = 0xff};

    return _mm_loadu_si128((const __m128i *)(mask + (n & 31)));
}

/* Closes the gap of a point at byte p: what is before it moves up one. At 15 there is nothing to close. */
static const _Alignas(64) uint8_t close_point[LANE][LANE] = {
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
static const double tens[LANE] = {1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9, 1e8,
                                  1e7,  1e6,  1e5,  1e4,  1e3,  1e2,  1e1, 1e0};

/*
 * A lane with a point to the digits alone. Returns 0 when that settles it: nothing else is no digit, and the point has
 * a digit behind it (one at byte 15 counts as none).
 */
INLINE uint32_t take_point(__m128i *lane, double *ten)
{
    __m128i good = _mm_cmpeq_epi8(_mm_min_epu8(*lane, _mm_set1_epi8(9)), *lane);
    unsigned points = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(*lane, _mm_set1_epi8('.' - '0')));
    unsigned foreign = (unsigned)_mm_movemask_epi8(good) ^ 0xffff;
    unsigned at = (unsigned)_tzcnt_u32(points | 0x8000);

    *lane = _mm_shuffle_epi8(*lane, _mm_load_si128((const __m128i *)close_point[at]));
    *ten = tens[at];
    return foreign ^ ((1u << at) & 0x7fff);
}

/* First loop: tokens to digits. Returns not 0 when something is open. */
INLINE uint32_t gather(const struct block_kernel *k, struct plan *restrict p, const struct cell *c,
                       const struct run *run, size_t record, size_t n_records, const bool floats)
{
    const char *text = k->block.text;
    const size_t n_columns = k->n_columns, token = run->token + record * n_columns + c->column;
    const uint16_t *start = k->block.start + token, *end = k->block.end + token;
    const uint32_t is_unsigned = c->kind == KIND_UINT;
    uint32_t any = 0;

    for (size_t r = 0; r < n_records; r++, start += n_columns, end += n_columns) {
        /*
         * What is true or false is computed in whole words, without a comparison: compilers put the outcome of one into
         * a byte of a register, and the rest of that register then ties each record to the one before.
         */
        uint32_t minus = (((uint32_t)(uint8_t)text[*start] ^ '-') - 1) >> 31;
        uint32_t n = (uint32_t)(*end - *start) - minus;
        uint32_t open = ((n - 1) & ~(uint32_t)(LANE - 1)) | (minus & is_unsigned);
        __m128i lane = _mm_loadu_si128((const __m128i *)(text + *end - LANE));

        lane = _mm_and_si128(_mm_sub_epi8(lane, _mm_set1_epi8('0')), last_bytes(n));
        if (floats)
            open |= take_point(&lane, &p->tens[r]);
        _mm_store_si128((__m128i *)p->digits[r], lane);
        p->minus[r] = (int8_t)-(int32_t)minus;
        p->open[r] = open;
        any |= open;
    }
    return any;
}

/* Pairs of digits, then fours: 32-bit elements. */
INLINE __m256i join_fours(__m256i digits)
{
    return _mm256_madd_epi16(_mm256_maddubs_epi16(digits, _mm256_set1_epi16(0x010a)), _mm256_set1_epi32(0x00010064));
}

/* The numbers that four lanes of sixteen digits spell. Packing leaves the second and third changed over. */
INLINE __m256i join_all(__m256i low, __m256i high)
{
    __m256i fours = _mm256_packus_epi32(join_fours(low), join_fours(high));
    __m256i eights = _mm256_madd_epi16(fours, _mm256_set1_epi32(0x00012710));
    __m256i upper = _mm256_mul_epu32(eights, _mm256_set1_epi64x(100000000));

    return _mm256_permute4x64_epi64(_mm256_add_epi64(upper, _mm256_srli_epi64(eights, 32)), 0xd8);
}

/* Integers up to 2^53 to doubles: halves in the fractions of 2^84 and 2^52, which are then taken off. */
INLINE __m256d to_doubles(__m256i integers)
{
    const __m256i in_84 = _mm256_set1_epi64x(0x4530000000000000), in_52 = _mm256_set1_epi64x(0x4330000000000000);
    __m256d high = _mm256_castsi256_pd(_mm256_or_si256(_mm256_srli_epi64(integers, 32), in_84));
    __m256d low = _mm256_castsi256_pd(_mm256_blend_epi32(integers, in_52, 0xaa));

    return _mm256_add_pd(_mm256_sub_pd(high, _mm256_set1_pd(0x1p84 + 0x1p52)), low);
}

enum shape { SHAPE_INTEGER, SHAPE_FLOAT, SHAPE_DOUBLE };

/*
 * Second loop: digits to values. Open are magnitudes beyond 'limit', integers with something that is no digit, and
 * floats whose double is exactly between two of them: it may have been rounded to there from either side.
 */
INLINE uint32_t evaluate(struct plan *restrict p, uint64_t limit, size_t n_records, const enum shape shape)
{
    const __m256i largest = _mm256_set1_epi64x((long long)limit), nine = _mm256_set1_epi8(9);
    const __m256i below_float = _mm256_set1_epi64x(0x1fffffff), middle = _mm256_set1_epi64x(0x10000000);
    uint32_t any = 0;

    for (size_t r = 0; r < n_records; r += STEP) {
        __m256i low = _mm256_load_si256((const __m256i *)p->digits[r]);
        __m256i high = _mm256_load_si256((const __m256i *)p->digits[r + 2]);
        __m256i magnitude = join_all(low, high), open = _mm256_cmpgt_epi64(magnitude, largest);
        int32_t signs;
        memcpy(&signs, &p->minus[r], sizeof signs);
        __m256i minus = _mm256_cvtepi8_epi64(_mm_cvtsi32_si128(signs));

        if (shape == SHAPE_INTEGER) {
            __m256i excess = _mm256_or_si256(_mm256_subs_epu8(low, nine), _mm256_subs_epu8(high, nine));
            if (__builtin_expect(!_mm256_testz_si256(excess, excess), 0))
                open = _mm256_set1_epi8(-1); /* one of them, or more: all four may be looked at again */
            _mm256_store_si256((__m256i *)&p->values[r], _mm256_sub_epi64(_mm256_xor_si256(magnitude, minus), minus));
        } else {
            __m256d value = _mm256_div_pd(to_doubles(magnitude), _mm256_load_pd(&p->tens[r]));
            __m256i bits = _mm256_xor_si256(_mm256_castpd_si256(value), _mm256_slli_epi64(minus, 63));
            if (shape == SHAPE_FLOAT) {
                open = _mm256_or_si256(open, _mm256_cmpeq_epi64(_mm256_and_si256(bits, below_float), middle));
                bits = _mm256_cvtepu32_epi64(_mm_castps_si128(_mm256_cvtpd_ps(_mm256_castsi256_pd(bits))));
            }
            _mm256_store_si256((__m256i *)&p->values[r], bits);
        }
        unsigned found = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(open));
        any |= found;
        for (; __builtin_expect(found != 0, 0); found &= found - 1)
            p->open[r + (unsigned)__builtin_ctz(found)] = 1;
    }
    return any;
}

/* Both loops for a column and a batch. Returns not 0 when something is open. */
INLINE uint32_t convert_batch(const struct block_kernel *k, struct plan *p, const struct cell *c, const struct run *run,
                              size_t record, size_t n_records, uint64_t limit, const enum shape shape)
{
    uint32_t any = gather(k, p, c, run, record, n_records, shape != SHAPE_INTEGER);

    return any | evaluate(p, limit, n_records, shape);
}

TARGET static uint32_t convert_integers(const struct block_kernel *k, struct plan *p, const struct cell *c,
                                        const struct run *run, size_t record, size_t n_records)
{
    uint64_t largest = UINT64_MAX >> (64 - 8 * c->bytes) >> (c->kind == KIND_INT);

    if (largest > INT64_MAX) /* comparisons are signed, and sixteen digits need no more */
        largest = INT64_MAX;
    return convert_batch(k, p, c, run, record, n_records, largest, SHAPE_INTEGER);
}

static const uint64_t exact_limit = UINT64_C(1) << 53;

TARGET static uint32_t convert_floats(const struct block_kernel *k, struct plan *p, const struct cell *c,
                                      const struct run *run, size_t record, size_t n_records)
{
    return convert_batch(k, p, c, run, record, n_records, exact_limit, SHAPE_FLOAT);
}

TARGET static uint32_t convert_doubles(const struct block_kernel *k, struct plan *p, const struct cell *c,
                                       const struct run *run, size_t record, size_t n_records)
{
    return convert_batch(k, p, c, run, record, n_records, exact_limit, SHAPE_DOUBLE);
}

/* A column of numbers of a batch, from text to rows. */
static void convert_column(struct block_kernel *k, struct plan *p, const struct number *number, const struct run *run,
                           size_t record, size_t n_records)
{
    const struct cell *c = number->cell;
    uint32_t any;

    if (c->kind != KIND_FLOAT)
        any = convert_integers(k, p, c, run, record, n_records);
    else if (c->bytes == sizeof(float))
        any = convert_floats(k, p, c, run, record, n_records);
    else
        any = convert_doubles(k, p, c, run, record, n_records);
    block_place(k, run, record, n_records, c, p->values, 1);

    for (size_t r = 0; number->n_suspects > 0 && r < n_records; r++)
        any |= p->open[r] |= kernel_is_suspect(number, p->values[r]);
    for (size_t r = 0; any != 0 && r < n_records; r++)
        if (p->open[r] != 0)
            block_mend(k, run, record + r, c);
}

TARGET static void avx2_convert(struct block_kernel *k, const struct run *run)
{
    if (k->has_limits)
        measure(k, run);
    for (size_t i = 0; i < k->n_strings; i++)
        place_string(k, run, k->strings[i]);
    for (size_t record = 0; record < run->n_records; record += BATCH) {
        size_t n_records = run->n_records - record < BATCH ? run->n_records - record : BATCH;

        for (size_t i = 0; i < k->n_numbers; i++)
            convert_column(k, k->plan, &k->numbers[i], run, record, n_records);
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
