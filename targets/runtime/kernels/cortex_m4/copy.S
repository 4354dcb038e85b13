/* Copy and fill memory. */
#include "offsets.h"

#ifdef __ARM_FEATURE_DSP
#include "macros.h"

/* void reds_m4_copy(int8_t *to, const int8_t *from, uint32_t bytes) */
FUNCTION reds_m4_copy
    subs    r2, r2, #16
    blo     2f
1:
    ldr     r3, [r1], #4
    ldr     r12, [r1], #4
    str     r3, [r0], #4
    str     r12, [r0], #4
    ldr     r3, [r1], #4
    ldr     r12, [r1], #4
    str     r3, [r0], #4
    str     r12, [r0], #4
    subs    r2, r2, #16
    bhs     1b
2:
    adds    r2, r2, #12
    blt     4f
3:
    ldr     r3, [r1], #4
    str     r3, [r0], #4
    subs    r2, r2, #4
    bge     3b
4:
    adds    r2, r2, #4
    beq     6f
5:
    ldrb    r3, [r1], #1
    strb    r3, [r0], #1
    subs    r2, r2, #1
    bne     5b
6:
    bx      lr
    .size   reds_m4_copy, . - reds_m4_copy

/* void reds_m4_copy_words(uint32_t *to, const uint32_t *from, uint32_t count): from slow memory, by as many registers at
 * once as there are. count is a multiple of 4. */
FUNCTION reds_m4_copy_words
#ifdef __ARM_FP
    subs    r2, r2, #64
    blo     2f
    vpush   {s16-s31}
1:
    vldm    r1!, {s0-s31}
    vstm    r0!, {s0-s31}
    vldm    r1!, {s0-s31}
    vstm    r0!, {s0-s31}
    subs    r2, r2, #64
    bhs     1b
    vpop    {s16-s31}
2:
    adds    r2, r2, #64
#endif
    lsl     r2, r2, #2
    b       reds_m4_copy
    .size   reds_m4_copy_words, . - reds_m4_copy_words

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
