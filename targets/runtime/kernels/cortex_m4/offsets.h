/* Offsets of the fields of structs that the assembler reads. offsets.c checks each one. */
#ifndef REDS_CORTEX_M4_OFFSETS_H
#define REDS_CORTEX_M4_OFFSETS_H

#define ROWS_WEIGHTS 0
#define ROWS_X 4
#define ROWS_QUADS 8
#define ROWS_TABLE 12
#define ROWS_BIAS_RIGHT 16
#define ROWS_SKIP 20
#define ROWS_ROUNDING 24
#define ROWS_SHIFT 28
#define ROWS_OUT 32
#define ROWS_GROUPS 36

#define WALK_LINES 0
#define WALK_ROWS 4
#define WALK_RUNS 8
#define WALK_RUN_STEP 12
#define WALK_X_STEP 16
#define WALK_WORDS 20
#define WALK_WORD_STEP 24
#define WALK_BYTES 28
#define WALK_COPIES 32
#define WALK_STEP 36
#define WALK_WINDOW 40

#endif
