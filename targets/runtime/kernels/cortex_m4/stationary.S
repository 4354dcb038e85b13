/* Up to 32 inputs times four rows, whose weights stay in the registers of the FPU while all positions pass.
 * conv.h explains the arithmetic. 31 cycles for 32 products. */
#include "offsets.h"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FP)
#include "macros.h"
    .altmacro

/* r0-r7: sums; r8-r11: inputs; r12: weights; lr: next inputs */

/* Word \j of both positions, which are \bytes apart. */
.macro WORD j, bytes, half, begins=0
    ldr     r8, [lr, #(4*\j)]
    ldr     r10, [lr, #(4*\j+\bytes)]
    FOUR    %(4*\j), \half, \begins
.endm

/* Fields of the frame where the weights leave no registers: 0: 0x01010101, 8: bytes between outputs, 12: the end
 * of the inputs; s28-s31 hold the biases if they are free. Otherwise s16-s19 hold the biases, s20-s23 the multipliers, s24 the zero point and s25-s28 the
 * first four fields of the frame. */
#define OUT 4
#define BIASES 16
#define MULTIPLIERS 32
#define ZERO 48
#define FRAME 56

/* void reds_m4_\name\()_\n(const reds_m4_stationary_rows *rows), for \n words of inputs; half: two rows */
.macro STATIONARY name, n, half
FUNCTION reds_m4_\name\()_\n
    push    {r4-r11, lr}
    vpush   {s16-s31}
    ldm     r0, {r1-r6}    /* stream, in, end, out, apart, zero */
    mov     lr, r2
    mov     r7, r3
    mov     r2, #0x01010101
    mov     r3, r4
    mov     r4, r5
    mov     r5, r7
    add     r6, r6, #127
    add     r7, r1, #(16+16*\n)
  .if \n > 4
    sub     sp, sp, #FRAME
    stm     sp, {r2-r5}
    str     r6, [sp, #ZERO]
    ldm     r1!, {r2-r5}
    ldm     r7, {r8-r11}
    add     r7, sp, #BIASES
    stm     r7, {r2-r5, r8-r11}
    vldmia  r1, {s0-s31}
   .if \n < 8
    vmov    s28, r2
    vmov    s29, r3
    vmov    s30, r4
    vmov    s31, r5
   .endif
  .else
    vldmia  r1!, {s16-s19}
    vldmia  r1, {s0-s15}
    vldmia  r7, {s20-s23}
    vmov    s24, r6
    vmov    s25, r2
    vmov    s26, r3
    vmov    s27, r4
    vmov    s28, r5
  .endif
1:
  .if \n > 7
    add     r12, sp, #BIASES
    ldm     r12, {r0-r3}
  .elseif \n > 4
    vmov    r0, s28
    vmov    r1, s29
    vmov    r2, s30
    vmov    r3, s31
  .else
    vmov    r0, s16
    vmov    r1, s17
    vmov    r2, s18
    vmov    r3, s19
  .endif
    WORD    0, 4*\n, \half, 1
  .if \n > 1
    WORD    1, 4*\n, \half
  .endif
  .if \n > 2
    WORD    2, 4*\n, \half
  .endif
  .if \n > 3
    WORD    3, 4*\n, \half
  .endif
  .if \n > 4
    WORD    4, 4*\n, \half
  .endif
  .if \n > 5
    WORD    5, 4*\n, \half
  .endif
  .if \n > 6
    WORD    6, 4*\n, \half
  .endif
  .if \n > 7
    WORD    7, 4*\n, \half
  .endif
    PART
  .if \n > 4
    add     r12, sp, #MULTIPLIERS
    ldm     r12, {r8-r11}
    ldr     r12, [sp, #ZERO]
  .else
    vmov    r8, s20
    vmov    r9, s21
    vmov    r10, s22
    vmov    r11, s23
    vmov    r12, s24
  .endif
    NARROW
  .if \n > 4
    ldm     sp, {r8-r11}
  .else
    vmov    r8, s25
    vmov    r9, s26
    vmov    r10, s27
    vmov    r11, s28
  .endif
    LIFT    r8
    str     r0, [r9]
    str     r4, [r9, r10]
    add     r9, r9, r10, lsl #1
  .if \n > 4
    str     r9, [sp, #OUT]
  .else
    vmov    s26, r9
  .endif
    add     lr, lr, #(8*\n)
    cmp     lr, r11
    bne     1b
  .if \n > 4
    add     sp, sp, #FRAME
  .endif
    vpop    {s16-s31}
    pop     {r4-r11, pc}
    .size   reds_m4_\name\()_\n, . - reds_m4_\name\()_\n
.endm

    STATIONARY stationary, 1, 0
    STATIONARY stationary, 2, 0
    STATIONARY stationary, 3, 0
    STATIONARY stationary, 4, 0
    STATIONARY stationary, 5, 0
    STATIONARY stationary, 6, 0
    STATIONARY stationary, 7, 0
    STATIONARY stationary, 8, 0
    STATIONARY half, 1, 1
    STATIONARY half, 2, 1
    STATIONARY half, 3, 1
    STATIONARY half, 4, 1
    STATIONARY half, 5, 1
    STATIONARY half, 6, 1
    STATIONARY half, 7, 1
    STATIONARY half, 8, 1
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
