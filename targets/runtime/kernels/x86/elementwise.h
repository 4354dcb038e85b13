/* Layers that compute each value by itself, 16 at a time, read in place. */

/* Return so many bytes, at most 16, as int32; none past them is touched. */
FAST void widen_some(vec *to, const int8_t *from, uint32_t count)
{
    __m128i bytes = load_bytes(from, count);
    UNROLL for (uint32_t h = 0; h < HALVES; h++) {
        to[h] = widen(bytes, h);
    }
}

/* What all values of a layer of two inputs share: factors, or the zero points of a product. */
typedef struct {
    vec bias, one, two, zero_a, zero_b, multiplier, zero;
} pair_table;

/* Compute at most 16 values: (a - zero of a) * (b - zero of b), or bias + factor * a + factor * b. */
FAST void pair_some(const pair_table *t, const int8_t *a, const int8_t *b, int8_t *out, uint32_t count,
                    bool product)
{
    vec x[HALVES], y[HALVES];
    widen_some(x, a, count);
    widen_some(y, b, count);
    UNROLL for (uint32_t h = 0; h < HALVES; h++) {
        vec acc = product ? (x[h] - t->zero_a) * (y[h] - t->zero_b) : x[h] * t->one + y[h] * t->two + t->bias;
        y[h] = requantize(acc, t->multiplier, t->zero);
    }
    save_rows(out, y, count);
}

FAST void pairs(const pair_table *t, const int8_t *a, const int8_t *b, int8_t *out, uint32_t count,
                bool product)
{
    uint32_t i = 0;
    for (; i + 16 <= count; i += 16) {
        pair_some(t, a + i, b + i, out + i, 16, product);
    }
    if (i < count) {
        pair_some(t, a + i, b + i, out + i, count - i, product);
    }
}

/* Compute all values at once, or position by position where the second input repeats its rows or columns. */
FAST void all_pairs(const reds_op *op, bool product)
{
    const int8_t *a = op->in, *b = reds_input_values(op, 1);
    const reds_tensor *second = reds_input_shape(op, 1);
    uint32_t height = op->to->height, width = op->to->width, units = op->units_out;
    const int32_t *table = reds_biases(op);
    const pair_table t = {
        .bias = broadcast(table[0]),
        .one = broadcast(table[1]),
        .two = broadcast(table[2]),
        .zero_a = broadcast(op->zero_in),
        .zero_b = broadcast(reds_input_room(op, 1)->zero),
        .multiplier = broadcast(reds_multipliers(op)[0]),
        .zero = zero_point(op->zero),
    };
    if (second->height == height && second->width == width) {
        pairs(&t, a, b, op->out, height * width * units, product);
        return;
    }
    int8_t *out = op->out;
    uint32_t down = second->height == 1 ? 0 : second->width * units, across = second->width == 1 ? 0 : units;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++, a += units, out += units) {
            pairs(&t, a, b + y * down + x * across, out, units, product);
        }
    }
}

KERNEL void add(const reds_op *op)
{
    all_pairs(op, false);
}

KERNEL void multiply(const reds_op *op)
{
    all_pairs(op, true);
}

/* Requantize 16 * (x - zero) by one of two multipliers of the unit. */
KERNEL void prelu(const reds_op *op)
{
    const int32_t *below = reds_biases(op), *from_zero = reds_multipliers(op);
    vec zero_in = broadcast(op->zero_in), zero = zero_point(op->zero);
    uint32_t units = op->units_out;
    for (uint32_t u = 0; u < units; u += 16) {
        uint32_t some = units - u < 16 ? units - u : 16;
        const int8_t *in = op->in + u;
        int8_t *out = op->out + u;
        vec negative[HALVES], positive[HALVES], x[HALVES];
        UNROLL for (uint32_t h = 0; h < HALVES; h++) {
            negative[h] = load_rows(below, units, u + h * LANES);
            positive[h] = load_rows(from_zero, units, u + h * LANES);
        }
        for (uint32_t left = reds_positions(op->to); left > 0; left--, in += units, out += units) {
            widen_some(x, in, some);
            UNROLL for (uint32_t h = 0; h < HALVES; h++) {
                x[h] = x[h] - zero_in;
                vec multiplier = select_negative(x[h], negative[h], positive[h]);
                x[h] = requantize(x[h] << 4, multiplier, zero);
            }
            save_rows(out, x, some);
        }
    }
}

/* Requantize 16 * x + bias of the units `begin` to `end` of input k at all positions, to `out` at the first one. */
FAST void move_units(const reds_op *op, uint32_t k, uint32_t begin, uint32_t end, int8_t *out)
{
    const int8_t *in = reds_input_values(op, k) + begin;
    uint32_t units = reds_input_room(op, k)->units, count = end - begin;
    vec bias = broadcast(reds_biases(op)[k]), multiplier = broadcast(reds_multipliers(op)[k]);
    vec zero = zero_point(op->zero), x[HALVES];
    for (uint32_t left = reds_positions(op->to); left > 0; left--, in += units, out += op->units_out) {
        for (uint32_t u = 0; u < count; u += 16) {
            uint32_t some = count - u < 16 ? count - u : 16;
            widen_some(x, in + u, some);
            UNROLL for (uint32_t h = 0; h < HALVES; h++) {
                x[h] = requantize((x[h] << 4) + bias, multiplier, zero);
            }
            save_rows(out + u, x, some);
        }
    }
}

/* Write the units of the smallest subnet's inputs, then those that each larger subnet adds, up to the one that runs. */
KERNEL void concat(const reds_op *op)
{
    uint32_t had[REDS_INPUTS] = {0};
    int8_t *out = op->out;
    for (const reds_plan *plan = op->model->plans; plan <= op->model->plan; plan++) {
        const reds_room *rooms = reds_rooms(op->model->pack, plan);
        for (uint32_t k = 0; k < op->layer->inputs; k++) {
            uint32_t has = rooms[op->layer->input[k]].units;
            if (has > had[k]) {
                move_units(op, k, had[k], has, out);
                out += has - had[k];
                had[k] = has;
            }
        }
    }
}
