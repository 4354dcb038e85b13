/* The sums of all tiles with SDOT, in assembler, where no compiler spills registers.
 *
 * v0 to v15 hold the sums, four of each position, v16 to v19 the inputs of the positions, v20 to v23 the blocks
 * of a quad. */
#ifndef REDS_NEON_ROWS_DOTPROD_H
#define REDS_NEON_ROWS_DOTPROD_H

#include "window.h"

#ifdef __aarch64__

/* sdot sum.4s, block.16b, x.4b[lane]: encoded here, since not all assemblers know it where the build is for ARMv8.0 */
#define SDOT(sum, block, x, lane)                                                                          \
    ".inst 0x4f80e000 + (" #lane " & 1) * 0x200000 + (" #lane " / 2) * 0x800 + " #x " * 0x10000 + " #block \
    " * 0x20 + " #sum "\n"
#define COPY(to, from) "mov v" #to ".16b, v" #from ".16b\n"

/* The products of a position with one to four groups of rows: the first sum is a, its inputs are in x. */
#define BY1(a, b, c, d, x, lane) SDOT(a, 20, x, lane)
#define BY2(a, b, c, d, x, lane) BY1(a, b, c, d, x, lane) SDOT(b, 21, x, lane)
#define BY3(a, b, c, d, x, lane) BY2(a, b, c, d, x, lane) SDOT(c, 22, x, lane)
#define BY4(a, b, c, d, x, lane) BY3(a, b, c, d, x, lane) SDOT(d, 23, x, lane)
#define BLOCKS1 "ld1 {v20.16b}, [%[w]], %[block]\n"
#define BLOCKS2 "ld1 {v20.16b, v21.16b}, [%[w]], %[block]\n"
#define BLOCKS3 "ld1 {v20.16b-v22.16b}, [%[w]], %[block]\n"
#define BLOCKS4 "ld1 {v20.16b-v23.16b}, [%[w]], %[block]\n"
#define BIAS1 "ld1 {v0.4s}, [%[bias]]\n"
#define BIAS2 "ld1 {v0.4s, v1.4s}, [%[bias]]\n"
#define BIAS3 "ld1 {v0.4s-v2.4s}, [%[bias]]\n"
#define BIAS4 "ld1 {v0.4s-v3.4s}, [%[bias]]\n"

#define QUAD_OF_ONE(groups, lane) BLOCKS##groups BY##groups(0, 1, 2, 3, 16, lane)
#define QUAD_OF_FOUR(groups, lane) \
    QUAD_OF_ONE(groups, lane)      \
    BY##groups(4, 5, 6, 7, 17, lane) BY##groups(8, 9, 10, 11, 18, lane) BY##groups(12, 13, 14, 15, 19, lane)

#define FOUR_POSITIONS(groups)                                                                               \
    REDS_NEON_WINDOW(BIAS##groups COPY(4, 0) COPY(5, 1) COPY(6, 2) COPY(7, 3) COPY(8, 0) COPY(9, 1)          \
                         COPY(10, 2) COPY(11, 3) COPY(12, 0) COPY(13, 1) COPY(14, 2) COPY(15, 3),            \
                     "ldr q16, [%[a]], #16\n ldr q17, [%[b]], #16\n ldr q18, [%[c]], #16\n ldr q19, "        \
                     "[%[d]], #16\n" QUAD_OF_FOUR(groups, 0) QUAD_OF_FOUR(groups, 1) QUAD_OF_FOUR(groups, 2) \
                         QUAD_OF_FOUR(groups, 3),                                                            \
                     "ldr d16, [%[a]], #8\n ldr d17, [%[b]], #8\n ldr d18, [%[c]], #8\n ldr d19, [%[d]], "   \
                     "#8\n" QUAD_OF_FOUR(groups, 0) QUAD_OF_FOUR(groups, 1),                                 \
                     "ldr s16, [%[a]], #4\n ldr s17, [%[b]], #4\n ldr s18, [%[c]], #4\n ldr s19, [%[d]], "   \
                     "#4\n" QUAD_OF_FOUR(groups, 0),                                                         \
                     REDS_NEON_NEXT4(next_run), REDS_NEON_NEXT4(next_line),                                  \
                     REDS_NEON_SCALE(groups) REDS_NEON_FINISH##groups(0, 1, 2, 3)                            \
                         REDS_NEON_FINISH##groups(4, 5, 6, 7) REDS_NEON_FINISH##groups(8, 9, 10, 11)         \
                             REDS_NEON_FINISH##groups(12, 13, 14, 15))

#define ONE_POSITION(groups)                                                                    \
    REDS_NEON_WINDOW(BIAS##groups,                                                              \
                     "ldr q16, [%[a]], #16\n" QUAD_OF_ONE(groups, 0) QUAD_OF_ONE(groups, 1)     \
                         QUAD_OF_ONE(groups, 2) QUAD_OF_ONE(groups, 3),                         \
                     "ldr d16, [%[a]], #8\n" QUAD_OF_ONE(groups, 0) QUAD_OF_ONE(groups, 1),     \
                     "ldr s16, [%[a]], #4\n" QUAD_OF_ONE(groups, 0), REDS_NEON_NEXT1(next_run), \
                     REDS_NEON_NEXT1(next_line),                                                \
                     REDS_NEON_SCALE(groups) REDS_NEON_FINISH##groups(0, 1, 2, 3))

#define RUN_FOUR(groups) \
    __asm volatile(FOUR_POSITIONS(groups) : REDS_NEON_OUT, REDS_NEON_X4 : REDS_NEON_IN : REDS_NEON_CLOBBERS)
#define RUN_ONE(groups) \
    __asm volatile(ONE_POSITION(groups) : REDS_NEON_OUT, REDS_NEON_X1 : REDS_NEON_IN : REDS_NEON_CLOBBERS)

enum { HALVES = 0 }; /* a tile of many rows has four positions */

/* Compute a tile from a row on. x has the inputs of each position, y sixteen bytes for its outputs. */
REDS_ALWAYS_INLINE void compute(const reds_neon_rows *rows, const int8_t *w, size_t block,
                                const int8_t *const *x, uint32_t first, uint32_t positions, uint32_t groups,
                                int8_t *y)
{
    const int32_t *multiplier = rows->multiplier + first;
    uint32_t line = rows->lines, run, left;
    const int8_t *a = x[0];
    if (positions == 4) {
        const int8_t *b = x[1], *c = x[2], *d = x[3];
        if (groups == 4) {
            RUN_FOUR(4);
        } else if (groups == 3) {
            RUN_FOUR(3);
        } else if (groups == 2) {
            RUN_FOUR(2);
        } else {
            RUN_FOUR(1);
        }
    } else if (groups == 4) {
        RUN_ONE(4);
    } else if (groups == 3) {
        RUN_ONE(3);
    } else if (groups == 2) {
        RUN_ONE(2);
    } else {
        RUN_ONE(1);
    }
}

#endif
#endif
