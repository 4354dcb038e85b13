/* The kernels of one instruction set. Included last, after the vector operations they are made of. */
#include "../portable/portable.h"
#include "rows.h"

#include "copy.h"
#include "tile.h"

#include "conv.h"
#include "dense.h"
#include "depthwise.h"
#include "elementwise.h"
#include "pool.h"

#define FAMILY                                          \
    {                                                   \
        .layout = 6,                                    \
        .alignment = LINE,                              \
        .available = available,                         \
        .weights_bytes = reds_x86_weights_bytes,        \
        .scratch_bytes = reds_x86_scratch_bytes,        \
        .weights_ok = reds_portable_weights_ok,         \
        .table_bytes = reds_x86_table_bytes,            \
        .table_ok = reds_x86_table_ok,                  \
        .run =                                          \
            {                                           \
                [REDS_DENSE] = dense,                   \
                [REDS_CONV] = conv,                     \
                [REDS_DEPTHWISE] = depthwise,           \
                [REDS_AVERAGE_POOL] = average_pool,     \
                [REDS_MAX_POOL] = max_pool,             \
                [REDS_ADD] = add,                       \
                [REDS_FLATTEN] = reds_portable_flatten, \
                [REDS_GROUPED] = conv,                  \
                [REDS_TRANSPOSED] = conv,               \
                [REDS_MULTIPLY] = multiply,             \
                [REDS_PRELU] = prelu,                   \
                [REDS_CONCAT] = concat,                 \
            },                                          \
    }
