/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/device.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "link/private.h"
#include "clock.h"
#include "log.h"

#define TEXT_MAX 64

static const char *const state_names[_DEVICE_STATE_MAX] = {
        [DEVICE_FOUND] = "found",
        [DEVICE_KNOWN] = "known",
        [DEVICE_WAITING] = "waiting",
        [DEVICE_CONNECTING] = "connecting",
        [DEVICE_RESOLVING] = "resolving",
        [DEVICE_BONDING] = "bonding",
        [DEVICE_READY] = "ready",
        [DEVICE_STREAMING] = "streaming",
        [DEVICE_SYNCING] = "syncing",
        [DEVICE_RELEASED] = "released",
        [DEVICE_BOND_LOST] = "bond-lost",
        [DEVICE_REFUSED] = "refused",
};

static const char *const reason_names[_DEVICE_REASON_MAX] = {
        [DEVICE_REASON_NONE] = "",
        [DEVICE_REASON_AWAY] = "away",
        [DEVICE_REASON_BACKOFF] = "backoff",
        [DEVICE_REASON_ADAPTER_OFF] = "adapter-off",
        [DEVICE_REASON_NO_ADAPTER] = "no-adapter",
        [DEVICE_REASON_NO_BLUETOOTHD] = "no-bluetoothd",
        [DEVICE_REASON_SUSPENDED] = "suspended",
        [DEVICE_REASON_RELEASED] = "released",
        [DEVICE_REASON_HELD_ELSEWHERE] = "held-elsewhere",
        [DEVICE_REASON_NOTIFICATIONS_HELD] = "notifications-held",
        [DEVICE_REASON_DISCONNECTED_BY_OTHER] = "disconnected-by-other",
        [DEVICE_REASON_TIMEOUT] = "timeout",
        [DEVICE_REASON_SERVICES_MISSING] = "services-missing",
        [DEVICE_REASON_PROFILE_MAJOR] = "profile-major",
        [DEVICE_REASON_IDENTITY_CHANGED] = "identity-changed",
        [DEVICE_REASON_KEY_MISSING] = "key-missing",
        [DEVICE_REASON_PAIRING_FAILED] = "pairing-failed",
};

/* What each state and reason is for, and what ends it. What has a time limit has it by its step (below).
 *
 * found        -                      a search has seen it                          60 s after the search
 *              pairing-failed, timeout, services-missing, profile-major             likewise; why its adoption has failed
 * known        -                      adopted, AutoConnect off                      Connect()
 * waiting      away                   out of reach, bluetoothd connects it          it comes; unbonded: a search window
 *                                     bonded, and bluetoothd shows none             5 s: bond-lost
 *                                     a socket has ended, Connected holds           0.5 s: looks again
 *              backoff                Connect() has failed, or will be called       retry_at
 *              held-elsewhere         heard by discovery, deaf to Connect()         retry_at
 *              notifications-held     another program has them, or ended ours       they are let go; retry_at
 *              disconnected-by-other  another program called Disconnect()           bluetoothd connects it; unbonded: retry_at
 *              timeout                a step took too long; it is disconnected      10 s, then away or backoff
 *              adapter-off, no-adapter, no-bluetoothd                               that changes (activate.c starts what failed)
 *              suspended              the computer sleeps, or has just woken        1.5 s after it woke
 * connecting   -                      Connect(), a search for it, RemoveDevice      60 s, 11 s, 10 s
 * resolving    -                      connected, waits for its services             45 s, 3 s for objects, 10 s for a refresh
 * bonding      -                      Pair()                                        90 s
 * ready        -                      Feature, identity, AcquireNotify              30 s each
 * streaming, syncing  -               what it is all for                            the link, or what it requires, goes
 * released     released               Release()                                     Connect(), or retry_at
 * bond-lost    key-missing            the bond is gone on one side                  the owner adopts it again, or Connect() works
 * refused      identity-changed       another device answers at its address         likewise
 *              services-missing       it lacks what its profile requires, or the profile is not loaded   they come; adoption
 *              profile-major          it speaks another major version               an update */

#define TO(state) (1u << DEVICE_##state)
/* Where nothing is under way, and from where everything may begin. */
#define REST (TO(KNOWN) | TO(WAITING) | TO(RELEASED) | TO(BOND_LOST))
#define BEGIN (TO(CONNECTING) | TO(RESOLVING))

/* From each state, the states that may follow; the same state with another reason always may. */
static const unsigned may_enter[_DEVICE_STATE_MAX] = {
        [DEVICE_FOUND] = BEGIN,
        [DEVICE_KNOWN] = BEGIN | REST | TO(REFUSED),
        [DEVICE_WAITING] = BEGIN | REST | TO(READY) | TO(REFUSED),
        [DEVICE_CONNECTING] = TO(RESOLVING) | REST | TO(FOUND) | TO(REFUSED),
        [DEVICE_RESOLVING] = TO(CONNECTING) | TO(BONDING) | TO(READY) | REST | TO(FOUND) | TO(REFUSED),
        [DEVICE_BONDING] = TO(CONNECTING) | TO(RESOLVING) | TO(READY) | REST | TO(FOUND) | TO(REFUSED),
        [DEVICE_READY] = TO(CONNECTING) | TO(STREAMING) | TO(RESOLVING) | TO(SYNCING) | REST | TO(REFUSED),
        [DEVICE_STREAMING] = TO(SYNCING) | TO(RESOLVING) | REST | TO(REFUSED),
        [DEVICE_SYNCING] = TO(READY) | TO(STREAMING) | TO(RESOLVING) | REST | TO(REFUSED),
        [DEVICE_RELEASED] = BEGIN | REST | TO(REFUSED),
        [DEVICE_BOND_LOST] = BEGIN | REST | TO(REFUSED),
        [DEVICE_REFUSED] = BEGIN | REST,
};

static const struct {
        const char *name;
        uint64_t limit_usec;    /* 0: none, the step ends by an event or has its delay from the caller */
} steps[_STEP_MAX] = {
        [STEP_NONE] = { "none", 0 },
        [STEP_BACKOFF] = { "backoff", 0 },
        [STEP_SEARCH] = { "search", 11 * G_USEC_PER_SEC },
        [STEP_CONNECT] = { "connect", 60 * G_USEC_PER_SEC }, /* bluetoothd gives up by itself after 40 s */
        [STEP_DISCONNECT] = { "disconnect", 10 * G_USEC_PER_SEC }, /* bluetoothd takes 2 s */
        [STEP_RESOLVE] = { "resolve", 45 * G_USEC_PER_SEC }, /* a first discovery can take more than 10 s */
        [STEP_OBJECTS] = { "objects", 3 * G_USEC_PER_SEC },
        [STEP_REFRESH] = { "refresh", 10 * G_USEC_PER_SEC },
        [STEP_PAIR] = { "pair", 90 * G_USEC_PER_SEC },
        [STEP_READ] = { "read", 30 * G_USEC_PER_SEC },
        [STEP_ACQUIRE] = { "acquire", 30 * G_USEC_PER_SEC },
        [STEP_HELD] = { "held", 0 },
        [STEP_FORGET] = { "forget", 15 * G_USEC_PER_SEC },
        [STEP_REMOVE] = { "remove", 10 * G_USEC_PER_SEC },
        [STEP_MISSING] = { "missing", 5 * G_USEC_PER_SEC }, /* adapters show their devices one after the other */
};

static void backoff_over(Device *device) {
        if (trouble_lift(device))
                return;
        if (device->work->connected)
                trouble_still_connected(device);
        else
                reconnect_now(device);
}

static void search_over(Device *device) {
        if (watch_find(device)) /* it is where it was all the time */
                watch_device(device);
        else if (device->work->adoption)
                adopt_retry(device, -ENOENT, "The device is not there any more: switch it on and search again.");
        else
                reconnect_rest(device);
}

/* The time of a step is over: its named next step. */
static int on_step_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        Device *device = userdata;

        log_debug("%s: step %s is over", device->path, steps[device->work->step].name);
        switch (device->work->step) {
        case STEP_NONE:
                break;
        case STEP_BACKOFF:
                backoff_over(device);
                break;
        case STEP_SEARCH:
                search_over(device);
                break;
        case STEP_CONNECT:
                /* Disconnect() cancels a Connect() that is pending. */
                reconnect_give_up(device, DEVICE_REASON_TIMEOUT);
                break;
        case STEP_DISCONNECT:
                reconnect_lost(device, DEVICE_REASON_NONE);
                break;
        case STEP_RESOLVE:
        case STEP_READ:
        case STEP_ACQUIRE:
                reconnect_give_up(device, DEVICE_REASON_TIMEOUT);
                break;
        case STEP_OBJECTS:
                device_enter(device, DEVICE_RESOLVING, DEVICE_REASON_NONE, STEP_REFRESH, 0);
                bluez_refresh(device->link->bluez);
                break;
        case STEP_REFRESH:
                setup_missing(device);
                break;
        case STEP_PAIR:
                adopt_pair_timeout(device);
                break;
        case STEP_HELD:
                notify_retry(device);
                break;
        case STEP_FORGET:
                link_complete(device, OPERATION_FORGET, -ETIMEDOUT,
                              "bluetoothd did not remove the device in time: try again.");
                reconnect_rest(device);
                break;
        case STEP_REMOVE:
                reconnect_now(device);
                break;
        case STEP_MISSING:
                watch_missing(device);
                break;
        case _STEP_MAX:
                assert(false);
        }

        return 0;
}

static const char *refused_sentence(DeviceReason reason) {
        if (reason == DEVICE_REASON_PROFILE_MAJOR)
                return "The device speaks a newer major version of the profile: update needled.";
        if (reason == DEVICE_REASON_IDENTITY_CHANGED)
                return "Another device answers at this address than the one that was adopted: if that is meant, adopt it again "
                       "(needlectl adopt NAME).";

        return "The device lacks services that its profile requires: adopt it again (needlectl adopt NAME), or update its firmware.";
}

static void arm(Device *device, uint64_t delay_usec) {
        if (delay_usec > 0)
                link_timer(device->link, &device->work->timer, delay_usec, on_step_timeout, device);
        else if (device->work->timer)
                sd_event_source_set_enabled(device->work->timer, SD_EVENT_OFF);
}

/* Answers those who waited for this state. */
static void complete(Device *device) {
        if (device->state == DEVICE_STREAMING || device->state == DEVICE_READY)
                link_complete(device, OPERATION_CONNECT, 0, NULL);
        else if (device->state == DEVICE_REFUSED)
                link_complete(device, OPERATION_CONNECT, -EOPNOTSUPP, refused_sentence(device->reason));
        else if (device->state == DEVICE_BOND_LOST)
                link_complete(device, OPERATION_CONNECT, -EKEYREVOKED, TROUBLE_BOND_LOST);
        else if (device->state == DEVICE_RELEASED && device->work->step == STEP_NONE)
                link_complete(device, OPERATION_RELEASE, 0, NULL);
}

const char *device_state_name(DeviceState state) {
        return state_names[state];
}

const char *device_reason_name(DeviceReason reason) {
        return reason_names[reason];
}

void device_set_alias(Device *device, const char *alias) {
        g_autofree char *text = device_text(alias ? alias : "", alias ? strlen(alias) : 0);

        if (device_set_text(&device->alias, text))
                device_changed(device, DEVICE_CHANGED_IDENTITY);
}

void device_set_owner(Device *device, uid_t owner) {
        if (device->owner == owner)
                return;

        device->owner = owner;
        device_changed(device, DEVICE_CHANGED_IDENTITY);
}

void device_set_auto_connect(Device *device, bool on) {
        if (!device->adopted || device->auto_connect == on)
                return;

        device->auto_connect = on;
        device_changed(device, DEVICE_CHANGED_IDENTITY);

        if (device->work->adoption)
                return; /* which has its own end */

        trust_update(device);
        auto_connect_update(device->link->auto_connect);
        if (!on && (device->work->connected || device->work->step == STEP_CONNECT))
                reconnect_give_up(device, DEVICE_REASON_NONE);
        else if (device->work->connected ? device->state == DEVICE_KNOWN && device->work->step == STEP_NONE /* it was never told to be gone */
                                         : device->work->step != STEP_FORGET)
                reconnect_rest(device);
}

void device_set_battery(Device *device, uint8_t percent) {
        const Object *object = link_object(device);

        if (percent > 100 || percent == device->battery || (object && (object->interfaces & OBJECT_BATTERY)))
                return;

        device->battery = percent;
        device_changed(device, DEVICE_CHANGED_BATTERY);
}

Device *device_new(Link *link, const char *path, const char *address, const char *address_type,
                   const char *adapter) {
        Device *device = g_new(Device, 1);

        *device = (Device) {
                .link = link,
                .work = g_new0(DeviceWork, 1),
                .path = g_strdup(path),
                .address = g_strdup(address),
                .address_type = g_strdup(address_type),
                .adapter = g_strdup(adapter),
                .name = g_strdup(""),
                .alias = g_strdup(""),
                .manufacturer = g_strdup(""),
                .model = g_strdup(""),
                .serial = g_strdup(""),
                .firmware = g_strdup(""),
                .profile_id = g_strdup(""),
                .sync_error = g_strdup(""),
                .owner = DEVICE_OWNER_NONE,
                .state = DEVICE_FOUND,
                .state_since_usec = clock_usec(CLOCK_REALTIME),
                .battery = DEVICE_BATTERY_UNKNOWN,
        };

        return device;
}

Device *device_free(Device *device) {
        if (!device)
                return NULL;

        assert(!device->work->streams); /* closed before, so that the frames have an observer */
        calls_clear(&device->work->calls);
        sd_event_source_disable_unref(device->work->timer);
        sd_event_source_disable_unref(device->work->release_timer);
        if (device->work->adoption)
                g_free(device->work->adoption->alias);
        g_free(device->work->adoption);
        fetch_memory_free(device->work->memory);
        g_clear_pointer(&device->work->feature, g_byte_array_unref);
        for (int i = 0; i < _IDENTITY_MAX; i++)
                g_free(device->work->identity[i]);
        g_free(device->work->object);
        g_free(device->work);
        g_free(device->path);
        g_free(device->address);
        g_free(device->address_type);
        g_free(device->adapter);
        g_free(device->name);
        g_free(device->alias);
        g_free(device->manufacturer);
        g_free(device->model);
        g_free(device->serial);
        g_free(device->firmware);
        g_free(device->profile_id);
        g_free(device->sync_error);
        g_free(device);
        return NULL;
}

bool device_may_enter(DeviceState from, DeviceState to) {
        return from == to || (may_enter[from] & (1u << to));
}

void device_enter(Device *device, DeviceState state, DeviceReason reason, Step step, uint64_t delay_usec) {
        bool timed = reason == DEVICE_REASON_BACKOFF || reason == DEVICE_REASON_NOTIFICATIONS_HELD ||
                     reason == DEVICE_REASON_HELD_ELSEWHERE || reason == DEVICE_REASON_DISCONNECTED_BY_OTHER ||
                     (reason == DEVICE_REASON_KEY_MISSING && step == STEP_BACKOFF);
        uint64_t now = clock_usec(CLOCK_REALTIME), retry_at = timed && delay_usec > 0 ? now + delay_usec : 0;
        bool entered = device->state != state || device->reason != reason;

        if (state == DEVICE_RELEASED)
                retry_at = device->released_until_usec;
        assert(device_may_enter(device->state,
                                state)); /* ours alone: what peers may cause is sorted out before */

        if (device->work->step != step || entered)
                log_debug("%s: %s %s, step %s", device->path, state_names[state], reason_names[reason],
                          steps[step].name);
        device->work->step = step;
        arm(device, delay_usec > 0 ? delay_usec : steps[step].limit_usec);

        if (entered || device->retry_at_usec != retry_at) {
                if (entered)
                        device->state_since_usec = now;
                device->state = state;
                device->reason = reason;
                device->retry_at_usec = retry_at;
                device_changed(device, DEVICE_CHANGED_STATE);
        }
        if (entered || step == STEP_NONE)
                complete(device);
}

/* What moves a cursor, ends a line, or turns around what stands behind it. */
static bool disturbs(gunichar c) {
        return g_unichar_iscntrl(c) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

char *device_text(const void *text, size_t size) {
        g_autofree char *valid = NULL;
        const char *end;
        char *ret, *p;

        while (size > 0 && ((const char *) text)[size - 1] == '\0')
                size--;

        valid = g_utf8_make_valid(text, (gssize) MIN(size, 4096));
        end = g_utf8_offset_to_pointer(valid, MIN(g_utf8_strlen(valid, -1), TEXT_MAX));
        ret = g_strndup(valid, (size_t) (end - valid));
        for (p = ret; *p; p = g_utf8_next_char(p))
                if (disturbs(g_utf8_get_char(p)))
                        memset(p, '?', (size_t) (g_utf8_next_char(p) - p));

        return g_strstrip(ret);
}

bool device_set_text(char **field, const char *text) {
        if (g_strcmp0(*field, text) == 0)
                return false;

        g_free(*field);
        *field = g_strdup(text ? text : "");
        return true;
}

bool device_set_profile(Device *device, const Profile *profile) {
        if (device->profile == profile)
                return false;

        device->profile = profile;
        device->has_feature = profile->vendor; /* an OMP device tells it itself */
        if (profile->vendor)
                vendor_feature(profile->vendor, &device->feature);
        (void) device_set_text(&device->profile_id, profile->id);
        return true;
}

bool device_lost_profile(const Device *device) {
        return !device->profile && *device->profile_id;
}

void device_changed(Device *device, unsigned changed) {
        device->link->observer.device_changed(device, changed, device->link->userdata);
}

const char *device_label(const Device *device) {
        return *device->alias ? device->alias : device->address;
}
