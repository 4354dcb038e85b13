/* The agent's port for an Arduino Nano 33 BLE, on the Arduino core: USB serial, the processor's cycle
 * counter, and the pack in a part of the flash that the agent writes itself. */
#include <Arduino.h>
#include <FlashIAP.h>

#include "../../../agent/agent.h"
#include "../../../agent/port.h"
#include "../map.h"

static const int MARKER_PIN = 2; /* D2 */

static int8_t arena[ARENA_BYTES] __attribute__((aligned(16)));
static int8_t inputs[INPUTS_BYTES];
static mbed::FlashIAP flash;

static const port_clock clocks[] = {{"cycles", 64000000}};

extern "C" {

const port_facts port = {
    "nano33ble",
    false, /* emulated */
    clocks,
    1,
    arena,
    sizeof arena,
    inputs,
    sizeof inputs,
    reinterpret_cast<const uint8_t *>(PACK_AT),
    PACK_BYTES,
    PAGE_BYTES,
};

size_t port_read(uint8_t *bytes, size_t max)
{
    int ready;
    while ((ready = Serial.available()) <= 0) {
        yield();
    }
    size_t count = static_cast<size_t>(ready) < max ? static_cast<size_t>(ready) : max;
    for (size_t i = 0; i < count; i++) {
        bytes[i] = static_cast<uint8_t>(Serial.read());
    }
    return count;
}

void port_write(const uint8_t *bytes, size_t size)
{
    Serial.write(bytes, size);
}

uint32_t port_ticks(uint32_t)
{
    return DWT->CYCCNT;
}

uint32_t port_mask(void)
{
    uint32_t before = __get_PRIMASK();
    __disable_irq();
    return before;
}

bool port_unmask(uint32_t before)
{
    __set_PRIMASK(before);
    return true;
}

void port_marker(bool high)
{
    digitalWrite(MARKER_PIN, high ? HIGH : LOW);
}

/* The agent runs on Mbed's main thread. Handlers of interrupts have a stack of their own, but for their frames. */
uint32_t port_stack_room(void)
{
#if defined(MBED_CONF_RTOS_MAIN_THREAD_STACK_SIZE) && MBED_CONF_RTOS_MAIN_THREAD_STACK_SIZE >= 8192
    return STACK_ROOM;
#else
    return 0;
#endif
}

bool port_erase(uint32_t at)
{
    return flash.erase(PACK_AT + at, PAGE_BYTES) == 0;
}

bool port_program(uint32_t at, const uint32_t *words, size_t count)
{
    return flash.program(words, PACK_AT + at, count * sizeof *words) == 0;
}

} /* extern "C" */

void setup()
{
    CoreDebug->DEMCR |= CoreDebug_DEMCR_TRCENA_Msk;
    DWT->CYCCNT = 0;
    DWT->CTRL |= DWT_CTRL_CYCCNTENA_Msk;
    pinMode(MARKER_PIN, OUTPUT);
    flash.init();
    Serial.begin(115200);
}

void loop()
{
    agent_run();
}
