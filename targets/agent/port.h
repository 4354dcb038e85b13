/* All that a new device implements for the agent. */
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
    uint32_t hz;      /* 0: counts events, not time */
} port_clock;

typedef struct {
    const char *board; /* at most 15 characters */
    bool emulated;
    const port_clock *clocks;
    uint32_t clock_count;
    int8_t *arena; /* 16-byte aligned */
    uint32_t arena_bytes;
    int8_t *inputs; /* what INFER and the measurements run on */
    uint32_t inputs_bytes;
    const uint8_t *store; /* where the pack is kept, 4-byte aligned; survives a power cycle where it can */
    uint32_t store_bytes; /* whole pages */
    uint32_t page_bytes;
} port_facts;

extern const port_facts port;

/* Bytes from the host: waits for at least one; 0 when there will be none any more. */
size_t port_read(uint8_t *bytes, size_t max);
void port_write(const uint8_t *bytes, size_t size);

/* The clock's count, modulo 2^32. */
uint32_t port_ticks(uint32_t clock);

/* Keep all else out of a measurement: interrupts are masked and let in again. Where a system preempts all
 * the same, port_unmask says whether it did: false, and the sample is no sample. */
uint32_t port_mask(void);
bool port_unmask(uint32_t before);

/* The store's rules are flash's: a page is erased to 0xff, then its words are written once. */
bool port_erase(uint32_t at);
bool port_program(uint32_t at, const uint32_t *words, size_t count);

#ifdef __cplusplus
}
#endif

#endif
