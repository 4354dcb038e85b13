/* Rows times one or four positions by SDOT, which adds the products of four rows by four inputs to four sums.
 * neon.h explains the layout. */
#include "neon.h"

#ifdef __aarch64__

#ifdef __ARM_FEATURE_DOTPROD /* the whole build has SDOT */
#define DOTPROD
#elif !defined(__clang__) || __clang_major__ >= 16
#define DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#endif

#ifndef DOTPROD

/* clang before version 16 cannot compile SDOT for one function alone: the other variant gives the same bits. */
void reds_neon_rows_dotprod(const reds_neon_rows *rows)
{
    reds_neon_rows_baseline(rows);
}

#else

/* Multiply a block of each group by one lane of each position's inputs. */
#define BLOCK(lane)                                                        \
    for (uint32_t g = 0; g < groups; g++) {                                \
        int8x16_t weights = vld1q_s8(w[g] + 16 * (lane));                  \
        for (uint32_t s = 0; s < positions; s++) {                         \
            acc[s][g] = vdotq_laneq_s32(acc[s][g], weights, x[s], (lane)); \
        }                                                                  \
    }

DOTPROD REDS_ALWAYS_INLINE void tile(const reds_neon_rows *rows, uint32_t first, uint32_t positions,
                                     uint32_t groups)
{
    int32x4_t acc[REDS_NEON_POSITIONS][REDS_NEON_GROUPS];
    int8x16_t x[REDS_NEON_POSITIONS];
    const int8_t *w[REDS_NEON_GROUPS], *from[REDS_NEON_POSITIONS];
    for (uint32_t s = 0; s < positions; s++) {
        from[s] = rows->x[s];
        for (uint32_t g = 0; g < groups; g++) {
            w[g] = rows->weights + (first / 4 + g) * rows->stride;
            acc[s][g] = vld1q_s32(rows->bias + first + 4 * g);
        }
    }
    uint32_t run = rows->runs;
    do {
        uint32_t quads = rows->quads;
        for (; quads >= 4; quads -= 4) {
            for (uint32_t s = 0; s < positions; s++) {
                x[s] = vld1q_s8(from[s]);
                from[s] += 16;
            }
            BLOCK(0)
            BLOCK(1)
            BLOCK(2)
            BLOCK(3)
            for (uint32_t g = 0; g < groups; g++) {
                w[g] += 64;
            }
        }
        if (quads > 0) {
            for (uint32_t s = 0; s < positions; s++) {
                x[s] = vld1q_s8(from[s]);
                from[s] += 4 * quads;
            }
            BLOCK(0)
            if (quads > 1) {
                BLOCK(1)
            }
            if (quads > 2) {
                BLOCK(2)
            }
        }
        for (uint32_t g = 0; g < groups; g++) {
            w[g] += 16 * quads + rows->gap;
        }
    } while (--run > 0);
    reds_neon_finish(rows, first, positions, groups, acc);
}

DOTPROD void reds_neon_rows_dotprod(const reds_neon_rows *rows)
{
    reds_neon_tiles(rows, tile);
}

#endif
#endif
