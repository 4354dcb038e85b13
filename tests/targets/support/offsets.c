/* offsets: prints a line `struct offset size elements` for each field of the pack's structs, in order. */
#include <stddef.h>
#include <stdio.h>

#include "../../../targets/runtime/pack.h"

/* `elements` values, stored one after the other. */
#define FIELD(type, name, elements) \
    printf("%s %zu %zu %d\n", #type, offsetof(reds_##type, name), sizeof(((reds_##type *)0)->name), elements)

int main(void)
{
    FIELD(header, magic, 1);
    FIELD(header, version, 1);
    FIELD(header, size, 1);
    FIELD(header, crc, 1);
    FIELD(header, tensors, 1);
    FIELD(header, layers, 1);
    FIELD(header, subnets, 1);
    FIELD(header, flags, 1);
    FIELD(header, tensors_at, 1);
    FIELD(header, layers_at, 1);
    FIELD(header, plans_at, 1);
    FIELD(header, tables_at, 1);
    FIELD(header, input_scale, 1);
    FIELD(header, input_zero, 1);
    FIELD(header, name, 1);
    FIELD(tensor, height, 1);
    FIELD(tensor, width, 1);
    FIELD(tensor, units, 1);
    FIELD(tensor, reserved, 1);
    FIELD(layer, kind, 1);
    FIELD(layer, relu, 1);
    FIELD(layer, inputs, 1);
    FIELD(layer, layout, 1);
    FIELD(layer, input, REDS_INPUTS);
    FIELD(layer, kernel, 2);
    FIELD(layer, stride, 2);
    FIELD(layer, padding, 4);
    FIELD(layer, dilation, 2);
    FIELD(layer, groups, 1);
    FIELD(layer, weights_at, 1);
    FIELD(layer, weights_bytes, 1);
    FIELD(plan, label, 1);
    FIELD(plan, macs, 1);
    FIELD(plan, arena_bytes, 1);
    FIELD(plan, output_scale, 1);
    FIELD(plan, rooms_at, 1);
    FIELD(plan, steps_at, 1);
    FIELD(plan, steps, 1);
    FIELD(room, at, 1);
    FIELD(room, units, 1);
    FIELD(room, holds, 1);
    FIELD(room, zero, 1);
    FIELD(room, reserved, 3);
    FIELD(step, layer, 1);
    FIELD(step, zero, 1);
    FIELD(step, reserved, 1);
    FIELD(step, scratch_at, 1);
    FIELD(step, table_at, 1);
    FIELD(step, plain_at, 1);
    FIELD(step, activation_at, 1);
    return 0;
}
