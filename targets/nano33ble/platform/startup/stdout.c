/* System calls of newlib for printf: the serial line (Arm CMSDK UART, DDI 0479 4.3) and memory for one
 * line. */
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define REG(at) (*(volatile uint32_t *)(uintptr_t)(at))
#define UART_DATA REG(0x40004000)
#define UART_STATE REG(0x40004004)
#define UART_CTRL REG(0x40004008)
#define UART_BAUDDIV REG(0x40004010)
enum { TX_FULL = 1, TX_ENABLE = 1 };

int _write(int file, const char *text, int size)
{
    (void)file;
    UART_BAUDDIV = 16;
    UART_CTRL = TX_ENABLE;
    for (int i = 0; i < size; i++) {
        while ((UART_STATE & TX_FULL) != 0) {
        }
        UART_DATA = (uint8_t)text[i];
    }
    return size;
}

void *_sbrk(ptrdiff_t more)
{
    static char heap[4096] __attribute__((aligned(8)));
    static ptrdiff_t used;
    if (more < 0 || more > (ptrdiff_t)sizeof heap - used) {
        return (void *)-1;
    }
    used += more;
    return heap + used - more;
}

int _fstat(int file, struct stat *status)
{
    (void)file;
    status->st_mode = S_IFCHR; /* a terminal, so that newlib writes line by line */
    return 0;
}

int _isatty(int file)
{
    (void)file;
    return 1;
}

int _read(int file, char *text, int size)
{
    (void)file, (void)text, (void)size;
    return 0;
}

int _lseek(int file, int offset, int whence)
{
    (void)file, (void)offset, (void)whence;
    return 0;
}

int _close(int file)
{
    (void)file;
    return -1;
}
