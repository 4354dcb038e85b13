/* One output row of a depthwise layer, 3 x 3. cortex_m4.h explains layout and arithmetic. */
#include "offsets.h"

#ifdef __ARM_FEATURE_DSP
    .syntax unified
    .thumb

/* Add one tap of four units to the sums in r0..r3. r4: address of the values; r8: weights, advanced. */
.macro TAP position
    ldr     r5, [r4, \position]
    ldrd    r6, r7, [r8], #8
    sxtb16  r12, r5
    sxtb16  r5, r5, ror #8
    smlabb  r0, r12, r6, r0
    smlatt  r2, r12, r6, r2
    smlabb  r1, r5, r7, r1
    smlatt  r3, r5, r7, r3
.endm

/* Add the three taps of one line of the window. r9: bytes of a position. */
.macro TAPS line
    ldr     r4, [lr, #\line]
    add     r4, r4, r10
    TAP     #0
    add     r4, r4, r9
    TAP     #0
    TAP     r9
.endm

/* void reds_m4_depthwise(const reds_m4_line *line)
 *
 * r10: offset in the lines of the current window's current four units. On the stack:
 *   [sp]       next words of the table       [sp, #8]   positions left
 *   [sp, #4]   r10 of the window's unit 0    [sp, #12]  where the next output goes */
    .section .text.reds_m4_depthwise, "ax", %progbits
    .global reds_m4_depthwise
    .type   reds_m4_depthwise, %function
    .thumb_func
    .p2align 2
reds_m4_depthwise:
    push    {r4-r11, lr}
    sub     sp, sp, #16
    mov     lr, r0
    ldr     r1, [lr, #LINE_POSITIONS]
    ldr     r2, [lr, #LINE_OUT]
    mov     r10, #0
    strd    r1, r2, [sp, #8]
.Lposition:
    ldrd    r8, r1, [lr, #LINE_WEIGHTS]  /* LINE_TABLE too */
    str     r1, [sp]
    ldr     r11, [lr, #LINE_GROUPS]
    ldr     r9, [lr, #LINE_UNITS]
    str     r10, [sp, #4]
.Lunits:
    ldr     r4, [sp]
    ldm     r4!, {r0-r3}
    str     r4, [sp]
    ldr     r5, [lr, #LINE_BIAS_UNIT]
    smulbb  r0, r0, r5
    smulbb  r1, r1, r5
    smulbb  r2, r2, r5
    smulbb  r3, r3, r5
    TAPS    LINE_LINE
    TAPS    LINE_LINE_1
    TAPS    LINE_LINE_2
    ldr     r4, [sp]
    ldr     r12, [lr, #LINE_ROUNDING]
    ldrd    r5, r6, [r4, #-16]
    smlawt  r0, r0, r5, r12
    smlawt  r1, r1, r6, r12
    ldrd    r5, r6, [r4, #-8]
    ldr     r4, [lr, #LINE_SHIFT]
    smlawt  r2, r2, r5, r12
    smlawt  r3, r3, r6, r12
    asr     r0, r0, r4
    asr     r1, r1, r4
    asr     r2, r2, r4
    asr     r3, r3, r4
    ssat    r0, #8, r0
    ssat    r1, #8, r1
    ssat    r2, #8, r2
    ssat    r3, #8, r3
    bfi     r0, r1, #8, #8
    bfi     r0, r2, #16, #8
    bfi     r0, r3, #24, #8
    mov     r1, #0x01010101
    ldr     r2, [sp, #12]
    qsub8   r0, r0, r1
    qadd8   r0, r0, r1
    str     r0, [r2], #4
    str     r2, [sp, #12]
    add     r10, r10, #4
    subs    r11, r11, #1
    bne     .Lunits
    ldr     r10, [sp, #4]  /* next window */
    ldr     r1, [lr, #LINE_STEP]
    add     r10, r10, r1
    ldrd    r1, r2, [sp, #8]
    ldr     r3, [lr, #LINE_GROUPS]
    sub     r2, r2, r3, lsl #2  /* step back over the unused lanes of the last group */
    add     r2, r2, r9
    subs    r1, r1, #1
    strd    r1, r2, [sp, #8]
    bne     .Lposition
    add     sp, sp, #16
    pop     {r4-r11, pc}
    .size   reds_m4_depthwise, . - reds_m4_depthwise
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
