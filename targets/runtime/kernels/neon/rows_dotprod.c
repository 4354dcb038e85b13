/* Rows times positions by SDOT, which adds the products of four rows by four inputs to four sums. neon.h explains
 * the layout. */
#include "rows_dotprod.h"
#include "rows.h"

#ifdef __aarch64__

void reds_neon_rows_dotprod(const reds_neon_rows *rows)
{
    all_positions(rows);
}

#endif
