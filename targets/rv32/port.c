/* The agent's port for a 32-bit RISC-V core: QEMU's machine `virt`.
 *
 * Bytes of the host arrive in a ring of memory that it shares with the board (../bare_metal/ring.h); the UART
 * carries a doorbell for them, and the board's answers. Under `-icount shift=8` the processor's counter of
 * instructions advances by 256 for each. */
#include "../agent/port.h"

#include <string.h>

#include "../agent/agent.h"
#include "../bare_metal/ring.h"

#define BYTE(at) (*(volatile uint8_t *)(uintptr_t)(at))
#define WORD(at) (*(volatile uint32_t *)(uintptr_t)(at))

/* UART NS16550A. */
#define UART_DATA BYTE(0x10000000)
#define UART_INTERRUPTS BYTE(0x10000001)
#define UART_STATE BYTE(0x10000005)
enum { RX_READY = 1, TX_EMPTY = 0x20, ON_RX = 1 };

/* Platform-level interrupt controller, hart 0 in machine mode. */
enum { UART_SOURCE = 10 };
#define PLIC_PRIORITY WORD(0x0c000000 + 4 * UART_SOURCE)
#define PLIC_ENABLE WORD(0x0c002000)
#define PLIC_CLAIM WORD(0x0c200004)

/* SiFive's test device ends the emulation. */
#define FINISHER WORD(0x00100000)
enum { FAIL = 0x13333 };

/* RAM after the ring, with more of each than such processors have. */
enum { STORE = 8 << 20, ARENA = 4 << 20, INPUTS = 1 << 20, PAGE = 4096 };
#define RING ((ring *)(uintptr_t)(0x80000000 + RING_AT))
#define STORE_AT ((uintptr_t)0x80100000)
#define ARENA_AT (STORE_AT + STORE)
#define INPUTS_AT (ARENA_AT + ARENA)

static const port_clock clocks[] = {{"instructions", 0}};

const port_facts port = {
    .board = PORT_BOARD,
    .emulated = true,
    .clocks = clocks,
    .clock_count = 1,
    .arena = (int8_t *)ARENA_AT,
    .arena_bytes = ARENA,
    .inputs = (int8_t *)INPUTS_AT,
    .inputs_bytes = INPUTS,
    .store = (const uint8_t *)STORE_AT,
    .store_bytes = STORE,
    .page_bytes = PAGE,
};

/* Interrupts are never taken: one that is enabled and pending ends a wait. */
size_t port_read(uint8_t *bytes, size_t max)
{
    size_t count;
    while ((count = ring_take(RING, bytes, max)) == 0) {
        while ((UART_STATE & RX_READY) == 0) {
            __asm volatile("wfi" ::: "memory");
            PLIC_CLAIM = PLIC_CLAIM; /* else the interrupt stays pending, and no further wait sleeps */
        }
        (void)UART_DATA;
    }
    return count;
}

void port_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while ((UART_STATE & TX_EMPTY) == 0) {
        }
        UART_DATA = bytes[i];
    }
}

/* The high half changes between the reads of the low ones at most once in 2^32 of them. */
static uint64_t retired(void)
{
    uint32_t high, low, again;
    do {
        __asm volatile("csrr %0, minstreth\n csrr %1, minstret\n csrr %2, minstreth"
                       : "=r"(high), "=r"(low), "=r"(again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

uint32_t port_ticks(uint32_t clock)
{
    (void)clock;
    return (uint32_t)(retired() >> 8);
}

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
    return 4096;
}

bool port_erase(uint32_t at)
{
    memset((void *)(STORE_AT + at), 0xff, PAGE);
    return true;
}

bool port_program(uint32_t at, const uint32_t *words, size_t count)
{
    memcpy((void *)(STORE_AT + at), words, count * sizeof *words);
    return true;
}

void fault(void);
void fault(void)
{
    FINISHER = FAIL;
}

int main(void)
{
    PLIC_PRIORITY = 1;
    PLIC_ENABLE = 1u << UART_SOURCE;
    UART_INTERRUPTS = ON_RX;
    __asm volatile("csrs mie, %0" ::"r"(1u << 11)); /* external interrupts of machine mode */
    agent_run();
    return 0;
}
