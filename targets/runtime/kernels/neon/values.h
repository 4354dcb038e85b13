/* Runs of values side by side, of which aarch64 kernels take sixteen at a time. */
#ifndef REDS_NEON_VALUES_H
#define REDS_NEON_VALUES_H

#include "neon.h"

#ifdef __aarch64__

/* Load the first `count` values of a run; sixteen if it has more. Fewer stand in the lanes twice, and none beside
 * them is read: reds_neon_store_run writes them back to their places. */
REDS_ALWAYS_INLINE int8x16_t reds_neon_load_run(const int8_t *in, uint32_t count)
{
    if (count >= 16) {
        return vld1q_s8(in);
    }
    if (count >= 8) {
        return vcombine_s8(vld1_s8(in), vld1_s8(in + count - 8));
    }
    if (count >= 4) {
        int32_t words[2];
        memcpy(&words[0], in, 4);
        memcpy(&words[1], in + count - 4, 4);
        int32x4_t lanes = vsetq_lane_s32(words[0], vdupq_n_s32(0), 0);
        return vreinterpretq_s8_s32(vsetq_lane_s32(words[1], lanes, 1));
    }
    int8x16_t lanes = vsetq_lane_s8(in[0], vdupq_n_s8(0), 0);
    lanes = vsetq_lane_s8(in[count / 2], lanes, 1);
    return vsetq_lane_s8(in[count - 1], lanes, 2);
}

REDS_ALWAYS_INLINE void reds_neon_store_run(int8_t *out, int8x16_t y, uint32_t count)
{
    if (count >= 16) {
        vst1q_s8(out, y);
    } else if (count >= 8) {
        vst1_s8(out, vget_low_s8(y));
        vst1_s8(out + count - 8, vget_high_s8(y));
    } else if (count >= 4) {
        int32_t words[2] = {vgetq_lane_s32(vreinterpretq_s32_s8(y), 0),
                            vgetq_lane_s32(vreinterpretq_s32_s8(y), 1)};
        memcpy(out, &words[0], 4);
        memcpy(out + count - 4, &words[1], 4);
    } else {
        out[0] = vgetq_lane_s8(y, 0);
        out[count / 2] = vgetq_lane_s8(y, 1);
        out[count - 1] = vgetq_lane_s8(y, 2);
    }
}

/* Return where the sixteen values after those at `i` begin: the last ones overlap those before them. */
REDS_ALWAYS_INLINE uint32_t reds_neon_next(uint32_t i, uint32_t count)
{
    return i + 2 * REDS_NEON_LANES > count && i + REDS_NEON_LANES < count ? count - REDS_NEON_LANES
                                                                          : i + REDS_NEON_LANES;
}

#endif
#endif
