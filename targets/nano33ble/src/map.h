/* The place of the pack in the flash of the Nano 33 BLE: above the application, which starts at 0x10000,
 * and below 0xe0000, where Arduino's newer bootloader starts; a board without its bootloader needs a debug
 * probe. Flash is erased by pages of 4 KB and written by words (nRF52840 product specification, 4.2 and
 * 4.3). The emulated board has the same map. */
#ifndef REDS_NANO33BLE_MAP_H
#define REDS_NANO33BLE_MAP_H

#define PACK_AT 0x80000u
#define PACK_END 0xe0000u
#define PACK_BYTES (PACK_END - PACK_AT)
#define PAGE_BYTES 0x1000u

/* Memory that the agent reserves, of the 192 KB that Mbed leaves. */
#define ARENA_BYTES (96u * 1024)
#define INPUTS_BYTES (28u * 1024)

/* Stack that is free below the agent's frames, of 8 KB at least. */
#define STACK_ROOM 4096u

#endif
