/* Residual addition and flatten, plain C. */
#include "portable.h"

/* Requantize bias + factor * a + factor * b by the table's one multiplier. */
void reds_portable_add(const reds_op *op)
{
    uint32_t count = (uint32_t)op->to->height * op->to->width * op->units_out;
    const int32_t *table = reds_biases(op), *multiplier = reds_multipliers(op);
    const int8_t *in2 = reds_second_input(op);
    int32_t bias = table[0], one = table[1], two = table[2];
    for (uint32_t i = 0; i < count; i++) {
        op->out[i] = reds_requantize(bias + one * op->in[i] + two * in2[i], multiplier[0], op->zero);
    }
}

/* Write unit by unit, so that the values of a subnet are a prefix of the full net's. */
void reds_portable_flatten(const reds_op *op)
{
    uint32_t positions = (uint32_t)op->from->height * op->from->width;
    int8_t *out = op->out;
    for (uint32_t unit = 0; unit < op->units_in; unit++) {
        for (uint32_t position = 0; position < positions; position++) {
            *out++ = op->in[position * op->units_in + unit];
        }
    }
}
