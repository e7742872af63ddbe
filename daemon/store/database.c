/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/files.h"
#include "store/schema.h"

#define NAMES_MAX 100u          /* tried for a file that is put aside */

static const struct {
        int error;
        const char *sentence;
} remedies[] = {
        { EACCES, "permission denied. Make the file and its folder belong to the service's user" },
        { EROFS, "the file system is read-only. Check the disk, then mount it for writing again" },
        { ENOENT, "its folder does not exist. Create the folder for the service's user, mode 0700" },
        { ENOTDIR, "what should be its folder is not one. Move it out of the way" },
        { EISDIR,
          "there is a folder, or something else that is not a file, with its name. Move it out of the way" },
        { ELOOP, "it is a symbolic link, which is not followed. Put the file itself there" },
        { EBUSY, "another program holds it. End that program" },
        { ENOSPC, "the disk is full. Make room" },
        { EDQUOT, "the quota is used up. Make room" },
        { EMFILE, "too many files are open. Raise the service's limit" },
        { ENFILE, "too many files are open on this host. Close programs" },
        { EUCLEAN, "it cannot be used, and could not be renamed. Move it out of the way" },
        { EIO, "the disk reports an error. Check the disk and the system's log" },
};

static bool exists(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0;
}

/* The folder with its links resolved, so that NOFOLLOW speaks of the file alone: SQLite would refuse /var as
 * a link too. */
static int resolve(const char *path, char **ret) {
        g_autofree char *dir = g_path_get_dirname(path), *base = g_path_get_basename(path);
        char *real = realpath(dir, NULL);

        if (!real)
                return -errno;
        *ret = g_build_filename(real, base, NULL);
        free(real);
        return 0;
}

/* Created by us, so that no umask and no default of SQLite's decides who may read it. */
static int create(const char *path) {
        struct stat st;
        int fd;

        if (lstat(path, &st) == 0)
                return S_ISREG(st.st_mode) ? 0 : S_ISLNK(st.st_mode) ? -ELOOP : -EISDIR;
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        (void) close(fd);
        return 0;
}

static int open_writer(const char *path, sqlite3 **ret) {
        int rc = sqlite3_open_v2(path, ret,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE |
                                         SQLITE_OPEN_NOMUTEX,
                                 NULL);

        if (rc == SQLITE_OK)
                rc = schema_configure(*ret);
        if (rc == SQLITE_OK && sqlite3_db_readonly(*ret, "main") == 1) {
                /* SQLite falls back to reading without a word. */
                return access(path, W_OK) < 0 && errno == EROFS ? SQLITE_READONLY_DIRECTORY
                                                                : SQLITE_READONLY;
        }
        return rc;
}

typedef enum Attempt {
        ATTEMPT_DONE,
        ATTEMPT_PUT_ASIDE,      /* and once more */
        ATTEMPT_FAILED,
} Attempt;

static Attempt fail(const char *path, Database *database, int rc, char **ret_reason, int *ret_error) {
        int system_errno = database->db ? sqlite3_system_errno(database->db) : 0;

        if (database_is_damage(rc)) {
                g_free(database->reason);
                database->reason = g_strdup_printf("The database %s was damaged", path);
                return ATTEMPT_PUT_ASIDE;
        }
        *ret_error = -database_errno(rc);
        *ret_reason = database_explain(path, "open", rc, system_errno);
        return ATTEMPT_FAILED;
}

static Attempt try_open(const char *path, Database *database, int *ret_version, char **ret_reason,
                        int *ret_error) {
        SchemaKind kind = SCHEMA_EMPTY;
        sqlite3_int64 number = 0;
        int rc;

        *ret_version = 0;
        *ret_error = create(path);
        if (*ret_error < 0) {
                *ret_reason = database_explain(path, "open", SQLITE_CANTOPEN, -*ret_error);
                return ATTEMPT_FAILED;
        }
        rc = open_writer(path, &database->db);
        if (rc == SQLITE_OK)
                rc = schema_identify(database->db, &kind, ret_version);
        if (rc != SQLITE_OK) {
                *ret_version = 0;
                return fail(path, database, rc, ret_reason, ret_error);
        }

        if (kind == SCHEMA_NEWER || kind == SCHEMA_FOREIGN) {
                if (schema_get_meta(database->db, "next_session_id", &number) == SQLITE_OK && number > 0)
                        database->next_session_id = (uint64_t) number;
                g_free(database->reason);
                database->reason =
                        kind == SCHEMA_NEWER
                                ? g_strdup_printf("The database %s is from a newer version of needled (its "
                                                  "format is %d, this is %d)",
                                          path, *ret_version, SCHEMA_VERSION)
                                : g_strdup_printf("The file %s is not a database of needled", path);
                if (kind == SCHEMA_FOREIGN)
                        *ret_version = 0;
                return ATTEMPT_PUT_ASIDE;
        }
        rc = schema_prepare(database->db, path, kind, *ret_version);
        if (rc == SQLITE_OK)
                rc = schema_get_meta(database->db, "clean", &number);
        if (rc != SQLITE_OK)
                return fail(path, database, rc == SQLITE_NOTFOUND ? SQLITE_CORRUPT : rc, ret_reason,
                            ret_error);
        database->fresh = kind == SCHEMA_EMPTY;
        database->unclean = !database->fresh && number == 0;
        database->has_aside = database->fresh && files_has_aside(path);
        return ATTEMPT_DONE;
}

int database_open(const char *path, Database *ret, char **ret_reason) {
        g_autofree char *real = NULL;
        int version, r = resolve(path, &real);

        *ret = (Database) {};
        *ret_reason = NULL;
        if (r < 0) {
                *ret_reason = database_explain(path, "open", SQLITE_CANTOPEN, -r);
                return r;
        }
        for (unsigned i = 0; i < 2; i++) {
                Attempt attempt = try_open(real, ret, &version, ret_reason, &r);
                char *said;

                if (attempt == ATTEMPT_DONE)
                        return 0;
                database_abandon(g_steal_pointer(&ret->db));
                if (attempt == ATTEMPT_FAILED)
                        break;
                r = i == 0 ? database_put_aside(real, version, &ret->put_aside) : -EIO;
                if (r < 0) {
                        *ret_reason =
                                database_explain(path, "open", SQLITE_CANTOPEN, i == 0 ? EUCLEAN : EIO);
                        break;
                }
                said = g_strdup_printf("%s. It was kept as %s and a new one was started.", ret->reason,
                                       ret->put_aside);
                g_free(ret->reason);
                ret->reason = said;
        }
        return r;
}

void database_done(Database *database) {
        database_abandon(database->db);
        g_free(database->put_aside);
        g_free(database->reason);
        *database = (Database) {};
}

int database_open_reader(const char *path, sqlite3 **ret) {
        g_autofree char *real = NULL;
        int rc;

        *ret = NULL;
        if (resolve(path, &real) < 0)
                return SQLITE_CANTOPEN;
        rc = sqlite3_open_v2(real, ret, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE |
                                                SQLITE_OPEN_NOMUTEX, NULL);
        if (rc == SQLITE_OK)
                rc = schema_configure(*ret);
        if (rc == SQLITE_OK)
                rc = schema_exec(*ret, "PRAGMA query_only = ON");
        if (rc != SQLITE_OK)
                (void) sqlite3_close(g_steal_pointer(ret));
        return rc;
}

static int look_through(sqlite3 *db) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                rc = g_strcmp0((const char *) sqlite3_column_text(stmt, 0), "ok") == 0 ? SQLITE_OK : SQLITE_CORRUPT;
        (void) sqlite3_finalize(stmt);
        return rc;
}

int database_open_aside(const char *path, sqlite3 **ret) {
        SchemaKind kind = SCHEMA_EMPTY;
        g_autofree char *real = NULL;
        int version, rc = SQLITE_OK;

        *ret = NULL;
        if (resolve(path, &real) < 0)
                return SQLITE_CANTOPEN;
        rc = open_writer(real, ret);
        if (rc == SQLITE_OK)
                rc = schema_identify(*ret, &kind, &version);
        if (rc == SQLITE_OK && kind != SCHEMA_OLDER && kind != SCHEMA_CURRENT)
                rc = SQLITE_NOTADB;
        if (rc == SQLITE_OK)
                rc = look_through(*ret);
        if (rc == SQLITE_OK)
                rc = schema_prepare(*ret, real, kind, version);
        if (rc != SQLITE_OK)
                database_abandon(g_steal_pointer(ret));
        return rc;
}

/* The -wal holds what was committed last, so it goes along, and first: a crash in between leaves a database
 * without its newest commits, which the next start puts aside under the same name; never a new database
 * beside an old -wal. The -shm is only an index of the -wal. */
int database_put_aside(const char *path, int version, char **ret_name) {
        g_autofree char *wal = g_strconcat(path, "-wal", NULL), *shm = g_strconcat(path, "-shm", NULL);
        g_autofree char *stem = NULL;
        char when[32];
        time_t now = time(NULL);
        struct tm tm;

        (void) strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
        stem = version > 0 ? g_strdup_printf("%s.v%d", path, version)
                           : g_strdup_printf("%s.corrupt-%s", path, when);
        for (unsigned i = 1; i <= NAMES_MAX; i++) {
                g_autofree char *name = i == 1 ? g_strdup(stem) : g_strdup_printf("%s-%u", stem, i);
                g_autofree char *name_wal = g_strconcat(name, "-wal", NULL);

                if (exists(name) || (exists(wal) && exists(name_wal)))
                        continue;
                if (rename(wal, name_wal) < 0 && errno != ENOENT)
                        return -errno;
                if (rename(path, name) < 0) {
                        int error = errno;

                        (void) rename(name_wal, wal);
                        return -error;
                }
                (void) unlink(shm);
                files_sync_folder(path);
                *ret_name = g_steal_pointer(&name);
                return 0;
        }
        return -EEXIST;
}

void database_abandon(sqlite3 *db) {
        if (!db)
                return;
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void) sqlite3_close_v2(db);
}

/* SQLITE_ERROR is a statement of ours that does not fit: the tables are not those that the version
 * promises. */
bool database_is_damage(int rc) {
        int primary = rc & 0xff;

        return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR ||
               primary == SQLITE_FORMAT;
}

int database_errno(int rc) {
        switch (rc & 0xff) {
        case SQLITE_FULL:
                return ENOSPC;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_READONLY:
                return rc == SQLITE_READONLY_DIRECTORY ? EROFS : EACCES;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
                return EBUSY;
        default:
                return rc == SQLITE_CANTOPEN_SYMLINK ? ELOOP : EIO;
        }
}

char *database_explain(const char *path, const char *doing, int rc, int system_errno) {
        int error = rc == SQLITE_FULL || rc == SQLITE_READONLY ? database_errno(rc) : system_errno;

        for (unsigned pass = 0; pass < 2; pass++, error = database_errno(rc))
                for (size_t i = 0; i < G_N_ELEMENTS(remedies); i++)
                        if (remedies[i].error == error)
                                return g_strdup_printf(
                                        "Cannot %s the database %s: %s. Recording goes on in memory, and is "
                                        "written as soon as that is possible.",
                                        doing, path, remedies[i].sentence);
        g_assert_not_reached(); /* database_errno() gives what the table has */
}
