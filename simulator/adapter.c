/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapter.h"
#include "octets.h"

/* What <bluetooth/bluetooth.h>, <bluetooth/hci.h> and the kernel's Documentation of mgmt define; the
 * numbers are ABI. */
#define BTPROTO_HCI 1
#define HCI_DEV_NONE 0xffff
#define HCI_CHANNEL_USER 1
#define HCI_CHANNEL_CONTROL 3

struct sockaddr_hci {
        sa_family_t hci_family;
        unsigned short hci_dev;
        unsigned short hci_channel;
};

enum {
        MGMT_OP_READ_INFO = 0x0004,
        MGMT_OP_SET_POWERED = 0x0005,
        MGMT_EV_COMMAND_COMPLETE = 0x0001,
        MGMT_EV_COMMAND_STATUS = 0x0002,
        MGMT_STATUS_NOT_CONNECTED_INDEX = 0x11,
        MGMT_STATUS_PERMISSION_DENIED = 0x14,
        MGMT_SETTING_POWERED = 1u << 0,
};

#define MGMT_ANSWER_MS 10000
/* After Set Powered the kernel may still be closing the controller down; bind() says EBUSY until it is
 * done. */
#define TAKE_TRIES 50
#define RETRY_USEC (40 * 1000)
#define SWITCH_ON_TRIES 40

static int hci_socket(uint16_t index, uint16_t channel) {
        struct sockaddr_hci address = { .hci_family = AF_BLUETOOTH,
                                        .hci_dev = index,
                                        .hci_channel = channel };
        int fd = socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, BTPROTO_HCI);

        if (fd < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0) {
                int r = -errno;

                (void) close(fd);
                return r;
        }
        return fd;
}

static int mgmt_status_to_errno(uint8_t status) {
        switch (status) {
        case 0:
                return 0;
        case MGMT_STATUS_NOT_CONNECTED_INDEX:
                return -ENODEV;
        case MGMT_STATUS_PERMISSION_DENIED:
                return -EPERM;
        }
        return -EIO;
}

/* The answer to `opcode` among the events that the control channel has for everybody: what follows the
 * status, -errno. */
static int mgmt_answer(int fd, uint16_t opcode, uint16_t index, uint8_t *ret, size_t size) {
        gint64 until = g_get_monotonic_time() + MGMT_ANSWER_MS * 1000;
        uint8_t p[512];

        for (;;) {
                int left = (int) ((until - g_get_monotonic_time()) / 1000);
                struct pollfd pollfd = { .fd = fd, .events = POLLIN };
                ssize_t n;
                uint16_t event;

                if (left <= 0)
                        return -ETIMEDOUT;
                if (poll(&pollfd, 1, left) <= 0)
                        continue;
                n = recv(fd, p, sizeof(p), MSG_DONTWAIT);
                if (n < 9) /* header of 6, opcode, status */
                        continue;
                event = get_le16(p);
                if ((event != MGMT_EV_COMMAND_COMPLETE && event != MGMT_EV_COMMAND_STATUS) ||
                    get_le16(p + 2) != index || get_le16(p + 6) != opcode)
                        continue;
                if (p[8] != 0 || event == MGMT_EV_COMMAND_STATUS)
                        return mgmt_status_to_errno(p[8]);
                size = MIN(size, (size_t) n - 9);
                if (size > 0)
                        memcpy(ret, p + 9, size);
                return (int) size;
        }
}

static int mgmt_command(int fd, uint16_t opcode, uint16_t index, const uint8_t *parameter, uint8_t *ret,
                        size_t ret_size) {
        uint8_t p[7] = { 0 };
        size_t size = 6;

        put_le16(p, opcode);
        put_le16(p + 2, index);
        if (parameter) {
                p[4] = 1;
                p[6] = *parameter;
                size = 7;
        }
        if (send(fd, p, size, 0) < 0)
                return -errno;
        return mgmt_answer(fd, opcode, index, ret, ret_size);
}

static int adapter_read_powered(int fd, uint16_t index, bool *ret) {
        /* Address 6, version 1, manufacturer 2, supported settings 4, current settings 4. */
        uint8_t info[17];
        int r = mgmt_command(fd, MGMT_OP_READ_INFO, index, NULL, info, sizeof(info));

        if (r < 0)
                return r;
        if (r < (int) sizeof(info))
                return -EPROTO;
        *ret = (info[13] & MGMT_SETTING_POWERED) != 0;
        return 0;
}

static int adapter_switch_off(uint16_t index, bool *ret_was_powered) {
        int fd = hci_socket(HCI_DEV_NONE, HCI_CHANNEL_CONTROL), r;
        uint8_t off = 0;

        if (fd < 0)
                return fd;
        r = adapter_read_powered(fd, index, ret_was_powered);
        if (r >= 0 && *ret_was_powered)
                r = mgmt_command(fd, MGMT_OP_SET_POWERED, index, &off, NULL, 0);
        (void) close(fd);
        return r < 0 ? r : 0;
}

/* Waits a while before it does: a bluetoothd that sees the adapter come back sets it up while it is off,
 * and then switches it on itself (AutoEnable); doing that sooner makes its set-up fail. */
static void adapter_switch_on(uint16_t index) {
        int fd = hci_socket(HCI_DEV_NONE, HCI_CHANNEL_CONTROL);
        bool powered = false;
        uint8_t on = 1;

        if (fd < 0)
                return;
        for (unsigned i = 0; i < SWITCH_ON_TRIES && !powered; i++) {
                (void) usleep(RETRY_USEC);
                if (adapter_read_powered(fd, index, &powered) < 0)
                        break;
        }
        if (!powered)
                (void) mgmt_command(fd, MGMT_OP_SET_POWERED, index, &on, NULL, 0);
        (void) close(fd);
}

int adapter_parse(const char *text, uint16_t *ret) {
        guint64 index;

        if (g_str_has_prefix(text, "hci"))
                text += 3;
        if (!g_ascii_string_to_unsigned(text, 10, 0, HCI_DEV_NONE - 1, &index, NULL))
                return -EINVAL;
        *ret = (uint16_t) index;
        return 0;
}

bool adapter_is_virtual(uint16_t index) {
        g_autofree char *link = g_strdup_printf("/sys/class/bluetooth/hci%u", index), *target = NULL;

        target = g_file_read_link(link, NULL);
        return target && strstr(target, "/virtual/");
}

int adapter_take(uint16_t index, Adapter *ret) {
        Adapter adapter = { .fd = -1, .index = index };
        int r = adapter_switch_off(index, &adapter.was_powered);

        for (unsigned i = 0; r >= 0 && i < TAKE_TRIES; i++) {
                r = adapter.fd = hci_socket(index, HCI_CHANNEL_USER);
                if (r != -EBUSY)
                        break;
                (void) usleep(RETRY_USEC);
                r = i + 1 < TAKE_TRIES ? 0 : -EBUSY;
        }
        if (r < 0) {
                if (adapter.was_powered)
                        adapter_switch_on(index);
                return r;
        }
        *ret = adapter;
        return 0;
}

void adapter_give_back(Adapter *adapter) {
        if (adapter->fd < 0)
                return;
        (void) close(adapter->fd);
        adapter->fd = -1;
        if (adapter->was_powered)
                adapter_switch_on(adapter->index);
}
