/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "store/import.h"
#include "store/shared.h"

/* What the reader is asked for: it is put into one of its lists, and a check of the database gives way. */

#define LIMIT_MAX 500u

static void push_request(Store *store, Request *request) {
        shared_lock(store);
        request->deadline_usec = shared_now_usec() + store->read_usec;
        TAILQ_INSERT_TAIL(&store->requests, request, entry);
        shared_interrupt_check(store);
        shared_wake_reader(store);
        shared_unlock(store);
}

void store_list(Store *store, const StoreFilter *filter, StoreListed done, void *userdata) {
        Request *request = g_new0(Request, 1);

        request->since_usec = filter->since_usec;
        request->until_usec = filter->until_usec;
        request->device = g_strdup(filter->device);
        request->subject = g_strdup(filter->subject);
        request->area = g_strdup(filter->area);
        request->owner = filter->owner;
        request->owner_name = filter->owner_name && *filter->owner_name ? g_strdup(filter->owner_name) : NULL;
        request->limit = CLAMP(filter->limit, 1, LIMIT_MAX);
        request->before = filter->before;
        request->done = done;
        request->userdata = userdata;
        push_request(store, request);
}

void store_get(Store *store, uint64_t id, StoreListed done, void *userdata) {
        Request *request = g_new0(Request, 1);

        request->get = true;
        request->id = id;
        request->done = done;
        request->userdata = userdata;
        push_request(store, request);
}

void store_events(Store *store, const StoreEventFilter *filter, StoreEventsRead done, void *userdata) {
        Request *request = g_new0(Request, 1);

        request->events = *filter;
        request->events_read = done;
        request->userdata = userdata;
        push_request(store, request);
}

static void push_scan(Store *store, Scan *scan) {
        shared_lock(store);
        if (store->n_scans == STORE_SCANS_MAX)
                shared_scan_end(store, scan, -ENOBUFS);
        else {
                TAILQ_INSERT_TAIL(&store->scans, scan, entry);
                store->n_scans++;
                shared_interrupt_check(store);
                shared_wake_reader(store);
        }
        shared_unlock(store);
}

void store_replay(Store *store, uint64_t id, uid_t asker, StoreReplayed done, void *userdata) {
        push_scan(store, scan_new_replay(store, id, asker, done, userdata));
}

void store_series(Store *store, const StoreSeries *wanted, StoreSeriesRead done, void *userdata) {
        push_scan(store, scan_new_series(store, wanted, done, userdata));
}

StoreWalk *store_walk_new(Store *store, uint64_t id, uid_t asker, const StoreWalkOps *ops, void *userdata) {
        return (StoreWalk *) scan_new_walk(store, id, asker, ops, userdata);
}

StoreWalk *store_walk_free(StoreWalk *walk) {
        return (StoreWalk *) scan_free((Scan *) walk);
}

void store_walk_on(Store *store, StoreWalk *walk) {
        Scan *scan = (Scan *) walk;

        scan->cancelled = false;
        push_scan(store, scan);
}

void store_forget(Store *store, const void *userdata) {
        Scan *scan;

        shared_lock(store);
        TAILQ_FOREACH(scan, &store->scans, entry)
                scan->cancelled |= scan->userdata == userdata;
        shared_wake_reader(store);
        shared_unlock(store);
}

void store_import(Store *store, const StoreImport *wanted, StoreImported done, void *userdata) {
        Import *import = import_new(store, wanted, done, userdata);

        shared_lock(store);
        if (store->n_imports == INTAKES_MAX || store->n_abandoned >= INTAKES_ABANDONED_MAX)
                shared_import_end(store, import, -ENOBUFS);
        else {
                TAILQ_INSERT_TAIL(&store->imports, import, entry);
                store->n_imports++;
                shared_interrupt_check(store);
                shared_wake_reader(store);
        }
        shared_unlock(store);
}

void store_export(Store *store, const StoreExport *wanted, StoreCounted counted, StoreDone ended, void *userdata) {
        Export *export = export_new(store, wanted, counted, ended, userdata);

        shared_lock(store);
        if (store->n_exports == STORE_EXPORTS_MAX)
                shared_export_end(store, export, -ENOBUFS);
        else {
                TAILQ_INSERT_TAIL(&store->exports, export, entry);
                store->n_exports++;
                shared_interrupt_check(store);
                shared_wake_reader(store);
        }
        shared_unlock(store);
}
