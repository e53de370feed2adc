/*
 * kernel_avx512.c - the kernel for processors with AVX-512 and its byte instructions (VBMI, VBMI2, BITALG).
 *
 * index      64 bytes at a time to bit masks of where tokens start and end; vpcompressb turns a mask into positions,
 *            all of them at once and without a jump
 * measure    token lengths, 32 at a time, against what each column can hold
 * quads      four number cells near each other make a quad, a lane of 16 bytes each, and two records of it fill two
 *            vectors. Points are shifted out under a mask, digits joined in five multiplications, floats divided by
 *            their power of ten: eight values come out
 * place      values to their cells in the rows, here where four lie side by side, else by kernel_block.c
 *
 * The lane arithmetic on digits is Wojciech Mula's ("SIMD-ized parsing of integers", 2014 on); that m / 10^f is
 * correctly rounded for m <= 2^53 and f <= 22 is Clinger's ("How to Read Floating Point Numbers Accurately", 1990).
 * What a lane cannot hold (over 16 characters, exponents, inf, nan, '+') and what it cannot decide goes to
 * block_mend().
 */
#include "kernel_block.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2,avx512bitalg,bmi,bmi2,popcnt"
#define TARGET __attribute__((target(FEATURES)))
#define INLINE TARGET static inline __attribute__((always_inline))

static bool avx512_supported(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

/* ---- index ----------------------------------------------------------------------------------------------------- */

/* The numbers 0 to 63, to be compressed by a mask into the positions of its ones. */
static const uint8_t counting[64] = {
#define EIGHT(n) (n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7
    EIGHT(0), EIGHT(8), EIGHT(16), EIGHT(24), EIGHT(32), EIGHT(40), EIGHT(48), EIGHT(56)
#undef EIGHT
};

/* What is carried from one 64 bytes to the next, and what has been seen so far. */
struct index_state {
    size_t n_starts, n_ends, n_lines;
    uint64_t solid;     /* blanks: bit 0, the byte before is in a token. delimited: it is a separator */
    uint64_t blank;     /* bit 0: the byte before is a blank */
    uint64_t crlf;      /* bit 0: the byte before is a CR and a LF follows */
    uint64_t lone_cr, padding;
    __mmask64 watched;
    __m512i smallest;   /* per lane the smallest byte: 0 tells of a NUL */
};

INLINE __mmask64 members(__m512i set, __m512i text)
{
    return _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(set, text), text);
}

/* Append the positions of the ones in 'mask', counted from 'base'. Writes up to 64 entries from *n on. */
INLINE void append(uint16_t *positions, size_t *n, uint64_t mask, __m512i base, bool up_to_64)
{
    size_t n_ones = (size_t)__builtin_popcountll(mask);
    __m512i ones = _mm512_maskz_compress_epi8(mask, _mm512_loadu_si512(counting));

    _mm512_storeu_si512(positions + *n, _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_castsi512_si256(ones)), base));
    if (up_to_64 && __builtin_expect(n_ones > 32, 0))
        _mm512_storeu_si512(positions + *n + 32,
                            _mm512_add_epi16(_mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(ones, 1)), base));
    *n += n_ones;
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
    const __m512i spaces = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)a->spaces.table));
    const __m512i watched = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)a->watched.table));
    const __m512i base = _mm512_set1_epi16((short)at);
    __m512i text = _mm512_loadu_si512(b->text + at);
    uint64_t lf = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('\n')) & live;
    uint64_t cr = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('\r')) & live;
    uint64_t starts, ends;

    if (delimited) {
        uint64_t separators = (_mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(a->delimiter)) & live) | lf;
        uint64_t blanks = members(spaces, text);

        starts = (separators << 1 | s->solid) & live;
        ends = separators;
        s->solid = separators >> 63;
        s->padding |= (blanks & starts) | ((blanks << 1 | s->blank) & ends);
        s->blank = blanks >> 63;
    } else {
        uint64_t solid = ~members(spaces, text) & live;
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
    s->watched = _kor_mask64(s->watched, members(watched, text));
    s->smallest = _mm512_min_epu8(s->smallest, text);

    _mm512_storeu_si512(b->first + s->n_starts, _mm512_maskz_compress_epi8(starts, text));
    append(b->start, &s->n_starts, starts, base, delimited);
    append(b->end, &s->n_ends, ends, base, delimited);
    append(b->line_end, &s->n_lines, lf, base, true);
}

INLINE void index_block(struct block *b, const struct alphabet *a, const bool delimited)
{
    struct index_state s = {.solid = delimited, .smallest = _mm512_set1_epi8(-1)};
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
    b->has_watched = s.watched != 0 || _mm512_testn_epi8_mask(s.smallest, s.smallest) != 0;
    b->has_lone_cr = s.lone_cr != 0;
    b->has_padding = s.padding != 0;
}

TARGET static void avx512_index(struct block *b, const struct alphabet *a)
{
    if (a->delimited)
        index_block(b, a, true);
    else
        index_block(b, a, false);
}

/* ---- plan ------------------------------------------------------------------------------------------------------ */

enum {
    QUAD = 4,
    QUAD_WINDOW = 16, /* columns that a quad may reach over: its sizes are picked from 16 bytes */
    BATCH = 128,      /* records between two stages, so that what goes between them stays in the first cache */
};

/* Where a quad's cells are in the row: anywhere, or four side by side as they come, of 4 or of 8 bytes. */
enum layout { LAYOUT_ANY, LAYOUT_FOURS, LAYOUT_EIGHTS };

struct plan;
struct quad;

/* One quad of some of a run's records, a batch at most, to values. Returns whether any is open. */
typedef bool batch_function(const struct block_kernel *k, struct plan *p, const struct quad *q, const struct run *run,
                            size_t record, size_t n_records);

/*
 * Up to four number cells of near columns. Values are in the order of records, then cells: bit 4 * r + c of the masks
 * and element 4 * r + c of limit. Lanes are in the order that packing will bring to that: the vector 'even' holds
 * cells 0 and 2 of record 0, then of record 1, and 'odd' cells 1 and 3.
 */
struct quad {
    _Alignas(64) uint8_t pick_even[64]; /* per byte of a lane the number of its size in the window */
    _Alignas(64) uint8_t pick_odd[64];
    _Alignas(64) uint64_t limit[8];     /* largest magnitude that the cell holds, or that converts exactly */
    uint64_t points_even, points_odd;   /* lanes in which a decimal point may be */
    uint8_t floats, narrow, unsigneds;  /* cells f4 and f8; f4; u1 to u8 */
    uint8_t live;                       /* cells that are not just there to fill the quad up */
    uint16_t first_column;
    uint16_t column[QUAD];
    enum layout layout;
    batch_function *convert;
    size_t n_cells;
    const struct number *number[QUAD];
};

/* What goes from stage to stage is there for each two records. */
struct plan {
    size_t n_quads;
    __m512i digits[BATCH / 2][2];       /* right-aligned in their lanes */
    _Alignas(64) uint64_t foreign[BATCH / 2 + 4][2]; /* bytes that are no digits */
    _Alignas(64) uint64_t point[BATCH / 2 + 4][2];   /* the decimal point; then all up to it */
    _Alignas(64) uint16_t to_point[BATCH / 2 + 4][8]; /* bytes up to the point, in the order of values */
    _Alignas(64) uint64_t values[BATCH / 2][8];
    uint8_t minus[BATCH / 2 + 4];       /* values that are negative */
    uint8_t open[BATCH / 2 + 4];        /* values that are to be mended */
    _Alignas(64) uint8_t size[BLOCK_ENTRIES];
    _Alignas(64) struct quad quads[];
};

static uint64_t largest_magnitude(const struct cell *c)
{
    if (c->kind == KIND_FLOAT)
        return UINT64_C(1) << 53;
    return UINT64_MAX >> (64 - 8 * c->bytes) >> (c->kind == KIND_INT);
}

/* Cell 'i' of the quad is that number; both records alike. */
static void quad_set(struct quad *q, size_t i, const struct number *number)
{
    const struct cell *c = number->cell;
    uint8_t *pick = i % 2 == 0 ? q->pick_even : q->pick_odd;
    uint64_t *points = i % 2 == 0 ? &q->points_even : &q->points_odd;
    uint8_t bits = (uint8_t)(0x11 << i);

    q->number[i] = number;
    q->column[i] = (uint16_t)c->column;
    for (size_t record = 0; record < 2; record++) {
        size_t lane = 2 * record + i / 2;

        memset(pick + 16 * lane, (int)(c->column - q->first_column), 16);
        if (c->kind == KIND_FLOAT)
            *points |= UINT64_C(0xffff) << (16 * lane);
        q->limit[QUAD * record + i] = largest_magnitude(c);
    }
    if (c->kind == KIND_FLOAT)
        q->floats |= bits;
    if (c->kind == KIND_FLOAT && c->bytes == sizeof(float))
        q->narrow |= bits;
    if (c->kind == KIND_UINT)
        q->unsigneds |= bits;
}

static enum layout quad_layout(const struct quad *q)
{
    const struct cell *first = q->number[0]->cell;
    bool suspects = false;

    for (size_t i = 0; i < QUAD; i++) {
        const struct cell *c = q->number[i]->cell;

        if (c->swap || c->bytes != first->bytes || c->offset != first->offset + i * c->bytes)
            return LAYOUT_ANY;
        suspects |= q->number[i]->n_suspects > 0;
    }
    if (first->bytes == 4 && !suspects) /* for these, values of eight bytes are to be looked at */
        return LAYOUT_FOURS;
    return first->bytes == 8 ? LAYOUT_EIGHTS : LAYOUT_ANY;
}

/* ---- measure --------------------------------------------------------------------------------------------------- */

enum {
    LANE = 16,
    SIZE_LIMIT = 2 * LANE + 1, /* larger: open */
    SIZE_OPEN = 255,
};

/*
 * The size of each of the run's tokens as a number: twice its length without a '-', plus 1 if there is one, so that a
 * lane needs one comparison for its mask; SIZE_OPEN when nothing is left or it is longer than a lane.
 */
TARGET static void measure(struct block_kernel *k, struct plan *p, const struct run *run)
{
    const struct block *b = &k->block;
    const size_t n_tokens = run->n_records * k->n_columns, step = 32 % k->n_columns;
    size_t phase = 0;

    for (size_t t = 0; t < n_tokens; t += 32) {
        __m512i length = _mm512_sub_epi16(_mm512_loadu_si512(b->end + run->token + t),
                                          _mm512_loadu_si512(b->start + run->token + t));
        __m256i first = _mm256_loadu_si256((const __m256i *)(b->first + run->token + t));
        __mmask32 minus = _mm256_cmpeq_epi8_mask(first, _mm256_set1_epi8('-'));
        __m512i size = _mm512_slli_epi16(length, 1);

        size = _mm512_mask_sub_epi16(size, minus, size, _mm512_set1_epi16(1));
        __mmask32 open = _mm512_cmpgt_epu16_mask(_mm512_sub_epi16(size, _mm512_set1_epi16(2)),
                                                 _mm512_set1_epi16(SIZE_LIMIT - 2));
        size = _mm512_mask_mov_epi16(size, open, _mm512_set1_epi16(SIZE_OPEN));
        _mm256_storeu_si256((__m256i *)(p->size + t), _mm512_cvtepi16_epi8(size));

        if (k->has_limits) {
            uint32_t too_long = _mm512_cmpgt_epu16_mask(length, _mm512_loadu_si512(k->limits + phase));

            if (n_tokens - t < 32)
                too_long = _bzhi_u32(too_long, (unsigned)(n_tokens - t));
            for (; __builtin_expect(too_long != 0, 0); too_long &= too_long - 1)
                block_mark_long(k, t + (size_t)__builtin_ctz(too_long));
            phase += step;
            phase -= phase >= k->n_columns ? k->n_columns : 0;
        }
    }
}

/* ---- strings --------------------------------------------------------------------------------------------------- */

/* 16 bytes of a string column from byte 'at' of its cells on: a mask cuts the token off, another one the store. */
INLINE void place_16(const struct block_kernel *k, const struct run *run, const struct cell *c, size_t at,
                     const bool first)
{
    const size_t n_records = run->n_records, n_columns = k->n_columns, row_bytes = k->row_bytes;
    const uint16_t *start = k->block.start + run->token + c->column, *end = k->block.end + run->token + c->column;
    const __mmask16 inside = (__mmask16)_bzhi_u32(0xffff, c->bytes - at < 16 ? (unsigned)(c->bytes - at) : 16);
    const char *text = k->block.text + at;
    unsigned char *place = run->rows + c->offset + at;

    for (size_t r = 0; r < n_records; r++, start += n_columns, end += n_columns, place += row_bytes) {
        unsigned length = (unsigned)(*end - *start);
        unsigned left = first ? length : length > at ? length - (unsigned)at : 0;
        /* bzhi counts by its low eight bits; what is longer than that is not for this cell, or not at its end */
        __mmask16 mask = (__mmask16)_bzhi_u32(0xffff, first ? left : left < 16 ? left : 16);

        _mm_mask_storeu_epi8(place, inside, _mm_maskz_loadu_epi8(mask, text + *start));
    }
}

TARGET static void place_string(const struct block_kernel *k, const struct run *run, const struct cell *c)
{
    if (c->bytes <= 16) {
        place_16(k, run, c, 0, true);
        return;
    }
    for (size_t at = 0; at < c->bytes; at += 16)
        place_16(k, run, c, at, false);
}

/* ---- quads ----------------------------------------------------------------------------------------------------- */

/*
 * Three loops over a batch, because a processor sees some hundred instructions ahead: all in one, the way of a value
 * from text to bits is so long that hardly two pairs of records would be under way at a time.
 */

/* The 16 bytes before each of four places, a lane each. */
INLINE __m512i load_lanes(const char *a, const char *b, const char *c, const char *d)
{
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(a - LANE)));

    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(b - LANE)), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(c - LANE)), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(d - LANE)), 3);
}

/* Lanes of text to lanes of digits, of which 'size' tells how much counts; and to masks of what is no digit. */
INLINE __m512i take_digits(__m512i text, __m512i size, uint64_t *foreign, uint64_t *point, const bool floats)
{
    const __m512i distance = _mm512_broadcast_i32x4(
        _mm_setr_epi8(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1)); /* as sizes, to the lane's end */
    __mmask64 counts = _mm512_cmpgt_epu8_mask(size, distance);
    __m512i digits = _mm512_maskz_sub_epi8(counts, text, _mm512_set1_epi8('0'));
    __mmask64 no_digit = _mm512_cmpgt_epu8_mask(digits, _mm512_set1_epi8(9));

    _store_mask64((__mmask64 *)foreign, no_digit);
    if (floats)
        _store_mask64((__mmask64 *)point, _mm512_mask_cmpeq_epi8_mask(no_digit, digits, _mm512_set1_epi8('.' - '0')));
    return digits;
}

/* Stage 1: text to digits. */
INLINE void gather(const struct block_kernel *k, struct plan *restrict p, const struct quad *restrict q,
                   const struct run *run, size_t record, size_t n_records, const bool floats)
{
    const char *text = k->block.text;
    const size_t n_columns = k->n_columns, c0 = q->column[0], c1 = q->column[1], c2 = q->column[2], c3 = q->column[3];
    const uint16_t *end0 = k->block.end + run->token + record * n_columns;
    const uint8_t *size0 = p->size + record * n_columns + q->first_column;
    const __m512i pick_even = _mm512_load_si512(q->pick_even), pick_odd = _mm512_load_si512(q->pick_odd);

    for (size_t r = 0; r < n_records; r += 2, end0 += 2 * n_columns, size0 += 2 * n_columns) {
        size_t next = r + 1 < n_records ? n_columns : 0; /* an odd one out goes twice */
        const uint16_t *end1 = end0 + next;
        __m512i sizes = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)size0));
        sizes = _mm512_mask_broadcast_i32x4(sizes, 0xff00, _mm_loadu_si128((const __m128i *)(size0 + next)));
        __m512i size_even = _mm512_shuffle_epi8(sizes, pick_even), size_odd = _mm512_shuffle_epi8(sizes, pick_odd);
        __m512i even = load_lanes(text + end0[c0], text + end0[c2], text + end1[c0], text + end1[c2]);
        __m512i odd = load_lanes(text + end0[c1], text + end0[c3], text + end1[c1], text + end1[c3]);
        size_t i = r / 2;

        p->digits[i][0] = take_digits(even, size_even, &p->foreign[i][0], &p->point[i][0], floats);
        p->digits[i][1] = take_digits(odd, size_odd, &p->foreign[i][1], &p->point[i][1], floats);

        /* Now one size per value, eight times over in a 64-bit element. */
        __m512i size = _mm512_unpacklo_epi64(size_even, size_odd);
        _store_mask8(&p->minus[i], _mm512_test_epi64_mask(size, _mm512_set1_epi64(1)));
        _store_mask8(&p->open[i], _mm512_cmpgt_epu64_mask(size, _mm512_set1_epi8(SIZE_LIMIT)));
    }
}

/*
 * Stage 2: what is no digit must be one point at most, in a cell of floats, with a digit behind it. A lane's 16 bytes
 * are a 16-bit word of a mask, so a vector holds four pairs of records, and words change to the order of values.
 */
INLINE void judge(struct plan *restrict p, const struct quad *restrict q, size_t n_records, const bool floats)
{
    const __m512i below_top = _mm512_set1_epi16(0x7fff), top = _mm512_set1_epi16((short)0x8000);
    const __m512i order = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
    const __m512i allowed = _mm512_broadcast_i32x4(_mm_set_epi64x((long long)q->points_odd, (long long)q->points_even));

    for (size_t i = 0; 2 * i < n_records; i += 4) {
        __m512i wrong = _mm512_load_si512(p->foreign[i]);

        if (floats) {
            __m512i point = _mm512_and_si512(_mm512_load_si512(p->point[i]), allowed);
            __m512i lowest = _mm512_srli_epi16(_mm512_and_si512(_mm512_add_epi16(point, below_top), top), 15);
            __m512i below = _mm512_sub_epi16(point, lowest), up_to = _mm512_or_si512(point, below);

            wrong = _mm512_xor_si512(wrong, point);
            wrong = _mm512_or_si512(wrong, _mm512_and_si512(point, _mm512_or_si512(below, top)));
            _mm512_store_si512(p->point[i], up_to);
            _mm512_store_si512(p->to_point[i], _mm512_shuffle_epi8(_mm512_popcnt_epi16(up_to), order));
        }
        wrong = _mm512_shuffle_epi8(wrong, order);
        uint32_t open;
        memcpy(&open, &p->open[i], sizeof open);
        open |= _mm512_test_epi16_mask(wrong, wrong);
        memcpy(&p->open[i], &open, sizeof open);
    }
}

/* Pairs of digits, then fours: 32-bit elements. */
INLINE __m512i join_fours(__m512i digits)
{
    return _mm512_madd_epi16(_mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a)), _mm512_set1_epi32(0x00010064));
}

/* All sixteen: packing lays the lanes of 'odd' beside those of 'even', two 32-bit elements of eight digits each. */
INLINE __m512i join_all(__m512i even, __m512i odd)
{
    __m512i fours = _mm512_packus_epi32(join_fours(even), join_fours(odd));
    __m512i eights = _mm512_madd_epi16(fours, _mm512_set1_epi32(0x00012710));

    return _mm512_add_epi64(_mm512_mul_epu32(eights, _mm512_set1_epi64(100000000)), _mm512_srli_epi64(eights, 32));
}

/* What is before the point moves up one byte, over it. */
INLINE __m512i close_point(__m512i digits, const uint64_t *up_to)
{
    __mmask64 moved = _load_mask64((__mmask64 *)(uintptr_t)up_to);

    return _mm512_mask_alignr_epi8(digits, moved, digits, _mm512_setzero_si512(), 15);
}

/* Where each value's power of ten stands in a table: 16 - f for f digits behind the point, 0 where there is none. */
INLINE __m512i fraction_index(const uint16_t to_point[8])
{
    return _mm512_cvtepu16_epi64(_mm_load_si128((const __m128i *)to_point));
}

/*
 * Magnitude / 10^f. The exact values of both are doubles, so the quotient is rounded once (Clinger, "How to Read
 * Floating Point Numbers Accurately", 1990).
 */
INLINE __m512d divide(__m512i magnitude, __m512i index)
{
    const __m512d low = _mm512_setr_pd(1, 1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9);
    const __m512d high = _mm512_setr_pd(1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 1e2, 1e1);

    return _mm512_div_pd(_mm512_cvtepu64_pd(magnitude), _mm512_permutex2var_pd(low, index, high));
}

/*
 * The same by the reciprocal, a quarter of the time: it and the product are rounded, so this is off by two units in the
 * last place at most.
 */
INLINE __m512d divide_nearly(__m512i magnitude, __m512i index)
{
    const __m512d low = _mm512_setr_pd(1, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9);
    const __m512d high = _mm512_setr_pd(1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1);

    return _mm512_mul_pd(_mm512_cvtepu64_pd(magnitude), _mm512_permutex2var_pd(low, index, high));
}

/*
 * Which doubles may lie on the other side of the middle between two floats than what they stand for: those there, and
 * with 'reach' those so near. Their low 29 bits are what a float drops.
 */
INLINE __mmask8 near_middle(__mmask8 among, __m512i bits, uint64_t reach)
{
    const __m512i dropped = _mm512_set1_epi64(0x1fffffff), first = _mm512_set1_epi64((long long)(0x10000000 - reach));

    return _mm512_mask_cmple_epu64_mask(among, _mm512_and_si512(_mm512_sub_epi64(bits, first), dropped),
                                        _mm512_set1_epi64((long long)(2 * reach)));
}

/*
 * Stage 3: digits to values, and to their rows at once where the layout is simple. Returns whether any is open.
 * floats  some cells are
 * narrow  all of these are f4
 */
INLINE bool evaluate(const struct block_kernel *k, struct plan *restrict p, const struct quad *restrict q,
                     unsigned char *restrict place, size_t n_records, const bool floats, const bool narrow,
                     const enum layout layout)
{
    const __m512i limit = _mm512_load_si512(q->limit), sign = _mm512_set1_epi64((long long)(UINT64_C(1) << 63));
    const unsigned live = q->live, unsigneds = q->unsigneds;
    const __mmask8 is_float = q->floats, is_narrow = q->narrow;
    const size_t row_bytes = k->row_bytes;
    unsigned any = 0;

    for (size_t i = 0; 2 * i < n_records; i++, place += 2 * row_bytes) {
        __m512i even = p->digits[i][0], odd = p->digits[i][1];
        __mmask8 minus = _load_mask8(&p->minus[i]);
        __m512d quotient = _mm512_setzero_pd();

        if (floats) {
            even = close_point(even, &p->point[i][0]);
            odd = close_point(odd, &p->point[i][1]);
        }
        __m512i magnitude = join_all(even, odd);
        unsigned open = p->open[i] | _mm512_cmpgt_epu64_mask(magnitude, limit) | (p->minus[i] & unsigneds);
        __m512i value = _mm512_mask_sub_epi64(magnitude, minus, _mm512_setzero_si512(), magnitude);

        if (floats) {
            __m512i index = fraction_index(p->to_point[i]);

            quotient = narrow ? divide_nearly(magnitude, index) : divide(magnitude, index);
            __m512i bits = _mm512_castpd_si512(quotient);
            open |= near_middle(is_narrow, bits, narrow ? 4 : 0);
            quotient = _mm512_castsi512_pd(_mm512_mask_xor_epi64(bits, minus, bits, sign));
        }
        unsigned char *next = place + (2 * i + 1 < n_records ? row_bytes : 0);

        if (layout == LAYOUT_FOURS) {
            __m256i four = _mm512_cvtepi64_epi32(value);

            if (floats)
                four = _mm256_mask_mov_epi32(four, is_float, _mm256_castps_si256(_mm512_cvtpd_ps(quotient)));
            _mm_storeu_si128((__m128i *)place, _mm256_castsi256_si128(four));
            _mm_storeu_si128((__m128i *)next, _mm256_extracti128_si256(four, 1));
        } else {
            if (floats) {
                __m512i singles = _mm512_cvtepu32_epi64(_mm256_castps_si256(_mm512_cvtpd_ps(quotient)));

                value = _mm512_mask_mov_epi64(value, is_float, _mm512_castpd_si512(quotient));
                value = _mm512_mask_mov_epi64(value, is_narrow, singles);
            }
            _mm512_store_si512(p->values[i], value);
            if (layout == LAYOUT_EIGHTS) {
                _mm256_storeu_si256((__m256i *)place, _mm512_castsi512_si256(value));
                _mm256_storeu_si256((__m256i *)next, _mm512_extracti64x4_epi64(value, 1));
            }
        }
        p->open[i] = (uint8_t)(open & live);
        any |= open & live;
    }
    return any != 0;
}

/* All stages for a quad and a batch. Returns whether anything is open. */
INLINE bool convert_batch(const struct block_kernel *k, struct plan *p, const struct quad *q, const struct run *run,
                          size_t record, size_t n_records, const bool floats, const bool narrow,
                          const enum layout layout)
{
    unsigned char *place = run->rows + record * k->row_bytes + q->number[0]->cell->offset;

    gather(k, p, q, run, record, n_records, floats);
    judge(p, q, n_records, floats);
    return evaluate(k, p, q, place, n_records, floats, narrow, layout);
}

#define BATCH_FUNCTION(name, floats, narrow, layout)                                                                   \
    TARGET static bool name(const struct block_kernel *k, struct plan *p, const struct quad *q, const struct run *run, \
                            size_t record, size_t n_records)                                                           \
    {                                                                                                                  \
        return convert_batch(k, p, q, run, record, n_records, floats, narrow, layout);                                 \
    }
BATCH_FUNCTION(convert_integers, false, false, LAYOUT_ANY)
BATCH_FUNCTION(convert_integer_fours, false, false, LAYOUT_FOURS)
BATCH_FUNCTION(convert_integer_eights, false, false, LAYOUT_EIGHTS)
BATCH_FUNCTION(convert_floats, true, false, LAYOUT_ANY)
BATCH_FUNCTION(convert_float_eights, true, false, LAYOUT_EIGHTS)
BATCH_FUNCTION(convert_narrow, true, true, LAYOUT_ANY)
BATCH_FUNCTION(convert_narrow_fours, true, true, LAYOUT_FOURS)
#undef BATCH_FUNCTION

/* The one that does no more than the quad needs. */
static batch_function *quad_function(const struct quad *q)
{
    static batch_function *const integers[] = {convert_integers, convert_integer_fours, convert_integer_eights};

    if (q->floats == 0)
        return integers[q->layout];
    if (q->layout == LAYOUT_EIGHTS)
        return convert_float_eights;
    if (q->layout == LAYOUT_FOURS)
        return convert_narrow_fours;
    return q->floats == q->narrow ? convert_narrow : convert_floats;
}

/* Values that may be missing ones are open too. Returns whether there was any. */
static bool open_suspects(struct plan *p, const struct number *number, size_t cell, size_t n_records)
{
    bool any = false;

    for (size_t r = 0; r < n_records; r++)
        if (kernel_is_suspect(number, p->values[r / 2][QUAD * (r % 2) + cell])) {
            p->open[r / 2] |= (uint8_t)(1 << (QUAD * (r % 2) + cell));
            any = true;
        }
    return any;
}

static void mend_batch(struct block_kernel *k, const struct plan *p, const struct quad *q, const struct run *run,
                       size_t record, size_t n_records)
{
    for (size_t r = 0; r < n_records; r += 2)
        for (unsigned open = p->open[r / 2]; open != 0; open &= open - 1) {
            size_t value = (size_t)__builtin_ctz(open), second = value / QUAD;

            if (r + second < n_records)
                block_mend(k, run, record + r + second, q->number[value % QUAD]->cell);
        }
}

static void *avx512_plan(const struct block_kernel *k)
{
    struct plan *p = aligned_alloc(64, sizeof *p + (k->n_numbers + 1) * sizeof p->quads[0]);

    if (p == NULL)
        return NULL;
    p->n_quads = 0;
    for (size_t i = 0; i < k->n_numbers;) {
        struct quad *q = &p->quads[p->n_quads++];

        memset(q, 0, sizeof *q);
        q->first_column = (uint16_t)k->numbers[i].cell->column;
        for (; i < k->n_numbers && q->n_cells < QUAD &&
               k->numbers[i].cell->column < (size_t)q->first_column + QUAD_WINDOW; i++) {
            quad_set(q, q->n_cells, &k->numbers[i]);
            q->live |= (uint8_t)(0x11 << q->n_cells++);
        }
        for (size_t fill = q->n_cells; fill < QUAD; fill++)
            quad_set(q, fill, q->number[0]);
        q->layout = quad_layout(q);
        q->convert = quad_function(q);
    }
    return p;
}

TARGET static void avx512_convert(struct block_kernel *k, const struct run *run)
{
    struct plan *p = k->plan;

    measure(k, p, run);
    for (size_t i = 0; i < k->n_strings; i++)
        place_string(k, run, k->strings[i]);
    for (size_t record = 0; record < run->n_records; record += BATCH) {
        size_t n_records = run->n_records - record < BATCH ? run->n_records - record : BATCH;

        for (const struct quad *q = p->quads; q < p->quads + p->n_quads; q++) {
            bool open = q->convert(k, p, q, run, record, n_records);

            for (size_t i = 0; i < q->n_cells; i++) {
                if (q->layout == LAYOUT_ANY)
                    block_place(k, run, record, n_records, q->number[i]->cell, &p->values[0][i], QUAD);
                if (q->number[i]->n_suspects > 0)
                    open |= open_suspects(p, q->number[i], i, n_records);
            }
            if (open)
                mend_batch(k, p, q, run, record, n_records);
        }
    }
}

static const struct block_engine engine = {avx512_index, avx512_convert, avx512_plan};

static struct kernel *avx512_open(const struct schema *schema, const struct dialect *dialect)
{
    return block_open(schema, dialect, &engine);
}

#else

static bool avx512_supported(void)
{
    return false;
}

static struct kernel *avx512_open(const struct schema *schema, const struct dialect *dialect)
{
    (void)schema;
    (void)dialect;
    return NULL;
}

#endif

const struct kernel_class kernel_avx512 = {"avx512", avx512_supported, avx512_open, block_parse, block_close};
