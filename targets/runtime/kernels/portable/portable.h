/* Kernels in plain C for every kind of layer, in the canonical layout. No sum overflows int32 (pack.h,
 * REDS_BIAS_LIMIT), and all but those that copy bytes end in reds_requantize. */
#ifndef REDS_PORTABLE_H
#define REDS_PORTABLE_H

#include "../kernels.h"

/* The canonical table: int32 biases, then int32 multipliers. */
uint64_t reds_portable_table_bytes(const reds_layer *layer, uint32_t rows);
bool reds_portable_table_ok(const reds_layer *layer, const void *table, uint32_t units, const uint8_t *plain);

/* Return whether the table of a layer with weights is valid but for its biases: other layouts may change them. */
bool reds_portable_rows_ok(const void *table, uint32_t units);

/* Return whether no byte of the weights is -128. */
bool reds_portable_weights_ok(const reds_layer *layer, const void *weights);

/* Copy the input to scratch, with `value` as its padding, and each position followed by 0 up to its pitch. */
void reds_copy_input(const reds_op *op, uint32_t pitch, int32_t value);

void reds_portable_dense(const reds_op *op);
void reds_portable_conv(const reds_op *op);      /* also grouped */
void reds_portable_depthwise(const reds_op *op); /* also grouped, where a block reads one unit */
void reds_portable_transposed(const reds_op *op);
void reds_portable_average_pool(const reds_op *op);
void reds_portable_max_pool(const reds_op *op);
void reds_portable_add(const reds_op *op);
void reds_portable_multiply(const reds_op *op);
void reds_portable_prelu(const reds_op *op);
void reds_portable_embed(const reds_op *op);
void reds_portable_layer_norm(const reds_op *op);
void reds_portable_attention(const reds_op *op);
void reds_portable_concat(const reds_op *op);
void reds_portable_concat_units(const reds_op *op, uint32_t k, uint32_t begin, uint32_t end, int8_t *out);

/* The inverse of a position's deviation: 1 / sqrt(variance) = reciprocal / 2^shift. */
typedef struct {
    uint32_t reciprocal, shift;
} reds_inverse;

/* Return the inverse root of count^2 times the variance of a layer norm's position, including epsilon: at least 1,
 * below 2^47. The shift leaves 12 bits after the point. */
reds_inverse reds_inverse_of(uint64_t variance);

/* Write a layer norm's position. */
void reds_normalize(const reds_op *op, const int8_t *in, int8_t *out);

/* Requantize the units `begin` to `end` of input k of a concat at all positions, to `out` at the first one. */
typedef void (*reds_concat_part)(const reds_op *op, uint32_t k, uint32_t begin, uint32_t end, int8_t *out);

/* Write the units of the smallest subnet's inputs, then those that each larger subnet adds, up to the one that runs.
 * So the output of a subnet is a prefix of that of the next. */
void reds_concat(const reds_op *op, reds_concat_part requantize);

void reds_portable_flatten(const reds_op *op); /* also transpose */
void reds_portable_reshape(const reds_op *op);
void reds_portable_upsample(const reds_op *op);

#endif
