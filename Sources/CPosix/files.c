#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "CPosixFiles.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

off_t devdb_next_data(int descriptor, off_t from) { return lseek(descriptor, from, SEEK_DATA); }

off_t devdb_next_hole(int descriptor, off_t from) { return lseek(descriptor, from, SEEK_HOLE); }

#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>

int devdb_reflink(int target, int source) { return ioctl(target, FICLONE, source); }

ssize_t devdb_copy_range(int source, int target, size_t length) {
    return copy_file_range(source, NULL, target, NULL, length, 0);
}

int devdb_syncfs(int descriptor) { return syncfs(descriptor); }

int devdb_spread_folders(int descriptor) {
    int flags = 0;
    if (ioctl(descriptor, FS_IOC_GETFLAGS, &flags) != 0) return -1;
    if (flags & FS_TOPDIR_FL) return 0;
    flags |= FS_TOPDIR_FL;
    return ioctl(descriptor, FS_IOC_SETFLAGS, &flags);
}

int devdb_fsync(int descriptor) { return fsync(descriptor); }

#else

int devdb_reflink(int target, int source) {
    (void)target;
    (void)source;
    errno = ENOTSUP;
    return -1;
}

ssize_t devdb_copy_range(int source, int target, size_t length) {
    (void)source;
    (void)target;
    (void)length;
    errno = ENOSYS;
    return -1;
}

int devdb_syncfs(int descriptor) {
    (void)descriptor;
    errno = ENOSYS;
    return -1;
}

int devdb_spread_folders(int descriptor) {
    (void)descriptor;
    errno = ENOTSUP;
    return -1;
}

int devdb_fsync(int descriptor) {
#ifdef F_FULLFSYNC
    // Network volumes know no F_FULLFSYNC.
    if (fcntl(descriptor, F_FULLFSYNC) == 0) return 0;
#endif
    return fsync(descriptor);
}

#endif
