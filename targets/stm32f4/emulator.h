/* What QEMU's netduinoplus2 lacks, by calls to the host. The real board never makes one. */
#ifndef REDS_STM32F4_EMULATOR_H
#define REDS_STM32F4_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Use the emulator from now on. */
void emulator_start(void);

/* Return whether the program runs on the emulator. */
bool emulator_runs(void);

/* Write to the flash at an address. */
void emulator_erase(uint32_t at, uint32_t bytes);
void emulator_program(uint32_t at, const uint32_t *words, size_t count);

/* Return whether the host's bytes lie in a mailbox, for which the USART has a doorbell. */
bool emulator_has_mailbox(void);

/* Take at most `max` bytes from the mailbox, which may be none. */
size_t emulator_take(uint8_t *bytes, size_t max);

#endif
