/* Policies: the largest subnet that resources afford. Each one is a function of the resources and of what
 * the governor has learned, without a state of its own. */
#include "policies.h"
#include "governor.h"

#include <stdbool.h>

/* Nanojoules, 140 kJ: a surplus times its share fits 64 bits, and one inference takes at most 4 J. */
#define MOST_ENERGY (UINT64_C(1) << 47)

uint32_t reds_smaller(uint32_t a, uint32_t b)
{
    if (a == REDS_WAIT || b == REDS_WAIT) {
        return REDS_WAIT;
    }
    return a < b ? a : b;
}

uint32_t reds_left_percent(uint8_t load_percent)
{
    return load_percent < 99 ? 100U - load_percent : 1;
}

uint32_t reds_fixed(const reds_governor *governor, const reds_resources *now)
{
    (void)now;
    return governor->rules.fixed;
}

uint32_t reds_deadline(const reds_governor *governor, const reds_resources *now)
{
    if (now->deadline_us == REDS_NO_DEADLINE) {
        return governor->subnets - 1;
    }
    /* us * 100 / left * stretch / 256 * (100 + margin) / 100 <= deadline, without a division */
    const uint64_t limit = (uint64_t)now->deadline_us * reds_left_percent(now->load_percent) * 256;
    const uint32_t margin = 100U + governor->rules.margin_percent;
    for (uint32_t subnet = governor->subnets - 1; subnet > 0; subnet--) {
        if ((uint64_t)governor->costs[subnet].us * (governor->stretch * margin) <= limit) {
            return subnet;
        }
    }
    /* Not stretched: to wait would teach nothing, as only an inference shows that others hold it up no longer. */
    return (uint64_t)governor->costs[0].us * (REDS_UNSTRETCHED * margin) <= limit ? 0 : REDS_WAIT;
}

static uint64_t at_most(uint64_t energy, uint64_t most)
{
    return energy < most ? energy : most;
}

/* Return the energy that one period may use so that the store comes nearer to its target. */
static uint64_t allowance(const reds_governor *governor, const reds_resources *now)
{
    const uint64_t income = (uint64_t)now->income_uw * governor->rules.period_us / 1000;
    const uint64_t target = governor->rules.target_nj;
    const bool surplus = now->stored_nj >= target;
    const uint64_t distance = surplus ? now->stored_nj - target : target - now->stored_nj;
    const uint64_t part = (at_most(distance, MOST_ENERGY) * governor->share) >> 16;
    if (surplus) {
        return income + part;
    }
    return income > part ? income - part : 0;
}

uint32_t reds_energy_neutral(const reds_governor *governor, const reds_resources *now)
{
    if (now->stored_nj == REDS_MAINS) {
        return governor->subnets - 1;
    }
    if (now->stored_nj <= governor->rules.reserve_nj) {
        return REDS_WAIT;
    }
    const uint64_t allowed = allowance(governor, now);
    const uint64_t usable = at_most(now->stored_nj - governor->rules.reserve_nj, MOST_ENERGY);
    const uint64_t limit = at_most(allowed, usable) * 100;
    const uint64_t factor = 100U + governor->rules.margin_percent;
    for (uint32_t subnet = governor->subnets - 1; subnet > 0; subnet--) {
        if (governor->costs[subnet].nj * factor <= limit) {
            return subnet;
        }
    }
    /* To wait costs a whole answer, more than any larger subnet gains: so the store alone pays for it. */
    return governor->costs[0].nj * factor <= usable * 100 ? 0 : REDS_WAIT;
}

uint32_t reds_deadline_and_energy(const reds_governor *governor, const reds_resources *now)
{
    return reds_smaller(reds_deadline(governor, now), reds_energy_neutral(governor, now));
}
