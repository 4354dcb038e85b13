/* What the assembler of layers value by value shares. */
#ifndef REDS_CORTEX_M4_VALUES_MACROS_H
#define REDS_CORTEX_M4_VALUES_MACROS_H

#include "macros.h"
#include "values_offsets.h"

/* clang-format off */

/* Requantize the sums in r4..r7 and pack them into the bytes of r4. r9: 0x01010101, r10: the zero point less one,
 * r11: the multiplier. SSAT of the output less one, and QADD8 of one, clamp to [-127, 127]. */
.macro NARROW_FOUR
    smmlar  r4, r4, r11, r10
    smmlar  r5, r5, r11, r10
    smmlar  r6, r6, r11, r10
    smmlar  r7, r7, r11, r10
    ssat    r4, #8, r4
    ssat    r5, #8, r5
    ssat    r6, #8, r6
    ssat    r7, #8, r7
    bfi     r4, r5, #8, #8
    bfi     r4, r6, #16, #8
    bfi     r4, r7, #24, #8
    qadd8   r4, r4, r9
.endm

/* clang-format on */

#endif
