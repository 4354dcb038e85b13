/* Loads that dense layers and convolutions share: inputs by quads, rows by vectors. */

enum { HALVES = PANEL / LANES }; /* vectors of a panel */

/* Return the weights of vector `v` of a tile from those of its first panel. */
FAST const uint8_t *vector_at(const uint8_t *weights, uint32_t v, size_t panel)
{
    return weights + v / (PANEL / LANES) * panel + v % (PANEL / LANES) * BYTES;
}

/* Return the biases for inputs of x + OFFSET. */
FAST const int32_t *biases(const reds_op *op)
{
    return OFFSET == 0 ? reds_biases(op)
                       : reds_multipliers(op) + reds_table_rows(op->layer->kind, op->units_out);
}

/* Load the table's entries for a vector of rows; the table ends at `rows`. */
FAST vec load_rows(const int32_t *table, uint32_t rows, uint32_t row)
{
    return load_some(table + row, row < rows ? rows - row : 0);
}
