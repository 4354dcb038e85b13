/* Kernels in plain C for every kind of layer, in the canonical layout. No sum overflows int32 (pack.h,
 * REDS_BIAS_LIMIT), and all but the maximum and flatten end in reds_requantize. */
#ifndef REDS_PORTABLE_H
#define REDS_PORTABLE_H

#include "../kernels.h"

/* The canonical table: int32 biases, then int32 multipliers. */
uint64_t reds_portable_table_bytes(const reds_layer *layer, uint32_t rows);
bool reds_portable_table_ok(const reds_layer *layer, const void *table, uint32_t rows, const uint8_t *plain);

/* Check multipliers and factors only, for layouts that take any bias. */
bool reds_portable_multipliers_ok(const reds_layer *layer, const int32_t *bias, uint32_t rows);

void reds_portable_dense(const reds_op *op);
void reds_portable_conv(const reds_op *op);
void reds_portable_depthwise(const reds_op *op);
void reds_portable_average_pool(const reds_op *op);
void reds_portable_max_pool(const reds_op *op);
void reds_portable_add(const reds_op *op);
void reds_portable_flatten(const reds_op *op);

#endif
