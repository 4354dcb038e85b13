/* Functions that all measurements share: inputs, checks of a request, the clock's overhead, the head of an
 * answer. */
#include <string.h>

#include "agent.h"
#include "port.h"

void sample_load_input(const agent *a, uint32_t input)
{
    size_t bytes = reds_input_bytes(&a->model);
    memcpy(reds_input(&a->model), port.inputs + input * bytes, bytes);
}

/* Return whether the host has sent `count` inputs, or answer with an error. */
bool sample_inputs_ready(agent *a, uint32_t count)
{
    if (count == 0 || count > a->input_bytes / reds_input_bytes(&a->model)) {
        agent_error(a, FAULT_BAD_REQUEST, "not so many inputs were sent, or 0 were asked for");
        return false;
    }
    return true;
}

bool sample_clock_ready(agent *a, uint32_t clock)
{
    if (clock >= port.clock_count) {
        agent_error(a, FAULT_BAD_REQUEST, "the board has no clock of this index: the hello lists its clocks");
        return false;
    }
    return true;
}

/* Return whether a measurement asks for samples and its reserved byte is 0, or answer with an error. */
bool sample_request_ready(agent *a, uint32_t samples, uint8_t zero)
{
    if (samples == 0 || zero != 0) {
        agent_error(a, FAULT_BAD_REQUEST, "0 samples were asked for, or the byte after the clock is not 0");
        return false;
    }
    return true;
}

/* Return whether the subnet exists and is selected, or answer with an error. */
bool sample_select(agent *a, uint32_t subnet)
{
    reds_status status = reds_select(&a->model, subnet);
    if (status != REDS_OK) {
        agent_error(a, FAULT_BAD_REQUEST, reds_reason(status));
    }
    return status == REDS_OK;
}

/* Return the ticks between two successive readings of the clock: the least of 32 tries. */
uint32_t sample_overhead(uint32_t clock)
{
    uint32_t least = UINT32_MAX;
    for (int i = 0; i < 32; i++) {
        uint32_t mask = port_mask();
        uint32_t start = port_ticks(clock);
        uint32_t ticks = port_ticks(clock) - start;
        port_unmask(mask);
        least = ticks < least ? ticks : least;
    }
    return least;
}

/* Begin an answer of `samples` samples from number `first` on, and return where they go. */
uint8_t *sample_head(agent *a, uint32_t first, uint32_t samples, uint32_t overhead_ticks)
{
    uint8_t *p = agent_payload(a);
    put16(p + PROTOCOL_SAMPLES_FIRST_AT, first);
    put16(p + PROTOCOL_SAMPLES_HELD_AT, samples);
    put32(p + PROTOCOL_SAMPLES_OVERHEAD_AT, overhead_ticks);
    return p + PROTOCOL_SAMPLES_BYTES;
}
