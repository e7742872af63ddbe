/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hub.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "boot-id.h"
#include "clock.h"
#include "hub-private.h"
#include "log.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define TICK_ACCURACY_USEC (USEC_PER_SEC / 10)
#define USER_NAMES_MAX 256u
#define USER_NAME_USEC UINT64_C(60000000)
#define PROFILE_PROBLEMS_MAX 32u
#define TROUBLED_PROFILES_MAX 16u
#define CLOSE_TIMEOUT_USEC (5 * USEC_PER_SEC)
#define PAUSE_AFTER_USEC (15 * USEC_PER_SEC) /* without contact */
#define OPENING_USEC (2 * USEC_PER_SEC)   /* for which a database is waited for */
#define SETTLE_USEC (USEC_PER_SEC / 4)    /* more than a loop that is held up lets a socket wait: what waits is read before any timer */

static Follower *follower_of(Device *device) {
        return device->follower;
}

static void follower_free(void *p) {
        Follower *f = p;

        if (f->sync.waiters)
                g_array_unref(f->sync.waiters);
        tracker_free(f->tracker);
        g_free(f);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata) {
        Hub *hub = userdata;
        uint64_t now_usec, realtime_usec;

        hub_now(&now_usec, &realtime_usec);
        for (unsigned i = 0; i < hub->followers->len; i++)
                tracker_tick(((Follower *) hub->followers->pdata[i])->tracker, now_usec, realtime_usec);
        hub_sessions_tick(hub, now_usec, realtime_usec);
        hub_arm_tick(hub);
        return 0;
}

/* ---- What link tells ---- */

static void on_bluetooth_changed(Link *link, void *userdata) {
        Hub *hub = userdata;
        static const struct {
                int level;
                const char *text;
        } told[_LINK_BLUETOOTH_MAX] = {
                [LINK_BLUETOOTH_ABSENT] = { LOG_WARNING, "bluetoothd is not running; needled waits for it (systemctl status bluetooth)" },
                [LINK_BLUETOOTH_NO_ADAPTER] = { LOG_WARNING, "there is no Bluetooth adapter; needled waits for one" },
                [LINK_BLUETOOTH_OFF] = { LOG_WARNING, "the Bluetooth adapter is off; needled waits until it is switched on" },
                [LINK_BLUETOOTH_READY] = { LOG_INFO, "Bluetooth is ready" },
        };
        LinkBluetooth b = link_bluetooth(link);
        LogContext context = { .message_id = NEEDLED_MESSAGE_BLUETOOTH_CHANGED, .state = link_bluetooth_name(b) };

        log_with(told[b].level, &context, "%s", told[b].text);
        bus_bluetooth_changed(hub->bus);
        hub_status_changed(hub);
}

static void on_searching_changed(Link *link, void *userdata) {
        Hub *hub = userdata;

        bus_searching_changed(hub->bus);
}

static void on_device_added(Device *device, void *userdata) {
        Hub *hub = userdata;
        Follower *f = hub_follower_new(hub, device);

        hub_journal_known(f);
        device->follower = f;
        bus_device_added(hub->bus, device);
}

static void remember(Hub *hub, const Device *d) {
        StoreDevice row = {
                .path = d->path,
                .address = d->address,
                .address_type = d->address_type,
                .adapter = d->adapter,
                .name = d->name,
                .alias = d->alias,
                .profile = d->profile_id,
                .manufacturer = d->manufacturer,
                .model = d->model,
                .serial = d->serial,
                .firmware = d->firmware,
                .kind = d->has_feature ? d->feature.kind : OMP_KIND_UNKNOWN,
                .owner = d->owner,
                .bonded = d->bonded,
                .allow_unbonded = d->allow_unbonded,
                .auto_connect = d->auto_connect,
                .adopted_realtime_usec = d->adopted_realtime_usec,
                .released = d->released,
                .released_until_usec = d->released_until_usec,
        };

        store_device_put(hub->store, &row);
}

static void on_device_changed(Device *device, unsigned changed, void *userdata) {
        Hub *hub = userdata;
        Follower *f = follower_of(device);

        if (hub->stopping)
                return;
        if (changed & DEVICE_CHANGED_IDENTITY && device->adopted)
                remember(hub, device);
        hub_journal_device(f, changed);
        bus_device_changed(hub->bus, device, changed);
        if (changed & (DEVICE_CHANGED_STATE | DEVICE_CHANGED_IDENTITY))
                hub_status_changed(hub);
        hub_limits_changed(f);
        if (changed & DEVICE_CHANGED_BATTERY)
                hub_alert_battery(f);
        if (changed & DEVICE_CHANGED_SYNC)
                hub_sync_device_changed(f);
}

static void on_device_record(Device *device, const StoredRecord *record, void *userdata) {
        hub_sync_record(device, record);
}

static void on_device_removed(Device *device, void *userdata) {
        Hub *hub = userdata;
        Follower *f = follower_of(device);
        uint64_t now_usec, realtime_usec;

        device->follower = NULL;
        if (hub->stopping)
                return;

        hub_now(&now_usec, &realtime_usec);
        if (tracker_session(f->tracker))
                (void) tracker_finish(f->tracker, SESSION_END_USER, now_usec, realtime_usec);
        if (device->adopted)
                store_device_remove(hub->store, device->address, device->address_type);

        bus_device_removed(hub->bus, device);
        g_ptr_array_remove_fast(hub->followers, f);
        hub_status_changed(hub);
}

static void on_device_frame(Device *device, const Frame *frame, void *userdata) {
        Follower *f = follower_of(device);

        if (f->hub->stopping)
                return;
        if (frame->direction == FRAME_OF_LINK)
                hub_session_profile(f, device->profile);

        tracker_frame(f->tracker, frame);
        hub_frame_flush(f);
}

static void on_link_failed(Link *link, int error, void *userdata) {
        Hub *hub = userdata;

        (void) sd_event_exit(hub->event, log_error_errno(error, "the connection to the system bus is lost"));
}

static const LinkObserver link_observer = {
        .bluetooth_changed = on_bluetooth_changed,
        .searching_changed = on_searching_changed,
        .device_added = on_device_added,
        .device_changed = on_device_changed,
        .device_removed = on_device_removed,
        .device_frame = on_device_frame,
        .device_record = on_device_record,
        .failed = on_link_failed,
};

/* ---- What the store tells ---- */

static void restore_device(Hub *hub, const StoreDevice *row) {
        Device remembered = {
                .path = row->path,
                .address = row->address,
                .address_type = row->address_type,
                .adapter = row->adapter,
                .name = row->name,
                .alias = row->alias,
                .profile = profiles_by_id(hub->profiles, row->profile),
                .profile_id = row->profile,
                .manufacturer = row->manufacturer,
                .model = row->model,
                .serial = row->serial,
                .firmware = row->firmware,
                .feature.kind = (uint8_t) row->kind,
                .owner = row->owner,
                .adopted = true,
                .bonded = row->bonded,
                .allow_unbonded = row->allow_unbonded,
                .auto_connect = row->auto_connect,
                .adopted_realtime_usec = row->adopted_realtime_usec,
                .released = row->released,
                .released_until_usec = row->released_until_usec,
                .stored = { row->cursor.epoch, row->cursor.record, row->cursor.start },
        };

        (void) link_restore(hub->link, &remembered);
}

/* Who starts needled by asking it something is answered when the database has told which devices there are. It is not waited for without
 * end: a service that cannot store is still one that can be asked why. */
static void take_name(Hub *hub) {
        int r;

        if (!hub->bus)
                return;

        hub->name_source = sd_event_source_disable_unref(hub->name_source);
        r = bus_take_name(hub->bus);
        if (r < 0)
                (void) sd_event_exit(hub->event, log_error_errno(r, "the name on the bus cannot be asked for"));
}

static int on_opening_for_long(sd_event_source *source, uint64_t usec, void *userdata) {
        take_name(userdata);
        return 0;
}

static void on_store_opened(const StoreOpened *opened, void *userdata) {
        Hub *hub = userdata;

        hub->next_session_id = MAX(hub->next_session_id, opened->next_session_id);
        for (size_t i = 0; i < opened->n_devices; i++)
                if (!hub_follower_by_address(hub, opened->devices[i].address)) /* adopted anew while there was no database */
                        restore_device(hub, &opened->devices[i]);
        hub_plan_opened(hub, opened);
        if (opened->taken_in)
                log_info("what was not written yet when needled ended last is in the database now");
        for (size_t i = 0; i < opened->n_ended; i++)
                bus_history_added(hub->bus, opened->ended[i].id, opened->ended[i].owner);
        hub_sessions_resume(hub, opened);
        link_start(hub->link);
        hub_status_changed(hub);
        take_name(hub);
}

static void on_store_state_changed(StoreState state, const char *reason, const char *put_aside, void *userdata) {
        Hub *hub = userdata;
        bool ready = state == STORE_READY;
        LogContext context = {
                .message_id = ready ? NEEDLED_MESSAGE_STORAGE_RECOVERED : NEEDLED_MESSAGE_STORAGE_DEGRADED,
                .state = store_state_name(state),
        };

        if (!ready && state != STORE_OPENING)
                log_with(LOG_ERR, &context, "%s", reason);
        else if (ready && hub->storage_troubled)
                log_with(LOG_NOTICE, &context, "storage works again; everything kept in memory has been written");
        /* A database that was put aside is no trouble that ends: the new one is in use already. */
        hub->storage_troubled = !ready && state != STORE_OPENING && !(state == STORE_DEGRADED && put_aside);

        bus_storage_changed(hub->bus);
        hub_status_changed(hub);
}

static int on_store_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Hub *hub = userdata;

        store_dispatch(hub->store);
        return 0;
}

static void on_store_retired(const StoreErased *erased, void *userdata) {
        Hub *hub = userdata;

        hub_sessions_erased(hub, erased);
        bus_history_erased(hub->bus, erased);
}

static const StoreObserver store_observer = {
        .opened = on_store_opened,
        .state_changed = on_store_state_changed,
        .retired = on_store_retired,
        .recorded = hub_sync_recorded,
};

/* ---- The bus ---- */

static void on_bus_failed(Bus *bus, int error, const char *message, void *userdata) {
        Hub *hub = userdata;

        (void) sd_event_exit(hub->event, log_error_errno(error, "%s", message));
}

static void on_bus_stalled(Bus *bus, void *userdata) {
        log_warning("The system bus takes nothing from needled any more, because a program does not read what it subscribed to: "
                    "the connection is opened again");
}

/* ---- The computer's sleep ---- */

static void on_synced(int error, void *userdata) {
        Hub *hub = userdata;

        if (--hub->n_syncs == 0) /* an earlier sleep's that was given up says nothing of this one */
                sleep_ready(hub->sleep);
}

/* Links end first, so that what they said last is written. */
static void on_sleep(bool asleep, void *userdata) {
        Hub *hub = userdata;

        hub_journal_sleep(asleep);
        link_suspend(hub->link, asleep);
        if (!asleep)
                return;

        hub->n_syncs++;
        store_sync(hub->store, on_synced, hub);
}

static void on_name_acquired(Bus *bus, void *userdata) {
        Hub *hub = userdata;

        hub->ready = true;
        hub_status_changed(hub);
}

/* ---- */

void hub_now(uint64_t *ret_boottime_usec, uint64_t *ret_realtime_usec) {
        *ret_boottime_usec = clock_usec(CLOCK_BOOTTIME);
        *ret_realtime_usec = clock_usec(CLOCK_REALTIME);
}

static TrackerSettings tracker_settings(const Hub *hub, const NoteLimits *limits) {
        return (TrackerSettings) {
                .auto_start = hub->config.session_auto_start,
                .idle_timeout_usec = hub->config.session_idle_timeout_usec,
                .window_usec = hub->config.session_window_usec,
                .lead_in_usec = hub->config.session_lead_in_usec,
                .pause_after_usec = PAUSE_AFTER_USEC,
                .settle_usec = SETTLE_USEC,
                .limits = *limits,
        };
}

Follower *hub_follower_new(Hub *hub, Device *device) {
        Follower *f = g_new0(Follower, 1);
        TrackerSettings settings;

        f->hub = hub;
        f->device = device;
        hub_limits(hub, device, &f->limits);
        settings = tracker_settings(hub, &f->limits);
        f->tracker = tracker_new(&settings, &hub_tracker_observer, f);
        g_ptr_array_add(hub->followers, f);
        return f;
}

Follower *hub_follower_by_address(const Hub *hub, const char *address) {
        for (unsigned i = 0; i < hub->followers->len; i++) {
                Follower *f = hub->followers->pdata[i];

                if (f->device && g_ascii_strcasecmp(f->device->address, address) == 0)
                        return f;
        }

        return NULL;
}

const char *hub_device_label(const Device *d) {
        if (d->alias && *d->alias)
                return d->alias;

        return d->address;
}

typedef struct UserName {
        const char *name;               /* interned: who has it keeps it */
        uint64_t asked_usec;
} UserName;

/* Asked once a minute for each user: the answer comes from files or, on some hosts, from far away, and the loop must not wait for it while
 * a device streams; but a uid may be given to somebody else. */
const char *hub_user_name(Hub *hub, uid_t uid) {
        UserName *known = g_hash_table_lookup(hub->user_names, GUINT_TO_POINTER(uid));
        struct passwd pw, *found = NULL;
        uint64_t now_usec, ignored;
        char buffer[4096];

        hub_now(&now_usec, &ignored);
        if (known && now_usec - known->asked_usec < USER_NAME_USEC)
                return known->name;
        if (g_hash_table_size(hub->user_names) >= USER_NAMES_MAX)
                g_hash_table_remove_all(hub->user_names);

        (void) getpwuid_r(uid, &pw, buffer, sizeof(buffer), &found);
        (void) g_hash_table_remove(hub->user_names, GUINT_TO_POINTER(uid));
        if (!found)
                return ""; /* not for a minute: a user can be made */

        known = g_new(UserName, 1);
        *known = (UserName) { g_intern_string(found->pw_name), now_usec };
        (void) g_hash_table_insert(hub->user_names, GUINT_TO_POINTER(uid), known);
        return known->name;
}

void hub_arm_tick(Hub *hub) {
        uint64_t deadline = hub_sessions_deadline(hub);

        if (deadline == UINT64_MAX) {
                (void) sd_event_source_set_enabled(hub->tick_source, SD_EVENT_OFF);
                return;
        }

        (void) sd_event_source_set_time(hub->tick_source, deadline);
        (void) sd_event_source_set_enabled(hub->tick_source, SD_EVENT_ONESHOT);
}

/* Bounded: a folder of files that are all wrong must not fill the journal. */
static void on_profile_refused(const char *path, unsigned line, const char *text, void *userdata) {
        LogContext context = { .message_id = NEEDLED_MESSAGE_PROFILE_REJECTED };
        Hub *hub = userdata;
        unsigned *n = &hub->profile_problems;

        if (hub->troubled_profiles->len < TROUBLED_PROFILES_MAX &&
            !g_ptr_array_find_with_equal_func(hub->troubled_profiles, path, g_str_equal, NULL))
                g_ptr_array_add(hub->troubled_profiles, g_strdup(path));
        if (++*n > PROFILE_PROBLEMS_MAX) {
                if (*n == PROFILE_PROBLEMS_MAX + 1)
                        log_with(LOG_WARNING, &context, "There is more wrong with vendor profiles: 'needlectl profile lint FILE…' tells all of it");
                return;
        }
        if (line > 0)
                log_with(LOG_WARNING, &context, "%s:%u: %s", path, line, text);
        else
                log_with(LOG_WARNING, &context, "%s: %s", path, text);
}

static void set_retention(Hub *hub) {
        store_set_retention(hub->store, &(StoreRetention) {
                .age_usec = hub->config.store_retention_usec,
                .count = hub->config.store_retention_count,
        });
}

static int start_store(Hub *hub, const HubOptions *options) {
        g_autofree char *path = g_build_filename(options->state_dir, "needled.db", NULL);
        StoreObserver observer = store_observer;

        observer.decoder = hub_decoder;
        observer.ring = options->ring;
        hub->store = store_new(path, &observer, hub);
        hub->watchdog = options->watchdog;
        watchdog_watch(hub->watchdog, hub->store);
        set_retention(hub);
        return sd_event_add_io(hub->event, &hub->store_source, store_get_fd(hub->store), EPOLLIN, on_store_io, hub);
}

/* What the configuration names: what it leaves to the device is not written. */
static DeviceParameters wanted_parameters(const Config *config) {
        const struct {
                uint8_t id;
                int32_t value;
        } wanted[] = {
                { OMP_PARAMETER_OVERPRESSURE, config->limits_overpressure_mn },
                { OMP_PARAMETER_HYSTERESIS, config->limits_hysteresis_mn },
                { OMP_PARAMETER_ZONE_LOW, config->limits_zone_low_mn },
                { OMP_PARAMETER_ZONE_HIGH, config->limits_zone_high_mn },
                { OMP_PARAMETER_CONTACT, config->limits_contact_on_mn },
        };
        uint64_t limit_sec = config->session_time_limit_usec / USEC_PER_SEC;
        DeviceParameters parameters = {};

        if (!config->bluetooth_set_parameters)
                return parameters;

        for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
                if (wanted[i].value != LIMIT_OF_DEVICE)
                        device_put_parameter(&parameters, wanted[i].id, wanted[i].value);
        if (limit_sec > 0)
                device_put_parameter(&parameters, OMP_PARAMETER_SESSION_LIMIT, (int32_t) MIN(limit_sec, UINT16_MAX));

        return parameters;
}

static int start_link(Hub *hub) {
        LinkSettings settings = {
                .profiles = hub->profiles,
                .allow_broadcast = hub->config.bluetooth_allow_broadcast,
                .parameters = wanted_parameters(&hub->config),
                .root = hub->root,
        };

        return link_new(hub->event, &settings, &link_observer, hub, &hub->link);
}

static int start_bus(Hub *hub) {
        BusSettings settings = {
                .event = hub->event,
                .link = hub->link,
                .store = hub->store,
                .profiles = hub->profiles,
                .ops = &hub_bus_ops,
                .userdata = hub,
                .daemon_uid = geteuid(),
                .release_usec = hub->config.bluetooth_release_usec,
                .failed = on_bus_failed,
                .stalled = on_bus_stalled,
                .name_acquired = on_name_acquired,
        };

        int r = bus_new(&settings, &hub->bus);

        if (r >= 0)
                r = sd_event_add_time_relative(hub->event, &hub->name_source, CLOCK_MONOTONIC, OPENING_USEC, 0, on_opening_for_long, hub);

        return r < 0 ? r : sleep_new(link_connection(hub->link), hub->event, on_sleep, hub, &hub->sleep);
}

/* The unit's /proc has nothing but processes, so that systemd says it. A boot that nobody knows is none that a session can go on from:
 * its clock may have begun anew. */
static void read_boot_id(Hub *hub) {
        sd_id128_t boot_id;

        if (boot_id_get(&boot_id) < 0) {
                log_warning("it is not known which boot of the computer this is: sessions end when needled is restarted; let its unit set "
                            "NEEDLED_BOOT_ID=%%b");
                (void) sd_id128_randomize(&boot_id);
        }
        (void) sd_id128_to_string(boot_id, hub->boot_id);
}

int hub_new(const HubOptions *options, Hub **ret) {
        Hub *hub = g_new0(Hub, 1);
        int r;

        hub->event = sd_event_ref(options->event);
        hub->config = options->config;
        hub->state_dir = g_strdup(options->state_dir);
        hub->root = g_strdup(getenv("NEEDLED_ROOT") ?: "");
        hub->profiles = profiles_new();
        hub->troubled_profiles = g_ptr_array_new_with_free_func(g_free);
        hub->followers = g_ptr_array_new_with_free_func(follower_free);
        hub->endings = hub_endings_new();
        hub->user_names = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        read_boot_id(hub);

        r = sd_event_add_time(hub->event, &hub->tick_source, CLOCK_BOOTTIME, 0, TICK_ACCURACY_USEC, on_tick, hub);
        if (r >= 0) {
                (void) sd_event_source_set_enabled(hub->tick_source, SD_EVENT_OFF);
                r = start_store(hub, options);
        }
        if (r >= 0)
                r = start_link(hub);
        if (r >= 0)
                r = start_bus(hub);
        if (r < 0) {
                hub_free(hub);
                return r;
        }

        /* Files last: while they are read the bus lets us in and the store opens its database. Nobody asks for them before the loop runs. */
        profiles_load(hub->profiles, options->config_dir, on_profile_refused, hub);
        hub->plan = hub_plan_new();
        *ret = hub;
        return 0;
}

void hub_configure(Hub *hub, const Config *config) {
        DeviceParameters parameters;

        hub->config = *config;
        parameters = wanted_parameters(config);
        link_configure(hub->link, config->bluetooth_allow_broadcast, &parameters);
        bus_set_release_time(hub->bus, config->bluetooth_release_usec);
        set_retention(hub);
        for (unsigned i = 0; i < hub->followers->len; i++) {
                Follower *f = hub->followers->pdata[i];
                TrackerSettings settings = tracker_settings(hub, &f->limits);

                tracker_set_settings(f->tracker, &settings);
                hub_limits_changed(f);
                hub_frame_flush(f);
        }
        hub_arm_tick(hub);
}

bool hub_ready(const Hub *hub) {
        return hub->ready;
}

Hub *hub_free(Hub *hub) {
        if (!hub)
                return NULL;

        /* Live sessions are left as they are, to be taken up again: nothing that happens from here on is a fact about them. */
        hub->stopping = true;
        hub_sessions_stop(hub);
        hub->sleep = sleep_free(hub->sleep);
        hub->bus = bus_free(hub->bus);
        hub->link = link_free(hub->link);
        g_ptr_array_unref(hub->followers);
        sd_event_source_disable_unref(hub->name_source);
        sd_event_source_disable_unref(hub->store_source);
        sd_event_source_disable_unref(hub->tick_source);
        watchdog_watch(hub->watchdog, NULL);
        hub->store = hub->store ? store_close(hub->store, CLOSE_TIMEOUT_USEC) : NULL;
        hub->profiles = profiles_free(hub->profiles); /* the store's reader decodes with them */
        g_ptr_array_unref(hub->endings);
        hub->plan = hub_plan_free(hub->plan);
        g_hash_table_unref(hub->user_names);
        g_ptr_array_unref(hub->troubled_profiles);
        g_free(hub->state_dir);
        g_free(hub->root);
        sd_event_unref(hub->event);
        g_free(hub);
        return NULL;
}
