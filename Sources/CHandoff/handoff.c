// The hand-off library. `devd` loads it into a postmaster with LD_PRELOAD; there it lets a backend take over the
// socket of a client that the front has accepted, so that the two talk directly. README.md beside this file has the
// protocol and the reasons. It acts only on connections whose peer is bound to an abstract Unix address of ours;
// every other descriptor, and every other process, gets libc's functions unchanged.
//
// Nothing here may allocate, log or take a lock: the code runs in a process that is not ours, in forked children and
// below PostgreSQL's own error handling.

#if defined(__linux__)

#define _GNU_SOURCE
// Fortified headers would turn our own definitions into inline wrappers.
#undef _FORTIFY_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define likely(condition) __builtin_expect(!!(condition), 1)

// Begins a hand-off message. A start-up packet begins with its length, of which the first byte is 0.
static const unsigned char marker[8] = {'d', 'e', 'v', 'd', 'b', 'H', 'O', '1'};
// "Your copy of the client's socket is not needed any more": the backend has begun to answer the client.
static const unsigned char taken = 0x06;

// PostgreSQL takes start-up packets of up to 10,004 bytes; clients may send more behind it without waiting.
enum { HEADER = 12, LIMIT = 32768, REGISTRATIONS = 4 };

// The one marked connection of this process. The postmaster has one between its accept and its close; the backend
// inherits it by the fork in between. Both are single-threaded, so nothing protects it.
static struct {
    // The client's place: the private connection, from the hand-off on the client's socket. -1: none.
    int socket;
    // The private connection after the hand-off, kept open until this process ends. -1: none.
    int tether;
    enum {
        IDLE,       // no marked connection
        WAITING,    // nothing, or the beginning of a message, has come
        DRAINING,   // bytes that came with the message wait for recv
        UNANSWERED, // they have been read, nothing has been sent yet
        DIVERTED,   // what is sent goes to the front: this server is not available
    } state;
    // What has come: `end` bytes, read up to `start`.
    size_t start, end;
    int descriptor;
    struct {
        int poller;
        struct epoll_event event;
    } registrations[REGISTRATIONS];
    int registration_count;
} client = {.socket = -1, .tether = -1, .descriptor = -1};

// The client's socket once it has been answered, and the process that serves it. -1: none.
static int served = -1;
static pid_t server;

// Zeroed data: its pages cost nothing until a backend reads into them.
static unsigned char buffer[HEADER + LIMIT];

static struct {
    int (*accept)(int, struct sockaddr *, socklen_t *);
    int (*accept4)(int, struct sockaddr *, socklen_t *, int);
    ssize_t (*recv)(int, void *, size_t, int);
    ssize_t (*send)(int, const void *, size_t, int);
    int (*close)(int);
    int (*epoll_ctl)(int, int, int, struct epoll_event *);
} real;

static void forget(void) {
    client.socket = -1;
    client.state = IDLE;
    client.start = client.end = 0;
    client.registration_count = 0;
    if (client.descriptor >= 0) real.close(client.descriptor);
    client.descriptor = -1;
}

// MARK: - Start

// Takes our own path out of LD_PRELOAD, so that what a server starts (archive commands, COPY … PROGRAM) does not
// load us. The list is separated by colons or spaces.
static void leave_environment(void) {
    Dl_info info;
    char *list = getenv("LD_PRELOAD");
    if (!list || !dladdr((void *)leave_environment, &info) || !info.dli_fname) return;
    size_t own = strlen(info.dli_fname), kept = 0;
    // In place: the result is never longer.
    for (char *entry = list; *entry;) {
        size_t length = strcspn(entry, ": ");
        bool ours = length == own && memcmp(entry, info.dli_fname, own) == 0;
        if (length > 0 && !ours) {
            if (kept > 0) list[kept++] = ':';
            memmove(list + kept, entry, length);
            kept += length;
        }
        entry += length;
        if (*entry) entry++;
    }
    if (kept == 0) {
        unsetenv("LD_PRELOAD");
    } else {
        list[kept] = 0;
    }
}

__attribute__((constructor)) static void begin(void) {
    *(void **)&real.accept = dlsym(RTLD_NEXT, "accept");
    *(void **)&real.accept4 = dlsym(RTLD_NEXT, "accept4");
    *(void **)&real.recv = dlsym(RTLD_NEXT, "recv");
    *(void **)&real.send = dlsym(RTLD_NEXT, "send");
    *(void **)&real.close = dlsym(RTLD_NEXT, "close");
    *(void **)&real.epoll_ctl = dlsym(RTLD_NEXT, "epoll_ctl");
    leave_environment();
}

// Another library's constructor may call us before ours has run.
static inline void ensure(void) {
    if (!likely(real.epoll_ctl != NULL)) begin();
}

// MARK: - accept: the peer's name says who the client is

// "\0devdb/<a|t>/<address>/<port>/<random>": `a`sked for a password by pg_hba.conf's line for 127.0.0.1, `t`rusted by
// its line for ::1. The name can only be given by who reached the private socket in its 0700 folder.
static bool parse_peer(const struct sockaddr_un *peer, socklen_t length, bool *trusted, uint16_t *port) {
    static const char prefix[] = "\0devdb/";
    size_t base = offsetof(struct sockaddr_un, sun_path);
    if (peer->sun_family != AF_UNIX || length <= base + sizeof prefix + 1 || length > sizeof *peer) return false;
    const char *path = peer->sun_path, *end = path + (length - base);
    if (memcmp(path, prefix, sizeof prefix - 1) != 0) return false;
    path += sizeof prefix - 1;
    if ((*path != 'a' && *path != 't') || path[1] != '/') return false;
    *trusted = *path == 't';
    path += 2;
    while (path < end && *path != '/') path++;
    uint32_t value = 0;
    size_t digits = 0;
    for (path++; path < end && *path >= '0' && *path <= '9' && digits < 5; path++, digits++) value = value * 10 + (uint32_t)(*path - '0');
    if (digits == 0 || value > 65535 || path >= end || *path != '/') return false;
    *port = (uint16_t)value;
    return true;
}

// Shows a marked connection as TCP, in the way accept reports addresses: cut to the caller's room, true length told.
static void accepted(int socket, struct sockaddr *address, socklen_t *room) {
    struct sockaddr_un peer;
    socklen_t length = sizeof peer;
    bool trusted;
    uint16_t port;
    if (getpeername(socket, (struct sockaddr *)&peer, &length) != 0 || !parse_peer(&peer, length, &trusted, &port)) return;
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } shown;
    socklen_t size;
    memset(&shown, 0, sizeof shown);
    if (trusted) {
        shown.v6.sin6_family = AF_INET6;
        shown.v6.sin6_port = htons(port);
        shown.v6.sin6_addr = in6addr_loopback;
        size = sizeof shown.v6;
    } else {
        shown.v4.sin_family = AF_INET;
        shown.v4.sin_port = htons(port);
        shown.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        size = sizeof shown.v4;
    }
    if (address && room) {
        memcpy(address, &shown, *room < size ? *room : size);
        *room = size;
    }
    // A backend has one client only; were there ever two, the older one is left as it is.
    forget();
    client.socket = socket;
    client.state = WAITING;
}

EXPORT int accept(int listener, struct sockaddr *restrict address, socklen_t *restrict length) {
    ensure();
    socklen_t room = length ? *length : 0;
    int socket = real.accept(listener, address, length);
    if (socket >= 0) {
        accepted(socket, address, &room);
        if (length && client.socket == socket) *length = room;
    }
    return socket;
}

EXPORT int accept4(int listener, struct sockaddr *restrict address, socklen_t *restrict length, int flags) {
    ensure();
    socklen_t room = length ? *length : 0;
    int socket = real.accept4(listener, address, length, flags);
    if (socket >= 0) {
        accepted(socket, address, &room);
        if (length && client.socket == socket) *length = room;
    }
    return socket;
}

// MARK: - epoll_ctl: what the private connection is registered for

EXPORT int epoll_ctl(int poller, int operation, int socket, struct epoll_event *event) {
    ensure();
    int result = real.epoll_ctl(poller, operation, socket, event);
    if (likely(socket != client.socket || client.state != WAITING) || result != 0) return result;
    int place = 0;
    while (place < client.registration_count && client.registrations[place].poller != poller) place++;
    if (operation == EPOLL_CTL_DEL) {
        if (place < client.registration_count) client.registrations[place] = client.registrations[--client.registration_count];
    } else if (event && place < REGISTRATIONS) {
        client.registrations[place].poller = poller;
        client.registrations[place].event = *event;
        if (place == client.registration_count) client.registration_count++;
    }
    return result;
}

// MARK: - recv: the hand-off

// Puts the client's socket in the place of the private connection.
// Returns false when it can't (out of descriptors): the caller then reports a lost connection.
static bool replace(void) {
    // Out of the way of PostgreSQL's own numbers, if the limit allows; below 256, where the kernel's table grows.
    int tether = fcntl(client.socket, F_DUPFD_CLOEXEC, 240);
    if (tether < 0) tether = fcntl(client.socket, F_DUPFD_CLOEXEC, 3);
    if (tether < 0) return false;
    // PostgreSQL has set the private connection to what it wants of its client's; both belong to the open file.
    int wanted = fcntl(tether, F_GETFL), has = fcntl(client.descriptor, F_GETFL);
    if (wanted >= 0 && has >= 0 && (wanted ^ has) & O_NONBLOCK) fcntl(client.descriptor, F_SETFL, has ^ O_NONBLOCK);
    // epoll follows the open file, which the tether keeps alive: without this the old registration would stay.
    for (int place = 0; place < client.registration_count; place++)
        real.epoll_ctl(client.registrations[place].poller, EPOLL_CTL_DEL, client.socket, NULL);
    // Close-on-exec: programs that a backend starts must not keep the client's socket open.
    bool done = dup3(client.descriptor, client.socket, O_CLOEXEC) >= 0;
    for (int place = 0; place < client.registration_count; place++)
        real.epoll_ctl(client.registrations[place].poller, EPOLL_CTL_ADD, client.socket, &client.registrations[place].event);
    if (!done) {
        real.close(tether);
        return false;
    }
    real.close(client.descriptor);
    client.descriptor = -1;
    client.registration_count = 0;
    client.tether = tether;
    return true;
}

// Reads from the private connection up to `wanted` bytes in all. What recv would return if it can't.
static ssize_t gather(size_t wanted, int flags) {
    while (client.end < wanted) {
        union {
            struct cmsghdr header;
            char bytes[CMSG_SPACE(4 * sizeof(int))];
        } control;
        struct iovec part = {.iov_base = buffer + client.end, .iov_len = wanted - client.end};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
        ssize_t count = recvmsg(client.socket, &message, (flags & ~MSG_PEEK) | MSG_CMSG_CLOEXEC);
        if (count < 0) return -1;
        for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
            if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
            size_t descriptors = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t index = 0; index < descriptors; index++) {
                int descriptor;
                memcpy(&descriptor, CMSG_DATA(part) + index * sizeof(int), sizeof descriptor);
                if (client.descriptor < 0) {
                    client.descriptor = descriptor;
                } else {
                    real.close(descriptor);
                }
            }
        }
        if (count == 0) return 0;
        client.end += (size_t)count;
    }
    return 1;
}

static ssize_t hand_out(void *bytes, size_t size, int flags) {
    size_t count = client.end - client.start;
    if (count > size) count = size;
    memcpy(bytes, buffer + client.start, count);
    if (flags & MSG_PEEK) return (ssize_t)count;
    client.start += count;
    if (client.start == client.end) {
        // Without a tether (the pump's connections) there is nothing more to do for this connection.
        if (client.tether >= 0) {
            client.state = UNANSWERED;
        } else {
            forget();
        }
    }
    return (ssize_t)count;
}

static ssize_t lost(void) {
    errno = ECONNRESET;
    return -1;
}

// The first reads of a marked connection. Bytes that are too few for a decision are kept: the next call goes on with
// them, and epoll still watches the private connection, so that PostgreSQL is woken when more have come.
static ssize_t first_reads(void *bytes, size_t size, int flags) {
    if (client.state == WAITING) {
        ssize_t result = gather(1, flags);
        if (result <= 0) return result;
        if (buffer[0] != marker[0]) {
            // The pump: the client's own bytes. One has been read; the rest comes with it or by the next call.
            client.state = DRAINING;
            return hand_out(bytes, size, flags);
        }
        if ((result = gather(HEADER, flags)) <= 0) return result;
        uint32_t length;
        memcpy(&length, buffer + sizeof marker, sizeof length);
        length = ntohl(length);
        if (memcmp(buffer, marker, sizeof marker) != 0 || length == 0 || length > LIMIT || client.descriptor < 0) return lost();
        if ((result = gather(HEADER + (size_t)length, flags)) <= 0) return result;
        if (!replace()) return lost();
        client.start = HEADER;
        client.state = DRAINING;
    }
    return hand_out(bytes, size, flags);
}

EXPORT ssize_t recv(int socket, void *bytes, size_t size, int flags) {
    ensure();
    if (likely(socket != client.socket || client.state < WAITING || client.state > DRAINING) || size == 0)
        return real.recv(socket, bytes, size, flags);
    return first_reads(bytes, size, flags);
}

// Builds with _FORTIFY_SOURCE may call this instead.
EXPORT ssize_t __recv_chk(int socket, void *bytes, size_t size, size_t room, int flags) {
    if (size > room) abort();
    return recv(socket, bytes, size, flags);
}

// MARK: - send: the first answer

// Whether the first answer says that this server is going away or not yet there: an ErrorResponse or a notice with
// SQLSTATE 57P01, 57P02 or 57P03. The front then asks a server that is up, and the client never knows.
static bool is_not_available(const unsigned char *bytes, size_t size) {
    if (size < 6 || (bytes[0] != 'E' && bytes[0] != 'N')) return false;
    for (size_t index = 5; index + 6 < size && bytes[index] != 0;) {
        if (bytes[index] == 'C') return memcmp(bytes + index + 1, "57P0", 4) == 0 && bytes[index + 5] >= '1' && bytes[index + 5] <= '3';
        while (index < size && bytes[index] != 0) index++;
        index++;
    }
    return false;
}

static ssize_t first_sends(int socket, const void *bytes, size_t size, int flags) {
    if (client.state == DIVERTED || is_not_available(bytes, size)) {
        ssize_t count = real.send(client.tether, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count == (ssize_t)size) {
            client.state = DIVERTED;
            return count;
        }
        // The front has gone: then it is the client's after all.
    }
    ssize_t count = real.send(socket, bytes, size, flags);
    if (count > 0) {
        int error = errno;
        // From here on this process is as if we were not there; the tether ends with it.
        client.state = IDLE;
        client.socket = -1;
        served = socket;
        server = getpid();
        real.send(client.tether, &taken, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        errno = error;
    }
    return count;
}

EXPORT ssize_t send(int socket, const void *bytes, size_t size, int flags) {
    ensure();
    if (likely(client.state < UNANSWERED || socket != client.socket) || size == 0) return real.send(socket, bytes, size, flags);
    return first_sends(socket, bytes, size, flags);
}

// MARK: - The end

// PostgreSQL leaves its socket to the kernel, which tells the client of the end when the last copy of it is closed; the
// front may have one a moment longer.
__attribute__((destructor)) static void end(void) {
    if (served >= 0 && server == getpid()) shutdown(served, SHUT_WR);
}

// MARK: - close

EXPORT int close(int descriptor) {
    ensure();
    for (int place = 0; place < client.registration_count; place++)
        if (client.registrations[place].poller == descriptor)
            client.registrations[place] = client.registrations[--client.registration_count];
    // The postmaster, after it has forked the backend.
    if (descriptor >= 0 && descriptor == client.socket) forget();
    if (descriptor >= 0 && descriptor == served) served = -1;
    return real.close(descriptor);
}

#endif
