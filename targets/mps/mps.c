/* The parts of the agent's port that the emulated boards share: a polled UART, and the count of instructions.
 *
 * Bytes of the host arrive in a ring of memory that it shares with the board, hil/emulators/mailbox.py; the
 * UART carries only a doorbell for them, since QEMU takes long for each byte of it.
 *
 * Instructions are counted by a clock of the machine under `-icount shift=8`. Differences are rounded, since
 * sleep shifts the clock's phase. */
#include "mps.h"

#include "../agent/port.h"

/* Arm CMSDK UART, DDI 0479 4.3. */
#define UART_DATA REG(UART_AT)
#define UART_STATE REG(UART_AT + 4)
#define UART_CTRL REG(UART_AT + 8)
#define UART_INTSTATUS REG(UART_AT + 12)
#define UART_BAUDDIV REG(UART_AT + 16)
enum { TX_FULL = 1, RX_FULL = 2, TX_ENABLE = 1, RX_ENABLE = 2, RX_INTERRUPTS = 8 };

/* Arm v7-M ARM, B3.4: one bit for each interrupt. */
#define NVIC_ENABLE REG(0xe000e100 + RX_INTERRUPT / 32 * 4)
#define NVIC_CLEAR REG(0xe000e280 + RX_INTERRUPT / 32 * 4)
#define NVIC_BIT (1u << RX_INTERRUPT % 32)

/* Wait asleep for a doorbell. A pending interrupt wakes the processor but is never taken, since PRIMASK is set. */
static void wait_for_doorbell(void)
{
    while ((UART_STATE & RX_FULL) == 0) {
        __asm volatile("wfi" ::: "memory");
    }
    UART_INTSTATUS = 2;
    NVIC_CLEAR = NVIC_BIT;
    (void)UART_DATA;
}

/* The doorbell of bytes that were read early rings later, with an empty ring. */
size_t port_read(uint8_t *bytes, size_t max)
{
    size_t count;
    while ((count = ring_take(RING, bytes, max)) == 0) {
        wait_for_doorbell();
    }
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

uint32_t mps_instructions(void)
{
    static uint32_t last, count;
    uint32_t now = COUNTER, half = 1u << (INSTRUCTIONS_SHIFT - 1);
    count += (uint32_t)(((uint64_t)(now - last) * INSTRUCTIONS + half) >> INSTRUCTIONS_SHIFT);
    last = now;
    return count;
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

void mps_start(void)
{
    __asm volatile("cpsid i" ::: "memory");
    UART_BAUDDIV = 16;
    UART_CTRL = TX_ENABLE | RX_ENABLE | RX_INTERRUPTS;
    NVIC_ENABLE = NVIC_BIT;
#ifdef COUNTER_RELOAD
    COUNTER_RELOAD = UINT32_MAX;
#endif
    COUNTER_CONTROL = 1;
}
