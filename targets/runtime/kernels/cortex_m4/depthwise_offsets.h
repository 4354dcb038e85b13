/* Offsets of the fields of structs in depthwise.h, for the assembler. depthwise_sizes.c and depthwise_few.c
 * check each one. */
#ifndef REDS_CORTEX_M4_DEPTHWISE_OFFSETS_H
#define REDS_CORTEX_M4_DEPTHWISE_OFFSETS_H

#define STRIP_X 0
#define STRIP_WEIGHTS 4
#define STRIP_OUT 8
#define STRIP_TABLE 12
#define STRIP_UNITS 16
#define STRIP_UNIT_BYTES 20
#define STRIP_WEIGHTS_BYTES 24
#define STRIP_TAP 28
#define STRIP_ROW 32
#define STRIP_BIAS_UNIT 36
#define STRIP_SCALE 40
#define STRIP_ZERO_LESS_1 44
#define STRIP_LINES 48
#define STRIP_ROWS 52
#define STRIP_ROW_BYTES 56
#define STRIP_PAIRS 60
#define STRIP_BLOCKS 64
#define STRIP_REST 68
#define STRIP_NEXT_X 72
#define STRIP_NEXT_OUT 76
#define STRIP_SITE 80
#define STRIP_STEP 84
#define STRIP_BYTES 88

#define LINES_STEP 0
#define LINES_HEAD 4
#define LINES_PAIRS 8
#define LINES_LAST 12
#define LINES_PADDING 16
#define LINES_LINES 20
#define LINES_LINE_STEP 24
#define LINES_UNIT_BYTES 28

#define WEIGHTS_TAP 0
#define WEIGHTS_ROW 4
#define WEIGHTS_PAIRS 8
#define WEIGHTS_ODD 12
#define WEIGHTS_ZERO 16
#define WEIGHTS_ROWS 20
#define WEIGHTS_UNIT 24
#define WEIGHTS_UNITS 28

#define WINDOW_POSITIONS 0
#define WINDOW_TAPS 4
#define WINDOW_WEIGHTS 8
#define WINDOW_TABLE 12
#define WINDOW_OUT 16
#define WINDOW_UNITS 20
#define WINDOW_BIAS_UNIT 24
#define WINDOW_SCALE 28
#define WINDOW_ZERO_LESS_1 32

#endif
