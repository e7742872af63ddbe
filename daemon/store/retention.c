/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/retention.h"

#include "store/files.h"
#include "store/schema.h"

#define HOUR_USEC UINT64_C(3600000000)
#define DAY_USEC (24 * HOUR_USEC)
#define BACKUP_USEC (7 * DAY_USEC)
/* 2020-01-01: no session was recorded before, by a clock that was set. */
#define CLOCK_SET_USEC UINT64_C(1577836800000000)

static int get(Ledger *ledger, const char *key, uint64_t *ret) {
        sqlite3_int64 value = 0;
        int rc = schema_get_meta(ledger->rows.db, key, &value);

        *ret = value > 0 ? (uint64_t) value : 0;
        return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

static int set(Ledger *ledger, const char *key, uint64_t value) {
        return schema_set_meta(ledger->rows.db, key, (sqlite3_int64) value);
}

/* For how long needled has run with this database: time that no wall clock tells. */
static int count_life(Retention *retention, Ledger *ledger, uint64_t *ret_usec) {
        uint64_t now_usec = shared_now_usec();
        int rc = get(ledger, "lived", ret_usec);

        if (retention->lived_until_usec > 0)
                *ret_usec += now_usec - retention->lived_until_usec;
        if (rc == SQLITE_OK)
                rc = set(ledger, "lived", *ret_usec);
        if (rc == SQLITE_OK)
                retention->lived_until_usec = now_usec;
        return rc;
}

/* What came after a session that is not too old is not either, whatever its clock says: that was behind, or it was imported. A time that is
 * still to come says nothing. */
static int erase_old(Ledger *ledger, Eraser *eraser, uint64_t overdue_usec, uint64_t before, uint64_t realtime_usec) {
        uint64_t newer;
        int rc = rows_first_newer(&ledger->rows, overdue_usec, realtime_usec, &newer);

        if (rc == SQLITE_OK)
                before = MIN(before, newer);
        if (rc == SQLITE_OK || rc == SQLITE_NOTFOUND)
                eraser_add_old(eraser, CLOCK_SET_USEC, overdue_usec, before);
        return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

/* `overdue` is the time before which what ended was too old when needled had lived for `overdue_at`, of those
 * that were there then: their ids are below `overdue_id`. */
static int check_age(Retention *retention, Ledger *ledger, Eraser *eraser, uint64_t day_usec, uint64_t realtime_usec) {
        uint64_t before_usec = realtime_usec > retention->wanted.age_usec ? realtime_usec - retention->wanted.age_usec : 0;
        uint64_t lived_usec, overdue_usec, overdue_at_usec, overdue_id;
        int rc = count_life(retention, ledger, &lived_usec);

        if (rc == SQLITE_OK)
                rc = get(ledger, "overdue", &overdue_usec);
        if (rc == SQLITE_OK)
                rc = get(ledger, "overdue_at", &overdue_at_usec);
        if (rc == SQLITE_OK)
                rc = get(ledger, "overdue_id", &overdue_id);
        if (rc != SQLITE_OK)
                return rc;
        if (overdue_usec > 0 && before_usec >= overdue_usec) {
                if (lived_usec < overdue_at_usec + day_usec)
                        return SQLITE_OK;
                if (overdue_usec > CLOCK_SET_USEC)
                        rc = erase_old(ledger, eraser, overdue_usec, overdue_id, realtime_usec);
        }
        /* In this order: cut off anywhere, what is too old stays longer. */
        if (rc == SQLITE_OK)
                rc = set(ledger, "overdue_at", lived_usec);
        if (rc == SQLITE_OK)
                rc = set(ledger, "overdue", before_usec);
        return rc == SQLITE_OK ? set(ledger, "overdue_id", ledger->next_session_id) : rc;
}

static int check_count(const Retention *retention, Ledger *ledger, Eraser *eraser) {
        uid_t owner = 0;
        uint64_t upto;
        int rc;

        while ((rc = rows_next_owner(&ledger->rows, owner, &owner)) == SQLITE_OK) {
                rc = rows_first_surplus(&ledger->rows, owner, retention->wanted.count, &upto);
                if (rc == SQLITE_OK)
                        eraser_add_surplus(eraser, owner, upto);
                if (rc != SQLITE_OK && rc != SQLITE_NOTFOUND)
                        return rc;
                owner++;
        }
        return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

int retention_check(Retention *retention, Ledger *ledger, Eraser *eraser, Store *store, uint64_t realtime_usec) {
        uint64_t day_usec;
        int rc = SQLITE_OK;

        shared_lock(store);
        retention->wanted = store->retention;
        day_usec = store->retention_day_usec;
        shared_unlock(store);
        if (retention->wanted.age_usec > 0)
                rc = check_age(retention, ledger, eraser, day_usec, realtime_usec);
        if (rc == SQLITE_OK && retention->wanted.count > 0)
                rc = check_count(retention, ledger, eraser);
        if (rc != SQLITE_OK)
                return rc;
        if (realtime_usec > BACKUP_USEC)
                (void) files_remove_backups(store->path, realtime_usec - BACKUP_USEC);
        retention->check_at_usec = shared_now_usec() + (retention->wanted.age_usec > 0 ? HOUR_USEC : DAY_USEC);
        return SQLITE_OK;
}
