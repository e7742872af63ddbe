/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

/* The errors that link.h promises; what else came from below has one of them for its meaning. */
static int public_error(int error) {
        switch (-error) {
        case EHOSTUNREACH:
        case ENOTCONN:
                return -ETIMEDOUT;
        case EALREADY:
                return -EBUSY;
        case EACCES:
        case EISCONN:
                return -EIO;
        default:
                return error;
        }
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Operation *operation = userdata;

        if (operation->kind == OPERATION_FORGET && operation->error == 0)
                link_device_remove(operation->device);
        else if (operation->kind == OPERATION_ADOPT && operation->device->work->adoption &&
                 operation->device->work->adoption->operation == operation)
                adopt_fail(operation->device, operation->error, DEVICE_REASON_TIMEOUT, operation->message);
        else
                operation_complete(operation, operation->error, operation->message);
        return 0;
}

Operation *operation_new(Device *device, OperationKind kind, LinkDone done, void *userdata) {
        Operation *operation = g_new(Operation, 1);

        *operation = (Operation) {
                .link = device->link, .device = device, .kind = kind, .done = done, .userdata = userdata,
        };
        g_ptr_array_add(device->link->operations, operation);
        return operation;
}

Operation *operation_free(Operation *operation) {
        if (!operation)
                return NULL;

        if (operation->device->work->adoption && operation->device->work->adoption->operation == operation)
                operation->device->work->adoption->operation = NULL;
        calls_clear(&operation->calls);
        sd_event_source_disable_unref(operation->timer);
        g_free(operation);
        return NULL;
}

void operation_answer_later(Operation *operation, int error, const char *message) {
        operation->error = error;
        operation->message = message;
        link_timer(operation->link, &operation->timer, 0, on_timer, operation);
}

void operation_limit(Operation *operation, uint64_t limit_usec) {
        operation->error = -ETIMEDOUT;
        operation->message =
                "The device did not come in time: switch it on, bring it near, and see that no phone holds it.";
        link_timer(operation->link, &operation->timer, limit_usec, on_timer, operation);
}

void operation_complete(Operation *operation, int error, const char *message) {
        Link *link = operation->link;
        LinkDone done = operation->done;
        void *userdata = operation->userdata;
        guint index;

        if (g_ptr_array_find(link->operations, operation, &index))
                g_ptr_array_steal_index(link->operations, index);
        operation_free(operation);
        if (done)
                done(public_error(error), message ? message : "", userdata);
}

bool link_has_operation(const Device *device, OperationKind kind) {
        for (guint i = 0; i < device->link->operations->len; i++) {
                const Operation *operation = device->link->operations->pdata[i];

                if (operation->device == device && operation->kind == kind)
                        return true;
        }

        return false;
}

void link_complete(Device *device, OperationKind kind, int error, const char *message) {
        Link *link = device->link;
        g_autoptr(GPtrArray) due = g_ptr_array_new();

        for (guint i = 0; i < link->operations->len; i++) {
                Operation *operation = link->operations->pdata[i];

                if (operation->device == device && operation->kind == kind)
                        g_ptr_array_add(due, operation);
        }
        /* An answer may cancel another: only what is still there is answered. */
        for (guint i = 0; i < due->len; i++)
                if (g_ptr_array_find(link->operations, due->pdata[i], NULL))
                        operation_complete(due->pdata[i], error, message);
}
