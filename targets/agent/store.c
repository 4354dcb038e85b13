/* Store a pack that arrives in pieces, and load it after its checksum and every offset are checked. Pieces that
 * the loaded pack has at the same place are copied from there. An interrupted transfer resumes where it stopped,
 * as long as the agent runs. */
#include <string.h>

#include "../runtime/crc32.h"
#include "agent.h"
#include "port.h"

/* Bytes of a page: the piece of a pack that is compared, less than a page of the flash. */
enum { PAGE = 512 };

static reds_status load(reds_model *model, const slot_record *pack)
{
    return reds_load(model, port.store + pack->at, pack->size, port.arena, port.arena_bytes);
}

void store_load(agent *a)
{
    slot_record records[SLOTS];
    uint32_t newest = slots_read(records);
    for (uint32_t i = 0; i < SLOTS && a->loaded.size == 0; i++) {
        uint32_t slot = i == 0 ? newest : 1 - newest;
        if (slots_whole(&records[slot]) && load(&a->model, &records[slot]) == REDS_OK) {
            a->loaded = records[slot];
            a->loaded_slot = slot;
        }
    }
}

/* Make a pack the loaded one, or none of size 0. The inputs and the governor of the one before it end. */
static void replace_loaded(agent *a, const slot_record *pack, uint32_t slot)
{
    a->loaded = *pack;
    a->loaded_slot = slot;
    a->input_bytes = 0;
    a->govern.governor.subnets = 0;
}

void store_begin(agent *a, const frame *request)
{
    uint32_t size = FIELD32(request, PUT_BEGIN_SIZE), crc = FIELD32(request, PUT_BEGIN_CRC);
    if (size == 0 || size > slots_room_of_both()) {
        agent_error(a, FAULT_TOO_LARGE, "the pack is empty or larger than the store: the hello has its size");
        return;
    }
    if (size != a->put.size || crc != a->put.crc) {
        a->put.size = size;
        a->put.crc = crc;
        a->put_slot = slots_place(&a->loaded, a->loaded_slot, &a->put);
        a->put_next = 0;
    }
    put32(agent_payload(a) + PROTOCOL_OFFSET_OFFSET_AT, a->put_next);
    agent_answer(a, PROTOCOL_OFFSET_BYTES);
}

/* Return whether the loaded pack stays while the transfer is written. */
static bool keeps_loaded(const agent *a)
{
    return a->loaded.size != 0 && a->loaded.size <= slots_room() && a->put.size <= slots_room();
}

/* Erase the records that the transfer makes invalid: first that of the slot that holds no loaded pack, so that
 * no pack from before the loaded one ever comes back. The loaded pack is given up only if it is in the way. */
static bool clear_place(agent *a)
{
    bool keeps = keeps_loaded(a);
    uint32_t other = a->loaded.size != 0 ? 1 - a->loaded_slot : 0;
    if (!keeps) {
        replace_loaded(a, &(slot_record){0}, 0);
    }
    return slots_clear(other) && (keeps || slots_clear(1 - other));
}

static bool program(uint32_t at, const uint8_t *bytes, uint32_t size)
{
    uint32_t words[16];
    while (size > 0) {
        uint32_t part = size < sizeof words ? size : (uint32_t)sizeof words;
        memset(words, 0xff, sizeof words);
        memcpy(words, bytes, part);
        if (!port_program(at, words, (part + 3) / 4)) {
            return false;
        }
        at += part;
        bytes += part;
        size -= part;
    }
    return true;
}

/* Return whether a piece is the next of the transfer, or answer with an error. */
static bool is_next(agent *a, uint32_t at, uint32_t size)
{
    uint32_t left = a->put.size - a->put_next;
    bool next =
        a->put.size != 0 && at == a->put_next && size != 0 && size <= left && (size % 4 == 0 || size == left);
    if (!next) {
        agent_error(a, FAULT_BAD_REQUEST, "not the next whole words of a transfer: begin it again");
    }
    return next;
}

/* Write the next piece of the transfer and answer. Pages are erased when the first piece reaches them. */
static void write_piece(agent *a, const uint8_t *bytes, uint32_t size)
{
    uint32_t at = a->put.at + a->put_next;
    uint32_t page = (at + port.page_bytes - 1) / port.page_bytes * port.page_bytes;
    bool done = a->put_next != 0 || clear_place(a);
    for (; done && page < at + size; page += port.page_bytes) {
        done = port_erase(page);
    }
    if (!done || !program(at, bytes, size)) {
        a->put.size = 0;
        agent_error(a, FAULT_STORAGE, "the store could not be erased or written: the flash may be worn out");
        return;
    }
    a->put_next += size;
    put32(agent_payload(a) + PROTOCOL_OFFSET_OFFSET_AT, a->put_next);
    agent_answer(a, PROTOCOL_OFFSET_BYTES);
}

void store_data(agent *a, const frame *request)
{
    uint32_t size = request->size - PROTOCOL_OFFSET_BYTES;
    if (is_next(a, FIELD32(request, OFFSET_OFFSET), size)) {
        write_piece(a, request->payload + PROTOCOL_OFFSET_BYTES, size);
    }
}

void store_copy(agent *a, const frame *request)
{
    uint32_t at = FIELD32(request, PUT_COPY_OFFSET), size = FIELD32(request, PUT_COPY_SIZE);
    if (!is_next(a, at, size)) {
        return;
    }
    if (!keeps_loaded(a) || size > a->loaded.size || at > a->loaded.size - size) {
        agent_error(a, FAULT_BAD_REQUEST, "no pack is kept that has these bytes: send them");
        return;
    }
    write_piece(a, port.store + a->loaded.at + at, size);
}

void store_end(agent *a)
{
    slot_record pack = a->put;
    if (pack.size == 0 || a->put_next != pack.size) {
        agent_error(a, FAULT_BAD_REQUEST, "the transfer is not complete: send the missing pieces");
        return;
    }
    a->put.size = 0;
    if (!slots_whole(&pack)) {
        agent_error(a, FAULT_BAD_PACK, "the checksum of the stored pack does not match: send it again");
        return;
    }
    reds_model model;
    reds_status status = load(&model, &pack);
    if (status != REDS_OK) {
        agent_error(a, FAULT_BAD_PACK, reds_reason(status));
        return;
    }
    if (!slots_commit(a->put_slot, &pack)) {
        agent_error(a, FAULT_STORAGE,
                    "the record of the pack could not be written: the flash may be worn out");
        return;
    }
    a->model = model;
    replace_loaded(a, &pack, a->put_slot);
    put16(agent_payload(a) + PROTOCOL_PUT_END_ANSWER_SUBNETS_AT, a->model.subnets);
    agent_answer(a, PROTOCOL_PUT_END_ANSWER_BYTES);
}

/* Return the Adler-32 of a page. Its checksum is not a CRC: two pages of one CRC-32 would give both packs the same
 * CRC-32, too, so that no check at the end could tell them apart. */
static uint32_t adler32(const uint8_t *bytes, uint32_t size)
{
    enum { MODULUS = 65521 };
    uint32_t low = 1, high = 0; /* the sums of a page fit 32 bits */
    for (uint32_t i = 0; i < size; i++) {
        low += bytes[i];
        high += low;
    }
    return high % MODULUS << 16 | low % MODULUS;
}

void store_pages(agent *a, const frame *request)
{
    enum { MOST = (FRAME_PAYLOAD - PROTOCOL_PAGES_ANSWER_BYTES) / PROTOCOL_PAGE_BYTES };
    uint32_t page = FIELD32(request, PAGES_FIRST), size = a->loaded.size, pages = (size + PAGE - 1) / PAGE;
    if (page > pages) {
        agent_error(a, FAULT_BAD_REQUEST, "the loaded pack has fewer pages: begin with page 0");
        return;
    }
    uint8_t *p = agent_payload(a);
    uint32_t held = pages - page < MOST ? pages - page : MOST;
    put32(p + PROTOCOL_PAGES_ANSWER_SLOT_AT, slots_room());
    put32(p + PROTOCOL_PAGES_ANSWER_PAGE_AT, PAGE);
    put32(p + PROTOCOL_PAGES_ANSWER_SIZE_AT, size);
    p += PROTOCOL_PAGES_ANSWER_BYTES;
    for (uint32_t i = 0; i < held; i++, page++, p += PROTOCOL_PAGE_BYTES) {
        uint32_t left = size - page * PAGE;
        const uint8_t *bytes = port.store + a->loaded.at + page * PAGE;
        put32(p + PROTOCOL_PAGE_SUM_AT, adler32(bytes, left < PAGE ? left : PAGE));
    }
    agent_answer(a, PROTOCOL_PAGES_ANSWER_BYTES + held * PROTOCOL_PAGE_BYTES);
}
