// The row-major convenience layer is not used: it copies. Matrices are handed over as their transposes.
#include <lapacke.h>
