/* The agent's port for an STM32F405 or STM32F446, as on ST's NUCLEO-F446RE: USART2, which goes to the board's
 * ST-LINK and so to USB, the cycle counter, and three sectors of the flash.
 *
 * The same program runs on QEMU's netduinoplus2. It knows QEMU by the cycle counter, which stands still there,
 * and counts instructions by timer 2, which advances by one for each under `-icount shift=0`. */
#include "../agent/port.h"

#include "../agent/agent.h"
#include "emulator.h"
#include "flash.h"

/* Reset and clock control (RM0090, 7.3). */
#define RCC_CR REG(0x40023800)
#define RCC_PLLCFGR REG(0x40023804)
#define RCC_CFGR REG(0x40023808)
#define RCC_AHB1ENR REG(0x40023830)
#define RCC_APB1ENR REG(0x40023840)
enum { PLL_ON = 1 << 24, PLL_READY = 1 << 25 };
enum { USE_PLL = 2, PLL_USED = 2 << 2, APB1_BY_4 = 5 << 10, APB2_BY_2 = 4 << 13 };
enum { GPIOA_ON = 1 << 0, USART2_ON = 1 << 17, TIM2_ON = 1 << 0 };
enum { HZ = 168000000, APB1_HZ = HZ / 4, BAUD = 115200 };

/* Pins PA2 and PA3 of USART2, and PA5: the green LED, the marker. */
#define GPIOA_MODER REG(0x40020000)
#define GPIOA_BSRR REG(0x40020018)
#define GPIOA_AFRL REG(0x40020020)
enum { MARKER = 1 << 5 };

#define USART2_SR REG(0x40004400)
#define USART2_DR REG(0x40004404)
#define USART2_BRR REG(0x40004408)
#define USART2_CR1 REG(0x4000440c)
enum { RX_READY = 1 << 5, TX_EMPTY = 1 << 7 };
enum { USART_ON = 1 << 13, RX_INTERRUPT = 1 << 5, TX_ON = 1 << 3, RX_ON = 1 << 2 };
enum { USART2_INTERRUPT = 38 };

#define TIM2_CR1 REG(0x40000000)
#define TIM2_CNT REG(0x40000024)

#define DEMCR REG(0xe000edfc)
#define DWT_CTRL REG(0xe0001000)
#define DWT_CYCCNT REG(0xe0001004)

/* Arm v7-M ARM, B3.4: one bit for each interrupt. */
#define NVIC_ENABLE REG(0xe000e100 + USART2_INTERRUPT / 32 * 4)
#define NVIC_CLEAR REG(0xe000e280 + USART2_INTERRUPT / 32 * 4)
#define NVIC_BIT (1u << USART2_INTERRUPT % 32)

enum { STACK_ROOM = 4096 };

static int8_t arena[68 << 10] __attribute__((aligned(16)));
static int8_t inputs[28 << 10];

static port_clock clocks[] = {{"cycles", HZ}};

static port_facts facts = {
    .board = PORT_BOARD,
    .clocks = clocks,
    .clock_count = 1,
    .arena = arena,
    .arena_bytes = sizeof arena,
    .inputs = inputs,
    .inputs_bytes = sizeof inputs,
    .store = (const uint8_t *)PACK_AT,
    .store_bytes = PACK_BYTES,
    .page_bytes = SECTOR_BYTES,
};

/* What is emulated is known at the start. */
extern const port_facts port __attribute__((alias("facts")));

/* A pending interrupt ends the wait but is never taken, since PRIMASK is set. */
static void wait_for_byte(void)
{
    while ((USART2_SR & RX_READY) == 0) {
        __asm volatile("wfi" ::: "memory");
        NVIC_CLEAR = NVIC_BIT;
    }
}

/* The doorbell of bytes that were read early rings later, with an empty mailbox. */
static size_t read_mailbox(uint8_t *bytes, size_t max)
{
    size_t count;
    while ((count = emulator_take(bytes, max)) == 0) {
        wait_for_byte();
        (void)USART2_DR;
    }
    return count;
}

size_t port_read(uint8_t *bytes, size_t max)
{
    if (emulator_has_mailbox()) {
        return read_mailbox(bytes, max);
    }
    size_t count = 0;
    wait_for_byte();
    while (count < max && (USART2_SR & RX_READY) != 0) {
        bytes[count++] = (uint8_t)USART2_DR;
    }
    return count;
}

void port_write(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while ((USART2_SR & TX_EMPTY) == 0) {
        }
        USART2_DR = bytes[i];
    }
}

uint32_t port_ticks(uint32_t clock)
{
    (void)clock;
    return facts.emulated ? TIM2_CNT : DWT_CYCCNT;
}

/* Interrupts are always masked. */
uint32_t port_mask(void)
{
    return 0;
}

bool port_unmask(uint32_t before)
{
    (void)before;
    return true;
}

void port_marker(bool high)
{
    GPIOA_BSRR = high ? MARKER : MARKER << 16;
}

uint32_t port_stack_room(void)
{
    return STACK_ROOM;
}

/* Run at 168 MHz from the internal oscillator of 16 MHz: / 16 * 336 / 2. Waiting ends where nothing gets ready. */
static void start_clock(void)
{
    enum { PATIENCE = 1 << 16, PLL = 16 | 336 << 6 | 7 << 24 | 2 << 28 };
    flash_start();
    RCC_PLLCFGR = PLL;
    RCC_CR |= PLL_ON;
    for (int i = 0; i < PATIENCE && (RCC_CR & PLL_READY) == 0; i++) {
    }
    RCC_CFGR = APB1_BY_4 | APB2_BY_2 | USE_PLL;
    for (int i = 0; i < PATIENCE && (RCC_CFGR & PLL_USED) == 0; i++) {
    }
}

static void start_pins(void)
{
    RCC_AHB1ENR |= GPIOA_ON;
    RCC_APB1ENR |= USART2_ON | TIM2_ON;
    GPIOA_AFRL |= 7 << 8 | 7 << 12;                                    /* USART2 at PA2, PA3 */
    GPIOA_MODER = (GPIOA_MODER & ~0xcf0u) | 2 << 4 | 2 << 6 | 1 << 10; /* PA5 is an output */
    USART2_BRR = (APB1_HZ + BAUD / 2) / BAUD;
    USART2_CR1 = USART_ON | RX_INTERRUPT | TX_ON | RX_ON;
    NVIC_ENABLE = NVIC_BIT;
}

static void start_counters(void)
{
    DEMCR |= 1u << 24;
    DWT_CTRL |= 1;
    uint32_t before = DWT_CYCCNT;
    for (volatile int i = 0; i < 10; i++) {
    }
    facts.emulated = DWT_CYCCNT == before;
    if (facts.emulated) {
        clocks[0] = (port_clock){"instructions", 0};
        TIM2_CR1 = 1;
        emulator_start();
    }
}

int main(void)
{
    __asm volatile("cpsid i" ::: "memory");
    start_clock();
    start_pins();
    start_counters();
    agent_run();
    return 0;
}
