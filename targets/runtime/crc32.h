/* CRC-32 as in zlib, four bits at a time: 64 bytes of table, about 10 instructions a byte. */
#ifndef REDS_CRC32_H
#define REDS_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `size` more bytes, after `crc` (0 to begin with). */
uint32_t reds_crc32(uint32_t crc, const void *data, size_t size);

#endif
