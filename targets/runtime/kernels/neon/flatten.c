/* Flattening for aarch64: blocks of eight positions by eight units are transposed in registers. */
#include "neon.h"

#ifdef __aarch64__

/* Write eight units of eight positions, unit by unit. */
static void transpose(const int8_t *in, size_t units, int8_t *out, size_t positions)
{
    int8x8_t x[8];
    for (uint32_t i = 0; i < 8; i++) {
        x[i] = vld1_s8(in + i * units);
    }
    for (uint32_t i = 0; i < 8; i += 2) { /* swap bytes, then halfwords, then words */
        int8x8x2_t pair = vtrn_s8(x[i], x[i + 1]);
        x[i] = pair.val[0];
        x[i + 1] = pair.val[1];
    }
    for (uint32_t i = 0; i < 8; i += i % 4 == 1 ? 3 : 1) {
        int16x4x2_t pair = vtrn_s16(vreinterpret_s16_s8(x[i]), vreinterpret_s16_s8(x[i + 2]));
        x[i] = vreinterpret_s8_s16(pair.val[0]);
        x[i + 2] = vreinterpret_s8_s16(pair.val[1]);
    }
    for (uint32_t i = 0; i < 4; i++) {
        int32x2x2_t pair = vtrn_s32(vreinterpret_s32_s8(x[i]), vreinterpret_s32_s8(x[i + 4]));
        vst1_s8(out + i * positions, vreinterpret_s8_s32(pair.val[0]));
        vst1_s8(out + (i + 4) * positions, vreinterpret_s8_s32(pair.val[1]));
    }
}

void reds_neon_flatten(const reds_op *op)
{
    size_t positions = reds_positions(op->from), units = op->units_in;
    if (positions == 1) {
        memcpy(op->out, op->in, units);
    } else if (positions < 8 || units < 8) {
        reds_portable_flatten(op);
    } else { /* the last eight overlap those before them */
        for (size_t p = 0; p<positions; p = p + 16> positions && p + 8 < positions ? positions - 8 : p + 8) {
            for (size_t u = 0; u<units; u = u + 16> units && u + 8 < units ? units - 8 : u + 8) {
                transpose(op->in + p * units + u, units, op->out + u * positions + p, positions);
            }
        }
    }
}

#endif
