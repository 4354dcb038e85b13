/* The agent's port for the emulated board: QEMU's mps2-an386, with two exact clocks.
 *
 * instructions  as on all MPS boards (mps.c)
 * cycles        a TCG plugin (counter.c in hil/emulators) adds the cost of each instruction and stores the
 *               sum at CYCLES whenever clock_mark runs
 */
#include "../../../agent/port.h"

#include "../../../agent/agent.h"
#include "../map.h"
#include "shared.h"

static int8_t arena[ARENA_BYTES] __attribute__((aligned(16)));
static int8_t inputs[INPUTS_BYTES];

static const port_clock clocks[] = {{"instructions", 0}, {"cycles", 64000000}};

const port_facts port = {
    .board = "nano33ble",
    .emulated = true,
    .clocks = clocks,
    .clock_count = 2,
    .arena = arena,
    .arena_bytes = sizeof arena,
    .inputs = inputs,
    .inputs_bytes = sizeof inputs,
    .store = (const uint8_t *)PACK_AT,
    .store_bytes = PACK_BYTES,
    .page_bytes = PAGE_BYTES,
};

/* The plugin updates CYCLES when this function runs. */
__attribute__((naked, noinline)) static void clock_mark(void)
{
    __asm volatile("bx lr");
}

uint32_t port_ticks(uint32_t clock)
{
    if (clock == 0) {
        return mps_instructions();
    }
    clock_mark();
    return CYCLES;
}

uint32_t port_stack_room(void)
{
    return STACK_ROOM;
}

int main(void)
{
    mps_start();
    agent_run();
    return 0;
}
