/* Plain C for every kind of layer, canonical layout. Sums stay in int32 (pack.h, REDS_BIAS_LIMIT); what is
 * computed ends in reds_requantise. */
#ifndef REDS_PORTABLE_H
#define REDS_PORTABLE_H

#include "../kernels.h"

void reds_portable_dense(const reds_op *op);
void reds_portable_conv(const reds_op *op);
void reds_portable_depthwise(const reds_op *op);
void reds_portable_average_pool(const reds_op *op);
void reds_portable_max_pool(const reds_op *op);
void reds_portable_add(const reds_op *op);
void reds_portable_flatten(const reds_op *op);

#endif
