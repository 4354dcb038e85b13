/* The agent's port for the emulated board: QEMU's mps2-an386, a polled UART, and three exact clocks.
 *
 * Bytes of the host arrive in a ring of memory that it shares with the board, hil/emulators/mailbox.py; the
 * UART carries only a doorbell for them, since QEMU takes long for each byte of it.
 *
 * instructions  the CMSDK timer under `-icount shift=10`: 1024 ns an instruction and 40 ns a tick make
 *               25.6 ticks an instruction; differences are rounded, since sleep shifts the timer's phase
 * cycles        a TCG plugin (counter.c in hil/emulators) adds the cost of each instruction and stores the
 *               sum at CYCLES whenever clock_mark runs
 * flash_words   the plugin also counts the words of data that instructions read from flash, at FLASH_WORDS
 */
#include "../../../agent/port.h"

#include "../../../agent/agent.h"
#include "../map.h"
#include "shared.h"

/* Arm CMSDK UART, DDI 0479 4.3. */
#define UART_DATA REG(0x40004000)
#define UART_STATE REG(0x40004004)
#define UART_CTRL REG(0x40004008)
#define UART_INTSTATUS REG(0x4000400c)
#define UART_BAUDDIV REG(0x40004010)
enum { TX_FULL = 1, RX_FULL = 2, TX_ENABLE = 1, RX_ENABLE = 2, RX_INTERRUPT = 8 };

/* Arm CMSDK timer 0, DDI 0479 4.1: counts down. */
#define TIMER_CTRL REG(0x40000000)
#define TIMER_VALUE REG(0x40000004)
#define TIMER_RELOAD REG(0x40000008)

#define NVIC_ENABLE REG(0xe000e100)
#define NVIC_CLEAR REG(0xe000e280)

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

/* Wait asleep for a doorbell. A pending interrupt wakes the processor but is never taken, since PRIMASK is set. */
static void wait_for_doorbell(void)
{
    while ((UART_STATE & RX_FULL) == 0) {
        __asm volatile("wfi" ::: "memory");
    }
    UART_INTSTATUS = 2;
    NVIC_CLEAR = 1;
    (void)UART_DATA;
}

/* The doorbell of bytes that were read early rings later, with an empty ring. */
size_t port_read(uint8_t *bytes, size_t max)
{
    uint32_t read = RING_READ, count;
    while ((count = RING_WRITTEN - read) == 0) {
        wait_for_doorbell();
    }
    if (count > max) {
        count = (uint32_t)max;
    }
    for (uint32_t i = 0; i < count; i++) {
        bytes[i] = RING_DATA[(read + i) % RING_BYTES];
    }
    RING_READ = read + count;
    return count;
}

void port_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while ((UART_STATE & TX_FULL) != 0) {
        }
        UART_DATA = bytes[i];
    }
}

/* The plugin updates its sums when this function runs. */
__attribute__((naked, noinline)) static void clock_mark(void)
{
    __asm volatile("bx lr");
}

static uint32_t instructions(void)
{
    static uint32_t last, count;
    uint32_t now = ~TIMER_VALUE; /* must be read at least every 160 million instructions, when it wraps */
    count += (uint32_t)(((uint64_t)(now - last) * 10 + 128) >> 8);
    last = now;
    return count;
}

uint32_t port_ticks(uint32_t clock)
{
    if (clock == 0) {
        return instructions();
    }
    clock_mark();
    return clock == 1 ? CYCLES : FLASH_WORDS;
}

/* Interrupts are always masked. */
uint32_t port_mask(void)
{
    return 0;
}

bool port_unmask(uint32_t before)
{
    (void)before;
    return true;
}

void port_marker(bool high)
{
    (void)high;
}

uint32_t port_stack_room(void)
{
    return STACK_ROOM;
}

int main(void)
{
    __asm volatile("cpsid i" ::: "memory");
    UART_BAUDDIV = 16;
    UART_CTRL = TX_ENABLE | RX_ENABLE | RX_INTERRUPT;
    NVIC_ENABLE = 1;
    TIMER_RELOAD = UINT32_MAX;
    TIMER_VALUE = UINT32_MAX;
    TIMER_CTRL = 1;
    agent_run();
    return 0;
}
