/* Dense for the Cortex-M4, layout radix256: dense.h has the contract, dense_rows.S the loops. */
#include "dense.h"

#include "../kernels.h"

#ifdef __ARM_FEATURE_DSP

_Static_assert(sizeof(void *) == 4 && offsetof(reds_m4_rows, zero) == ROWS_ZERO, "dense_rows.S knows these offsets");

static uint32_t sxtb16(uint32_t x)
{
    uint32_t y;
    __asm("sxtb16 %0, %1" : "=r"(y) : "r"(x));
    return y;
}

static uint32_t sxtb16_high(uint32_t x)
{
    uint32_t y;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(y) : "r"(x));
    return y;
}

static uint32_t sadd16(uint32_t a, uint32_t b)
{
    uint32_t y;
    __asm("sadd16 %0, %1, %2" : "=r"(y) : "r"(a), "r"(b));
    return y;
}

static uint32_t ssub16(uint32_t a, uint32_t b)
{
    uint32_t y;
    __asm("ssub16 %0, %1, %2" : "=r"(y) : "r"(a), "r"(b));
    return y;
}

static int32_t smlad(uint32_t a, uint32_t b, int32_t acc)
{
    int32_t y;
    __asm("smlad %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(acc));
    return y;
}

/* Four rows whose sums may not be held times 256: take the halfwords apart, same bits, slower. */
static void plain_group(const reds_m4_rows *rows, int8_t *out, uint32_t live)
{
    for (uint32_t r = 0; r < live; r++) {
        int32_t acc = rows->bias[r];
        for (uint32_t q = 0; q < rows->quads; q++) {
            uint32_t raw = rows->weights[4 * q + r], odd_x = rows->x[2 * q];
            uint32_t even_x = sxtb16_high(sadd16(rows->x[2 * q + 1], odd_x));
            uint32_t even = sxtb16(raw), odd = sxtb16_high(ssub16(raw, even));
            acc = smlad(even, even_x, smlad(odd, odd_x, acc));
        }
        out[r] = reds_requantise(acc, rows->multiplier[r], rows->zero);
    }
}

static void expand(const reds_op *op, uint32_t *x)
{
    uint32_t quads = (op->units_in + 3) / 4;
    reds_m4_expand(op->in, x, quads);
    uint32_t live = op->units_in % 4;
    if (live != 0) { /* 0 in the lanes that are not inputs of this subnet */
        uint32_t lanes = *(const uint32_t *)(const void *)(op->in + 4 * (quads - 1)) & ((1u << (8 * live)) - 1);
        uint32_t odd = sxtb16_high(lanes);
        x[2 * quads - 2] = odd;
        x[2 * quads - 1] = ssub16((lanes << 8) & 0xff00ff00u, odd);
    }
}

static void dense(const reds_op *op)
{
    uint32_t *x = op->scratch;
    uint32_t groups = (op->units_out + 3) / 4, full_quads = (op->from->units + 3u) / 4;
    reds_m4_rows rows = {
        .weights = op->weights,
        .x = x,
        .bias = op->bias,
        .multiplier = op->multiplier,
        .out = (void *)op->out,
        .groups = groups,
        .quads = (op->units_in + 3) / 4,
        .zero = op->zero,
    };
    rows.skip = 16 * (full_quads - rows.quads);
    expand(op, x);
    if (op->plain == NULL) {
        reds_m4_dense(&rows);
        return;
    }
    for (uint32_t g = 0; g < groups; g++) {
        reds_m4_rows one = rows;
        one.weights += (size_t)g * 4 * full_quads;
        one.bias += 4 * g;
        one.multiplier += 4 * g;
        one.out += g;
        one.groups = 1;
        if (op->plain[g] == 0) {
            reds_m4_dense(&one);
        } else {
            uint32_t live = op->units_out - 4 * g;
            plain_group(&one, op->out + 4 * g, live < 4 ? live : 4);
        }
    }
}

static uint64_t weights_bytes(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to)
{
    (void)layer;
    return (uint64_t)((from->units + 3u) / 4 * 4) * ((to->units + 3u) / 4 * 4);
}

static uint32_t scratch_bytes(const reds_layer *layer, const reds_step *step)
{
    (void)layer;
    return (step->units_in + 3u) / 4 * 8;
}

/* A row that is not plain holds 256 * bias and m / 256. */
static bool row_ok(int32_t bias, int32_t multiplier, bool plain)
{
    return plain ? reds_row_ok(bias, multiplier)
                 : bias % 256 == 0 && multiplier >= -(1 << 23) && multiplier < 1 << 23;
}

const reds_family reds_cortex_m4 = {
    .layout = 1,
    .weights_bytes = weights_bytes,
    .scratch_bytes = scratch_bytes,
    .row_ok = row_ok,
    .run = {[REDS_DENSE] = dense},
};

#endif
