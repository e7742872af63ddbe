/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stage-parts.h"

#include <errno.h>

#include "autoptr.h"

/* The link as the bus sees it: it remembers what it was asked, and answers when and what the test says. */

const char *link_bluetooth_name(LinkBluetooth b) {
        static const char *const names[] = { "absent", "no-adapter", "off", "ready" };

        return names[b];
}

LinkBluetooth link_bluetooth(const Link *link) {
        return stage->bluetooth;
}

bool link_searching(const Link *link) {
        return stage->searching;
}

const GPtrArray *link_devices(const Link *link) {
        return stage->devices;
}

int link_search(Link *link, uint64_t duration_usec) {
        if (stage->search_result < 0)
                return stage->search_result;

        stage->n_searches++;
        stage->search_usec = duration_usec;
        stage->searching = true;
        bus_searching_changed(stage->bus);
        return 0;
}

void link_search_stop(Link *link) {
        stage->n_search_stops++;
        stage->searching = false;
        bus_searching_changed(stage->bus);
}

void stage_begin_work(const char *work, LinkDone done, void *userdata) {
        g_assert_null(stage->work);
        stage->work = work;
        stage->work_done = done;
        stage->work_call = userdata;
}

void link_adopt(Link *link, Device *device, const LinkAdopt *options, LinkDone done, void *userdata) {
        stage->adopt_device = device;
        g_free(stage->adopt_alias);
        stage->adopt_alias = g_strdup(options->alias);
        stage->adopt_unbonded = options->allow_unbonded;
        stage->adopt_owner = options->owner;
        stage->adopt_agent = options->agent ? *options->agent : (LinkPairingAgent) {};
        stage_begin_work("adopt", done, userdata);
}

void link_forget(Link *link, Device *device, LinkDone done, void *userdata) {
        g_assert_true(device == &stage->device);
        stage_begin_work("forget", done, userdata);
}

void link_connect(Link *link, Device *device, LinkDone done, void *userdata) {
        g_assert_true(device == &stage->device);
        stage_begin_work("connect", done, userdata);
}

void link_release(Link *link, Device *device, uint64_t duration_usec, LinkDone done, void *userdata) {
        g_assert_true(device == &stage->device);
        stage->release_usec = duration_usec;
        stage_begin_work("release", done, userdata);
}

int link_control(Link *link, Device *device, LinkControl what, const DeviceParameters *parameters, LinkDone done, void *userdata,
                 const char **ret_message) {
        g_assert_true(device == &stage->device);
        stage->control = what;
        stage->parameters = parameters ? *parameters : (DeviceParameters) {};
        if (stage->control_error < 0) {
                *ret_message = "It cannot be asked: try again.";
                return stage->control_error;
        }

        stage_begin_work("control", done, userdata);
        return 0;
}

void link_cancel(Link *link, void *userdata) {
        g_assert_true(userdata == stage->work_call);
        stage->n_link_cancels++;
        if (stage->other_done)
                g_steal_pointer(&stage->other_done)(-ENOENT, "", stage->other_call);
        if (stage->adopt_agent.cancel)
                stage->adopt_agent.cancel(&stage->found, stage->adopt_agent.userdata);
        stage->work = NULL;
        stage->work_call = NULL;
}

int link_pairing_answer(Link *link, Device *device, int error, uint32_t passkey) {
        g_assert_true(device == &stage->found);
        stage->n_answers++;
        stage->answer_error = error;
        stage->answer = passkey;
        return 0;
}

const char *device_state_name(DeviceState state) {
        switch (state) {
        case DEVICE_FOUND:
                return "found";
        case DEVICE_STREAMING:
                return "streaming";
        case DEVICE_WAITING:
                return "waiting";
        case DEVICE_BOND_LOST:
                return "bond-lost";
        case DEVICE_REFUSED:
                return "refused";
        case DEVICE_KNOWN:
        case DEVICE_CONNECTING:
        case DEVICE_RESOLVING:
        case DEVICE_BONDING:
        case DEVICE_READY:
        case DEVICE_SYNCING:
        case DEVICE_RELEASED:
        case _DEVICE_STATE_MAX:
                break;
        }

        g_assert_not_reached(); /* the tests use those above */
}

const char *device_reason_name(DeviceReason reason) {
        return reason == DEVICE_REASON_AWAY ? "away" : "";
}

void device_set_alias(Device *device, const char *alias) {
        g_free(device->alias);
        device->alias = g_strdup(alias);
        bus_device_changed(stage->bus, device, DEVICE_CHANGED_IDENTITY);
}

void device_set_owner(Device *device, uid_t owner) {
        device->owner = owner;
        bus_device_changed(stage->bus, device, DEVICE_CHANGED_IDENTITY);
}

void device_set_auto_connect(Device *device, bool on) {
        device->auto_connect = on;
        bus_device_changed(stage->bus, device, DEVICE_CHANGED_IDENTITY);
}
