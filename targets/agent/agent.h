/* The device end of the agent protocol. */
#ifndef REDS_AGENT_H
#define REDS_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "../governor/governor.h"
#include "../runtime/pack.h"
#include "../runtime/reds.h"
#include "frame.h"
#include "slots.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Serve the host until port_read reports the end of its input. */
void agent_run(void);

#ifdef __cplusplus
}
#endif

/* The rest is private to the agent's files. */

/* The text that build_id.py prints for the sources of this agent. */
extern const char agent_build[];

/* A governor that runs on the board. It has begun if governor.subnets is not 0. */
typedef struct {
    reds_governor governor;
    reds_cost costs[REDS_SUBNETS];
    uint32_t clock;
    uint32_t hz;       /* ticks of a second */
    uint32_t runs;     /* inferences of a job */
    uint32_t overhead; /* ticks that reading the clock takes */
} governed;

/* What the commands of MLPerf Tiny have left (mlperf.h). */
typedef struct {
    uint64_t us;     /* of all inferences so far */
    uint32_t said;   /* bytes of the answer that are not sent yet */
    uint32_t wanted; /* bytes of the input that is being loaded */
    uint32_t taken;  /* of these, as many as have arrived */
    uint8_t sent;    /* an mlperf_input */
    uint8_t part[4]; /* of a value that arrives byte by byte */
} mlperf_state;

typedef struct {
    reds_model model;
    slot_record loaded; /* the pack of `model` */
    uint32_t loaded_slot;
    uint32_t input_bytes; /* of the inputs that the host has sent so far */
    slot_record put;      /* the pack of the current transfer */
    uint32_t put_slot;
    uint32_t put_next; /* offset of the next byte of the transfer */
    governed govern;
    mlperf_state mlperf;
    uint8_t sequence; /* of the current request */
    uint8_t command;
    uint32_t answer[FRAME_BYTES / 4 + 1]; /* command and sequence, then the payload */
} agent;

/* answer.c: write at most FRAME_PAYLOAD bytes to agent_payload, then send them, or send an error. */
uint8_t *agent_payload(agent *a);
void agent_answer(agent *a, uint32_t size);

/* Add the output of the last inference after the first `used` bytes of a payload, and return how many it holds then.
 * Each time that the payload is full it is sent, and the next one begins with the same `head` bytes. */
uint32_t agent_add_output(agent *a, uint32_t used, uint32_t head);
void agent_error(agent *a, uint8_t fault, const char *text);

/* Read and write fields in the byte order of the processor: little-endian, as the runtime requires. */
static inline uint32_t get16(const uint8_t *bytes)
{
    uint16_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline uint32_t get32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline uint64_t get64(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static inline void put16(uint8_t *bytes, uint32_t value)
{
    uint16_t low = (uint16_t)value;
    memcpy(bytes, &low, sizeof low);
}

static inline void put32(uint8_t *bytes, uint32_t value)
{
    memcpy(bytes, &value, sizeof value);
}

/* Read a field of a request by its name in protocol.h, as MEASURE_SUBNET. */
#define FIELD8(request, name) ((request)->payload[PROTOCOL_##name##_AT])
#define FIELD16(request, name) get16((request)->payload + PROTOCOL_##name##_AT)
#define FIELD32(request, name) get32((request)->payload + PROTOCOL_##name##_AT)
#define FIELD64(request, name) get64((request)->payload + PROTOCOL_##name##_AT)

/* store.c: store a pack that arrives in pieces, tell of the pages of the loaded one, and load the stored one. */
void store_begin(agent *a, const frame *request);
void store_data(agent *a, const frame *request);
void store_copy(agent *a, const frame *request);
void store_end(agent *a);
void store_pages(agent *a, const frame *request);
void store_load(agent *a);

/* measure.c, profile.c, memory.c: run the network, and stream raw samples of its time and its layers' times,
 * or measure its stack. */
void measure_infer(agent *a, const frame *request);
void measure_latency(agent *a, const frame *request);
void measure_switch(agent *a, const frame *request);
void measure_layers(agent *a, const frame *request);
void measure_memory(agent *a, const frame *request);
uint32_t measure_run(const agent *a, uint32_t clock);

/* govern.c: begin a governor; let it decide, run what it chose, and time both. */
void govern_begin(agent *a, const frame *request);
void govern_decide(agent *a, const frame *request);

/* sample.c: what measurements share. The functions that return false have answered with an error. */
void sample_load_input(const agent *a, uint32_t input);
bool sample_inputs_ready(agent *a, uint32_t count);
bool sample_clock_ready(agent *a, uint32_t clock);
bool sample_request_ready(agent *a, uint32_t samples, uint8_t zero);
bool sample_select(agent *a, uint32_t subnet);
uint32_t sample_overhead(uint32_t clock);
uint8_t *sample_head(agent *a, uint32_t first, uint32_t samples, uint32_t overhead_ticks);

#endif
