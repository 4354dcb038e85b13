/* Bring the inputs of windows into the order of the weights. conv.h explains windows and expanded inputs. */
#include "offsets.h"

#ifdef __ARM_FEATURE_DSP
#include "macros.h"

/* Expand the word in \word: the halves that the first multiply takes go to \high, those of the second stay.
 * r3: 0xff00ff00 */
.macro EXPAND word, high
    sxtb16  \high, \word, ror #8
    and     \word, r3, \word, lsl #8
    ssub16  \word, \word, \high
.endm

.macro STORE high, low
    str     \high, [r1]
    str     \low, [r1, #4]
    add     r1, r1, r12
.endm

/* void reds_m4_expand(const reds_m4_walk *walk, uint32_t column, uint32_t *x)
 *
 * r0, r1: values of the run and where they go; r2: where the run goes; r9: rows left; r10: walk; r11: run;
 * lr: runs left; on the stack: next row's line, column */
FUNCTION reds_m4_expand
    push    {r1, r4-r11, lr}
    mov     r10, r0
    mov     r3, #0xff00ff00
    ldr     r4, [r10, #WALK_LINES]
    ldr     r9, [r10, #WALK_ROWS]
    ldr     r12, [r10, #WALK_WORD_STEP]
    push    {r4}
.Lexpand_row:
    ldrd    r4, r5, [sp]
    ldr     r11, [r4], #4
    ldr     lr, [r10, #WALK_RUNS]
    str     r4, [sp]
    add     r11, r11, r5
.Lexpand_run:
    ldr     r4, [r10, #WALK_WORDS]
    mov     r0, r11
    mov     r1, r2
    subs    r4, r4, #2
    blo     .Lexpand_last
.Lexpand_two:
    ldr     r5, [r0], #4
    ldr     r7, [r0], #4
    EXPAND  r5, r6
    EXPAND  r7, r8
    STORE   r6, r5
    STORE   r8, r7
    subs    r4, r4, #2
    bhs     .Lexpand_two
.Lexpand_last:
    lsls    r4, r4, #31
    bpl     .Lexpand_part
    ldr     r5, [r0], #4
    EXPAND  r5, r6
    STORE   r6, r5
.Lexpand_part:
    ldr     r4, [r10, #WALK_MASK]
    cbz     r4, .Lexpand_done
    ldr     r5, [r0]
    and     r5, r5, r4
    EXPAND  r5, r6
    STORE   r6, r5
.Lexpand_done:
    ldrd    r4, r5, [r10, #WALK_RUN_STEP]  /* WALK_X_STEP too */
    add     r11, r11, r4
    add     r2, r2, r5
    subs    lr, lr, #1
    bne     .Lexpand_run
    subs    r9, r9, #1
    bne     .Lexpand_row
    add     sp, sp, #8
    pop     {r4-r11, pc}
    .size   reds_m4_expand, . - reds_m4_expand

/* void reds_m4_gather(const reds_m4_walk *walk, uint32_t column, int8_t *to, uint32_t positions)
 *
 * Each run of a window is copied by words, up to three bytes too many, which the next run overwrites.
 * r2: where the run goes; r4: rows left; r5, r6: line and its place; r7: run; r8: runs left; r9: bytes of a run;
 * r10: words of a run; r11, lr: copy; r12: walk; on the stack: to, positions */
FUNCTION reds_m4_gather
    push    {r2-r11, lr}
    mov     r12, r0
    ldrd    r9, r10, [r12, #WALK_BYTES]  /* WALK_COPIES too */
.Lgather_position:
    ldrd    r6, r4, [r12, #WALK_LINES]  /* WALK_ROWS too */
.Lgather_row:
    ldr     r7, [r6], #4
    ldr     r8, [r12, #WALK_RUNS]
    add     r7, r7, r1
.Lgather_run:
    ldr     r11, [r7]
    str     r11, [r2]
    mov     r0, r10
    cmp     r10, #2
    blo     .Lgather_copied
    ldr     r11, [r7, #4]
    str     r11, [r2, #4]
    beq     .Lgather_copied
    ldr     r11, [r7, #8]
    str     r11, [r2, #8]
    subs    r0, r0, #3
    beq     .Lgather_copied
    add     r3, r7, #12
    add     r5, r2, #12
.Lgather_word:
    ldr     r11, [r3], #4
    str     r11, [r5], #4
    subs    r0, r0, #1
    bne     .Lgather_word
.Lgather_copied:
    add     r2, r2, r9
    subs    r8, r8, #1
    ittt    ne
    ldrne   r11, [r12, #WALK_RUN_STEP]
    addne   r7, r7, r11
    bne     .Lgather_run
    subs    r4, r4, #1
    bne     .Lgather_row
    ldrd    r4, r5, [r12, #WALK_STEP]  /* WALK_WINDOW too */
    ldrd    r2, r3, [sp]
    add     r1, r1, r4
    add     r2, r2, r5
    subs    r3, r3, #1
    strd    r2, r3, [sp]
    bne     .Lgather_position
    add     sp, sp, #8
    pop     {r4-r11, pc}
    .size   reds_m4_gather, . - reds_m4_gather

/* void reds_m4_fill(int8_t *to, int32_t value, uint32_t bytes): bytes is a multiple of 4 */
FUNCTION reds_m4_fill
    and     r1, r1, #255
    orr     r1, r1, r1, lsl #8
    orr     r1, r1, r1, lsl #16
1:
    subs    r2, r2, #4
    itt     hs
    strhs   r1, [r0], #4
    bhs     1b
    bx      lr
    .size   reds_m4_fill, . - reds_m4_fill
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
