/* Registers of the emulated board, and memory that it shares with the emulator. */
#ifndef REDS_EMULATED_SHARED_H
#define REDS_EMULATED_SHARED_H

#include <stdint.h>

#define REG(at) (*(volatile uint32_t *)(uintptr_t)(at))

/* The sums that the plugin stores (port.c). */
#define CYCLES REG(0x21000000)
#define FLASH_WORDS REG(0x21000004)

/* A power cut (flash.c): operations of the flash until it, 0 for none; what it leaves of the last of them. */
#define CUT_IN REG(0x21000010)
#define CUT_LEAVES REG(0x21000014)

/* The ring of the host's bytes: counters of the bytes written and read so far, modulo 2^32, then its data. */
#define RING_WRITTEN REG(0x21001000)
#define RING_READ REG(0x21001004)
#define RING_DATA ((const volatile uint8_t *)(uintptr_t)0x21001008)
enum { RING_BYTES = 1 << 15 };

#endif
