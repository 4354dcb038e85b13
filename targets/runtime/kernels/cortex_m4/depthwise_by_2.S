/* Strips of stride 2: each output of a line begins with a word of its own. Four outputs at a time, six of 3 x 3, the
 * rest one by one.
 *
 * Looped: r0..r3 sums, r4..r7 words of inputs, r8 a word of weights. 3 x 3: r0..r5 sums, r6..r8 words of inputs, r9 and
 * r10 words of weights. */
#ifdef __ARM_FEATURE_DSP
#include "depthwise_macros.h"

.macro TAPS_OF_FOUR a, b, c, d
    smlad   r0, \a, r8, r0
    smlad   r1, \b, r8, r1
    smlad   r2, \c, r8, r2
    smlad   r3, \d, r8, r3
.endm

/* Add a row of the window to four sums. */
.macro ROW_OF_FOUR taps, weights
    .set    NEXT, 0
    ldr     r4, [r11]
    ldr     r5, [r11, #4]
    ldr     r6, [r11, #8]
    ldr     r7, [r11, #12]
    WEIGHT  r8, \weights
    TAPS_OF_FOUR r4, r5, r6, r7
    ldr     r4, [r11, #16]
    WEIGHT  r8, \weights
    TAPS_OF_FOUR r5, r6, r7, r4
    .if     \taps > 3
    ldr     r5, [r11, #20]
    WEIGHT  r8, \weights
    TAPS_OF_FOUR r6, r7, r4, r5
    .endif
    .if     \taps > 5
    ldr     r6, [r11, #24]
    WEIGHT  r8, \weights
    TAPS_OF_FOUR r7, r4, r5, r6
    .endif
    .if     \taps > 7
    ldr     r7, [r11, #28]
    WEIGHT  r8, \weights
    TAPS_OF_FOUR r4, r5, r6, r7
    .endif
.endm

.macro ROW_OF_ONE taps, weights
    .set    NEXT, 0
    .rept   (\taps + 1) / 2
    ldr     r4, [r11, #NEXT]
    WEIGHT  r8, \weights
    smlad   r0, r4, r8, r0
    .endr
.endm

/* Sum outputs row by row, or over the only row. The caller has set the sums to the bias. */
.macro SUM name, row, taps, rows, bytes, back
    .if     \rows == 1
    \row    \taps, row
    add     r11, r11, #\bytes
    .else
    ldr     r12, FIELD(WEIGHTS)
    ldr     lr, FIELD(ROWS)
.L\name:
    \row    \taps, loop
    ldr     r9, FIELD(ROW_BYTES)
    subs    lr, lr, #1
    add     r11, r11, r9
    bne     .L\name
    ldr     lr, FIELD(OUT_AT)
    ldr     r9, [sp, #(FRAME + \back)]
    sub     r11, r11, r9
    .endif
.endm

/* A kernel of one row, or of any number of rows: 0. */
.macro LINES name, taps, rows
    BEGIN   \name, 0
    ldr     r4, FIELD(ROWS)
    ldr     r5, FIELD(ROW_BYTES)
    ldr     r12, FIELD(WEIGHTS)
    mul     r4, r4, r5
    sub     r5, r4, #4
    sub     r4, r4, #16
    str     r5, FIELD(BACK_1)
    str     r4, FIELD(BACK)
.L\name\()_line:
    str     lr, FIELD(OUT_AT)
    ldr     r10, FIELD(BLOCKS)
    cmp     r10, #0
    beq     .L\name\()_rest
.L\name\()_four:
    ldr     r0, FIELD(BIAS)
    .irp    sum, r1, r2, r3
    mov     \sum, r0
    .endr
    SUM     \name\()_row_of_four, ROW_OF_FOUR, \taps, \rows, 16, STRIP_BACK
    ldr     r6, FIELD(MULTIPLIER)
    ldr     r7, FIELD(ZERO_LESS_1)
    ldr     r8, FIELD(SITE)
    ROUND   r6, r7, r0, r1, r2, r3
    CLAMP   r10, r0, r1, r2, r3
    add     r9, lr, r8
    strb    r0, [lr]
    strb    r1, [lr, r8]
    strb    r2, [lr, r8, lsl #1]
    strb    r3, [r9, r8, lsl #1]
    add     lr, lr, r8, lsl #2
    .if     \rows == 0
    str     lr, FIELD(OUT_AT)
    .endif
    subs    r10, r10, #256
    bhs     .L\name\()_four
.L\name\()_rest:
    ldr     r10, FIELD(REST)
    cmp     r10, #0
    beq     .L\name\()_next
.L\name\()_one:
    ldr     r0, FIELD(BIAS)
    SUM     \name\()_row_of_one, ROW_OF_ONE, \taps, \rows, 4, STRIP_BACK_1
    ldr     r6, FIELD(MULTIPLIER)
    ldr     r7, FIELD(ZERO_LESS_1)
    ldr     r8, FIELD(SITE)
    mov     r9, #1
    ROUND   r6, r7, r0
    CLAMP   r9, r0
    strb    r0, [lr]
    add     lr, lr, r8
    .if     \rows == 0
    str     lr, FIELD(OUT_AT)
    .endif
    subs    r10, r10, #1
    bne     .L\name\()_one
.L\name\()_next:
    NEXT_LINE \name
    END     \name
.endm

/* Add a row of 3 x 3 to six sums; its first word of inputs is in r6. `start`: the sums start at r5, the bias. */
.macro ROW_OF_SIX taps, how, weights, base
    ldr     r7, [r11, #(\base + 4)]
    ldr     r8, [r11, #(\base + 8)]
    WEIGHT  r9, \weights
    WEIGHT  r10, \weights
    .ifc    \how, start
    smlad   r0, r6, r9, r5
    smlad   r1, r7, r9, r5
    smlabb  r0, r7, r10, r0
    smlad   r2, r8, r9, r5
    smlabb  r1, r8, r10, r1
    .else
    smlad   r0, r6, r9, r0
    smlad   r1, r7, r9, r1
    smlabb  r0, r7, r10, r0
    smlad   r2, r8, r9, r2
    smlabb  r1, r8, r10, r1
    .endif
    ldr     r6, [r11, #(\base + 12)]
    ldr     r7, [r11, #(\base + 16)]
    ldr     r8, [r11, #(\base + 20)]
    .ifc    \how, start
    smlad   r3, r6, r9, r5
    smlad   r4, r7, r9, r5
    .else
    smlad   r3, r6, r9, r3
    smlad   r4, r7, r9, r4
    .endif
    smlabb  r2, r6, r10, r2
    smlabb  r3, r7, r10, r3
    smlad   r5, r8, r9, r5
    ldr     r6, [r11, #(\base + 24)]
    smlabb  r4, r8, r10, r4
    smlabb  r5, r6, r10, r5
.endm

/* Add a row of 3 x 3 to the sums in r3, r4 and r5. */
.macro ADD_ROW_OF_THREE
    ldr     r6, [r11]
    ldr     r7, [r11, #4]
    ldr     r8, [r11, #8]
    WEIGHT  r9, stack
    WEIGHT  r10, stack
    smlad   r3, r6, r9, r3
    ldr     r6, [r11, #12]
    smlad   r4, r7, r9, r4
    smlad   r5, r8, r9, r5
    smlabb  r3, r7, r10, r3
    smlabb  r4, r8, r10, r4
    smlabb  r5, r6, r10, r5
.endm

/* Add a row of 3 x 3 to the sum in r5. */
.macro ADD_ROW
    ldr     r6, [r11]
    ldr     r7, [r11, #4]
    WEIGHT  r9, stack
    WEIGHT  r10, stack
    smlad   r5, r6, r9, r5
    smlabb  r5, r7, r10, r5
.endm

    BEGIN   reds_m4_strip_3x3_by_2, 24
    SPREAD_3X3 single
    ldr     r12, FIELD(ROW_BYTES)
.Lreds_m4_strip_3x3_by_2_line:
    ldr     r9, FIELD(BLOCKS)
    cmp     r9, #0
    beq     .L3x3_by_2_rest
    str     r9, FIELD(LEFT)
.L3x3_by_2_six:
    .set    NEXT, 0
    ldr     r5, FIELD(BIAS)
    ldr     r6, [r11], #24
    ROW_OF_SIX 3, start, stack, -24
    .rept   2
    add     r11, r11, r12
    ldr     r6, [r11, #-24]
    ROW_OF_SIX 3, add, stack, -24
    .endr
    sub     r11, r11, r12, lsl #1
    ldr     r6, FIELD(MULTIPLIER)
    ldr     r7, FIELD(ZERO_LESS_1)
    ldr     r8, FIELD(SITE)
    ldr     r9, FIELD(LEFT)
    ROUND   r6, r7, r0, r1, r2, r3, r4, r5
    CLAMP   r9, r0, r1, r2, r3, r4, r5
    STORE_SIX
    add     lr, lr, r8
    add     lr, lr, r8, lsl #2
    subs    r9, r9, #256
    str     r9, FIELD(LEFT)
    bhs     .L3x3_by_2_six
.L3x3_by_2_rest:
    ldr     r6, FIELD(REST)
    cmp     r6, #0
    beq     .L3x3_by_2_next
    ldr     r0, FIELD(BIAS)
    ldr     r1, FIELD(MULTIPLIER)
    ldr     r2, FIELD(ZERO_LESS_1)
    subs    r6, r6, #3
    str     r6, FIELD(LEFT)
    blo     .L3x3_by_2_last
    .set    NEXT, 0
    mov     r3, r0
    mov     r4, r0
    mov     r5, r0
    ADD_ROW_OF_THREE
    add     r11, r11, r12
    ADD_ROW_OF_THREE
    add     r11, r11, r12
    ADD_ROW_OF_THREE
    sub     r11, r11, r12, lsl #1
    add     r11, r11, #12
    ldr     r6, FIELD(LEFT)
    ldr     r8, FIELD(SITE)
    mov     r7, #1
    ROUND   r1, r2, r3, r4, r5
    CLAMP   r7, r3, r4, r5
    strb    r3, [lr]
    strb    r4, [lr, r8]
    strb    r5, [lr, r8, lsl #1]
    add     lr, lr, r8
    add     lr, lr, r8, lsl #1
    subs    r6, r6, #3
.L3x3_by_2_last:
    adds    r4, r6, #3
    beq     .L3x3_by_2_next
    ldr     r8, FIELD(SITE)
    mov     r3, #1
.L3x3_by_2_one:
    .set    NEXT, 0
    mov     r5, r0
    ADD_ROW
    add     r11, r11, r12
    ADD_ROW
    add     r11, r11, r12
    ADD_ROW
    sub     r11, r11, r12, lsl #1
    add     r11, r11, #4
    ROUND   r1, r2, r5
    CLAMP   r3, r5
    strb    r5, [lr]
    add     lr, lr, r8
    subs    r4, r4, #1
    bne     .L3x3_by_2_one
.L3x3_by_2_next:
    NEXT_LINE reds_m4_strip_3x3_by_2
    END     reds_m4_strip_3x3_by_2

    SIX_OF_3X3 reds_m4_strip_3x3_six_by_2, ROW_OF_SIX, single
    LINES   reds_m4_strip_3_by_2, 3, 0
    LINES   reds_m4_strip_5_by_2, 5, 0
    LINES   reds_m4_strip_7_by_2, 7, 0
    LINES   reds_m4_strip_9_by_2, 9, 0
    LINES   reds_m4_strip_1x3_by_2, 3, 1
    LINES   reds_m4_strip_1x5_by_2, 5, 1
    LINES   reds_m4_strip_1x7_by_2, 7, 1
    LINES   reds_m4_strip_1x9_by_2, 9, 1
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
