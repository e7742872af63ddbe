/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A Bluetooth adapter of this host, taken away from the kernel's stack for a while (HCI user channel).
 *
 * An adapter that is up cannot be taken. It is switched off through the kernel's management interface and
 * not with HCIDEVDOWN: that ends its connections and advertising on the air first and tells bluetoothd,
 * where the ioctl cuts the controller off and leaves the other ends with dead links. While it is taken,
 * bluetoothd does not see it at all. */

#include <stdbool.h>
#include <stdint.h>

typedef struct Adapter {
        int fd;                 /* the user channel: one HCI packet for each read and write; -1 if not taken */
        uint16_t index;
        bool was_powered;       /* before it was taken */
} Adapter;

/* "hci1" or "1". -EINVAL if it is neither. */
int adapter_parse(const char *text, uint16_t *ret);
/* Simulated by the kernel's vhci and not a piece of hardware. */
bool adapter_is_virtual(uint16_t index);

/* -ENODEV no such adapter, -EPERM and -EACCES not allowed (it takes CAP_NET_ADMIN), -EBUSY someone else
 * has it, -EAFNOSUPPORT no Bluetooth in this kernel, -ETIMEDOUT the kernel does not answer. */
int adapter_take(uint16_t index, Adapter *ret);
/* Back to the kernel's stack, switched on if it was. */
void adapter_give_back(Adapter *adapter);
