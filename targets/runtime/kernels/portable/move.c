/* Layers that move values, plain C. All but concat copy bytes. */
#include <string.h>

#include "portable.h"

/* Write unit by unit, so that the values of a subnet are a prefix of the full net's. */
void reds_portable_flatten(const reds_op *op)
{
    uint32_t positions = reds_positions(op->from), units = op->units_in;
    int8_t *out = op->out;
    if (positions == 1) {
        memcpy(out, op->in, units);
        return;
    }
    for (uint32_t unit = 0; unit < units; unit++) {
        const int8_t *in = op->in + unit;
        for (const int8_t *end = out + positions; out != end; in += units) {
            *out++ = *in;
        }
    }
}

void reds_portable_reshape(const reds_op *op)
{
    memcpy(op->out, op->in, (size_t)reds_positions(op->to) * op->units_out);
}

/* Write each position as often as the strides say, across and down. */
void reds_portable_upsample(const reds_op *op)
{
    uint32_t units = op->units_out, down = op->layer->stride[0], across = op->layer->stride[1];
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->to->height; y++) {
        const int8_t *line = op->in + y / down * op->from->width * units;
        for (uint32_t x = 0; x < op->to->width; x++, out += units) {
            memcpy(out, line + x / across * units, units);
        }
    }
}

enum { BYTES = 256, WORTH_A_TABLE = 2 * BYTES };

/* Requantize the units `begin` to `end` of input k at all positions, to `out` at the first one. Many values are looked
 * up in a table of all bytes. */
void reds_portable_concat_units(const reds_op *op, uint32_t k, uint32_t begin, uint32_t end, int8_t *out)
{
    const int8_t *in = reds_input_values(op, k) + begin;
    uint32_t units = reds_input_room(op, k)->units, count = end - begin, units_out = op->units_out;
    uint32_t positions = reds_positions(op->to);
    int32_t bias = reds_biases(op)[k], multiplier = reds_multipliers(op)[k], zero = op->zero;
    int8_t table[BYTES], *middle = table + BYTES / 2;
    bool many = positions * count >= WORTH_A_TABLE;
    for (int32_t byte = INT8_MIN; many && byte <= INT8_MAX; byte++) {
        middle[byte] = reds_requantize(16 * byte + bias, multiplier, zero);
    }
    for (; positions > 0; positions--, in += units, out += units_out) {
        for (uint32_t u = 0; u < count; u++) {
            out[u] = many ? middle[in[u]] : reds_requantize(16 * in[u] + bias, multiplier, zero);
        }
    }
}

void reds_concat(const reds_op *op, reds_concat_part requantize)
{
    const uint8_t *pack = op->model->pack;
    uint32_t had[REDS_INPUTS] = {0};
    int8_t *out = op->out;
    for (const reds_plan *plan = op->model->plans; plan <= op->model->plan; plan++) {
        const reds_room *rooms = reds_rooms(pack, plan);
        for (uint32_t k = 0; k < op->layer->inputs; k++) {
            uint32_t has = rooms[op->layer->input[k]].units;
            if (has > had[k]) {
                requantize(op, k, had[k], has, out);
                out += has - had[k];
                had[k] = has;
            }
        }
    }
}

void reds_portable_concat(const reds_op *op)
{
    reds_concat(op, reds_portable_concat_units);
}
