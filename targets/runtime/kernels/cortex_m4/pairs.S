/* Four rows of weights times the expanded inputs of two positions, which stay in the registers of the FPU.
 * conv.h explains the arithmetic. 29 cycles for 32 products. */
#include "offsets.h"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FP)
#include "macros.h"
    .altmacro

/* r0-r3: sums of the first position; r4-r7: of the second one; r8-r11: weights; r12: an input; lr: next weights */

.macro INPUT register
    vmov    r12, s\register
.endm

.macro ADD_FIRST
    smlad   r0, r8, r12, r0
    smlad   r1, r9, r12, r1
    smlad   r2, r10, r12, r2
    smlad   r3, r11, r12, r3
.endm

/* The sums of the second position begin with the biases in \b0..\b3. */
.macro ADD_SECOND b0=r4, b1=r5, b2=r6, b3=r7
    smlad   r4, r8, r12, \b0
    smlad   r5, r9, r12, \b1
    smlad   r6, r10, r12, \b2
    smlad   r7, r11, r12, \b3
.endm

/* Word \j of the chunk: its expanded inputs are in s(4j) and s(4j + 1), and those of the second position follow. */
.macro WORD j, begins=0
    ldm     lr!, {r8-r11}
    INPUT   %(4*\j+2)
  .if \begins
    ADD_SECOND r0, r1, r2, r3
  .else
    ADD_SECOND
  .endif
    INPUT   %(4*\j)
    ADD_FIRST
    INPUT   %(4*\j+3)
    sxtb16  r8, r8
    sxtb16  r9, r9
    sxtb16  r10, r10
    sxtb16  r11, r11
    ADD_SECOND
    INPUT   %(4*\j+1)
    ADD_FIRST
.endm

.macro WORDS begins=0
    WORD 0, \begins
    WORD 1
    WORD 2
    WORD 3
    WORD 4
    WORD 5
    WORD 6
    WORD 7
.endm

/* The frame. The first five words are loaded at once. */
#define OUT 4        /* after 0: 0x01010101 */
                     /* 8: from the first output, less 4, to the second one; 12: OUT after the last group */
#define LAST_SKIP 16 /* from the last chunk's end to that of the group before */
#define ZERO 20
#define NEXT 24      /* sums or multipliers of the group */
#define SKIP 28      /* from the end of a whole chunk to its begin in the group before; 32: NEXT's end */
#define BIASES 36
#define X 40
#define CHUNKS 44
#define WEIGHTS 48
#define START 52     /* of the sums */
#define ENTRY 56     /* where the last chunk begins */
#define FRAME 64

/* Narrow, write four outputs of each position and step back to the group before; Z if it was the first one. */
.macro FINISH
    ldr     r12, [sp, #NEXT]
    add     r8, r12, #16
    str     r8, [sp, #NEXT]
    ldm     r12, {r8-r11}
    ldr     r12, [sp, #ZERO]
    NARROW
    ldm     sp, {r8-r12}
    LIFT    r8
    str     r0, [r9], #-4
    str     r4, [r9, r10]
    add     lr, lr, r12
    str     r9, [sp, #OUT]
    cmp     r9, r11
.endm

/* void reds_m4_pair(const reds_m4_pair_rows *rows)
 *
 * Chunks of eight words, which fill the registers of the FPU, outside; groups of four rows, from the last to the
 * first, inside. Between chunks the sums lie in scratch. */
FUNCTION reds_m4_pair
    push    {r4-r11, lr}
    vpush   {s16-s31}
    sub     sp, sp, #FRAME
    ldm     r0, {r1-r10}   /* weights, x, biases, sums, quads, full_quads, out, apart, groups, zero */
    mov     r12, #0x01010101
    sub     r11, r7, r9, lsl #2
    add     r8, r8, #4
    str     r12, [sp]
    str     r7, [sp, #OUT]
    strd    r8, r11, [sp, #8]
    add     r12, r10, #127
    str     r12, [sp, #ZERO]
    add     r11, r9, r9, lsl #1
    add     r11, r4, r11, lsl #4   /* 48 bytes a group */
    strd    r4, r4, [sp, #NEXT]
    str     r4, [sp, #START]
    str     r11, [sp, #32]
    lsl     r6, r6, #4
    rsb     r12, r6, #0
    sub     r11, r12, #128
    str     r11, [sp, #SKIP]
    sub     r5, r5, #9
    lsr     r7, r5, #3     /* chunks between the first and the last one */
    and     r5, r5, #7     /* words of the last one, less 1 */
    str     r7, [sp, #CHUNKS]
    sub     r11, r12, r5, lsl #4
    sub     r11, r11, #16
    str     r11, [sp, #LAST_SKIP]
    adr     r8, .Lentries
    ldr     r11, [r8, r5, lsl #2]
    add     r11, r8, r11
    str     r11, [sp, #ENTRY]
    strd    r3, r2, [sp, #BIASES]  /* X too */
    add     r11, r1, #128
    str     r11, [sp, #WEIGHTS]    /* of the second chunk */
    vldmia  r2, {s0-s31}
    mov     lr, r1
.Lfirst:
    ldr     r12, [sp, #BIASES]
    ldm     r12!, {r0-r3}
    str     r12, [sp, #BIASES]
    WORDS   1
    ldrd    r8, r9, [sp, #NEXT]  /* SKIP too */
    stm     r8!, {r0-r7}
    ldr     r10, [sp, #32]
    add     r8, r8, #16
    str     r8, [sp, #NEXT]
    add     lr, lr, r9
    cmp     r8, r10
    bne     .Lfirst
    ldr     r8, [sp, #X]
    ldr     r9, [sp, #START]
    ldr     r10, [sp, #CHUNKS]
    ldr     lr, [sp, #WEIGHTS]
    b       .Lnext_chunk
    .p2align 2
.Lentries:
    .word   .Lword7 - .Lentries + 1, .Lword6 - .Lentries + 1, .Lword5 - .Lentries + 1
    .word   .Lword4 - .Lentries + 1, .Lword3 - .Lentries + 1, .Lword2 - .Lentries + 1
    .word   .Lword1 - .Lentries + 1, 0
.Lbetween:
    vldmia  r8, {s0-s31}
.Lbetween_groups:
    ldr     r12, [sp, #NEXT]
    ldm     r12, {r0-r7}
    WORDS
    ldrd    r8, r9, [sp, #NEXT]
    stm     r8!, {r0-r7}
    ldr     r10, [sp, #32]
    add     r8, r8, #16
    str     r8, [sp, #NEXT]
    add     lr, lr, r9
    cmp     r8, r10
    bne     .Lbetween_groups
    ldr     r8, [sp, #X]
    ldr     r9, [sp, #START]
    ldr     r10, [sp, #CHUNKS]
    ldr     lr, [sp, #WEIGHTS]
    add     lr, lr, #128
    str     lr, [sp, #WEIGHTS]
    sub     r10, r10, #1
    str     r10, [sp, #CHUNKS]
.Lnext_chunk:
    str     r9, [sp, #NEXT]
    add     r8, r8, #128
    str     r8, [sp, #X]
    cmp     r10, #0
    bne     .Lbetween
    ldrd    r10, r11, [sp, #LAST_SKIP - 4]  /* the last words of the inputs, at the end of the registers */
    ldr     r9, [sp, #SKIP]
    sub     r9, r11, r9
    sub     r8, r8, r9
    vldmia  r8, {s0-s31}
    cmp     r9, #0
    bne     .Lpart
.Lwhole:
    ldr     r12, [sp, #NEXT]
    ldm     r12!, {r0-r7}
    str     r12, [sp, #NEXT]
    WORDS
    FINISH
    bne     .Lwhole
    b       .Ldone
.Lpart:
    ldr     r8, [sp, #ENTRY]
    ldr     r12, [sp, #NEXT]
    ldm     r12!, {r0-r7}
    str     r12, [sp, #NEXT]
    bx      r8
.Lword1:
    WORD 1
.Lword2:
    WORD 2
.Lword3:
    WORD 3
.Lword4:
    WORD 4
.Lword5:
    WORD 5
.Lword6:
    WORD 6
.Lword7:
    WORD 7
    FINISH
    bne     .Lpart
.Ldone:
    add     sp, sp, #FRAME
    vpop    {s16-s31}
    pop     {r4-r11, pc}
    .size   reds_m4_pair, . - reds_m4_pair
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
