/* Attention for aarch64: scores of four keys at a time, sums of eight units at a time. Heads of fewer units, and those
 * with fewer keys, run by the portable kernel. The last units, and the last keys, overlap those before them. */
#include "../portable/attention.h"

#include "neon.h"

#ifdef __aarch64__

enum { UNITS = 8, KEYS = 4 };

/* Add the products of eight units of a query and those of four keys. */
REDS_ALWAYS_INLINE void add_products(int32x4_t acc[KEYS], int16x8_t query, const int8_t *key, size_t apart,
                                     int8x8_t zero)
{
    for (uint32_t k = 0; k < KEYS; k++) {
        int16x8_t x = vsubl_s8(vld1_s8(key + k * apart), zero);
        acc[k] = vmlal_s16(acc[k], vget_low_s16(query), vget_low_s16(x));
        acc[k] = vmlal_high_s16(acc[k], query, x);
    }
}

/* Return the scores of a query with four keys. */
REDS_ALWAYS_INLINE int32x4_t four_scores(const reds_op *op, const reds_head *h, const int8_t *query,
                                         const int8_t *key)
{
    static const int16_t masks[2 * UNITS] = {0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1};
    int8x8_t zero = vdup_n_s8((int8_t)op->zero_in), zero_k = vdup_n_s8((int8_t)h->zero_k);
    int32x4_t acc[KEYS] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    uint32_t u = 0, units = h->units;
    for (; u + UNITS <= units; u += UNITS) {
        add_products(acc, vsubl_s8(vld1_s8(query + u), zero), key + u, h->apart, zero_k);
    }
    if (u < units) { /* those that are left, and others times 0 */
        int16x8_t rest =
            vandq_s16(vsubl_s8(vld1_s8(query + units - UNITS), zero), vld1q_s16(masks + units - u));
        add_products(acc, rest, key + units - UNITS, h->apart, zero_k);
    }
    return vpaddq_s32(vpaddq_s32(acc[0], acc[1]), vpaddq_s32(acc[2], acc[3]));
}

/* Write the scores of a query, and return the largest. */
static int32_t scores_of(const reds_op *op, const reds_head *h, const int8_t *query, int32_t *scores)
{
    int32x4_t most = vdupq_n_s32(INT32_MIN);
    for (uint32_t j = 0; j < h->positions; j += KEYS) {
        uint32_t first = j + KEYS <= h->positions ? j : h->positions - KEYS;
        int32x4_t four = four_scores(op, h, query, h->keys + (size_t)first * h->apart);
        vst1q_s32(scores + first, four);
        most = vmaxq_s32(most, four);
    }
    return vmaxvq_s32(most);
}

/* Add eight units of a value by the weight in a lane. */
#define ADD_VALUE(lane)                                                         \
    do {                                                                        \
        int16x8_t x = vsubl_s8(vld1_s8(value + (lane) * apart), zero_v);        \
        acc.val[0] = vmlal_lane_s16(acc.val[0], vget_low_s16(x), weight, lane); \
        acc.val[1] = vmlal_high_lane_s16(acc.val[1], x, weight, lane);          \
    } while (0)

/* Write the weighted sums of eight units of the values. A weight fits 16 bits. */
static void blend(const reds_op *op, const reds_head *h, const int8_t *value, int8_t *out)
{
    const int32_t *weights = op->scratch, *end = weights + h->positions;
    size_t apart = h->apart;
    int8x8_t zero_v = vdup_n_s8((int8_t)h->zero_v);
    int32x4_t half = vdupq_n_s32(reds_multipliers(op)[0] / 2);
    int32x4x2_t acc = {{vdupq_n_s32(0), vdupq_n_s32(0)}};
    for (; end - weights >= KEYS; weights += KEYS, value += KEYS * apart) {
        int16x4_t weight = vmovn_s32(vld1q_s32(weights));
        ADD_VALUE(0);
        ADD_VALUE(1);
        ADD_VALUE(2);
        ADD_VALUE(3);
    }
    for (; weights < end; weights++, value += apart) {
        int16x4_t weight = vdup_n_s16((int16_t)*weights);
        ADD_VALUE(0);
    }
    int16x8_t zero = vdupq_n_s16((int16_t)op->zero);
    vst1_s8(out, reds_neon_requantize(acc, (int32x4x2_t){{half, half}}, zero));
}

static void attend(const reds_op *op, const reds_head *h, const int8_t *query, int8_t *out)
{
    reds_soften(op->scratch, h->positions, scores_of(op, h, query, op->scratch), reds_biases(op)[0]);
    uint32_t u = 0;
    for (; u + UNITS <= h->units; u += UNITS) {
        blend(op, h, h->values + u, out + u);
    }
    if (u < h->units) {
        blend(op, h, h->values + h->units - UNITS, out + h->units - UNITS);
    }
}

void reds_neon_attention(const reds_op *op)
{
    if (op->from->units / op->layer->groups < UNITS || reds_positions(reds_input_shape(op, 1)) < KEYS) {
        reds_portable_attention(op);
    } else {
        reds_attention(op, attend);
    }
}

#endif
