/* Run a governor on the board: each request brings what the device knows, the governor chooses, and the board
 * runs what it chose. Every part is timed with the board's clock. */
#include "agent.h"
#include "port.h"

/* A policy of your own: a file with this function that is built into the agent. */
__attribute__((weak)) uint32_t agent_policy(const reds_governor *governor, const reds_resources *now);

static reds_policy policy_of(uint32_t number)
{
    switch (number) {
    case POLICY_FIXED:
        return reds_fixed;
    case POLICY_DEADLINE:
        return reds_deadline;
    case POLICY_ENERGY_NEUTRAL:
        return reds_energy_neutral;
    case POLICY_DEADLINE_AND_ENERGY:
        return reds_deadline_and_energy;
    case POLICY_OWN:
        return agent_policy;
    default:
        return NULL;
    }
}

/* Return whether the fields beside the rules are in range, or answer with an error. */
static bool terms_ready(agent *a, const frame *request)
{
    uint32_t clock = FIELD8(request, GOVERN_CLOCK), hz = FIELD32(request, GOVERN_HZ);
    if (!sample_clock_ready(a, clock)) {
        return false;
    }
    if (hz == 0 || (port.clocks[clock].hz != 0 && port.clocks[clock].hz != hz)) {
        agent_error(a, FAULT_BAD_REQUEST,
                    "the ticks of a second are 0, or not those of the clock in the hello");
        return false;
    }
    if (FIELD8(request, GOVERN_ZERO) != 0 || FIELD16(request, GOVERN_RUNS) == 0) {
        agent_error(a, FAULT_BAD_REQUEST, "a job has 0 inferences, or the byte after the clock is not 0");
        return false;
    }
    if (FIELD8(request, GOVERN_POLICY) == POLICY_OWN && agent_policy == NULL) {
        agent_error(a, FAULT_UNABLE, "the agent has no policy of your own: build it with one");
        return false;
    }
    return true;
}

void govern_begin(agent *a, const frame *request)
{
    governed *g = &a->govern;
    uint32_t subnets = reds_subnets(&a->model);
    *g = (governed){0};
    if (request->size != PROTOCOL_GOVERN_BYTES + subnets * PROTOCOL_COST_BYTES) {
        agent_error(a, FAULT_BAD_REQUEST, "the table of costs has not one line for each subnet of the pack");
        return;
    }
    if (!terms_ready(a, request)) {
        return;
    }
    const uint8_t *line = request->payload + PROTOCOL_GOVERN_BYTES;
    for (uint32_t i = 0; i < subnets; i++, line += PROTOCOL_COST_BYTES) {
        g->costs[i] = (reds_cost){get32(line + PROTOCOL_COST_US_AT), get32(line + PROTOCOL_COST_NJ_AT)};
    }
    const reds_rules rules = {
        .policy = policy_of(FIELD8(request, GOVERN_POLICY)),
        .fixed = FIELD16(request, GOVERN_FIXED),
        .margin_percent = FIELD8(request, GOVERN_MARGIN),
        .patience = (uint16_t)FIELD16(request, GOVERN_PATIENCE),
        .hot_celsius = (int16_t)FIELD16(request, GOVERN_HOT),
        .period_us = FIELD32(request, GOVERN_PERIOD),
        .horizon_us = FIELD32(request, GOVERN_HORIZON),
        .target_nj = FIELD64(request, GOVERN_TARGET),
        .reserve_nj = FIELD64(request, GOVERN_RESERVE),
    };
    const char *problem = reds_governor_begin(&g->governor, g->costs, subnets, &rules);
    if (problem != NULL) {
        agent_error(a, FAULT_BAD_RULES, problem);
        return;
    }
    g->clock = FIELD8(request, GOVERN_CLOCK);
    g->hz = FIELD32(request, GOVERN_HZ);
    g->runs = FIELD16(request, GOVERN_RUNS);
    g->overhead = sample_overhead(g->clock);
    agent_answer(a, 0);
}

/* Run the job on an input and return the ticks from its first inference to the end of its last one. A single
 * inference is timed as MEASURE does it. Before each other one the input is loaded again, since an inference may
 * overwrite it. */
static uint32_t time_job(const agent *a, uint32_t input)
{
    const governed *g = &a->govern;
    sample_load_input(a, input);
    if (g->runs == 1) {
        return measure_run(a, g->clock);
    }
    port_marker(true);
    uint32_t start = port_ticks(g->clock);
    for (uint32_t i = 0; i < g->runs; i++) {
        sample_load_input(a, input);
        reds_run(&a->model);
    }
    uint32_t ticks = port_ticks(g->clock) - start;
    port_marker(false);
    return ticks;
}

/* Return what a job took in whole microseconds, rounded up: a governor must not believe that there is more time. */
static uint32_t microseconds(const governed *g, uint32_t ticks)
{
    uint64_t net = ticks > g->overhead ? ticks - g->overhead : 0;
    uint64_t us = (net * 1000000 + g->hz - 1) / g->hz;
    return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

void govern_decide(agent *a, const frame *request)
{
    governed *g = &a->govern;
    uint32_t input = FIELD16(request, DECIDE_INPUT);
    if (g->governor.subnets == 0) {
        agent_error(a, FAULT_BAD_REQUEST, "no governor has begun: send its rules first");
        return;
    }
    if (FIELD8(request, DECIDE_ZERO) != 0 || FIELD8(request, DECIDE_LOAD) > 99) {
        agent_error(a, FAULT_BAD_REQUEST, "a load is above 99 percent, or the byte after it is not 0");
        return;
    }
    if (!sample_inputs_ready(a, input + 1)) {
        return;
    }
    const reds_resources now = {
        .stored_nj = FIELD64(request, DECIDE_STORED),
        .income_uw = FIELD32(request, DECIDE_INCOME),
        .deadline_us = FIELD32(request, DECIDE_DEADLINE),
        .load_percent = FIELD8(request, DECIDE_LOAD),
        .celsius = (int16_t)FIELD16(request, DECIDE_CELSIUS),
    };
    uint8_t *p = agent_payload(a);
    memset(p, 0, PROTOCOL_DECISION_BYTES);
    put32(p + PROTOCOL_DECISION_OVERHEAD_AT, g->overhead);
    uint32_t start = port_ticks(g->clock);
    uint32_t subnet = reds_choose(&g->governor, &now);
    put32(p + PROTOCOL_DECISION_CHOOSE_AT, port_ticks(g->clock) - start);
    put16(p + PROTOCOL_DECISION_SUBNET_AT, subnet);
    if (subnet == REDS_WAIT) {
        agent_answer(a, PROTOCOL_DECISION_BYTES);
        return;
    }
    start = port_ticks(g->clock);
    reds_select(&a->model, subnet);
    put32(p + PROTOCOL_DECISION_SELECT_AT, port_ticks(g->clock) - start);
    uint32_t ticks = time_job(a, input), us = microseconds(g, ticks);
    put32(p + PROTOCOL_DECISION_INFERENCE_AT, ticks);
    start = port_ticks(g->clock);
    reds_ran(&g->governor, us);
    put32(p + PROTOCOL_DECISION_LEARN_AT, port_ticks(g->clock) - start);
    agent_answer(a, agent_add_output(a, PROTOCOL_DECISION_BYTES, 0));
}
