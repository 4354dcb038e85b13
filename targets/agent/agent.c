/* Read requests, check them and answer them. No input can make the agent hang or read out of bounds: the
 * length of each request is checked here, each value where it is used. */
#include "agent.h"

#include <string.h>

#include "port.h"

#ifndef REDS_BUILD_ID
#error "define REDS_BUILD_ID as the text that build_id.py prints"
#endif

static uint8_t *put_text(uint8_t *bytes, const char *text, size_t size)
{
    memset(bytes, 0, size);
    memcpy(bytes, text, strlen(text) < size ? strlen(text) : size);
    return bytes + size;
}

static void hello(agent *a, const frame *request)
{
    if (get16(request->payload) != PROTOCOL_VERSION) {
        agent_error(a, FAULT_VERSION, "the agent has another protocol version: upload the agent again");
        return;
    }
    uint8_t *p = agent_payload(a);
    p = put16(p, PROTOCOL_VERSION);
    p = put16(p, port.emulated ? FLAG_EMULATED : 0);
    p = put32(p, port.store_bytes);
    p = put32(p, port.arena_bytes);
    p = put32(p, port.inputs_bytes);
    p = put16(p, FRAME_PAYLOAD);
    p = put16(p, port.clock_count);
    p = put32(p, reds_layouts());
    p = put32(p, a->loaded_bytes);
    p = put32(p, a->loaded_crc);
    p = put_text(p, REDS_BUILD_ID, 16);
    p = put_text(p, port.board, 16);
    for (uint32_t i = 0; i < port.clock_count; i++) {
        p = put32(p, port.clocks[i].hz);
        p = put_text(p, port.clocks[i].name, 12);
    }
    agent_answer(a, PROTOCOL_HELLO_BYTES + port.clock_count * PROTOCOL_CLOCK_BYTES);
}

static void take_inputs(agent *a, const frame *request)
{
    uint32_t at = get32(request->payload), size = request->size - 4;
    const uint8_t *values = request->payload + 4;
    if (at > a->input_bytes) {
        agent_error(a, FAULT_BAD_REQUEST, "the offset is past the inputs sent so far: send them in order");
    } else if (size > port.inputs_bytes - at) {
        agent_error(a, FAULT_TOO_LARGE, "more inputs than the agent has memory for: send fewer");
    } else if (memchr(values, 0x80, size) != NULL) {
        agent_error(a, FAULT_BAD_REQUEST, "an input is -128: inputs lie in [-127, 127]");
    } else {
        memcpy(port.inputs + at, values, size);
        a->input_bytes = at + size;
        agent_answer(a, 0);
    }
}

static void reset(agent *a)
{
    memset(a, 0, sizeof *a);
    store_load(a);
}

static void select(agent *a, const frame *request)
{
    reds_status status = reds_select(&a->model, get16(request->payload));
    if (status != REDS_OK) {
        agent_error(a, FAULT_BAD_REQUEST, reds_reason(status));
    } else {
        agent_answer(a, 0);
    }
}

/* Return the payload bytes that a request must have (INPUTS and PUT_DATA: at least), or -1 for an unknown
 * command. */
static int32_t expected_size(uint8_t command)
{
    switch (command) {
    case COMMAND_HELLO:
    case COMMAND_SELECT:
    case COMMAND_INFER:
        return 2;
    case COMMAND_PUT_DATA:
    case COMMAND_INPUTS:
        return 4;
    case COMMAND_PUT_BEGIN:
    case COMMAND_MEASURE:
        return 8;
    case COMMAND_SWITCH:
        return 10;
    case COMMAND_PUT_END:
    case COMMAND_RESET:
        return 0;
    default:
        return -1;
    }
}

static bool size_ok(const frame *request)
{
    int32_t expected = expected_size(request->command);
    bool open_ended = request->command == COMMAND_INPUTS || request->command == COMMAND_PUT_DATA;
    return open_ended ? request->size >= (uint32_t)expected : request->size == (uint32_t)expected;
}

static bool needs_pack(uint8_t command)
{
    return command >= COMMAND_SELECT && command <= COMMAND_SWITCH;
}

static void serve(agent *a, const frame *request)
{
    a->sequence = request->sequence;
    a->command = request->command;
    if (expected_size(request->command) < 0) {
        agent_error(a, FAULT_BAD_REQUEST, "an unknown command: upload the agent again");
        return;
    }
    if (!size_ok(request)) {
        agent_error(a, FAULT_BAD_REQUEST, "the payload has another length than the command requires");
        return;
    }
    if (needs_pack(request->command) && a->loaded_bytes == 0) {
        agent_error(a, FAULT_NO_PACK, "no pack is loaded: deploy one first");
        return;
    }
    switch (request->command) {
    case COMMAND_HELLO:
        hello(a, request);
        break;
    case COMMAND_PUT_BEGIN:
        store_begin(a, request);
        break;
    case COMMAND_PUT_DATA:
        store_data(a, request);
        break;
    case COMMAND_PUT_END:
        store_end(a);
        break;
    case COMMAND_SELECT:
        select(a, request);
        break;
    case COMMAND_INPUTS:
        take_inputs(a, request);
        break;
    case COMMAND_INFER:
        measure_infer(a, request);
        break;
    case COMMAND_MEASURE:
        measure_latency(a, request);
        break;
    case COMMAND_SWITCH:
        measure_switch(a, request);
        break;
    case COMMAND_RESET:
        reset(a);
        a->sequence = request->sequence;
        a->command = request->command;
        agent_answer(a, 0);
        break;
    }
}

void agent_run(void)
{
    static agent a;
    static frame_reader reader;
    uint8_t bytes[64];
    frame request;
    size_t count;
    reset(&a);
    while ((count = port_read(bytes, sizeof bytes)) != 0) {
        for (size_t i = 0; i < count; i++) {
            frame_status status = frame_read(&reader, bytes[i], &request);
            if (status == FRAME_READY) {
                serve(&a, &request);
            } else if (status == FRAME_BAD) {
                a.sequence = 0;
                agent_error(&a, FAULT_BAD_FRAME,
                            "a frame was too long, badly encoded or had a wrong checksum: send it again");
            }
        }
    }
}
