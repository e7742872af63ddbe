/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fault-vfs.h"

#include <errno.h>
#include <glib.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define KINDS 6u

typedef struct FaultFile {
        sqlite3_file base;
        bool is_wal;
        sqlite3_file *real;     /* behind this struct */
} FaultFile;

static sqlite3_vfs *real_vfs;
static sqlite3_vfs fault_vfs;
static atomic_uint armed_kinds, armed_error;
static atomic_ullong armed_first, armed_n, n_chosen, n_failed, n_hanging, n_wal_syncs;
static atomic_ullong n_calls[KINDS];
static atomic_bool hang_sync;

static bool can_meet(unsigned kind, FaultError error) {
        switch (error) {
        case FAULT_EIO:
                return true;
        case FAULT_ENOSPC:
                return kind & (FAULT_WRITE | FAULT_OPEN | FAULT_SHM);
        case FAULT_EROFS:
                return kind & (FAULT_WRITE | FAULT_OPEN | FAULT_TRUNCATE);
        }
        return false;
}

static bool fails(unsigned kind) {
        unsigned bit = (unsigned) __builtin_ctz(kind);
        uint64_t call;

        atomic_fetch_add(&n_calls[bit], 1);
        if (!(atomic_load(&armed_kinds) & kind) || !can_meet(kind, (FaultError) atomic_load(&armed_error)))
                return false;
        call = atomic_fetch_add(&n_chosen, 1) + 1;
        if (call < atomic_load(&armed_first) || call >= atomic_load(&armed_first) + atomic_load(&armed_n))
                return false;
        atomic_fetch_add(&n_failed, 1);
        return true;
}

static int code(int eio) {
        switch ((FaultError) atomic_load(&armed_error)) {
        case FAULT_EIO:
                errno = EIO;
                return eio;
        case FAULT_ENOSPC:
                errno = ENOSPC;
                return SQLITE_FULL;
        case FAULT_EROFS:
                errno = EROFS;
                return SQLITE_READONLY;
        }
        return eio;
}

static sqlite3_file *real(sqlite3_file *file) {
        return ((FaultFile *) (void *) file)->real;
}

static int on_close(sqlite3_file *file) {
        return real(file)->pMethods ? real(file)->pMethods->xClose(real(file)) : SQLITE_OK;
}

static int on_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 at) {
        return fails(FAULT_READ) ? code(SQLITE_IOERR_READ)
                                 : real(file)->pMethods->xRead(real(file), buf, n, at);
}

static int on_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 at) {
        return fails(FAULT_WRITE) ? code(SQLITE_IOERR_WRITE)
                                  : real(file)->pMethods->xWrite(real(file), buf, n, at);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size) {
        return fails(FAULT_TRUNCATE) ? code(SQLITE_IOERR_TRUNCATE)
                                     : real(file)->pMethods->xTruncate(real(file), size);
}

static int on_sync(sqlite3_file *file, int flags) {
        if (((FaultFile *) (void *) file)->is_wal)
                atomic_fetch_add(&n_wal_syncs, 1);
        atomic_fetch_add(&n_hanging, 1);
        while (atomic_load(&hang_sync))
                (void) usleep(1000);
        atomic_fetch_sub(&n_hanging, 1);
        return fails(FAULT_SYNC) ? code(SQLITE_IOERR_FSYNC) : real(file)->pMethods->xSync(real(file), flags);
}

static int on_file_size(sqlite3_file *file, sqlite3_int64 *ret) {
        return real(file)->pMethods->xFileSize(real(file), ret);
}

static int on_lock(sqlite3_file *file, int lock) {
        return real(file)->pMethods->xLock(real(file), lock);
}

static int on_unlock(sqlite3_file *file, int lock) {
        return real(file)->pMethods->xUnlock(real(file), lock);
}

static int on_check_reserved(sqlite3_file *file, int *ret) {
        return real(file)->pMethods->xCheckReservedLock(real(file), ret);
}

static int on_control(sqlite3_file *file, int op, void *arg) {
        return real(file)->pMethods->xFileControl(real(file), op, arg);
}

static int on_sector_size(sqlite3_file *file) {
        return real(file)->pMethods->xSectorSize(real(file));
}

static int on_characteristics(sqlite3_file *file) {
        return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int on_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret) {
        return fails(FAULT_SHM) ? code(SQLITE_IOERR_SHMSIZE)
                                : real(file)->pMethods->xShmMap(real(file), page, size, extend, ret);
}

static int on_shm_lock(sqlite3_file *file, int offset, int n, int flags) {
        return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *file) {
        real(file)->pMethods->xShmBarrier(real(file));
}

static int on_shm_unmap(sqlite3_file *file, int delete) {
        return real(file)->pMethods->xShmUnmap(real(file), delete);
}

static const sqlite3_io_methods methods = {
        .iVersion = 2,          /* without mmap */
        .xClose = on_close,
        .xRead = on_read,
        .xWrite = on_write,
        .xTruncate = on_truncate,
        .xSync = on_sync,
        .xFileSize = on_file_size,
        .xLock = on_lock,
        .xUnlock = on_unlock,
        .xCheckReservedLock = on_check_reserved,
        .xFileControl = on_control,
        .xSectorSize = on_sector_size,
        .xDeviceCharacteristics = on_characteristics,
        .xShmMap = on_shm_map,
        .xShmLock = on_shm_lock,
        .xShmBarrier = on_shm_barrier,
        .xShmUnmap = on_shm_unmap,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags) {
        FaultFile *fault = (FaultFile *) (void *) file;
        int rc;

        memset(fault, 0, sizeof *fault);
        fault->real = (sqlite3_file *) (void *) (fault + 1);
        fault->is_wal = flags & SQLITE_OPEN_WAL;
        if (fails(FAULT_OPEN)) {
                (void) code(SQLITE_CANTOPEN);
                return SQLITE_CANTOPEN;
        }
        rc = real_vfs->xOpen(real_vfs, name, fault->real, flags, ret_flags);
        if (rc == SQLITE_OK)
                fault->base.pMethods = &methods;
        return rc;
}

void fault_vfs_install(void) {
        real_vfs = sqlite3_vfs_find(NULL);
        fault_vfs = *real_vfs;
        fault_vfs.zName = "fault";
        fault_vfs.szOsFile = (int) sizeof(FaultFile) + real_vfs->szOsFile;
        fault_vfs.pNext = NULL;
        fault_vfs.xOpen = on_open;
        g_assert_cmpint(sqlite3_vfs_register(&fault_vfs, 1), ==, SQLITE_OK);
}

void fault_vfs_arm(unsigned kinds, FaultError error, uint64_t first, uint64_t n) {
        fault_vfs_disarm();
        for (unsigned i = 0; i < KINDS; i++)
                atomic_store(&n_calls[i], 0);
        atomic_store(&n_chosen, 0);
        atomic_store(&n_failed, 0);
        atomic_store(&n_wal_syncs, 0);
        atomic_store(&armed_error, error);
        atomic_store(&armed_first, first);
        atomic_store(&armed_n, n);
        atomic_store(&armed_kinds, kinds);
}

void fault_vfs_disarm(void) {
        atomic_store(&armed_kinds, 0);
}

uint64_t fault_vfs_count(unsigned kinds) {
        uint64_t n = 0;

        for (unsigned i = 0; i < KINDS; i++)
                if (kinds & 1u << i)
                        n += atomic_load(&n_calls[i]);
        return n;
}

uint64_t fault_vfs_failed(void) {
        return atomic_load(&n_failed);
}

void fault_vfs_hang_sync(bool hang) {
        atomic_store(&hang_sync, hang);
}

uint64_t fault_vfs_hanging(void) {
        return atomic_load(&n_hanging);
}

uint64_t fault_vfs_wal_syncs(void) {
        return atomic_load(&n_wal_syncs);
}
