/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/aside.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/database.h"
#include "store/files.h"
#include "store/rows-private.h"
#include "store/schema.h"

#define KEY "aside "             /* and the name of a file without its folder: a key of `meta` */

/* What belongs to a session, and what does not. */
static const char *const details[] = { "chunk", "tail", "gap", "event" };
static const char *const others[] = { "device", "plan", "acknowledgement", "tombstone" };

/* ---- Statements ---- */

static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret) {
        return sqlite3_prepare_v2(db, sql, -1, ret, NULL);
}

/* The columns of a table that both have, but for some, each with a comma before it. Those of figures may be of a later version than either knows;
 * they are derived again where they are missing. */
static int common_columns(Aside *aside, Ledger *ledger, const char *table, const char *but_for, GString *ret) {
        static const char sql[] = "SELECT name FROM pragma_table_info(?1) WHERE instr(?2, ' ' || name || ' ') = 0";
        g_autoptr(GHashTable) theirs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        int rc = SQLITE_OK;

        for (unsigned pass = 0; pass < 2 && rc == SQLITE_OK; pass++) {
                sqlite3_stmt *stmt = NULL;

                rc = prepare(pass == 0 ? aside->db : ledger->rows.db, sql, &stmt);
                if (rc == SQLITE_OK) {
                        (void) sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
                        (void) sqlite3_bind_text(stmt, 2, but_for, -1, SQLITE_STATIC);
                }
                while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                        const char *name = (const char *) sqlite3_column_text(stmt, 0);

                        if (pass == 0)
                                (void) g_hash_table_add(theirs, g_strdup(name));
                        else if (g_hash_table_contains(theirs, name) && !strchr(name, '"'))
                                g_string_append_printf(ret, ", \"%s\"", name);
                        rc = SQLITE_OK;
                }
                (void) sqlite3_finalize(stmt);
                rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        }
        return rc;
}

/* Reads rows there, `first` and then common columns, and writes them here, with a number of values before them that are given each time. */
static int prepare_copy(Aside *aside, Ledger *ledger, const char *table, const char *but_for, const char *first, const char *where,
                        const char *into, sqlite3_stmt **ret_from, sqlite3_stmt **ret_into) {
        g_autoptr(GString) columns = g_string_new(NULL), values = g_string_new(NULL);
        g_autofree char *select = NULL, *insert = NULL;
        int rc = common_columns(aside, ledger, table, but_for, columns);

        if (rc != SQLITE_OK)
                return rc;
        for (const char *p = columns->str; (p = strchr(p, ',')); p++)
                g_string_append(values, ", ?");
        for (const char *p = into; (p = strchr(p, ',')); p++)
                g_string_append(values, ", ?");
        select = g_strdup_printf("SELECT %s%s FROM %s %s", first, columns->str, table, where);
        insert = *into ? g_strdup_printf("INSERT INTO %s (%s%s) VALUES (?%s)", table, into, columns->str, values->str)
                       : g_strdup_printf("INSERT OR IGNORE INTO %s (%s) VALUES (%s)", table, columns->str + 2, values->str + 2);
        rc = prepare(aside->db, select, ret_from);
        return rc == SQLITE_OK ? prepare(ledger->rows.db, insert, ret_into) : rc;
}

/* The row that `from` is at, from its second column on. */
static int put_row(sqlite3_stmt *from, sqlite3_stmt *into, int n_given, const uint64_t *given) {
        int n = sqlite3_column_count(from), rc = SQLITE_OK;

        for (int i = 0; i < n_given; i++)
                (void) sqlite3_bind_int64(into, i + 1, (sqlite3_int64) given[i]);
        for (int i = 1; i < n && rc == SQLITE_OK; i++)
                rc = sqlite3_bind_value(into, n_given + i, sqlite3_column_value(from, i));
        return rc == SQLITE_OK ? rows_run_once(into) : rc;
}

/* What is told by a file that says why it cannot be taken in; the database's own errors are the writer's to tell. Asked of its connection, which
 * forgets when a statement of it that went well is reset or finalized: none is between the error and the question. */
static bool is_theirs(const Aside *aside) {
        int rc = sqlite3_errcode(aside->db) & 0xff;

        return rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE;
}

static void refuse(Aside *aside, const char *name, const char *why) {
        aside_done(aside);
        aside->refused = g_strdup(name);
        aside->trouble = g_strdup_printf("The database %s was put aside by an older version of needled and cannot be taken back in: %s."
                                         " It is left where it is; \"needlectl erase --copies\" as root removes it.", name, why);
}

static int look(sqlite3 *db, const char *sql, uint64_t value, uint64_t *ret) {
        sqlite3_stmt *stmt = NULL;
        int rc = prepare(db, sql, &stmt);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 1, (sqlite3_int64) value);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW && ret)
                *ret = (uint64_t) sqlite3_column_int64(stmt, 0);
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

/* ---- One session ---- */

static void end_table(Aside *aside) {
        (void) sqlite3_finalize(g_steal_pointer(&aside->details));
        (void) sqlite3_finalize(g_steal_pointer(&aside->into));
}

/* Nobody sees what is here of it, and the eraser takes it away. */
static void drop_session(Aside *aside, Ledger *ledger) {
        end_table(aside);
        if (aside->id > 0)
                (void) g_hash_table_remove(ledger->intakes, &aside->id);
        aside->id = 0;
}

/* By its uuid, where its owner has it, or as a record that was fetched from its device here too, or was and was erased. SQLITE_NOTFOUND: it
 * is to come. */
static int is_here(Ledger *ledger, sqlite3_stmt *theirs) {
        static const char sql[] =
                "SELECT 1 FROM session WHERE uuid = ?1 AND ?1 <> '' AND ended < 2 AND owner = ?7 AND (?8 = '' OR owner_name IN ('', ?8))"
                " UNION ALL"
                " SELECT 1 FROM session WHERE ?6 = 'stored' AND device_address = ?2 AND record = ?4 AND record > 0 AND record_start = ?5"
                " AND (?5 <> 0 OR epoch = ?3) AND source IN ('stored', 'both') AND ended = 1 LIMIT 1";
        StoreBurial burial = {
                .device_address = (const char *) sqlite3_column_text(theirs, 2),
                .epoch = (uint32_t) sqlite3_column_int64(theirs, 3),
                .record = (uint32_t) sqlite3_column_int64(theirs, 4),
                .record_start = (uint64_t) sqlite3_column_int64(theirs, 5),
        };
        sqlite3_stmt *stmt = NULL;
        int rc = prepare(ledger->rows.db, sql, &stmt);

        for (int i = 1; i <= 8 && rc == SQLITE_OK; i++)
                rc = sqlite3_bind_value(stmt, i, sqlite3_column_value(theirs, i));
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        (void) sqlite3_finalize(stmt);
        if (rc == SQLITE_DONE && burial.record > 0 && g_strcmp0((const char *) sqlite3_column_text(theirs, 6), "stored") == 0)
                return rows_is_buried(&ledger->rows, &burial);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

/* Its name without the folder. */
static const char *base_of(const Aside *aside) {
        return aside->key + strlen(KEY);
}

/* Whether the row is of somebody whose sessions do not come in. SQLITE_NOTFOUND: they do, or it is of nobody. */
static int is_erased(Aside *aside, Ledger *ledger, sqlite3_stmt *theirs) {
        int owner = -1, owner_name = -1;

        for (int i = 0; i < sqlite3_column_count(theirs); i++)
                if (g_str_equal(sqlite3_column_name(theirs, i), "owner"))
                        owner = i;
                else if (g_str_equal(sqlite3_column_name(theirs, i), "owner_name"))
                        owner_name = i;
        if (owner < 0 || owner_name < 0)
                return SQLITE_NOTFOUND;
        return rows_is_kept_away(&ledger->rows, base_of(aside), (uid_t) sqlite3_column_int64(theirs, owner),
                                 (const char *) sqlite3_column_text(theirs, owner_name));
}

/* Its own if that was not used here, else one of those that were set apart. */
static int choose_id(Aside *aside, Ledger *ledger) {
        int rc = look(ledger->rows.db, "SELECT 1 FROM session WHERE id = ?1 UNION ALL SELECT 1 FROM tombstone WHERE id = ?1", aside->from, NULL);
        bool used = rc == SQLITE_OK || g_hash_table_contains(ledger->known, &aside->from);

        aside->id = used ? aside->next_id++ : aside->from;
        return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

static int begin_session(Aside *aside, Ledger *ledger, int ended) {
        uint64_t given[2];
        int rc = choose_id(aside, ledger);

        if (rc == SQLITE_OK)
                rc = prepare_copy(aside, ledger, "session", " id ended ", "id", "WHERE id = ?1", "id, ended", &aside->details, &aside->into);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(aside->details, 1, (sqlite3_int64) aside->from);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(aside->details);
        given[0] = aside->id;
        given[1] = (uint64_t) ended;
        if (rc == SQLITE_ROW)
                rc = put_row(aside->details, aside->into, 2, given);
        end_table(aside);
        aside->table = 0;
        if (rc == SQLITE_OK && ended == 2)
                (void) g_hash_table_add(ledger->intakes, g_memdup2(&aside->id, sizeof(aside->id)));
        return rc == SQLITE_OK ? rows_id_at_least(&ledger->rows, ledger->next_session_id) : rc;
}

/* The next row of what belongs to it. SQLITE_DONE: that was all. */
static int copy_detail(Aside *aside, Ledger *ledger) {
        int rc = SQLITE_OK;

        if (aside->table == G_N_ELEMENTS(details))
                return SQLITE_DONE;
        if (!aside->details) {
                rc = prepare_copy(aside, ledger, details[aside->table], " id session ", "id", "WHERE session = ?1 ORDER BY id", "session",
                                  &aside->details, &aside->into);
                if (rc == SQLITE_OK)
                        rc = sqlite3_bind_int64(aside->details, 1, (sqlite3_int64) aside->from);
        }
        if (rc == SQLITE_OK)
                rc = sqlite3_step(aside->details);
        if (rc == SQLITE_ROW)
                return put_row(aside->details, aside->into, 1, &aside->id);
        if (rc != SQLITE_DONE)
                return rc;
        end_table(aside);
        aside->table++;
        return SQLITE_OK;
}

static int show_session(Aside *aside, Ledger *ledger) {
        int rc = look(ledger->rows.db, "UPDATE session SET ended = 1 WHERE id = ?1", aside->id, NULL);

        if (rc == SQLITE_NOTFOUND)
                rc = schema_set_meta(ledger->rows.db, aside->key, (sqlite3_int64) aside->from);
        if (rc == SQLITE_OK)
                drop_session(aside, ledger);
        return rc;
}

/* The next of theirs that was over, or passes it over. SQLITE_NOTFOUND: there is no more. */
static int next_session(Aside *aside, Ledger *ledger) {
        bool comes = false;
        int rc = SQLITE_OK;

        if (!aside->sessions)
                rc = prepare(aside->db, "SELECT id, uuid, device_address, epoch, record, record_start, source, owner, owner_name"
                                        " FROM session WHERE ended = 1 AND id > ?1 ORDER BY id LIMIT 1", &aside->sessions);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(aside->sessions, 1, (sqlite3_int64) aside->from);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(aside->sessions);
        if (rc == SQLITE_ROW) {
                aside->from = (uint64_t) sqlite3_column_int64(aside->sessions, 0);
                rc = is_here(ledger, aside->sessions);
                if (rc == SQLITE_NOTFOUND)
                        rc = is_erased(aside, ledger, aside->sessions);
                if (rc == SQLITE_OK)
                        rc = schema_set_meta(ledger->rows.db, aside->key, (sqlite3_int64) aside->from);
                comes = rc == SQLITE_NOTFOUND;
        } else if (rc == SQLITE_DONE)
                rc = SQLITE_NOTFOUND;
        (void) sqlite3_reset(aside->sessions);
        return comes ? begin_session(aside, ledger, 2) : rc;
}

static int move_on(Aside *aside, Ledger *ledger) {
        int rc;

        if (aside->id == 0)
                return next_session(aside, ledger);
        rc = copy_detail(aside, ledger);
        return rc == SQLITE_DONE ? show_session(aside, ledger) : rc;
}

/* ---- The beginning ---- */

static int copy_others(Aside *aside, Ledger *ledger, const char *table) {
        sqlite3_stmt *from = NULL, *into = NULL;
        int rc = prepare_copy(aside, ledger, table, "", "0", "", "", &from, &into);

        while (rc == SQLITE_OK && (rc = sqlite3_step(from)) == SQLITE_ROW) {
                rc = is_erased(aside, ledger, from);
                if (rc == SQLITE_NOTFOUND)
                        rc = put_row(from, into, 0, NULL);
        }
        (void) sqlite3_finalize(from);
        (void) sqlite3_finalize(into);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Marks of records that were erased say something only with the number that goes with them; where there is one already, they are lost. */
static int copy_buried(Aside *aside, Ledger *ledger) {
        sqlite3_int64 salt;
        int rc = schema_get_meta(ledger->rows.db, "salt", &salt);

        if (rc != SQLITE_NOTFOUND)
                return rc;
        rc = schema_get_meta(aside->db, "salt", &salt);
        if (rc == SQLITE_OK)
                rc = schema_set_meta(ledger->rows.db, "salt", salt);
        if (rc == SQLITE_OK)
                rc = copy_others(aside, ledger, "buried");
        return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

static int copy_whole(Aside *aside, Ledger *ledger) {
        int rc = begin_session(aside, ledger, 0);

        while (rc == SQLITE_OK)
                rc = copy_detail(aside, ledger);
        end_table(aside);
        aside->id = 0;
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Sessions that had not ended are whoever's who ends those that were live when the daemon went. */
static int copy_live(Aside *aside, Ledger *ledger) {
        g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        sqlite3_stmt *stmt = NULL;
        int rc = prepare(aside->db, "SELECT id, owner, owner_name FROM session WHERE ended = 0 ORDER BY id", &stmt);

        while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                uint64_t id = (uint64_t) sqlite3_column_int64(stmt, 0);

                rc = is_erased(aside, ledger, stmt);
                if (rc == SQLITE_NOTFOUND)
                        g_array_append_val(ids, id);
                rc = rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
        }
        (void) sqlite3_finalize(stmt);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        for (guint i = 0; i < ids->len && rc == SQLITE_OK; i++) {
                aside->from = g_array_index(ids, uint64_t, i);
                rc = copy_whole(aside, ledger);
        }
        aside->from = 0;
        return rc;
}

/* What it has to say of other files. */
static int copy_kept_away(Aside *aside, Ledger *ledger) {
        sqlite3_stmt *stmt = NULL;
        int rc = prepare(aside->db, "SELECT file, owner, owner_name FROM erasure WHERE file <> ''", &stmt);

        while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
                rc = rows_keep_away(&ledger->rows, (const char *) sqlite3_column_text(stmt, 0), (uid_t) sqlite3_column_int64(stmt, 1),
                                    (const char *) sqlite3_column_text(stmt, 2));
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int copy_first(Aside *aside, Ledger *ledger) {
        int rc = SQLITE_OK;

        for (size_t i = 0; i < G_N_ELEMENTS(others) && rc == SQLITE_OK; i++)
                rc = copy_others(aside, ledger, others[i]);
        if (rc == SQLITE_OK)
                rc = copy_buried(aside, ledger);
        if (rc == SQLITE_OK)
                rc = copy_kept_away(aside, ledger);
        if (rc == SQLITE_OK)
                rc = copy_live(aside, ledger);
        return rc == SQLITE_OK ? schema_set_meta(ledger->rows.db, aside->key, 0) : rc;
}

/* No id that was used there or here is used again; as many as there are sessions are set apart for those that need another. */
static int set_ids_apart(Aside *aside, Ledger *ledger) {
        sqlite3_int64 here = 0, there = 0, highest = 0, n = 0;
        int rc = schema_get_meta(ledger->rows.db, "next_session_id", &here);

        if (rc == SQLITE_OK) {
                rc = schema_get_meta(aside->db, "next_session_id", &there);
                rc = rc == SQLITE_NOTFOUND ? SQLITE_OK : rc; /* its sessions tell */
        }
        if (rc == SQLITE_OK)
                rc = schema_get_int(aside->db, "SELECT coalesce(max(id), 0) + 1 FROM session", &highest);
        if (rc == SQLITE_OK)
                rc = schema_get_int(aside->db, "SELECT count(*) FROM session", &n);
        if (rc != SQLITE_OK)
                return rc;
        aside->next_id = MAX(ledger->next_session_id, (uint64_t) MAX(MAX(here, there), MAX(highest, 1)));
        ledger->next_session_id = aside->next_id + (uint64_t) n;
        return SQLITE_OK;
}

static int begin_here(Aside *aside, Ledger *ledger) {
        sqlite3_int64 upto = 0;
        int rc = set_ids_apart(aside, ledger);

        if (rc == SQLITE_OK)
                rc = schema_get_meta(ledger->rows.db, aside->key, &upto);
        aside->from = (uint64_t) upto;
        if (rc != SQLITE_NOTFOUND)
                return rc;
        rc = rows_set_sync(&ledger->rows, true);
        if (rc == SQLITE_OK)
                rc = rows_run(&ledger->rows, ROWS_BEGIN);
        if (rc == SQLITE_OK)
                rc = copy_first(aside, ledger);
        return rc == SQLITE_OK ? rows_run(&ledger->rows, ROWS_COMMIT) : rc;
}

/* Erasures that were cut off in it: what they meant is left there. */
static int end_erasures(Aside *aside) {
        return schema_exec(aside->db,
                           "UPDATE session SET ended = 3 WHERE ended = 1 AND EXISTS (SELECT 1 FROM erasure AS e WHERE e.file = ''"
                           " AND (e.session = session.id OR (e.session = 0 AND session.id <= e.newest AND (e.owner < 0 OR (e.owner = session.owner"
                           " AND (e.owner_name = '' OR session.owner_name IN ('', e.owner_name)))))) AND NOT EXISTS"
                           " (SELECT 1 FROM spared WHERE erasure = e.id AND spared.session = session.id))");
}

static bool has_room(const char *name, uint64_t free_min) {
        struct statvfs s;
        struct stat st;

        if (stat(name, &st) < 0 || statvfs(name, &s) < 0)
                return true;    /* it will be seen */
        return (uint64_t) s.f_bavail * s.f_frsize >= MAX(free_min, (uint64_t) s.f_blocks * s.f_frsize / 20) + (uint64_t) st.st_size;
}

static void close_file(Aside *aside, Ledger *ledger) {
        drop_session(aside, ledger);
        (void) sqlite3_finalize(g_steal_pointer(&aside->sessions));
        database_abandon(g_steal_pointer(&aside->db));
        g_clear_pointer(&aside->path, g_free);
        g_clear_pointer(&aside->key, g_free);
        aside->from = 0;
}

static int try_file(Aside *aside, Ledger *ledger, const char *name, uint64_t free_min) {
        g_autofree char *base = g_path_get_basename(name);
        int rc;

        if (!has_room(name, free_min)) {
                refuse(aside, name, "there is not enough room on the disk for it. Make room and start needled again");
                return SQLITE_OK;
        }
        rc = database_open_aside(name, &aside->db);
        if (rc != SQLITE_OK) {
                refuse(aside, name, database_is_damage(rc) ? "it is damaged, or no database of needled" : "it cannot be read. Check the disk");
                return SQLITE_OK;
        }
        aside->path = g_strdup(name);
        aside->key = g_strconcat(KEY, base, NULL);
        rc = end_erasures(aside);
        if (rc == SQLITE_OK)
                rc = begin_here(aside, ledger);
        if (rc == SQLITE_OK)
                return rc;
        if (!sqlite3_get_autocommit(ledger->rows.db))
                (void) rows_run(&ledger->rows, ROWS_ROLLBACK);
        if (is_theirs(aside)) {
                refuse(aside, name, "it cannot be read. Check the disk");
                rc = SQLITE_OK;
        }
        close_file(aside, ledger);
        return rc;
}

/* ---- The end ---- */

static int run_for(sqlite3 *db, const char *sql, const char *name) {
        sqlite3_stmt *stmt = NULL;
        int rc = prepare(db, sql, &stmt);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
        if (rc == SQLITE_OK)
                rc = rows_run_once(stmt);
        (void) sqlite3_finalize(stmt);
        return rc;
}

/* The file is not there any more: how far it had come, and what was not to come. */
static int forget_file(Ledger *ledger, const char *base) {
        int rc = run_for(ledger->rows.db, "DELETE FROM meta WHERE key = '" KEY "' || ?1", base);

        return rc == SQLITE_OK ? run_for(ledger->rows.db, "DELETE FROM erasure WHERE file = ?1 AND file <> ''", base) : rc;
}

/* Likewise each that somebody has removed. */
static int forget_removed(Ledger *ledger, const char *path) {
        static const char sql[] = "SELECT substr(key, 7) FROM meta WHERE key GLOB '" KEY "*' UNION ALL SELECT file FROM erasure WHERE file <> ''";
        g_autofree char *dir = g_path_get_dirname(path);
        g_autoptr(GPtrArray) bases = g_ptr_array_new_with_free_func(g_free);
        sqlite3_stmt *stmt = NULL;
        int rc = prepare(ledger->rows.db, sql, &stmt);

        while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                g_ptr_array_add(bases, rows_get_text(stmt, 0));
                rc = SQLITE_OK;
        }
        (void) sqlite3_finalize(stmt);
        rc = rc == SQLITE_DONE ? SQLITE_OK : rc;
        for (guint i = 0; i < bases->len && rc == SQLITE_OK; i++) {
                g_autofree char *name = g_build_filename(dir, bases->pdata[i], NULL);

                if (access(name, F_OK) < 0 && errno == ENOENT)
                        rc = forget_file(ledger, bases->pdata[i]);
        }
        return rc;
}

/* What has come is on the disk before the file goes. One that cannot be removed is known again by how far it has come. */
static int finish(Aside *aside, Ledger *ledger) {
        g_autofree char *name = g_strdup(aside->path), *base = g_strdup(base_of(aside));
        int rc = rows_set_sync(&ledger->rows, true);

        if (rc == SQLITE_OK)
                rc = rows_synced(&ledger->rows, (uint64_t) g_get_real_time());
        close_file(aside, ledger);
        if (rc != SQLITE_OK || !files_remove_taken(name))
                return rc;
        return forget_file(ledger, base);
}

void aside_done(Aside *aside) {
        g_clear_pointer(&aside->trouble, g_free);
        g_clear_pointer(&aside->refused, g_free);
}

int aside_begin(Aside *aside, Ledger *ledger, const char *path, uint64_t free_min) {
        g_auto(GStrv) names = files_readable_aside(path, SCHEMA_VERSION);
        int rc = names ? forget_removed(ledger, path) : SQLITE_CANTOPEN;

        if (rc == SQLITE_OK && !names[0])
                return SQLITE_OK;
        if (rc == SQLITE_OK)
                rc = look(ledger->rows.db, "SELECT 1 FROM erasure WHERE file = '' AND session = ?1", ROWS_ERASURE_OF_COPIES, NULL);
        if (rc != SQLITE_NOTFOUND) /* they are all to go: an erasure of them was cut off */
                return rc;
        rc = SQLITE_OK;
        for (size_t i = 0; names[i] && !aside->path && rc == SQLITE_OK; i++)
                rc = try_file(aside, ledger, names[i], free_min);
        return rc;
}

bool aside_is_busy(const Aside *aside) {
        return aside->db;
}

int aside_step(Aside *aside, Ledger *ledger) {
        uint64_t until_usec = shared_now_usec() + ASIDE_STEP_USEC;
        int rc = rows_set_sync(&ledger->rows, false);
        bool over;

        if (rc == SQLITE_OK)
                rc = rows_run(&ledger->rows, ROWS_BEGIN);
        if (rc != SQLITE_OK)
                return rc; /* nothing is begun: another program writes, say */
        while (rc == SQLITE_OK && shared_now_usec() < until_usec)
                rc = move_on(aside, ledger);
        over = rc == SQLITE_NOTFOUND;
        if (rc == SQLITE_OK || over)
                rc = rows_run(&ledger->rows, ROWS_COMMIT);
        if (rc == SQLITE_OK)
                return over ? finish(aside, ledger) : SQLITE_OK;
        if (is_theirs(aside)) {
                refuse(aside, aside->path, "it cannot be read. Check the disk");
                rc = rows_run(&ledger->rows, ROWS_ROLLBACK);
        }
        close_file(aside, ledger);
        return rc;
}

/* The session that is on its way. */
static int drop_if_erased(Aside *aside, Ledger *ledger) {
        sqlite3_stmt *stmt = NULL;
        int rc = prepare(aside->db, "SELECT owner, owner_name FROM session WHERE id = ?1", &stmt);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 1, (sqlite3_int64) aside->from);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                rc = is_erased(aside, ledger, stmt);
        (void) sqlite3_finalize(stmt);
        if (rc == SQLITE_OK)
                drop_session(aside, ledger);
        return rc == SQLITE_NOTFOUND || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int aside_forget(Aside *aside, Ledger *ledger, const char *path, uid_t owner, const char *owner_name) {
        g_auto(GStrv) names = files_readable_aside(path, INT_MAX);
        int rc = names ? SQLITE_OK : SQLITE_CANTOPEN;

        for (size_t i = 0; rc == SQLITE_OK && names[i]; i++) {
                g_autofree char *base = g_path_get_basename(names[i]);

                rc = rows_keep_away(&ledger->rows, base, owner, owner_name);
        }
        if (rc == SQLITE_OK && aside->id > 0)
                rc = drop_if_erased(aside, ledger);
        if (rc != SQLITE_OK && aside->db && is_theirs(aside)) {
                close_file(aside, ledger); /* the next start goes on, and knows */
                rc = SQLITE_OK;
        }
        return rc;
}

void aside_stop(Aside *aside, Ledger *ledger) {
        if (aside->db)
                close_file(aside, ledger);
}
