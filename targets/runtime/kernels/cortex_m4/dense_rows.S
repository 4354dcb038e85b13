/* The inner loops of dense.c; dense.h has the contract. Assembler, because the board's compiler is old. */
#include "dense.h"

#ifdef __ARM_FEATURE_DSP
    .syntax unified
    .thumb

/* Four inputs against four rows: 16 multiplies in 14 instructions. */
.macro QUAD
    ldm     r10!, {r4-r7}
    ldrd    r8, r9, [r11], #8
    smlad   r0, r4, r8, r0
    smlad   r1, r5, r8, r1
    smlad   r2, r6, r8, r2
    smlad   r3, r7, r8, r3
    sxtb16  r4, r4
    sxtb16  r5, r5
    sxtb16  r6, r6
    sxtb16  r7, r7
    smlad   r0, r4, r9, r0
    smlad   r1, r5, r9, r1
    smlad   r2, r6, r9, r2
    smlad   r3, r7, r9, r3
.endm

/* void reds_m4_dense(reds_m4_rows *rows) */
    .section .text.reds_m4_dense, "ax", %progbits
    .global reds_m4_dense
    .type   reds_m4_dense, %function
    .thumb_func
    .p2align 2
reds_m4_dense:
    push    {r4-r11, lr}
    mov     lr, r0
group:
    ldrd    r10, r11, [lr, #ROWS_WEIGHTS]
    ldr     r4, [lr, #ROWS_BIAS]
    ldr     r12, [lr, #ROWS_QUADS]
    ldm     r4!, {r0-r3}
    str     r4, [lr, #ROWS_BIAS]
    subs    r12, r12, #4
    blo     rest
four:
    QUAD
    QUAD
    QUAD
    QUAD
    subs    r12, r12, #4
    bhs     four
rest:
    adds    r12, r12, #4
    beq     requantise
one:
    QUAD
    subs    r12, r12, #1
    bne     one
requantise:
    ldrd    r11, r12, [lr, #ROWS_SKIP]  /* and the zero point */
    add     r10, r10, r11
    str     r10, [lr, #ROWS_WEIGHTS]
    ldrd    r8, r9, [lr, #ROWS_MULTIPLIER]  /* and out */
    ldm     r8!, {r4-r7}
    smmlar  r0, r0, r4, r12
    smmlar  r1, r1, r5, r12
    smmlar  r2, r2, r6, r12
    smmlar  r3, r3, r7, r12
    mov     r4, #0x01010101
    ssat    r0, #8, r0
    ssat    r1, #8, r1
    ssat    r2, #8, r2
    ssat    r3, #8, r3
    bfi     r0, r1, #8, #8
    bfi     r0, r2, #16, #8
    bfi     r0, r3, #24, #8
    qsub8   r0, r0, r4
    qadd8   r0, r0, r4
    str     r0, [r9], #4
    strd    r8, r9, [lr, #ROWS_MULTIPLIER]
    ldr     r4, [lr, #ROWS_GROUPS]
    subs    r4, r4, #1
    str     r4, [lr, #ROWS_GROUPS]
    bne     group
    pop     {r4-r11, pc}
    .size   reds_m4_dense, . - reds_m4_dense

/* void reds_m4_expand(const int8_t *in, uint32_t *x, uint32_t quads) */
    .section .text.reds_m4_expand, "ax", %progbits
    .global reds_m4_expand
    .type   reds_m4_expand, %function
    .thumb_func
    .p2align 2
reds_m4_expand:
    push    {r4, r5}
    mov     r5, #0xff00ff00
1:
    ldr     r3, [r0], #4
    sxtb16  r4, r3, ror #8
    and     r3, r5, r3, lsl #8
    ssub16  r3, r3, r4
    strd    r4, r3, [r1], #8
    subs    r2, r2, #1
    bne     1b
    pop     {r4, r5}
    bx      lr
    .size   reds_m4_expand, . - reds_m4_expand
#endif
