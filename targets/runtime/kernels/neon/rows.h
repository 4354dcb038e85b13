/* The loops around the sums of both variants. The file that includes this has defined `compute`, and HALVES: whether
 * a tile of three or four groups of rows has two positions, or four. A tile has one, two or four positions, and up
 * to four groups of four rows: constants of the functions that inline it. */
#include "neon.h"

#ifdef __aarch64__

enum { POSITIONS = 4, PANEL = 16 };

REDS_ALWAYS_INLINE void tile(const reds_neon_rows *rows, const int8_t *const *at, int8_t *const *out,
                             uint32_t first, uint32_t positions, uint32_t groups)
{
    uint32_t panel = first / PANEL, wide = rows->groups - 4 * panel, live = rows->rows - first;
    size_t block = groups == 4 ? 64 : 16 * (wide > 4 ? 4 : wide);
    int8_t y[POSITIONS * PANEL];
    compute(rows, rows->weights + PANEL * 4 * panel * rows->blocks, block, at, first, positions, groups, y);
    if (live >= 4 * groups) { /* all of the tile; where it has four groups, perhaps more */
        for (uint32_t s = 0; s < positions; s++) {
            memcpy(out[s] + first, y + PANEL * s, 4 * groups);
        }
        return;
    }
    for (uint32_t s = 0; s < positions; s++) {
        int8_t *to = out[s] + first;
        if (groups > 1) {
            memcpy(to, y + PANEL * s, 4 * (groups - 1));
        }
        for (uint32_t i = 4 * (groups - 1); i < live; i++) {
            to[i] = y[PANEL * s + i];
        }
    }
}

/* Compute the rows of a panel, or those that are left, for some positions. */
REDS_ALWAYS_INLINE void some_rows(const reds_neon_rows *rows, const int8_t *const *at, int8_t *const *out,
                                  uint32_t first, uint32_t positions, uint32_t groups)
{
    if (HALVES && groups > 2 && positions == POSITIONS) {
        tile(rows, at, out, first, 2, groups);
        tile(rows, at + 2, out + 2, first, 2, groups);
    } else {
        tile(rows, at, out, first, positions, groups);
    }
}

/* Compute all rows of some positions. */
REDS_ALWAYS_INLINE void all_rows(const reds_neon_rows *rows, const int8_t *const *at, int8_t *const *out,
                                 uint32_t positions)
{
    uint32_t first = 0, end = rows->rows;
    for (; first + 12 < end; first += PANEL) {
        some_rows(rows, at, out, first, positions, 4);
    }
    if (first + 8 < end) {
        some_rows(rows, at, out, first, positions, 3);
    } else if (first + 4 < end) {
        some_rows(rows, at, out, first, positions, 2);
    } else if (first < end) {
        some_rows(rows, at, out, first, positions, 1);
    }
}

/* Compute all positions, four at a time. The last four may overlap those before them. */
REDS_ALWAYS_INLINE void all_positions(const reds_neon_rows *shared)
{
    const reds_neon_rows own = *shared; /* a copy, which no output can overlap */
    uint32_t fours = own.positions / 4, column = 0;
    const int8_t *row = own.x, *x = own.x, *at[POSITIONS];
    int8_t *out[POSITIONS], *y = own.out;
    uint32_t left = own.positions;
    while (left > 0) {
        if (left < 4 && left > 1 && fours > 0) {
            uint32_t position = own.positions - 4;
            column = position % own.width;
            row = own.x + position / own.width * own.row;
            x = row + column * own.step;
            y = own.out + position * own.apart;
            left = 4;
        }
        uint32_t taken = left < 4 ? 1 : 4;
        for (uint32_t s = 0; s < taken; s++) {
            at[s] = x;
            out[s] = y;
            x += own.step;
            y += own.apart;
            if (++column == own.width) {
                column = 0;
                row += own.row;
                x = row;
            }
        }
        if (taken == 4) {
            all_rows(&own, at, out, 4);
        } else {
            all_rows(&own, at, out, 1);
        }
        left -= taken;
    }
}

#endif
