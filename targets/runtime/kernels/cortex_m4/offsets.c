/* Check every offset that the assembler uses against the struct it reads: a mismatch does not compile. */
#include "offsets.h"

#include "conv.h"

#ifdef __ARM_FEATURE_DSP

#define AT(type, field, offset) \
    _Static_assert(offsetof(type, field) == (offset), "offsets.h: " #type "." #field " is not at " #offset)

/* The assembler loads these two fields with one LDRD. */
#define PAIR(first, second) \
    _Static_assert((second) == (first) + 4, "offsets.h: " #second " must follow " #first)

AT(reds_m4_rows, weights, ROWS_WEIGHTS);
AT(reds_m4_rows, x, ROWS_X);
AT(reds_m4_rows, table, ROWS_TABLE);
AT(reds_m4_rows, bias_right, ROWS_BIAS_RIGHT);
AT(reds_m4_rows, quads, ROWS_QUADS);
AT(reds_m4_rows, skip, ROWS_SKIP);
AT(reds_m4_rows, rounding, ROWS_ROUNDING);
AT(reds_m4_rows, shift, ROWS_SHIFT);
AT(reds_m4_rows, out, ROWS_OUT);
AT(reds_m4_rows, groups, ROWS_GROUPS);

PAIR(ROWS_X, ROWS_QUADS);
PAIR(ROWS_TABLE, ROWS_BIAS_RIGHT);
PAIR(ROWS_SKIP, ROWS_ROUNDING);
PAIR(ROWS_SHIFT, ROWS_OUT);

AT(reds_m4_walk, lines, WALK_LINES);
AT(reds_m4_walk, rows, WALK_ROWS);
AT(reds_m4_walk, runs, WALK_RUNS);
AT(reds_m4_walk, run_step, WALK_RUN_STEP);
AT(reds_m4_walk, x_step, WALK_X_STEP);
AT(reds_m4_walk, words, WALK_WORDS);
AT(reds_m4_walk, word_step, WALK_WORD_STEP);
AT(reds_m4_walk, bytes, WALK_BYTES);
AT(reds_m4_walk, copies, WALK_COPIES);
AT(reds_m4_walk, step, WALK_STEP);
AT(reds_m4_walk, window, WALK_WINDOW);

PAIR(WALK_LINES, WALK_ROWS);
PAIR(WALK_RUN_STEP, WALK_X_STEP);
PAIR(WALK_BYTES, WALK_COPIES);
PAIR(WALK_STEP, WALK_WINDOW);

/* Loaded by one LDM, in this order. */
AT(reds_m4_pair_rows, skip, 0);
AT(reds_m4_pair_rows, records_end, 4);
AT(reds_m4_pair_rows, next, 8);
AT(reds_m4_pair_rows, out, 12);
AT(reds_m4_pair_rows, ones, 16);
AT(reds_m4_pair_rows, apart, 20);
AT(reds_m4_pair_rows, last_words, 24);
AT(reds_m4_pair_rows, x, 28);
AT(reds_m4_pair_rows, chunks, 32);
AT(reds_m4_pair_rows, weights, 36);
AT(reds_m4_pair_rows, last_skip, 40);
AT(reds_m4_pair_rows, records, 44);
_Static_assert(REDS_M4_RECORD == 17, "pairs.S steps by records of 17 words");

AT(reds_m4_stationary_rows, stream, 0);
AT(reds_m4_stationary_rows, in, 4);
AT(reds_m4_stationary_rows, end, 8);
AT(reds_m4_stationary_rows, out, 12);
AT(reds_m4_stationary_rows, apart, 16);
AT(reds_m4_stationary_rows, zero, 20);

AT(reds_m4_chunk, stream, 0);
AT(reds_m4_chunk, in, 4);
AT(reds_m4_chunk, sums, 8);
AT(reds_m4_chunk, step, 12);
AT(reds_m4_chunk, end, 16);
AT(reds_m4_chunk, words, 20);
AT(reds_m4_chunk, out, 24);
AT(reds_m4_chunk, apart, 28);
AT(reds_m4_chunk, zero, 32);

#endif
