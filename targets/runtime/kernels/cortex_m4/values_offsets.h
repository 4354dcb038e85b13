/* Offsets of the fields of structs in values.h, for the assembler. values.c, max_pool.c and average_pool.c
 * check each one. */
#ifndef REDS_CORTEX_M4_VALUES_OFFSETS_H
#define REDS_CORTEX_M4_VALUES_OFFSETS_H

#define VALUES_A 0
#define VALUES_B 4
#define VALUES_OUT 8
#define VALUES_BYTES 12
#define VALUES_BLOCKS 16
#define VALUES_A_STEP 20
#define VALUES_B_STEP 24
#define VALUES_OUT_STEP 28
#define VALUES_BIAS 32
#define VALUES_FACTORS 36
#define VALUES_LESS_A 40
#define VALUES_LESS_B 44
#define VALUES_MULTIPLIER 48
#define VALUES_ZERO_LESS_1 52

#define LARGEST_IN 0
#define LARGEST_OUT 4
#define LARGEST_AT 8
#define LARGEST_BYTES 20
#define LARGEST_BLOCKS 24
#define LARGEST_STEP 28

#define WINDOWS_IN 0
#define WINDOWS_OUT 4
#define WINDOWS_UNITS 8
#define WINDOWS_ROWS 12
#define WINDOWS_COLUMNS 16
#define WINDOWS_LINE 20
#define WINDOWS_BLOCKS 24
#define WINDOWS_STEP 28
#define WINDOWS_START 32
#define WINDOWS_BIAS 36
#define WINDOWS_FACTOR 40
#define WINDOWS_MULTIPLIER 44
#define WINDOWS_ZERO_LESS_1 48

#endif
