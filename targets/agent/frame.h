/* Frames on a byte stream, as the protocol's definition describes them: COBS, CRC-32, a zero byte at the
 * end. */
#ifndef REDS_FRAME_H
#define REDS_FRAME_H

#include <stdint.h>

#include "protocol.h"

enum { FRAME_PAYLOAD = 4096 }; /* the largest payload, in both directions */
enum { FRAME_BYTES = FRAME_PAYLOAD + PROTOCOL_OVERHEAD };

typedef struct {
    uint8_t command;
    uint8_t sequence;
    uint32_t size; /* of the payload */
    uint8_t *payload;
} frame;

typedef enum { FRAME_MORE, FRAME_READY, FRAME_BAD } frame_status;

/* Splits a stream into frames. It starts zero-initialized. After damaged input it is in step again with
 * the next zero byte, and no input makes it read or write past its buffer. */
typedef struct {
    uint32_t bytes[FRAME_BYTES / 4 + 1]; /* words, so that payloads are aligned */
    uint32_t size;
    uint8_t left; /* bytes until the next code byte */
    uint8_t code;
    uint8_t broken;
} frame_reader;

/* Read one byte. FRAME_READY: `out` is a complete, checked frame, valid until the next call. FRAME_BAD: a
 * frame ended that was too long, badly encoded or had a wrong checksum. */
frame_status frame_read(frame_reader *reader, uint8_t byte, frame *out);

/* Forget the bytes since the last frame: they were something else. */
void frame_drop(frame_reader *reader);

/* Send a frame through port_write. `bytes` is a buffer of FRAME_BYTES, whose payload of `size` bytes starts
 * after the frame's head. */
void frame_write(uint8_t *bytes, uint8_t command, uint8_t sequence, uint32_t size);

#endif
