/* Sums of windows times rows of weights, tile by tile. A window is a list of quads, each at an offset from the window's
 * first position. A run is windows that begin at equal distances: a line of outputs, or all of them if windows are
 * single positions. A tile has the rows of up to VECTORS vectors for some windows of a run, so that each load of
 * weights serves all of them. */

typedef struct {
    const uint8_t *windows; /* the first one */
    size_t step, plane;     /* bytes to the next one, and to the second plane */
    uint32_t count;         /* of windows */
    const uint32_t *offsets;
    uint32_t quads;
    int8_t *out;
    uint32_t apart; /* bytes from the outputs of a window to those of the next one */
} run;

/* The rows of a tile. */
typedef struct {
    const uint8_t *weights;
    size_t panel; /* bytes from one to the next */
    const int32_t *bias, *multiplier;
    int32_t zero;
    uint32_t count; /* of rows to the last one */
} rows;

/* Return how many windows are packed in one vector of bytes. */
FAST uint32_t packed_together(uint32_t vectors)
{
    return vectors == 1 ? 4 : vectors == 2 ? 2 : 1;
}

/* Compute the sums of a tile from `windows` on. `vectors`, `positions` and `sides` are constants at compile time. With
 * two sides, a vector holds the rows of half a vector for two windows. */
FAST void tile_sums(vec acc[][VECTORS], const run *r, const rows *t, const uint8_t *windows, uint32_t vectors,
                    uint32_t positions, uint32_t sides)
{
    const uint8_t *panel = t->weights;
    const uint32_t *offsets = r->offsets, *end = offsets + r->quads;
    size_t step = r->step, plane = r->plane, distance = t->panel;
    for (; offsets != end; offsets++, panel += LINE) {
        weights w[VECTORS];
        UNROLL for (uint32_t v = 0; v < vectors; v++) {
            w[v] = spread(sided(load(vector_at(panel, v, distance)), sides));
        }
        const uint8_t *window = windows + *offsets;
        UNROLL for (uint32_t s = 0; s < positions; s++) {
            const uint8_t *at = window + s * sides * step;
            inputs x = input(at, at + plane);
            if (sides == 2) {
                x = beside(x, at + step);
            }
            UNROLL for (uint32_t v = 0; v < vectors; v++) {
                acc[s][v] = dot(acc[s][v], x, w[v]);
            }
        }
    }
}

/* Requantize the sums of a tile and write the first `live` windows. */
FAST void tile_save(vec acc[][VECTORS], const vec *multiplier, const rows *t, int8_t *out, uint32_t apart,
                    uint32_t live, uint32_t vectors, uint32_t positions, uint32_t sides)
{
    const uint32_t together = packed_together(vectors);
    vec zero = zero_point(t->zero);
    UNROLL for (uint32_t s = 0; s < positions; s += together) {
        vec four[4];
        UNROLL for (uint32_t i = 0; i < 4; i++) {
            uint32_t v = together == 1 ? i : i % vectors, p = together == 1 ? s : s + i / vectors;
            four[i] = v < vectors ? requantize(acc[p][v], multiplier[v], zero) : zero;
        }
        vec bytes = pack(four);
        UNROLL for (uint32_t i = 0; i < together * sides; i++, out += apart) {
            if (s * sides + i < live) {
                save_part(out, bytes, i, BYTES / together / sides, t->count);
            }
        }
    }
}

FAST void tile_some(const vec *bias, const vec *multiplier, const run *r, const rows *t, uint32_t first,
                    uint32_t vectors, uint32_t positions, uint32_t sides)
{
    vec acc[POSITIONS][VECTORS];
    UNROLL for (uint32_t s = 0; s < positions; s++) {
        UNROLL for (uint32_t v = 0; v < vectors; v++) {
            acc[s][v] = bias[v];
        }
    }
    tile_sums(acc, r, t, r->windows + first * r->step, vectors, positions, sides);
    tile_save(acc, multiplier, t, r->out + (size_t)first * r->apart, r->apart, r->count - first, vectors,
              positions, sides);
}

/* Compute as many windows at once as fit the registers; a rest of at most half as many takes a half tile. */
FAST void tile_run(const run *r, const rows *t, uint32_t vectors, uint32_t sides)
{
    uint32_t positions = POSITIONS_WITH(vectors) / sides, windows = positions * sides;
    vec bias[VECTORS], multiplier[VECTORS];
    UNROLL for (uint32_t v = 0; v < vectors; v++) {
        bias[v] = sided(load_rows(t->bias, t->count, v * LANES), sides);
        multiplier[v] = sided(load_rows(t->multiplier, t->count, v * LANES), sides);
    }
    for (uint32_t first = 0; first < r->count; first += windows) {
        if (positions / 2 < packed_together(vectors) || r->count - first > windows / 2) {
            tile_some(bias, multiplier, r, t, first, vectors, positions, sides);
        } else {
            tile_some(bias, multiplier, r, t, first, vectors, positions / 2, sides);
        }
    }
}

/* The shapes of a tile as functions of their own, in which compilers keep the sums in registers. */
KERNEL void tile_1(const run *r, const rows *t)
{
    tile_run(r, t, 1, 1);
}

KERNEL void tile_2(const run *r, const rows *t)
{
    tile_run(r, t, 2, 1);
}

KERNEL void tile_3(const run *r, const rows *t)
{
    tile_run(r, t, VECTORS < 3 ? VECTORS : 3, 1);
}

KERNEL void tile_all(const run *r, const rows *t)
{
    tile_run(r, t, VECTORS, 1);
}

KERNEL void tile_half(const run *r, const rows *t)
{
    tile_run(r, t, 1, 2);
}

/* Compute a run in all rows. The last rows, if they fill half a vector at most, take another half of other windows,
 * where those are many. */
KERNEL void tile_rows(const run *r, rows t)
{
    static void (*const shapes[])(const run *, const rows *) = {tile_1, tile_2, tile_3, tile_all};
    bool wide = HALVES == 1 && r->count > POSITIONS / 2;
    uint32_t rest = t.count % PANEL, halves = wide && rest <= PANEL / 2 ? rest : 0;
    run part = *r;
    while (t.count > halves) {
        uint32_t vectors = (t.count - halves + LANES - 1) / LANES,
                 most = vectors < VECTORS ? vectors : VECTORS;
        shapes[most - 1](&part, &t);
        uint32_t done = most * LANES < t.count ? most * LANES : t.count;
        t.weights += done / PANEL * t.panel;
        t.bias += done, t.multiplier += done, t.count -= done, part.out += done;
    }
    if (halves > 0) {
        tile_half(&part, &t);
    }
}
