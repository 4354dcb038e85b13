/* The sums of all tiles without SDOT, in assembler: compilers spill registers there.
 *
 * Two quads at a time: a halfword adds a product of each, then pairs of halfwords are added to words. The sum
 * of a row is thus split in two words, those of rows 0 and 1 in a `low` register, of 2 and 3 in a `high` one;
 * the end adds them.
 *
 * v0 to v15 hold the sums, v18 and v19 a quad of inputs each, repeated for the rows of a block, v20 to v23 and
 * v24 to v27 the blocks of two quads, v28 and v29 products, v16, v17, v30 and v31 the inputs of the positions. */
#ifndef REDS_NEON_ROWS_BASELINE_H
#define REDS_NEON_ROWS_BASELINE_H

#include "window.h"

#ifdef __aarch64__

#define BLOCKS1(first, last) "ld1 {v" #first ".16b}, [%[w]], %[block]\n"
#define BLOCKS2(first, last) "ld1 {v" #first ".16b, v" #last ".16b}, [%[w]], %[block]\n"
#define BLOCKS3(first, last) "ld1 {v" #first ".16b-v" #last ".16b}, [%[w]], %[block]\n"
#define BLOCKS4 BLOCKS3
#define ONE_OF1 BLOCKS1(20, 20)
#define ONE_OF2 BLOCKS2(20, 21)
#define ONE_OF3 BLOCKS3(20, 22)
#define ONE_OF4 BLOCKS4(20, 23)
#define TWO_OF1 ONE_OF1 BLOCKS1(24, 24)
#define TWO_OF2 ONE_OF2 BLOCKS2(24, 25)
#define TWO_OF3 ONE_OF3 BLOCKS3(24, 26)
#define TWO_OF4 ONE_OF4 BLOCKS4(24, 27)
#define BIAS1 "ld1 {v20.4s}, [%[bias]]\n movi v24.4s, #0\n"
#define BIAS2 "ld1 {v20.4s, v21.4s}, [%[bias]]\n movi v24.4s, #0\n"
#define BIAS3 "ld1 {v20.4s-v22.4s}, [%[bias]]\n movi v24.4s, #0\n"
#define BIAS4 "ld1 {v20.4s-v23.4s}, [%[bias]]\n movi v24.4s, #0\n"

/* Steps of one group: start its sum with the bias, add the products of one block or of two, add the parts. */
#define START(low, high, bias, unused) \
    "zip1 v" #low ".4s, v" #bias ".4s, v24.4s\n zip2 v" #high ".4s, v" #bias ".4s, v24.4s\n"
#define ONE(low, high, one, unused)           \
    "smull v28.8h, v" #one ".8b, v18.8b\n"    \
    "smull2 v29.8h, v" #one ".16b, v18.16b\n" \
    "sadalp v" #low ".4s, v28.8h\n"           \
    "sadalp v" #high ".4s, v29.8h\n"
#define TWO(low, high, one, two)              \
    "smull v28.8h, v" #one ".8b, v18.8b\n"    \
    "smull2 v29.8h, v" #one ".16b, v18.16b\n" \
    "smlal v28.8h, v" #two ".8b, v19.8b\n"    \
    "smlal2 v29.8h, v" #two ".16b, v19.16b\n" \
    "sadalp v" #low ".4s, v28.8h\n"           \
    "sadalp v" #high ".4s, v29.8h\n"
#define ADD(low, high, one, two) "addp v" #low ".4s, v" #low ".4s, v" #high ".4s\n"

/* A step of one to four groups, whose sums are the registers a to h. */
#define EACH1(STEP, a, b, c, d, e, f, g, h) STEP(a, b, 20, 24)
#define EACH2(STEP, a, b, c, d, e, f, g, h) EACH1(STEP, a, b, c, d, e, f, g, h) STEP(c, d, 21, 25)
#define EACH3(STEP, a, b, c, d, e, f, g, h) EACH2(STEP, a, b, c, d, e, f, g, h) STEP(e, f, 22, 26)
#define EACH4(STEP, a, b, c, d, e, f, g, h) EACH3(STEP, a, b, c, d, e, f, g, h) STEP(g, h, 23, 27)

/* Steps of the positions of a tile: `p` of a tile of up to two, `q` of a tile of four. */
#define P0(groups, STEP) EACH##groups(STEP, 0, 1, 2, 3, 4, 5, 6, 7)
#define P1(groups, STEP) EACH##groups(STEP, 8, 9, 10, 11, 12, 13, 14, 15)
#define Q0(groups, STEP) EACH##groups(STEP, 0, 1, 2, 3, , , , )
#define Q1(groups, STEP) EACH##groups(STEP, 4, 5, 6, 7, , , , )
#define Q2(groups, STEP) EACH##groups(STEP, 8, 9, 10, 11, , , , )
#define Q3(groups, STEP) EACH##groups(STEP, 12, 13, 14, 15, , , , )

/* Repeat two quads of a position's inputs, or load one. */
#define INPUTS(x, one, two) "dup v18.4s, v" #x ".s[" #one "]\n dup v19.4s, v" #x ".s[" #two "]\n"
#define INPUT(x) "ld1r {v18.4s}, [%[" #x "]], #4\n"
#define LOAD(size, to, bytes, x) "ldr " #size #to ", [%[" #x "]], #" #bytes "\n"

#define TWO_QUADS_1(groups, one, two) TWO_OF##groups INPUTS(16, one, two) P0(groups, TWO)
#define TWO_QUADS_2(groups, one, two) TWO_QUADS_1(groups, one, two) INPUTS(17, one, two) P1(groups, TWO)
#define TWO_QUADS_4(groups, one, two)                                                        \
    TWO_OF##groups INPUTS(16, one, two) Q0(groups, TWO) INPUTS(17, one, two) Q1(groups, TWO) \
        INPUTS(30, one, two) Q2(groups, TWO) INPUTS(31, one, two) Q3(groups, TWO)
#define LOADS_1(size, bytes) LOAD(size, 16, bytes, a)
#define LOADS_2(size, bytes) LOADS_1(size, bytes) LOAD(size, 17, bytes, b)
#define LOADS_4(size, bytes) LOADS_2(size, bytes) LOAD(size, 30, bytes, c) LOAD(size, 31, bytes, d)
#define ONE_QUAD_1(groups) ONE_OF##groups INPUT(a) P0(groups, ONE)
#define ONE_QUAD_2(groups) ONE_QUAD_1(groups) INPUT(b) P1(groups, ONE)
#define ONE_QUAD_4(groups)                                                                             \
    ONE_OF##groups INPUT(a) Q0(groups, ONE) INPUT(b) Q1(groups, ONE) INPUT(c) Q2(groups, ONE) INPUT(d) \
        Q3(groups, ONE)
#define BEGIN_1(groups) BIAS##groups P0(groups, START)
#define BEGIN_2(groups) BEGIN_1(groups) P1(groups, START)
#define BEGIN_4(groups) BIAS##groups Q0(groups, START) Q1(groups, START) Q2(groups, START) Q3(groups, START)
#define END_1(groups) P0(groups, ADD) REDS_NEON_SCALE(groups) REDS_NEON_FINISH##groups(0, 2, 4, 6)
#define END_2(groups) END_1(groups) P1(groups, ADD) REDS_NEON_FINISH##groups(8, 10, 12, 14)
#define END_4(groups)                                                     \
    Q0(groups, ADD)                                                       \
    Q1(groups, ADD)                                                       \
    Q2(groups, ADD)                                                       \
    Q3(groups, ADD)                                                       \
    REDS_NEON_SCALE(groups)                                               \
    REDS_NEON_FINISH##groups(0, 2, , ) REDS_NEON_FINISH##groups(4, 6, , ) \
        REDS_NEON_FINISH##groups(8, 10, , ) REDS_NEON_FINISH##groups(12, 14, , )

#define RUN(positions, groups)                                                                         \
    __asm volatile(REDS_NEON_WINDOW(BEGIN_##positions(groups),                                         \
                                    LOADS_##positions(q, 16) TWO_QUADS_##positions(groups, 0, 1)       \
                                        TWO_QUADS_##positions(groups, 2, 3),                           \
                                    LOADS_##positions(d, 8) TWO_QUADS_##positions(groups, 0, 1),       \
                                    ONE_QUAD_##positions(groups), REDS_NEON_NEXT##positions(next_run), \
                                    REDS_NEON_NEXT##positions(next_line), END_##positions(groups))     \
                   : REDS_NEON_OUT, REDS_NEON_X##positions                                             \
                   : REDS_NEON_IN                                                                      \
                   : REDS_NEON_CLOBBERS)

enum { HALVES = 1 }; /* a tile of many rows has two positions */

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
        if (groups == 2) {
            RUN(4, 2);
        } else {
            RUN(4, 1);
        }
    } else if (positions == 2) {
        const int8_t *b = x[1];
        if (groups == 4) {
            RUN(2, 4);
        } else {
            RUN(2, 3);
        }
    } else if (groups == 4) {
        RUN(1, 4);
    } else if (groups == 3) {
        RUN(1, 3);
    } else if (groups == 2) {
        RUN(1, 2);
    } else {
        RUN(1, 1);
    }
}

#endif
#endif
