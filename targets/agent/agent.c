/* Read requests, check them and answer them. No input can make the agent hang or read out of bounds: the
 * length of each request is checked here, each value where it is used. */
#include "agent.h"

#include <string.h>

#include "mlperf.h"
#include "port.h"
#include "text.h"

static void put_text(uint8_t *bytes, const char *text, size_t size)
{
    memset(bytes, 0, size);
    memcpy(bytes, text, strlen(text) < size ? strlen(text) : size);
}

static void hello(agent *a, const frame *request)
{
    if (FIELD16(request, HELLO_REQUEST_VERSION) != PROTOCOL_VERSION) {
        agent_error(a, FAULT_VERSION, "the agent has another protocol version: upload the agent again");
        return;
    }
    uint8_t *p = agent_payload(a);
    put16(p + PROTOCOL_HELLO_VERSION_AT, PROTOCOL_VERSION);
    put16(p + PROTOCOL_HELLO_FLAGS_AT, port.emulated ? FLAG_EMULATED : 0);
    put32(p + PROTOCOL_HELLO_CAPACITY_AT, slots_room_of_both());
    put32(p + PROTOCOL_HELLO_ARENA_AT, port.arena_bytes);
    put32(p + PROTOCOL_HELLO_INPUT_BYTES_AT, port.inputs_bytes);
    put16(p + PROTOCOL_HELLO_MAX_PAYLOAD_AT, FRAME_PAYLOAD);
    put16(p + PROTOCOL_HELLO_CLOCKS_AT, port.clock_count);
    put32(p + PROTOCOL_HELLO_LAYOUTS_AT, reds_layouts());
    put32(p + PROTOCOL_HELLO_PACK_SIZE_AT, a->loaded.size);
    put32(p + PROTOCOL_HELLO_PACK_CRC_AT, a->loaded.crc);
    put_text(p + PROTOCOL_HELLO_BUILD_AT, agent_build, PROTOCOL_HELLO_BOARD_AT - PROTOCOL_HELLO_BUILD_AT);
    put_text(p + PROTOCOL_HELLO_BOARD_AT, port.board, PROTOCOL_HELLO_BYTES - PROTOCOL_HELLO_BOARD_AT);
    p += PROTOCOL_HELLO_BYTES;
    for (uint32_t i = 0; i < port.clock_count; i++, p += PROTOCOL_CLOCK_BYTES) {
        put32(p + PROTOCOL_CLOCK_HZ_AT, port.clocks[i].hz);
        put_text(p + PROTOCOL_CLOCK_NAME_AT, port.clocks[i].name,
                 PROTOCOL_CLOCK_BYTES - PROTOCOL_CLOCK_NAME_AT);
    }
    agent_answer(a, PROTOCOL_HELLO_BYTES + port.clock_count * PROTOCOL_CLOCK_BYTES);
}

static void take_inputs(agent *a, const frame *request)
{
    uint32_t at = FIELD32(request, OFFSET_OFFSET), size = request->size - PROTOCOL_OFFSET_BYTES;
    const uint8_t *values = request->payload + PROTOCOL_OFFSET_BYTES;
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
    if (sample_select(a, FIELD16(request, SELECT_SUBNET))) {
        agent_answer(a, 0);
    }
}

/* Return the payload bytes that a request must have (of those with a table or bytes: at least), or -1 for an unknown
 * command. */
static int32_t expected_size(uint8_t command)
{
    switch (command) {
    case COMMAND_HELLO:
        return PROTOCOL_HELLO_REQUEST_BYTES;
    case COMMAND_PUT_BEGIN:
        return PROTOCOL_PUT_BEGIN_BYTES;
    case COMMAND_PUT_DATA:
    case COMMAND_INPUTS:
        return PROTOCOL_OFFSET_BYTES;
    case COMMAND_SELECT:
        return PROTOCOL_SELECT_BYTES;
    case COMMAND_INFER:
        return PROTOCOL_INFER_BYTES;
    case COMMAND_MEASURE:
    case COMMAND_PROFILE:
        return PROTOCOL_MEASURE_BYTES;
    case COMMAND_SWITCH:
        return PROTOCOL_SWITCH_BYTES;
    case COMMAND_MEMORY:
        return PROTOCOL_MEMORY_BYTES;
    case COMMAND_GOVERN:
        return PROTOCOL_GOVERN_BYTES;
    case COMMAND_DECIDE:
        return PROTOCOL_DECIDE_BYTES;
    case COMMAND_PAGES:
        return PROTOCOL_PAGES_BYTES;
    case COMMAND_PUT_COPY:
        return PROTOCOL_PUT_COPY_BYTES;
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
    bool open_ended = request->command == COMMAND_INPUTS || request->command == COMMAND_PUT_DATA ||
                      request->command == COMMAND_GOVERN;
    return open_ended ? request->size >= (uint32_t)expected : request->size == (uint32_t)expected;
}

static bool needs_pack(uint8_t command)
{
    return command >= COMMAND_SELECT && command != COMMAND_RESET && command != COMMAND_PAGES;
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
    if (needs_pack(request->command) && a->loaded.size == 0) {
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
    case COMMAND_PROFILE:
        measure_layers(a, request);
        break;
    case COMMAND_MEMORY:
        measure_memory(a, request);
        break;
    case COMMAND_GOVERN:
        govern_begin(a, request);
        break;
    case COMMAND_DECIDE:
        govern_decide(a, request);
        break;
    case COMMAND_PAGES:
        store_pages(a, request);
        break;
    case COMMAND_PUT_COPY:
        store_copy(a, request);
        break;
    case COMMAND_RESET:
        reset(a);
        a->sequence = request->sequence;
        a->command = request->command;
        agent_answer(a, 0);
        break;
    }
}

/* The stream from the host. Every byte goes to both readers, and one of them finds what it is part of. */
typedef struct {
    frame_reader frames;
    text_reader texts;
    bool text; /* a text command was served since the last zero byte */
} stream;

static void read_byte(agent *a, stream *in, uint8_t byte)
{
    frame request;
    frame_status status = frame_read(&in->frames, byte, &request);
    text_status line = text_read(&in->texts, byte);
    if (line != TEXT_MORE) {
        frame_drop(&in->frames);
        in->text = true;
        mlperf_serve(a, line == TEXT_READY ? in->texts.bytes : NULL);
    } else if (status == FRAME_READY) {
        serve(a, &request);
    } else if (status == FRAME_BAD || (byte == 0 && in->text)) {
        /* What was served as text may be the rest of a damaged frame, whose sender waits for an answer. */
        a->sequence = 0;
        agent_error(a, FAULT_BAD_FRAME,
                    "a frame was too long, badly encoded or had a wrong checksum: send it again");
    }
    in->text = in->text && byte != 0;
}

void agent_run(void)
{
    static agent a;
    static stream in;
    uint8_t bytes[64];
    size_t count;
    reset(&a);
    while ((count = port_read(bytes, sizeof bytes)) != 0) {
        for (size_t i = 0; i < count; i++) {
            read_byte(&a, &in, bytes[i]);
        }
    }
}
