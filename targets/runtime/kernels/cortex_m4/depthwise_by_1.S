/* Strips of stride 1: two outputs of a line share each word of two inputs. Six outputs at a time, the rest two by two.
 *
 * r0..r5: sums of six outputs, r6..r8: words of inputs, r9 and r10: words of weights. */
#ifdef __ARM_FEATURE_DSP
#include "depthwise_macros.h"

/* The first word of inputs of each pair of outputs: (w0, w1) for the even one, w0 for the odd one. `start` instead of
 * `add`: the sums start at r5, the bias. */
.macro FIRST how, a, b, c
    .ifc    \how, start
    smlad   r0, \a, r9, r5
    smlatb  r1, \a, r9, r5
    smlad   r2, \b, r9, r5
    smlatb  r3, \b, r9, r5
    smlad   r4, \c, r9, r5
    .else
    smlad   r0, \a, r9, r0
    smlatb  r1, \a, r9, r1
    smlad   r2, \b, r9, r2
    smlatb  r3, \b, r9, r3
    smlad   r4, \c, r9, r4
    .endif
    smlatb  r5, \c, r9, r5
.endm

.macro MIDDLE a, b, c
    smlad   r0, \a, r9, r0
    smlad   r1, \a, r10, r1
    smlad   r2, \b, r9, r2
    smlad   r3, \b, r10, r3
    smlad   r4, \c, r9, r4
    smlad   r5, \c, r10, r5
.endm

/* The last word: the last weight for the even output, the last two for the odd one. */
.macro LAST a, b, c
    smlabt  r0, \a, r9, r0
    smlad   r1, \a, r9, r1
    smlabt  r2, \b, r9, r2
    smlad   r3, \b, r9, r3
    smlabt  r4, \c, r9, r4
    smlad   r5, \c, r9, r5
.endm

/* Load the bytes to the next row to r10, beside the last weights of a row, if rows are looped. */
.macro ROW_BYTES weights
    .ifc    \weights, loop
    ldr     r10, FIELD(ROW_BYTES)
    .endif
.endm

/* Add a row of the window to six sums. `base`: offset of the first word from r11. */
.macro ROW_OF_SIX taps, how, weights, base
    ldr     r7, [r11, #(\base + 4)]
    ldr     r8, [r11, #(\base + 8)]
    WEIGHT  r9, \weights
    FIRST   \how, r6, r7, r8
    ldr     r6, [r11, #(\base + 12)]
    WEIGHT  r9, \weights
    .if     \taps == 3
    ROW_BYTES \weights
    LAST    r7, r8, r6
    .else
    WEIGHT  r10, \weights
    MIDDLE  r7, r8, r6
    ldr     r7, [r11, #(\base + 16)]
    WEIGHT  r9, \weights
    .if     \taps == 5
    ROW_BYTES \weights
    LAST    r8, r6, r7
    .else
    WEIGHT  r10, \weights
    MIDDLE  r8, r6, r7
    ldr     r8, [r11, #(\base + 20)]
    WEIGHT  r9, \weights
    .if     \taps == 7
    ROW_BYTES \weights
    LAST    r6, r7, r8
    .else
    WEIGHT  r10, \weights
    MIDDLE  r6, r7, r8
    ldr     r6, [r11, #(\base + 24)]
    WEIGHT  r9, \weights
    ROW_BYTES \weights
    LAST    r7, r8, r6
    .endif
    .endif
    .endif
.endm

/* Add a row of the window to two sums, from the bias in r1 on if it is the first. */
.macro ROW_OF_TWO taps, how, weights, base
    .set    AT, \base + 4
    WEIGHT  r9, \weights
    .ifc    \how, start
    smlad   r0, r6, r9, r1
    .else
    smlad   r0, r6, r9, r0
    .endif
    smlatb  r1, r6, r9, r1
    .rept   (\taps - 3) / 2
    ldr     r6, [r11, #AT]
    WEIGHT  r9, \weights
    WEIGHT  r10, \weights
    smlad   r0, r6, r9, r0
    smlad   r1, r6, r10, r1
    .set    AT, AT + 4
    .endr
    ldr     r6, [r11, #AT]
    WEIGHT  r9, \weights
    ROW_BYTES \weights
    smlabt  r0, r6, r9, r0
    smlad   r1, r6, r9, r1
.endm

/* Add a row of 3 x 3 to four sums. `start`: they start at r3, the bias. */
.macro ROW_OF_FOUR taps, how, weights, base
    ldr     r7, [r11, #(\base + 4)]
    WEIGHT  r9, \weights
    ldr     r8, [r11, #(\base + 8)]
    WEIGHT  r10, \weights
    .ifc    \how, start
    smlad   r0, r6, r9, r3
    smlatb  r1, r6, r9, r3
    smlad   r2, r7, r9, r3
    .else
    smlad   r0, r6, r9, r0
    smlatb  r1, r6, r9, r1
    smlad   r2, r7, r9, r2
    .endif
    smlatb  r3, r7, r9, r3
    smlabt  r0, r7, r10, r0
    smlad   r1, r7, r10, r1
    smlabt  r2, r8, r10, r2
    smlad   r3, r8, r10, r3
.endm

/* Add a row of 3 x 3 to the sum in r0. */
.macro ROW_OF_ONE taps, how, weights, base
    ldr     r7, [r11, #(\base + 4)]
    WEIGHT  r9, \weights
    WEIGHT  r10, \weights
    smlad   r0, r6, r9, r0
    smlabt  r0, r7, r10, r0
.endm

/* Sum a block of outputs over a window of one row or of three, whose weights stay where they are. r12: bytes from one
 * row to the next. r11 moves past the block. */
.macro SUM_ROWS row, taps, rows, words, bias, weights
    .set    NEXT, 0
    ldr     \bias, FIELD(BIAS)
    ldr     r6, [r11], #(4 * \words)
    \row    \taps, start, \weights, -4 * \words
    .if     \rows == 3
    .rept   2
    add     r11, r11, r12
    ldr     r6, [r11, #(-4 * \words)]
    \row    \taps, add, \weights, -4 * \words
    .endr
    sub     r11, r11, r12, lsl #1
    .endif
.endm

/* Sum a block of outputs row by row: r0 and these sums. Leaves in r10 what leads back from the end of the window. */
.macro SUM_LOOP name, row, taps, back, sums:vararg
    ldr     r0, FIELD(BIAS)
    ldr     r12, FIELD(WEIGHTS)
    ldr     lr, FIELD(ROWS)
    .irp    sum, \sums
    mov     \sum, r0
    .endr
.L\name:
    .set    NEXT, 0
    ldr     r6, [r11]
    \row    \taps, add, loop, 0
    subs    lr, lr, #1
    add     r11, r11, r10
    bne     .L\name
    ldr     lr, FIELD(OUT_AT)
    ldr     r10, [sp, #(FRAME + \back)]
.endm

/* Compute the rest of a line, then go to the next line and unit. */
.macro REST name, taps, rows, weights
.L\name\()_rest:
    ldr     r4, FIELD(REST)
    .if     \rows == 3
    cmp     r4, #1
    blo     .L\name\()_next
    beq     .L\name\()_one
    cmp     r4, #2
    bhi     .L\name\()_four
    SUM_ROWS ROW_OF_TWO, \taps, 3, 1, r1, \weights
    ldr     r6, FIELD(MULTIPLIER)
    ldr     r7, FIELD(ZERO_LESS_1)
    ldr     r8, FIELD(SITE)
    mov     r10, #1
    ROUND   r6, r7, r0, r1
    CLAMP   r10, r0, r1
    strb    r0, [lr]
    strb    r1, [lr, r8]
    add     lr, lr, r8, lsl #1
    b       .L\name\()_next
.L\name\()_four:
    SUM_ROWS ROW_OF_FOUR, \taps, 3, 2, r3, \weights
    ldr     r6, FIELD(MULTIPLIER)
    ldr     r7, FIELD(ZERO_LESS_1)
    ldr     r8, FIELD(SITE)
    mov     r9, #1
    ROUND   r6, r7, r0, r1, r2, r3
    CLAMP   r9, r0, r1, r2, r3
    strb    r0, [lr]
    strb    r1, [lr, r8]
    strb    r2, [lr, r8, lsl #1]
    add     r9, lr, r8
    subs    r4, r4, #4
    it      hs
    strbhs  r3, [r9, r8, lsl #1]
    add     lr, lr, r8, lsl #2
    bls     .L\name\()_next
.L\name\()_one:
    SUM_ROWS ROW_OF_ONE, \taps, 3, 1, r0, \weights
    ldr     r6, FIELD(MULTIPLIER)
    ldr     r7, FIELD(ZERO_LESS_1)
    ldr     r8, FIELD(SITE)
    mov     r10, #1
    ROUND   r6, r7, r0
    CLAMP   r10, r0
    strb    r0, [lr]
    add     lr, lr, r8, lsl #1
    .else
    cmp     r4, #0
    beq     .L\name\()_next
    str     r4, FIELD(LEFT)
.L\name\()_two:
    .if     \rows
    SUM_ROWS ROW_OF_TWO, \taps, \rows, 1, r1, \weights
    .else
    SUM_LOOP \name\()_row_of_two, ROW_OF_TWO, \taps, STRIP_BACK_1, r1
    .endif
    ldr     r6, FIELD(MULTIPLIER)
    ldr     r7, FIELD(ZERO_LESS_1)
    ldr     r8, FIELD(SITE)
    ldr     r9, FIELD(LEFT)
    .if     \rows == 0
    sub     r11, r11, r10
    .endif
    mov     r10, #1
    ROUND   r6, r7, r0, r1
    CLAMP   r10, r0, r1
    strb    r0, [lr]
    subs    r9, r9, #2
    it      hs
    strbhs  r1, [lr, r8]
    add     lr, lr, r8, lsl #1
    str     r9, FIELD(LEFT)
    .if     \rows == 0
    str     lr, FIELD(OUT_AT)
    .endif
    bgt     .L\name\()_two
    .endif
.L\name\()_next:
    NEXT_LINE \name
    END     \name
.endm

/* A kernel of one row of taps or of three: `weights` is row or stack, with `frame` bytes for them. */
.macro FIXED name, taps, rows, weights, frame
    BEGIN   \name, \frame
    .if     \rows == 3
    SPREAD_3X3 pair
    ldr     r12, FIELD(ROW_BYTES)
    .else
    ldr     r12, FIELD(WEIGHTS)
    .endif
.L\name\()_line:
    ldr     r9, FIELD(BLOCKS)
    cmp     r9, #0
    beq     .L\name\()_rest
    str     r9, FIELD(LEFT)
.L\name\()_six:
    SUM_ROWS ROW_OF_SIX, \taps, \rows, 3, r5, \weights
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
    bhs     .L\name\()_six
    REST    \name, \taps, \rows, \weights
.endm

/* A kernel of any number of rows. */
.macro LOOPED name, taps
    BEGIN   \name, 0
    ldr     r4, FIELD(ROWS)
    ldr     r5, FIELD(ROW_BYTES)
    mul     r4, r4, r5
    sub     r5, r4, #4
    sub     r4, r4, #12
    str     r5, FIELD(BACK_1)
    str     r4, FIELD(BACK)
.L\name\()_line:
    str     lr, FIELD(OUT_AT)
    ldr     r9, FIELD(BLOCKS)
    cmp     r9, #0
    beq     .L\name\()_rest
    str     r9, FIELD(LEFT)
.L\name\()_six:
    SUM_LOOP \name\()_row_of_six, ROW_OF_SIX, \taps, STRIP_BACK, r1, r2, r3, r4, r5
    ldr     r6, FIELD(MULTIPLIER)
    ldr     r7, FIELD(ZERO_LESS_1)
    ldr     r8, FIELD(SITE)
    ldr     r9, FIELD(LEFT)
    sub     r11, r11, r10
    ROUND   r6, r7, r0, r1, r2, r3, r4, r5
    CLAMP   r9, r0, r1, r2, r3, r4, r5
    STORE_SIX
    add     lr, lr, r8
    add     lr, lr, r8, lsl #2
    str     lr, FIELD(OUT_AT)
    subs    r9, r9, #256
    str     r9, FIELD(LEFT)
    bhs     .L\name\()_six
    REST    \name, \taps, 0, loop
.endm

    LOOPED  reds_m4_strip_3, 3
    LOOPED  reds_m4_strip_5, 5
    LOOPED  reds_m4_strip_7, 7
    LOOPED  reds_m4_strip_9, 9
    FIXED   reds_m4_strip_1x3, 3, 1, row, 0
    FIXED   reds_m4_strip_1x5, 5, 1, row, 0
    FIXED   reds_m4_strip_1x7, 7, 1, row, 0
    FIXED   reds_m4_strip_1x9, 9, 1, row, 0
    FIXED   reds_m4_strip_3x3, 3, 3, stack, 24

    SIX_OF_3X3 reds_m4_strip_3x3_six, ROW_OF_SIX, pair
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
