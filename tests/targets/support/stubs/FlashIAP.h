// mbed::FlashIAP as Mbed OS 6 declares it, as far as the Nano's port uses it.
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
