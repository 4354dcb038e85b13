/* Rows times one or four positions by SMULL and SMLAL, for processors without SDOT. neon.h explains the
 * layout.
 *
 * Two blocks at a time: a halfword adds a product of each, then pairs of halfwords are added to words. The
 * sum of a row is thus split in two words, those of rows 0 and 1 in `low`, of 2 and 3 in `high`; the end
 * adds them. */
#include "neon.h"

#ifdef __aarch64__

#ifndef __clang__ /* gcc would interleave all positions and spill registers: 1.2 times the instructions */
#pragma GCC optimize("no-schedule-insns")
#endif

/* Repeat a quad of inputs for each row of a block. */
#define EACH_ROW(x, lane) vreinterpretq_s8_s32(vdupq_laneq_s32(vreinterpretq_s32_s8(x), (lane)))

/* Multiply two blocks of each group by two lanes of each position's inputs. */
#define TWO_BLOCKS(lane)                                                        \
    for (uint32_t g = 0; g < groups; g++) {                                     \
        one[g] = vld1q_s8(w[g] + 16 * (lane));                                  \
        two[g] = vld1q_s8(w[g] + 16 * (lane) + 16);                             \
    }                                                                           \
    for (uint32_t s = 0; s < positions; s++) {                                  \
        int8x16_t x1 = EACH_ROW(x[s], (lane)), x2 = EACH_ROW(x[s], (lane) + 1); \
        for (uint32_t g = 0; g < groups; g++) {                                 \
            int16x8_t sums = vmull_s8(vget_low_s8(one[g]), vget_low_s8(x1));    \
            sums = vmlal_s8(sums, vget_low_s8(two[g]), vget_low_s8(x2));        \
            low[s][g] = vpadalq_s16(low[s][g], sums);                           \
            sums = vmlal_high_s8(vmull_high_s8(one[g], x1), two[g], x2);        \
            high[s][g] = vpadalq_s16(high[s][g], sums);                         \
        }                                                                       \
    }

#define ONE_BLOCK(lane)                                                      \
    for (uint32_t g = 0; g < groups; g++) {                                  \
        one[g] = vld1q_s8(w[g] + 16 * (lane));                               \
        for (uint32_t s = 0; s < positions; s++) {                           \
            int8x16_t x1 = EACH_ROW(x[s], (lane));                           \
            int16x8_t sums = vmull_s8(vget_low_s8(one[g]), vget_low_s8(x1)); \
            low[s][g] = vpadalq_s16(low[s][g], sums);                        \
            high[s][g] = vpadalq_s16(high[s][g], vmull_high_s8(one[g], x1)); \
        }                                                                    \
    }

REDS_ALWAYS_INLINE void tile(const reds_neon_rows *rows, uint32_t first, uint32_t positions, uint32_t groups)
{
    int32x4_t low[REDS_NEON_POSITIONS][REDS_NEON_GROUPS], high[REDS_NEON_POSITIONS][REDS_NEON_GROUPS];
    int8x16_t x[REDS_NEON_POSITIONS], one[REDS_NEON_GROUPS], two[REDS_NEON_GROUPS];
    const int8_t *w[REDS_NEON_GROUPS], *from[REDS_NEON_POSITIONS];
    for (uint32_t s = 0; s < positions; s++) {
        from[s] = rows->x[s];
        for (uint32_t g = 0; g < groups; g++) {
            w[g] = rows->weights + (first / 4 + g) * rows->stride;
            low[s][g] = high[s][g] = vdupq_n_s32(0);
        }
    }
    uint32_t run = rows->runs;
    do {
        uint32_t quads = rows->quads;
        for (; quads >= 4; quads -= 4) {
            for (uint32_t s = 0; s < positions; s++) {
                x[s] = vld1q_s8(from[s]);
                __asm("" : "+w"(x[s])); /* else gcc loads each lane by itself */
                from[s] += 16;
            }
            TWO_BLOCKS(0)
            TWO_BLOCKS(2)
            for (uint32_t g = 0; g < groups; g++) {
                w[g] += 64;
            }
        }
        if (quads > 0) {
            for (uint32_t s = 0; s < positions; s++) {
                x[s] = vld1q_s8(from[s]);
                from[s] += 4 * quads;
            }
            if (quads == 1) {
                ONE_BLOCK(0)
            } else {
                TWO_BLOCKS(0)
                if (quads == 3) {
                    ONE_BLOCK(2)
                }
            }
        }
        for (uint32_t g = 0; g < groups; g++) {
            w[g] += 16 * quads + rows->gap;
        }
    } while (--run > 0);
    for (uint32_t s = 0; s < positions; s++) {
        for (uint32_t g = 0; g < groups; g++) {
            low[s][g] = vaddq_s32(vpaddq_s32(low[s][g], high[s][g]), vld1q_s32(rows->bias + first + 4 * g));
        }
    }
    reds_neon_finish(rows, first, positions, groups, low);
}

void reds_neon_rows_baseline(const reds_neon_rows *rows)
{
    reds_neon_tiles(rows, tile);
}

#endif
