/* Layers that take values one by one, plain C: residual addition and flatten. */
#include "portable.h"

/* bias + factor * a + factor * b, requantised by the one multiplier of the table. */
void reds_portable_add(const reds_op *op)
{
    uint32_t count = (uint32_t)op->to->height * op->to->width * op->units_out;
    int32_t bias = op->bias[0], one = op->bias[1], two = op->bias[2];
    for (uint32_t i = 0; i < count; i++) {
        op->out[i] = reds_requantise(bias + one * op->in[i] + two * op->in2[i], op->multiplier[0], op->zero);
    }
}

/* Unit by unit: a subnet's units stay a prefix of the full net's. */
void reds_portable_flatten(const reds_op *op)
{
    uint32_t sites = (uint32_t)op->from->height * op->from->width;
    int8_t *out = op->out;
    for (uint32_t unit = 0; unit < op->units_in; unit++) {
        for (uint32_t site = 0; site < sites; site++) {
            *out++ = op->in[site * op->units_in + unit];
        }
    }
}
