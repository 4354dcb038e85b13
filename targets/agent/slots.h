/* The place of packs in the store: two slots, so that a new pack lies beside the old one until it is whole.
 *
 * A slot is half of the store's pages. It ends with the record of its pack. The record is written after all else
 * is checked, so the last of its words makes the pack the stored one. Until then the record of the other slot,
 * which nothing touches, is the newest. A record that is torn does not have its checksum, and counts for nothing.
 *
 * A pack larger than a slot takes both, from the start of the store to the record at its end. */
#ifndef REDS_SLOTS_H
#define REDS_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

enum { SLOTS = 2 };

typedef struct {
    uint32_t sequence; /* one more than that of the pack before it */
    uint32_t at;       /* offset of the pack in the store */
    uint32_t size;     /* bytes of the pack; 0: none */
    uint32_t crc;      /* CRC-32 of the pack */
    uint32_t check;    /* CRC-32 of the fields above */
} slot_record;

/* Return the bytes of the largest pack that takes one slot, and of the largest that takes both. */
uint32_t slots_room(void);
uint32_t slots_room_of_both(void);

/* Choose the slot and the place of a new pack, which is not the slot of the `old` pack if it fits another. */
uint32_t slots_place(const slot_record *old, uint32_t old_slot, slot_record *pack);

/* Erase the record of a slot. Return false if the flash fails. */
bool slots_clear(uint32_t slot);

/* Seal a record and write it to a slot that was cleared before. Return false if the flash fails. */
bool slots_commit(uint32_t slot, slot_record *record);

/* Read the records. Return the slot of the newest one; what is no record has the size 0. */
uint32_t slots_read(slot_record records[SLOTS]);

/* Return whether the bytes of a pack in the store have its checksum. */
bool slots_whole(const slot_record *record);

#endif
