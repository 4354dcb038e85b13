/* Average pooling for aarch64, eight units at a time. A halfword holds the sum of up to 256 values; larger
 * windows and fewer units use the portable kernel. The last eight units of a position overlap the eight
 * before them. */
#include "neon.h"

#ifdef __aarch64__

static int16x8_t sum(const reds_op *op, const int8_t *first)
{
    int16x8_t total = vdupq_n_s16(0);
    for (uint32_t y = 0; y < op->layer->kernel[0]; y++, first += op->from->width * op->units_in) {
        const int8_t *x = first;
        for (uint32_t i = 0; i < op->layer->kernel[1]; i++, x += op->units_in) {
            total = vaddw_s8(total, vld1_s8(x));
        }
    }
    return total;
}

static void eight_units(const reds_op *op, const int32_t *multiplier, const int8_t *first, int8_t *out)
{
    int32_t factor = reds_biases(op)[1];
    int32x4_t bias = vdupq_n_s32(reds_biases(op)[0]), half = vdupq_n_s32(multiplier[0] / 2);
    int16x8_t total = sum(op, first), zero = vdupq_n_s16((int16_t)op->zero);
    int32x4_t low = vmlaq_n_s32(bias, vmovl_s16(vget_low_s16(total)), factor);
    int32x4_t high = vmlaq_n_s32(bias, vmovl_high_s16(total), factor);
    vst1_s8(out, reds_neon_requantize((int32x4x2_t){{low, high}}, (int32x4x2_t){{half, half}}, zero));
}

void reds_neon_average_pool(const reds_op *op)
{
    const reds_layer *layer = op->layer;
    uint32_t units = op->units_in;
    if (units < 8 || (uint32_t)layer->kernel[0] * layer->kernel[1] > 256) {
        reds_portable_average_pool(op);
        return;
    }
    const int32_t *multiplier = reds_multipliers(op);
    int8_t *out = op->out;
    for (uint32_t y = 0; y < op->to->height; y++) {
        for (uint32_t x = 0; x < op->to->width; x++, out += units) {
            uint32_t position = y * layer->stride[0] * op->from->width + x * layer->stride[1];
            const int8_t *from = op->in + position * units;
            for (uint32_t unit = 0; unit + 8 <= units; unit += 8) {
                eight_units(op, multiplier, from + unit, out + unit);
            }
            if (units % 8 != 0) {
                eight_units(op, multiplier, from + units - 8, out + units - 8);
            }
        }
    }
}

#endif
