/* Whether a pack can be run: every offset, size and value in it, checked once. */
#ifndef REDS_CHECK_H
#define REDS_CHECK_H

#include <stddef.h>

#include "kernels/kernels.h"
#include "reds.h"

/* REDS_OK and the kernels that run it, or the reason against it. */
reds_status reds_check(const reds_header *pack, size_t size, size_t arena_size, const reds_family **family);

#endif
