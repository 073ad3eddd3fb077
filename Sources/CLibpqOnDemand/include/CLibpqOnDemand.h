#ifndef CLIBPQONDEMAND_H
#define CLIBPQONDEMAND_H

// Only its header: to be told by pkg-config where that is would mean to be linked with the library.
#if __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#elif __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#elif __has_include("/opt/homebrew/opt/libpq/include/libpq-fe.h")
#include "/opt/homebrew/opt/libpq/include/libpq-fe.h"
#else
#include "/usr/local/opt/libpq/include/libpq-fe.h"
#endif

// Loads libpq, once. Must have been called, with success, before any of its functions.
// Returns NULL, or why it can't be had.
const char *devdb_libpq_load(void);

#endif
