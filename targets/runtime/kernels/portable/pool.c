/* Pooling, plain C: four taps of a window at a time, over all units. An average multiplies the sum of the window by the
 * table's factor; its multiplier divides by the number of taps. It counts padding, which has the value of the input's
 * zero point. A maximum is not requantized, and padding is none of its values. */
#include "portable.h"

enum { UNITS = 32 }; /* whose sums are kept at once */

/* The taps of a window that lie in the input: never none, as a padding is smaller than the kernel. */
typedef struct {
    const int8_t *first, *next;
    uint32_t rows, columns; /* taps */
    uint32_t left;          /* taps of the row from the next one on */
    uint32_t across, gap; /* bytes from one tap to the next, and from the end of a row of taps to the next */
} window;

/* Return the taps that lie in an input of `size` rows or columns, of a window that begins at `start`, and move the
 * start of the window to the first of them. */
static uint32_t inside(int32_t *start, int32_t kernel, int32_t size)
{
    int32_t end = *start + kernel < size ? *start + kernel : size;
    *start = *start > 0 ? *start : 0;
    return (uint32_t)(end - *start);
}

static window window_at(const reds_op *op, int32_t y, int32_t x)
{
    const reds_layer *layer = op->layer;
    int32_t top = y * layer->stride[0] - layer->padding[0], left = x * layer->stride[1] - layer->padding[1];
    window w = {.rows = inside(&top, layer->kernel[0], op->from->height),
                .columns = inside(&left, layer->kernel[1], op->from->width),
                .across = op->units_in};
    w.first = w.next = op->in + (uint32_t)(top * op->from->width + left) * op->units_in;
    w.left = w.columns;
    w.gap = (op->from->width - w.columns) * op->units_in;
    return w;
}

/* Return the next tap of a window, or `none` after the last one. */
static const int8_t *next_tap(window *w, const int8_t *none)
{
    const int8_t *tap = w->next;
    if (w->rows == 0) {
        return none;
    }
    w->next += w->across;
    if (--w->left == 0) {
        w->left = w->columns;
        w->next += w->gap;
        w->rows--;
    }
    return tap;
}

/* Write the averages of units from `unit` on, at most UNITS. */
static void average_units(const reds_op *op, window w, uint32_t unit, uint32_t units, int8_t *out)
{
    static const int8_t nothing[UNITS] = {0};
    const int32_t *table = reds_biases(op);
    int32_t sums[UNITS], bias = table[0], factor = table[1], multiplier = reds_multipliers(op)[0],
                         zero = op->zero;
    uint32_t padding = (uint32_t)op->layer->kernel[0] * op->layer->kernel[1] - w.rows * w.columns;
    w.next += unit;
    for (uint32_t i = 0; i < units; i++) {
        sums[i] = (int32_t)padding * op->zero_in;
    }
    while (w.rows > 0) {
        const int8_t *a = next_tap(&w, nothing), *b = next_tap(&w, nothing), *c = next_tap(&w, nothing),
                     *d = next_tap(&w, nothing);
        for (uint32_t i = 0; i < units; i++) {
            sums[i] += a[i] + b[i] + c[i] + d[i];
        }
    }
    for (uint32_t i = 0; i < units; i++) {
        out[i] = reds_requantize(bias + factor * sums[i], multiplier, zero);
    }
}

static void average(const reds_op *op, const window *w, int8_t *out)
{
    for (uint32_t unit = 0; unit < op->units_out; unit += UNITS) {
        uint32_t left = op->units_out - unit;
        average_units(op, *w, unit, left < UNITS ? left : UNITS, out + unit);
    }
}

static inline int8_t larger(int8_t a, int8_t b)
{
    return a > b ? a : b;
}

/* Write the largest of four taps. `out` may be the first. */
static void largest_of(const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d, int8_t *out,
                       uint32_t units)
{
    for (uint32_t i = 0; i < units; i++) {
        out[i] = larger(larger(a[i], b[i]), larger(c[i], d[i]));
    }
}

static void largest(const reds_op *op, const window *taps, int8_t *out)
{
    window w = *taps;
    const int8_t *first = next_tap(&w, w.first);
    do {
        const int8_t *b = next_tap(&w, w.first), *c = next_tap(&w, w.first), *d = next_tap(&w, w.first);
        largest_of(first, b, c, d, out, op->units_out);
        first = out;
    } while (w.rows > 0);
}

static void for_each_window(const reds_op *op,
                            void (*compute)(const reds_op *op, const window *w, int8_t *out))
{
    int8_t *out = op->out;
    for (int32_t y = 0; y < op->to->height; y++) {
        for (int32_t x = 0; x < op->to->width; x++, out += op->units_out) {
            window w = window_at(op, y, x);
            compute(op, &w, out);
        }
    }
}

void reds_portable_average_pool(const reds_op *op)
{
    for_each_window(op, average);
}

void reds_portable_max_pool(const reds_op *op)
{
    for_each_window(op, largest);
}
