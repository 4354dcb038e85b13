/* Convolution of any kernel size, stride and padding: pointwise, grouped and transposed ones included. tile.h explains
 * runs and their windows. */

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
    tile_rows(&part, *t);
    part.windows = r->windows + r->step + r->plane - 1;
    part.plane = 2 - r->plane;
    part.out = r->out + r->apart;
    part.count = r->count / 2;
    tile_rows(&part, *t);
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
                tile_rows(&part, t);
            }
            t.weights += (writes + PANEL - 1) / PANEL * panel;
            t.bias += writes, t.multiplier += writes;
            part.windows += reads, part.out += writes;
        }
        r.windows += (size_t)w.down * w.width * w.pitch;
        r.out += (size_t)r.count * r.apart;
    }
}
