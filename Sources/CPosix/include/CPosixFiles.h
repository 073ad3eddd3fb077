// File calls that Swift's C library module does not show: GNU extensions and macros.
#ifndef DEVDB_CPOSIX_FILES_H
#define DEVDB_CPOSIX_FILES_H

#include <stddef.h>
#include <sys/types.h>

// Makes `target` (open for writing, empty) share all blocks of `source`. 0, or -1 with errno; where the system
// has no such call: ENOTSUP.
int devdb_reflink(int target, int source);

// Copies up to `length` bytes from both files' current offsets inside the kernel. Bytes copied, 0 at the end of
// `source`, or -1 with errno; where the system has no such call: ENOSYS.
ssize_t devdb_copy_range(int source, int target, size_t length);

// The first offset at or after `from` that has data (is a hole), as lseek with SEEK_DATA (SEEK_HOLE): -1 with ENXIO
// past the last one. Both move the file's offset.
off_t devdb_next_data(int descriptor, off_t from);
off_t devdb_next_hole(int descriptor, off_t from);

// Writes out the whole file system that `descriptor` is on, or -1 with errno; where there is no such call: ENOSYS.
int devdb_syncfs(int descriptor);

// Asks ext4 to put each folder that is made in this one into a block group of its own (chattr +T). 0, or -1 with
// errno; where there is no such flag: ENOTSUP.
int devdb_spread_folders(int descriptor);

// fsync that reaches the medium (macOS: F_FULLFSYNC, since its fsync stops at the drive's cache).
int devdb_fsync(int descriptor);

#endif
