/* Offsets of the fields of structs in units.h, for the assembler. units.c checks each one. */
#ifndef REDS_CORTEX_M4_UNITS_OFFSETS_H
#define REDS_CORTEX_M4_UNITS_OFFSETS_H

#define NORM_IN 0
#define NORM_OUT 4
#define NORM_BIASES 8
#define NORM_MULTIPLIERS 12
#define NORM_UNITS 16
#define NORM_COUNT 20
#define NORM_LESS_SUM 24
#define NORM_RECIPROCAL 28
#define NORM_HALF 32
#define NORM_SHIFT 36
#define NORM_ZERO_LESS_1 40

#define SLOPES_IN 0
#define SLOPES_OUT 4
#define SLOPES_BELOW 8
#define SLOPES_FROM_ZERO 12
#define SLOPES_UNITS 16
#define SLOPES_POSITIONS 20
#define SLOPES_LESS 24
#define SLOPES_ZERO_LESS_1 28

#endif
