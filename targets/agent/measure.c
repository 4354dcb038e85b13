/* Time the runtime on the device, with the device's own clock. Samples are sent raw, together with the
 * ticks that reading the clock takes, and only between measurements. */
#include <string.h>

#include "agent.h"
#include "port.h"

uint32_t measure_run(const agent *a, uint32_t clock)
{
    port_marker(true);
    uint32_t start = port_ticks(clock);
    reds_run(&a->model);
    uint32_t ticks = port_ticks(clock) - start;
    port_marker(false);
    return ticks;
}

/* Time reds_select from call to return, its check of the subnet included. A sample during which something
 * else ran is taken again, at most eight times in all. */
static uint32_t time_select(agent *a, uint32_t clock, uint32_t from, uint32_t to)
{
    uint32_t ticks, tries = 8;
    bool alone;
    do {
        reds_select(&a->model, from);
        uint32_t mask = port_mask();
        uint32_t start = port_ticks(clock);
        reds_select(&a->model, to);
        ticks = port_ticks(clock) - start;
        alone = port_unmask(mask);
    } while (!alone && --tries > 0);
    return ticks;
}

void measure_infer(agent *a, const frame *request)
{
    uint32_t inputs = FIELD16(request, INFER_INPUTS), used = 0;
    if (!sample_inputs_ready(a, inputs)) {
        return;
    }
    for (uint32_t i = 0; i < inputs; i++) {
        sample_load_input(a, i);
        reds_run(&a->model);
        used = agent_add_output(a, used, 0);
    }
    agent_answer(a, used);
}

void measure_latency(agent *a, const frame *request)
{
    uint32_t subnet = FIELD16(request, MEASURE_SUBNET), clock = FIELD8(request, MEASURE_CLOCK);
    uint32_t count = FIELD16(request, MEASURE_SAMPLES), inputs = FIELD16(request, MEASURE_INPUTS);
    if (!sample_request_ready(a, count, FIELD8(request, MEASURE_ZERO)) || !sample_clock_ready(a, clock) ||
        !sample_inputs_ready(a, inputs) || !sample_select(a, subnet)) {
        return;
    }
    uint32_t empty = sample_overhead(clock), chunk = 64;
    sample_load_input(a, 0);
    reds_run(&a->model); /* warm up: samples are of the steady state */
    for (uint32_t first = 0; first < count; first += chunk) {
        uint32_t samples = count - first < chunk ? count - first : chunk;
        uint8_t *p = sample_head(a, first, samples, empty);
        for (uint32_t i = 0; i < samples; i++) {
            sample_load_input(a, (first + i) % inputs);
            put32(p + PROTOCOL_MEASURE_SAMPLE_TICKS_AT, measure_run(a, clock));
            p += PROTOCOL_MEASURE_SAMPLE_BYTES;
        }
        agent_answer(a, PROTOCOL_SAMPLES_BYTES + PROTOCOL_MEASURE_SAMPLE_BYTES * samples);
    }
}

void measure_switch(agent *a, const frame *request)
{
    uint32_t from = FIELD16(request, SWITCH_BEFORE), to = FIELD16(request, SWITCH_AFTER);
    uint32_t clock = FIELD8(request, SWITCH_CLOCK), count = FIELD16(request, SWITCH_SAMPLES);
    uint32_t inputs = FIELD16(request, SWITCH_INPUTS);
    if (!sample_request_ready(a, count, FIELD8(request, SWITCH_ZERO)) || !sample_clock_ready(a, clock) ||
        !sample_inputs_ready(a, inputs) || !sample_select(a, from) || !sample_select(a, to)) {
        return;
    }
    uint32_t record = PROTOCOL_SWITCH_SAMPLE_BYTES + (uint32_t)reds_output_bytes(&a->model);
    uint32_t fit = (FRAME_PAYLOAD - PROTOCOL_SAMPLES_BYTES) / record;
    uint32_t chunk = fit == 0 ? 1 : fit < 32 ? fit : 32;
    uint32_t empty = sample_overhead(clock);
    for (uint32_t first = 0; first < count; first += chunk) {
        uint32_t samples = count - first < chunk ? count - first : chunk;
        uint32_t used = PROTOCOL_SAMPLES_BYTES;
        sample_head(a, first, samples, empty);
        for (uint32_t i = 0; i < samples; i++) {
            uint8_t *p = agent_payload(a) + used;
            reds_select(&a->model, from);
            sample_load_input(a, (first + i) % inputs);
            reds_run(&a->model);
            put32(p + PROTOCOL_SWITCH_SAMPLE_SELECT_AT, time_select(a, clock, from, to));
            sample_load_input(a, (first + i) % inputs);
            put32(p + PROTOCOL_SWITCH_SAMPLE_FIRST_AT, measure_run(a, clock));
            used = agent_add_output(a, used + PROTOCOL_SWITCH_SAMPLE_BYTES, PROTOCOL_SAMPLES_BYTES);
        }
        agent_answer(a, used);
    }
}
