/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SQLite's default VFS, which notes each write, truncation, sync and removal of a file; then the files can be made as a disk may have them
 * when the power goes after any number of these: what was synced, and of what came after that nothing, all or any part. Nothing is really
 * synced. Removals and writes of different files reach the disk in any order; a write arrives whole, or in parts of 512 octets. */

#include <stdbool.h>
#include <stdint.h>

typedef enum PowerCut {
        POWER_CUT_NONE,         /* of what was not synced nothing is there */
        POWER_CUT_ALL,
        POWER_CUT_SOME,         /* of each file a part of the operations */
        POWER_CUT_TORN,         /* of each operation a part too */
        _POWER_CUT_MAX,
} PowerCut;

/* Becomes the default VFS; for good. */
void power_vfs_install(void);
/* From here on operations on files whose names begin with `path` are noted, whose content now is synced; an earlier log is forgotten. */
void power_vfs_begin(const char *path);
void power_vfs_end(void);
/* How many operations were noted so far. Any thread. */
uint64_t power_vfs_length(void);
/* Of the nth operation, counted from 1: its time of CLOCK_MONOTONIC, and whether it is a sync. After power_vfs_end(). */
uint64_t power_vfs_time(uint64_t n);
bool power_vfs_is_sync(uint64_t n);
/* Called on the thread that syncs, before each sync of the WAL is noted. */
void power_vfs_on_wal_sync(void (*called)(void *userdata), void *userdata);
/* Makes the files, under `path`, as they may be when the power goes after the first `n` operations. The same `seed`, the same files. */
void power_vfs_cut(uint64_t n, PowerCut cut, uint32_t seed, const char *path);
