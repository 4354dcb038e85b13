/* Offsets of the fields of reds_m4_rows, for the assembler. offsets.c checks each one. */
#ifndef REDS_CORTEX_M4_OFFSETS_H
#define REDS_CORTEX_M4_OFFSETS_H

#define ROWS_WEIGHTS 0
#define ROWS_X 4
#define ROWS_TABLE 8
#define ROWS_BIAS_RIGHT 12
#define ROWS_QUADS 16
#define ROWS_SKIP 20
#define ROWS_ROUNDING 24
#define ROWS_SHIFT 28
#define ROWS_OUT 32
#define ROWS_OUT2 36
#define ROWS_GROUPS 40
#endif
