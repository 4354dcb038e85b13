/* The flash of an STM32F4 from its sixth sector on: three sectors of 128 KB hold the pack. */
#ifndef REDS_STM32F4_FLASH_H
#define REDS_STM32F4_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#define REG(at) (*(volatile uint32_t *)(uintptr_t)(at))

enum { PACK_AT = 0x08020000, SECTOR_BYTES = 128 << 10, PACK_BYTES = 3 * SECTOR_BYTES };

/* Set the wait states of 168 MHz at 3.3 V, and turn the prefetch and the caches on. */
void flash_start(void);

#endif
