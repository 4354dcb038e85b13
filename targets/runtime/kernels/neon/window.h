/* What the tiles in assembler of both variants share. */
#ifndef REDS_NEON_WINDOW_H
#define REDS_NEON_WINDOW_H

#include "neon.h"

#ifdef __aarch64__

#pragma GCC diagnostic ignored "-Woverlength-strings" /* of a tile: longer than C99 asks compilers to take */

/* Run over a window: sixteen inputs of each run at a time, then eight, then four. `w` runs over the blocks. The
 * other parts load inputs and add products, and go on to the next run or line of the window. */
#define REDS_NEON_WINDOW(BEGIN, SIXTEEN, EIGHT, FOUR, NEXT_RUN, NEXT_LINE, END)  \
    BEGIN "1:\n mov %w[run], %w[runs]\n"                                         \
          "2:\n subs %w[left], %w[quads], #4\n"                                  \
          "b.lo 4f\n"                                                            \
          "3:\n" SIXTEEN "subs %w[left], %w[left], #4\n"                         \
          "b.hs 3b\n"                                                            \
          "4:\n tbz %w[left], #1, 5f\n" EIGHT "5:\n tbz %w[left], #0, 6f\n" FOUR \
          "6:\n add %[w], %[w], %[gap]\n" NEXT_RUN "subs %w[run], %w[run], #1\n" \
          "b.ne 2b\n" NEXT_LINE "subs %w[line], %w[line], #1\n"                  \
          "b.ne 1b\n" END

/* Requantize the sums of a position, a to d, of one to four groups of rows, and store sixteen bytes. */
#define REDS_NEON_SCALE(groups)                                                              \
    "ld1 {v20.4s}, [%[multiplier]], #16\n sshr v20.4s, v20.4s, #1\n" REDS_NEON_SCALE##groups \
        "dup v24.8h, %w[zero]\n movi v25.16b, #129\n"
#define REDS_NEON_SCALE1
#define REDS_NEON_SCALE2 "ld1 {v21.4s}, [%[multiplier]]\n sshr v21.4s, v21.4s, #1\n"
#define REDS_NEON_SCALE3 \
    "ld1 {v21.4s, v22.4s}, [%[multiplier]]\n sshr v21.4s, v21.4s, #1\n sshr v22.4s, v22.4s, #1\n"
#define REDS_NEON_SCALE4                                                                         \
    "ld1 {v21.4s-v23.4s}, [%[multiplier]]\n sshr v21.4s, v21.4s, #1\n sshr v22.4s, v22.4s, #1\n" \
    "sshr v23.4s, v23.4s, #1\n"
#define REDS_NEON_FIRST(a) "sqrdmulh v" #a ".4s, v" #a ".4s, v20.4s\n sqxtn v" #a ".4h, v" #a ".4s\n"
#define REDS_NEON_SECOND(a, b) "sqrdmulh v" #b ".4s, v" #b ".4s, v21.4s\n sqxtn2 v" #a ".8h, v" #b ".4s\n"
#define REDS_NEON_THIRD(c) "sqrdmulh v" #c ".4s, v" #c ".4s, v22.4s\n sqxtn v" #c ".4h, v" #c ".4s\n"
#define REDS_NEON_FOURTH(c, d) "sqrdmulh v" #d ".4s, v" #d ".4s, v23.4s\n sqxtn2 v" #c ".8h, v" #d ".4s\n"
#define REDS_NEON_LOW(a) "sqadd v" #a ".8h, v" #a ".8h, v24.8h\n sqxtn v" #a ".8b, v" #a ".8h\n"
#define REDS_NEON_HIGH(a, c) "sqadd v" #c ".8h, v" #c ".8h, v24.8h\n sqxtn2 v" #a ".16b, v" #c ".8h\n"
#define REDS_NEON_PUT(a) "smax v" #a ".16b, v" #a ".16b, v25.16b\n str q" #a ", [%[y]], #16\n"
#define REDS_NEON_FINISH1(a, b, c, d) REDS_NEON_FIRST(a) REDS_NEON_LOW(a) REDS_NEON_PUT(a)
#define REDS_NEON_FINISH2(a, b, c, d) \
    REDS_NEON_FIRST(a) REDS_NEON_SECOND(a, b) REDS_NEON_LOW(a) REDS_NEON_PUT(a)
#define REDS_NEON_FINISH3(a, b, c, d) \
    REDS_NEON_FIRST(a)                \
    REDS_NEON_SECOND(a, b) REDS_NEON_THIRD(c) REDS_NEON_LOW(a) REDS_NEON_HIGH(a, c) REDS_NEON_PUT(a)
#define REDS_NEON_FINISH4(a, b, c, d) \
    REDS_NEON_FIRST(a)                \
    REDS_NEON_SECOND(a, b)            \
    REDS_NEON_THIRD(c) REDS_NEON_FOURTH(c, d) REDS_NEON_LOW(a) REDS_NEON_HIGH(a, c) REDS_NEON_PUT(a)

/* Operands of a window; `y` is where the outputs are stored, sixteen bytes a position. */
#define REDS_NEON_OUT                                                                             \
    [w] "+r"(w), [y] "+r"(y), [multiplier] "+r"(multiplier), [line] "+r"(line), [run] "=&r"(run), \
        [left] "=&r"(left)
#define REDS_NEON_IN                                                                  \
    [bias] "r"(rows->bias + first), [runs] "r"(rows->runs), [quads] "r"(rows->quads), \
        [gap] "r"(rows->gap * block), [block] "r"(block), [next_run] "r"(rows->run),  \
        [next_line] "r"(rows->line), [zero] "r"(rows->zero)
#define REDS_NEON_CLOBBERS                                                                                \
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", \
        "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", \
        "v30", "v31", "cc", "memory"

/* Operands of one, two or four positions, how to load inputs of four, and how to go on. */
#define REDS_NEON_X1 [a] "+r"(a)
#define REDS_NEON_X2 REDS_NEON_X1, [b] "+r"(b)
#define REDS_NEON_X4 REDS_NEON_X2, [c] "+r"(c), [d] "+r"(d)
#define REDS_NEON_NEXT1(bytes) "add %[a], %[a], %[" #bytes "]\n"
#define REDS_NEON_NEXT2(bytes) REDS_NEON_NEXT1(bytes) "add %[b], %[b], %[" #bytes "]\n"
#define REDS_NEON_NEXT4(bytes) \
    REDS_NEON_NEXT2(bytes) "add %[c], %[c], %[" #bytes "]\n add %[d], %[d], %[" #bytes "]\n"

#endif
#endif
