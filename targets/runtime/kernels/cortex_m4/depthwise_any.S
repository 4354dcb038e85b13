/* Strips of any stride and any number of taps. */
#ifdef __ARM_FEATURE_DSP
#include "depthwise_macros.h"

/* Four outputs at a time; those past the end of a line are computed and not stored.
 *
 * r0..r3: sums, r4: weights, r5..r8: inputs, r9: bytes from one window to the next, r10: three times that. */
    BEGIN   reds_m4_strip_any, 0
    ldr     r4, FIELD(ROWS)
    ldr     r5, FIELD(ROW_BYTES)
    ldr     r6, FIELD(PAIRS)
    ldr     r9, FIELD(STEP)
    mul     r4, r4, r5
    sub     r5, r5, r6, lsl #2
    sub     r4, r4, r9, lsl #2
    add     r10, r9, r9, lsl #1
    str     r5, FIELD(SKIP)
    str     r4, FIELD(BACK)
.Lreds_m4_strip_any_line:
    ldr     r4, FIELD(REST)
    str     lr, FIELD(OUT_AT)
    str     r4, FIELD(LEFT)
.Lany_four:
    ldr     r12, FIELD(WEIGHTS)
    ldr     r0, FIELD(BIAS)
    ldr     r4, FIELD(ROWS)
    mov     r1, r0
    mov     r2, r0
    mov     r3, r0
.Lany_row:
    ldr     lr, FIELD(PAIRS)
    str     r4, FIELD(ROWS_LEFT)
.Lany_pair:
    ldr     r4, [r12], #4
    ldr     r6, [r11, r9]
    ldr     r7, [r11, r9, lsl #1]
    ldr     r8, [r11, r10]
    ldr     r5, [r11], #4
    smlad   r1, r6, r4, r1
    smlad   r2, r7, r4, r2
    smlad   r3, r8, r4, r3
    smlad   r0, r5, r4, r0
    subs    lr, lr, #1
    bne     .Lany_pair
    ldr     r4, FIELD(ROWS_LEFT)
    ldr     r5, FIELD(SKIP)
    subs    r4, r4, #1
    add     r11, r11, r5
    bne     .Lany_row
    ldr     r4, FIELD(LEFT)
    ldr     lr, FIELD(OUT_AT)
    ldr     r5, FIELD(BACK)
    ldr     r6, FIELD(MULTIPLIER)
    ldr     r7, FIELD(ZERO_LESS_1)
    ldr     r8, FIELD(SITE)
    sub     r11, r11, r5
    mov     r5, #1
    ROUND   r6, r7, r0, r1, r2, r3
    CLAMP   r5, r0, r1, r2, r3
    strb    r0, [lr]
    add     lr, lr, r8
    cmp     r4, #2
    blo     .Lany_stored
    strb    r1, [lr]
    add     lr, lr, r8
    beq     .Lany_stored
    strb    r2, [lr]
    add     lr, lr, r8
    cmp     r4, #3
    beq     .Lany_stored
    strb    r3, [lr]
    add     lr, lr, r8
.Lany_stored:
    subs    r4, r4, #4
    str     lr, FIELD(OUT_AT)
    str     r4, FIELD(LEFT)
    bgt     .Lany_four
    NEXT_LINE reds_m4_strip_any
    END     reds_m4_strip_any
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
