// The members of mbed::FlashIAP (Mbed OS 6) that the Nano's port uses.
#pragma once
#include <stdint.h>

namespace mbed
{
class FlashIAP
{
  public:
    int init();
    int erase(uint32_t addr, uint32_t size);
    int program(const void *buffer, uint32_t addr, uint32_t size);
};
} // namespace mbed
