/* Sizes and checks of layout vnni, and the places in a layer's scratch, in plain C. */
#include "../portable/portable.h"
#include "x86.h"

#if defined(__x86_64__)

/* Set the window and the sides of the copy. A transposed convolution is one of stride 1 over the input spread out. */
static void set_sides(reds_x86_window *w, const reds_layer *layer, const reds_tensor *from)
{
    w->rows = layer->kernel[0];
    w->columns = layer->kernel[1];
    w->skip_rows = layer->dilation[0];
    w->skip_columns = layer->dilation[1];
    if (layer->kind == REDS_TRANSPOSED) {
        w->down = w->across = 1;
        w->spread_rows = layer->stride[0];
        w->spread_columns = layer->stride[1];
        w->top = w->rows - 1 - layer->padding[0];
        w->left = w->columns - 1 - layer->padding[1];
        w->height = (from->height - 1) * w->spread_rows + 1 + w->top + w->rows - 1 - layer->padding[2];
        w->width = (from->width - 1) * w->spread_columns + 1 + w->left + w->columns - 1 - layer->padding[3];
    } else {
        w->down = layer->stride[0];
        w->across = layer->stride[1];
        w->top = layer->padding[0];
        w->left = layer->padding[1];
        w->height = (uint32_t)from->height + w->top + layer->padding[2];
        w->width = (uint32_t)from->width + w->left + layer->padding[3];
    }
}

uint64_t reds_x86_quads(const reds_layer *layer, const reds_tensor *from, uint32_t units)
{
    uint32_t rows = layer->kind == REDS_DENSE ? 1 : layer->kernel[0];
    uint32_t columns = layer->kind == REDS_DENSE ? 1 : layer->kernel[1];
    if (layer->kind == REDS_DEPTHWISE) {
        return (rows * columns + 3) / 4;
    }
    if (from->units < 4) {
        return (uint64_t)rows * ((columns * from->units + 3) / 4);
    }
    uint32_t read = layer->kind == REDS_GROUPED ? (uint32_t)from->units / layer->groups : units;
    return (uint64_t)rows * columns * ((read + 3) / 4);
}

void reds_x86_set_window(reds_x86_window *w, const reds_layer *layer, const reds_tensor *from, uint32_t units)
{
    bool few_units = from->units < 4, depthwise = layer->kind == REDS_DEPTHWISE;
    w->live = units;
    w->pitch = depthwise ? units : few_units ? from->units : (units + 3) / 4 * 4;
    w->quads = reds_x86_quads(layer, from, units);
    w->phases = w->spread_rows = w->spread_columns = 1;
    if (layer->kind == REDS_DENSE) {
        w->rows = w->columns = w->height = w->width = 1;
        w->skip_rows = w->skip_columns = w->down = w->across = w->top = w->left = 0;
        return;
    }
    set_sides(w, layer, from);
    if (depthwise) {
        w->phases = w->across;
        w->width = (w->width + w->phases - 1) / w->phases * w->phases;
    } else if (few_units) {
        w->width += w->width % 2; /* lines of an even length */
    }
}

static uint64_t lines(uint64_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

static uint64_t offsets_bytes(const reds_layer *layer, const reds_x86_window *w)
{
    return lines(w->quads * (layer->kind == REDS_DEPTHWISE ? 16 : 4));
}

static uint64_t arranged_bytes(const reds_layer *layer, const reds_x86_window *w)
{
    return layer->kind == REDS_DEPTHWISE ? w->quads * 4 * LINE : 0;
}

/* Return the bytes of a copy of the input, with what loads reach past its end: windows past the last one of a line,
 * which fill a tile, but for depthwise layers, whose phases are windows of one vector. */
static uint64_t plane_bytes(const reds_layer *layer, const reds_x86_window *w)
{
    uint64_t past = layer->kind == REDS_DEPTHWISE ? 0 : (uint64_t)(TILE - 1) * w->across * w->pitch;
    return lines((uint64_t)w->height * w->width * w->pitch + past) + LINE;
}

reds_x86_scratch reds_x86_scratch_of(const reds_op *op, const reds_x86_window *w)
{
    uint8_t *start = (uint8_t *)op->scratch + (-(uintptr_t)op->scratch & (LINE - 1));
    uint8_t *arranged = start + offsets_bytes(op->layer, w);
    uint8_t *copy = arranged + arranged_bytes(op->layer, w);
    return (reds_x86_scratch){
        .offsets = (void *)start,
        .arranged = (void *)arranged,
        .copy = copy,
        .plane = plane_bytes(op->layer, w),
    };
}

uint32_t reds_x86_scratch_bytes(const reds_layer *layer, const reds_tensor *tensors, uint32_t units_in)
{
    if (!reds_weighted(layer->kind)) {
        return 0;
    }
    reds_x86_window w;
    reds_x86_set_window(&w, layer, &tensors[layer->input[0]], units_in);
    uint64_t planes = layer->kind == REDS_DEPTHWISE ? 1 : 2;
    uint64_t bytes =
        LINE + offsets_bytes(layer, &w) + arranged_bytes(layer, &w) + planes * plane_bytes(layer, &w);
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX; /* larger than any arena */
}

/* Return whether the kernels run a layer: windows of few units have none between their taps, and blocks of groups are
 * quads. */
static bool runs(const reds_layer *layer, const reds_tensor *from)
{
    bool dilates = from->units >= 4 || layer->kind == REDS_DEPTHWISE;
    bool quads = layer->kind != REDS_GROUPED || from->units / layer->groups % 4 == 0;
    return (dilates || !reds_dilated(layer)) && quads;
}

uint64_t reds_x86_weights_bytes(const reds_layer *layer, const reds_tensor *from, const reds_tensor *to)
{
    if (!runs(layer, from)) {
        return UINT64_MAX;
    }
    uint32_t blocks = layer->kind == REDS_GROUPED ? layer->groups : 1;
    uint64_t panels = ((uint32_t)to->units / blocks + PANEL - 1u) / PANEL * blocks;
    return reds_weighted(layer->kind) ? reds_x86_quads(layer, from, from->units) * panels * PANEL * 4 : 0;
}

uint64_t reds_x86_table_bytes(const reds_layer *layer, uint32_t rows)
{
    return (reds_weighted(layer->kind) ? 12ull : 8ull) * rows;
}

/* Any bias for inputs with an offset is valid: sums are modulo 2^32. */
bool reds_x86_table_ok(const reds_layer *layer, const void *table, uint32_t units, const uint8_t *plain)
{
    return reds_portable_table_ok(layer, table, units, plain);
}

#endif
