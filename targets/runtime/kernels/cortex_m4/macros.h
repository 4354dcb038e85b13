/* Macros of the assembler: what its files share. */
/* clang-format off */
    .syntax unified
    .thumb

.macro FUNCTION name
    .section .text.\name, "ax", %progbits
    .global \name
    .type   \name, %function
    .thumb_func
    .p2align 2
\name:
.endm

/* Multiply the sums in r0-r3 and r4-r7 by r8-r11 and add r12, the zero point and 127. Pack the results, limited to
 * [0, 255], into the bytes of r0 and r4. Results must fit 16 bits. */
.macro NARROW
    smmlar  r0, r0, r8, r12
    smmlar  r1, r1, r9, r12
    smmlar  r2, r2, r10, r12
    smmlar  r3, r3, r11, r12
    smmlar  r4, r4, r8, r12
    smmlar  r5, r5, r9, r12
    smmlar  r6, r6, r10, r12
    smmlar  r7, r7, r11, r12
    pkhbt   r0, r0, r2, lsl #16
    pkhbt   r1, r1, r3, lsl #16
    pkhbt   r4, r4, r6, lsl #16
    pkhbt   r5, r5, r7, lsl #16
    usat16  r0, #8, r0
    usat16  r1, #8, r1
    usat16  r4, #8, r4
    usat16  r5, #8, r5
    orr     r0, r0, r1, lsl #8
    orr     r4, r4, r5, lsl #8
.endm

/* Take the 127 off again, so that the bytes lie in [-127, 127]. \ones: 0x01010101. */
.macro LIFT ones
    uqadd8  r0, r0, \ones
    uqadd8  r4, r4, \ones
    eor     r0, r0, #0x80808080
    eor     r4, r4, #0x80808080
.endm

/* Weights at rest (conv.h). r0, r1: sums of rows 0 and 1 together at the first position, and of row 1; r2, r3: of rows 2
 * and 3, and of row 3; r4-r7: at the second position. */

/* Two inputs of both positions times a pair of rows. The sums of the second position begin with \both and \one. */
.macro TWO register, x, x2, a, b, a2, b2, both, one
    vmov    r12, s\register
    smlad   \a2, r12, \x2, \both
    smlad   \a, r12, \x, \a
    sxtb16  r12, r12
    smlad   \b2, r12, \x2, \one
    smlad   \b, r12, \x, \b
.endm

/* A word of four inputs of both positions, in r8 and r10; its weights begin at the register \first. \half: only the
 * first two rows. */
.macro FOUR first, half, begins=0
    sxtb16  r9, r8, ror #8
    sxtb16  r11, r10, ror #8
    sxtb16  r8, r8
    sxtb16  r10, r10
  .if \begins
    TWO     %(\first), r8, r10, r0, r1, r4, r5, r0, r1
  .else
    TWO     %(\first), r8, r10, r0, r1, r4, r5, r4, r5
  .endif
  .if !\half
   .if \begins
    TWO     %(\first+1), r8, r10, r2, r3, r6, r7, r2, r3
   .else
    TWO     %(\first+1), r8, r10, r2, r3, r6, r7, r6, r7
   .endif
  .endif
    TWO     %(\first+2), r9, r11, r0, r1, r4, r5, r4, r5
  .if !\half
    TWO     %(\first+3), r9, r11, r2, r3, r6, r7, r6, r7
  .endif
.endm

/* Leave the sums of single rows: those of rows 0 and 2 times 256. */
.macro PART
    sub     r0, r0, r1
    sub     r2, r2, r3
    sub     r4, r4, r5
    sub     r6, r6, r7
.endm
