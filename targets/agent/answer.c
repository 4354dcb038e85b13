/* Build answers: fields of a payload, frames, errors with a fault and a text. */
#include <string.h>

#include "agent.h"

uint32_t get16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

uint32_t get32(const uint8_t *bytes)
{
    return get16(bytes) | get16(bytes + 2) << 16;
}

void put16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

void put32(uint8_t *bytes, uint32_t value)
{
    put16(bytes, value);
    put16(bytes + 2, value >> 16);
}

uint8_t *agent_payload(agent *a)
{
    return (uint8_t *)a->answer + PROTOCOL_FRAME_HEAD_BYTES;
}

void agent_answer(agent *a, uint32_t size)
{
    frame_write((uint8_t *)a->answer, (uint8_t)(a->command | PROTOCOL_ANSWER), a->sequence, size);
}

void agent_error(agent *a, uint8_t fault, const char *text)
{
    uint32_t size = (uint32_t)strlen(text);
    agent_payload(a)[PROTOCOL_ERROR_CODE_AT] = fault;
    memcpy(agent_payload(a) + PROTOCOL_ERROR_BYTES, text, size);
    a->command = COMMAND_ERROR;
    agent_answer(a, PROTOCOL_ERROR_BYTES + size);
}
