/* The interface that a new device implements for the agent. */
#ifndef REDS_PORT_H
#define REDS_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *name; /* at most 11 characters: cycles, instructions, ns */
    uint32_t hz;      /* ticks a second; 0: the clock counts events, not time */
} port_clock;

typedef struct {
    const char *board; /* at most 15 characters */
    bool emulated;
    const port_clock *clocks;
    uint32_t clock_count;
    int8_t *arena; /* 16-byte aligned */
    uint32_t arena_bytes;
    int8_t *inputs; /* memory for the inputs of INFER and of measurements */
    uint32_t inputs_bytes;
    const uint8_t *store; /* memory of the pack, 4-byte aligned; survives a power cycle if it can */
    uint32_t store_bytes; /* at least two pages: it is split into two slots of whole pages */
    uint32_t page_bytes;
} port_facts;

extern const port_facts port;

/* Wait for bytes from the host and read at most `max`. Return 0 at the end of input. */
size_t port_read(uint8_t *bytes, size_t max);
void port_write(const uint8_t *bytes, size_t size);

/* Return the count of a clock, modulo 2^32. */
uint32_t port_ticks(uint32_t clock);

/* Mask interrupts during a measurement, and unmask them with what port_mask returned. port_unmask returns
 * false if the system preempted the measurement nevertheless; the sample is then discarded. */
uint32_t port_mask(void);
bool port_unmask(uint32_t before);

/* Raise or lower a pin around each timed inference, for a meter of energy; a board without one does nothing.
 * It is outside of what the clock times. */
void port_marker(bool high);

/* Return how many bytes below the caller's frame are stack that nothing uses, at least 512, so that the agent
 * may paint them; 0 if the port does not know. */
uint32_t port_stack_room(void);

/* Write to the store by the rules of flash: erase a page to 0xff, then write each word once. Offsets are
 * in bytes. */
bool port_erase(uint32_t at);
bool port_program(uint32_t at, const uint32_t *words, size_t count);

#ifdef __cplusplus
}
#endif

#endif
