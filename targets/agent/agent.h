/* The device end of the agent protocol. */
#ifndef REDS_AGENT_H
#define REDS_AGENT_H

#include <stdint.h>

#include "../runtime/reds.h"
#include "frame.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Serve the host until port_read says there is none any more. */
void agent_run(void);

#ifdef __cplusplus
}
#endif

/* The parts of the agent, for each other. */

typedef struct {
    reds_model model;
    uint32_t loaded_bytes; /* of the pack in the store; 0: none */
    uint32_t loaded_crc;
    uint32_t input_bytes; /* of the inputs, as far as the host has sent them */
    uint32_t put_bytes;   /* of the transfer under way; 0: none */
    uint32_t put_crc;
    uint32_t put_next; /* offset of its next byte */
    uint8_t sequence;  /* of the request being answered */
    uint8_t command;
    uint32_t answer[FRAME_BYTES / 4 + 1]; /* two bytes of frame, then the payload */
} agent;

/* answer.c. Where the answer's payload goes, FRAME_PAYLOAD bytes at most, and off with it. */
uint8_t *agent_payload(agent *a);
void agent_answer(agent *a, uint32_t size);
void agent_error(agent *a, uint8_t fault, const char *text);

/* Little-endian fields of a payload. */
uint32_t get16(const uint8_t *bytes);
uint32_t get32(const uint8_t *bytes);
uint8_t *put16(uint8_t *bytes, uint32_t value);
uint8_t *put32(uint8_t *bytes, uint32_t value);

/* store.c: take a pack into the store, and load what is there. */
void store_begin(agent *a, const frame *request);
void store_data(agent *a, const frame *request);
void store_end(agent *a);
reds_status store_load(agent *a);

/* measure.c: samples timed here, streamed raw. */
void measure_infer(agent *a, const frame *request);
void measure_latency(agent *a, const frame *request);
void measure_switch(agent *a, const frame *request);

#endif
