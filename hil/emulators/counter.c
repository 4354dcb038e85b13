/* Add up the cycles of all executed instructions in QEMU, by the table of cycles.py, and the words that they read
 * from flash. Whenever the guest passes its mark, both sums are written to memory that it shares with QEMU.
 *
 *   -plugin counter.so,costs=FILE,mark=ADDRESS,memory=FILE,flash=ADDRESS,flash_end=ADDRESS
 *
 * costs: u32 base, u32 n, then one u16 for each of n halfwords. It holds cycles, and these flags: 0x40 an
 * instruction of four bytes, 0x80 a load that pipelines, 0x100 a single load or store, after which such a load
 * pipelines, 0x200 an instruction that may read flash. A taken branch costs one more.
 *
 * The costs of a block are added at its last instruction, so a block that QEMU abandons and translates again
 * (as it does around device registers) is not counted twice. A branch is taken if the next block is not the one
 * that follows in memory. The sum does not depend on where QEMU splits blocks.
 *
 * A read counts once for each 32-bit word of flash that it touches.
 *
 * Debian ships no header: these are the prototypes that the plugin needs (QEMU plugin API 1 and 2). */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;
typedef uint64_t qemu_plugin_id_t;
typedef void (*translated_cb)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*executed_cb)(unsigned int, void *);
typedef void (*accessed_cb)(unsigned int, uint32_t access, uint64_t address, void *);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translated_cb);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, executed_cb, int flags, void *);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, accessed_cb, int flags, int kinds, void *);
unsigned int qemu_plugin_mem_size_shift(uint32_t access);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);

EXPORT int qemu_plugin_version = PLUGIN_VERSION;

enum { COST = 0x3f, LONG = 0x40, LOAD = 0x80, SINGLE = 0x100, READS = 0x200 };
enum { ACCESSES = 3 }; /* QEMU 7.2 calls nothing for its 1, reads alone; what READS flags never writes */

typedef struct {
    uint64_t start, end;
    uint32_t cost;
    bool load_first, single_last;
} block;

static uint64_t cycles, words, mark, flash, flash_end;
static const block *last; /* the block that was completed last; NULL: unknown */
static uint32_t base, halfwords;
static uint16_t *costs;
static volatile uint32_t *shared;

static uint16_t cost_at(uint64_t address)
{
    uint64_t i = (address - base) / 2;
    return address >= base && i < halfwords ? costs[i] : 1;
}

static void enter(unsigned int cpu, void *data)
{
    const block *b = data;
    (void)cpu;
    if (last != NULL && last->end != b->start) {
        cycles++;
    } else if (last != NULL && last->single_last && b->load_first) {
        cycles--;
    }
    last = NULL;
}

static void leave(unsigned int cpu, void *data)
{
    (void)cpu;
    last = data;
    cycles += last->cost;
}

static void passed(unsigned int cpu, void *data)
{
    (void)cpu;
    (void)data;
    shared[0] = (uint32_t)cycles;
    shared[1] = (uint32_t)words;
}

static void accessed(unsigned int cpu, uint32_t access, uint64_t address, void *data)
{
    (void)cpu;
    (void)data;
    if (address >= flash && address < flash_end) {
        uint64_t last_byte = address + (1u << qemu_plugin_mem_size_shift(access)) - 1;
        words += last_byte / 4 - address / 4 + 1;
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t n = qemu_plugin_tb_n_insns(tb);
    block *b = calloc(1, sizeof *b); /* never freed: QEMU keeps its blocks to the end */
    (void)id;
    if (b == NULL) {
        abort();
    }
    bool single = false;
    for (size_t i = 0; i < n; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t at = qemu_plugin_insn_vaddr(insn);
        uint16_t cost = cost_at(at);
        bool pipelined = single && (cost & LOAD) != 0;
        b->cost += (cost & COST) - pipelined;
        single = (cost & SINGLE) != 0;
        b->end = at + ((cost & LONG) != 0 ? 4 : 2); /* QEMU reports a wrong size across the end of a page */
        if (i == 0) {
            b->start = at;
            b->load_first = (cost & LOAD) != 0;
            qemu_plugin_register_vcpu_insn_exec_cb(insn, enter, 0, b);
        }
        if ((cost & READS) != 0) {
            qemu_plugin_register_vcpu_mem_cb(insn, accessed, 0, ACCESSES, NULL);
        }
        if (at == mark) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, passed, 0, NULL);
        }
        if (i == n - 1) {
            b->single_last = single;
            qemu_plugin_register_vcpu_insn_exec_cb(insn, leave, 0, b);
        }
    }
}

static bool read_costs(const char *path)
{
    FILE *file = fopen(path, "rb");
    bool ok = file != NULL && fread(&base, 4, 1, file) == 1 && fread(&halfwords, 4, 1, file) == 1 &&
              (costs = calloc(halfwords, sizeof *costs)) != NULL &&
              fread(costs, sizeof *costs, halfwords, file) == halfwords;
    if (file != NULL) {
        fclose(file);
    }
    return ok;
}

static bool map_memory(const char *path)
{
    int fd = open(path, O_RDWR);
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0) {
        close(fd);
    }
    shared = page == MAP_FAILED ? NULL : page;
    return shared != NULL;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
    bool have_costs = false;
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "costs=", 6) == 0) {
            have_costs = read_costs(argv[i] + 6);
        } else if (strncmp(argv[i], "memory=", 7) == 0) {
            map_memory(argv[i] + 7);
        } else if (strncmp(argv[i], "mark=", 5) == 0) {
            mark = strtoull(argv[i] + 5, NULL, 0);
        } else if (strncmp(argv[i], "flash=", 6) == 0) {
            flash = strtoull(argv[i] + 6, NULL, 0);
        } else if (strncmp(argv[i], "flash_end=", 10) == 0) {
            flash_end = strtoull(argv[i] + 10, NULL, 0);
        }
    }
    if (!have_costs || shared == NULL || mark == 0 || flash_end == 0) {
        fprintf(stderr, "counter: costs, memory, mark and flash_end are needed\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
