/* Pooling for Helium, sixteen units of a maximum at a time, or eight of an average. An average counts padding, which
 * has the value of the input's zero point; a maximum does not. A halfword holds the sum of up to 256 values; averages
 * of larger windows use the portable kernel. */
#include "helium.h"

#ifdef REDS_HELIUM

enum { MOST_TAPS = 256 };

/* The taps of a window that lie in the input, and the sum of those that do not. */
typedef struct {
    const int8_t *first;
    size_t line, units;
    uint32_t rows, columns;
    int16_t padding;
} window;

static void largest(const reds_op *op, const window *w, int8_t *out)
{
    for (uint32_t first = 0; first < op->units_in; first += 16) {
        mve_pred16_t live = vctp8q(op->units_in - first);
        int8x16_t most = vdupq_n_s8(-127);
        const int8_t *line = w->first + first;
        for (uint32_t y = w->rows; y > 0; y--, line += w->line) {
            const int8_t *x = line;
            for (uint32_t i = w->columns; i > 0; i--, x += w->units) {
                most = vmaxq_s8(most, vldrbq_z_s8(x, live));
            }
        }
        vstrbq_p_s8(out + first, most, live);
    }
}

static void average(const reds_op *op, const window *w, int8_t *out)
{
    int32_t factor = reds_biases(op)[1], half = reds_multipliers(op)[0] / 2;
    for (uint32_t first = 0; first < op->units_in; first += 8) {
        mve_pred16_t live = vctp16q(op->units_in - first);
        int16x8_t sum = vdupq_n_s16(w->padding);
        const int8_t *line = w->first + first;
        for (uint32_t y = w->rows; y > 0; y--, line += w->line) {
            const int8_t *x = line;
            for (uint32_t i = w->columns; i > 0; i--, x += w->units) {
                sum = vaddq_s16(sum, vldrbq_z_s16(x, live));
            }
        }
        int32x4_t bias = vdupq_n_s32(reds_biases(op)[0]);
        int32x4_t even = vqrdmulhq_n_s32(vmlaq_n_s32(bias, vmovlbq_s16(sum), factor), half);
        int32x4_t odd = vqrdmulhq_n_s32(vmlaq_n_s32(bias, vmovltq_s16(sum), factor), half);
        int16x8_t y = vqmovntq_s32(vqmovnbq_s32(vuninitializedq_s16(), even), odd);
        y = vqaddq_n_s16(y, (int16_t)op->zero);
        vstrbq_p_s16(out + first, vminq_s16(vmaxq_s16(y, vdupq_n_s16(-127)), vdupq_n_s16(127)), live);
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

static void pool(const reds_op *op, void (*kernel)(const reds_op *op, const window *w, int8_t *out))
{
    const reds_layer *layer = op->layer;
    window w = {.line = (size_t)op->from->width * op->units_in, .units = op->units_in};
    int32_t taps = layer->kernel[0] * layer->kernel[1];
    int8_t *out = op->out;
    for (int32_t y = 0; y < op->to->height; y++) {
        int32_t top = y * layer->stride[0] - layer->padding[0];
        w.rows = inside(&top, layer->kernel[0], op->from->height);
        for (int32_t x = 0; x < op->to->width; x++, out += w.units) {
            int32_t left = x * layer->stride[1] - layer->padding[1];
            w.columns = inside(&left, layer->kernel[1], op->from->width);
            w.first = op->in + (uint32_t)top * w.line + (uint32_t)left * w.units;
            w.padding = (int16_t)((taps - (int32_t)(w.rows * w.columns)) * op->zero_in);
            kernel(op, &w, out);
        }
    }
}

void reds_helium_max_pool(const reds_op *op)
{
    pool(op, largest);
}

void reds_helium_average_pool(const reds_op *op)
{
    if (op->layer->kernel[0] * op->layer->kernel[1] > MOST_TAPS) {
        reds_portable_average_pool(op);
    } else {
        pool(op, average);
    }
}

#endif
