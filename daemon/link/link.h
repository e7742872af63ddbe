/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The BlueZ side: the only folder that says org.bluez. Finds, adopts, connects and follows devices over a bus connection of its
 * own; hands every notification on as a Frame, stamped at receive. All calls to bluetoothd are asynchronous and carry
 * NO_AUTO_START; every signal's sender is compared with the tracked unique owner of org.bluez. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "finding.h"
#include "link/device.h"
#include "needled/frame.h"

typedef enum LinkBluetooth {
        LINK_BLUETOOTH_ABSENT,          /* no bluetoothd */
        LINK_BLUETOOTH_NO_ADAPTER,
        LINK_BLUETOOTH_OFF,             /* no adapter is powered */
        LINK_BLUETOOTH_READY,
        _LINK_BLUETOOTH_MAX,
} LinkBluetooth;

const char *link_bluetooth_name(LinkBluetooth b); /* as in Manager1.Bluetooth */

typedef struct LinkObserver {
        void (*bluetooth_changed)(Link *link, void *userdata);
        void (*searching_changed)(Link *link, void *userdata);
        void (*device_added)(Device *device, void *userdata);   /* found or adopted (restored devices too) */
        void (*device_changed)(Device *device, unsigned changed, void *userdata);
        void (*device_removed)(Device *device, void *userdata); /* freed after the call */
        /* The hot path. The streams of a connection begin with FRAME_LINK_UP and end with FRAME_LINK_LOST, as frames of
         * direction FRAME_OF_LINK; the Feature of an OMP device, as it was read, is the first frame after FRAME_LINK_UP. Values that
         * are read come like notifications. */
        void (*device_frame)(Device *device, const Frame *frame, void *userdata);
        /* A session that the device has stored, whole; valid for the call. link_sync_stored() is to follow, also from inside. NULL: link_sync() is
         * not called. */
        void (*device_record)(Device *device, const StoredRecord *record, void *userdata);
        /* bluetoothd or the bus connection went in a way that cannot be mended from inside: the daemon should exit and be started again. */
        void (*failed)(Link *link, int error, void *userdata);
} LinkObserver;

typedef struct LinkSettings {
        const Profiles *profiles;       /* which devices are ours; outlives the link */
        bool allow_broadcast;           /* StartNotify where AcquireNotify is refused, and reading what is measured; the administrator's
                                         * exception */
        /* Of OMP devices that take them: what they are to have, written on each connection where they have something else. */
        DeviceParameters parameters;
        const char *root;       /* before /etc, /run and /sys, outlives the link; NULL: "". For tests */
} LinkSettings;

/* error: 0 or negative errno; message: one sentence, what happened and what to do, "" with 0.
 *   -ENOENT gone, -EBUSY already under way, -ENODEV bluetooth not ready, -ETIMEDOUT, -ECANCELED, -EKEYREJECTED pairing failed,
 *   -EKEYREVOKED bond lost, -EOPNOTSUPP services missing or unknown major, -EEXIST adopted already, -EIO else; of link_control() as there */
typedef void (*LinkDone)(int error, const char *message, void *userdata);

#define LINK_RELEASE_MAX_USEC (30 * 24 * 3600 * UINT64_C(1000000))

/* Somebody who can show and type numbers while a device is paired. Each question is answered once, by link_pairing_answer() from the loop
 * (also from inside the call), or withdrawn by `cancel`, after which an answer is ignored. */
typedef enum LinkPairingQuestion {
        LINK_PAIRING_PASSKEY,           /* type the six digits that the device shows: answer a number to 999999 */
        LINK_PAIRING_CONFIRM,           /* are these the digits that the device shows? answer 0 for yes */
        LINK_PAIRING_DISPLAY,           /* show these digits until the pairing is over: no answer, but a negative one (they cannot be
                                         * shown) ends it */
} LinkPairingQuestion;

typedef struct LinkPairingAgent {
        void (*ask)(Device *device, LinkPairingQuestion question, uint32_t passkey, void *userdata);
        void (*cancel)(Device *device, void *userdata); /* what was asked or shown does not matter any more */
        void *userdata;
} LinkPairingAgent;

typedef struct LinkAdopt {
        const char *alias;              /* NULL: none, or as before */
        bool allow_unbonded;
        uid_t owner;
        const LinkPairingAgent *agent;  /* copied; NULL: Just Works only */
} LinkAdopt;

/* Opens the connection (system bus, or DBUS_SYSTEM_BUS_ADDRESS) and starts to watch bluetoothd, all asynchronously after the bus's
 * Hello. Errors: as sd_bus_start(). */
int link_new(sd_event *event, const LinkSettings *settings, const LinkObserver *observer, void *userdata, Link **ret);
/* For connections that come: what may be broadcast, and what is written into devices. */
void link_configure(Link *link, bool allow_broadcast, const DeviceParameters *parameters);
/* Closes notification fds before the bus, disconnects the links that it opened without waiting. NULL is fine. Returns NULL. */
Link *link_free(Link *link);

/* Its connection, for what else the hub asks of the system bus: nothing is broadcast by it, so that no subscriber can stop it. Borrowed. */
sd_bus *link_connection(Link *link);

/* An adopted device that the store remembers; strings are copied. Call before or after link_start(). Returns the new device.
 * One whose profile_id is given and whose profile is NULL is refused until its profile is loaded, at the next start. */
Device *link_restore(Link *link, const Device *remembered);
/* Adopted devices are known: register for auto-connection and go. */
void link_start(Link *link);

LinkBluetooth link_bluetooth(const Link *link);
bool link_searching(const Link *link);
/* All devices, in the order in which they came; borrowed. */
const GPtrArray *link_devices(const Link *link);
Device *link_device_by_path(const Link *link, const char *path);

/* At most 30 s; a second search while one runs prolongs it. Errors: -ENODEV. */
int link_search(Link *link, uint64_t duration_usec);
void link_search_stop(Link *link);

/* `done` is called exactly once, unless link_cancel(userdata) was called first. Adopt: connects, pairs where the device asks for it
 * (or -EKEYREJECTED unless allow_unbonded), trusts, remembers: the observer hears DEVICE_CHANGED_IDENTITY with adopted set.
 * Adopting a device again whose bond was lost, or that is refused because it is another one now or lacks services, is the owner's consent to heal it: the old
 * bond is dropped in bluetoothd, the device searched for and paired, and its path, alias (without a new one) and sessions stay; if that
 * fails it is as it was. Of any other adopted device: -EEXIST. */
void link_adopt(Link *link, Device *device, const LinkAdopt *options, LinkDone done, void *userdata);
/* Drops the bond in bluetoothd and the adoption; the device is removed. */
void link_forget(Link *link, Device *device, LinkDone done, void *userdata);
/* Connects within 60 s; done when READY or STREAMING. Ends a release. */
void link_connect(Link *link, Device *device, LinkDone done, void *userdata);
/* Lets go of the radio so that a phone can have the device, and keeps away for so long, or (0) until link_connect(): over restarts of needled,
 * of bluetoothd and of the computer, whoever asked and whatever becomes of them. `done` when the link is down. Longer than
 * LINK_RELEASE_MAX_USEC is cut to that. -EOPNOTSUPP: not adopted, -EBUSY: being adopted or forgotten. */
void link_release(Link *link, Device *device, uint64_t duration_usec, LinkDone done, void *userdata);
typedef enum LinkControl {
        LINK_CONTROL_IDENTIFY,          /* show itself, for 5 s */
        LINK_CONTROL_TARE,              /* this force is none */
        LINK_CONTROL_STOP_MOTOR,        /* goes before all that waits, and waits for no answer but its own */
        LINK_CONTROL_READ,              /* all parameters, into device->parameters */
        LINK_CONTROL_SET,               /* those of `parameters` one after the other, until one is refused */
} LinkControl;

/* Asks an OMP device to do something, and is done when it has answered, or after 30 s. `parameters` is copied; NULL but for
 * SET. Nothing takes it back, and done is always called. It must not remove the device.
 *
 * Errors, at once (then done is not called, and *ret_message, static, says what to do) or by done:
 *   -EOPNOTSUPP a vendor's device, or it does not know the operation; -ENOTCONN not connected (any more); -EAGAIN not in the
 *   present state, or its button must be pressed; -EBUSY something else is under way, or eight wait already; -EINVAL it
 *   refuses the value; -ETIMEDOUT; -EIO it failed. */
int link_control(Link *link, Device *device, LinkControl what, const DeviceParameters *parameters, LinkDone done, void *userdata,
                 const char **ret_message);
/* Takes over what an OMP device has stored behind device->stored, each session by the observer's device_record() and the next when that one is
 * durable; then `clear`, removes from the device what is. One at a time. `done` is called once, later, unless there is an error at once (and
 * *ret_message, static).
 *
 * Errors, at once or by done: -EOPNOTSUPP it stores none, or does not hand them over; -ENOTCONN not connected (any more); -EAGAIN just connected;
 * -EBUSY the device is; -ECANCELED link_sync_stop(); -ETIMEDOUT; -EBADMSG one of them cannot be read; -ENOSPC it could not be made durable; -EIO it
 * failed. What was durable by then stays so. */
int link_sync(Link *link, Device *device, bool clear, LinkDone done, void *userdata, const char **ret_message);
/* As soon as the device can: what was not durable comes with the next. */
void link_sync_stop(Link *link, Device *device);
/* The record with this cursor is durable (0), or cannot be made so. */
void link_sync_stored(Link *link, Device *device, const StoredCursor *cursor, int error);
/* Of the question that the agent was asked last: error 0 and the number, or negative: no, which a number beyond 999999 is too.
 * -ENOENT: there is no question open (any more). */
int link_pairing_answer(Link *link, Device *device, int error, uint32_t passkey);
/* The computer goes to sleep (true) or has woken. Asleep: no attempt, no timer, FRAME_LINK_SUSPENDED for those that stream. */
void link_suspend(Link *link, bool asleep);
/* What can be said of bluetoothd, adapters, bonds, services, holders of notifications and lost connections, from what is known: asks nobody. */
void link_examine(const Link *link, FindingReport report, void *userdata);
/* The caller of an operation has gone: cancels what can be cancelled (an adoption), and `done` is not called any more. */
void link_cancel(Link *link, void *userdata);

void device_set_alias(Device *device, const char *alias);
void device_set_owner(Device *device, uid_t owner);
void device_set_auto_connect(Device *device, bool on);
/* What a vendor device says of its battery in a value of its own. bluetoothd's Battery1 knows better, if it is there. */
void device_set_battery(Device *device, uint8_t percent);
