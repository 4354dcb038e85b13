/* The order of weights for windows whose units lie without gaps. conv.h explains it. */
#include "offsets.h"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FP)
#include "macros.h"

/* Put the bytes 0 and 2 of \b between those of \a. */
.macro TURNS a, b
    uxtb16  \a, \a
    uxtb16  \b, \b
    orr     \a, \a, \b, lsl #8
.endm

/* Replace two weights of each word, w0 and w2, by the next ones: bytes 0 and 2 become w1 and w3. \even: scratch */
.macro ODD word, even
    sxtb16  \even, \word
    ssub16  \word, \word, \even
    ror     \word, \word, #8
.endm

/* void reds_m4_unpack(const uint32_t *words, uint32_t *to, uint32_t quads, uint32_t step)
 *
 * Write a word for each input, with a byte of each of four rows; words of inputs lie \step bytes apart. */
FUNCTION reds_m4_unpack
    push    {r4-r11}
1:
    ldm     r0, {r4-r7}
    add     r0, r0, r3
    mov     r8, r4
    mov     r9, r5
    mov     r10, r6
    mov     r11, r7
    TURNS   r8, r9
    TURNS   r10, r11
    pkhbt   r9, r8, r10, lsl #16
    pkhtb   r11, r10, r8, asr #16
    str     r9, [r1]
    str     r11, [r1, #8]
    ODD     r4, r8
    ODD     r5, r9
    ODD     r6, r10
    ODD     r7, r11
    TURNS   r4, r5
    TURNS   r6, r7
    pkhbt   r9, r4, r6, lsl #16
    pkhtb   r11, r6, r4, asr #16
    str     r9, [r1, #4]
    str     r11, [r1, #12]
    add     r1, r1, #16
    subs    r2, r2, #1
    bne     1b
    pop     {r4-r11}
    bx      lr
    .size   reds_m4_unpack, . - reds_m4_unpack

/* Mix rows a and b of two inputs, whose bytes are in turns: halfwords 256 * a + b. r12: 0xff00ff00; clobbers r3. */
.macro PAIR to
    sxtb16  r3, \to, ror #8
    and     \to, r12, \to, lsl #8
    sadd16  \to, \to, r3
.endm

/* void reds_m4_pack(const uint32_t *inputs, uint32_t *to, uint32_t quads)
 *
 * Bring words of inputs to the order of weights at rest. */
FUNCTION reds_m4_pack
    push    {r4-r9}
    mov     r12, #0xff00ff00
1:
    ldm     r0!, {r4-r7}
    pkhbt   r8, r4, r6, lsl #16
    pkhtb   r9, r6, r4, asr #16
    PAIR    r8
    PAIR    r9
    str     r8, [r1]
    str     r9, [r1, #4]
    pkhbt   r8, r5, r7, lsl #16
    pkhtb   r9, r7, r5, asr #16
    PAIR    r8
    PAIR    r9
    str     r8, [r1, #8]
    str     r9, [r1, #12]
    add     r1, r1, #16
    subs    r2, r2, #1
    bne     1b
    pop     {r4-r9}
    bx      lr
    .size   reds_m4_pack, . - reds_m4_pack
#endif

#ifdef __ELF__
    .section .note.GNU-stack, "", %progbits
#endif
