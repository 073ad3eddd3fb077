// Memory calls that Swift's C library module does not show: GNU extensions.
#ifndef DEVDB_CPOSIX_MEMORY_H
#define DEVDB_CPOSIX_MEMORY_H

// Keeps the heap small from here on: one arena for all threads, and large blocks always given back when they are freed.
// Before there are threads. Nothing on other systems.
void devdb_keep_heap_small(void);

// Gives back to the system what the heap does not use, and lets go of the pages of programs and libraries that can be
// had again from their files (most were needed at the start only; the others come back at 0.1 ms a megabyte). Nothing on
// other systems.
void devdb_release_memory(void);

#endif
