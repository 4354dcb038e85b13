/* Dense, layout radix256, for the Cortex-M4's dual multiplies; the halves that are C and assembler.
 *
 * weights  uint32 [groups of 4 rows][ceil(full_in / 4)][4 rows]: halfwords (256*w1 + w0, 256*w3 + w2)
 * input    expanded once a layer to pairs of words: (x1, x3) and (256*x0 - x1, 256*x2 - x3); lanes past
 *          units_in are 0, so that weights of larger subnets there count for nothing
 * sum      SMLAD(raw, (x1, x3)) + SMLAD(low bytes, (256*x0 - x1, 256*x2 - x3)) = 256 * sum(w*x), modulo
 *          2^32; the packer proves that the final sum fits int32, else the group is plain
 * rounding SMMLAR is the project's rounding and adds the zero point; SSAT, then QSUB8 and QADD8 lift -128
 *          to -127 in all four outputs
 * writes   whole words: up to 3 bytes past units_out, inside the tensor's 16-byte padding
 */
#ifndef REDS_CORTEX_M4_DENSE_H
#define REDS_CORTEX_M4_DENSE_H

#ifndef __ASSEMBLER__
#include <stdint.h>

/* What the assembler walks; it advances every pointer but x. */
typedef struct {
    const uint32_t *weights;
    const uint32_t *x;
    const int32_t *bias;       /* 256 * bias */
    const int32_t *multiplier; /* m / 256 */
    uint32_t *out;
    uint32_t groups; /* of four rows, at least one */
    uint32_t quads;  /* of inputs, at least one */
    uint32_t skip;   /* bytes from the last weight read to the next group */
    int32_t zero;
} reds_m4_rows;

void reds_m4_dense(reds_m4_rows *rows);
void reds_m4_expand(const int8_t *in, uint32_t *x, uint32_t quads);
#endif

/* Offsets of the fields, for the assembler. */
#define ROWS_WEIGHTS 0
#define ROWS_X 4
#define ROWS_BIAS 8
#define ROWS_MULTIPLIER 12
#define ROWS_OUT 16
#define ROWS_GROUPS 20
#define ROWS_QUADS 24
#define ROWS_SKIP 28
#define ROWS_ZERO 32

#endif
