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

/* The frame: reds_m4_pair_rows, but ENTRY is where the last chunk begins. FINISH loads its first seven words at once. */
#define SKIP 0
#define END 4
#define NEXT 8
#define ENTRY 24
#define X 28         /* CHUNKS follows */
#define WEIGHTS 36
#define LAST_SKIP 40
#define RECORDS 44
#define FRAME 48

/* A record: four biases, eight sums, four multipliers and what NARROW adds. */
#define MULTIPLIERS 48
#define RECORD 68

/* Narrow, write four outputs of each position and step back to the group before: r8 is its record, r12 ENTRY; Z if there
 * is none. */
.macro FINISH
    ldr     r12, [sp, #NEXT]
    ldm     r12, {r8-r12}
    NARROW
    ldm     sp, {r1, r2, r8-r12}
    LIFT    r10
    str     r0, [r9], #-4
    str     r4, [r9, r11]
    add     lr, lr, r1
    add     r8, r8, #RECORD
    strd    r8, r9, [sp, #NEXT]
    cmp     r8, r2
.endm

/* void reds_m4_pair(const reds_m4_pair_rows *rows)
 *
 * Chunks of eight words, which fill the registers of the FPU, outside; groups of four rows, from the last to the
 * first, inside. Between chunks the sums lie in the records. NEXT is the record's begin in the first chunk, then its
 * multipliers. */
FUNCTION reds_m4_pair
    push    {r4-r11, lr}
    vpush   {s16-s31}
    sub     sp, sp, #FRAME
    ldm     r0, {r1-r12}
    adr     r0, .Lentries
    ldr     r7, [r0, r7, lsl #2]
    add     r7, r0, r7
    stm     sp, {r1-r12}
    vldmia  r8, {s0-s31}
    mov     lr, r10
    mov     r10, r3
.Lfirst:
    ldm     r10!, {r0-r3}
    str     r10, [sp, #NEXT]
    WORDS   1
    ldm     sp, {r8-r10}         /* SKIP, END, NEXT */
    stm     r10!, {r0-r7}
    add     r10, r10, #RECORD - MULTIPLIERS
    add     lr, lr, r8
    cmp     r10, r9
    bne     .Lfirst
    add     r9, r9, #MULTIPLIERS
    str     r9, [sp, #END]
.Lnext_chunk:
    ldrd    r8, r9, [sp, #X]     /* CHUNKS too */
    ldr     lr, [sp, #WEIGHTS]
    ldr     r10, [sp, #RECORDS]
    add     r8, r8, #128
    add     lr, lr, #128
    add     r10, r10, #MULTIPLIERS
    str     lr, [sp, #WEIGHTS]
    str     r10, [sp, #NEXT]
    subs    r9, r9, #1
    strd    r8, r9, [sp, #X]
    beq     .Llast
    vldmia  r8, {s0-s31}
.Lbetween:
    ldmdb   r10, {r0-r7}
    WORDS
    ldm     sp, {r8-r10}
    stmdb   r10, {r0-r7}
    add     r10, r10, #RECORD
    str     r10, [sp, #NEXT]
    add     lr, lr, r8
    cmp     r10, r9
    bne     .Lbetween
    b       .Lnext_chunk
    .p2align 2
.Lentries:
    .word   .Lword7 - .Lentries + 1, .Lword6 - .Lentries + 1, .Lword5 - .Lentries + 1
    .word   .Lword4 - .Lentries + 1, .Lword3 - .Lentries + 1, .Lword2 - .Lentries + 1
    .word   .Lword1 - .Lentries + 1, 0
.Llast:
    ldr     r9, [sp, #LAST_SKIP]
    ldr     r11, [sp, #SKIP]
    str     r9, [sp, #SKIP]
    sub     r9, r9, r11
    sub     r8, r8, r9           /* the last words of the inputs, at the end of the registers */
    vldmia  r8, {s0-s31}
    mov     r8, r10
    ldr     r12, [sp, #ENTRY]
    cmp     r9, #0
    bne     .Lpart
.Lwhole:
    ldmdb   r8, {r0-r7}
    WORDS
    FINISH
    bne     .Lwhole
    b       .Ldone
.Lpart:
    ldmdb   r8, {r0-r7}
    bx      r12
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
