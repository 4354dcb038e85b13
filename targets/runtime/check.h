/* Check every offset, size and value of a pack, once. */
#ifndef REDS_CHECK_H
#define REDS_CHECK_H

#include <stddef.h>

#include "kernels/kernels.h"
#include "reds.h"

/* Return REDS_OK and set `family` to the kernels that run the pack, or return why it cannot run. */
reds_status reds_check(const reds_header *pack, size_t size, size_t arena_size, const reds_family **family);

#endif
