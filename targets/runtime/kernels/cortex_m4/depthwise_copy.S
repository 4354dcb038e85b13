/* How inputs and weights come to scratch. depthwise.h explains the order of both. */
#ifdef __ARM_FEATURE_DSP
#include "depthwise_macros.h"

/* Two positions of four units, in r5 and r6, to a word of each unit. */
.macro SPREAD_TWO
    pkhbt   r7, r5, r6, lsl #16
    pkhtb   r8, r6, r5, asr #16
    sxtb16  r5, r7
    sxtb16  r7, r7, ror #8
    sxtb16  r6, r8
    sxtb16  r8, r8, ror #8
    str     r5, [r1], #4
    str     r7, [r12], #4
    str     r6, [lr], #4
    str     r8, [r10], #4
.endm

/* void reds_m4_copy_lines(const int8_t *in, int16_t *to, const reds_m4_lines *lines)
 *
 * r1, r12, lr and r10: the buffers of the four units, r2: bytes from one position to the next, r3: three times that.
 * On the stack: r0 and r1 of the line, the struct, and how many lines are left. */
FUNCTION reds_m4_copy_lines
    push    {r4-r11, lr}
    ldr     r4, [r2, #LINES_LINES]
    sub     sp, sp, #16
    str     r2, [sp, #8]
    str     r4, [sp, #12]
    ldr     r2, [r2, #LINES_STEP]
    add     r3, r2, r2, lsl #1
.Llines_line:
    str     r0, [sp]
    str     r1, [sp, #4]
    ldr     r11, [sp, #8]
    ldr     r9, [r11, #LINES_UNIT_BYTES]
    ldr     r5, [r11, #LINES_HEAD]
    ldr     r4, [r11, #LINES_PAIRS]
    add     r12, r1, r9
    add     lr, r12, r9
    add     r10, lr, r9
    cbz     r5, .Llines_pairs
    ldr     r5, [r11, #LINES_PADDING]
    ldr     r6, [r0]
    add     r0, r0, r2
    SPREAD_TWO
.Llines_pairs:
    lsrs    r4, r4, #1
    bcc     .Llines_fours
    ldr     r5, [r0]
    ldr     r6, [r0, r2]
    add     r0, r0, r2, lsl #1
    SPREAD_TWO
.Llines_fours:
    cmp     r4, #0
    beq     .Llines_last
.Llines_four:
    ldr     r5, [r0]
    ldr     r6, [r0, r2]
    ldr     r11, [r0, r2, lsl #1]
    ldr     r9, [r0, r3]
    add     r0, r0, r2, lsl #2
    pkhbt   r7, r5, r6, lsl #16
    pkhtb   r8, r6, r5, asr #16
    pkhbt   r5, r11, r9, lsl #16
    pkhtb   r6, r9, r11, asr #16
    sxtb16  r11, r7
    sxtb16  r9, r5
    str     r11, [r1], #4
    str     r9, [r1], #4
    sxtb16  r7, r7, ror #8
    sxtb16  r5, r5, ror #8
    str     r7, [r12], #4
    str     r5, [r12], #4
    sxtb16  r11, r8
    sxtb16  r9, r6
    str     r11, [lr], #4
    str     r9, [lr], #4
    sxtb16  r8, r8, ror #8
    sxtb16  r6, r6, ror #8
    str     r8, [r10], #4
    str     r6, [r10], #4
    subs    r4, r4, #1
    bne     .Llines_four
.Llines_last:
    ldr     r11, [sp, #8]
    ldr     r4, [r11, #LINES_LAST]
    cbz     r4, .Llines_next
    ldr     r5, [r0]
    ldr     r6, [r11, #LINES_PADDING]
    SPREAD_TWO
.Llines_next:
    ldr     r4, [sp, #12]
    ldr     r6, [r11, #LINES_LINE_STEP]
    ldr     r7, [r11, #LINES_UNIT_BYTES]
    ldr     r0, [sp]
    ldr     r1, [sp, #4]
    subs    r4, r4, #1
    str     r4, [sp, #12]
    add     r0, r0, r6
    add     r1, r1, r7, lsl #2
    bne     .Llines_line
    add     sp, sp, #16
    pop     {r4-r11, pc}
    .size   reds_m4_copy_lines, . - reds_m4_copy_lines

/* void reds_m4_spread_twice(const int8_t *weights, uint32_t *to, const reds_m4_weights *how)
 *
 * r3: bytes from one tap to the next, r12: from one row to the next, lr: pairs of taps, r10: rows left, r11: units
 * left. */
FUNCTION reds_m4_spread_twice
    push    {r4-r11, lr}
    ldr     r3, [r2, #WEIGHTS_TAP]
    ldr     r12, [r2, #WEIGHTS_ROW]
    ldr     lr, [r2, #WEIGHTS_PAIRS]
    ldr     r11, [r2, #WEIGHTS_UNITS]
.Ltwice_unit:
    ldr     r10, [r2, #WEIGHTS_ROWS]
.Ltwice_row:
    ldrsb   r6, [r0]
    ldrsb   r7, [r0, r3]
    add     r4, r0, r3, lsl #1
    pkhbt   r6, r6, r7, lsl #16
    str     r6, [r1], #4
    subs    r5, lr, #1
    beq     .Ltwice_last
.Ltwice_pair:
    ldrsb   r6, [r4]
    ldrsb   r8, [r4, r3]
    add     r4, r4, r3, lsl #1
    pkhbt   r9, r6, r8, lsl #16
    pkhbt   r6, r7, r6, lsl #16
    mov     r7, r8
    str     r9, [r1], #4
    str     r6, [r1], #4
    subs    r5, r5, #1
    bne     .Ltwice_pair
.Ltwice_last:
    ldr     r5, [r2, #WEIGHTS_ODD]
    cbz     r5, .Ltwice_even
    ldrsb   r5, [r4]
.Ltwice_even:
    pkhbt   r7, r7, r5, lsl #16
    str     r7, [r1], #4
    add     r0, r0, r12
    subs    r10, r10, #1
    bne     .Ltwice_row
    ldr     r5, [r2, #WEIGHTS_UNIT]
    subs    r11, r11, #1
    add     r0, r0, r5
    bne     .Ltwice_unit
    pop     {r4-r11, pc}
    .size   reds_m4_spread_twice, . - reds_m4_spread_twice

/* void reds_m4_spread_once(const int8_t *weights, uint32_t *to, const reds_m4_weights *how) */
FUNCTION reds_m4_spread_once
    push    {r4-r11, lr}
    ldr     r3, [r2, #WEIGHTS_TAP]
    ldr     r12, [r2, #WEIGHTS_ROW]
    ldr     lr, [r2, #WEIGHTS_PAIRS]
    ldr     r11, [r2, #WEIGHTS_UNITS]
.Lonce_unit:
    ldr     r10, [r2, #WEIGHTS_ROWS]
.Lonce_row:
    mov     r4, r0
    movs    r5, lr
    beq     .Lonce_last
.Lonce_pair:
    ldrsb   r6, [r4]
    ldrsb   r8, [r4, r3]
    add     r4, r4, r3, lsl #1
    pkhbt   r6, r6, r8, lsl #16
    str     r6, [r1], #4
    subs    r5, r5, #1
    bne     .Lonce_pair
.Lonce_last:
    ldr     r5, [r2, #WEIGHTS_ODD]
    ldr     r6, [r2, #WEIGHTS_ZERO]
    cbz     r5, .Lonce_even
    ldrsb   r5, [r4]
    uxth    r5, r5
    str     r5, [r1], #4
.Lonce_even:
    cbz     r6, .Lonce_next
    mov     r6, #0
    str     r6, [r1], #4
.Lonce_next:
    add     r0, r0, r12
    subs    r10, r10, #1
    bne     .Lonce_row
    ldr     r5, [r2, #WEIGHTS_UNIT]
    subs    r11, r11, #1
    add     r0, r0, r5
    bne     .Lonce_unit
    pop     {r4-r11, pc}
    .size   reds_m4_spread_once, . - reds_m4_spread_once
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
