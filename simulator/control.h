/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The control lines of needlesim: a conversation on stdin and stdout, a line each way.
 *
 *   [@N ]word[ argument]        → "ok", "ok {…}" or "error: …"
 *
 * @N picks the device, the first if it is not said. Words:
 *   status, quit
 *   start, stop                          the hand
 *   malformed N, empty N, duplicate N, segment-loss N, clock unset, sensor fault|ok,
 *   storage full|free, confirm, reboot
 *                                        the device, on any carrier: see peripheral_control()
 *   passkey 123456, confirm yes|no       what is typed and pressed on the device while it pairs
 *   drop [reason], advertise on|off, adapter off|on|remove|add, restart [crash], …
 *                                        the carrier: see there
 * With a reboot the link is dropped. A device that shows digits while it pairs prints them: a line
 * "[@N ]passkey 123456" comes by itself. */

#include <systemd/sd-event.h>

#include "carrier.h"

typedef struct Control Control;

/* Reads stdin, which must be a pipe, a socket or a terminal; ends the loop at its end.
 * -errno of sd-event. */
int control_new(sd_event *event, Carrier *carrier, unsigned n_devices, Control **ret);
Control *control_free(Control *control);

/* What the device has sent, as JSON; the caller frees it. */
char *control_report(const Peripheral *p);
