/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "autoptr.h"
#include "clock.h"
#include "log.h"

/* Bounded windows of discovery, never an open one: while discovery runs, the kernel does not scan for the
 * devices of its accept list, ours and the user's keyboard among them. A client opens a window to find
 * devices, we open one to see a device again that bluetoothd has forgotten. What is found is tested here:
 * the filters of all clients of bluetoothd are merged. */

#define FOUND_MAX 64u
#define FOUND_KEPT_USEC (60 * G_USEC_PER_SEC)
#define WINDOW_MAX_USEC (30 * G_USEC_PER_SEC)

typedef struct SearchAdapter {
        Search *search;         /* weak: our owner */
        char *path;
        bool tried_again;
        Calls calls;
} SearchAdapter;

struct Search {
        Link *link;             /* weak: our owner */
        uint64_t client_until_usec, own_until_usec; /* CLOCK_BOOTTIME; 0: no such window */
        GPtrArray *adapters;    /* SearchAdapter*, where discovery runs */
        sd_event_source *end_timer, *expire_timer;
};

static void end_windows(Search *search, bool client, bool own);

static void adapter_free(void *p) {
        SearchAdapter *adapter = p;

        calls_clear(&adapter->calls);
        g_free(adapter->path);
        g_free(adapter);
}

static int on_expire(sd_event_source *source, uint64_t usec, void *userdata) {
        Search *search = userdata;
        uint64_t now = clock_usec(CLOCK_BOOTTIME), next = UINT64_MAX;

        for (guint i = search->link->devices->len; i > 0; i--) {
                Device *device = search->link->devices->pdata[i - 1];
                uint64_t until = device->work->found_until_usec;

                if (device->adopted || device->work->adoption || until == 0 ||
                    device->work->step == STEP_FORGET)
                        continue;
                if (until <= now)
                        link_device_remove(device);
                else
                        next = MIN(next, until);
        }

        if (next != UINT64_MAX)
                link_timer(search->link, &search->expire_timer, next - now, on_expire, search);
        return 0;
}

static void start_discovery(SearchAdapter *adapter);

/* Our own session of before may hang on, or another program of ours on this connection: once it is stopped
 * and begun anew. */
static void on_started(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        SearchAdapter *adapter = userdata;
        Search *search = adapter->search;

        if (!error)
                return;

        log_debug("%s: StartDiscovery: %s", adapter->path, error->sentence);
        if (error->error == -EALREADY && !adapter->tried_again) {
                adapter->tried_again = true;
                bluez_tell(search->link->bluez, adapter->path, "org.bluez.Adapter1", "StopDiscovery", NULL);
                start_discovery(adapter);
                return;
        }

        g_ptr_array_remove(search->adapters, adapter);
        if (search->adapters->len == 0) {
                log_warning("No adapter can search: %s", error->sentence);
                end_windows(search, true, true);
        }
}

/* A profile whose devices are known by something else than a service is not found through a filter by services. */
static bool services_suffice(const Profiles *profiles) {
        for (const Profile *const *p = profiles_all(profiles); *p; p++)
                if (!(*p)->needs_services)
                        return false;

        return true;
}

static int append_services(sd_bus_message *m, const Profiles *profiles) {
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "UUIDs");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (const Profile *const *p = profiles_all(profiles); r >= 0 && *p; p++)
                for (const char *const *uuid = (*p)->service_uuids; r >= 0 && *uuid; uuid++)
                        r = sd_bus_message_append(m, "s", *uuid);
        for (int i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);

        return r;
}

static int append_filter(sd_bus_message *m, const Profiles *profiles) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}", "Transport", "s", "le", "DuplicateData", "b",
                                          false);
        if (r >= 0 && services_suffice(profiles))
                r = append_services(m, profiles);
        if (r >= 0)
                r = sd_bus_message_close_container(m);

        return r;
}

/* The filter before every start: without one BlueZ 5.66 finds nothing, and a connection makes it forget it. */
static void start_discovery(SearchAdapter *adapter) {
        Bluez *bluez = adapter->search->link->bluez;
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        r = bluez_message(bluez, adapter->path, "org.bluez.Adapter1", "SetDiscoveryFilter", &m);
        if (r >= 0)
                r = append_filter(m, adapter->search->link->settings.profiles);
        if (r >= 0)
                r = calls_send(&adapter->calls, m, BLUEZ_TIMEOUT_USEC, NULL, NULL);
        if (r >= 0)
                r = bluez_call(bluez, &adapter->calls, adapter->path, "org.bluez.Adapter1", "StartDiscovery",
                               BLUEZ_TIMEOUT_USEC, on_started, adapter, NULL);
        if (r < 0)
                log_debug("%s: cannot search: %s", adapter->path, g_strerror(-r));
}

static void visit_adapter(Object *object, void *userdata) {
        Search *search = userdata;
        SearchAdapter *adapter;

        if (!object->powered)
                return;

        adapter = g_new(SearchAdapter, 1);
        *adapter = (SearchAdapter) { .search = search, .path = g_strdup(object->path) };
        g_ptr_array_add(search->adapters, adapter);
        start_discovery(adapter);
}

static void visit_device(Object *object, void *userdata) {
        search_seen(userdata, object);
}

static int on_end(sd_event_source *source, uint64_t usec, void *userdata) {
        Search *search = userdata;
        uint64_t now = clock_usec(CLOCK_BOOTTIME);

        end_windows(search, search->client_until_usec <= now, search->own_until_usec <= now);
        return 0;
}

static void update_window(Search *search) {
        uint64_t until = MAX(search->client_until_usec, search->own_until_usec),
                 now = clock_usec(CLOCK_BOOTTIME);

        if (until == 0) {
                for (guint i = 0; i < search->adapters->len; i++)
                        bluez_tell(search->link->bluez, ((SearchAdapter *) search->adapters->pdata[i])->path,
                                   "org.bluez.Adapter1", "StopDiscovery", NULL);
                g_ptr_array_set_size(search->adapters, 0);
                sd_event_source_disable_unref(search->end_timer);
                search->end_timer = NULL;
                return;
        }

        if (search->adapters->len == 0)
                objects_foreach(bluez_objects(search->link->bluez), OBJECT_ADAPTER, visit_adapter, search);
        if (search->client_until_usec > 0 && search->own_until_usec > 0)
                until = MIN(search->client_until_usec, search->own_until_usec);
        link_timer(search->link, &search->end_timer, until > now ? until - now : 0, on_end, search);
}

static void end_windows(Search *search, bool client, bool own) {
        bool ended = client && search->client_until_usec > 0;

        if (client)
                search->client_until_usec = 0;
        if (own)
                search->own_until_usec = 0;
        update_window(search);
        if (!ended)
                return;

        for (guint i = 0; i < search->link->devices->len; i++) {
                Device *device = search->link->devices->pdata[i];

                if (!device->adopted)
                        search_keep(search, device);
        }
        search->link->observer.searching_changed(search->link, search->link->userdata);
}

Search *search_new(Link *link) {
        Search *search = g_new0(Search, 1);

        search->link = link;
        search->adapters = g_ptr_array_new_with_free_func(adapter_free);
        return search;
}

Search *search_free(Search *search) {
        if (!search)
                return NULL;

        for (guint i = 0; i < search->adapters->len; i++)
                bluez_tell(search->link->bluez, ((SearchAdapter *) search->adapters->pdata[i])->path,
                           "org.bluez.Adapter1", "StopDiscovery", NULL);
        g_ptr_array_unref(search->adapters);
        sd_event_source_disable_unref(search->end_timer);
        sd_event_source_disable_unref(search->expire_timer);
        g_free(search);
        return NULL;
}

void search_reset(Search *search) {
        g_ptr_array_set_size(search->adapters, 0);
        end_windows(search, true, true);
}

void search_want(Search *search, uint64_t duration_usec) {
        search->own_until_usec = MAX(search->own_until_usec, clock_usec(CLOCK_BOOTTIME) + duration_usec);
        update_window(search);
}

void search_pause(Search *search, bool client) {
        if (search->own_until_usec > 0 || (client && search->client_until_usec > 0))
                end_windows(search, client, true);
}

void search_seen(Search *search, Object *device) {
        Device *known = g_hash_table_lookup(search->link->by_object, device->path);
        unsigned found = 0;

        if (search->client_until_usec == 0 || !device->profile || !device->has_rssi || !device->address)
                return;
        if (known) {
                known->work->found_until_usec = 0; /* seen again: counts from the end of this search */
                return;
        }

        for (guint i = 0; i < search->link->devices->len; i++) {
                const Device *other = search->link->devices->pdata[i];

                found += !other->adopted;
                /* Adopted through another adapter that is there: to adopt it here as well would make two of it. */
                if (other->adopted && link_adapter(other) && g_str_equal(other->address, device->address) &&
                    g_strcmp0(other->address_type, device->address_type) == 0)
                        return;
        }
        if (found < FOUND_MAX)
                (void) link_device_add(search->link, device);
}

bool search_running(const Search *search) {
        return search->client_until_usec > 0;
}

int search_start(Search *search, uint64_t duration_usec) {
        bool running = search_running(search);
        uint64_t until = clock_usec(CLOCK_BOOTTIME) + MIN(duration_usec, (uint64_t) WINDOW_MAX_USEC);

        if (search->link->bluetooth != LINK_BLUETOOTH_READY)
                return -ENODEV;

        search->client_until_usec = MAX(search->client_until_usec, until);
        update_window(search);
        /* A discovery that runs for somebody else has told already what it sees. */
        objects_foreach(bluez_objects(search->link->bluez), OBJECT_DEVICE, visit_device, search);
        if (!running && search_running(search))
                search->link->observer.searching_changed(search->link, search->link->userdata);

        return 0;
}

void search_stop(Search *search) {
        end_windows(search, true, false);
}

void search_keep(Search *search, Device *device) {
        if (search_running(search)) {
                device->work->found_until_usec = 0;
                return;
        }

        device->work->found_until_usec = clock_usec(CLOCK_BOOTTIME) + FOUND_KEPT_USEC;
        if (!search->expire_timer)
                link_timer(search->link, &search->expire_timer, FOUND_KEPT_USEC, on_expire, search);
        else
                (void) sd_event_source_set_enabled(search->expire_timer, SD_EVENT_ONESHOT);
}
