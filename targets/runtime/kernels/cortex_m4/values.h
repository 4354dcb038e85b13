/* Layers that compute each value by itself, pools, and layers that move values, for the Cortex-M4: four values in a
 * word at a time, at any address.
 *
 * The assembler goes through blocks of bytes. A block that is no multiple of four bytes ends with a word that begins
 * before the end of the one in front of it, so that nothing past a tensor is read or written. Values of a block of
 * less than four bytes come one by one. */
#ifndef REDS_CORTEX_M4_VALUES_H
#define REDS_CORTEX_M4_VALUES_H

#include "cortex_m4.h"
#include "values_offsets.h"

/* Blocks of values that are computed of those of one tensor or two. Steps lead from the end of a block to the next. */
typedef struct {
    const int8_t *a, *b;
    int8_t *out;
    uint32_t bytes;  /* of a block, at least one */
    uint32_t blocks; /* at least one */
    int32_t a_step, b_step, out_step;
    int32_t bias;            /* not of a product */
    uint32_t factors;        /* of a in the lower half and of b in the upper one */
    uint32_t less_a, less_b; /* zero points to take off, negated, twice in a word: of a product */
    int32_t multiplier;
    int32_t zero_less_1;
} reds_m4_values;

/* Requantize bias + factor * a + factor * b, bias + factor * a, and (a - zero) * (b - zero). */
void reds_m4_add(const reds_m4_values *values);
void reds_m4_scale(const reds_m4_values *values);
void reds_m4_multiply(const reds_m4_values *values);

/* Blocks that are the largest of values at `in`, and so many bytes after it. */
typedef struct {
    const int8_t *in;
    int8_t *out;
    uint32_t at[3];
    uint32_t bytes, blocks; /* both at least one */
    int32_t step;           /* from the end of a block of `in` to the next one */
} reds_m4_largest;

void reds_m4_max_2(const reds_m4_largest *of);
void reds_m4_max_3(const reds_m4_largest *of);
void reds_m4_max_4(const reds_m4_largest *of);

/* Averages of windows, four units at a time: requantize bias + factor * (sum of the window). */
typedef struct {
    const int8_t *in;
    int8_t *out;
    uint32_t units;         /* at least four */
    uint32_t rows, columns; /* of a window, at least one, 256 values at most */
    uint32_t line;          /* bytes from a row to the next */
    uint32_t blocks;        /* windows side by side */
    uint32_t step;          /* bytes from one window to the next */
    uint32_t start;         /* of a sum, twice in a word */
    int32_t bias, factor;
    int32_t multiplier;
    int32_t zero_less_1;
} reds_m4_windows;

void reds_m4_average(const reds_m4_windows *windows);
void reds_m4_average_2x2(const reds_m4_windows *windows);

/* Write the values of four units at `positions` positions, at least four, `units` bytes apart, unit by unit. */
void reds_m4_turn(const int8_t *in, int8_t *out, uint32_t units, uint32_t positions);

void reds_m4_run_add(const reds_op *op);
void reds_m4_run_multiply(const reds_op *op);
void reds_m4_run_embed(const reds_op *op);
void reds_m4_run_concat(const reds_op *op);
void reds_m4_run_max_pool(const reds_op *op);
void reds_m4_run_average_pool(const reds_op *op);
void reds_m4_run_flatten(const reds_op *op); /* also transpose */
void reds_m4_run_reshape(const reds_op *op);
void reds_m4_run_upsample(const reds_op *op);

/* Return the bytes of scratch of a pool: for the largest of several rows. */
uint32_t reds_m4_pool_scratch(const reds_layer *layer, const reds_tensor *from, uint32_t units);

#endif
