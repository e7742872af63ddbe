/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "power-vfs.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#define SECTOR 512u
#define FILES_MAX 8u

typedef enum OpKind {
        OP_CREATE,
        OP_WRITE,
        OP_TRUNCATE,
        OP_SYNC,
        OP_DELETE,
} OpKind;

typedef struct Op {
        OpKind kind;
        unsigned file;          /* index of its name */
        uint64_t at, size;      /* of a truncation: the new size */
        int64_t usec;           /* CLOCK_MONOTONIC */
        uint8_t *data;
} Op;

/* A file as it is on the disk. */
typedef struct Image {
        bool exists;
        GByteArray *bytes;
} Image;

typedef struct PowerFile {
        sqlite3_file base;
        int name;               /* -1: not noted */
        sqlite3_file *real;     /* behind this struct */
} PowerFile;

static sqlite3_vfs *real_vfs;
static sqlite3_vfs power_vfs;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char *prefix;            /* NULL: nothing is noted */
static char *names[FILES_MAX];  /* what follows the prefix */
static Image begun[FILES_MAX];
static unsigned n_names;
static GArray *ops;             /* Op */
static void (*on_wal_sync)(void *userdata);
static void *on_wal_sync_userdata;

/* ---- Noting ---- */

/* With the mutex held. */
static int name_index(const char *path) {
        const char *rest;

        if (!prefix || !path || !g_str_has_prefix(path, prefix))
                return -1;
        rest = path + strlen(prefix);
        if (strcmp(rest, "-shm") == 0) /* made anew by the first who opens after a crash */
                return -1;
        for (unsigned i = 0; i < n_names; i++)
                if (strcmp(names[i], rest) == 0)
                        return (int) i;
        g_assert_cmpuint(n_names, <, FILES_MAX);
        names[n_names] = g_strdup(rest);
        return (int) n_names++;
}

static void note(int name, OpKind kind, uint64_t at, uint64_t size, const void *data) {
        Op op = { .kind = kind, .file = (unsigned) name, .at = at, .size = size, .usec = g_get_monotonic_time() };

        if (name < 0)
                return;
        (void) pthread_mutex_lock(&mutex);
        if (prefix) {
                op.data = data ? g_memdup2(data, size) : NULL;
                g_array_append_val(ops, op);
        }
        (void) pthread_mutex_unlock(&mutex);
}

static PowerFile *power_file(sqlite3_file *file) {
        return (PowerFile *) (void *) file;
}

static sqlite3_file *real(sqlite3_file *file) {
        return power_file(file)->real;
}

static int on_close(sqlite3_file *file) {
        return real(file)->pMethods->xClose(real(file));
}

static int on_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 at) {
        return real(file)->pMethods->xRead(real(file), buf, n, at);
}

static int on_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 at) {
        int rc = real(file)->pMethods->xWrite(real(file), buf, n, at);

        if (rc == SQLITE_OK)
                note(power_file(file)->name, OP_WRITE, (uint64_t) at, (uint64_t) n, buf);
        return rc;
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size) {
        int rc = real(file)->pMethods->xTruncate(real(file), size);

        if (rc == SQLITE_OK)
                note(power_file(file)->name, OP_TRUNCATE, 0, (uint64_t) size, NULL);
        return rc;
}

static int on_sync(sqlite3_file *file, int flags) {
        int name = power_file(file)->name;

        if (name >= 0 && on_wal_sync && strcmp(names[name], "-wal") == 0)
                on_wal_sync(on_wal_sync_userdata);
        note(name, OP_SYNC, 0, 0, NULL);
        return SQLITE_OK;
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
        return real(file)->pMethods->xShmMap(real(file), page, size, extend, ret);
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

static int on_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *ret_flags) {
        PowerFile *power = power_file(file);
        bool there = path && g_file_test(path, G_FILE_TEST_EXISTS);
        int rc;

        memset(power, 0, sizeof *power);
        power->real = (sqlite3_file *) (void *) (power + 1);
        rc = real_vfs->xOpen(real_vfs, path, power->real, flags, ret_flags);
        if (rc != SQLITE_OK)
                return rc;
        power->base.pMethods = &methods;
        (void) pthread_mutex_lock(&mutex);
        power->name = name_index(path);
        (void) pthread_mutex_unlock(&mutex);
        if (!there)
                note(power->name, OP_CREATE, 0, 0, NULL);
        return rc;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int sync_dir) {
        int name, rc = real_vfs->xDelete(real_vfs, path, 0);

        (void) pthread_mutex_lock(&mutex);
        name = name_index(path);
        (void) pthread_mutex_unlock(&mutex);
        if (rc == SQLITE_OK) {
                note(name, OP_DELETE, 0, 0, NULL);
                if (sync_dir)
                        note(name, OP_SYNC, 0, 0, NULL);
        }
        return rc;
}

/* ---- Cutting ---- */

static void image_apply(Image *image, const Op *op, uint64_t from, uint64_t to) {
        guint size = image->bytes->len;

        switch (op->kind) {
        case OP_CREATE:
                image->exists = true;
                break;
        case OP_WRITE:
                if (size < op->at + to) {
                        g_byte_array_set_size(image->bytes, (guint) (op->at + to));
                        memset(image->bytes->data + size, 0, (size_t) (op->at + to) - size);
                }
                memcpy(image->bytes->data + op->at + from, op->data + from, (size_t) (to - from));
                break;
        case OP_TRUNCATE:
                g_byte_array_set_size(image->bytes, (guint) op->size);
                if (op->size > size)
                        memset(image->bytes->data + size, 0, (size_t) op->size - size);
                break;
        case OP_DELETE:
                image->exists = false;
                g_byte_array_set_size(image->bytes, 0);
                break;
        case OP_SYNC:
                break;
        }
}

static void apply_unsynced(Image *image, const Op *op, PowerCut cut, GRand *rand, unsigned odds) {
        if (cut == POWER_CUT_NONE || (cut != POWER_CUT_ALL && (unsigned) g_rand_int_range(rand, 0, 100) >= odds))
                return;
        if (cut != POWER_CUT_TORN || op->kind != OP_WRITE) {
                image_apply(image, op, 0, op->size);
                return;
        }
        for (uint64_t from = 0; from < op->size; from += SECTOR)
                if (g_rand_boolean(rand))
                        image_apply(image, op, from, MIN(from + SECTOR, op->size));
}

void power_vfs_cut(uint64_t n, PowerCut cut, uint32_t seed, const char *path) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

        g_assert_cmpuint(n, <=, ops->len);
        for (unsigned file = 0; file < n_names; file++) {
                g_autofree char *name = g_strconcat(path, names[file], NULL);
                Image image = { begun[file].exists, g_byte_array_new() };
                unsigned odds = (unsigned) g_rand_int_range(rand, 5, 100);
                uint64_t n_synced = 0;

                if (begun[file].bytes)
                        g_byte_array_append(image.bytes, begun[file].bytes->data, begun[file].bytes->len);
                for (uint64_t i = 0; i < n; i++) {
                        const Op *op = &g_array_index(ops, Op, i);

                        if (op->file == file && op->kind == OP_SYNC)
                                n_synced = i + 1;
                }
                for (uint64_t i = 0; i < n; i++) {
                        const Op *op = &g_array_index(ops, Op, i);

                        if (op->file != file)
                                continue;
                        if (i < n_synced)
                                image_apply(&image, op, 0, op->size);
                        else
                                apply_unsynced(&image, op, cut, rand, odds);
                }
                (void) g_unlink(name);
                if (image.exists)
                        g_assert_true(g_file_set_contents_full(name, (const char *) image.bytes->data, image.bytes->len,
                                                               G_FILE_SET_CONTENTS_NONE, 0600, NULL));
                g_byte_array_unref(image.bytes);
        }
}

/* ---- Public ---- */

void power_vfs_install(void) {
        real_vfs = sqlite3_vfs_find(NULL);
        power_vfs = *real_vfs;
        power_vfs.zName = "power";
        power_vfs.szOsFile = (int) sizeof(PowerFile) + real_vfs->szOsFile;
        power_vfs.pNext = NULL;
        power_vfs.xOpen = on_open;
        power_vfs.xDelete = on_delete;
        g_assert_cmpint(sqlite3_vfs_register(&power_vfs, 1), ==, SQLITE_OK);
        ops = g_array_new(FALSE, FALSE, sizeof(Op));
}

static void forget(void) {
        for (guint i = 0; i < ops->len; i++)
                g_free(g_array_index(ops, Op, i).data);
        g_array_set_size(ops, 0);
        for (unsigned i = 0; i < n_names; i++) {
                g_free(names[i]);
                if (begun[i].bytes)
                        g_byte_array_unref(g_steal_pointer(&begun[i].bytes));
        }
        n_names = 0;
}

void power_vfs_begin(const char *path) {
        static const char *const suffixes[] = { "", "-wal" };

        forget();
        (void) pthread_mutex_lock(&mutex);
        prefix = g_strdup(path);
        for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
                g_autofree char *name = g_strconcat(path, suffixes[i], NULL);
                char *bytes = NULL;
                gsize size = 0;

                begun[i].exists = g_file_get_contents(name, &bytes, &size, NULL);
                begun[i].bytes = begun[i].exists ? g_byte_array_new_take((guint8 *) bytes, size) : g_byte_array_new();
                (void) name_index(name);
        }
        (void) pthread_mutex_unlock(&mutex);
}

void power_vfs_end(void) {
        (void) pthread_mutex_lock(&mutex);
        g_free(g_steal_pointer(&prefix));
        (void) pthread_mutex_unlock(&mutex);
        on_wal_sync = NULL;
}

uint64_t power_vfs_length(void) {
        uint64_t n;

        (void) pthread_mutex_lock(&mutex);
        n = ops->len;
        (void) pthread_mutex_unlock(&mutex);
        return n;
}

uint64_t power_vfs_time(uint64_t n) {
        return (uint64_t) g_array_index(ops, Op, n - 1).usec;
}

bool power_vfs_is_sync(uint64_t n) {
        return g_array_index(ops, Op, n - 1).kind == OP_SYNC;
}

void power_vfs_on_wal_sync(void (*called)(void *userdata), void *userdata) {
        on_wal_sync = called;
        on_wal_sync_userdata = userdata;
}
