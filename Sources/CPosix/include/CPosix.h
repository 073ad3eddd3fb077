// What Swift cannot express of POSIX, Linux and macOS: GNU extensions, variadics, macros. One commented
// function each; nothing here keeps state.
#ifndef DEVDB_CPOSIX_H
#define DEVDB_CPOSIX_H

#include "CPosixFiles.h"
#include "CPosixMemory.h"
#include "CPosixPeer.h"
#include "CPosixSockets.h"

#endif
