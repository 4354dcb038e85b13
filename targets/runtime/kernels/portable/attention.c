/* Attention, plain C: each head of each query weighs the values by the softmax of its scores. docs/arithmetic.md states
 * the roundings.
 *
 * Scratch: a number for each position of the keys, which is first its score, then its weight. No score leaves int32
 * (pack.h, REDS_HEAD_UNITS), and no difference of two uint32. Weights add up to 2^14 and half of the positions at most. */
#include "attention.h"

#include "portable.h"

enum { LANES = 4 }; /* units whose sums are in registers at once */

/* round(2^15 * 2^(-i / 256)) */
static const uint16_t powers[256] = {
    32768, 32679, 32591, 32503, 32415, 32327, 32240, 32153, 32066, 31979, 31893, 31806, 31720, 31635, 31549,
    31464, 31379, 31294, 31209, 31125, 31041, 30957, 30873, 30790, 30706, 30623, 30541, 30458, 30376, 30293,
    30212, 30130, 30048, 29967, 29886, 29805, 29725, 29644, 29564, 29484, 29405, 29325, 29246, 29167, 29088,
    29009, 28931, 28852, 28774, 28697, 28619, 28542, 28464, 28388, 28311, 28234, 28158, 28082, 28006, 27930,
    27855, 27779, 27704, 27629, 27554, 27480, 27406, 27332, 27258, 27184, 27110, 27037, 26964, 26891, 26818,
    26746, 26674, 26601, 26530, 26458, 26386, 26315, 26244, 26173, 26102, 26031, 25961, 25891, 25821, 25751,
    25681, 25612, 25543, 25474, 25405, 25336, 25268, 25199, 25131, 25063, 24995, 24928, 24860, 24793, 24726,
    24659, 24593, 24526, 24460, 24394, 24328, 24262, 24196, 24131, 24066, 24001, 23936, 23871, 23806, 23742,
    23678, 23614, 23550, 23486, 23423, 23359, 23296, 23233, 23170, 23108, 23045, 22983, 22921, 22859, 22797,
    22735, 22674, 22613, 22552, 22491, 22430, 22369, 22309, 22248, 22188, 22128, 22068, 22009, 21949, 21890,
    21831, 21772, 21713, 21654, 21595, 21537, 21479, 21421, 21363, 21305, 21247, 21190, 21133, 21076, 21019,
    20962, 20905, 20849, 20792, 20736, 20680, 20624, 20568, 20513, 20457, 20402, 20347, 20292, 20237, 20182,
    20127, 20073, 20019, 19965, 19911, 19857, 19803, 19750, 19696, 19643, 19590, 19537, 19484, 19431, 19379,
    19326, 19274, 19222, 19170, 19118, 19066, 19015, 18963, 18912, 18861, 18810, 18759, 18708, 18658, 18607,
    18557, 18507, 18457, 18407, 18357, 18308, 18258, 18209, 18160, 18110, 18061, 18013, 17964, 17915, 17867,
    17819, 17770, 17722, 17674, 17627, 17579, 17531, 17484, 17437, 17390, 17343, 17296, 17249, 17202, 17156,
    17109, 17063, 17017, 16971, 16925, 16879, 16834, 16788, 16743, 16697, 16652, 16607, 16562, 16518, 16473,
    16428,
};

void reds_soften(int32_t *scores, uint32_t count, int32_t most, int32_t factor)
{
    uint32_t sum = 0;
    for (uint32_t j = 0; j < count; j++) {
        uint32_t less = (uint32_t)most - (uint32_t)scores[j];
        uint64_t exponent = ((uint64_t)less * (uint32_t)factor + (1 << 23)) >> 24;
        scores[j] = exponent < 4096 ? powers[exponent & 255] >> (exponent >> 8) : 0;
        sum += (uint32_t)scores[j];
    }
    uint32_t shift = 0;
    while (sum >> shift >= 1 << 16) {
        shift++;
    }
    uint32_t reciprocal = (UINT32_C(1) << 31) / (sum >> shift), half = UINT32_C(1) << (shift + 16);
    for (uint32_t j = 0; j < count; j++) {
        scores[j] = (int32_t)(((uint32_t)scores[j] * reciprocal + half) >> (shift + 17));
    }
}

void reds_attention(const reds_op *op, reds_attend attend)
{
    reds_head h = {
        .units = op->from->units / op->layer->groups,
        .apart = op->units_in,
        .positions = reds_positions(reds_input_shape(op, 1)),
        .zero_k = reds_input_room(op, 1)->zero,
        .zero_v = reds_input_room(op, 2)->zero,
    };
    uint32_t queries = reds_positions(op->from);
    for (uint32_t first = 0; first < op->units_in; first += h.units) {
        h.keys = reds_input_values(op, 1) + first;
        h.values = reds_input_values(op, 2) + first;
        for (uint32_t i = 0; i < queries; i++) {
            uint32_t at = i * op->units_in + first;
            attend(op, &h, op->in + at, op->out + at);
        }
    }
}

/* A query less its zero point times a key less its own: the second zero point is taken off at the end. */
typedef struct {
    const int8_t *values;
    uint32_t units;
    int32_t zero;
    uint32_t less; /* zero point of the keys * sum of the query less its zero point */
} query;

static int32_t score(const query *q, const int8_t *key)
{
    uint32_t sum = 0 - q->less;
    for (const int8_t *x = q->values, *end = x + q->units; x != end;) {
        sum += (uint32_t)((*x++ - q->zero) * *key++);
    }
    return (int32_t)sum;
}

/* Write the scores of three keys. */
static void three_scores(const query *q, const int8_t *key, uint32_t apart, int32_t *scores)
{
    const int8_t *second = key + apart, *third = second + apart;
    uint32_t a = 0 - q->less, b = a, c = a;
    int32_t zero = q->zero;
    for (const int8_t *x = q->values, *end = x + q->units; x != end;) {
        int32_t value = *x++ - zero;
        a += (uint32_t)(value * *key++);
        b += (uint32_t)(value * *second++);
        c += (uint32_t)(value * *third++);
    }
    scores[0] = (int32_t)a;
    scores[1] = (int32_t)b;
    scores[2] = (int32_t)c;
}

/* Write the scores of a query, and return the largest. */
static int32_t scores_of(const reds_op *op, const reds_head *h, const int8_t *values, int32_t *scores)
{
    int32_t most = INT32_MIN, sum = 0;
    for (uint32_t u = 0; u < h->units; u++) {
        sum += values[u] - op->zero_in;
    }
    query q = {values, h->units, op->zero_in, (uint32_t)(h->zero_k * sum)};
    const int8_t *key = h->keys;
    uint32_t j = 0;
    for (; j + 3 <= h->positions; j += 3, key += 3 * h->apart) {
        three_scores(&q, key, h->apart, scores + j);
    }
    for (; j < h->positions; j++, key += h->apart) {
        scores[j] = score(&q, key);
    }
    for (j = 0; j < h->positions; j++) {
        most = scores[j] > most ? scores[j] : most;
    }
    return most;
}

/* Write the weighted sums of `lanes` units of the values. `less` is what their zero point adds. */
static inline void blend(const reds_op *op, const reds_head *h, const int8_t *value, int8_t *out,
                         uint32_t lanes, int32_t less)
{
    const int32_t *weight = op->scratch, *end = weight + h->positions;
    int32_t acc[LANES] = {0}, multiplier = reds_multipliers(op)[0], zero = op->zero;
    uint32_t apart = h->apart;
    for (; weight < end; weight++, value += apart) {
        int32_t w = *weight;
        for (uint32_t i = 0; i < lanes; i++) {
            acc[i] += w * value[i];
        }
    }
    for (uint32_t i = 0; i < lanes; i++) {
        out[i] = reds_requantize(acc[i] - less, multiplier, zero);
    }
}

static void attend(const reds_op *op, const reds_head *h, const int8_t *values, int8_t *out)
{
    int32_t *weights = op->scratch, sum = 0;
    reds_soften(weights, h->positions, scores_of(op, h, values, weights), reds_biases(op)[0]);
    for (uint32_t j = 0; j < h->positions; j++) {
        sum += weights[j];
    }
    int32_t less = h->zero_v * sum;
    uint32_t u = 0;
    for (; u + LANES <= h->units; u += LANES) {
        blend(op, h, h->values + u, out + u, LANES, less);
    }
    if (u < h->units) {
        blend(op, h, h->values + u, out + u, h->units - u, less);
    }
}

void reds_portable_attention(const reds_op *op)
{
    reds_attention(op, attend);
}
