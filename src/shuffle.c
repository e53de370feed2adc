/*
 * shuffle.c - rows of bytes to columns of bytes: the transposition of a matrix, tile by tile.
 *
 * A tile is 16 rows of 8 bytes, which fits the registers of any processor. Tiles go down a strip of 64 rows before they
 * go right, so that each column gets a whole cache line before the next one is begun: chunks have 2^k rows, hence the
 * lines of all columns fall into one set of the first-level cache, and only a few of them can stay there at a time.
 * Where 16 or 8 do not divide the matrix, its last tiles overlap their neighbours and write the same bytes twice.
 *
 * The loops of a tile are unrolled by request: rolled up, as gcc leaves them at -O2, a tile lives in memory and not in
 * registers, which costs half the speed.
 */
#include "shuffle.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#else
#include <endian.h>
#include <stdint.h>
#endif

enum { TILE_ROWS = 16, TILE_COLUMNS = 8, STRIP_ROWS = 64 };

#ifdef __SSE2__

static inline __m128i load_row(const unsigned char *row)
{
    return _mm_loadl_epi64((const __m128i *)(const void *)row);
}

/* The bytes of the first half of 'in' and those of the second half in turn. */
static inline void interleave(const __m128i in[8], __m128i out[8])
{
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        out[2 * i] = _mm_unpacklo_epi8(in[i], in[i + 4]);
        out[2 * i + 1] = _mm_unpackhi_epi8(in[i], in[i + 4]);
    }
}

/*
 * Read 16 rows of 8 bytes, one every row_bytes; write the first n_columns columns of 16 bytes, one every n_rows.
 *
 * The place of a byte in the tile is a number of seven bits: four for its row, then three for its column. Interleaving
 * the halves of the tile turns every place left by one bit; after four times the column comes first, then the row.
 * The first time is the loading.
 */
static inline void tile(const unsigned char *rows, size_t row_bytes, unsigned char *columns, size_t n_rows,
                        size_t n_columns)
{
    __m128i a[8], b[8];

#pragma GCC unroll 8
    for (size_t i = 0; i < 8; i++)
        a[i] = _mm_unpacklo_epi8(load_row(rows + i * row_bytes), load_row(rows + (i + 8) * row_bytes));
    interleave(a, b);
    interleave(b, a);
    interleave(a, b);
#pragma GCC unroll 8
    for (size_t i = 0; i < n_columns; i++)
        _mm_storeu_si128((__m128i *)(void *)(columns + i * n_rows), b[i]);
}

#else

/* Swap the bytes of *b under the mask with those of *a that stand 'shift' bits higher. */
static inline void exchange(uint64_t *a, uint64_t *b, int shift, uint64_t mask)
{
    uint64_t differ = ((*a >> shift) ^ *b) & mask;
    *a ^= differ << shift;
    *b ^= differ;
}

/*
 * 8 x 8 bytes, the first byte of each word its lowest: swap the quarters off the diagonal, 4 x 4 bytes each; then in
 * every quarter its own quarters, and so once more.
 */
static inline void transpose(uint64_t m[8])
{
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        exchange(&m[i], &m[i + 4], 32, 0x00000000ffffffff);
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        exchange(&m[i], &m[i + 2], 16, 0x0000ffff0000ffff);
        exchange(&m[i + 4], &m[i + 6], 16, 0x0000ffff0000ffff);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2)
        exchange(&m[i], &m[i + 1], 8, 0x00ff00ff00ff00ff);
}

/* Read 16 rows of 8 bytes, one every row_bytes; write the first n_columns columns of 16 bytes, one every n_rows. */
static inline void tile(const unsigned char *rows, size_t row_bytes, unsigned char *columns, size_t n_rows,
                        size_t n_columns)
{
    for (size_t first = 0; first < TILE_ROWS; first += 8) {
        uint64_t m[8];

#pragma GCC unroll 8
        for (size_t i = 0; i < 8; i++) {
            memcpy(&m[i], rows + (first + i) * row_bytes, 8);
            m[i] = le64toh(m[i]);
        }
        transpose(m);
#pragma GCC unroll 8
        for (size_t i = 0; i < n_columns; i++) {
            m[i] = htole64(m[i]);
            memcpy(columns + i * n_rows + first, &m[i], 8);
        }
    }
}

#endif

/* Rows from first_row on, byte by byte. */
static void shuffle_bytes(const unsigned char *rows, size_t n_rows, size_t row_bytes, unsigned char *columns,
                          size_t first_row)
{
    for (size_t column = 0; column < row_bytes; column++)
        for (size_t row = first_row; row < n_rows; row++)
            columns[column * n_rows + row] = rows[row * row_bytes + column];
}

/* Rows narrower than a tile: it reads on into the next row, so the last few rows must go another way. */
static void shuffle_narrow(const unsigned char *rows, size_t n_rows, size_t row_bytes, unsigned char *columns)
{
    size_t row = 0;

    for (; (n_rows - row) * row_bytes >= TILE_ROWS * row_bytes + TILE_COLUMNS; row += TILE_ROWS)
        tile(rows + row * row_bytes, row_bytes, columns + row, n_rows, row_bytes);
    shuffle_bytes(rows, n_rows, row_bytes, columns, row);
}

static inline size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void shuffle_wide(const unsigned char *rows, size_t n_rows, size_t row_bytes, unsigned char *columns)
{
    for (size_t strip = 0; strip < n_rows; strip += STRIP_ROWS) {
        size_t strip_end = smaller(strip + STRIP_ROWS, n_rows);

        for (size_t left = 0; left < row_bytes; left += TILE_COLUMNS) {
            size_t column = smaller(left, row_bytes - TILE_COLUMNS);

            for (size_t top = strip; top < strip_end; top += TILE_ROWS) {
                size_t row = smaller(top, n_rows - TILE_ROWS);
                tile(rows + row * row_bytes + column, row_bytes, columns + column * n_rows + row, n_rows, TILE_COLUMNS);
            }
        }
    }
}

void shuffle(const unsigned char *rows, size_t n_rows, size_t row_bytes, unsigned char *columns)
{
    if (row_bytes == 1)
        memcpy(columns, rows, n_rows);
    else if (n_rows < TILE_ROWS)
        shuffle_bytes(rows, n_rows, row_bytes, columns, 0);
    else if (row_bytes < TILE_COLUMNS)
        shuffle_narrow(rows, n_rows, row_bytes, columns);
    else
        shuffle_wide(rows, n_rows, row_bytes, columns);
}
