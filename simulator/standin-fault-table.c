/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <string.h>

#include "standin-fault.h"

/* The names and texts that BlueZ 5.66 answers with, method by method: error.c (the reasons of a connection as words),
 * device.c (what the kernel's management interface says of a pairing; what errno says of a socket), gatt-client.c (ATT
 * errors), adapter.c, agent.c, gatt-database.c. Then what libdbus answers for bluetoothd, and the bus in its stead. */

#define BLUEZ "org.bluez.Error."
#define DBUS "org.freedesktop.DBus.Error."

const FaultKnown fault_table[] = {
        { "Connect", BLUEZ "Failed", "Operation already in progress" },
        { "Connect", BLUEZ "InProgress", "In Progress" },
        { "Connect", BLUEZ "NotReady", "Resource Not Ready" },
        { "Connect", BLUEZ "AlreadyConnected", "Already Connected" },
        { "Connect", BLUEZ "NotAvailable", "Operation currently not available" },
        { "Connect", BLUEZ "NotSupported", "Operation is not supported" },
        { "Connect", BLUEZ "Failed", "Input/output error" },
        { "Connect", BLUEZ "Failed", "Host is down" },
        { "Connect", BLUEZ "Failed", "No route to host" },
        { "Connect", BLUEZ "Failed", "Software caused connection abort" },
        { "Connect", BLUEZ "Failed", "Connection reset by peer" },
        { "Connect", BLUEZ "Failed", "Connection timed out" },
        { "Connect", BLUEZ "Failed", "Connection refused" },
        { "Connect", BLUEZ "Failed", "Cannot allocate memory" },
        { "Connect", BLUEZ "Failed", "Device or resource busy" },
        { "Connect", BLUEZ "Failed", "Too many links" },
        { "Connect", BLUEZ "Failed", "Protocol error" },
        { "Connect", BLUEZ "Failed", "Operation canceled" },
        { "Connect", BLUEZ "Failed", "le-connection-invalid-arguments" },
        { "Connect", BLUEZ "Failed", "le-connection-adapter-not-powered" },
        { "Connect", BLUEZ "Failed", "le-connection-not-supported" },
        { "Connect", BLUEZ "Failed", "le-connection-already-connected" },
        { "Connect", BLUEZ "Failed", "le-connection-bad-socket" },
        { "Connect", BLUEZ "Failed", "le-connection-memory-allocation" },
        { "Connect", BLUEZ "Failed", "le-connection-busy" },
        { "Connect", BLUEZ "Failed", "le-connection-refused" },
        { "Connect", BLUEZ "Failed", "le-connection-create-socket" },
        { "Connect", BLUEZ "Failed", "le-connection-timeout" },
        { "Connect", BLUEZ "Failed", "le-connection-concurrent-connection-limit" },
        { "Connect", BLUEZ "Failed", "le-connection-abort-by-remote" },
        { "Connect", BLUEZ "Failed", "le-connection-abort-by-local" },
        { "Connect", BLUEZ "Failed", "le-connection-link-layer-protocol-error" },
        { "Connect", BLUEZ "Failed", "le-connection-gatt-browsing" },
        { "Connect", BLUEZ "Failed", "le-connection-unknown" },
        { "Connect", BLUEZ "Failed", "br-connection-already-connected" },
        { "Connect", BLUEZ "Failed", "br-connection-page-timeout" },
        { "Connect", BLUEZ "Failed", "br-connection-profile-unavailable" },
        { "Connect", BLUEZ "Failed", "br-connection-sdp-search" },
        { "Connect", BLUEZ "Failed", "br-connection-create-socket" },
        { "Connect", BLUEZ "Failed", "br-connection-invalid-argument" },
        { "Connect", BLUEZ "Failed", "br-connection-adapter-not-powered" },
        { "Connect", BLUEZ "Failed", "br-connection-not-supported" },
        { "Connect", BLUEZ "Failed", "br-connection-bad-socket" },
        { "Connect", BLUEZ "Failed", "br-connection-memory-allocation" },
        { "Connect", BLUEZ "Failed", "br-connection-busy" },
        { "Connect", BLUEZ "Failed", "br-connection-concurrent-connection-limit" },
        { "Connect", BLUEZ "Failed", "br-connection-timeout" },
        { "Connect", BLUEZ "Failed", "br-connection-refused" },
        { "Connect", BLUEZ "Failed", "br-connection-aborted-by-remote" },
        { "Connect", BLUEZ "Failed", "br-connection-aborted-by-local" },
        { "Connect", BLUEZ "Failed", "br-connection-lmp-protocol-error" },
        { "Connect", BLUEZ "Failed", "br-connection-canceled" },
        { "Connect", BLUEZ "Failed", "br-connection-unknown" },

        { "Disconnect", BLUEZ "NotConnected", "Not Connected" },
        { "Disconnect", BLUEZ "Failed", "Input/output error" },

        { "Pair", BLUEZ "InvalidArguments", "Invalid arguments in method call" },
        { "Pair", BLUEZ "InProgress", "In Progress" },
        { "Pair", BLUEZ "AlreadyExists", "Already Exists" },
        { "Pair", BLUEZ "NotReady", "Resource Not Ready" },
        { "Pair", BLUEZ "Failed", "Input/output error" },
        { "Pair", BLUEZ "Failed", "Host is down" },
        { "Pair", BLUEZ "Failed", "Operation already in progress" },
        { "Pair", BLUEZ "ConnectionAttemptFailed", "Page Timeout" },
        { "Pair", BLUEZ "AuthenticationTimeout", "Authentication Timeout" },
        { "Pair", BLUEZ "AuthenticationRejected", "Authentication Rejected" },
        { "Pair", BLUEZ "AuthenticationCanceled", "Authentication Canceled" },
        { "Pair", BLUEZ "AuthenticationFailed", "Authentication Failed" },

        { "CancelPairing", BLUEZ "DoesNotExist", "Does Not Exist" },

        { "RemoveDevice", BLUEZ "InvalidArguments", "Invalid arguments in method call" },
        { "RemoveDevice", BLUEZ "NotReady", "Resource Not Ready" },
        { "RemoveDevice", BLUEZ "DoesNotExist", "Does Not Exist" },
        { "RemoveDevice", BLUEZ "Failed", "Input/output error" },

        { "SetDiscoveryFilter", BLUEZ "NotReady", "Resource Not Ready" },
        { "SetDiscoveryFilter", BLUEZ "InvalidArguments", "Invalid arguments in method call" },
        { "SetDiscoveryFilter", BLUEZ "NotSupported", "Operation is not supported" },
        { "SetDiscoveryFilter", BLUEZ "Failed", "Input/output error" },

        { "StartDiscovery", BLUEZ "NotReady", "Resource Not Ready" },
        { "StartDiscovery", BLUEZ "InProgress", "Operation already in progress" },
        { "StartDiscovery", BLUEZ "Failed", "Input/output error" },

        { "StopDiscovery", BLUEZ "NotReady", "Resource Not Ready" },
        { "StopDiscovery", BLUEZ "InProgress", "Operation already in progress" },
        { "StopDiscovery", BLUEZ "NotAuthorized", "Operation Not Authorized" },
        { "StopDiscovery", BLUEZ "Failed", "No discovery started" },

        { "RegisterApplication", BLUEZ "InvalidArguments", "Invalid arguments in method call" },
        { "RegisterApplication", BLUEZ "AlreadyExists", "Already Exists" },
        { "RegisterApplication", BLUEZ "Failed", "No object received" },
        { "RegisterApplication", BLUEZ "Failed", "No valid service object found" },
        { "RegisterApplication", BLUEZ "Failed", "Failed to create entry in database" },

        { "UnregisterApplication", BLUEZ "InvalidArguments", "Invalid arguments in method call" },
        { "UnregisterApplication", BLUEZ "DoesNotExist", "Does Not Exist" },

        { "RegisterAgent", BLUEZ "InvalidArguments", "Invalid arguments in method call" },
        { "RegisterAgent", BLUEZ "AlreadyExists", "Already Exists" },

        { "UnregisterAgent", BLUEZ "InvalidArguments", "Invalid arguments in method call" },
        { "UnregisterAgent", BLUEZ "DoesNotExist", "Does Not Exist" },

        { "AcquireNotify", BLUEZ "InvalidArguments", "Invalid arguments in method call" },
        { "AcquireNotify", BLUEZ "Failed", "Not connected" },
        { "AcquireNotify", BLUEZ "NotPermitted", "Notify acquired" },
        { "AcquireNotify", BLUEZ "NotPermitted", "Not paired" },
        { "AcquireNotify", BLUEZ "InProgress", "In Progress" },
        { "AcquireNotify", BLUEZ "NotSupported", "Operation is not supported" },
        { "AcquireNotify", BLUEZ "Failed", "Failed allocate notify session" },
        { "AcquireNotify", BLUEZ "Failed", "Failed to subscribe" },
        { "AcquireNotify", BLUEZ "Failed", "Operation failed with ATT error: 0x0e" },
        { "AcquireNotify", BLUEZ "Failed", "Operation failed with ATT error: 0xfd" },

        { "StartNotify", BLUEZ "NotPermitted", "Notify acquired" },
        { "StartNotify", BLUEZ "NotPermitted", "Not paired" },
        { "StartNotify", BLUEZ "InProgress", "In Progress" },
        { "StartNotify", BLUEZ "NotSupported", "Operation is not supported" },
        { "StartNotify", BLUEZ "NotConnected", "Not Connected" },
        { "StartNotify", BLUEZ "Failed", "Failed allocate notify session" },
        { "StartNotify", BLUEZ "Failed", "Failed to register notify session" },
        { "StartNotify", BLUEZ "Failed", "Operation failed with ATT error: 0x0e" },
        { "StartNotify", BLUEZ "Failed", "Operation failed with ATT error: 0xfd" },

        { "StopNotify", BLUEZ "Failed", "No notify session started" },

        { "ReadValue", BLUEZ "InvalidArguments", "Invalid arguments in method call" },
        { "ReadValue", BLUEZ "Failed", "Not connected" },
        { "ReadValue", BLUEZ "Failed", "Failed to send read request" },
        { "ReadValue", BLUEZ "InProgress", "In Progress" },
        { "ReadValue", BLUEZ "NotPermitted", "Read not permitted" },
        { "ReadValue", BLUEZ "NotPermitted", "Not paired" },
        { "ReadValue", BLUEZ "InvalidArguments", "Invalid offset" },
        { "ReadValue", BLUEZ "InvalidArguments", "Invalid Length" },
        { "ReadValue", BLUEZ "NotAuthorized", "Operation Not Authorized" },
        { "ReadValue", BLUEZ "NotSupported", "Operation is not supported" },
        { "ReadValue", BLUEZ "Failed", "Operation failed" },
        { "ReadValue", BLUEZ "Failed", "Operation failed with ATT error: 0x01" },
        { "ReadValue", BLUEZ "Failed", "Operation failed with ATT error: 0x0a" },
        { "ReadValue", BLUEZ "Failed", "Operation failed with ATT error: 0x0e" },
        { "ReadValue", BLUEZ "Failed", "Operation failed with ATT error: 0x11" },
        { "ReadValue", BLUEZ "Failed", "Operation failed with ATT error: 0x80" },
        { "ReadValue", BLUEZ "Failed", "Operation failed with ATT error: 0xfd" },

        { "WriteValue", BLUEZ "InvalidArguments", "Invalid arguments in method call" },
        { "WriteValue", BLUEZ "Failed", "Not connected" },
        { "WriteValue", BLUEZ "Failed", "Failed to initiate write" },
        { "WriteValue", BLUEZ "InProgress", "In Progress" },
        { "WriteValue", BLUEZ "NotPermitted", "Write not permitted" },
        { "WriteValue", BLUEZ "NotPermitted", "Not paired" },
        { "WriteValue", BLUEZ "InvalidArguments", "Invalid offset" },
        { "WriteValue", BLUEZ "InvalidArguments", "Invalid Length" },
        { "WriteValue", BLUEZ "NotAuthorized", "Operation Not Authorized" },
        { "WriteValue", BLUEZ "NotSupported", "Operation is not supported" },
        { "WriteValue", BLUEZ "Failed", "Operation failed" },
        { "WriteValue", BLUEZ "Failed", "Operation failed with ATT error: 0x01" },
        { "WriteValue", BLUEZ "Failed", "Operation failed with ATT error: 0x0a" },
        { "WriteValue", BLUEZ "Failed", "Operation failed with ATT error: 0x0e" },
        { "WriteValue", BLUEZ "Failed", "Operation failed with ATT error: 0x11" },
        { "WriteValue", BLUEZ "Failed", "Operation failed with ATT error: 0x80" },
        { "WriteValue", BLUEZ "Failed", "Operation failed with ATT error: 0xfd" },

        { "Set", BLUEZ "InvalidArguments", "Invalid arguments in method call" },
        { "Set", BLUEZ "Failed", "Input/output error" },
        { "Set", DBUS "InvalidArgs", "No such interface 'org.bluez.Device1'" },

        { "GetManagedObjects", DBUS "LimitsExceeded", "The maximum number of pending replies per connection has been reached" },

        { FAULT_ANY, DBUS "UnknownObject", "Method with this signature on this interface doesn't exist" },
        { FAULT_ANY, DBUS "UnknownMethod", "Method with this signature on this interface doesn't exist" },
        { FAULT_ANY, DBUS "NoReply", "Message recipient disconnected from message bus without replying" },
        { FAULT_ANY, DBUS "AccessDenied", "Rejected send message, 2 matched rules" },
        { FAULT_ANY, DBUS "NoMemory", "Not enough memory" },
        {},
};

void fault_table_foreach(void (*visit)(const char *member, const char *name, const char *text)) {
        const char *last = "";

        for (const FaultKnown *row = fault_table; row->member; row++) {
                bool any = strcmp(row->member, FAULT_ANY) == 0;

                if (!any && strcmp(row->member, last) != 0)
                        for (const FaultKnown *common = row; common->member; common++)
                                if (strcmp(common->member, FAULT_ANY) == 0)
                                        visit(row->member, common->name, common->text);
                if (!any)
                        visit(row->member, row->name, row->text);
                last = row->member;
        }
}
