/* Check the shape of one layer in the full net: its window, and the tensors that it reads and writes. */
#include "check.h"

/* One layer of the full net. `second` and `third` are its first input if it has no such one. */
typedef struct {
    const reds_header *pack;
    const reds_layer *layer;
    const reds_tensor *from, *to, *second, *third;
    uint32_t taps;
} view;

static view view_of(const reds_header *pack, uint32_t i)
{
    const reds_layer *layer = reds_layer_at(pack, i);
    uint32_t last = layer->inputs - 1u;
    return (view){
        .pack = pack,
        .layer = layer,
        .from = reds_tensor_at(pack, layer->input[0]),
        .to = reds_tensor_at(pack, i + 1),
        .second = reds_tensor_at(pack, layer->input[last < 1 ? last : 1]),
        .third = reds_tensor_at(pack, layer->input[last < 2 ? last : 2]),
        .taps = (uint32_t)layer->kernel[0] * layer->kernel[1],
    };
}

/* Return whether the windows of a layer begin and end in the input, and fit it `to` times along one side: 0 for rows,
 * 1 for columns. */
static bool slides(const reds_layer *layer, uint32_t side, uint32_t from, uint32_t to)
{
    uint32_t span = (layer->kernel[side] - 1u) * layer->dilation[side] + 1, stride = layer->stride[side];
    uint32_t before = layer->padding[side], after = layer->padding[side + 2];
    return layer->kernel[side] > 0 && stride > 0 && before < span && after < span &&
           from + before + after >= span && to == (from + before + after - span) / stride + 1;
}

static bool windows_ok(const view *v)
{
    return slides(v->layer, 0, v->from->height, v->to->height) &&
           slides(v->layer, 1, v->from->width, v->to->width);
}

/* Return whether a transposed convolution writes `to` rows (side 0) or columns (side 1): those of the input spread out
 * that windows of stride 1 fit. */
static bool spreads(const reds_layer *layer, uint32_t side, uint32_t from, uint32_t to)
{
    uint32_t before = layer->padding[side], after = layer->padding[side + 2], kernel = layer->kernel[side];
    return layer->stride[side] > 0 && before < kernel && after < kernel &&
           to + before + after == (from - 1) * layer->stride[side] + kernel;
}

/* Return whether each position is written stride times along a side. */
static bool repeats(const reds_layer *layer, uint32_t side, uint32_t from, uint32_t to)
{
    return to == from * layer->stride[side];
}

/* Return whether a layer moves no window: kernel and stride are 1 x 1, without padding. */
static bool plain(const reds_layer *layer)
{
    return layer->kernel[0] == 1 && layer->kernel[1] == 1 && layer->stride[0] == 1 && layer->stride[1] == 1 &&
           !reds_padded(layer);
}

/* Return whether the second input has the shape of the first, or repeats its only row or column. */
static bool broadcasts(const view *v)
{
    const reds_tensor *a = v->from, *b = v->second;
    return a->units == b->units && (b->height == a->height || b->height == 1) &&
           (b->width == a->width || b->width == 1) &&
           (reds_is_one_of(v->layer->layout, REDS_BROADCASTING) || reds_same_shape(a, b));
}

/* Return whether all inputs and the output of a concat have the same positions, and the output all of their units. */
static bool concatenates(const view *v)
{
    uint32_t units = 0;
    for (uint32_t k = 0; k < v->layer->inputs; k++) {
        const reds_tensor *from = reds_tensor_at(v->pack, v->layer->input[k]);
        if (from->height != v->to->height || from->width != v->to->width) {
            return false;
        }
        units += from->units;
    }
    return units == v->to->units;
}

/* Return whether queries, keys and values have the same units, in heads of one size, and each key a value. */
static bool attends(const view *v)
{
    uint32_t units = v->from->units, heads = v->layer->groups;
    return reds_same_shape(v->from, v->to) && v->second->units == units && v->third->units == units &&
           reds_positions(v->second) == reds_positions(v->third) && units % heads == 0 &&
           units / heads <= REDS_HEAD_UNITS && reds_positions(v->second) <= REDS_KEYS;
}

/* Return whether an embedding keeps the shape, or writes a column that begins with the positions in front. */
static bool embeds(const view *v)
{
    reds_layer rest = *v->layer;
    uint32_t front = rest.padding[0];
    rest.padding[0] = 0;
    return plain(&rest) && (front == 0 ? reds_same_shape(v->from, v->to)
                                       : v->to->height == front + reds_positions(v->from) &&
                                             v->to->width == 1 && v->to->units == v->from->units);
}

/* Return whether dilation and groups are those that the kind may have. */
static bool fields_ok(const reds_layer *layer)
{
    return layer->dilation[0] > 0 && layer->dilation[1] > 0 && layer->groups > 0 &&
           (!reds_dilated(layer) ||
            reds_is_one_of(layer->kind, 1 << REDS_CONV | 1 << REDS_DEPTHWISE | 1 << REDS_GROUPED)) &&
           (layer->groups == 1 || reds_is_one_of(layer->kind, 1 << REDS_GROUPED | 1 << REDS_ATTENTION));
}

static bool geometry_ok(const view *v)
{
    const reds_layer *layer = v->layer;
    const reds_tensor *from = v->from, *to = v->to;
    bool same_units = from->units == to->units;
    switch (layer->kind) {
    case REDS_DENSE:
        return plain(layer) && reds_positions(from) == 1 && reds_positions(to) == 1;
    case REDS_CONV: /* with this fan-in no sum overflows int32 */
        return windows_ok(v) && v->taps * from->units <= REDS_FAN_IN;
    case REDS_GROUPED:
        return windows_ok(v) && from->units % layer->groups == 0 && to->units % layer->groups == 0 &&
               v->taps * (from->units / layer->groups) <= REDS_FAN_IN;
    case REDS_TRANSPOSED:
        return spreads(layer, 0, from->height, to->height) && spreads(layer, 1, from->width, to->width) &&
               v->taps * from->units <= REDS_FAN_IN;
    case REDS_DEPTHWISE:
    case REDS_AVERAGE_POOL:
    case REDS_MAX_POOL:
        return windows_ok(v) && same_units;
    case REDS_UPSAMPLE:
        return v->taps == 1 && !reds_padded(layer) && same_units &&
               repeats(layer, 0, from->height, to->height) && repeats(layer, 1, from->width, to->width);
    case REDS_FLATTEN:
        return plain(layer) && reds_positions(to) == 1 && to->units == reds_tensor_values(from);
    case REDS_TRANSPOSE:
        return plain(layer) && to->height == from->units && to->width == 1 &&
               to->units == reds_positions(from);
    case REDS_RESHAPE:
        return plain(layer) && reds_tensor_values(from) == reds_tensor_values(to);
    case REDS_CONCAT:
        return plain(layer) && concatenates(v);
    case REDS_ATTENTION:
        return plain(layer) && attends(v);
    case REDS_EMBED:
        return embeds(v);
    default: /* value by value: an addition, a product, a parametric ReLU, a layer norm */
        return plain(layer) && reds_same_shape(from, to) && broadcasts(v);
    }
}

uint64_t reds_window_values(const reds_header *pack, uint32_t i)
{
    const view v = view_of(pack, i);
    if (v.layer->kind == REDS_ATTENTION) {
        return (uint64_t)reds_positions(v.from) * reds_positions(v.second) * v.layer->groups;
    }
    bool moves =
        reds_is_one_of(v.layer->kind, 1 << REDS_CONV | 1 << REDS_DEPTHWISE | 1 << REDS_AVERAGE_POOL |
                                          1 << REDS_MAX_POOL | 1 << REDS_GROUPED | 1 << REDS_TRANSPOSED);
    return moves ? (uint64_t)reds_positions(v.to) * v.taps * v.from->units : 0;
}

bool reds_shape_ok(const reds_header *pack, uint32_t i)
{
    const view v = view_of(pack, i);
    return fields_ok(v.layer) && geometry_ok(&v) && reds_window_values(pack, i) <= REDS_WINDOW_VALUES;
}
