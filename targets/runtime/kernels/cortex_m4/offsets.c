/* Check every offset that the assembler uses against the struct it reads: a mismatch does not compile. */
#include "offsets.h"

#include "cortex_m4.h"

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
AT(reds_m4_rows, out2, ROWS_OUT2);
AT(reds_m4_rows, groups, ROWS_GROUPS);

PAIR(ROWS_WEIGHTS, ROWS_X);
PAIR(ROWS_TABLE, ROWS_BIAS_RIGHT);
PAIR(ROWS_SKIP, ROWS_ROUNDING);
PAIR(ROWS_SHIFT, ROWS_OUT);
PAIR(ROWS_OUT2, ROWS_GROUPS);

#endif
