/* Build answers: frames, outputs that need several of them, and errors with a fault and a text. */
#include <string.h>

#include "agent.h"

uint8_t *agent_payload(agent *a)
{
    return (uint8_t *)a->answer + PROTOCOL_FRAME_HEAD_BYTES;
}

void agent_answer(agent *a, uint32_t size)
{
    frame_write((uint8_t *)a->answer, (uint8_t)(a->command | PROTOCOL_ANSWER), a->sequence, size);
}

uint32_t agent_add_output(agent *a, uint32_t used, uint32_t head)
{
    const int8_t *output = reds_output(&a->model);
    uint32_t left = (uint32_t)reds_output_bytes(&a->model), room = FRAME_PAYLOAD - used;
    for (; left > room; room = FRAME_PAYLOAD - head) {
        memcpy(agent_payload(a) + used, output, room);
        agent_answer(a, FRAME_PAYLOAD);
        output += room;
        left -= room;
        used = head;
    }
    memcpy(agent_payload(a) + used, output, left);
    return used + left;
}

void agent_error(agent *a, uint8_t fault, const char *text)
{
    uint32_t size = (uint32_t)strlen(text);
    agent_payload(a)[PROTOCOL_ERROR_CODE_AT] = fault;
    memcpy(agent_payload(a) + PROTOCOL_ERROR_BYTES, text, size);
    a->command = COMMAND_ERROR;
    agent_answer(a, PROTOCOL_ERROR_BYTES + size);
}
