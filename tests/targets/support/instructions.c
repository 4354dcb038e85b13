/* Count the instructions of a guest in QEMU's user mode. Whenever the guest calls its function `mark`, or makes a system
 * call of a number, the sum is written to a file as a line.
 *
 *   -plugin instructions.so,mark=ADDRESS,counts=FILE
 *   -plugin instructions.so,system_call=NUMBER,counts=FILE
 *
 * Debian ships no header: these are the prototypes that the plugin needs (QEMU plugin API 1). */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_info_t;
typedef uint64_t qemu_plugin_id_t;
typedef void (*translated_cb)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*executed_cb)(unsigned int, void *);
typedef void (*called_cb)(qemu_plugin_id_t, unsigned int, int64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                          uint64_t, uint64_t, uint64_t, uint64_t);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translated_cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, executed_cb, int flags, void *);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int op, void *sum, uint64_t add);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, called_cb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);

EXPORT int qemu_plugin_version = 1;

enum { ADD = 0, NO_REGISTERS = 0 };

static uint64_t sum, mark;
static int64_t system_call = -1;
static FILE *file;

static void marked(unsigned int cpu, void *data)
{
    (void)cpu;
    (void)data;
    fprintf(file, "%" PRIu64 "\n", sum);
    fflush(file);
}

static void called(qemu_plugin_id_t id, unsigned int cpu, int64_t number, uint64_t a, uint64_t b, uint64_t c,
                   uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    (void)id, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    if (number == system_call) {
        marked(cpu, NULL);
    }
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    if (qemu_plugin_tb_vaddr(tb) == mark) {
        qemu_plugin_register_vcpu_tb_exec_cb(tb, marked, NO_REGISTERS, NULL);
    }
    qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD, &sum, qemu_plugin_tb_n_insns(tb));
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "mark=", 5) == 0) {
            mark = strtoull(argv[i] + 5, NULL, 0);
        } else if (strncmp(argv[i], "system_call=", 12) == 0) {
            system_call = strtoll(argv[i] + 12, NULL, 0);
        } else if (strncmp(argv[i], "counts=", 7) == 0) {
            file = fopen(argv[i] + 7, "w");
        }
    }
    if ((mark == 0 && system_call < 0) || file == NULL) {
        fprintf(stderr, "instructions: counts, and mark or system_call, are needed\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
