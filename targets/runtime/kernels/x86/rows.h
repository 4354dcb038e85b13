/* What dense and convolution share: inputs by quads, rows by vectors. */

/* CALL, which names N, with N the vectors that so many rows take, VECTORS at most: a constant in each case. */
#define BY_VECTORS(ROWS, CALL)                                                         \
    switch ((ROWS) > (VECTORS - 1) * LANES ? VECTORS : ((ROWS) + LANES - 1) / LANES) { \
    case 1: {                                                                          \
        enum { N = 1 };                                                                \
        CALL;                                                                          \
        break;                                                                         \
    }                                                                                  \
    case 2: {                                                                          \
        enum { N = 2 };                                                                \
        CALL;                                                                          \
        break;                                                                         \
    }                                                                                  \
    case 3: {                                                                          \
        enum { N = VECTORS < 3 ? VECTORS : 3 };                                        \
        CALL;                                                                          \
        break;                                                                         \
    }                                                                                  \
    default: {                                                                         \
        enum { N = VECTORS };                                                          \
        CALL;                                                                          \
    }                                                                                  \
    }

/* Four inputs in every lane. */
FAST vec quad(const uint8_t *inputs)
{
    int32_t four;
    memcpy(&four, inputs, 4);
    return same(four);
}

/* The weights of vector `v` of a group, from those of its first panel. */
FAST const uint8_t *vector_at(const uint8_t *weights, uint32_t v, size_t panel)
{
    return weights + v / (PANEL / LANES) * panel + v % (PANEL / LANES) * BYTES;
}

/* The table's entries for a vector of rows; it has none past `rows`. */
FAST vec load_rows(const int32_t *table, uint32_t rows, uint32_t row)
{
    return load_some(table + row, row < rows ? rows - row : 0);
}
