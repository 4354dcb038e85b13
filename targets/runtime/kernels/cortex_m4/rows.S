/* Rows of weights times expanded inputs. cortex_m4.h explains layout and arithmetic. In assembler, because
 * the Arduino core's GCC 7 has no intrinsics for these multiplies. */
#include "offsets.h"

#ifdef __ARM_FEATURE_DSP
#include "macros.h"

/* Four inputs times four rows: 16 products in 13 instructions. r4-r7: weights; \first, \second: expanded inputs. */
.macro QUAD first, second
    ldm     r10!, {r4-r7}
    smlad   r0, r4, \first, r0
    smlad   r1, r5, \first, r1
    smlad   r2, r6, \first, r2
    smlad   r3, r7, \first, r3
    sxtb16  r4, r4
    sxtb16  r5, r5
    sxtb16  r6, r6
    sxtb16  r7, r7
    smlad   r0, r4, \second, r0
    smlad   r1, r5, \second, r1
    smlad   r2, r6, \second, r2
    smlad   r3, r7, \second, r3
.endm

.macro TWO_QUADS
    ldm     r11!, {r8, r9, r12, lr}
    QUAD    r8, r9
    QUAD    r12, lr
.endm

/* Replace a word of the table by its bias: the lower half, shifted. \right is 16 - bias_shift. */
.macro BIAS row, right
    lsl     \row, \row, #16
    asr     \row, \row, \right
.endm

/* Shift r0..r3 right by r8, clamp them to [-127, 127] and pack them into the bytes of r0. Clobbers r4. */
.macro SATURATE
    asr     r0, r0, r8
    asr     r1, r1, r8
    asr     r2, r2, r8
    asr     r3, r3, r8
    ssat    r0, #8, r0
    ssat    r1, #8, r1
    ssat    r2, #8, r2
    ssat    r3, #8, r3
    bfi     r0, r1, #8, #8
    bfi     r0, r2, #16, #8
    bfi     r0, r3, #24, #8
    mov     r4, #0x01010101
    qsub8   r0, r0, r4
    qadd8   r0, r0, r4
.endm

/* void reds_m4_dense(reds_m4_rows *rows)
 *
 * The first turn of the loop may be a part of it. On the stack: where it begins, the end of x, rows. */
FUNCTION reds_m4_dense
    push    {r0, r4-r11, lr}
    ldrd    r11, r12, [r0, #ROWS_X]  /* ROWS_QUADS too */
    add     r9, r11, r12, lsl #3
    lsr     r12, r12, #1
    ands    r12, r12, #3
    rsb     r12, r12, #4
    it      eq
    moveq   r12, #0
    adr     r8, .Lquads + 1
    mov     r7, #(.Lquads_end - .Lquads) / 4
    mla     r8, r7, r12, r8
    push    {r8, r9}
.Lgroup:
    ldr     r8, [sp, #8]
    ldrd    r4, r5, [r8, #ROWS_TABLE]  /* ROWS_BIAS_RIGHT too */
    ldr     r10, [r8, #ROWS_WEIGHTS]
    ldrd    r11, r12, [r8, #ROWS_X]
    ldm     r4!, {r0-r3}
    str     r4, [r8, #ROWS_TABLE]
    BIAS    r0, r5
    BIAS    r1, r5
    BIAS    r2, r5
    BIAS    r3, r5
    lsrs    r12, r12, #1
    bcc     .Leven
    ldrd    r8, r9, [r11], #8
    QUAD    r8, r9
    cmp     r12, #0
    beq     .Lsummed
.Leven:
    ldr     r8, [sp]
    bx      r8
    .p2align 2
.Lquads:
    TWO_QUADS
    TWO_QUADS
    TWO_QUADS
    TWO_QUADS
.Lquads_end:
    ldr     r8, [sp, #4]
    cmp     r11, r8
    bne     .Lquads
.Lsummed:
    ldr     lr, [sp, #8]
    ldrd    r11, r12, [lr, #ROWS_SKIP]  /* ROWS_ROUNDING too */
    add     r10, r10, r11
    str     r10, [lr, #ROWS_WEIGHTS]
    ldr     r8, [lr, #ROWS_TABLE]
    ldmdb   r8, {r4-r7}
    ldrd    r8, r9, [lr, #ROWS_SHIFT]  /* ROWS_OUT too */
    smlawt  r0, r0, r4, r12
    smlawt  r1, r1, r5, r12
    smlawt  r2, r2, r6, r12
    smlawt  r3, r3, r7, r12
    SATURATE
    str     r0, [r9], #4
    str     r9, [lr, #ROWS_OUT]
    ldr     r4, [lr, #ROWS_GROUPS]
    subs    r4, r4, #1
    str     r4, [lr, #ROWS_GROUPS]
    bne     .Lgroup
    add     sp, sp, #12
    pop     {r4-r11, pc}
    .size   reds_m4_dense, . - reds_m4_dense
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
