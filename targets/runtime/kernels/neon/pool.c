/* Pooling for aarch64, sixteen units at a time, or eight. The last units of a position overlap those before
 * them. An average counts padding, which has the value of the input's zero point; a maximum does not. A halfword
 * holds the sum of up to 256 values; averages of larger windows use the portable kernel. */
#include "neon.h"

#ifdef __aarch64__

enum { MOST_TAPS = 256 };

/* The taps of a window that lie in the input, and the sum of those that do not. */
typedef struct {
    const int8_t *first;
    const int8_t *end; /* of what loads may read */
    size_t line, units;
    uint32_t rows, columns;
    int16_t padding;
} window;

/* How an average is requantized. */
typedef struct {
    int32x4_t bias, half;
    int16x8_t zero;
    int32_t factor;
} scale;

/* Load eight or sixteen units; of fewer than eight, those that may be read. */
REDS_ALWAYS_INLINE int8x16_t load(const window *w, const int8_t *from, bool wide)
{
    if (wide) {
        return vld1q_s8(from);
    }
    if (from + 8 <= w->end) {
        return vcombine_s8(vld1_s8(from), vcreate_s8(0));
    }
    uint64_t some = 0;
    memcpy(&some, from, w->units);
    return vcombine_s8(vcreate_s8(some), vcreate_s8(0));
}

REDS_ALWAYS_INLINE int8x16_t largest(const window *w, const int8_t *line, bool wide)
{
    int8x16_t most = vdupq_n_s8(-127);
    for (uint32_t y = w->rows; y > 0; y--, line += w->line) {
        const int8_t *x = line;
        for (uint32_t i = w->columns; i > 0; i--, x += w->units) {
            most = vmaxq_s8(most, load(w, x, wide));
        }
    }
    return most;
}

REDS_ALWAYS_INLINE int8x16_t average(const window *w, const scale *q, const int8_t *line, bool wide)
{
    int16x8_t low = vdupq_n_s16(w->padding), high = low;
    for (uint32_t y = w->rows; y > 0; y--, line += w->line) {
        const int8_t *x = line;
        for (uint32_t i = w->columns; i > 0; i--, x += w->units) {
            int8x16_t values = load(w, x, wide);
            low = vaddw_s8(low, vget_low_s8(values));
            high = vaddw_high_s8(high, values);
        }
    }
    int32x4_t half[4] = {q->half, q->half, q->half, q->half};
    int32x4_t acc[4] = {vmlaq_n_s32(q->bias, vmovl_s16(vget_low_s16(low)), q->factor),
                        vmlaq_n_s32(q->bias, vmovl_high_s16(low), q->factor),
                        vmlaq_n_s32(q->bias, vmovl_s16(vget_low_s16(high)), q->factor),
                        vmlaq_n_s32(q->bias, vmovl_high_s16(high), q->factor)};
    return reds_neon_requantize_all(acc, half, q->zero);
}

/* Pool all units of a window; q is NULL for a maximum. */
REDS_ALWAYS_INLINE void pool_units(const window *w, const scale *q, int8_t *out)
{
    uint32_t units = (uint32_t)w->units;
    for (uint32_t first = 0; first < units;) {
        uint32_t left = units - first, size = left > 8 && units >= 16 ? 16 : 8;
        uint32_t at = left < size && units >= size ? units - size : first;
        const int8_t *from = w->first + at;
        if (size == 16) {
            vst1q_s8(out + at, q != NULL ? average(w, q, from, true) : largest(w, from, true));
        } else {
            int8x8_t y = vget_low_s8(q != NULL ? average(w, q, from, false) : largest(w, from, false));
            if (units >= 8) {
                vst1_s8(out + at, y);
            } else {
                reds_neon_store_some(out + at, y, units);
            }
        }
        first = at + size;
    }
}

/* Return how many taps of a window, which begins at `start`, lie in `size` rows or columns, and move the start to
 * the first of them. */
static uint32_t inside(int32_t *start, int32_t kernel, int32_t size)
{
    int32_t end = *start + kernel < size ? *start + kernel : size;
    *start = *start > 0 ? *start : 0;
    return (uint32_t)(end - *start);
}

REDS_ALWAYS_INLINE void pool(const reds_op *op, const scale *q)
{
    const reds_layer *layer = op->layer;
    size_t units = op->units_in, size = reds_positions(op->from) * units;
    window w = {.end = op->in + (size + 15) / 16 * 16, .line = op->from->width * units, .units = units};
    int32_t taps = layer->kernel[0] * layer->kernel[1];
    int8_t *out = op->out;
    for (int32_t y = 0; y < op->to->height; y++) {
        int32_t top = y * layer->stride[0] - layer->padding[0];
        w.rows = inside(&top, layer->kernel[0], op->from->height);
        const int8_t *line = op->in + (uint32_t)top * w.line;
        for (int32_t x = 0; x < op->to->width; x++, out += units) {
            int32_t left = x * layer->stride[1] - layer->padding[1];
            w.columns = inside(&left, layer->kernel[1], op->from->width);
            w.first = line + (uint32_t)left * units;
            w.padding = (int16_t)((taps - (int32_t)(w.rows * w.columns)) * op->zero_in);
            pool_units(&w, q, out);
        }
    }
}

void reds_neon_max_pool(const reds_op *op)
{
    pool(op, NULL);
}

void reds_neon_average_pool(const reds_op *op)
{
    if (op->layer->kernel[0] * op->layer->kernel[1] > MOST_TAPS) {
        reds_portable_average_pool(op);
        return;
    }
    const scale q = {
        .bias = vdupq_n_s32(reds_biases(op)[0]),
        .half = vdupq_n_s32(reds_multipliers(op)[0] / 2),
        .zero = vdupq_n_s16((int16_t)op->zero),
        .factor = reds_biases(op)[1],
    };
    pool(op, &q);
}

#endif
