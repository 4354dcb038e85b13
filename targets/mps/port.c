/* The agent's port for a Cortex-M on one of Arm's MPS boards in QEMU, with more memory than such processors have. */
#include "../agent/port.h"

#include <string.h>

#include "../agent/agent.h"
#include "mps.h"

/* Memory after the ring. */
enum { STORE_AT = 1 << 20, STORE = 8 << 20, PAGE = 4096 };
enum { ARENA_AT = STORE_AT + STORE, ARENA = 4 << 20 };
enum { INPUTS_AT = ARENA_AT + ARENA, INPUTS = 1 << 20 };
#define AT(offset) (uintptr_t)(SHARED_AT + (offset))

static const port_clock clocks[] = {{"instructions", 0}};

const port_facts port = {
    .board = PORT_BOARD,
    .emulated = true,
    .clocks = clocks,
    .clock_count = 1,
    .arena = (int8_t *)AT(ARENA_AT),
    .arena_bytes = ARENA,
    .inputs = (int8_t *)AT(INPUTS_AT),
    .inputs_bytes = INPUTS,
    .store = (const uint8_t *)AT(STORE_AT),
    .store_bytes = STORE,
    .page_bytes = PAGE,
};

uint32_t port_ticks(uint32_t clock)
{
    (void)clock;
    return mps_instructions();
}

uint32_t port_stack_room(void)
{
    return 4096;
}

bool port_erase(uint32_t at)
{
    memset((void *)AT(STORE_AT + at), 0xff, PAGE);
    return true;
}

bool port_program(uint32_t at, const uint32_t *words, size_t count)
{
    memcpy((void *)AT(STORE_AT + at), words, count * sizeof *words);
    return true;
}

int main(void)
{
    mps_start();
    agent_run();
    return 0;
}
