/* Where the pack lives on the Nano 33 BLE: above the application, which starts at 0x10000, and below
 * 0xe0000, where Arduino's newer bootloader stands: writing there would leave a board that needs a probe to
 * come back. nRF52840 product specification, 4.2 and 4.3: pages of 4 KB are erased, words written. The
 * emulated board has the same map. */
#ifndef REDS_NANO33BLE_MAP_H
#define REDS_NANO33BLE_MAP_H

#define PACK_AT 0x80000u
#define PACK_END 0xe0000u
#define PACK_BYTES (PACK_END - PACK_AT)
#define PAGE_BYTES 0x1000u

/* Memory the agent sets aside, of the 192 KB that Mbed leaves. */
#define ARENA_BYTES (96u * 1024)
#define INPUTS_BYTES (28u * 1024)

#endif
