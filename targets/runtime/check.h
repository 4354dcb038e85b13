/* Check every byte of a pack that could be wrong, once, before any of it is used.
 *
 * A pack is accepted only if the writer would write the same bytes for its network; the arena alone may be planned
 * in another way. No check uses memory of its own. The time is linear in the size of the pack, but for the arena:
 * each plan compares each pair of tensors at most once, which are 32,640 pairs for 255 layers, and looks for the
 * last reader of each tensor among its steps. */
#ifndef REDS_CHECK_H
#define REDS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "kernels/kernels.h"
#include "reds.h"

/* The place in a pack up to which all bytes are checked. */
typedef struct {
    const reds_header *pack;
    const reds_kernels *kernels;
    uint32_t end;
} reds_cursor;

/* Return REDS_OK, or why a pack cannot run on these kernels in an arena of this size. */
reds_status reds_check(const reds_header *pack, size_t size, size_t arena_size, const reds_kernels *kernels);

/* The parts of reds_check: */

/* Check all tensors and layers, without the bytes of the weights. */
reds_status reds_check_layers(const reds_header *pack, const reds_kernels *kernels);

/* Return whether kernel, stride, padding, dilation and groups of a layer of a known kind fit its tensors. */
bool reds_shape_ok(const reds_header *pack, uint32_t i);

/* Return the values that all windows of a layer read, or that all scores of an attention are; otherwise 0. */
uint64_t reds_window_values(const reds_header *pack, uint32_t i);

/* Return whether the rooms of a plan are valid. `smaller` is the plan before it, NULL for the first. */
bool reds_rooms_ok(const reds_header *pack, const reds_plan *plan, const reds_plan *smaller);

/* Return whether the steps and tables of a plan with valid rooms are valid. */
bool reds_plan_ok(reds_cursor *cursor, const reds_plan *plan, const reds_plan *smaller);

/* Return whether no two tensors or scratch buffers that a plan uses at the same time share bytes. */
bool reds_arena_ok(const reds_header *pack, const reds_plan *plan, const reds_kernels *kernels);

/* Return whether a field holds UTF-8 text of printable characters, followed by zeros and by at least one. */
bool reds_is_name(const char *field, size_t size);

/* Return the next section of a pack, which begins at the next multiple of `alignment`, a power of two. Return NULL
 * if it is not the one at `at` or exceeds the pack. */
const void *reds_take(reds_cursor *cursor, uint32_t at, uint64_t bytes, uint32_t alignment);

static inline const reds_tensor *reds_tensor_at(const reds_header *pack, uint32_t index)
{
    return (const reds_tensor *)reds_at(pack, pack->tensors_at) + index;
}

static inline const reds_layer *reds_layer_at(const reds_header *pack, uint32_t index)
{
    return (const reds_layer *)reds_at(pack, pack->layers_at) + index;
}

/* Return whether a subnet writes the tensor, which is not left out and stands for no other. */
static inline bool reds_written(const reds_room *rooms, uint32_t tensor)
{
    return rooms[tensor].holds == tensor && rooms[tensor].units > 0;
}

static inline bool reds_same_shape(const reds_tensor *a, const reds_tensor *b)
{
    return a->height == b->height && a->width == b->width && a->units == b->units;
}

static inline uint64_t reds_tensor_values(const reds_tensor *tensor)
{
    return (uint64_t)reds_positions(tensor) * tensor->units;
}

/* Return whether a scale is finite, positive and normal. Its bits tell so under any floating-point options. */
static inline bool reds_is_scale(float scale)
{
    uint32_t bits;
    memcpy(&bits, &scale, sizeof bits);
    return bits >= 0x00800000 && bits <= 0x7f7fffff;
}

static inline bool reds_is_zero_point(int32_t zero)
{
    return zero >= -127 && zero <= 127;
}

#endif
