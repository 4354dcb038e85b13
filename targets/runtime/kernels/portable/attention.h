/* Attention without its products: which head and query comes next, and the softmax of their scores. Families have the
 * products of their own. */
#ifndef REDS_ATTENTION_H
#define REDS_ATTENTION_H

#include "../kernels.h"

/* What the queries of a head share: its units of keys and values. */
typedef struct {
    const int8_t *keys, *values;
    uint32_t units;     /* of the head */
    uint32_t apart;     /* bytes from one position to the next */
    uint32_t positions; /* of keys and values, at least one */
    int32_t zero_k, zero_v;
} reds_head;

/* Write the units of a head for one query. The scratch of the operation has a number for each position of the keys. */
typedef void (*reds_attend)(const reds_op *op, const reds_head *h, const int8_t *query, int8_t *out);

/* Attend for each query of each head. */
void reds_attention(const reds_op *op, reds_attend attend);

/* Replace scores by their softmax in units of 2^-14: none is more than 2^14. `most` is the largest score. `factor`
 * turns a difference of scores into one of exponents of two, in units of 2^-32. */
void reds_soften(int32_t *scores, uint32_t count, int32_t most, int32_t factor);

#endif
