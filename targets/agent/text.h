/* Text commands on the stream that carries the frames: printable ASCII that ends with a percent sign.
 *
 * After a zero byte, or at the start, a byte is the first of a frame or of a command. The second byte of a frame is a
 * command of protocol.h, below 32, since a COBS code comes before it. The second byte of a text command is
 * printable, or it ends a line after a byte that does so, too. Of the commands that a line end stands for, a reset is
 * shorter than the code before it would say, and the fourth byte of the other's frame is a policy, which is not
 * printable. So no frame is read as text, and no text as a frame. */
#ifndef REDS_TEXT_H
#define REDS_TEXT_H

#include <stdbool.h>
#include <stdint.h>

enum { TEXT_BYTES = 96 }; /* the longest command */

typedef enum { TEXT_MORE, TEXT_READY, TEXT_TOO_LONG } text_status;

/* Finds commands in a stream. It starts zero-initialized. */
typedef struct {
    char bytes[TEXT_BYTES + 1]; /* the command, ended by a zero byte when it is complete */
    uint32_t size;
    bool frame; /* the bytes up to the next zero are of a frame */
} text_reader;

/* Read one byte. TEXT_READY: `bytes` holds a command without its percent sign until the next call. TEXT_TOO_LONG: a
 * command ended that is longer than TEXT_BYTES. */
text_status text_read(text_reader *reader, uint8_t byte);

#endif
