/* Pooling and residual addition, 16 units at a time, read in place. */

FAST void pool(const reds_op *op, const int8_t *window, int8_t *out, uint32_t units, bool average)
{
    const int32_t *table = reds_biases(op);
    vec total[HALVES] = {broadcast(0)};
    __m128i most = _mm_set1_epi8(-128);
    size_t line = (size_t)op->from->width * op->units_in;
    for (uint32_t y = 0; y < op->layer->kernel[0]; y++) {
        for (uint32_t x = 0; x < op->layer->kernel[1]; x++) {
            __m128i bytes = load_bytes(window + y * line + (size_t)x * op->units_in, units);
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

FAST void pool_all(const reds_op *op, bool average)
{
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->to->height; y++) {
        for (uint32_t x = 0; x < op->to->width; x++, out += op->units_out) {
            size_t position =
                (size_t)y * op->layer->stride[0] * op->from->width + (size_t)x * op->layer->stride[1];
            for (uint32_t unit = 0; unit < op->units_out; unit += 16) {
                uint32_t left = op->units_out - unit;
                pool(op, op->in + position * op->units_in + unit, out + unit, left < 16 ? left : 16, average);
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

/* Reads and writes tensors up to a multiple of 16 bytes, which their padding allows. */
KERNEL void add(const reds_op *op)
{
    size_t count = (size_t)op->to->height * op->to->width * op->units_out;
    const int32_t *table = reds_biases(op);
    const int8_t *in2 = reds_input_values(op, 1);
    vec bias = broadcast(table[0]), one = broadcast(table[1]), two = broadcast(table[2]);
    vec multiplier = broadcast(reds_multipliers(op)[0]), zero = zero_point(op->zero);
    for (size_t i = 0; i < count; i += 16) {
        __m128i a = load_bytes(op->in + i, 16), b = load_bytes(in2 + i, 16);
        vec y[HALVES];
        for (uint32_t h = 0; h < HALVES; h++) {
            y[h] = requantize(widen(a, h) * one + widen(b, h) * two + bias, multiplier, zero);
        }
        save_rows(op->out + i, y, 16);
    }
}
