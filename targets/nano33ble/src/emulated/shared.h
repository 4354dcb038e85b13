/* Memory that the emulated board shares with the emulator, before the ring of the host's bytes. */
#ifndef REDS_EMULATED_SHARED_H
#define REDS_EMULATED_SHARED_H

#include "../../../mps/mps.h"

/* The sums that the plugin stores (port.c). */
#define CYCLES REG(SHARED_AT)
#define FLASH_WORDS REG(SHARED_AT + 4)

/* A power cut (flash.c): operations of the flash until it, 0 for none; what it leaves of the last of them. */
#define CUT_IN REG(SHARED_AT + 0x10)
#define CUT_LEAVES REG(SHARED_AT + 0x14)

#endif
