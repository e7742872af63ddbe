/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SQLite's default VFS with faults: the Nth call of the chosen kinds fails, and some after it. open(), pwrite() and ftruncate() fail as
 * system calls, the others in what SQLite calls of the VFS; the Nth allocation inside SQLite can fail likewise. Calls are counted from
 * fault_vfs_arm() on; any thread may be the one that meets the fault. */

#include <stdbool.h>
#include <stdint.h>

enum {
        FAULT_WRITE = 1u << 0,
        FAULT_SYNC = 1u << 1,
        FAULT_OPEN = 1u << 2,
        FAULT_TRUNCATE = 1u << 3,
        FAULT_SHM = 1u << 4,
        FAULT_READ = 1u << 5,
        FAULT_MEMORY = 1u << 6, /* an allocation, whatever the error; not in FAULT_ALL */
        FAULT_ALL = FAULT_WRITE | FAULT_SYNC | FAULT_OPEN | FAULT_TRUNCATE | FAULT_SHM | FAULT_READ,
};

typedef enum FaultError {
        FAULT_EIO,
        FAULT_ENOSPC,           /* what cannot meet it (a read, a sync) does not fail */
        FAULT_EROFS,            /* likewise */
        FAULT_EDQUOT,
        FAULT_EMFILE,
} FaultError;

/* Becomes the default VFS, before anything else calls SQLite; for good. */
void fault_vfs_install(void);
/* Calls first … first + n - 1 of these kinds fail, counted from 1. n 0: none, only count. */
void fault_vfs_arm(unsigned kinds, FaultError error, uint64_t first, uint64_t n);
void fault_vfs_disarm(void);
uint64_t fault_vfs_count(unsigned kinds);       /* of calls since it was armed */
uint64_t fault_vfs_failed(void);                /* of failures since it was armed */
/* A sync hangs while this is set. */
void fault_vfs_hang_sync(bool hang);
uint64_t fault_vfs_hanging(void);               /* how many hang now */
/* Syncs of -wal files since it was armed. */
uint64_t fault_vfs_wal_syncs(void);
