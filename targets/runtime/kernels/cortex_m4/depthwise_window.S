/* A window of a depthwise layer, four units at a time. The last units come with some of those before. */
#ifdef __ARM_FEATURE_DSP
#include "depthwise_offsets.h"
#include "macros.h"

/* void reds_m4_compute_window(const reds_m4_window *window)
 *
 * r0..r3: sums, r4 and r5: values of four units, r6 and lr: weights, r7: positions, r8: weights of the first unit, r9:
 * taps, r10: three times that, r11: the first unit, r12: taps left. On the stack: the struct. */
FUNCTION reds_m4_compute_window
    push    {r0, r4-r11, lr}
    ldr     r8, [r0, #WINDOW_WEIGHTS]
    ldr     r9, [r0, #WINDOW_TAPS]
    mov     lr, r0
    mov     r11, #0
    add     r10, r9, r9, lsl #1
.Lwindow_units:
    ldr     r4, [lr, #WINDOW_TABLE]
    ldr     r5, [lr, #WINDOW_BIAS_UNIT]
    ldr     r7, [lr, #WINDOW_POSITIONS]
    add     r4, r4, r11, lsl #2
    ldm     r4, {r0-r3}
    mov     r12, r9
    smulbb  r0, r0, r5
    smulbb  r1, r1, r5
    smulbb  r2, r2, r5
    smulbb  r3, r3, r5
.Lwindow_tap:
    ldr     r4, [r7], #4
    ldrsb   r6, [r8, r9]
    ldrsb   lr, [r8, r9, lsl #1]
    ldr     r4, [r4, r11]
    sxtb16  r5, r4, ror #8
    sxtb16  r4, r4
    smlabb  r1, r5, r6, r1
    smlatb  r2, r4, lr, r2
    ldrsb   r6, [r8, r10]
    ldrsb   lr, [r8], #1
    subs    r12, r12, #1
    smlatb  r3, r5, r6, r3
    smlabb  r0, r4, lr, r0
    bne     .Lwindow_tap
    ldr     lr, [sp]
    ldr     r7, [lr, #WINDOW_TABLE]
    ldr     r12, [lr, #WINDOW_SCALE]
    add     r7, r7, r11, lsl #2
    ldm     r7, {r4-r7}
    .irp    row, r4, r5, r6, r7
    asr     \row, \row, #16
    .endr
    .irp    row, r4, r5, r6, r7
    lsl     \row, \row, r12
    .endr
    ldr     r12, [lr, #WINDOW_ZERO_LESS_1]
    smmlar  r0, r0, r4, r12
    smmlar  r1, r1, r5, r12
    smmlar  r2, r2, r6, r12
    smmlar  r3, r3, r7, r12
    ldr     r4, [lr, #WINDOW_OUT]
    ldr     r5, [lr, #WINDOW_UNITS]
    ssat    r0, #8, r0
    ssat    r1, #8, r1
    ssat    r2, #8, r2
    ssat    r3, #8, r3
    bfi     r0, r1, #8, #8
    bfi     r0, r2, #16, #8
    bfi     r0, r3, #24, #8
    mov     r1, #0x01010101
    qadd8   r0, r0, r1
    str     r0, [r4, r11]
    add     r8, r8, r10
    add     r11, r11, #4
    subs    r5, r5, r11
    beq     .Lwindow_done
    cmp     r5, #4
    bhs     .Lwindow_units
    rsb     r5, r5, #4
    sub     r11, r11, r5
    mls     r8, r9, r5, r8
    b       .Lwindow_units
.Lwindow_done:
    pop     {r0, r4-r11, pc}
    .size   reds_m4_compute_window, . - reds_m4_compute_window
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
