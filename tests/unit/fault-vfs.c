/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fault-vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define KINDS 7u

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

/* What cannot meet it does not fail. */
static const struct {
        int number;             /* errno */
        int code;               /* SQLite's, where the fault is not a system call's; 0: that of the operation */
        unsigned kinds;
} errors[] = {
        [FAULT_EIO] = { EIO, 0, FAULT_ALL },
        [FAULT_ENOSPC] = { ENOSPC, SQLITE_FULL, FAULT_WRITE | FAULT_OPEN | FAULT_SHM },
        [FAULT_EROFS] = { EROFS, SQLITE_READONLY, FAULT_WRITE | FAULT_OPEN | FAULT_TRUNCATE },
        [FAULT_EDQUOT] = { EDQUOT, 0, FAULT_WRITE | FAULT_OPEN | FAULT_SYNC | FAULT_SHM },
        [FAULT_EMFILE] = { EMFILE, 0, FAULT_OPEN },
};

static bool fails(unsigned kind) {
        unsigned bit = (unsigned) __builtin_ctz(kind);
        uint64_t call;

        atomic_fetch_add(&n_calls[bit], 1);
        if (!(atomic_load(&armed_kinds) & kind) || (kind != FAULT_MEMORY && !(errors[atomic_load(&armed_error)].kinds & kind)))
                return false;
        call = atomic_fetch_add(&n_chosen, 1) + 1;
        if (call < atomic_load(&armed_first) || call >= atomic_load(&armed_first) + atomic_load(&armed_n))
                return false;
        atomic_fetch_add(&n_failed, 1);
        return true;
}

static int code(int of_operation) {
        unsigned error = atomic_load(&armed_error);

        errno = errors[error].number;
        return errors[error].code ? errors[error].code : of_operation;
}

/* ---- System calls, as SQLite makes them: it sees the number of the error, and does what it does about it ---- */

static int (*real_open)(const char *path, int flags, int mode);
static ssize_t (*real_pwrite)(int fd, const void *buf, size_t size, off_t at);
static int (*real_ftruncate)(int fd, off_t size);

static int open_or_fail(const char *path, int flags, int mode) {
        if (!fails(FAULT_OPEN))
                return real_open(path, flags, mode);
        errno = errors[atomic_load(&armed_error)].number;
        return -1;
}

static ssize_t pwrite_or_fail(int fd, const void *buf, size_t size, off_t at) {
        if (!fails(FAULT_WRITE))
                return real_pwrite(fd, buf, size, at);
        errno = errors[atomic_load(&armed_error)].number;
        return -1;
}

static int ftruncate_or_fail(int fd, off_t size) {
        if (!fails(FAULT_TRUNCATE))
                return real_ftruncate(fd, size);
        errno = errors[atomic_load(&armed_error)].number;
        return -1;
}

static sqlite3_syscall_ptr replace(const char *name, sqlite3_syscall_ptr by) {
        sqlite3_syscall_ptr was = real_vfs->xGetSystemCall(real_vfs, name);

        g_assert_nonnull(was);
        g_assert_cmpint(real_vfs->xSetSystemCall(real_vfs, name, by), ==, SQLITE_OK);
        return was;
}

/* ---- Memory ---- */

static sqlite3_mem_methods real_memory;

static void *malloc_or_fail(int size) {
        return fails(FAULT_MEMORY) ? NULL : real_memory.xMalloc(size);
}

static void *realloc_or_fail(void *block, int size) {
        return fails(FAULT_MEMORY) ? NULL : real_memory.xRealloc(block, size);
}

/* Without pools of its own, which would keep small allocations from failing. */
static void install_memory(void) {
        sqlite3_mem_methods memory;

        g_assert_cmpint(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), ==, SQLITE_OK);
        memory = real_memory;
        memory.xMalloc = malloc_or_fail;
        memory.xRealloc = realloc_or_fail;
        g_assert_cmpint(sqlite3_config(SQLITE_CONFIG_MALLOC, &memory), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), ==, SQLITE_OK);
}

/* ---- Operations of files: what SQLite does not let replace as a system call ---- */

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
        return real(file)->pMethods->xWrite(real(file), buf, n, at);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size) {
        return real(file)->pMethods->xTruncate(real(file), size);
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
        rc = real_vfs->xOpen(real_vfs, name, fault->real, flags, ret_flags);
        if (rc == SQLITE_OK)
                fault->base.pMethods = &methods;
        return rc;
}

void fault_vfs_install(void) {
        static const char *const pwrites[] = { "pwrite", "pwrite64" }; /* by how it was built it has the one or the other */

        install_memory();
        real_vfs = sqlite3_vfs_find(NULL);
        real_open = (int (*)(const char *, int, int)) replace("open", (sqlite3_syscall_ptr) open_or_fail);
        real_ftruncate = (int (*)(int, off_t)) replace("ftruncate", (sqlite3_syscall_ptr) ftruncate_or_fail);
        for (size_t i = 0; i < G_N_ELEMENTS(pwrites); i++)
                if (real_vfs->xGetSystemCall(real_vfs, pwrites[i]))
                        real_pwrite = (ssize_t (*)(int, const void *, size_t, off_t)) replace(pwrites[i], (sqlite3_syscall_ptr) pwrite_or_fail);
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
