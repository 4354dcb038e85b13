/* Layers with numbers for each unit. units.h explains them. */
#ifdef __ARM_FEATURE_DSP
#include "macros.h"
#include "units_offsets.h"

/* Clamp r4..r7, outputs less one, to [-127, 127] and pack them into the bytes of r4. */
.macro PACK_FOUR
    ssat    r4, #8, r4
    ssat    r5, #8, r5
    ssat    r6, #8, r6
    ssat    r7, #8, r7
    bfi     r4, r5, #8, #8
    bfi     r4, r6, #16, #8
    bfi     r4, r7, #24, #8
    mov     r5, #0x01010101
    qadd8   r4, r4, r5
.endm

/* Requantize the normalized value of a unit. */
.macro NORMALIZED value
    ldr     lr, [r2], #4
    ldr     r8, [r3], #4
    add     \value, \value, lr
    smmlar  \value, \value, r8, r9
.endm

/* void reds_m4_normalize(const reds_m4_norm *norm)
 *
 * r0: out, r1: in, r2: biases, r3: multipliers, r4..r7: values, r8 and r9: count and less_sum, then a multiplier and
 * the zero point, r10: reciprocal, r11: half, r12: shift. On the stack: the struct, units left. */
FUNCTION reds_m4_normalize
    push    {r0, r1, r4-r11, lr}
    sub     sp, sp, #4
    ldr     r1, [r0, #NORM_IN]
    ldr     r2, [r0, #NORM_BIASES]
    ldr     r3, [r0, #NORM_MULTIPLIERS]
    ldr     r4, [r0, #NORM_UNITS]
    ldr     r10, [r0, #NORM_RECIPROCAL]
    ldr     r11, [r0, #NORM_HALF]
    ldr     r12, [r0, #NORM_SHIFT]
    mov     lr, r0
    ldr     r0, [r0, #NORM_OUT]
.Lnorm_four:
    str     r4, [sp, #8]
    ldr     r7, [r1], #4
    ldr     r8, [lr, #NORM_COUNT]
    ldr     r9, [lr, #NORM_LESS_SUM]
    sxtb    r4, r7
    sxtb    r5, r7, ror #8
    sxtb    r6, r7, ror #16
    asr     r7, r7, #24
    .irp    value, r4, r5, r6, r7
    mla     \value, \value, r8, r9
    .endr
    .irp    value, r4, r5, r6, r7
    smmla   \value, \value, r10, r11
    .endr
    .irp    value, r4, r5, r6, r7
    asr     \value, \value, r12
    .endr
    ldr     r9, [lr, #NORM_ZERO_LESS_1]
    NORMALIZED r4
    NORMALIZED r5
    NORMALIZED r6
    NORMALIZED r7
    PACK_FOUR
    str     r4, [r0], #4
    ldr     r4, [sp, #8]
    ldr     lr, [sp, #4]
    subs    r4, r4, #4
    beq     .Lnorm_done
    cmp     r4, #4
    bhs     .Lnorm_four
    rsb     r4, r4, #4
    sub     r0, r0, r4
    sub     r1, r1, r4
    sub     r2, r2, r4, lsl #2
    sub     r3, r3, r4, lsl #2
    mov     r4, #4
    b       .Lnorm_four
.Lnorm_done:
    add     sp, sp, #4
    pop     {r0, r1, r4-r11, pc}
    .size   reds_m4_normalize, . - reds_m4_normalize

/* Requantize 16 * the lower or upper half of a word by the multiplier of its sign: `half` is smulbb or smultb. */
.macro SLOPE value, word, half, at
    \half   \value, \word, r12
    cmp     \value, #0
    ite     lt
    ldrlt   r8, [r2, #\at]
    ldrge   r8, [r3, #\at]
    smmlar  \value, \value, r8, r11
.endm

/* void reds_m4_prelu(const reds_m4_slopes *slopes)
 *
 * r0: out, r1: in, r2 and r3: multipliers, r9: units left, r10: less, r11: the zero point less one, r12: 16, lr: the
 * struct. On the stack: positions left. */
FUNCTION reds_m4_prelu
    push    {r3-r11, lr}
    mov     lr, r0
    ldr     r1, [lr, #SLOPES_IN]
    ldr     r4, [lr, #SLOPES_POSITIONS]
    ldr     r10, [lr, #SLOPES_LESS]
    ldr     r11, [lr, #SLOPES_ZERO_LESS_1]
    ldr     r0, [lr, #SLOPES_OUT]
    mov     r12, #16
.Lprelu_position:
    str     r4, [sp]
    ldr     r2, [lr, #SLOPES_BELOW]
    ldr     r3, [lr, #SLOPES_FROM_ZERO]
    ldr     r9, [lr, #SLOPES_UNITS]
.Lprelu_four:
    ldr     r7, [r1], #4
    sxtab16 r6, r10, r7
    sxtab16 r7, r10, r7, ror #8
    SLOPE   r4, r6, smulbb, 0
    SLOPE   r5, r7, smulbb, 4
    SLOPE   r6, r6, smultb, 8
    SLOPE   r7, r7, smultb, 12
    PACK_FOUR
    str     r4, [r0], #4
    add     r2, r2, #16
    add     r3, r3, #16
    subs    r9, r9, #4
    beq     .Lprelu_next
    cmp     r9, #4
    bhs     .Lprelu_four
    rsb     r9, r9, #4
    sub     r0, r0, r9
    sub     r1, r1, r9
    sub     r2, r2, r9, lsl #2
    sub     r3, r3, r9, lsl #2
    mov     r9, #4
    b       .Lprelu_four
.Lprelu_next:
    ldr     r4, [sp]
    subs    r4, r4, #1
    bne     .Lprelu_position
    pop     {r3-r11, pc}
    .size   reds_m4_prelu, . - reds_m4_prelu
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
