/* Time each layer that a subnet runs, by the runtime's own steps. The samples of a layer include finding it in the
 * pack: a few instructions more than in reds_run, the same number for every layer. */
#include "../runtime/pack.h"
#include "agent.h"
#include "port.h"

_Static_assert(PROTOCOL_SAMPLES_BYTES + PROTOCOL_LAYER_SAMPLE_BYTES * REDS_LAYERS <= FRAME_PAYLOAD,
               "a frame holds a sample of the most layers");

static uint32_t time_layer(const agent *a, reds_inference *inference, uint32_t clock)
{
    uint32_t start = port_ticks(clock);
    reds_run_layer(&a->model, inference);
    return port_ticks(clock) - start;
}

void measure_layers(agent *a, const frame *request)
{
    uint32_t subnet = FIELD16(request, MEASURE_SUBNET), clock = FIELD8(request, MEASURE_CLOCK);
    uint32_t count = FIELD16(request, MEASURE_SAMPLES), inputs = FIELD16(request, MEASURE_INPUTS);
    if (!sample_request_ready(a, count, FIELD8(request, MEASURE_ZERO)) || !sample_clock_ready(a, clock) ||
        !sample_inputs_ready(a, inputs) || !sample_select(a, subnet)) {
        return;
    }
    uint32_t layers = reds_layers(&a->model), record = PROTOCOL_LAYER_SAMPLE_BYTES * layers;
    uint32_t fit = (FRAME_PAYLOAD - PROTOCOL_SAMPLES_BYTES) / record, chunk = fit < 32 ? fit : 32;
    uint32_t empty = sample_overhead(clock);
    sample_load_input(a, 0);
    reds_run(&a->model); /* warm up: samples are of the steady state */
    for (uint32_t first = 0; first < count; first += chunk) {
        uint32_t samples = count - first < chunk ? count - first : chunk;
        uint8_t *p = sample_head(a, first, samples, empty);
        for (uint32_t i = 0; i < samples; i++) {
            reds_inference inference;
            sample_load_input(a, (first + i) % inputs);
            reds_begin(&a->model, &inference);
            for (uint32_t layer = 0; layer < layers; layer++) {
                put32(p + PROTOCOL_LAYER_SAMPLE_TICKS_AT, time_layer(a, &inference, clock));
                p += PROTOCOL_LAYER_SAMPLE_BYTES;
            }
        }
        agent_answer(a, PROTOCOL_SAMPLES_BYTES + record * samples);
    }
}
