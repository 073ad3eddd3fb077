#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CPosixSockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

#ifndef __linux__
// The same three properties one by one; a fork in between could leak the descriptor, and there is no better call.
static int ready(int descriptor) {
    if (descriptor < 0) return -1;
    int on = 1;
    if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0 || fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0) {
        int number = errno;
        close(descriptor);
        errno = number;
        return -1;
    }
#ifdef SO_NOSIGPIPE
    setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return descriptor;
}
#endif

int devdb_pidfd_open(pid_t pid) {
#if defined(__linux__) && defined(SYS_pidfd_open)
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    errno = ENOSYS;
    return -1;
#endif
}

int devdb_accept(int listener, uint16_t *port) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } peer;
    socklen_t length = sizeof peer;
    peer.any.sa_family = AF_UNSPEC;
#ifdef __linux__
    int descriptor = accept4(listener, &peer.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    int descriptor = ready(accept(listener, &peer.any, &length));
#endif
    if (descriptor >= 0) *port = peer.any.sa_family == AF_INET ? ntohs(peer.v4.sin_port) : peer.any.sa_family == AF_INET6 ? ntohs(peer.v6.sin6_port) : 0;
    return descriptor;
}

int devdb_socket(int domain, int type) {
#ifdef __linux__
    return socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
    return ready(socket(domain, type, 0));
#endif
}

int devdb_socketpair(int pair[2]) {
#ifdef __linux__
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair);
#else
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return -1;
    if (ready(pair[0]) < 0) {
        close(pair[1]);
        return -1;
    }
    if (ready(pair[1]) < 0) {
        close(pair[0]);
        return -1;
    }
    return 0;
#endif
}

ssize_t devdb_send(int descriptor, const void *bytes, size_t length) {
    ssize_t count = send(descriptor, bytes, length, MSG_NOSIGNAL);
    if (count < 0 && errno == ENOTSOCK) count = write(descriptor, bytes, length);
    return count;
}

ssize_t devdb_send_descriptor(int socket, const void *bytes, size_t length, int passed) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &passed, sizeof passed);
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t devdb_receive_descriptor(int socket, void *bytes, size_t length, int *passed) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * 4)];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    *passed = -1;
    ssize_t count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (count < 0) return count;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t size = header->cmsg_len - CMSG_LEN(0);
        for (size_t i = 0; i + sizeof(int) <= size; i += sizeof(int)) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + i, sizeof descriptor);
            if (*passed >= 0) {
                close(descriptor);
                continue;
            }
            *passed = descriptor;
#if MSG_CMSG_CLOEXEC == 0
            fcntl(descriptor, F_SETFD, FD_CLOEXEC);
#endif
        }
    }
    return count;
}

static int fill(struct sockaddr_un *address, const char *path) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address->sun_path, path);
    return 0;
}

int devdb_connect_unix(int socket, const char *path, const char *name, size_t name_length) {
    struct sockaddr_un address;
    if (name) {
        memset(&address, 0, sizeof address);
        address.sun_family = AF_UNIX;
        if (name_length + 1 > sizeof address.sun_path) {
            errno = ENAMETOOLONG;
            return -1;
        }
#ifdef __linux__
        memcpy(address.sun_path + 1, name, name_length);
        socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + name_length);
#else
        memcpy(address.sun_path, name, name_length);
        socklen_t length = sizeof address;
#endif
        if (bind(socket, (struct sockaddr *)&address, length) != 0) return -1;
    }
    if (fill(&address, path) != 0) return -1;
    int status;
    do status = connect(socket, (struct sockaddr *)&address, sizeof address);
    while (status != 0 && errno == EINTR);
    return status;
}

int devdb_bind_unix(int socket, const char *path) {
    struct sockaddr_un address;
    if (fill(&address, path) != 0) return -1;
    // Linux gives the new node the socket's own mode; where that can't be set, nobody can connect before listen.
    fchmod(socket, 0600);
    if (bind(socket, (struct sockaddr *)&address, sizeof address) != 0) return -1;
    return chmod(path, 0600);
}

void devdb_close_on_exec(void) {
#if defined(__linux__) && defined(SYS_close_range)
    // 4 is CLOSE_RANGE_CLOEXEC (Linux 5.11); older headers lack the name.
    if (syscall(SYS_close_range, 3u, ~0u, 4u) == 0) return;
#endif
    long end = sysconf(_SC_OPEN_MAX);
    if (end < 0 || end > 65536) end = 65536;
    for (int descriptor = 3; descriptor < end; descriptor++) {
        int flags = fcntl(descriptor, F_GETFD);
        if (flags >= 0 && !(flags & FD_CLOEXEC)) fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC);
    }
}

int devdb_rename_no_replace(const char *from, const char *to) {
#ifdef __linux__
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
#else
    return renamex_np(from, to, RENAME_EXCL);
#endif
}
