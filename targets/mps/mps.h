/* Arm's MPS boards in QEMU: one for each Cortex-M, with the same peripherals at other addresses. The machine
 * is named by a macro, else it is the mps2-an386. */
#ifndef REDS_MPS_H
#define REDS_MPS_H

#include <stdint.h>

#include "../bare_metal/ring.h"

#define REG(at) (*(volatile uint32_t *)(uintptr_t)(at))

/* UART_AT, RX_INTERRUPT_AT: the first UART, and the number of its interrupt of received bytes.
 * COUNTER: ticks of a clock of the machine, upwards modulo 2^32. An instruction takes 256 ns, so that
 * ticks * INSTRUCTIONS >> INSTRUCTIONS_SHIFT are instructions.
 * SHARED_AT: memory that the board shares with the emulator. */
#ifdef MPS3_AN547 /* a counter of 32 MHz (SSE-300 TRM, system counter) */
#define UART_AT 0x59303000u
#define RX_INTERRUPT 33
#define COUNTER_CONTROL REG(0x58100000)
#define COUNTER REG(0x58100008)
#define INSTRUCTIONS 125
#define INSTRUCTIONS_SHIFT 10
#define SHARED_AT 0x60000000u
#else /* CMSDK timer 0, which counts down (DDI 0479 4.1) */
#define COUNTER_CONTROL REG(TIMER_AT)
#define COUNTER ~REG(TIMER_AT + 4)
#define COUNTER_RELOAD REG(TIMER_AT + 8)
#ifdef MPS2_AN505 /* of 20 MHz */
#define UART_AT 0x50200000u
#define RX_INTERRUPT 32
#define TIMER_AT 0x50000000u
#define INSTRUCTIONS 25
#define INSTRUCTIONS_SHIFT 7
#define SHARED_AT 0x80000000u
#else /* of 25 MHz */
#define UART_AT 0x40004000u
#define RX_INTERRUPT 0
#define TIMER_AT 0x40000000u
#define INSTRUCTIONS 5
#define INSTRUCTIONS_SHIFT 5
#ifdef MPS2_AN500
#define SHARED_AT 0x60000000u
#else
#define SHARED_AT 0x21000000u
#endif
#endif
#endif

/* The host's bytes. */
#define RING ((ring *)(uintptr_t)(SHARED_AT + RING_AT))

/* Start the UART and the counter. Interrupts are masked from now on. */
void mps_start(void);

/* Return the count of executed instructions, modulo 2^32. It must be called at least every 500 million of
 * them, when the counter wraps. */
uint32_t mps_instructions(void);

#endif
