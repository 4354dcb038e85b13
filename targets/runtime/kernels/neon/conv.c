/* Convolution for aarch64, four output positions at a time. neon.h explains layout and arithmetic.
 *
 * Scratch: the windows of four positions in the order of the weights (im2col). A position of a window has the
 * subnet's units padded with 0 to a multiple of four, or to the full net's units if those are no multiple of
 * four. A pointwise window without such padding is read in place. */
#include "neon.h"

#ifdef __aarch64__

/* How the windows of a layer are gathered, and where the next one begins: negative in the padding. */
typedef struct {
    const reds_op *op;
    int32_t top, left;
    uint32_t column;
    uint32_t pitch;    /* bytes of a position in a window */
    uint32_t bytes;    /* of a window in scratch, with the bytes that loads reach past it */
    uint32_t in_place; /* bytes of the input that loads may reach; 0: windows must be gathered */
} windows;

static void copy(int8_t *to, const int8_t *from, uint32_t n)
{
    if (n >= 16) {
        for (uint32_t i = 0; i < n - 16; i += 16) {
            memcpy(to + i, from + i, 16);
        }
        memcpy(to + n - 16, from + n - 16, 16); /* may write some bytes twice */
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        for (uint32_t i = 0; i < n; i++) {
            to[i] = from[i];
        }
    }
}

/* Gather a window position by position, with 0 after the subnet's units. */
static void gather_positions(const windows *w, int8_t *out)
{
    const reds_op *op = w->op;
    uint32_t units = op->units_in;
    int32_t height = op->from->height, width = op->from->width;
    for (int32_t y = w->top; y < w->top + op->layer->kernel[0]; y++) {
        for (int32_t x = w->left; x < w->left + op->layer->kernel[1]; x++, out += w->pitch) {
            if (y >= 0 && y < height && x >= 0 && x < width) {
                copy(out, op->in + (uint32_t)(y * width + x) * units, units);
            } else {
                memset(out, op->zero_in, units);
            }
            memset(out + units, 0, w->pitch - units);
        }
    }
}

/* Gather a window of all units: each row inside the input is one run of bytes. */
static void gather_rows(const windows *w, int8_t *out)
{
    const reds_op *op = w->op;
    int32_t top = w->top < 0 ? 0 : w->top, left = w->left < 0 ? 0 : w->left;
    int32_t rows = op->layer->kernel[0], columns = op->layer->kernel[1];
    int32_t bottom = w->top + rows > op->from->height ? op->from->height : w->top + rows;
    int32_t right = w->left + columns > op->from->width ? op->from->width : w->left + columns;
    uint32_t row = (uint32_t)columns * w->pitch, line = op->from->width * w->pitch;
    if ((bottom - top) * (right - left) < rows * columns) {
        memset(out, op->zero_in, (uint32_t)rows * row);
    }
    const int8_t *from = op->in + (uint32_t)(top * op->from->width + left) * w->pitch;
    out += (uint32_t)(top - w->top) * row + (uint32_t)(left - w->left) * w->pitch;
    for (; top < bottom; top++, from += line, out += row) {
        copy(out, from, (uint32_t)(right - left) * w->pitch);
    }
}

/* Return the window at w, gathered in `buffer` if it must be. */
static const int8_t *window(const windows *w, int8_t *buffer)
{
    const reds_op *op = w->op;
    uint32_t at = (uint32_t)(w->top * op->from->width + w->left) * op->units_in;
    if (w->in_place != 0 && at + (w->pitch + 15) / 16 * 16 <= w->in_place) {
        return op->in + at;
    }
    (w->pitch == op->units_in ? gather_rows : gather_positions)(w, buffer);
    return buffer;
}

/* Move to the next output position. */
static void advance(windows *w)
{
    const reds_layer *layer = w->op->layer;
    w->left += layer->stride[1];
    if (++w->column == w->op->to->width) {
        w->column = 0;
        w->left = -layer->padding[1];
        w->top += layer->stride[0];
    }
}

void reds_neon_conv(const reds_op *op, reds_neon_inner inner)
{
    const reds_layer *layer = op->layer;
    uint32_t taps = (uint32_t)layer->kernel[0] * layer->kernel[1], full = op->from->units,
             live = op->units_in;
    uint32_t pitch = reds_neon_pitch(full, live);
    bool whole = pitch == full;
    uint32_t readable = ((uint32_t)op->from->height * op->from->width * live + 15) / 16 * 16;
    windows w = {
        .op = op,
        .top = -layer->padding[0],
        .left = -layer->padding[1],
        .pitch = pitch,
        .bytes = reds_neon_window_bytes(taps, pitch),
        .in_place = taps == 1 && !reds_padded(layer) && pitch == live ? readable : 0,
    };
    reds_neon_rows rows = {
        .weights = op->weights,
        .bias = reds_biases(op),
        .multiplier = reds_multipliers(op),
        .stride = 16 * (size_t)((taps * full + 3) / 4),
        .gap = 4 * (size_t)(whole ? 0 : full - pitch),
        .runs = whole ? 1 : taps,
        .quads = whole ? (taps * pitch + 3) / 4 : pitch / 4,
        .rows = op->units_out,
        .zero = op->zero,
    };
    uint32_t positions = (uint32_t)op->to->height * op->to->width;
    for (uint32_t position = 0; position < positions; position += rows.positions) {
        rows.positions = positions - position < REDS_NEON_POSITIONS ? 1 : REDS_NEON_POSITIONS;
        for (uint32_t s = 0; s < rows.positions; s++, advance(&w)) {
            rows.x[s] = window(&w, (int8_t *)op->scratch + s * w.bytes);
            rows.out[s] = op->out + (position + s) * op->units_out;
        }
        inner(&rows);
    }
}

#endif
