/* Layers with numbers for each unit, value by value, for the Cortex-M4: layer norm and parametric ReLU. Four units at a
 * time; the last ones of a position come with some of those before. */
#ifndef REDS_CORTEX_M4_UNITS_H
#define REDS_CORTEX_M4_UNITS_H

#include "cortex_m4.h"
#include "units_offsets.h"

/* A position of a layer norm. The normalized value of x is ((count * x + less_sum) * reciprocal + half * 2^32) >> 32,
 * then >> shift; `count` and `less_sum` are as large as 32 bits allow. */
typedef struct {
    const int8_t *in;
    int8_t *out;
    const int32_t *biases, *multipliers;
    uint32_t units; /* at least four */
    int32_t count, less_sum, reciprocal, half;
    uint32_t shift;
    int32_t zero_less_1;
} reds_m4_norm;

void reds_m4_normalize(const reds_m4_norm *norm);

/* Positions of a parametric ReLU. */
typedef struct {
    const int8_t *in;
    int8_t *out;
    const int32_t *below, *from_zero; /* multipliers of values below zero and of others */
    uint32_t units;                   /* at least four */
    uint32_t positions;
    uint32_t less; /* the zero point of the input, negated, twice in a word */
    int32_t zero_less_1;
} reds_m4_slopes;

void reds_m4_prelu(const reds_m4_slopes *slopes);

void reds_m4_run_layer_norm(const reds_op *op);
void reds_m4_run_prelu(const reds_op *op);

#endif
