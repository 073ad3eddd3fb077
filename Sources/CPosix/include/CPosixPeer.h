#ifndef DEVDB_CPOSIX_PEER_H
#define DEVDB_CPOSIX_PEER_H

#include <sys/types.h>

// The user at the other end of a connected Unix socket (SO_PEERCRED; macOS getpeereid). 0, or -1 with errno.
int devdb_peer_user(int descriptor, uid_t *user);

#endif
