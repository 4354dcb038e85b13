/* Convolution of any kernel size, stride and padding: pointwise, grouped and transposed ones included. A window is a list of quads, each at an
 * offset from the window's first position. A run is windows that begin at equal distances: a line of outputs, or all of
 * them if windows are single positions. A tile has the rows of up to VECTORS vectors for some windows of a run, so that
 * each load of weights serves all of them. */

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
FAST void conv_sums(vec acc[][VECTORS], const run *r, const rows *t, const uint8_t *windows, uint32_t vectors,
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
FAST void conv_save(vec acc[][VECTORS], const vec *multiplier, const rows *t, int8_t *out, uint32_t apart,
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

FAST void conv_some(const vec *bias, const vec *multiplier, const run *r, const rows *t, uint32_t first,
                    uint32_t vectors, uint32_t positions, uint32_t sides)
{
    vec acc[POSITIONS][VECTORS];
    UNROLL for (uint32_t s = 0; s < positions; s++) {
        UNROLL for (uint32_t v = 0; v < vectors; v++) {
            acc[s][v] = bias[v];
        }
    }
    conv_sums(acc, r, t, r->windows + first * r->step, vectors, positions, sides);
    conv_save(acc, multiplier, t, r->out + (size_t)first * r->apart, r->apart, r->count - first, vectors,
              positions, sides);
}

/* Compute as many windows at once as fit the registers; a rest of at most half as many takes a half tile. */
FAST void conv_run(const run *r, const rows *t, uint32_t vectors, uint32_t sides)
{
    uint32_t positions = POSITIONS_WITH(vectors) / sides, windows = positions * sides;
    vec bias[VECTORS], multiplier[VECTORS];
    UNROLL for (uint32_t v = 0; v < vectors; v++) {
        bias[v] = sided(load_rows(t->bias, t->count, v * LANES), sides);
        multiplier[v] = sided(load_rows(t->multiplier, t->count, v * LANES), sides);
    }
    for (uint32_t first = 0; first < r->count; first += windows) {
        if (positions / 2 < packed_together(vectors) || r->count - first > windows / 2) {
            conv_some(bias, multiplier, r, t, first, vectors, positions, sides);
        } else {
            conv_some(bias, multiplier, r, t, first, vectors, positions / 2, sides);
        }
    }
}

/* The shapes of a tile as functions of their own, in which compilers keep the sums in registers. */
KERNEL void conv_1(const run *r, const rows *t)
{
    conv_run(r, t, 1, 1);
}

KERNEL void conv_2(const run *r, const rows *t)
{
    conv_run(r, t, 2, 1);
}

KERNEL void conv_3(const run *r, const rows *t)
{
    conv_run(r, t, VECTORS < 3 ? VECTORS : 3, 1);
}

KERNEL void conv_all(const run *r, const rows *t)
{
    conv_run(r, t, VECTORS, 1);
}

KERNEL void conv_half(const run *r, const rows *t)
{
    conv_run(r, t, 1, 2);
}

/* Compute a run in all rows. The last rows, if they fill half a vector at most, take another half of other windows,
 * where those are many. */
KERNEL void conv_rows(const run *r, rows t)
{
    static void (*const shapes[])(const run *, const rows *) = {conv_1, conv_2, conv_3, conv_all};
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
        conv_half(&part, &t);
    }
}

/* List the offset of each quad from the first position of a window, in bytes. */
KERNEL void conv_offsets(uint32_t *offsets, const reds_op *op, const reds_x86_window *w)
{
    bool few_units = op->from->units < 4;
    uint32_t read =
        op->layer->kind == REDS_GROUPED ? (uint32_t)op->from->units / op->layer->groups : w->pitch;
    uint32_t blocks = few_units ? 1 : read / 4, line = w->width * w->pitch * w->skip_rows;
    uint32_t across = few_units ? (w->columns * w->pitch + 3) / 4 : w->columns;
    uint32_t step = few_units ? 4 : w->pitch * w->skip_columns;
    for (uint32_t b = 0; b < blocks; b++) {
        for (uint32_t y = 0; y < w->rows; y++) {
            for (uint32_t x = 0; x < across; x++) {
                *offsets++ = 4 * b + y * line + x * step;
            }
        }
    }
}

/* Compute a run whose windows begin at even and at odd places in turn, as two runs: for those at odd places, the two
 * planes change places. */
KERNEL void conv_turns(const run *r, const rows *t)
{
    run part = *r;
    part.step = 2 * r->step;
    part.apart = 2 * r->apart;
    part.count = (r->count + 1) / 2;
    conv_rows(&part, *t);
    part.windows = r->windows + r->step + r->plane - 1;
    part.plane = 2 - r->plane;
    part.out = r->out + r->apart;
    part.count = r->count / 2;
    conv_rows(&part, *t);
}

KERNEL void conv(const reds_op *op)
{
    reds_x86_window w;
    reds_x86_set_window(&w, op->layer, op->from, op->units_in);
    reds_x86_scratch scratch = reds_x86_scratch_of(op, &w);
    size_t panel = (size_t)reds_x86_quads(op->layer, op->from, op->from->units) * LINE;
    uint32_t lines = op->to->height, groups = op->layer->kind == REDS_GROUPED ? op->layer->groups : 1;
    uint32_t reads = (uint32_t)op->from->units / groups;
    uint32_t writes = groups == 1 ? op->units_out : (uint32_t)op->to->units / groups;
    run r = {
        .windows = scratch.copy,
        .step = (size_t)w.across * w.pitch,
        .plane = scratch.plane,
        .count = op->to->width,
        .offsets = scratch.offsets,
        .quads = (uint32_t)w.quads,
        .out = op->out,
        .apart = op->units_out,
    };
    copy_input(scratch.copy, op, &w);
    split(scratch.copy, scratch.copy + scratch.plane, (size_t)w.height * w.width * w.pitch);
    conv_offsets(scratch.offsets, op, &w);
    if (w.across == 1 && w.down == 1 && w.width == r.count) {
        r.count *= lines;
        lines = 1;
    }
    for (uint32_t y = 0; y < lines; y++) {
        rows t = {op->weights, panel, biases(op), reds_multipliers(op), op->zero, writes};
        run part = r;
        for (uint32_t unit = 0; unit < op->units_out; unit += writes) {
            if (PLANES == 2 && r.step % 2 == 1) {
                conv_turns(&part, &t);
            } else {
                conv_rows(&part, t);
            }
            t.weights += (writes + PANEL - 1) / PANEL * panel;
            t.bias += writes, t.multiplier += writes;
            part.windows += reads, part.out += writes;
        }
        r.windows += (size_t)w.down * w.width * w.pitch;
        r.out += (size_t)r.count * r.apart;
    }
}
