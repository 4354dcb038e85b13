/* Frames on a byte stream: COBS, ended by a zero byte, CRC-32 at the end (hil/link/protocol.py). */
#ifndef REDS_FRAME_H
#define REDS_FRAME_H

#include <stdint.h>

#include "protocol.h"

enum { FRAME_PAYLOAD = 4096 }; /* the largest payload, either way */
enum { FRAME_BYTES = FRAME_PAYLOAD + PROTOCOL_OVERHEAD };

typedef struct {
    uint8_t command;
    uint8_t sequence;
    uint32_t size; /* of the payload */
    uint8_t *payload;
} frame;

typedef enum { FRAME_MORE, FRAME_READY, FRAME_BAD } frame_status;

/* Takes a stream apart. Zero-initialised it is ready; whatever comes in, it never reads or writes past
 * its buffer and is in step again after the next zero byte. */
typedef struct {
    uint32_t bytes[FRAME_BYTES / 4 + 1]; /* words: payloads are read as such */
    uint32_t size;
    uint8_t left; /* bytes until the next code byte */
    uint8_t code;
    uint8_t broken;
} frame_reader;

/* One byte in. FRAME_READY: `out` is a whole, checked frame, valid until the next call. FRAME_BAD: a frame
 * ended that was too long, badly encoded or of another checksum. */
frame_status frame_read(frame_reader *reader, uint8_t byte, frame *out);

/* Encode and send through port_write. The payload lies at `bytes` + 2 of a buffer of FRAME_BYTES. */
void frame_write(uint8_t *bytes, uint8_t command, uint8_t sequence, uint32_t size);

#endif
