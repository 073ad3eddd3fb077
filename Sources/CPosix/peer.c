#ifndef _GNU_SOURCE
#define _GNU_SOURCE // struct ucred
#endif
#include "CPosixPeer.h"

#include <sys/socket.h>
#include <unistd.h>

int devdb_peer_user(int descriptor, uid_t *user) {
#ifdef __APPLE__
    gid_t group;
    return getpeereid(descriptor, user, &group);
#else
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return -1;
    *user = peer.uid;
    return 0;
#endif
}
