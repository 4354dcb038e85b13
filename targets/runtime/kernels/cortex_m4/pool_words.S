/* Pools and the turning of tensors. values.h explains blocks. */
#ifdef __ARM_FEATURE_DSP
#include "values_macros.h"

/* The larger value of each byte, in a. SSUB8 notes which are, and SEL takes them. */
.macro LARGER a, b
    ssub8   r10, \a, \b
    sel     \a, \a, \b
.endm

/* Load the values of all tensors with `load`, move on by so many bytes and leave the largest ones in r6. */
.macro LARGEST of, load, bytes
    .if     \of > 3
    \load   r9, [r1, r4]
    .endif
    .if     \of > 2
    \load   r8, [r1, r3]
    .endif
    \load   r7, [r1, r2]
    \load   r6, [r1], #\bytes
    .if     \of > 3
    LARGER  r8, r9
    .endif
    LARGER  r6, r7
    .if     \of > 2
    LARGER  r6, r8
    .endif
.endm

/* The largest of so many values. r0: out, r1: in, r2..r4: bytes to the others, r5: bytes left, r11: blocks left,
 * r12: the step, lr: bytes of a block. */
.macro MAX name, of
    FUNCTION \name
    push    {r4-r11, lr}
    ldr     r1, [r0, #LARGEST_IN]
    ldr     r2, [r0, #LARGEST_AT]
    ldr     r3, [r0, #(LARGEST_AT + 4)]
    ldr     r4, [r0, #(LARGEST_AT + 8)]
    ldr     lr, [r0, #LARGEST_BYTES]
    ldr     r11, [r0, #LARGEST_BLOCKS]
    ldr     r12, [r0, #LARGEST_STEP]
    ldr     r0, [r0, #LARGEST_OUT]
.L\name\()_block:
    subs    r5, lr, #8
    blo     .L\name\()_last
.L\name\()_eight:
    LARGEST \of, ldr, 4
    str     r6, [r0], #4
    LARGEST \of, ldr, 4
    str     r6, [r0], #4
    subs    r5, r5, #8
    bhs     .L\name\()_eight
.L\name\()_last:
    adds    r5, r5, #8
    beq     .L\name\()_next
    cmp     r5, #4
    blo     .L\name\()_few
    LARGEST \of, ldr, 4
    str     r6, [r0], #4
    subs    r5, r5, #4
    beq     .L\name\()_next
.L\name\()_ragged:
    rsb     r5, r5, #4
    sub     r0, r0, r5
    sub     r1, r1, r5
    LARGEST \of, ldr, 4
    str     r6, [r0], #4
.L\name\()_next:
    add     r1, r1, r12
    subs    r11, r11, #1
    bne     .L\name\()_block
    pop     {r4-r11, pc}
.L\name\()_few:
    cmp     lr, #4
    bhs     .L\name\()_ragged
.L\name\()_one:
    LARGEST \of, ldrb, 1
    strb    r6, [r0], #1
    subs    r5, r5, #1
    bne     .L\name\()_one
    b       .L\name\()_next
    .size   \name, . - \name
.endm

    MAX     reds_m4_max_2, 2
    MAX     reds_m4_max_3, 3
    MAX     reds_m4_max_4, 4

/* Add a word of four values to the sums: of units 0 and 2 in r3, of units 1 and 3 in r4. */
.macro ADD_WORD word
    sxtab16 r3, r3, \word
    sxtab16 r4, r4, \word, ror #8
.endm

/* Requantize the sums in r3 and r4. r12: the struct, r8: the factor, r5: the bias. */
.macro AVERAGE
    ldr     r8, [r12, #WINDOWS_FACTOR]
    ldr     r5, [r12, #WINDOWS_BIAS]
    ldr     r11, [r12, #WINDOWS_MULTIPLIER]
    ldr     r10, [r12, #WINDOWS_ZERO_LESS_1]
    mov     r9, #0x01010101
    smlatb  r6, r3, r8, r5
    smlatb  r7, r4, r8, r5
    smlabb  r5, r4, r8, r5
    ldr     r4, [r12, #WINDOWS_BIAS]
    smlabb  r4, r3, r8, r4
    NARROW_FOUR
.endm

/* void reds_m4_average(const reds_m4_windows *windows)
 *
 * r0: out, r1: the row of the window, r2: the window's four units, lr: columns left, less four, r12: the struct. On the
 * stack: the first word of the window, units left, blocks left, rows left. */
FUNCTION reds_m4_average
    push    {r4-r11, lr}
    sub     sp, sp, #16
    mov     r12, r0
    ldr     r2, [r12, #WINDOWS_IN]
    ldr     r3, [r12, #WINDOWS_BLOCKS]
    ldr     r0, [r12, #WINDOWS_OUT]
.Laverage_window:
    ldr     r4, [r12, #WINDOWS_UNITS]
    str     r2, [sp]
    str     r3, [sp, #8]
.Laverage_units:
    ldr     r3, [r12, #WINDOWS_START]
    ldr     r10, [r12, #WINDOWS_UNITS]
    ldr     r11, [r12, #WINDOWS_ROWS]
    str     r4, [sp, #4]
    mov     r4, r3
    mov     r1, r2
    add     r9, r10, r10, lsl #1
.Laverage_row:
    ldr     lr, [r12, #WINDOWS_COLUMNS]
    str     r11, [sp, #12]
    mov     r5, r1
    subs    lr, lr, #4
    blo     .Laverage_two
.Laverage_four:
    ldr     r6, [r5]
    ldr     r7, [r5, r10]
    ldr     r8, [r5, r10, lsl #1]
    ldr     r11, [r5, r9]
    add     r5, r5, r10, lsl #2
    ADD_WORD r6
    ADD_WORD r7
    ADD_WORD r8
    ADD_WORD r11
    subs    lr, lr, #4
    bhs     .Laverage_four
.Laverage_two:
    tst     lr, #2
    beq     .Laverage_one
    ldr     r6, [r5]
    ldr     r7, [r5, r10]
    add     r5, r5, r10, lsl #1
    ADD_WORD r6
    ADD_WORD r7
.Laverage_one:
    tst     lr, #1
    beq     .Laverage_next_row
    ldr     r6, [r5]
    ADD_WORD r6
.Laverage_next_row:
    ldr     r11, [sp, #12]
    ldr     r6, [r12, #WINDOWS_LINE]
    subs    r11, r11, #1
    add     r1, r1, r6
    bne     .Laverage_row
    AVERAGE
    str     r4, [r0], #4
    ldr     r4, [sp, #4]
    add     r2, r2, #4
    subs    r4, r4, #4
    beq     .Laverage_next
    cmp     r4, #4
    bhs     .Laverage_units
    rsb     r4, r4, #4
    sub     r0, r0, r4
    sub     r2, r2, r4
    mov     r4, #4
    b       .Laverage_units
.Laverage_next:
    ldr     r2, [sp]
    ldr     r3, [sp, #8]
    ldr     r4, [r12, #WINDOWS_STEP]
    subs    r3, r3, #1
    add     r2, r2, r4
    bne     .Laverage_window
    add     sp, sp, #16
    pop     {r4-r11, pc}
    .size   reds_m4_average, . - reds_m4_average

/* The outputs of four units of a window of 2 x 2 at r1 and r2, in r4. r3: units, r8: the factor, r12: the bias. */
.macro AVERAGE_2X2
    ldr     r5, [r1, r3]
    ldr     r7, [r2, r3]
    ldr     r4, [r1], #4
    ldr     r6, [r2], #4
    sxtb16  lr, r5
    sxtb16  r5, r5, ror #8
    sxtab16 lr, lr, r7
    sxtab16 r5, r5, r7, ror #8
    sxtab16 lr, lr, r4
    sxtab16 r5, r5, r4, ror #8
    sxtab16 lr, lr, r6
    sxtab16 r7, r5, r6, ror #8
    smlabb  r4, lr, r8, r12
    smlatb  r6, lr, r8, r12
    smlabb  r5, r7, r8, r12
    smlatb  r7, r7, r8, r12
    NARROW_FOUR
.endm

/* void reds_m4_average_2x2(const reds_m4_windows *windows)
 *
 * On the stack: the struct, blocks left, units left. */
FUNCTION reds_m4_average_2x2
    push    {r0-r2, r4-r11, lr}
    ldr     r4, [r0, #WINDOWS_BLOCKS]
    ldr     r2, [r0, #WINDOWS_LINE]
    ldr     r1, [r0, #WINDOWS_IN]
    ldr     r3, [r0, #WINDOWS_UNITS]
    ldr     r8, [r0, #WINDOWS_FACTOR]
    ldr     r12, [r0, #WINDOWS_BIAS]
    ldr     r11, [r0, #WINDOWS_MULTIPLIER]
    ldr     r10, [r0, #WINDOWS_ZERO_LESS_1]
    ldr     r0, [r0, #WINDOWS_OUT]
    mov     r9, #0x01010101
    add     r2, r2, r1
.Lsquare_window:
    str     r4, [sp, #4]
    subs    r4, r3, #8
    str     r4, [sp, #8]
    blo     .Lsquare_last
.Lsquare_eight:
    AVERAGE_2X2
    str     r4, [r0], #4
    AVERAGE_2X2
    str     r4, [r0], #4
    ldr     r4, [sp, #8]
    subs    r4, r4, #8
    str     r4, [sp, #8]
    bhs     .Lsquare_eight
.Lsquare_last:
    adds    r4, r4, #4
    bmi     .Lsquare_ragged
    str     r4, [sp, #8]
    AVERAGE_2X2
    str     r4, [r0], #4
    ldr     r4, [sp, #8]
    sub     r4, r4, #4
.Lsquare_ragged:
    adds    r4, r4, #4
    beq     .Lsquare_next
    rsb     r4, r4, #4
    sub     r0, r0, r4
    sub     r1, r1, r4
    sub     r2, r2, r4
    AVERAGE_2X2
    str     r4, [r0], #4
.Lsquare_next:
    ldr     r5, [sp]
    ldr     r4, [sp, #4]
    ldr     r5, [r5, #WINDOWS_STEP]
    sub     r5, r5, r3
    add     r1, r1, r5
    add     r2, r2, r5
    subs    r4, r4, #1
    bne     .Lsquare_window
    pop     {r0-r2, r4-r11, pc}
    .size   reds_m4_average_2x2, . - reds_m4_average_2x2

/* Four positions of four units, from r7..r10, to a word of each unit at r0, r3 apart. r5: 0xff00ff00, r12: 3 * r3. */
.macro TURN_FOUR
    pkhbt   r11, r7, r9, lsl #16
    pkhtb   r9, r9, r7, asr #16
    pkhbt   r7, r8, r10, lsl #16
    pkhtb   r10, r10, r8, asr #16
    uxtb16  r8, r11
    uxtb16  lr, r7
    orr     r8, r8, lr, lsl #8
    uxtb16  r11, r11, ror #8
    and     r7, r7, r5
    orr     r11, r11, r7
    str     r11, [r0, r3]
    uxtb16  r7, r9
    uxtb16  lr, r10
    orr     r7, r7, lr, lsl #8
    str     r7, [r0, r3, lsl #1]
    uxtb16  r9, r9, ror #8
    and     r10, r10, r5
    orr     r9, r9, r10
    str     r9, [r0, r12]
    str     r8, [r0], #4
.endm

/* void reds_m4_turn(const int8_t *in, int8_t *out, uint32_t units, uint32_t positions)
 *
 * r1: in, r2: units, r3: positions, r4: those left, r6: 3 * units */
FUNCTION reds_m4_turn
    push    {r4-r11, lr}
    mov     r4, r0
    mov     r0, r1
    mov     r1, r4
    mov     r5, #0xff00ff00
    add     r6, r2, r2, lsl #1
    add     r12, r3, r3, lsl #1
    mov     r4, r3
.Lturn:
    ldr     r7, [r1]
    ldr     r8, [r1, r2]
    ldr     r9, [r1, r2, lsl #1]
    ldr     r10, [r1, r6]
    add     r1, r1, r2, lsl #2
    TURN_FOUR
    subs    r4, r4, #4
    beq     .Lturned
    cmp     r4, #4
    bhs     .Lturn
    rsb     r4, r4, #4
    sub     r0, r0, r4
    mls     r1, r2, r4, r1
    mov     r4, #4
    b       .Lturn
.Lturned:
    pop     {r4-r11, pc}
    .size   reds_m4_turn, . - reds_m4_turn
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
