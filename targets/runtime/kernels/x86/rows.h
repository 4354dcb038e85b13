/* Loads that dense layers and convolutions share: inputs by quads, rows by vectors. */

/* Evaluate CALL with the constant N set to the vectors that ROWS rows take, at most VECTORS. */
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

/* Return four inputs, repeated in every lane. */
FAST vec quad(const uint8_t *inputs)
{
    int32_t four;
    memcpy(&four, inputs, 4);
    return broadcast(four);
}

/* Return the weights of vector `v` of a tile from those of its first panel. */
FAST const uint8_t *vector_at(const uint8_t *weights, uint32_t v, size_t panel)
{
    return weights + v / (PANEL / LANES) * panel + v % (PANEL / LANES) * BYTES;
}

/* Load the table's entries for a vector of rows; the table ends at `rows`. */
FAST vec load_rows(const int32_t *table, uint32_t rows, uint32_t row)
{
    return load_some(table + row, row < rows ? rows - row : 0);
}
