// Socket and process calls that Swift's C library module does not show: GNU extensions, control messages.
#ifndef DEVDB_CPOSIX_SOCKETS_H
#define DEVDB_CPOSIX_SOCKETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// A descriptor that becomes readable when the process ends (pidfd_open), close-on-exec. -1 with errno: ESRCH when it
// has gone; ENOSYS where there is no such call.
int devdb_pidfd_open(pid_t pid);

// accept: the new descriptor is non-blocking and close-on-exec; *port is its peer's, 0 where it has none. -1 with errno.
int devdb_accept(int listener, uint16_t *port);

// socket(domain, type, 0): non-blocking, close-on-exec, no SIGPIPE where that is a property of the socket (macOS).
int devdb_socket(int domain, int type);

// socketpair(AF_UNIX, SOCK_STREAM), both ends as above. 0, or -1 with errno.
int devdb_socketpair(int pair[2]);

// Sends without SIGPIPE, whatever the descriptor is (pipes: the process has to ignore the signal). As send(2).
ssize_t devdb_send(int descriptor, const void *bytes, size_t length);

// Sends the bytes (at least one) and with the first of them a descriptor (SCM_RIGHTS). As send(2); once it has
// returned more than 0, the descriptor is on its way and the rest of the bytes goes by devdb_send.
ssize_t devdb_send_descriptor(int socket, const void *bytes, size_t length, int passed);

// Receives bytes, and in *passed a close-on-exec descriptor, or -1 when none came with them. As recv(2). Descriptors
// beyond the first are closed.
ssize_t devdb_receive_descriptor(int socket, void *bytes, size_t length, int *passed);

// Connects a Unix stream socket from devdb_socket to `path`; before that binds its own end to a name when one is given:
// on Linux in the abstract namespace (`name` without the leading zero byte), elsewhere to `name` as a path, which the
// caller removes. 0, or -1 with errno: ENAMETOOLONG, EAGAIN when the listener's queue is full, and so on.
int devdb_connect_unix(int socket, const char *path, const char *name, size_t name_length);

// Binds a Unix stream socket to `path`, mode 0600 from its first moment. 0, or -1 with errno.
int devdb_bind_unix(int socket, const char *path);

// Sets close-on-exec on every descriptor above 2, so that a child inherits none. Best effort.
void devdb_close_on_exec(void);

// renameat2(RENAME_NOREPLACE), macOS renamex_np(RENAME_EXCL): EEXIST when the target exists. 0, or -1 with errno:
// EINVAL, ENOSYS or ENOTSUP where the file system or the system can't.
int devdb_rename_no_replace(const char *from, const char *to);

#endif
