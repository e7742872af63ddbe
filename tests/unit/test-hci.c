/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "simulator/hci.h"

/* A controller as a script: heard() is what it must be told next, say() what it answers. The other end of
 * the socket pair is the host under test; its loop runs until it has nothing more to do. */

typedef struct Bench {
        sd_event *event;
        int fd;                         /* the controller's end */
        int host_fd;
        Hci *hci;
        GString *calls;
} Bench;

static void hex_append(GString *s, const uint8_t *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                g_string_append_printf(s, i ? " %02x" : "%02x", data[i]);
}

static void on_ready(const uint8_t address[static 6], void *userdata) {
        Bench *b = userdata;

        g_string_append(b->calls, "ready ");
        hex_append(b->calls, address, 6);
        g_string_append(b->calls, ";");
}

static void on_connected(uint8_t peer_type, const uint8_t peer[static 6], void *userdata) {
        Bench *b = userdata;

        g_string_append_printf(b->calls, "connected %u ", peer_type);
        hex_append(b->calls, peer, 6);
        g_string_append(b->calls, ";");
}

static void on_disconnected(uint8_t reason, void *userdata) {
        g_string_append_printf(((Bench *) userdata)->calls, "disconnected %02x;", reason);
}

static void on_frame(uint16_t cid, const uint8_t *data, size_t size, void *userdata) {
        Bench *b = userdata;

        if (size > 24)
                g_string_append_printf(b->calls, "frame %u of %zu;", cid, size);
        else {
                g_string_append_printf(b->calls, "frame %u ", cid);
                hex_append(b->calls, data, size);
                g_string_append(b->calls, ";");
        }
}

static void on_failed(const char *what, int error, void *userdata) {
        g_string_append_printf(((Bench *) userdata)->calls, "failed: %s (%s);", what, g_strerror(-error));
}

static const HciOps ops = {
        .ready = on_ready,
        .connected = on_connected,
        .disconnected = on_disconnected,
        .frame = on_frame,
        .failed = on_failed,
};

static void on_reply(uint8_t status, const uint8_t *data, size_t size, void *userdata) {
        Bench *b = userdata;

        g_string_append_printf(b->calls, "reply %02x ", status);
        hex_append(b->calls, data, size);
        g_string_append(b->calls, ";");
}

static void run(Bench *b) {
        while (sd_event_run(b->event, 0) > 0)
                ;
}

static void say(Bench *b, const char *hex) {
        uint8_t packet[300];
        size_t n = 0;

        for (const char *p = hex; *p;) {
                if (*p == ' ') {
                        p++;
                        continue;
                }
                g_assert_cmpuint(n, <, sizeof(packet));
                packet[n++] = (uint8_t) (g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]));
                p += 2;
        }
        g_assert_cmpint(send(b->fd, packet, n, 0), ==, (ssize_t) n);
        run(b);
}

static void heard(Bench *b, const char *hex) {
        g_autoptr(GString) got = g_string_new(NULL);
        uint8_t packet[600];
        ssize_t n = recv(b->fd, packet, sizeof(packet), MSG_DONTWAIT);

        g_assert_cmpint(n, >, 0);
        hex_append(got, packet, (size_t) n);
        g_assert_cmpstr(got->str, ==, hex);
}

static void silence(Bench *b) {
        uint8_t octet;

        g_assert_cmpint(recv(b->fd, &octet, 1, MSG_DONTWAIT), ==, -1);
        g_assert_cmpint(errno, ==, EAGAIN);
}

static void told(Bench *b, const char *calls) {
        g_assert_cmpstr(b->calls->str, ==, calls);
        g_string_truncate(b->calls, 0);
}

static void bench_open(Bench *b) {
        int fds[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), ==, 0);
        *b = (Bench) { .host_fd = fds[0], .fd = fds[1], .calls = g_string_new(NULL) };
        g_assert_cmpint(sd_event_new(&b->event), >=, 0);
        g_assert_cmpint(hci_new(b->event, b->host_fd, &ops, b, &b->hci), >=, 0);
        run(b);
}

/* Up to the LE buffers: `le_buffers` is "length(2) number". */
static void bench_set_up(Bench *b, const char *le_buffers) {
        g_autofree char *answer = g_strdup_printf("04 0e 07 01 02 20 00 %s", le_buffers);

        heard(b, "01 03 0c 00");
        say(b, "04 0e 04 01 03 0c 00");
        heard(b, "01 09 10 00");
        say(b, "04 0e 0a 01 09 10 00 01 00 01 01 aa 00");
        heard(b, "01 01 0c 08 90 e0 04 02 00 80 00 20");
        say(b, "04 0e 04 01 01 0c 00");
        heard(b, "01 01 20 08 15 00 00 00 00 00 00 00");
        say(b, "04 0e 04 01 01 20 00");
        heard(b, "01 02 20 00");
        say(b, answer);
}

static void bench_start(Bench *b, const char *le_buffers) {
        bench_open(b);
        bench_set_up(b, le_buffers);
        told(b, "ready 01 00 01 01 aa 00;");
        silence(b);
}

static void bench_connect(Bench *b) {
        say(b, "04 3e 13 01 00 2a 00 01 00 00 00 00 01 aa 00 28 00 00 00 2a 00 00");
        told(b, "connected 0 00 00 00 01 aa 00;");
}

static void bench_close(Bench *b) {
        if (b->hci && hci_connected(b->hci))
                say(b, "04 05 04 00 2a 00 13"); /* hci_free() would wait for it */
        b->hci = hci_free(b->hci);
        b->event = sd_event_unref(b->event);
        (void) close(b->host_fd);
        (void) close(b->fd);
        (void) g_string_free(b->calls, TRUE);
}

static void test_set_up(void) {
        Bench b;

        bench_start(&b, "fb 00 08");
        bench_close(&b);
}

static void test_set_up_shared_buffers(void) {
        Bench b;

        bench_open(&b);
        bench_set_up(&b, "00 00 00");
        told(&b, "");
        heard(&b, "01 05 10 00");
        say(&b, "04 0e 0b 01 05 10 00 fd 03 40 08 00 08 00");
        told(&b, "ready 01 00 01 01 aa 00;");
        bench_close(&b);
}

static void test_set_up_refused(void) {
        Bench b;

        bench_open(&b);
        heard(&b, "01 03 0c 00");
        say(&b, "04 0e 04 01 03 0c 1f");
        told(&b, "failed: Reset (Input/output error);");
        hci_command(b.hci, 0x200a, NULL, 0, NULL, NULL); /* swallowed: it has failed */
        silence(&b);
        bench_close(&b);
}

static void test_controller_gone(void) {
        Bench b;

        bench_start(&b, "fb 00 08");
        bench_connect(&b);
        (void) shutdown(b.fd, SHUT_RDWR);
        run(&b);
        told(&b, "failed: The controller is gone (No such device);");
        b.hci = hci_free(b.hci);
        b.event = sd_event_unref(b.event);
        (void) close(b.host_fd);
        (void) close(b.fd);
        (void) g_string_free(b.calls, TRUE);
}

static void test_commands_one_at_a_time(void) {
        static const uint8_t on = 1;
        Bench b;

        bench_start(&b, "fb 00 08");
        hci_command(b.hci, 0x200a, &on, 1, on_reply, &b);
        hci_command(b.hci, 0x1009, NULL, 0, on_reply, &b);
        heard(&b, "01 0a 20 01 01");
        silence(&b);
        say(&b, "04 0e 04 01 09 10 00"); /* nobody asked that yet */
        told(&b, "");
        say(&b, "04 0e 04 01 0a 20 0c");
        told(&b, "reply 0c ;");
        heard(&b, "01 09 10 00");
        /* Command status with 0 commands allowed, then the permission. */
        say(&b, "04 0f 04 01 00 09 10");
        told(&b, "reply 01 ;");
        hci_command(b.hci, 0x200a, &on, 1, NULL, NULL);
        silence(&b);
        say(&b, "04 0e 03 01 00 00");
        heard(&b, "01 0a 20 01 01");
        bench_close(&b);
}

/* Off and on again: nothing of the host's may lie between the two. */
static void test_command_right_behind_another(void) {
        static const uint8_t off = 0, on = 1;
        Bench b;

        bench_start(&b, "fb 00 08");
        hci_command(b.hci, 0x1009, NULL, 0, NULL, NULL);
        hci_command(b.hci, 0x200a, &off, 1, on_reply, &b);
        hci_command_ahead(b.hci, 0x200a, &on, 1, on_reply, &b);
        hci_command(b.hci, 0x1009, NULL, 0, NULL, NULL);
        heard(&b, "01 09 10 00");
        silence(&b);
        say(&b, "04 0e 04 01 09 10 00");
        heard(&b, "01 0a 20 01 00");
        heard(&b, "01 0a 20 01 01");
        silence(&b);
        say(&b, "04 0e 04 01 0a 20 00");
        told(&b, "reply 00 ;");
        silence(&b);
        say(&b, "04 0e 04 01 0a 20 0c");
        told(&b, "reply 0c ;");
        heard(&b, "01 09 10 00");
        say(&b, "04 0e 04 01 09 10 00");
        hci_command_ahead(b.hci, 0x200a, &on, 1, NULL, NULL); /* behind none: like the others */
        heard(&b, "01 0a 20 01 01");
        bench_close(&b);
}

static void test_frames_are_put_together(void) {
        Bench b;

        bench_start(&b, "fb 00 08");
        bench_connect(&b);
        say(&b, "02 2a 20 07 00 03 00 04 00 0a 06 00");
        told(&b, "frame 4 0a 06 00;");
        say(&b, "02 2a 20 02 00 03 00"); /* three parts, the first within the header */
        say(&b, "02 2a 10 03 00 04 00 0a");
        told(&b, "");
        say(&b, "02 2a 10 02 00 06 00");
        told(&b, "frame 4 0a 06 00;");
        /* A new beginning ends what was not complete. */
        say(&b, "02 2a 20 05 00 09 00 04 00 0a");
        say(&b, "02 2a 20 05 00 01 00 04 00 1e");
        told(&b, "frame 4 1e;");
        say(&b, "02 2a 10 01 00 ff"); /* belongs to nothing */
        say(&b, "02 2a 20 06 00 01 00 04 00 1e 1e"); /* longer than it says */
        say(&b, "02 2b 20 05 00 01 00 04 00 1e"); /* another connection */
        say(&b, "02 2a 20 09 00 01 00 04 00 1e"); /* shorter than it says */
        say(&b, "02 2a");
        say(&b, "04");
        say(&b, "04 05");
        say(&b, "04 05 04 00");
        say(&b, "04 3e 13 01 00");
        say(&b, "04 13 05 7f 2a 00 01 00");
        told(&b, "");
        say(&b, "02 2a 20 04 00 00 00 04 00"); /* no octets: ATT decides */
        told(&b, "frame 4 ;");
        bench_close(&b);
}

static void test_a_frame_that_is_too_long_is_left_out(void) {
        g_autoptr(GString) part = g_string_new("02 2a 10 fa 00");
        Bench b;

        bench_start(&b, "fb 00 08");
        bench_connect(&b);
        for (unsigned i = 0; i < 250; i++)
                g_string_append(part, " 00");
        say(&b, "02 2a 20 04 00 e8 03 04 00"); /* 1000 octets: taken */
        for (unsigned i = 0; i < 4; i++)
                say(&b, part->str);
        told(&b, "frame 4 of 1000;");
        say(&b, "02 2a 20 04 00 dc 05 04 00"); /* 1500: not */
        for (unsigned i = 0; i < 6; i++)
                say(&b, part->str);
        told(&b, "");
        say(&b, "02 2a 20 05 00 01 00 04 00 1e");
        told(&b, "frame 4 1e;");
        bench_close(&b);
}

static void test_frames_are_cut_and_wait_for_buffers(void) {
        static const uint8_t value[13] = { 0x1b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
        Bench b;

        bench_start(&b, "08 00 02"); /* two buffers of 8 octets */
        g_assert_cmpint(hci_send(b.hci, 4, value, 3), ==, -ENOTCONN);
        bench_connect(&b);
        g_assert_cmpint(hci_send(b.hci, 4, value, sizeof(value)), ==, 0); /* 17 octets with the header: 8, 8, 1 */
        g_assert_cmpint(hci_send(b.hci, 4, value, 1), ==, 0);
        heard(&b, "02 2a 00 08 00 0d 00 04 00 1b 08 00 01");
        heard(&b, "02 2a 10 08 00 02 03 04 05 06 07 08 09");
        silence(&b);
        g_assert_cmpuint(hci_frames_waiting(b.hci), ==, 2);
        say(&b, "04 13 05 01 2b 00 02 00"); /* another connection's */
        silence(&b);
        say(&b, "04 13 05 01 2a 00 01 00");
        heard(&b, "02 2a 10 01 00 0a");
        silence(&b);
        g_assert_cmpuint(hci_frames_waiting(b.hci), ==, 1);
        say(&b, "04 13 05 01 2a 00 02 00");
        heard(&b, "02 2a 00 05 00 01 00 04 00 1b");
        g_assert_cmpuint(hci_frames_waiting(b.hci), ==, 0);
        /* More than there are: still two. */
        say(&b, "04 13 05 01 2a 00 ff 00");
        for (unsigned i = 0; i < 3; i++)
                g_assert_cmpint(hci_send(b.hci, 4, value, 1), ==, 0);
        heard(&b, "02 2a 00 05 00 01 00 04 00 1b");
        heard(&b, "02 2a 00 05 00 01 00 04 00 1b");
        silence(&b);
        bench_close(&b);
}

static void test_the_queue_has_an_end_and_ends_with_the_link(void) {
        static const uint8_t value[1] = { 0x1b };
        unsigned n = 0;
        Bench b;

        bench_start(&b, "fb 00 01");
        bench_connect(&b);
        while (hci_send(b.hci, 4, value, 1) == 0)
                g_assert_cmpuint(++n, <=, HCI_FRAMES_MAX + 1);
        g_assert_cmpint(hci_send(b.hci, 4, value, 1), ==, -EAGAIN);
        g_assert_cmpuint(n, ==, HCI_FRAMES_MAX + 1); /* and the one in the buffer */
        heard(&b, "02 2a 00 05 00 01 00 04 00 1b");
        say(&b, "04 05 04 00 2b 00 13"); /* another connection's end */
        told(&b, "");
        say(&b, "04 05 04 00 2a 00 08");
        told(&b, "disconnected 08;");
        silence(&b);
        g_assert_cmpuint(hci_frames_waiting(b.hci), ==, 0);
        g_assert_false(hci_connected(b.hci));
        /* The buffer that was full is free for the next connection. */
        bench_connect(&b);
        g_assert_cmpint(hci_send(b.hci, 4, value, 1), ==, 0);
        heard(&b, "02 2a 00 05 00 01 00 04 00 1b");
        bench_close(&b);
}

static void test_disconnect(void) {
        Bench b;

        bench_start(&b, "fb 00 08");
        g_assert_cmpint(hci_disconnect(b.hci, 0x13, on_reply, &b), ==, -ENOTCONN);
        bench_connect(&b);
        g_assert_cmpint(hci_disconnect(b.hci, 0x08, on_reply, &b), ==, 0);
        heard(&b, "01 06 04 03 2a 00 08");
        say(&b, "04 0f 04 12 01 06 04"); /* as real controllers answer to 0x08 */
        told(&b, "reply 12 ;");
        hci_reset(b.hci);
        g_assert_false(hci_connected(b.hci));
        bench_set_up(&b, "fb 00 08");
        told(&b, "ready 01 00 01 01 aa 00;");
        bench_close(&b);
}

static void test_no_keys(void) {
        Bench b;

        bench_start(&b, "fb 00 08");
        bench_connect(&b);
        say(&b, "04 3e 0d 05 2a 00 00 00 00 00 00 00 00 00 00 00");
        heard(&b, "01 1b 20 02 2a 00");
        bench_close(&b);
}

static void *controller_answers(void *userdata) {
        static const uint8_t complete[] = { 0x04, 0x05, 0x04, 0x00, 0x2a, 0x00, 0x16 };
        Bench *b = userdata;
        struct pollfd pollfd = { .fd = b->fd, .events = POLLIN };

        g_assert_cmpint(poll(&pollfd, 1, 10000), ==, 1);
        heard(b, "01 06 04 03 2a 00 13");
        g_assert_cmpint(send(b->fd, complete, sizeof(complete), 0), ==, (ssize_t) sizeof(complete));
        return NULL;
}

static void test_free_ends_the_link_first(void) {
        GThread *controller;
        Bench b;

        bench_start(&b, "fb 00 08");
        bench_connect(&b);
        controller = g_thread_new("controller", controller_answers, &b);
        b.hci = hci_free(b.hci);
        (void) g_thread_join(controller);
        heard(&b, "01 03 0c 00"); /* and the advertising by a reset */
        silence(&b);
        bench_close(&b);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/hci/set-up", test_set_up);
        g_test_add_func("/hci/set-up/shared-buffers", test_set_up_shared_buffers);
        g_test_add_func("/hci/set-up/refused", test_set_up_refused);
        g_test_add_func("/hci/controller-gone", test_controller_gone);
        g_test_add_func("/hci/commands-one-at-a-time", test_commands_one_at_a_time);
        g_test_add_func("/hci/command-right-behind-another", test_command_right_behind_another);
        g_test_add_func("/hci/l2cap/put-together", test_frames_are_put_together);
        g_test_add_func("/hci/l2cap/too-long-is-left-out", test_a_frame_that_is_too_long_is_left_out);
        g_test_add_func("/hci/l2cap/cut-and-wait-for-buffers", test_frames_are_cut_and_wait_for_buffers);
        g_test_add_func("/hci/l2cap/queue-ends-with-the-link",
                        test_the_queue_has_an_end_and_ends_with_the_link);
        g_test_add_func("/hci/disconnect", test_disconnect);
        g_test_add_func("/hci/no-keys", test_no_keys);
        g_test_add_func("/hci/free-ends-the-link-first", test_free_ends_the_link_first);
        return g_test_run();
}
