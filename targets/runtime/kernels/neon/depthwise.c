/* Depthwise convolution for aarch64, eight units at a time. neon.h explains layout and arithmetic.
 *
 * Scratch: input lines with their padding, one more than a kernel has rows. Each line of the input is
 * copied once, into slot (line number modulo the kernel's rows). The last slot is a line of padding. The
 * last eight units of a position overlap the eight before them; of fewer than eight units, only those are
 * written. */
#include "neon.h"

#ifdef __aarch64__

/* One output row. */
typedef struct {
    const reds_op *op;
    const int32_t *multiplier;
    const int8_t *line[UINT8_MAX]; /* the input lines of the first window */
    int8_t *out;
    uint32_t pitch; /* bytes of a tap's weights */
} row;

/* Constants of eight units, the same for every position. */
typedef struct {
    const int8_t *weights;
    int32x4x2_t bias, half;
    int16x8_t zero;
    uint32_t first, live, step; /* bytes from a window to the next */
} eight;

static eight units_from(const row *r, uint32_t first)
{
    const reds_op *op = r->op;
    uint32_t live = op->units_in - first;
    return (eight){
        .weights = (const int8_t *)op->weights + first,
        .bias = reds_neon_table(reds_biases(op) + first, live),
        .half = reds_neon_half(reds_neon_table(r->multiplier + first, live)),
        .zero = vdupq_n_s16((int16_t)op->zero),
        .first = first,
        .live = live,
        .step = op->layer->stride[1] * op->units_in,
    };
}

REDS_ALWAYS_INLINE void finish(const eight *e, int32x4x2_t acc, int8_t *out)
{
    int8x8_t y = reds_neon_requantize(acc, e->half, e->zero);
    if (e->live >= 8) {
        vst1_s8(out, y);
    } else {
        reds_neon_store_some(out, y, e->live);
    }
}

REDS_ALWAYS_INLINE int32x4x2_t add(int32x4x2_t acc, int16x8_t products)
{
    return (int32x4x2_t){
        {vaddw_s16(acc.val[0], vget_low_s16(products)), vaddw_high_s16(acc.val[1], products)}};
}

static void three_by_three(const row *r, uint32_t first)
{
    const eight e = units_from(r, first);
    uint32_t units = r->op->units_in, positions = r->op->to->width;
    const int8_t *a = r->line[0] + first, *b = r->line[1] + first, *c = r->line[2] + first;
    int8_t *out = r->out + first;
    int8x8_t w[9];
    for (uint32_t t = 0; t < 9; t++) {
        w[t] = vld1_s8(e.weights + t * r->pitch);
    }
    for (; positions > 0; positions--, a += e.step, b += e.step, c += e.step, out += units) {
        int32x4x2_t acc = add(e.bias, vmlal_s8(vmull_s8(w[0], vld1_s8(a)), w[1], vld1_s8(a + units)));
        acc = add(acc, vmlal_s8(vmull_s8(w[2], vld1_s8(a + 2 * units)), w[3], vld1_s8(b)));
        acc = add(acc, vmlal_s8(vmull_s8(w[4], vld1_s8(b + units)), w[5], vld1_s8(b + 2 * units)));
        acc = add(acc, vmlal_s8(vmull_s8(w[6], vld1_s8(c)), w[7], vld1_s8(c + units)));
        acc = add(acc, vmull_s8(w[8], vld1_s8(c + 2 * units)));
        finish(&e, acc, out);
    }
}

static void any_kernel(const row *r, uint32_t first)
{
    const eight e = units_from(r, first);
    uint32_t units = r->op->units_in, rows = r->op->layer->kernel[0], columns = r->op->layer->kernel[1];
    for (uint32_t position = 0; position < r->op->to->width; position++) {
        const int8_t *weights = e.weights;
        int32x4x2_t acc = e.bias;
        for (uint32_t y = 0; y < rows; y++) {
            const int8_t *x = r->line[y] + position * e.step + first;
            for (uint32_t i = 0; i < columns; i++, x += units, weights += r->pitch) {
                acc = add(acc, vmull_s8(vld1_s8(weights), vld1_s8(x)));
            }
        }
        finish(&e, acc, r->out + position * units + first);
    }
}

static void all_units(const row *r)
{
    const reds_layer *layer = r->op->layer;
    uint32_t units = r->op->units_in;
    void (*kernel)(const row *, uint32_t) =
        layer->kernel[0] == 3 && layer->kernel[1] == 3 ? three_by_three : any_kernel;
    for (uint32_t unit = 0; unit + 8 <= units; unit += 8) {
        kernel(r, unit);
    }
    if (units % 8 != 0) {
        kernel(r, units < 8 ? 0 : units - 8);
    }
}

void reds_neon_depthwise(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t units = op->units_in, width = op->from->width, rows = layer->kernel[0];
    size_t size = reds_neon_line_bytes(layer, op->from, units);
    int8_t *slots = op->scratch, *outside = slots + rows * size;
    memset(slots, op->zero_in, (rows + 1) * size);
    row r = {
        .op = op,
        .multiplier = reds_multipliers(op),
        .out = op->out,
        .pitch = (op->to->units + 7u) / 8 * 8,
    };
    int32_t copied = 0;
    for (int32_t y = 0; y < op->to->height; y++, r.out += op->to->width * units) {
        int32_t top = y * layer->stride[0] - layer->padding[0];
        for (uint32_t i = 0; i < rows; i++) {
            int32_t line = top + (int32_t)i;
            bool inside = line >= 0 && line < op->from->height;
            int8_t *slot = inside ? slots + (uint32_t)line % rows * size : outside;
            if (inside && line >= copied) {
                memcpy(slot + layer->padding[1] * units, op->in + (uint32_t)line * width * units,
                       width * units);
                copied = line + 1;
            }
            r.line[i] = slot;
        }
        all_units(&r);
    }
}

#endif
