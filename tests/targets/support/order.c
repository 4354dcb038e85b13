/* order < session: run the agent on a recorded session and print a letter for each call of the port and the
 * runtime: m mask, u unmask, t ticks, s select, r run, l run a layer. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../../targets/agent/agent.h"
#include "../../../targets/agent/port.h"

enum { STORE = 1 << 15, PAGE = 4096, ARENA = 1 << 14, INPUTS = 4096 };
static uint8_t store[STORE] __attribute__((aligned(16)));
static int8_t arena[ARENA] __attribute__((aligned(16)));
static int8_t inputs[INPUTS];
static const port_clock clocks[] = {{"ns", 1000000000}};
const port_facts port = {"order", false, clocks, 1, arena, ARENA, inputs, INPUTS, store, STORE, PAGE};

reds_status __real_reds_select(reds_model *model, uint32_t subnet);
reds_status __wrap_reds_select(reds_model *model, uint32_t subnet);
void __real_reds_run(const reds_model *model);
void __wrap_reds_run(const reds_model *model);

reds_status __wrap_reds_select(reds_model *model, uint32_t subnet)
{
    putchar('s');
    return __real_reds_select(model, subnet);
}

void __wrap_reds_run(const reds_model *model)
{
    putchar('r');
    __real_reds_run(model);
}

bool __real_reds_run_layer(const reds_model *model, reds_inference *inference);
bool __wrap_reds_run_layer(const reds_model *model, reds_inference *inference);

bool __wrap_reds_run_layer(const reds_model *model, reds_inference *inference)
{
    putchar('l');
    return __real_reds_run_layer(model, inference);
}

size_t port_read(uint8_t *bytes, size_t max)
{
    ssize_t count = read(STDIN_FILENO, bytes, max);
    return count > 0 ? (size_t)count : 0;
}

void port_write(const uint8_t *bytes, size_t size)
{
    (void)bytes;
    (void)size;
}

uint32_t port_ticks(uint32_t clock)
{
    (void)clock;
    putchar('t');
    return 0;
}

uint32_t port_mask(void)
{
    putchar('m');
    return 7;
}

bool port_unmask(uint32_t before)
{
    putchar(before == 7 ? 'u' : '?');
    return true;
}

void port_marker(bool high)
{
    putchar(high ? '+' : '-');
}

uint32_t port_stack_room(void)
{
    return 32 << 10;
}

bool port_erase(uint32_t at)
{
    memset(store + at, 0xff, PAGE);
    return true;
}

bool port_program(uint32_t at, const uint32_t *words, size_t count)
{
    memcpy(store + at, words, 4 * count);
    return true;
}

int main(void)
{
    agent_run();
    return 0;
}
