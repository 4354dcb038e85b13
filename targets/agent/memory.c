/* Measure the stack of an inference: paint the stack below the call, run, and look how far the paint is gone.
 *
 * Stacks grow downwards. An interrupt that arrives meanwhile may write its frame on the same stack: it is then
 * counted. */
#include "agent.h"
#include "port.h"

enum { PAINT = 0xa5 };

/* Bytes below the frame of stack_of_run that are not painted, as paint itself uses them. Code for x86-64 writes
 * up to 128 bytes below its stack pointer. */
#ifdef __x86_64__
enum { KEPT = 256 };
#else
enum { KEPT = 64 };
#endif

__attribute__((noinline)) static void paint(uintptr_t at, uintptr_t end)
{
    for (; at < end; at++) {
        *(volatile uint8_t *)at = PAINT;
    }
}

__attribute__((noinline)) static uintptr_t end_of_paint(uintptr_t at, uintptr_t end)
{
    while (at < end && *(const volatile uint8_t *)at == PAINT) {
        at++;
    }
    return at;
}

/* Return the bytes of stack below this function that reds_run uses, KEPT if it uses fewer, `room` if it uses at
 * least those. */
__attribute__((noinline)) static uint32_t stack_of_run(const reds_model *model, uint32_t room)
{
    volatile uint32_t here = 0;
    uintptr_t top = (uintptr_t)&here & ~(uintptr_t)7, lowest = top - room; /* a call aligns the stack to 8 */
    paint(lowest, top - KEPT);
    reds_run(model);
    return (uint32_t)(top - end_of_paint(lowest, top - KEPT));
}

void measure_memory(agent *a, const frame *request)
{
    uint32_t inputs = FIELD16(request, MEMORY_INPUTS), room = port_stack_room(), deepest = 0;
    if (!sample_inputs_ready(a, inputs) || !sample_select(a, FIELD16(request, MEMORY_SUBNET))) {
        return;
    }
    if (room == 0) {
        agent_error(a, FAULT_UNABLE,
                    "the port does not know how much stack is free: port_stack_room is to tell it");
        return;
    }
    sample_load_input(a, 0);
    reds_run(&a->model); /* what is done once, as linking to a library, is no part of an inference */
    for (uint32_t i = 0; i < inputs; i++) {
        sample_load_input(a, i);
        uint32_t bytes = stack_of_run(&a->model, room);
        deepest = bytes > deepest ? bytes : deepest;
    }
    if (deepest == room) {
        agent_error(
            a, FAULT_UNABLE,
            "an inference uses more stack than the agent may paint: port_stack_room is to allow more");
        return;
    }
    put32(agent_payload(a) + PROTOCOL_MEMORY_ANSWER_STACK_AT, deepest);
    put32(agent_payload(a) + PROTOCOL_MEMORY_ANSWER_STATE_AT, sizeof(reds_model));
    agent_answer(a, PROTOCOL_MEMORY_ANSWER_BYTES);
}
