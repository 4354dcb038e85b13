/* More than 32 inputs times four rows, in chunks of 32, whose weights stay in the registers of the FPU while positions
 * pass. conv.h explains the arithmetic. The sums wait in the scratch from one chunk to the next. */
#include "offsets.h"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FP)
#include "macros.h"
    .altmacro

/* r0-r7: sums; r8-r11: inputs; r12: weights; lr: next inputs, the words of two positions in turns */

.macro WORD j, half, begins=0
    ldrd    r8, r10, [lr, #(8*\j)]
    FOUR    %(4*\j), \half, \begins
.endm

.macro WORDS half, begins=0
    WORD 0, \half, \begins
    WORD 1, \half
    WORD 2, \half
    WORD 3, \half
    WORD 4, \half
    WORD 5, \half
    WORD 6, \half
    WORD 7, \half
.endm

/* The frame of the first two functions: sums, bytes of two windows, end of the inputs; then the biases. */
#define BIASES 12
#define FRAME 28

.macro BEGIN frame
    push    {r4-r11, lr}
    vpush   {s16-s31}
    sub     sp, sp, #\frame
    ldm     r0, {r1-r5}    /* stream, in, sums, step, end */
    mov     lr, r2
.endm

.macro END frame
    add     sp, sp, #\frame
    vpop    {s16-s31}
    pop     {r4-r11, pc}
.endm

/* Store the sums and go to the next two positions, or on if there are none. */
.macro NEXT_SUMS loop
    ldm     sp, {r8-r10}
    stm     r8!, {r0-r7}
    str     r8, [sp]
    add     lr, lr, r9
    cmp     lr, r10
    bne     \loop
.endm

/* void reds_m4_first_chunk(const reds_m4_chunk *chunk): the stream begins with the biases */
.macro FIRST name, half
FUNCTION \name
    BEGIN   FRAME
    ldm     r1!, {r6-r9}
    stm     sp, {r3-r9}
    vldmia  r1, {s0-s31}
1:
    add     r12, sp, #BIASES
    ldm     r12, {r0-r3}
    WORDS   \half, 1
    NEXT_SUMS 1b
    END     FRAME
    .size   \name, . - \name
.endm

    FIRST   reds_m4_first_chunk, 0
    FIRST   reds_m4_first_half, 1

/* void reds_m4_next_chunk(const reds_m4_chunk *chunk) */
.macro NEXT name, half
FUNCTION \name
    BEGIN   FRAME
    stm     sp, {r3-r5}
    vldmia  r1, {s0-s31}
1:
    ldr     r12, [sp]
    ldm     r12, {r0-r7}
    WORDS   \half
    NEXT_SUMS 1b
    END     FRAME
    .size   \name, . - \name
.endm

    NEXT    reds_m4_next_chunk, 0
    NEXT    reds_m4_next_half, 1

/* The frame of the last function. The first five words, after 0x01010101, are loaded at once. */
#define OUT 4     /* 8: bytes between outputs; 12: end of the inputs; 16: bytes of two windows */
#define ZERO 20
#define SUMS 24
#define ENTRY 28
#define MULTIPLIERS 32
#define LAST_FRAME 48

/* void reds_m4_last_chunk(const reds_m4_chunk *chunk): one to eight words, then the multipliers. The registers of
 * weights and the words of inputs count from the end of a whole chunk. */
.macro LAST name, half
FUNCTION \name
    BEGIN   LAST_FRAME
    ldr     r6, [r0, #20]  /* words */
    ldr     r7, [r0, #24]  /* out */
    ldrd    r8, r9, [r0, #28]  /* apart, zero */
    mov     r10, #0x01010101
    str     r10, [sp]
    strd    r7, r8, [sp, #OUT]
    rsb     r11, r6, #8    /* words that the chunk lacks */
    sub     lr, lr, r11, lsl #3
    sub     r5, r5, r11, lsl #3
    strd    r5, r4, [sp, #12]
    add     r9, r9, #127
    strd    r9, r3, [sp, #ZERO]
    adr     r8, .L\name\()_entries
    ldr     r9, [r8, r11, lsl #2]
    add     r8, r8, r9
    str     r8, [sp, #ENTRY]
    add     r10, r1, r6, lsl #4
    ldm     r10, {r6-r9}
    add     r12, sp, #MULTIPLIERS
    stm     r12, {r6-r9}
    sub     r1, r1, r11, lsl #4
    vldmia  r1, {s0-s31}
.L\name\()_pair:
    ldrd    r12, r8, [sp, #SUMS]  /* ENTRY too */
    ldm     r12!, {r0-r7}
    str     r12, [sp, #SUMS]
    bx      r8
    .p2align 2
.L\name\()_entries:
    .word   .L\name\()_word0 - .L\name\()_entries + 1, .L\name\()_word1 - .L\name\()_entries + 1, .L\name\()_word2 - .L\name\()_entries + 1
    .word   .L\name\()_word3 - .L\name\()_entries + 1, .L\name\()_word4 - .L\name\()_entries + 1, .L\name\()_word5 - .L\name\()_entries + 1
    .word   .L\name\()_word6 - .L\name\()_entries + 1, .L\name\()_word7 - .L\name\()_entries + 1
.L\name\()_word0:
    WORD 0, \half
.L\name\()_word1:
    WORD 1, \half
.L\name\()_word2:
    WORD 2, \half
.L\name\()_word3:
    WORD 3, \half
.L\name\()_word4:
    WORD 4, \half
.L\name\()_word5:
    WORD 5, \half
.L\name\()_word6:
    WORD 6, \half
.L\name\()_word7:
    WORD 7, \half
    PART
    add     r12, sp, #MULTIPLIERS
    ldm     r12, {r8-r11}
    ldr     r12, [sp, #ZERO]
    NARROW
    ldm     sp, {r8-r12}
    LIFT    r8
    str     r0, [r9]
    str     r4, [r9, r10]
    add     r9, r9, r10, lsl #1
    str     r9, [sp, #OUT]
    add     lr, lr, r12
    cmp     lr, r11
    bne     .L\name\()_pair
    END     LAST_FRAME
    .size   \name, . - \name
.endm

    LAST    reds_m4_last_chunk, 0
    LAST    reds_m4_last_half, 1

/* void reds_m4_gather_words(const reds_m4_walk *walk, uint32_t column, int8_t *to)
 *
 * Copy a window of whole words to every other word. r1: column; r2: to; r3: lines; r4: rows left; r5: runs left;
 * r6: words left; r7: run; r8-r11: values; r12: word; lr: walk */
FUNCTION reds_m4_gather_words
    push    {r4-r11, lr}
    mov     lr, r0
    ldrd    r3, r4, [lr, #WALK_LINES]  /* WALK_ROWS too */
    ldr     r5, [lr, #WALK_RUNS]
    ldr     r6, [lr, #WALK_COPIES]
    mul     r5, r5, r6
    cmp     r5, #1
    beq     8f
1:
    ldr     r7, [r3], #4
    ldr     r5, [lr, #WALK_RUNS]
    add     r7, r7, r1
2:
    ldr     r6, [lr, #WALK_COPIES]
    mov     r12, r7
    subs    r6, r6, #4
    blo     4f
3:
    ldr     r8, [r12], #4
    ldr     r9, [r12], #4
    ldr     r10, [r12], #4
    ldr     r11, [r12], #4
    str     r9, [r2, #8]
    str     r10, [r2, #16]
    str     r11, [r2, #24]
    str     r8, [r2], #32
    subs    r6, r6, #4
    bhs     3b
4:
    adds    r6, r6, #4
    beq     6f
5:
    ldr     r8, [r12], #4
    str     r8, [r2], #8
    subs    r6, r6, #1
    bne     5b
6:
    subs    r5, r5, #1
    beq     7f
    ldr     r8, [lr, #WALK_RUN_STEP]
    add     r7, r7, r8
    b       2b
7:
    subs    r4, r4, #1
    bne     1b
    pop     {r4-r11, pc}
8:  /* one word of each row */
    ldr     r7, [r3], #4
    ldr     r8, [r7, r1]
    str     r8, [r2], #8
    subs    r4, r4, #1
    bne     8b
    pop     {r4-r11, pc}
    .size   reds_m4_gather_words, . - reds_m4_gather_words
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
