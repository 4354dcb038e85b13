/* What the assembler of all strips shares. depthwise.h explains strips and the order of weights.
 *
 * A kernel copies the struct reds_m4_strip to its stack, between FRAME bytes of weights, if any, and its own words.
 * r11: the window's values, lr: the next output. */
#ifndef REDS_CORTEX_M4_DEPTHWISE_MACROS_H
#define REDS_CORTEX_M4_DEPTHWISE_MACROS_H

#include "depthwise_offsets.h"
#include "macros.h"

/* clang-format off */

#define FIELD(name) [sp, #(FRAME + STRIP_##name)]
#define STRIP_BIAS STRIP_BYTES
#define STRIP_MULTIPLIER (STRIP_BYTES + 4)
#define STRIP_LINES_LEFT (STRIP_BYTES + 8)
#define STRIP_LEFT (STRIP_BYTES + 12)   /* blocks of the line, as STRIP_BLOCKS, then outputs of the rest */
#define STRIP_OUT_AT (STRIP_BYTES + 16) /* lr, where lr is in use */
#define STRIP_BACK (STRIP_BYTES + 20)   /* bytes from the end of a window to the next one */
#define STRIP_BACK_1 (STRIP_BYTES + 24) /* likewise, after one word of the rest */
#define STRIP_SKIP (STRIP_BYTES + 24)   /* bytes from the end of a row of the window to the next row */
#define STRIP_ROWS_LEFT (STRIP_BYTES + 28)
#define STRIP_FRAME (STRIP_BYTES + 32)

/* Begin a kernel with so many bytes of weights on its stack, and its loop over units. */
.macro BEGIN name, weights, lined=1
    FUNCTION \name
    push    {r4-r11, lr}
    sub     sp, sp, #(STRIP_FRAME + \weights)
    .set    FRAME, \weights
    add     lr, sp, #FRAME
    ldm     r0!, {r1-r11}
    stm     lr!, {r1-r11}
    ldm     r0, {r1-r11}
    stm     lr, {r1-r11}
.L\name\()_unit:
    ldr     r4, FIELD(TABLE)
    ldr     r6, FIELD(BIAS_UNIT)
    ldr     r7, FIELD(SCALE)
    .if     \lined
    ldr     r8, FIELD(LINES)
    .endif
    ldr     r5, [r4], #4
    ldr     r11, FIELD(X)
    ldr     lr, FIELD(OUT)
    str     r4, FIELD(TABLE)
    .if     \lined
    str     r8, FIELD(LINES_LEFT)
    .endif
    smulbb  r4, r5, r6
    asr     r5, r5, #16
    lsl     r5, r5, r7
    str     r4, FIELD(BIAS)
    str     r5, FIELD(MULTIPLIER)
.endm

/* End the loop over units and the kernel. */
.macro END name
    ldr     r4, FIELD(UNITS)
    ldr     r5, FIELD(UNIT_BYTES)
    ldr     r6, FIELD(WEIGHTS_BYTES)
    ldr     r7, FIELD(X)
    ldr     r8, FIELD(WEIGHTS)
    ldr     r9, FIELD(OUT)
    add     r7, r7, r5
    add     r8, r8, r6
    add     r9, r9, #1
    subs    r4, r4, #1
    str     r7, FIELD(X)
    str     r8, FIELD(WEIGHTS)
    str     r9, FIELD(OUT)
    str     r4, FIELD(UNITS)
    bne     .L\name\()_unit
    add     sp, sp, #(STRIP_FRAME + FRAME)
    pop     {r4-r11, pc}
    .size   \name, . - \name
.endm

/* Go to the next line, if there is one. */
.macro NEXT_LINE name
    ldr     r4, FIELD(LINES_LEFT)
    ldr     r6, FIELD(NEXT_X)
    ldr     r7, FIELD(NEXT_OUT)
    subs    r4, r4, #1
    str     r4, FIELD(LINES_LEFT)
    add     r11, r11, r6
    add     lr, lr, r7
    bne     .L\name\()_line
.endm

/* Load the next word of spread weights. They are on the stack, or at r12, which stays or moves. */
.macro WEIGHT to, from
    .ifc    \from, stack
    ldr     \to, [sp, #NEXT]
    .else
    .ifc    \from, row
    ldr     \to, [r12, #NEXT]
    .else
    ldr     \to, [r12], #4
    .endif
    .endif
    .set    NEXT, NEXT + 4
.endm

/* Spread the weights of a unit of 3 x 3 to (w0, w1) (w1, w2) a row, or (w0, w1) (w2, any), on the stack. */
.macro SPREAD_3X3 second
    ldr     r12, FIELD(WEIGHTS)
    ldr     r9, FIELD(TAP)
    ldr     r10, FIELD(ROW)
    .set    NEXT, 0
    .rept   3
    ldrsb   r4, [r12]
    ldrsb   r5, [r12, r9]
    ldrsb   r6, [r12, r9, lsl #1]
    pkhbt   r4, r4, r5, lsl #16
    .ifc    \second, pair
    pkhbt   r6, r5, r6, lsl #16
    .endif
    str     r4, [sp, #NEXT]
    str     r6, [sp, #(NEXT + 4)]
    add     r12, r12, r10
    .set    NEXT, NEXT + 8
    .endr
.endm

/* Requantize sums, but for the last clamp: outputs less one, in [-128, 127]. */
.macro ROUND multiplier, zero_less_1, sums:vararg
    .irp    sum, \sums
    smmlar  \sum, \sum, \multiplier, \zero_less_1
    .endr
    .irp    sum, \sums
    ssat    \sum, #8, \sum
    .endr
.endm

/* Add one and clamp to [-127, 127]. The low byte of `one` is 1. */
.macro CLAMP one, sums:vararg
    .irp    sum, \sums
    qadd8   \sum, \sum, \one
    .endr
.endm

/* Store r0..r5 to six outputs from lr on, r8 apart, and move on by one. */
.macro STORE_SIX
    strb    r0, [lr]
    strb    r1, [lr, r8]
    strb    r2, [lr, r8, lsl #1]
    strb    r4, [lr, r8, lsl #2]
    add     lr, lr, r8
    strb    r3, [lr, r8, lsl #1]
    strb    r5, [lr, r8, lsl #2]
.endm

/* A kernel of 3 x 3 whose every line has six outputs: one block, at offsets that need no moving. `row` adds a row of
 * the window to the sums; its first word is in r6. */
.macro SIX_OF_3X3 name, row, second
    BEGIN   \name, 24, 0
    SPREAD_3X3 \second
    ldr     r12, FIELD(ROW_BYTES)
    ldr     r9, FIELD(BLOCKS)
    str     r9, FIELD(LEFT)
.L\name\()_line:
    .set    NEXT, 0
    ldr     r5, FIELD(BIAS)
    ldr     r6, [r11]
    \row    3, start, stack, 0
    .rept   2
    add     r11, r11, r12
    ldr     r6, [r11]
    \row    3, add, stack, 0
    .endr
    ldr     r6, FIELD(MULTIPLIER)
    ldr     r7, FIELD(ZERO_LESS_1)
    ldr     r8, FIELD(SITE)
    ldr     r9, FIELD(LEFT)
    ldr     r10, FIELD(NEXT_X)
    ROUND   r6, r7, r0, r1, r2, r3, r4, r5
    CLAMP   r9, r0, r1, r2, r3, r4, r5
    ldr     r6, FIELD(NEXT_OUT)
    add     r11, r11, r10
    STORE_SIX
    subs    r9, r9, #256
    str     r9, FIELD(LEFT)
    add     lr, lr, r6
    bhs     .L\name\()_line
    END     \name
.endm

/* clang-format on */

#endif
