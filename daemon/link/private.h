/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of link call of each other. */

#include <stdbool.h>
#include <stdint.h>

#include "link/work.h"

/* device.c: the struct, and the one writer of its state. */
Device *device_new(Link *link, const char *path, const char *address, const char *address_type,
                   const char *adapter);
Device *device_free(Device *device);
bool device_may_enter(DeviceState from, DeviceState to);
/* Enters a state and the step that goes with it. delay_usec 0: the step's own limit. */
void device_enter(Device *device, DeviceState state, DeviceReason reason, Step step, uint64_t delay_usec);
/* Valid UTF-8 without control characters, at most 64 characters; trailing NULs do not count. */
char *device_text(const void *text, size_t size);
/* Returns whether the field changed. */
bool device_set_text(char **field, const char *text);
/* What the device speaks. Returns whether that is new. */
bool device_set_profile(Device *device, const Profile *profile);
bool device_lost_profile(const Device *device); /* what it speaks is remembered, and not loaded */
void device_changed(Device *device, unsigned changed);
const char *device_label(const Device *device); /* alias or address */

/* link.c */
/* (Re)arms *source for delay from now, creates it if need be. */
void link_timer(Link *link, sd_event_source **source, uint64_t delay_usec, sd_event_time_handler_t handler,
                void *userdata);
Object *link_object(const Device *device);  /* of the device in bluetoothd, or NULL */
Object *link_adapter(const Device *device); /* of its adapter, or NULL */
int link_call_device(Device *device, const char *interface, const char *member, uint64_t timeout_usec,
                     CallDone done);
Device *link_device_add(Link *link, Object *object); /* found by a search */
void link_device_remove(Device *device);        /* tells the observer and frees it */

/* operation.c: what clients asked for and wait for. */
Operation *operation_new(Device *device, OperationKind kind, LinkDone done, void *userdata);
Operation *operation_free(Operation *operation);
/* The only answer, from the loop, so that nobody is answered before the call returns. */
void operation_answer_later(Operation *operation, int error, const char *message);
void operation_limit(Operation *operation, uint64_t limit_usec);
void operation_complete(Operation *operation, int error, const char *message); /* frees it */
bool link_has_operation(const Device *device, OperationKind kind);
/* Answers all operations of this kind; message may be NULL with error 0. */
void link_complete(Device *device, OperationKind kind, int error, const char *message);

/* watch.c: what bluetoothd tells, and what it means for our devices. */
extern const BluezObserver watch_observer;      /* userdata is the Link */
void watch_bind(Device *device, const char *object); /* where bluetoothd has it just now; NULL: nowhere */
void watch_device(Device *device);              /* looks at its object anew */
bool watch_find(Device *device);                /* whether bluetoothd shows it somewhere, and binds it there */
void watch_missing(Device *device);             /* its object did not come */

/* reconnect.c: how a device comes back. */
void reconnect_rest(Device *device);       /* nothing is under way any more: waits for what must come */
void reconnect_reconsider(Device *device); /* adapters have changed: is it the right thing that it waits for? */
void reconnect_woken(Device *device);       /* the computer has slept */
void reconnect_now(Device *device);        /* connects, after a search window if bluetoothd has no object */
/* Where it is while nothing is under way; the reason is that of DEVICE_WAITING. */
void reconnect_enter_rest(Device *device, DeviceReason reason, Step step, uint64_t delay_usec);
/* The connection has gone; why as trouble_fall() says. */
void reconnect_lost(Device *device, DeviceReason why);
/* Connect() has failed: does somebody else hold it? */
DeviceReason reconnect_unanswered(const Device *device, uint64_t now_usec);
void reconnect_disconnect(Device *device); /* Disconnect(); the state for that is entered */
/* Connected but of no use: disconnects, tries later. */
void reconnect_give_up(Device *device, DeviceReason reason);
uint64_t reconnect_delay(unsigned attempt); /* with jitter */

#define TROUBLE_BOND_LOST \
        "The bond with the device is lost: adopt it again (needlectl adopt NAME), with its pairing window open."

/* trust.c: whether bluetoothd may connect it by itself. */
bool trust_wanted(const Device *device);
void trust_update(Device *device);              /* Trusted in bluetoothd, as it should be */
void trust_withdraw(Device *device);            /* it is to be kept away: disconnects, also one that is away */
/* bluetoothd has connected a device that is to be kept away: it is told to let go, once in its life. */
void trust_let_go(Device *device);

/* trouble.c */
void trouble_bond_lost(Device *device);         /* of a bonded one: keeps it away */
void trouble_identity_changed(Device *device);  /* likewise */
bool trouble_is_key(const Device *device, const ErrorMeaning *error); /* the error says that the bond is lost */
void trouble_over(Device *device);              /* it streams */
void trouble_rise(Device *device);              /* Connected has risen */
uint64_t trouble_again(Device *device);         /* when a lost bond that is only suspected is tried again; 0: not by itself */
bool trouble_lift(Device *device);              /* that time has come; false: it is none of this */
void trouble_detached(Device *device);          /* something of the connection has ended, and Connected holds */
/* Connected has fallen: why the device is waited for, KEY_MISSING: it is not; NONE: nothing special. */
DeviceReason trouble_fall(Device *device);
void trouble_still_connected(Device *device);
void trouble_look_anew(Device *device);         /* RemoveDevice, and connects again */

/* release.c */
void release_restore(Device *device);           /* what is remembered of a release: its end, if that is still to come */
void release_end(Device *device);               /* the device is taken back; nothing is begun */
void release_check(Device *device);             /* after sleep: its time may be over */

/* activate.c: a bluetoothd that has failed. */
Activate *activate_new(Link *link);
Activate *activate_free(Activate *activate);
void activate_begin(Activate *activate);        /* it is not there */
void activate_end(Activate *activate);          /* it is, or does not matter just now */

/* suspend.c */
bool suspend_holds(const Link *link);           /* nothing is to be begun */

/* setup.c: from connected to streaming. */
void setup_begin(Device *device);
void setup_check(Device *device);               /* services or objects may have come */
void setup_missing(Device *device);             /* they have not */
void setup_again(Device *device);               /* what it requires has gone while it was connected */
void setup_read(Device *device);
void setup_read_identity(Device *device);
Object *setup_char(const Device *device, const ProfileChar *ch); /* NULL: the device has none */
const char *setup_char_name(const Device *device, const ProfileChar *ch);
/* Whether it may be read, or asked for by StartNotify: bluetoothd tells every local user its value then. */
bool setup_may_broadcast(const Device *device, const ProfileChar *ch);
/* Whether it was not said of this characteristic before; from now on it was. */
bool setup_say_once(uint32_t *told, const ProfileChar *ch);

/* notify.c: the streams. */
void notify_begin(Device *device);
void notify_up(Device *device);                 /* FRAME_LINK_UP, once in a connection */
/* To the observer, with the time. */
void notify_deliver(Device *device, uint8_t channel, FrameDirection direction, const uint8_t *data, size_t size);
/* A value as it came; what is longer than a value can be, or empty, counts as malformed. */
void notify_take(Device *device, const ProfileChar *ch, const uint8_t *data, size_t size);
StreamMode notify_mode(const Device *device, const ProfileChar *ch);
void notify_retry(Device *device);
void notify_released(Device *device, const Object *characteristic);
void notify_removed(Device *device, const char *path); /* the characteristic has gone */
void notify_added(Device *device, const Object *characteristic);
/* Takes what is left in the sockets, closes them, sends FRAME_LINK_LOST. */
void notify_close(Device *device);
void notify_suspend(Device *device);            /* likewise, and sends FRAME_LINK_SUSPENDED */
void notify_value(Device *device, const Object *characteristic, const ObjectValue *value);

/* poll.c: values that are read. */
void poll_say_refused(Device *device);          /* in the journal, once: what may not be read */
bool poll_works(const Device *device);          /* something can be polled */
void poll_begin(Device *device);
void poll_close(Device *device);

/* action.c: what a device is told. */
void action_begin(Device *device);              /* the actions On=connect */

/* control.c: the Control Point of an OMP device. */
void control_begin(Device *device);             /* its socket may be there: nothing if it is not, or was before */
void control_response(Device *device, const uint8_t *data, size_t size);
void control_close(Device *device);             /* what waits ends with -ENOTCONN */
bool control_works(const Device *device);
/* Op 10; sync_tracing() and sync_traced() follow. Errors: -ENOTCONN, -EBUSY, -ETIMEDOUT. */
int control_trace(Device *device, uint32_t record, uint32_t first_entry);
void control_stop_trace(Device *device);        /* op 11 */
void control_prolong(Device *device);           /* what op 10 asked for is coming */

/* sync.c: sessions that an OMP device has stored. */
void sync_begin(Device *device);                /* all that it takes may be there: nothing if it is not, or was before */
void sync_take(Device *device, const ProfileChar *ch, const uint8_t *data, size_t size); /* Session Data or RACP */
void sync_tracing(Device *device);              /* op 10 is written now */
void sync_traced(Device *device, int error, uint8_t result, uint32_t next_entry);
void sync_close(Device *device);                /* one that runs ends with -ENOTCONN */

/* wallclock.c: the clock of an OMP device. */
/* Looks at it, of a device that stores sessions, and sets it; sync_begin() follows a look. */
void wallclock_begin(Device *device);
/* When a stored session began, by what was seen of the clock in this connection. False: it cannot be told. */
bool wallclock_realtime(const Device *device, const OmpElapsed *start, uint64_t *ret_usec);

/* adopt.c */
void adopt_resolved(Device *device);            /* the services are there: pair, or go on */
void adopt_pair(Device *device);                /* its turn has come */
void adopt_identified(Device *device);          /* Feature and identity are read: trust and remember */
void adopt_retry(Device *device, int error, const char *message); /* the attempt broke off */
void adopt_fail(Device *device, int error, DeviceReason reason, const char *message);
void adopt_pair_timeout(Device *device);
void adopt_undo(Device *device); /* in bluetoothd: what an adoption that ends has left there */

/* agent.c */
Agent *agent_new(Link *link);
Agent *agent_free(Agent *agent);
void agent_reset(Agent *agent);                 /* bluetoothd has gone, and our registration with it */
/* In line for pairing: adopt_pair() when its turn comes, which may be at once. */
void agent_begin(Agent *agent, Device *device);
void agent_end(Agent *agent, Device *device);   /* out of the line; nothing if it is in none */
bool agent_pairs(const Agent *agent, const Device *device); /* it is its turn */
AgentOutcome agent_outcome(const Agent *agent, const Device *device); /* to be asked before agent_end() */

/* autoconnect.c */
AutoConnect *auto_connect_new(Link *link);
AutoConnect *auto_connect_free(AutoConnect *ac);
void auto_connect_reset(AutoConnect *ac);
void auto_connect_update(AutoConnect *ac);      /* adapters or adopted devices have changed */
void auto_connect_suspend(AutoConnect *ac, bool asleep); /* no timers of ours while asleep */
void auto_connect_adapter_removed(AutoConnect *ac, const char *path);
/* bluetoothd connects it by itself: the device offers a service that is registered on its adapter. One that is known by its name or maker
 * alone offers none. */
bool auto_connect_covers(const AutoConnect *ac, const Device *device);
typedef struct AutoConnectCounts {
        unsigned taken, refused; /* registrations, one for each profile and adapter */
        const char *refusal;    /* static: why one was refused; NULL: none was */
} AutoConnectCounts;
AutoConnectCounts auto_connect_counts(const AutoConnect *ac);

/* search.c */
Search *search_new(Link *link);
Search *search_free(Search *search);
void search_reset(Search *search);              /* bluetoothd has gone */
void search_want(Search *search, uint64_t duration_usec); /* a window of our own, to see a device again */
/* A connection begins, to which discovery leaves too little of the radio; a client's search gives way only
 * to what a client asked. */
void search_pause(Search *search, bool client);
void search_seen(Search *search, Object *device); /* it may be a candidate */
bool search_running(const Search *search);      /* for a client */
int search_start(Search *search, uint64_t duration_usec);
void search_stop(Search *search);
void search_keep(Search *search, Device *device); /* found: kept 60 s from now */
