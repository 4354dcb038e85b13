/* Max pools for the Cortex-M4. values.h explains blocks.
 *
 * A maximum is taken at once of windows of up to four values that all lie in the input. Otherwise the largest of the
 * rows of windows is taken first, into scratch: a line of the input. */
#include "pool.h"

#ifdef __ARM_FEATURE_DSP

#define AT(field, offset)                                        \
    _Static_assert(offsetof(reds_m4_largest, field) == (offset), \
                   "values_offsets.h: " #field " is not at " #offset)

AT(in, LARGEST_IN);
AT(out, LARGEST_OUT);
AT(at, LARGEST_AT);
AT(bytes, LARGEST_BYTES);
AT(blocks, LARGEST_BLOCKS);
AT(step, LARGEST_STEP);

enum { AT_ONCE = 4 };

/* Return whether all values of a window are compared at once. */
static bool at_once(const reds_layer *layer)
{
    return !reds_padded(layer) && (uint32_t)layer->kernel[0] * layer->kernel[1] <= AT_ONCE;
}

uint32_t reds_m4_pool_scratch(const reds_layer *layer, const reds_tensor *from, uint32_t units)
{
    return layer->kind != REDS_MAX_POOL || at_once(layer) ? 0 : from->width * units;
}

/* Write the largest of up to four values, which are at in + at[k]. */
static void largest(reds_m4_largest *of, uint32_t count)
{
    if (count == 1) {
        of->at[0] = 0;
    }
    (count <= 2 ? reds_m4_max_2 : count == 3 ? reds_m4_max_3 : reds_m4_max_4)(of);
}

/* Write the largest of `count` values, `apart` bytes apart, to a block. */
static void largest_of(const int8_t *in, int8_t *out, uint32_t count, uint32_t apart, uint32_t bytes)
{
    reds_m4_largest of = {
        .in = in, .out = out, .at = {apart, 2 * apart, 3 * apart}, .bytes = bytes, .blocks = 1};
    largest(&of, count < AT_ONCE ? count : AT_ONCE);
    for (uint32_t done = AT_ONCE; done < count; done += AT_ONCE - 1) { /* three more, and those so far */
        of.in = in + done * apart;
        uint32_t more = count - done < AT_ONCE - 1 ? count - done : AT_ONCE - 1;
        of.at[0] = apart;
        of.at[1] = 2 * apart;
        of.at[more - 1] = (uint32_t)((uintptr_t)out - (uintptr_t)of.in);
        largest(&of, more + 1);
    }
}

/* Write a row of outputs from the largest of the rows of their windows. */
static void largest_columns(const reds_op *op, const int8_t *line, int8_t *out)
{
    uint32_t units = op->units_out, stride = op->layer->stride[1], count;
    for (uint32_t x = 0; x < op->to->width; x += count, out += count * units) {
        reds_m4_range columns = reds_m4_columns(op, x);
        const int8_t *in = line + columns.first * units;
        count = 1;
        if (columns.count > AT_ONCE) {
            largest_of(in, out, columns.count, units, units);
            continue;
        }
        count = reds_m4_alike(op, x, columns);
        reds_m4_largest of = {.in = in, .out = out, .at = {units, 2 * units, 3 * units}, .bytes = units};
        of.blocks = count;
        of.step = (int32_t)((stride - 1) * units);
        if (stride == 1) {
            of.bytes = count * units;
            of.blocks = 1;
        }
        largest(&of, columns.count);
    }
}

/* Write the largest of windows of up to four values that lie in the input. */
static void largest_at_once(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t units = op->units_out, line = op->from->width * units, taps = 0;
    reds_m4_largest of = {.in = op->in, .out = op->out, .bytes = units, .blocks = op->to->width};
    of.step = (int32_t)((layer->stride[1] - 1u) * units);
    if (layer->stride[1] == 1) {
        of.bytes = op->to->width * units;
        of.blocks = 1;
    }
    for (uint32_t i = 0; i < layer->kernel[0]; i++) {
        for (uint32_t j = 0; j < layer->kernel[1]; j++, taps++) {
            if (taps > 0) {
                of.at[taps - 1] = i * line + j * units;
            }
        }
    }
    for (uint32_t y = 0; y < op->to->height; y++) {
        largest(&of, taps);
        of.in += layer->stride[0] * line;
        of.out += op->to->width * units;
    }
}

void reds_m4_run_max_pool(const reds_op *whole)
{
    reds_m4_turned room;
    const reds_op *op = reds_m4_turn_pool(whole, &room);
    const reds_layer *layer = op->layer;
    if (at_once(layer)) {
        largest_at_once(op);
        return;
    }
    uint32_t units = op->units_out, line = op->from->width * units;
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->to->height; y++, out += op->to->width * units) {
        reds_m4_range rows = reds_m4_inside((int32_t)(y * layer->stride[0]) - layer->padding[0],
                                            layer->kernel[0], op->from->height);
        const int8_t *first = op->in + rows.first * line;
        if (rows.count > 1) {
            largest_of(first, op->scratch, rows.count, line, line);
            first = op->scratch;
        }
        largest_columns(op, first, out);
    }
}

#endif
