/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is not written: it is no tape, or has no room. */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "needled/omp.h"
#include "needled/tape.h"

#define BASE UINT64_C(5000000000)       /* boot time at time 0 */

static void what_no_tape_can_hold_is_not_written(void) {
        static const uint8_t octets[OMP_VALUE_MAX + 1] = { 9 };
        TapeHead head = { .profile = "omp1", .start_realtime_usec = 1000 };
        const Frame good_frame = { .boottime_usec = BASE, .realtime_usec = 1000, .size = 1, .data = octets },
                    link = { .boottime_usec = BASE, .realtime_usec = 1000, .direction = FRAME_OF_LINK, .size = 1, .data = octets + 1 },
                    note = { .boottime_usec = BASE, .realtime_usec = 1000, .direction = FRAME_OF_HOST, .size = 1, .data = octets };
        char buf[TAPE_LINE_MAX];
        Frame f;

#define REFUSED(from, ...)                                                                         \
        do {                                                                                       \
                f = (from);                                                                        \
                g_assert_cmpint(tape_format_frame(&head, &f, BASE, buf, sizeof(buf)), >, 0);       \
                __VA_ARGS__;                                                                       \
                g_assert_cmpint(tape_format_frame(&head, &f, BASE, buf, sizeof(buf)), ==, -EINVAL); \
        } while (0)

        REFUSED(good_frame, f.boottime_usec = BASE - 1);
        REFUSED(good_frame, f.size = OMP_VALUE_MAX + 1);
        REFUSED(good_frame, f.direction = 4);
        REFUSED(good_frame, f.boottime_usec = BASE + UINT64_C(10000000000000000));
        REFUSED(good_frame, f.realtime_usec = UINT64_C(10000000000002000));
        REFUSED(link, f.data = octets);
        REFUSED(link, f.size = 0);
        REFUSED(link, f.size = 2);
        REFUSED(link, f.channel = 1);
        REFUSED(note, f.channel = 1);
        REFUSED(note, f.size = 0);
#undef REFUSED

        g_assert_cmpint(tape_format_mark(UINT64_C(10000000000000000), 0, "x", buf, sizeof(buf)), ==, -EINVAL);
        g_assert_cmpint(tape_format_mark(0, INT64_MIN, "x", buf, sizeof(buf)), ==, -EINVAL);
        g_assert_cmpint(tape_format_end(0, 0, "", buf, sizeof(buf)), ==, -EINVAL);
}

static void a_head_that_no_tape_can_hold_is_not_written(void) {
        const TapeHead good_head = {
                .profile = "omp1", .device = "pen", .session = "0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e21", .start_realtime_usec = 1,
                .channels = { { 20, "grip", "" }, { 21, "hold", "" } }, .n_channels = 2,
        };
        char buf[TAPE_HEAD_MAX];
        TapeHead head;

#define REFUSED(...)                                                                   \
        do {                                                                           \
                head = good_head;                                                      \
                g_assert_cmpint(tape_format_head(&head, buf, sizeof(buf)), >, 0);      \
                __VA_ARGS__;                                                           \
                g_assert_cmpint(tape_format_head(&head, buf, sizeof(buf)), ==, -EINVAL); \
        } while (0)

        REFUSED(head.profile[0] = '\0');
        REFUSED(head.profile[1] = ' ');
        REFUSED(memset(head.profile, 'x', sizeof(head.profile)));
        REFUSED(head.device[0] = '\n');
        REFUSED(memset(head.device, 'x', sizeof(head.device)));
        REFUSED(head.session[35] = '\0');
        REFUSED(memset(head.session, 'a', sizeof(head.session)));
        REFUSED(head.start_realtime_usec = UINT64_C(253402300800000000));
        REFUSED(head.n_channels = TAPE_CHANNELS_MAX + 1);
        REFUSED(head.channels[1].channel = 20);
        REFUSED(strcpy(head.channels[1].name, "grip"));
        REFUSED(strcpy(head.channels[1].name, "live"));
        REFUSED(head.channels[1].name[0] = '\0');
        REFUSED(memset(head.channels[1].name, 'x', sizeof(head.channels[1].name)));
        REFUSED(strcpy(head.channels[1].uuid, "2a19"));
#undef REFUSED
}

/* Every size of buffer up to the one that holds it: -ENOSPC, and never an octet behind its end. */
static void a_buffer_that_is_too_small(void) {
        static const uint8_t octets[] = { 1, 2, 3 };
        TapeHead head = { .profile = "omp1", .start_realtime_usec = 1, .channels = { { 20, "grip", "" } }, .n_channels = 1 };
        const Frame frame = { .boottime_usec = BASE, .realtime_usec = 7, .size = 3, .data = octets };
        bool fitted = false;

        for (size_t size = 0; !fitted; size++) {
                g_autofree char *buf = g_malloc(size);
                int r = tape_format_head(&head, buf, size);

                fitted = r >= 0;
                g_assert_cmpint(r, ==, fitted ? (int) size - 1 : -ENOSPC);
        }
        fitted = false;
        for (size_t size = 0; !fitted; size++) {
                g_autofree char *buf = g_malloc(size);
                int r = tape_format_frame(&head, &frame, BASE, buf, size);

                fitted = r >= 0;
                g_assert_cmpint(r, ==, fitted ? (int) size - 1 : -ENOSPC);
        }
        fitted = false;
        for (size_t size = 0; !fitted; size++) {
                g_autofree char *buf = g_malloc(size);
                int r = tape_format_end(1, -1, "device", buf, size);

                fitted = r >= 0;
                g_assert_cmpint(r, ==, fitted ? (int) size - 1 : -ENOSPC);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tape-format/what-no-tape-can-hold-is-not-written", what_no_tape_can_hold_is_not_written);
        g_test_add_func("/tape-format/a-head-that-no-tape-can-hold-is-not-written", a_head_that_no_tape_can_hold_is_not_written);
        g_test_add_func("/tape-format/a-buffer-that-is-too-small", a_buffer_that_is_too_small);
        return g_test_run();
}
