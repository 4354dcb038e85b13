/* Depthwise convolution for aarch64, sixteen units at a time, or eight. neon.h explains layout and arithmetic.
 *
 * Products of two taps are added in halfwords, which are then added to words. The last units of a position
 * overlap those before them. Fewer units than a vector has share it with the positions that follow, if they
 * divide it: weights and tables are repeated for that. Scratch: see reds_neon_depthwise_bytes. */
#include "neon.h"

#ifdef __aarch64__

/* What is the same for all vectors of a layer. */
typedef struct {
    const int8_t *x; /* the first window */
    int8_t *out;
    size_t line, column;       /* bytes of x from a tap to the one below and to the next one */
    size_t next_line, next;    /* bytes of x from a window to the one below and to the next one */
    size_t out_line, out_next; /* bytes of the output, likewise */
    uint32_t lines, vectors;   /* of the output, and of each of its lines */
    uint32_t rows, columns;    /* of the kernel */
    int32_t zero;
} plane;

/* Weights and table of sixteen units, or of eight or fewer. */
typedef struct {
    const int8_t *weights;
    size_t pitch; /* bytes of a tap's weights */
    int32x4_t bias[4], half[4];
    uint32_t live;
} lanes;

typedef struct {
    int32x4_t of[4];
} sums;

REDS_ALWAYS_INLINE int8x16_t load(const int8_t *from, bool wide)
{
    return wide ? vld1q_s8(from) : vcombine_s8(vld1_s8(from), vcreate_s8(0));
}

REDS_ALWAYS_INLINE void add(sums *s, int16x8_t low, int16x8_t high, bool wide)
{
    s->of[0] = vaddw_s16(s->of[0], vget_low_s16(low));
    s->of[1] = vaddw_high_s16(s->of[1], low);
    if (wide) {
        s->of[2] = vaddw_s16(s->of[2], vget_low_s16(high));
        s->of[3] = vaddw_high_s16(s->of[3], high);
    }
}

/* Add the products of one tap, or of two. */
REDS_ALWAYS_INLINE void add_one(sums *s, int8x16_t w, int8x16_t x, bool wide)
{
    add(s, vmull_s8(vget_low_s8(w), vget_low_s8(x)), vmull_high_s8(w, x), wide);
}

REDS_ALWAYS_INLINE void add_two(sums *s, int8x16_t w1, int8x16_t x1, int8x16_t w2, int8x16_t x2, bool wide)
{
    int16x8_t low = vmull_s8(vget_low_s8(w1), vget_low_s8(x1)), high = vmull_high_s8(w1, x1);
    add(s, vmlal_s8(low, vget_low_s8(w2), vget_low_s8(x2)), vmlal_high_s8(high, w2, x2), wide);
}

REDS_ALWAYS_INLINE void finish(const sums *s, const lanes *l, int16x8_t zero, int8_t *out, bool wide)
{
    int32x4x2_t first = {{s->of[0], s->of[1]}}, half = {{l->half[0], l->half[1]}};
    if (wide) {
        vst1q_s8(out, reds_neon_requantize_all(s->of, l->half, zero));
    } else if (l->live >= 8) {
        vst1_s8(out, reds_neon_requantize(first, half, zero));
    } else {
        reds_neon_store_some(out, reds_neon_requantize(first, half, zero), l->live);
    }
}

/* Compute the lanes of all positions for a kernel of 3 x 3, whose weights stay in registers. */
REDS_ALWAYS_INLINE void three_by_three(const plane *p, const lanes *l, const int8_t *x, int8_t *out,
                                       uint32_t lines, uint32_t vectors, bool wide)
{
    int16x8_t zero = vdupq_n_s16((int16_t)p->zero);
    const size_t column = p->column, next = p->next, out_next = p->out_next; /* no output overlaps copies */
    int8x16_t w[9];
    for (uint32_t t = 0; t < 9; t++) {
        w[t] = load(l->weights + t * l->pitch, wide);
    }
    for (uint32_t y = 0; y < lines; y++, x += p->next_line, out += p->out_line) {
        const int8_t *a = x, *b = a + p->line, *c = b + p->line;
        int8_t *to = out;
        for (uint32_t i = vectors; i > 0; i--, a += next, b += next, c += next, to += out_next) {
            sums s = {{l->bias[0], l->bias[1], l->bias[2], l->bias[3]}};
            add_two(&s, w[0], load(a, wide), w[1], load(a + column, wide), wide);
            add_two(&s, w[2], load(a + 2 * column, wide), w[3], load(b, wide), wide);
            add_two(&s, w[4], load(b + column, wide), w[5], load(b + 2 * column, wide), wide);
            add_two(&s, w[6], load(c, wide), w[7], load(c + column, wide), wide);
            add_one(&s, w[8], load(c + 2 * column, wide), wide);
            finish(&s, l, zero, to, wide);
        }
    }
}

REDS_ALWAYS_INLINE void any_kernel(const plane *p, const lanes *l, const int8_t *x, int8_t *out,
                                   uint32_t lines, uint32_t vectors, bool wide)
{
    int16x8_t zero = vdupq_n_s16((int16_t)p->zero);
    const size_t column = p->column, next = p->next, out_next = p->out_next, pitch = l->pitch;
    const size_t down = p->line - p->columns * column;
    const uint32_t rows = p->rows, columns = p->columns;
    for (uint32_t y = 0; y < lines; y++, x += p->next_line, out += p->out_line) {
        const int8_t *first = x;
        int8_t *to = out;
        for (uint32_t i = vectors; i > 0; i--, first += next, to += out_next) {
            const int8_t *w = l->weights, *at = first;
            sums s = {{l->bias[0], l->bias[1], l->bias[2], l->bias[3]}};
            for (uint32_t row = rows; row > 0; row--, at += down) {
                uint32_t left = columns;
                for (; left >= 2; left -= 2, w += 2 * pitch, at += 2 * column) {
                    add_two(&s, load(w, wide), load(at, wide), load(w + pitch, wide), load(at + column, wide),
                            wide);
                }
                if (left > 0) {
                    add_one(&s, load(w, wide), load(at, wide), wide);
                    w += pitch;
                    at += column;
                }
            }
            finish(&s, l, zero, to, wide);
        }
    }
}

/* Compute lanes at some positions, from `at` bytes after the first one on. */
static void run(const plane *p, const lanes *l, size_t at, uint32_t vectors)
{
    const int8_t *x = p->x + at;
    int8_t *out = p->out + at;
    bool wide = l->live >= REDS_NEON_LANES, three = p->rows == 3 && p->columns == 3;
    if (three && wide) {
        three_by_three(p, l, x, out, p->lines, vectors, true);
    } else if (three) {
        three_by_three(p, l, x, out, p->lines, vectors, false);
    } else if (wide) {
        any_kernel(p, l, x, out, p->lines, vectors, true);
    } else {
        any_kernel(p, l, x, out, p->lines, vectors, false);
    }
}

/* Load the table of some units. */
static lanes lanes_of(const int8_t *weights, size_t pitch, const int32_t *bias, const int32_t *multiplier,
                      uint32_t live)
{
    lanes l = {.weights = weights, .pitch = pitch, .live = live >= REDS_NEON_LANES ? REDS_NEON_LANES : live};
    for (uint32_t i = 0; i < 4; i++) {
        bool used = live > 4 * i;
        l.bias[i] = used ? vld1q_s32(bias + 4 * i) : vdupq_n_s32(0);
        l.half[i] = used ? vshrq_n_s32(vld1q_s32(multiplier + 4 * i), 1) : vdupq_n_s32(0);
    }
    return l;
}

/* Compute all units of few, whose weights and table are repeated in `scratch`. */
static void run_shared(const reds_op *op, plane *p, int8_t *scratch, size_t pitch)
{
    uint32_t units = op->units_in, bytes = op->to->width * units, taps = p->rows * p->columns;
    int32_t bias[REDS_NEON_LANES], multiplier[REDS_NEON_LANES];
    for (uint32_t i = 0; i < REDS_NEON_LANES; i++) {
        bias[i] = reds_biases(op)[i % units];
        multiplier[i] = reds_multipliers(op)[i % units];
        for (uint32_t t = 0; t < taps; t++) {
            scratch[t * REDS_NEON_LANES + i] = ((const int8_t *)op->weights)[t * pitch + i % units];
        }
    }
    lanes l = lanes_of(scratch, REDS_NEON_LANES, bias, multiplier, REDS_NEON_LANES);
    p->next = p->out_next = REDS_NEON_LANES;
    run(p, &l, 0, bytes / REDS_NEON_LANES);
    if (bytes % REDS_NEON_LANES != 0) {
        run(p, &l, bytes - REDS_NEON_LANES, 1);
    }
}

void reds_neon_depthwise(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t units = op->units_in, width = op->from->width;
    size_t pitch = (op->to->units + 7u) / 8 * 8;
    int8_t *scratch = op->scratch;
    plane p = {
        .x = op->in,
        .out = op->out,
        .column = (size_t)layer->dilation[1] * units,
        .next = (size_t)layer->stride[1] * units,
        .out_line = (size_t)op->to->width * units,
        .out_next = units,
        .lines = op->to->height,
        .vectors = op->to->width,
        .rows = layer->kernel[0],
        .columns = layer->kernel[1],
        .zero = op->zero,
    };
    if (reds_padded(layer) || units < 8) {
        reds_copy_input(op, units, op->zero_in);
        p.x = scratch;
        width += (uint32_t)layer->padding[1] + layer->padding[3];
        uint32_t height = (uint32_t)op->from->height + layer->padding[0] + layer->padding[2];
        scratch += ((size_t)height * width * units + 8 + 15) / 16 * 16;
    }
    p.line = (size_t)layer->dilation[0] * width * units;
    p.next_line = (size_t)layer->stride[0] * width * units;
    if (reds_neon_shared(layer, op->from, units)) {
        run_shared(op, &p, scratch, pitch);
        return;
    }
    for (uint32_t first = 0; first < units;) {
        uint32_t left = units - first, size = left > 8 && units >= REDS_NEON_LANES ? REDS_NEON_LANES : 8;
        uint32_t at = left < size && units >= size ? units - size : first;
        lanes l = lanes_of((const int8_t *)op->weights + at, pitch, reds_biases(op) + at,
                           reds_multipliers(op) + at, size == 8 && units - at > 8 ? 8 : units - at);
        run(&p, &l, at, p.vectors);
        first = at + size;
    }
}

#endif
