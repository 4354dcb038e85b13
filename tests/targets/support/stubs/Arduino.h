// The declarations of the Arduino core and CMSIS that the Nano's port uses.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct SerialStub {
    void begin(unsigned long baud);
    int available();
    int read();
    size_t write(const uint8_t *bytes, size_t size);
};
extern SerialStub Serial;
enum PinStatus { LOW, HIGH };
enum PinMode { INPUT, OUTPUT };
void pinMode(uint8_t pin, PinMode mode);
void digitalWrite(uint8_t pin, PinStatus status);
void yield();
void setup();
void loop();

struct DwtStub {
    volatile uint32_t CTRL, CYCCNT;
};
struct CoreDebugStub {
    volatile uint32_t DHCSR, DCRSR, DCRDR, DEMCR;
};
#define DWT (reinterpret_cast<DwtStub *>(0xe0001000u))
#define CoreDebug (reinterpret_cast<CoreDebugStub *>(0xe000edf0u))
#define CoreDebug_DEMCR_TRCENA_Msk (1u << 24)
#define DWT_CTRL_CYCCNTENA_Msk 1u
uint32_t __get_PRIMASK();
void __set_PRIMASK(uint32_t);
void __disable_irq();
