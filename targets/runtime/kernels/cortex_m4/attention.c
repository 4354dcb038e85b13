/* Attention for the Cortex-M4: scores of two keys at a time by dual multiplies, sums of four units at a time. Words of
 * four bytes may lie at any address. */
#include "../portable/attention.h"
#include "cortex_m4.h"

#include <string.h>

#ifdef __ARM_FEATURE_DSP

/* Bytes 0 and 2 of a word, and bytes 1 and 3, each less a zero point. */
typedef struct {
    uint32_t even, odd;
} halves;

static uint32_t word_at(const int8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Return the two halfwords that halves_of adds to take a zero point off. */
static uint32_t less(int32_t zero)
{
    return (uint32_t)-zero << 16 | (uint16_t)-zero;
}

static inline halves halves_of(uint32_t word, uint32_t less_zero)
{
    halves h;
    __asm("sxtab16 %0, %1, %2" : "=r"(h.even) : "r"(less_zero), "r"(word));
    __asm("sxtab16 %0, %1, %2, ror #8" : "=r"(h.odd) : "r"(less_zero), "r"(word));
    return h;
}

/* Return acc + weight * the lower or the upper halfword of a pair. The weight fits 16 bits. */
static inline int32_t add_low(uint32_t pair, int32_t weight, int32_t acc)
{
    __asm("smlabb %0, %1, %2, %0" : "+r"(acc) : "r"(pair), "r"(weight));
    return acc;
}

static inline int32_t add_high(uint32_t pair, int32_t weight, int32_t acc)
{
    __asm("smlatb %0, %1, %2, %0" : "+r"(acc) : "r"(pair), "r"(weight));
    return acc;
}

/* One query of a head, with what takes the zero points off its units and off those of the keys. */
typedef struct {
    const int8_t *units;
    uint32_t less, less_k;
    int32_t zero, zero_k;
} query;

/* Add the products of a query and two keys from unit `u` on: those that fill no word. */
static void add_last(const query *q, const int8_t *a, const int8_t *b, uint32_t u, uint32_t units,
                     int32_t *sums)
{
    for (; u < units; u++) {
        int32_t x = q->units[u] - q->zero;
        sums[0] += x * (a[u] - q->zero_k);
        sums[1] += x * (b[u] - q->zero_k);
    }
}

/* Write the scores of a query with two keys. */
static inline void two_scores(const query *q, const int8_t *a, const int8_t *b, uint32_t units,
                              int32_t *scores)
{
    const int8_t *x = q->units, *end = x + units / 4 * 4;
    uint32_t less_q = q->less, less_k = q->less_k;
    int32_t sum_a = 0, sum_b = 0;
    for (ptrdiff_t to_b = b - a; x < end; x += 4, a += 4) {
        halves one = halves_of(word_at(x), less_q), two = halves_of(word_at(a), less_k);
        sum_a = reds_m4_smlad(one.odd, two.odd, reds_m4_smlad(one.even, two.even, sum_a));
        two = halves_of(word_at(a + to_b), less_k);
        sum_b = reds_m4_smlad(one.odd, two.odd, reds_m4_smlad(one.even, two.even, sum_b));
    }
    scores[0] = sum_a;
    scores[1] = sum_b;
}

/* Write the scores of a query, and return the largest. The last of an odd number of keys comes with the one before,
 * once more. */
static int32_t scores_of(const query *q, const reds_head *h, int32_t *scores)
{
    int32_t most = INT32_MIN;
    uint32_t units = h->units, apart = h->apart, last = h->positions - 2;
    for (uint32_t j = 0; j < last + 2; j += 2) {
        uint32_t pair = j < last ? j : last;
        const int8_t *key = h->keys + pair * apart;
        int32_t *two = scores + pair;
        two_scores(q, key, key + apart, units, two);
        if (units % 4 != 0) {
            add_last(q, key, key + apart, units / 4 * 4, units, two);
        }
        most = two[0] > most ? two[0] : most;
        most = two[1] > most ? two[1] : most;
    }
    return most;
}

/* Write the weighted sums of four units of the values. */
static inline void blend_four(const reds_op *op, const reds_head *h, const int8_t *value, int32_t multiplier,
                              int8_t *out)
{
    const int32_t *weights = op->scratch, *end = weights + h->positions;
    int32_t acc0 = 0, acc1 = 0, acc2 = 0, acc3 = 0;
    uint32_t less_v = less(h->zero_v), apart = h->apart;
    for (; weights < end; weights++, value += apart) {
        halves v = halves_of(word_at(value), less_v);
        acc0 = add_low(v.even, *weights, acc0);
        acc1 = add_low(v.odd, *weights, acc1);
        acc2 = add_high(v.even, *weights, acc2);
        acc3 = add_high(v.odd, *weights, acc3);
    }
    out[0] = reds_requantize(acc0, multiplier, op->zero);
    out[1] = reds_requantize(acc1, multiplier, op->zero);
    out[2] = reds_requantize(acc2, multiplier, op->zero);
    out[3] = reds_requantize(acc3, multiplier, op->zero);
}

static int8_t blend_one(const reds_op *op, const reds_head *h, const int8_t *value, int32_t multiplier)
{
    const int32_t *weights = op->scratch;
    int32_t acc = 0;
    for (uint32_t j = 0; j < h->positions; j++, value += h->apart) {
        acc += weights[j] * (*value - h->zero_v);
    }
    return reds_requantize(acc, multiplier, op->zero);
}

static void attend(const reds_op *op, const reds_head *h, const int8_t *units, int8_t *out)
{
    const query q = {units, less(op->zero_in), less(h->zero_k), op->zero_in, h->zero_k};
    int32_t multiplier = reds_multipliers(op)[0];
    reds_soften(op->scratch, h->positions, scores_of(&q, h, op->scratch), reds_biases(op)[0]);
    uint32_t u = 0;
    for (; u + 4 <= h->units; u += 4) {
        blend_four(op, h, h->values + u, multiplier, out + u);
    }
    for (; u < h->units; u++) {
        out[u] = blend_one(op, h, h->values + u, multiplier);
    }
}

void reds_m4_run_attention(const reds_op *op)
{
    if (reds_positions(reds_input_shape(op, 1)) < 2) {
        reds_portable_attention(op);
        return;
    }
    reds_attention(op, attend);
}

#endif
