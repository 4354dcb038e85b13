/* Layers that compute each value by itself. values.h explains blocks. */
#ifdef __ARM_FEATURE_DSP
#include "values_macros.h"

/* From r4 and r5, a and b, to the outputs in r4. r8: factors, r12: bias. */
.macro ADD_FOUR
    pkhbt   r6, r4, r5, lsl #16
    pkhtb   r7, r5, r4, asr #16
    sxtb16  r4, r6
    sxtb16  r5, r6, ror #8
    sxtb16  r6, r7
    sxtb16  r7, r7, ror #8
    smlad   r4, r4, r8, r12
    smlad   r5, r5, r8, r12
    smlad   r6, r6, r8, r12
    smlad   r7, r7, r8, r12
    NARROW_FOUR
.endm

/* Likewise of a alone. */
.macro SCALE_FOUR
    sxtb16  r6, r4
    sxtb16  r7, r4, ror #8
    smlabb  r4, r6, r8, r12
    smlabb  r5, r7, r8, r12
    smlatb  r6, r6, r8, r12
    smlatb  r7, r7, r8, r12
    NARROW_FOUR
.endm

/* The product of a and b. r8 and r12 take their zero points off. */
.macro MULTIPLY_FOUR
    sxtab16 r6, r8, r4
    sxtab16 r7, r8, r4, ror #8
    sxtab16 r4, r12, r5
    sxtab16 r5, r12, r5, ror #8
    smultt  r9, r7, r5
    smulbb  r5, r7, r5
    smultt  r7, r6, r4
    smulbb  r4, r6, r4
    mov     r6, r7
    mov     r7, r9
    mov     r9, #0x01010101
    NARROW_FOUR
.endm

/* A kernel of so many tensors. r0: out, r1: a, r2: b, r3: bytes, lr: the struct, on the stack: blocks left. */
.macro VALUES name, four, tensors, first, second
    FUNCTION \name
    push    {r3-r11, lr}
    mov     lr, r0
    ldr     r1, [lr, #VALUES_A]
    ldr     r2, [lr, #VALUES_B]
    ldr     r3, [lr, #VALUES_BLOCKS]
    ldr     r8, [lr, #\first]
    ldr     r12, [lr, #\second]
    ldr     r11, [lr, #VALUES_MULTIPLIER]
    ldr     r10, [lr, #VALUES_ZERO_LESS_1]
    ldr     r0, [lr, #VALUES_OUT]
    mov     r9, #0x01010101
    str     r3, [sp]
.L\name\()_block:
    ldr     r3, [lr, #VALUES_BYTES]
    subs    r3, r3, #4
    blo     .L\name\()_few
.L\name\()_four:
    ldr     r4, [r1], #4
    .if     \tensors == 2
    ldr     r5, [r2], #4
    .endif
    \four
    subs    r3, r3, #4
    str     r4, [r0], #4
    bhs     .L\name\()_four
    adds    r3, r3, #4
    beq     .L\name\()_next
    rsb     r3, r3, #4
    sub     r0, r0, r3
    sub     r1, r1, r3
    ldr     r4, [r1], #4
    .if     \tensors == 2
    sub     r2, r2, r3
    ldr     r5, [r2], #4
    .endif
    \four
    str     r4, [r0], #4
.L\name\()_next:
    ldr     r3, [sp]
    ldr     r4, [lr, #VALUES_A_STEP]
    ldr     r5, [lr, #VALUES_B_STEP]
    ldr     r6, [lr, #VALUES_OUT_STEP]
    subs    r3, r3, #1
    str     r3, [sp]
    add     r1, r1, r4
    add     r2, r2, r5
    add     r0, r0, r6
    bne     .L\name\()_block
    pop     {r3-r11, pc}
.L\name\()_few:
    add     r3, r3, #4
.L\name\()_one:
    ldrb    r4, [r1], #1
    .if     \tensors == 2
    ldrb    r5, [r2], #1
    .endif
    \four
    strb    r4, [r0], #1
    subs    r3, r3, #1
    bne     .L\name\()_one
    b       .L\name\()_next
    .size   \name, . - \name
.endm

    VALUES  reds_m4_add, ADD_FOUR, 2, VALUES_FACTORS, VALUES_BIAS
    VALUES  reds_m4_scale, SCALE_FOUR, 1, VALUES_FACTORS, VALUES_BIAS
    VALUES  reds_m4_multiply, MULTIPLY_FOUR, 2, VALUES_LESS_A, VALUES_LESS_B
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
