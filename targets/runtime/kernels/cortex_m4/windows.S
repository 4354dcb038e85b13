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

/* void reds_m4_expand_\spacing(const int8_t *in, uint32_t *x, uint32_t quads): expand words that lie one after the
 * other; their halves go to every \spacing bytes of x. */
.macro EXPAND_WORDS spacing
FUNCTION reds_m4_expand_\spacing
    push    {r4-r11}
    mov     r3, #0xff00ff00
    subs    r2, r2, #4
    blo     2f
1:
    ldr     r5, [r0], #4
    ldr     r7, [r0], #4
    ldr     r9, [r0], #4
    ldr     r11, [r0], #4
    EXPAND  r5, r4
    EXPAND  r7, r6
    EXPAND  r9, r8
    EXPAND  r11, r10
    str     r5, [r1, #4]
    str     r6, [r1, #\spacing]
    str     r7, [r1, #(\spacing + 4)]
    str     r8, [r1, #(2 * \spacing)]
    str     r9, [r1, #(2 * \spacing + 4)]
    str     r10, [r1, #(3 * \spacing)]
    str     r11, [r1, #(3 * \spacing + 4)]
    str     r4, [r1], #(4 * \spacing)
    subs    r2, r2, #4
    bhs     1b
2:
    adds    r2, r2, #4
    beq     4f
3:
    ldr     r5, [r0], #4
    EXPAND  r5, r4
    str     r5, [r1, #4]
    str     r4, [r1], #\spacing
    subs    r2, r2, #1
    bne     3b
4:
    pop     {r4-r11}
    bx      lr
    .size   reds_m4_expand_\spacing, . - reds_m4_expand_\spacing
.endm

    EXPAND_WORDS 8
    EXPAND_WORDS 16

/* void reds_m4_expand_pair(const int8_t *in, uint32_t *x, uint32_t quads) */
FUNCTION reds_m4_expand_pair
    push    {r4-r11}
    mov     r3, #0xff00ff00
    add     r12, r0, r2, lsl #2
    lsrs    r2, r2, #1
    bcc     1f
    ldr     r5, [r0], #4
    ldr     r7, [r12], #4
    EXPAND  r5, r4
    EXPAND  r7, r6
    stm     r1!, {r4-r7}
1:
    ldrd    r5, r9, [r0], #8
    ldrd    r7, r11, [r12], #8
    EXPAND  r5, r4
    EXPAND  r7, r6
    EXPAND  r9, r8
    EXPAND  r11, r10
    stm     r1!, {r4-r11}
    subs    r2, r2, #1
    bne     1b
    pop     {r4-r11}
    bx      lr
    .size   reds_m4_expand_pair, . - reds_m4_expand_pair

/* void reds_m4_expand_taps(const reds_m4_walk *walk, uint32_t column, uint32_t *x)
 *
 * r0, r1: values of the run and where they go; r2: where the run goes; r9: rows left; r10: walk; r11: run;
 * lr: runs left; on the stack: next row's line, column */
FUNCTION reds_m4_expand_taps
    push    {r1, r4-r11, lr}
    mov     r10, r0
    mov     r3, #0xff00ff00
    ldr     r4, [r10, #WALK_LINES]
    ldr     r9, [r10, #WALK_ROWS]
    ldr     r12, [r10, #WALK_WORD_STEP]
    push    {r4}
.Ltaps_row:
    ldrd    r4, r5, [sp]
    ldr     r11, [r4], #4
    ldr     lr, [r10, #WALK_RUNS]
    str     r4, [sp]
    add     r11, r11, r5
.Ltaps_run:
    ldr     r4, [r10, #WALK_WORDS]
    mov     r0, r11
    mov     r1, r2
.Ltaps_word:
    ldr     r5, [r0], #4
    EXPAND  r5, r6
    str     r5, [r1, #4]
    str     r6, [r1]
    add     r1, r1, r12
    subs    r4, r4, #1
    bne     .Ltaps_word
    ldrd    r4, r5, [r10, #WALK_RUN_STEP]  /* WALK_X_STEP too */
    add     r11, r11, r4
    add     r2, r2, r5
    subs    lr, lr, #1
    bne     .Ltaps_run
    subs    r9, r9, #1
    bne     .Ltaps_row
    add     sp, sp, #8
    pop     {r4-r11, pc}
    .size   reds_m4_expand_taps, . - reds_m4_expand_taps

/* void reds_m4_expand_three(const reds_m4_walk *walk, uint32_t column, uint32_t *x): windows of three columns
 *
 * Three words, a run apart, go to three places 16 bytes apart.
 * r0: walk; r1: lines; r2: where the words go; r10: WALK_WORD_STEP; r11: run; r12: WALK_RUN_STEP; lr: words left; on
 * the stack: walk, column, where the row goes, rows left */
FUNCTION reds_m4_expand_three
    ldr     r3, [r0, #WALK_ROWS]
    push    {r0-r11, lr}
    ldr     r12, [r0, #WALK_RUN_STEP]
    ldr     r10, [r0, #WALK_WORD_STEP]
    ldr     r1, [r0, #WALK_LINES]
    mov     r3, #0xff00ff00
.Lthree_row:
    ldr     r5, [sp, #4]
    ldr     r11, [r1], #4
    ldr     lr, [r0, #WALK_WORDS]
    add     r11, r11, r5
.Lthree_word:
    ldr     r4, [r11]
    ldr     r6, [r11, r12]
    ldr     r8, [r11, r12, lsl #1]
    EXPAND  r4, r5
    EXPAND  r6, r7
    EXPAND  r8, r9
    str     r5, [r2]
    str     r4, [r2, #4]
    str     r7, [r2, #16]
    str     r6, [r2, #20]
    str     r9, [r2, #32]
    str     r8, [r2, #36]
    add     r11, r11, #4
    add     r2, r2, r10
    subs    lr, lr, #1
    bne     .Lthree_word
    ldrd    r2, r4, [sp, #8]
    add     r2, r2, #48
    subs    r4, r4, #1
    strd    r2, r4, [sp, #8]
    bne     .Lthree_row
    add     sp, sp, #16
    pop     {r4-r11, pc}
    .size   reds_m4_expand_three, . - reds_m4_expand_three

/* void reds_m4_expand_flat_pair(const reds_m4_walk *walk, uint32_t column, uint32_t *x)
 *
 * r8: lines; r9: rows left; r10: bytes between the windows; r11: words of a row; r12: row; lr: words left */
FUNCTION reds_m4_expand_flat_pair
    push    {r4-r11, lr}
    ldrd    r8, r9, [r0, #WALK_LINES]  /* WALK_ROWS too */
    ldr     r10, [r0, #WALK_STEP]
    ldr     r11, [r0, #WALK_COPIES]
    mov     r3, #0xff00ff00
.Lflat_row:
    ldr     r12, [r8], #4
    mov     lr, r11
    add     r12, r12, r1
.Lflat_word:
    ldr     r7, [r12, r10]
    ldr     r5, [r12], #4
    EXPAND  r7, r6
    EXPAND  r5, r4
    stm     r2!, {r4-r7}
    subs    lr, lr, #1
    bne     .Lflat_word
    subs    r9, r9, #1
    bne     .Lflat_row
    pop     {r4-r11, pc}
    .size   reds_m4_expand_flat_pair, . - reds_m4_expand_flat_pair

/* The rows of a window, each a run of \words words. r0-r12, lr as in reds_m4_gather. */
.macro ROWS words
1:
    ldr     r7, [r6], #4
    add     r7, r7, r1
    ldr     r11, [r7]
  .if \words > 1
    ldr     r8, [r7, #4]
  .endif
  .if \words > 2
    ldr     r3, [r7, #8]
  .endif
    str     r11, [r2]
  .if \words > 1
    str     r8, [r2, #4]
  .endif
  .if \words > 2
    str     r3, [r2, #8]
  .endif
    add     r2, r2, r9
    subs    r4, r4, #1
    bne     1b
    b       .Lgather_next
.endm

/* void reds_m4_gather(const reds_m4_walk *walk, uint32_t column, int8_t *to, uint32_t positions)
 *
 * Each run of a window is copied by words, up to three bytes too many, which the next run overwrites.
 * r2: where the run goes; r4: rows left; r6: lines; r7: run; r8: runs left; r9: bytes of a run; r10: words of a run;
 * r12: walk; lr: how rows are copied; on the stack: to, positions */
FUNCTION reds_m4_gather
    push    {r2-r11, lr}
    mov     r12, r0
    ldrd    r9, r10, [r12, #WALK_BYTES]  /* WALK_COPIES too */
    ldr     r4, [r12, #WALK_RUNS]
    adr     lr, .Lgather_row + 1
    cmp     r4, #1
    bne     .Lgather_position
    cmp     r10, #3
    bhi     .Lgather_position
    adr     lr, .Lgather_three + 1
    beq     .Lgather_position
    adr     lr, .Lgather_two + 1
    cmp     r10, #2
    beq     .Lgather_position
    adr     lr, .Lgather_one + 1
.Lgather_position:
    ldrd    r6, r4, [r12, #WALK_LINES]  /* WALK_ROWS too */
    bx      lr
    .p2align 2
.Lgather_one:
    ROWS    1
    .p2align 2
.Lgather_two:
    ROWS    2
    .p2align 2
.Lgather_three:
    ROWS    3
    .p2align 2
.Lgather_row:
    ldr     r7, [r6], #4
    ldr     r8, [r12, #WALK_RUNS]
    add     r7, r7, r1
.Lgather_run:
    mov     r0, r10
    mov     r3, r7
    mov     r5, r2
.Lgather_word:
    ldr     r11, [r3], #4
    str     r11, [r5], #4
    subs    r0, r0, #1
    bne     .Lgather_word
    add     r2, r2, r9
    ldr     r11, [r12, #WALK_RUN_STEP]
    add     r7, r7, r11
    subs    r8, r8, #1
    bne     .Lgather_run
    subs    r4, r4, #1
    bne     .Lgather_row
.Lgather_next:
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

/* void reds_m4_gather_nines(const reds_m4_walk *walk, uint32_t column, int8_t *to, uint32_t positions)
 *
 * r0: bytes between windows; r4-r6: lines; r7-r12, lr: a window */
FUNCTION reds_m4_gather_nines
    push    {r4-r11, lr}
    ldr     r12, [r0, #WALK_LINES]
    ldr     r0, [r0, #WALK_STEP]
    ldm     r12, {r4-r6}
    add     r4, r4, r1
    add     r5, r5, r1
    add     r6, r6, r1
1:
    ldrb    lr, [r4, #8]
    ldrb    r1, [r5, #8]
    ldrb    r7, [r6, #8]
    orr     lr, lr, r1, lsl #8
    orr     lr, lr, r7, lsl #16
    ldr     r7, [r4]
    ldr     r8, [r4, #4]
    ldr     r9, [r5]
    ldr     r10, [r5, #4]
    ldr     r11, [r6]
    ldr     r12, [r6, #4]
    stm     r2!, {r7-r12, lr}
    add     r4, r4, r0
    add     r5, r5, r0
    add     r6, r6, r0
    subs    r3, r3, #1
    bne     1b
    pop     {r4-r11, pc}
    .size   reds_m4_gather_nines, . - reds_m4_gather_nines

/* void reds_m4_spread(int8_t *to, const int8_t *from, uint32_t positions, uint32_t units)
 *
 * Copy positions to whole words each; units that fill no word are followed by zeros.
 * r2: positions left; r3: whole words of a position; r4: mask; r5: units; r6: words left; r7: values */
FUNCTION reds_m4_spread
    push    {r4-r7}
    mov     r5, r3
    and     r6, r3, #3
    lsl     r6, r6, #3
    mov     r4, #1
    lsl     r4, r4, r6
    sub     r4, r4, #1
    lsr     r3, r3, #2
1:
    movs    r6, r3
    beq     3f
    mov     r12, r1
2:
    ldr     r7, [r12], #4
    str     r7, [r0], #4
    subs    r6, r6, #1
    bne     2b
3:
    ldr     r7, [r1, r3, lsl #2]
    and     r7, r7, r4
    str     r7, [r0], #4
    add     r1, r1, r5
    subs    r2, r2, #1
    bne     1b
    pop     {r4-r7}
    bx      lr
    .size   reds_m4_spread, . - reds_m4_spread

/* Mix the words of two rows, \a and \b: \a gets inputs 0 and 2, \b inputs 1 and 3. r12: 0xff00ff00 */
.macro MIX a, b
    sxtb16  r8, \a
    sxtb16  r9, \b
    ssub16  \a, \a, r8
    ssub16  \b, \b, r9
    and     r8, r12, r8, lsl #8
    sxtb16  \b, \b, ror #8
    sadd16  \b, \a, \b
    sadd16  \a, r8, r9
.endm

/* void reds_m4_mix(const uint32_t *words, uint32_t *to, uint32_t quads, uint32_t step)
 *
 * Bring words of four rows, \step bytes apart, to the order of weights at rest. */
FUNCTION reds_m4_mix
    push    {r4-r9}
    mov     r12, #0xff00ff00
1:
    ldm     r0, {r4-r7}
    add     r0, r0, r3
    MIX     r4, r5
    MIX     r6, r7
    str     r5, [r1, #8]
    str     r6, [r1, #4]
    str     r7, [r1, #12]
    str     r4, [r1], #16
    subs    r2, r2, #1
    bne     1b
    pop     {r4-r9}
    bx      lr
    .size   reds_m4_mix, . - reds_m4_mix
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
