/* Rows times positions by SMULL and SMLAL, for processors without SDOT. neon.h explains the layout. */
#include "rows_baseline.h"
#include "rows.h"

#ifdef __aarch64__

void reds_neon_rows_baseline(const reds_neon_rows *rows)
{
    all_positions(rows);
}

#endif
