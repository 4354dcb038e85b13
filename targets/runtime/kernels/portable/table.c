/* Checks of tables in the canonical layout: which entries the writer stores, kind by kind. */
#include "portable.h"

uint64_t reds_portable_table_bytes(const reds_layer *layer, uint32_t rows)
{
    (void)layer;
    return 8ull * rows;
}

/* Return whether factor * (sum of `taps` values) cannot overflow int32. */
static bool factor_ok(int32_t factor, uint32_t taps)
{
    uint32_t size = (uint32_t)(factor < 0 ? -(int64_t)factor : factor);
    return size < REDS_FACTOR_LIMIT && size * taps <= 1 << 16;
}

/* Return whether the values are numbers of 16 bits times one power of two, at least 2^least, at most 2^most. */
static bool encodable(const int32_t *values, uint32_t count, uint32_t least, uint32_t most)
{
    uint32_t bits = 0, largest = 0, shift = most;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = values[i] < 0 ? 0 - (uint32_t)values[i] : (uint32_t)values[i];
        bits |= size;
        largest = size > largest ? size : largest;
    }
    while (shift > 0 && bits % (UINT32_C(1) << shift) != 0) {
        shift--;
    }
    return shift >= least && largest <= (uint32_t)INT16_MAX << shift;
}

static bool all_zero(const int32_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Return whether all values are multiples of `step` in (-REDS_BIAS_LIMIT, REDS_BIAS_LIMIT). */
static bool limited(const int32_t *values, uint32_t count, int32_t step)
{
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] <= -REDS_BIAS_LIMIT || values[i] >= REDS_BIAS_LIMIT || values[i] % step != 0) {
            return false;
        }
    }
    return true;
}

/* Return whether `count` values are multipliers, and those after them up to `rows` are 0. */
static bool multipliers_ok(const int32_t *values, uint32_t count, uint32_t rows)
{
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] % 256 != 0) {
            return false;
        }
    }
    return all_zero(values + count, rows - count);
}

bool reds_portable_rows_ok(const void *table, uint32_t units)
{
    uint32_t rows = (units + 3) / 4 * 4;
    const int32_t *bias = table, *multiplier = bias + rows;
    return encodable(multiplier, units, 8, 15) && all_zero(bias + units, rows - units) &&
           all_zero(multiplier + units, rows - units);
}

/* Return whether the first half of a table is what its kind has there, and set how many multipliers follow. */
static bool biases_ok(const reds_layer *layer, const int32_t *bias, uint32_t units, uint32_t *multipliers)
{
    bool pool = layer->kind == REDS_AVERAGE_POOL;
    uint32_t taps = pool ? (uint32_t)layer->kernel[0] * layer->kernel[1] : 1;
    *multipliers = 1;
    switch (layer->kind) {
    case REDS_AVERAGE_POOL:
    case REDS_ADD:
    case REDS_EMBED:
        return limited(bias, 1, 1) && factor_ok(bias[1], taps) && factor_ok(bias[2], 1) &&
               (!pool || bias[2] == 0) && bias[3] == 0;
    case REDS_MULTIPLY:
        return all_zero(bias, 4);
    case REDS_ATTENTION:
        return limited(bias, 1, 1) && bias[0] > 0 && all_zero(bias + 1, 3);
    case REDS_CONCAT:
        *multipliers = layer->inputs;
        return limited(bias, layer->inputs, 1) && all_zero(bias + layer->inputs, 4u - layer->inputs);
    case REDS_PRELU:
        *multipliers = units;
        return limited(bias, units, 256) && all_zero(bias + units, (0 - units) % 4);
    default: /* a layer norm */
        *multipliers = units;
        return limited(bias, units + 1, 1) && bias[units] > 0 && all_zero(bias + units + 1, (3 - units) % 4);
    }
}

bool reds_portable_table_ok(const reds_layer *layer, const void *table, uint32_t units, const uint8_t *plain)
{
    const int32_t *bias = table;
    if (plain != NULL) {
        return false;
    }
    if (reds_copies(layer->kind)) {
        return true;
    }
    if (reds_weighted(layer->kind)) {
        return encodable(bias, units, 0, 14) && reds_portable_rows_ok(table, units);
    }
    uint32_t multipliers, rows = reds_table_rows(layer->kind, units);
    return biases_ok(layer, bias, units, &multipliers) && multipliers_ok(bias + rows, multipliers, rows);
}
