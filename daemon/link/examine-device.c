/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/examine.h"

#include <stdarg.h>
#include <string.h>

/* One adopted device. Who measured what is nobody's affair here: neither values nor serial numbers are told. */

#define MSEC 1000u
#define SEC ((uint64_t) G_USEC_PER_SEC)
#define PATTERN_MIN 3u          /* of the last DEVICE_LASTED_MAX connections */
#define EATT_MIN_USEC (28 * SEC)
#define EATT_MAX_USEC (31 * SEC)
#define TIMEOUT_SPREAD_USEC (40 * MSEC)
#define SHORT_USEC (3 * SEC)

typedef struct DeviceExamination {
        const Examination *x;
        Device *device;
        const Object *object, *adapter; /* as bluetoothd has it; NULL: it has not */
} DeviceExamination;

static void G_GNUC_PRINTF(5, 6) tell(const DeviceExamination *e, const char *what, FindingStatus status, const char *remedy,
                                     const char *format, ...) {
        g_autofree char *check = g_strdup_printf("%s: %s", device_label(e->device), what), *text = NULL;
        va_list args;

        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);

        examine_tell(e->x, check, status, remedy, "%s", text);
}

static char *when(uint64_t realtime_usec) {
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_local((int64_t) (realtime_usec / SEC));

        return time ? g_date_time_format(time, "%Y-%m-%d %H:%M") : g_strdup("long ago");
}

static char *needlectl(const DeviceExamination *e, const char *verb) {
        return g_strdup_printf("needlectl %s %s", verb, e->device->address);
}

/* ---- What it waits for ---- */

/* The state is told as it is, unless one of the other checks says it better. */
static bool told_elsewhere(const Device *d) {
        return d->state == DEVICE_BOND_LOST || device_lost_profile(d) || d->reason == DEVICE_REASON_NOTIFICATIONS_HELD ||
               d->reason == DEVICE_REASON_SERVICES_MISSING;
}

typedef enum StateRemedy {
        REMEDY_NONE,
        REMEDY_CONNECT,
        REMEDY_ADOPT,
        REMEDY_START,
        REMEDY_POWER_ON,
        REMEDY_PLUG_IN,
        REMEDY_UPDATE,
        REMEDY_FREE,
} StateRemedy;

static const struct {
        FindingStatus status;
        StateRemedy remedy;
        const char *text;
} reasons[_DEVICE_REASON_MAX] = {
        [DEVICE_REASON_NONE] = { FINDING_OK, REMEDY_NONE, "waits" },
        [DEVICE_REASON_AWAY] = { FINDING_OK, REMEDY_NONE, "is switched off or out of reach, and connected when it is back" },
        [DEVICE_REASON_BACKOFF] = { FINDING_OK, REMEDY_NONE, "did not answer, and is tried again" },
        [DEVICE_REASON_ADAPTER_OFF] = { FINDING_WARN, REMEDY_POWER_ON, "waits for its adapter, which is off" },
        [DEVICE_REASON_NO_ADAPTER] = { FINDING_WARN, REMEDY_PLUG_IN, "waits for its adapter, which is not there" },
        [DEVICE_REASON_NO_BLUETOOTHD] = { FINDING_WARN, REMEDY_START, "waits for bluetoothd" },
        [DEVICE_REASON_SUSPENDED] = { FINDING_OK, REMEDY_NONE, "waits until the computer is awake" },
        [DEVICE_REASON_RELEASED] = { FINDING_OK, REMEDY_NONE, "is released, for a phone to have it" },
        [DEVICE_REASON_HELD_ELSEWHERE] = { FINDING_WARN, REMEDY_FREE, "is held by a phone or another computer" },
        [DEVICE_REASON_NOTIFICATIONS_HELD] = { FINDING_FAIL, REMEDY_NONE, "" },
        [DEVICE_REASON_DISCONNECTED_BY_OTHER] = { FINDING_WARN, REMEDY_CONNECT, "was disconnected by another program" },
        [DEVICE_REASON_TIMEOUT] = { FINDING_WARN, REMEDY_CONNECT, "took too long to answer, and is tried again" },
        [DEVICE_REASON_SERVICES_MISSING] = { FINDING_FAIL, REMEDY_NONE, "" },
        [DEVICE_REASON_PROFILE_MAJOR] = { FINDING_FAIL, REMEDY_UPDATE, "speaks a newer language than this needled" },
        [DEVICE_REASON_IDENTITY_CHANGED] = { FINDING_FAIL, REMEDY_ADOPT,
                                             "is refused: another device answers at its address (adopt it only if it is yours)" },
        [DEVICE_REASON_KEY_MISSING] = { FINDING_FAIL, REMEDY_ADOPT, "does not know its bond any more" },
        [DEVICE_REASON_PAIRING_FAILED] = { FINDING_FAIL, REMEDY_ADOPT, "could not be paired" },
};

static char *state_remedy(const DeviceExamination *e, StateRemedy remedy) {
        switch (remedy) {
        case REMEDY_NONE:
                return g_strdup("");
        case REMEDY_CONNECT:
                return needlectl(e, "connect");
        case REMEDY_ADOPT:
                return needlectl(e, "adopt");
        case REMEDY_START:
                return g_strdup(EXAMINE_START);
        case REMEDY_POWER_ON:
                return e->adapter ? examine_power_on(e->x, e->adapter) : g_strdup(EXAMINE_PLUG_IN);
        case REMEDY_PLUG_IN:
                return *e->device->adapter
                               ? g_strdup_printf("Plug the adapter %s in again: the bond is with it.", e->device->adapter)
                               : g_strdup(EXAMINE_PLUG_IN);
        case REMEDY_UPDATE:
                return g_strdup("Update needled.");
        case REMEDY_FREE:
                return g_strdup("Close the app that uses it, or switch off Bluetooth on that phone or computer.");
        }

        g_assert_not_reached();
}

static void examine_waiting(const DeviceExamination *e) {
        const Device *d = e->device;
        g_autofree char *since = when(d->state_since_usec), *retry = d->retry_at_usec > 0 ? when(d->retry_at_usec) : NULL,
                        *remedy = state_remedy(e, reasons[d->reason].remedy);

        tell(e, "state", reasons[d->reason].status, remedy, "It %s, since %s%s%s.", reasons[d->reason].text, since,
             retry ? "; next try at " : "", retry ?: "");
}

static void examine_released(const DeviceExamination *e) {
        g_autofree char *until = e->device->released_until_usec > 0 ? when(e->device->released_until_usec) : NULL;

        tell(e, "state", FINDING_OK, "", "It is released, for a phone to have it, until %s%s'needlectl connect'.",
             until ?: "", until ? " or " : "");
}

static void examine_state(const DeviceExamination *e) {
        const Device *d = e->device;
        g_autofree char *since = when(d->state_since_usec);

        if (told_elsewhere(d))
                return;
        switch (d->state) {
        case DEVICE_KNOWN:
                tell(e, "state", FINDING_OK, "", "needled does not connect it by itself (AutoConnect is off).");
                break;
        case DEVICE_RELEASED:
                examine_released(e);
                break;
        case DEVICE_WAITING:
        case DEVICE_REFUSED:
                examine_waiting(e);
                break;
        case DEVICE_STREAMING:
        case DEVICE_SYNCING:
        case DEVICE_READY:
                tell(e, "state", FINDING_OK, "", "It is connected, since %s.", since);
                break;
        case DEVICE_FOUND:
        case DEVICE_CONNECTING:
        case DEVICE_RESOLVING:
        case DEVICE_BONDING:
                tell(e, "state", FINDING_OK, "", "It is being connected, since %s.", since);
                break;
        case DEVICE_BOND_LOST:
        case _DEVICE_STATE_MAX:
                break;
        }
}

/* ---- What must be there ---- */

static void examine_profile(const DeviceExamination *e) {
        const Device *d = e->device;
        const char *folders = profiles_folders(d->link->settings.profiles);
        g_autofree char *remedy = g_strdup_printf("Put its file into %s, then run 'systemctl restart needled'.",
                                                  *folders ? folders : "profiles.d");

        if (device_lost_profile(d))
                tell(e, "profile", FINDING_FAIL, remedy, "Its profile %s is not loaded.", d->profile_id);
        else
                tell(e, "profile", FINDING_OK, "", "Its profile is %s.", d->profile_id);
}

/* bluetoothd says Paired of a device that it has loaded only when that is connected again. */
static bool lost_in_bluetoothd(const DeviceExamination *e) {
        if (!e->device->bonded || !e->adapter)
                return false;
        if (!e->object)
                return true;

        return e->object->services_resolved && !(e->object->has_bonded ? e->object->bonded : e->object->paired);
}

static void examine_bond(const DeviceExamination *e) {
        g_autofree char *adopt = needlectl(e, "adopt");

        if (e->device->state == DEVICE_BOND_LOST)
                tell(e, "bond", FINDING_FAIL, adopt,
                     "Its bond is lost: it was paired with something else, or reset. Open its pairing window first.");
        else if (lost_in_bluetoothd(e)) {
                g_autofree char *remedy = g_strdup_printf("needlectl forget %s && needlectl search; needlectl adopt %s",
                                                          e->device->address, e->device->address);

                tell(e, "bond", FINDING_FAIL, remedy,
                     "bluetoothd has no bond with it any more: somebody removed it there. Open its pairing window first.");
        } else if (e->device->bonded)
                tell(e, "bond", FINDING_OK, "", "It is bonded.");
        else
                tell(e, "bond", FINDING_OK, "", "It has no bond, as its owner has consented: its link is not encrypted.");
}

static void examine_trust(const DeviceExamination *e) {
        g_autofree char *remedy = NULL;

        if (!e->object || !trust_wanted(e->device))
                return;
        if (e->object->trusted) {
                tell(e, "trust", FINDING_OK, "", "bluetoothd trusts it.");
                return;
        }

        remedy = g_strdup_printf("busctl set-property org.bluez %s org.bluez.Device1 Trusted b true", e->object->path);
        tell(e, "trust", FINDING_WARN, remedy,
             "bluetoothd does not trust it any more: after a disconnect by hand it is not connected by itself.");
}

static bool offers_a_service(const DeviceExamination *e) {
        for (const char *const *uuid = e->device->profile->service_uuids; *uuid; uuid++)
                if (e->object->services && g_strv_contains((const char *const *) e->object->services->pdata, *uuid))
                        return true;

        return false;
}

/* bluetoothd keeps the table of a bonded device, and does not look again after an update of its firmware. The bond is in another
 * file. */
static char *drop_cache(const DeviceExamination *e) {
        return g_strdup_printf("systemctl stop bluetooth; rm -f /var/lib/bluetooth/%s/cache/%s; systemctl start bluetooth",
                               e->adapter && e->adapter->address ? e->adapter->address : e->device->adapter,
                               e->device->address);
}

static void examine_services(const DeviceExamination *e) {
        const Device *d = e->device;
        g_autofree char *remedy = drop_cache(e), *adopt = needlectl(e, "adopt");

        if (!d->profile)
                return;
        if (d->reason == DEVICE_REASON_SERVICES_MISSING)
                tell(e, "services", FINDING_FAIL, adopt,
                     "It lacks services of its profile: bluetoothd's copy of them may be older than its firmware. "
                     "Open its pairing window first.");
        else if (e->object && e->object->has_uuids && d->profile->needs_services && !offers_a_service(e))
                tell(e, "services", FINDING_WARN, remedy,
                     "bluetoothd's copy of its services lacks that of its profile: it is not connected by itself.");
        else if (e->object)
                tell(e, "services", FINDING_OK, "", "Its services are those of its profile.");
}

/* ---- What comes in between ---- */

static bool held_by_others(const Device *d, const ProfileChar *ch) {
        const Object *object = setup_char(d, ch);
        StreamMode mode = notify_mode(d, ch);

        /* bluetoothd keeps what StartNotify asked for over connections: without one it may be ours of the last. */
        if (object && !d->work->streams && !object->notify_acquired && setup_may_broadcast(d, ch))
                return false;

        return object && (object->notifying || object->notify_acquired) && mode != STREAM_FD && mode != STREAM_SIGNAL;
}

static void examine_notifications(const DeviceExamination *e) {
        const Device *d = e->device;
        bool waits = d->reason == DEVICE_REASON_NOTIFICATIONS_HELD, held = waits;

        if (!d->profile || !e->object || d->work->step == STEP_ACQUIRE)
                return;
        for (size_t i = 0; i < d->profile->n_chars && !held; i++)
                held = (d->profile->chars[i].use & PROFILE_FOLLOW) && held_by_others(d, &d->profile->chars[i]);

        if (held)
                tell(e, "notifications", waits ? FINDING_FAIL : FINDING_WARN, EXAMINE_RESTART,
                     "Another program holds its notifications; close it, or take them from it.");
        else
                tell(e, "notifications", FINDING_OK, "", "No other program holds its notifications.");
}

static bool is_near(uint64_t usec, uint64_t wanted_usec) {
        return usec + TIMEOUT_SPREAD_USEC >= wanted_usec && usec <= wanted_usec + TIMEOUT_SPREAD_USEC;
}

/* A link that died as soon as it was there lasts as long as its supervision timeout, or twice or three times that. Linux asks for
 * 420 ms (hci_core: le_supv_timeout 0x002a), devices mostly for 2, 4, 5 or 6 s. */
static bool is_supervision_timeout(uint64_t usec) {
        static const uint64_t timeouts_usec[] = { 420 * MSEC, 840 * MSEC, 1260 * MSEC, 2 * SEC, 4 * SEC, 5 * SEC, 6 * SEC };

        for (size_t i = 0; i < G_N_ELEMENTS(timeouts_usec); i++)
                if (is_near(usec, timeouts_usec[i]))
                        return true;

        return false;
}

static void examine_drops(const DeviceExamination *e) {
        const Device *d = e->device;
        unsigned eatt = 0, radio = 0, brief = 0;

        for (unsigned i = 0; i < MIN(d->n_lasted, DEVICE_LASTED_MAX); i++) {
                uint64_t usec = d->lasted_usec[i];

                if (usec >= EATT_MIN_USEC && usec <= EATT_MAX_USEC)
                        eatt++;
                else if (is_supervision_timeout(usec))
                        radio++;
                else if (usec < SHORT_USEC)
                        brief++;
        }

        if (brief >= PATTERN_MIN && d->state == DEVICE_BOND_LOST)
                return; /* that is how it is known, and the check of the bond has said it */
        if (eatt >= PATTERN_MIN)
                tell(e, "drops", FINDING_WARN, EXAMINE_EATT_REMEDY,
                     "It is lost again and again after about 30 seconds: it does not bear several channels (EATT).");
        else if (radio >= PATTERN_MIN)
                tell(e, "drops", FINDING_WARN,
                     "Bring it nearer to the adapter, and the adapter away from USB 3 sockets and Wi-Fi aerials.",
                     "It is lost again and again as soon as it is connected: the radio link is too weak or disturbed.");
        else if (brief >= PATTERN_MIN)
                tell(e, "drops", FINDING_WARN,
                     "Switch off Bluetooth on phones that know it; if it goes on, forget it and adopt it again.",
                     "It ends its connections within three seconds: it is held by a phone, or has lost its bond.");
        else
                tell(e, "drops", FINDING_OK, "", "Its last connections ended in no pattern.");
}

static void examine_interference(const DeviceExamination *e) {
        uint64_t n = e->device->counters.interferences;

        if (n > 0)
                tell(e, "interference", FINDING_WARN,
                     "Close what else uses Bluetooth devices here (bluetoothctl, a desktop's settings, browsers).",
                     "Another program of this computer ended its connection or its notifications, %" G_GUINT64_FORMAT
                     " time%s since needled started.", n, n == 1 ? "" : "s");
        else
                tell(e, "interference", FINDING_OK, "", "No other program of this computer has disturbed it.");
}

void examine_device(const Examination *x, Device *device) {
        DeviceExamination e = {
                .x = x,
                .device = device,
                .object = link_object(device),
                .adapter = link_adapter(device),
        };

        examine_state(&e);
        examine_profile(&e);
        examine_bond(&e);
        examine_trust(&e);
        examine_services(&e);
        examine_notifications(&e);
        examine_drops(&e);
        examine_interference(&e);
}
