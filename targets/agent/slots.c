#include "slots.h"

#include <stddef.h>
#include <string.h>

#include "../runtime/crc32.h"
#include "port.h"

enum { CHECKED = offsetof(slot_record, check), RECORD_WORDS = sizeof(slot_record) / 4 };

static uint32_t slot_bytes(void)
{
    return port.store_bytes / port.page_bytes / SLOTS * port.page_bytes;
}

static uint32_t record_at(uint32_t slot)
{
    return (slot + 1) * slot_bytes() - (uint32_t)sizeof(slot_record);
}

uint32_t slots_room(void)
{
    return record_at(0);
}

uint32_t slots_room_of_both(void)
{
    return record_at(1);
}

uint32_t slots_place(const slot_record *old, uint32_t old_slot, slot_record *pack)
{
    uint32_t slot = pack->size > slots_room() || (old->size != 0 && old_slot == 0) ? 1 : 0;
    pack->sequence = old->sequence + 1;
    pack->at = pack->size > slots_room() ? 0 : slot * slot_bytes();
    return slot;
}

bool slots_clear(uint32_t slot)
{
    return port_erase((slot + 1) * slot_bytes() - port.page_bytes);
}

bool slots_commit(uint32_t slot, slot_record *record)
{
    uint32_t words[RECORD_WORDS];
    record->check = reds_crc32(0, record, CHECKED);
    memcpy(words, record, sizeof words);
    return port_program(record_at(slot), words, RECORD_WORDS) &&
           memcmp(port.store + record_at(slot), record, sizeof *record) == 0;
}

/* Return whether a record names a place that slots_place gives to a pack in its slot. */
static bool in_place(uint32_t slot, const slot_record *record)
{
    if (record->size <= slots_room()) {
        return record->size != 0 && record->at == slot * slot_bytes();
    }
    return slot == 1 && record->at == 0 && record->size <= slots_room_of_both();
}

uint32_t slots_read(slot_record records[SLOTS])
{
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        slot_record *record = &records[slot];
        memcpy(record, port.store + record_at(slot), sizeof *record);
        if (record->check != reds_crc32(0, record, CHECKED) || !in_place(slot, record)) {
            memset(record, 0, sizeof *record);
        }
    }
    bool second = (int32_t)(records[1].sequence - records[0].sequence) > 0;
    return records[1].size != 0 && (records[0].size == 0 || second) ? 1 : 0;
}

bool slots_whole(const slot_record *record)
{
    return record->size != 0 && reds_crc32(0, port.store + record->at, record->size) == record->crc;
}
