#ifndef CLIBPQONDEMAND_H
#define CLIBPQONDEMAND_H

#include <libpq-fe.h>

// Loads libpq, once. Must have been called, with success, before any of its functions.
// Returns NULL, or why it can't be had.
const char *devdb_libpq_load(void);

#endif
