/* Run inferences by the kernels for AVX2, whatever else the processor has: linked into the agent of a bench, in place of
 * reds_run. The pack has the same bytes for all kernels of x86. */
#include "runtime/kernels/kernels.h"

void __real_reds_run(const reds_model *model);
void __wrap_reds_run(const reds_model *model);
reds_status __real_reds_select(reds_model *model, uint32_t subnet);
reds_status __wrap_reds_select(reds_model *model, uint32_t subnet);

void __wrap_reds_run(const reds_model *model)
{
    static const reds_kernels avx2 = {{[0] = &reds_portable, [6] = &reds_x86_avx2}};
    reds_model held = *model;
    held.kernels = &avx2;
    __real_reds_run(&held);
}

reds_status __wrap_reds_select(reds_model *model, uint32_t subnet)
{
    return __real_reds_select(model, subnet);
}
