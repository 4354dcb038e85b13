/* Check the rooms of one plan: which tensors the subnet has, and which of them stand for others. */
#include "check.h"

/* Return whether a tensor that stands for an earlier one has its shape, place, units and zero point. */
static bool stands(const reds_header *pack, const reds_room *rooms, uint32_t tensor)
{
    const reds_room *room = &rooms[tensor];
    uint32_t holds = room->holds;
    return holds < tensor && reds_written(rooms, holds) &&
           reds_same_shape(reds_tensor_at(pack, tensor), reds_tensor_at(pack, holds)) &&
           room->at == rooms[holds].at && room->units == rooms[holds].units &&
           room->zero == rooms[holds].zero;
}

static bool room_ok(const reds_header *pack, const reds_room *rooms, uint32_t tensor)
{
    static const uint8_t none[sizeof rooms->reserved] = {0};
    const reds_room *room = &rooms[tensor];
    if (memcmp(room->reserved, none, sizeof none) != 0 || room->units > reds_tensor_at(pack, tensor)->units ||
        !reds_is_zero_point(room->zero)) {
        return false;
    }
    return room->holds != tensor ? stands(pack, rooms, tensor)
                                 : room->units > 0 || (room->at == 0 && room->zero == 0);
}

/* Return whether subnets are nested: a larger one has the units of a tensor and writes it if the smaller one does. */
static bool nested(const reds_room *smaller, const reds_room *rooms, uint32_t tensor)
{
    return smaller[tensor].units <= rooms[tensor].units &&
           (!reds_written(smaller, tensor) || reds_written(rooms, tensor));
}

bool reds_rooms_ok(const reds_header *pack, const reds_plan *plan, const reds_plan *smaller)
{
    const reds_room *rooms = reds_rooms(pack, plan);
    const reds_room *fewer = smaller == NULL ? NULL : reds_rooms(pack, smaller);
    for (uint32_t tensor = 0; tensor < pack->tensors; tensor++) {
        if (!room_ok(pack, rooms, tensor) || (fewer != NULL && !nested(fewer, rooms, tensor))) {
            return false;
        }
    }
    return rooms[0].units == reds_tensor_at(pack, 0)->units && rooms[0].zero == pack->input_zero &&
           reds_written(rooms, pack->layers);
}
