/* CRC-32 as in zlib, four bits at a time: a table of 64 bytes, about 10 instructions a byte. */
#ifndef REDS_CRC32_H
#define REDS_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Return the checksum of `size` more bytes after those with checksum `crc`; begin with 0. */
uint32_t reds_crc32(uint32_t crc, const void *data, size_t size);

#endif
