/* Dense layer for the Cortex-M4. cortex_m4.h explains layout and arithmetic. */
#include "cortex_m4.h"

#ifdef __ARM_FEATURE_DSP

int32_t reds_m4_plain_sum(const uint32_t *weights, uint32_t stride, const uint32_t *x, uint32_t x_stride,
                          uint32_t quads)
{
    int32_t acc = 0;
    for (uint32_t q = 0; q < quads; q++, weights += stride, x += x_stride) {
        uint32_t raw = *weights, odd_x = x[0];
        uint32_t even_x = reds_m4_sxtb16_high(reds_m4_sadd16(x[1], odd_x));
        uint32_t even = reds_m4_sxtb16(raw), odd = reds_m4_sxtb16_high(reds_m4_ssub16(raw, even));
        acc = reds_m4_smlad(even, even_x, reds_m4_smlad(odd, odd_x, acc));
    }
    return acc;
}

/* Compute a group of rows marked plain: the same bits, slower. */
static void plain_group(const reds_op *op, const reds_m4_rows *rows, uint32_t first)
{
    uint32_t live = op->units_out - first;
    for (uint32_t r = 0; r < (live < 4 ? live : 4); r++) {
        int32_t sum = reds_m4_plain_sum(rows->weights + r, 4, rows->x, 2, rows->quads);
        rows->out[r] = reds_m4_plain(op->table, first + r, sum, op->zero);
    }
}

static void expand(const reds_op *op, uint32_t *x, uint32_t quads)
{
    reds_m4_expand_8(op->in, x, quads);
    if (op->units_in % 4 != 0) { /* zero the lanes that are no inputs of this subnet */
        uint32_t lanes =
            *(const uint32_t *)(const void *)(op->in + 4 * (quads - 1)) & reds_m4_lanes(op->units_in);
        reds_m4_expand_8((const int8_t *)&lanes, x + 2 * quads - 2, 1);
    }
}

void reds_m4_run_dense(const reds_op *op)
{
    uint32_t full_quads = (op->from->units + 3u) / 4;
    reds_m4_rows rows = reds_m4_rows_of(op, op->scratch, (op->units_in + 3) / 4, full_quads);
    expand(op, op->scratch, rows.quads);
    if (op->plain == NULL) {
        reds_m4_dense(&rows);
        return;
    }
    for (uint32_t g = 0; g < rows.groups; g++) {
        reds_m4_rows one = rows;
        one.weights += (size_t)g * 4 * full_quads;
        one.table += 4 * g;
        one.out += 4 * g;
        one.groups = 1;
        if (op->plain[g] == 0) {
            reds_m4_dense(&one);
        } else {
            plain_group(op, &one, 4 * g);
        }
    }
}

#endif
