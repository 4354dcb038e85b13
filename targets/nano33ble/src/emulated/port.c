/* The agent's port for the emulated board: QEMU's mps2-an386, with three exact clocks.
 *
 * instructions  as on all MPS boards (mps.c)
 * cycles        a TCG plugin (counter.c in hil/emulators) adds the cost of each instruction and stores the
 *               sum at CYCLES whenever clock_mark runs
 * flash_words   the plugin also counts the words of data that instructions read from flash, at FLASH_WORDS
 */
#include "../../../agent/port.h"

#include "../../../agent/agent.h"
#include "../map.h"
#include "shared.h"

static int8_t arena[ARENA_BYTES] __attribute__((aligned(16)));
static int8_t inputs[INPUTS_BYTES];

static const port_clock clocks[] = {{"instructions", 0}, {"cycles", 64000000}, {"flash_words", 0}};

const port_facts port = {
    .board = "nano33ble",
    .emulated = true,
    .clocks = clocks,
    .clock_count = 3,
    .arena = arena,
    .arena_bytes = sizeof arena,
    .inputs = inputs,
    .inputs_bytes = sizeof inputs,
    .store = (const uint8_t *)PACK_AT,
    .store_bytes = PACK_BYTES,
    .page_bytes = PAGE_BYTES,
};

/* The plugin updates CYCLES and FLASH_WORDS when this function runs. */
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
    return clock == 1 ? CYCLES : FLASH_WORDS;
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
