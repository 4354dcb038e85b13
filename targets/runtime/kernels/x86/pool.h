/* Pooling, 16 units at a time, read in place. An average counts padding, which has the value of the input's zero point;
 * it is none of the values of a maximum. */

/* The taps of a window that lie in the input. */
typedef struct {
    uint32_t rows, columns, padding;
    size_t line; /* bytes from a row to the next one */
} pool_window;

FAST void pool(const reds_op *op, const pool_window *w, const int8_t *window, int8_t *out, uint32_t units,
               bool average)
{
    const int32_t *table = reds_biases(op);
    vec total[HALVES];
    __m128i most = _mm_set1_epi8(-128);
    UNROLL for (uint32_t h = 0; h < HALVES; h++) {
        total[h] = broadcast((int32_t)w->padding * op->zero_in);
    }
    uint32_t columns = w->columns, across = op->units_in;
    size_t gap = w->line - (size_t)columns * across;
    for (uint32_t y = w->rows; y > 0; y--, window += gap) {
        for (uint32_t x = columns; x > 0; x--, window += across) {
            __m128i bytes = load_bytes(window, units);
            most = _mm_max_epi8(most, bytes);
            for (uint32_t h = 0; h < HALVES && average; h++) {
                total[h] += widen(bytes, h);
            }
        }
    }
    if (!average) {
        save_bytes(out, most, units);
        return;
    }
    for (uint32_t h = 0; h < HALVES; h++) {
        vec acc = total[h] * broadcast(table[1]) + broadcast(table[0]);
        total[h] = requantize(acc, broadcast(reds_multipliers(op)[0]), zero_point(op->zero));
    }
    save_rows(out, total, units);
}

/* Return the taps in an input of `size` rows or columns of a window that begins at `start`, and move the start to the
 * first of them. */
FAST uint32_t taps_inside(int32_t *start, int32_t kernel, int32_t size)
{
    int32_t end = *start + kernel < size ? *start + kernel : size;
    *start = *start > 0 ? *start : 0;
    return (uint32_t)(end - *start);
}

FAST void pool_all(const reds_op *op, bool average)
{
    const reds_layer *layer = op->layer;
    uint32_t taps = (uint32_t)layer->kernel[0] * layer->kernel[1];
    pool_window w = {.line = (size_t)op->from->width * op->units_in};
    int8_t *out = op->out;
    for (int32_t y = 0; y < op->to->height; y++) {
        for (int32_t x = 0; x < op->to->width; x++, out += op->units_out) {
            int32_t top = y * layer->stride[0] - layer->padding[0],
                    left = x * layer->stride[1] - layer->padding[1];
            w.rows = taps_inside(&top, layer->kernel[0], op->from->height);
            w.columns = taps_inside(&left, layer->kernel[1], op->from->width);
            w.padding = taps - w.rows * w.columns;
            const int8_t *window = op->in + (size_t)top * w.line + (size_t)left * op->units_in;
            for (uint32_t unit = 0; unit < op->units_out; unit += 16) {
                uint32_t some = op->units_out - unit < 16 ? op->units_out - unit : 16;
                pool(op, &w, window + unit, out + unit, some, average);
            }
        }
    }
}

KERNEL void average_pool(const reds_op *op)
{
    pool_all(op, true);
}

KERNEL void max_pool(const reds_op *op)
{
    pool_all(op, false);
}
