/* Store a pack that arrives in pieces, and load it after its checksum and every offset are checked. An
 * interrupted transfer resumes where it stopped, as long as the agent runs. */
#include <string.h>

#include "../runtime/crc32.h"
#include "../runtime/pack.h"
#include "agent.h"
#include "port.h"

reds_status store_load(agent *a)
{
    const reds_header *header = (const void *)port.store;
    reds_status status = reds_load(&a->model, port.store, port.store_bytes, port.arena, port.arena_bytes);
    a->loaded_bytes = status == REDS_OK ? header->size : 0;
    a->loaded_crc = status == REDS_OK ? reds_crc32(0, port.store, header->size) : 0;
    return status;
}

void store_begin(agent *a, const frame *request)
{
    uint32_t size = FIELD32(request, PUT_BEGIN_SIZE), crc = FIELD32(request, PUT_BEGIN_CRC);
    if (size == 0 || size > port.store_bytes) {
        agent_error(a, FAULT_TOO_LARGE, "the pack is empty or larger than the store: the hello has its size");
        return;
    }
    if (size != a->put_bytes || crc != a->put_crc) {
        a->put_bytes = size;
        a->put_crc = crc;
        a->put_next = 0;
    }
    a->loaded_bytes = a->loaded_crc = 0; /* the store is about to change */
    a->input_bytes = 0;
    a->govern.governor.subnets = 0;
    put32(agent_payload(a) + PROTOCOL_OFFSET_OFFSET_AT, a->put_next);
    agent_answer(a, PROTOCOL_OFFSET_BYTES);
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

void store_data(agent *a, const frame *request)
{
    uint32_t at = FIELD32(request, OFFSET_OFFSET), size = request->size - PROTOCOL_OFFSET_BYTES;
    if (a->put_bytes == 0 || at != a->put_next || size == 0 || size > a->put_bytes - at ||
        (size % 4 != 0 && size != a->put_bytes - at)) {
        agent_error(a, FAULT_BAD_REQUEST, "not the next whole words of a transfer: begin it again");
        return;
    }
    uint32_t page = (at + port.page_bytes - 1) / port.page_bytes * port.page_bytes;
    bool done = true;
    for (; done && page < at + size; page += port.page_bytes) {
        done = port_erase(page);
    }
    if (!done || !program(at, request->payload + PROTOCOL_OFFSET_BYTES, size)) {
        a->put_bytes = 0;
        agent_error(a, FAULT_STORAGE, "the store could not be erased or written: the flash may be worn out");
        return;
    }
    a->put_next = at + size;
    put32(agent_payload(a) + PROTOCOL_OFFSET_OFFSET_AT, a->put_next);
    agent_answer(a, PROTOCOL_OFFSET_BYTES);
}

void store_end(agent *a)
{
    if (a->put_bytes == 0 || a->put_next != a->put_bytes) {
        agent_error(a, FAULT_BAD_REQUEST, "the transfer is not complete: send the missing pieces");
        return;
    }
    uint32_t crc = reds_crc32(0, port.store, a->put_bytes);
    a->put_bytes = 0;
    if (crc != a->put_crc) {
        agent_error(a, FAULT_BAD_PACK, "the checksum of the stored pack does not match: send it again");
        return;
    }
    reds_status status = store_load(a);
    if (status != REDS_OK) {
        agent_error(a, FAULT_BAD_PACK, reds_reason(status));
        return;
    }
    put16(agent_payload(a) + PROTOCOL_PUT_END_ANSWER_SUBNETS_AT, a->model.subnets);
    agent_answer(a, PROTOCOL_PUT_END_ANSWER_BYTES);
}
