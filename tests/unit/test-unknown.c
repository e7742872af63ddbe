/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "talk.h"

/* One packet of a running session, octets given. */
static void packet(Talk *talk, uint8_t channel, const uint8_t *data, size_t size) {
        raw(talk, channel, FRAME_FROM_DEVICE, data, size);
}

static Talk *running(void) {
        Talk *talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        use(talk, 1, FLAG);
        told(talk, "opened running");
        return talk;
}

static void test_event_codes(void) {
        g_autoptr(Talk) talk = running();

        event(talk, 0x99, false);
        event(talk, 0xf3, false);       /* the vendor's own: has a name */
        event(talk, 0x99, false);       /* once is enough */
        event(talk, 0x9a, true);
        told(talk, "<event unknown-153> event:99 event:f3 event:99 <event unknown-154> event:9a");
        g_assert_cmpuint(talk->kept->len, ==, 1 + 4);
}

static void test_event_flags(void) {
        static const uint8_t octets[] = { 0x40, 0x54, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
        g_autoptr(Talk) talk = running();

        packet(talk, OMP_CHAR_EVENT, octets, sizeof(octets));
        told(talk, "<event flag unknown-4> <event flag unknown-6> event:40");
}

static void test_live_flag_and_area(void) {
        uint8_t octets[] = { 0xa0, 0x1b, 0x01, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x32, 0xaa };
        g_autoptr(Talk) talk = running();

        packet(talk, OMP_CHAR_LIVE, octets, sizeof(octets));
        told(talk, "<live flag unknown-7> <live area unknown-50>");
        octets[2] = 2;
        octets[0] = OMP_LIVE_AREA;
        octets[18] = 3;                 /* cheek-left */
        packet(talk, OMP_CHAR_LIVE, octets, sizeof(octets));
        told(talk, "area:cheek-left");
}

static void test_feature_flags_and_kind(void) {
        static const uint8_t octets[] = { 1, 7, 0x08, 0, 0x20, 0x80, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
        g_autoptr(Talk) talk = running();

        packet(talk, OMP_CHAR_FEATURE, octets, sizeof(octets));
        told(talk, "<feature flag unknown-21> <feature flag unknown-31> <feature kind unknown-9>");
}

static void test_waveform(void) {
        static const uint8_t octets[] = { 0, 0, 0, 0, 0, 0, 0xe8, 3, 0x32, 1, 0, 0 };
        g_autoptr(Talk) talk = running();

        packet(talk, OMP_CHAR_WAVEFORM, octets, sizeof(octets));
        told(talk, "<waveform encoding unknown-2> <waveform channel unknown-3>");
}

static void test_status_state(void) {
        uint8_t octets[18] = { 9, OMP_STATUS_SESSION };
        g_autoptr(Talk) talk = running();

        packet(talk, OMP_CHAR_STATUS, octets, sizeof(octets));
        told(talk, "<status state unknown-9>");
        octets[0] = OMP_STATE_UPDATING;
        packet(talk, OMP_CHAR_STATUS, octets, sizeof(octets));
        told(talk, "");
}

static void test_characteristics(void) {
        static const uint8_t octet;
        g_autoptr(Talk) talk = running();

        packet(talk, OMP_CHAR_CONTROL_POINT, &octet, 1);
        packet(talk, 31, &octet, 1);
        told(talk, "<characteristic unknown-31>");
        g_assert_cmpuint(talk->kept->len, ==, 3);
        g_assert_cmpuint(tracker_counters(talk->tracker)->malformed, ==, 0);
}

static void test_malformed_is_not_looked_at(void) {
        static const uint8_t octets[] = { 0x99, 0x54 };
        g_autoptr(Talk) talk = running();

        packet(talk, OMP_CHAR_EVENT, octets, sizeof(octets));
        told(talk, "");
}

static void test_once_in_each_session(void) {
        g_autoptr(Talk) talk = running();

        event(talk, 0x99, false);
        live(talk, LIFTED, 0);
        event(talk, 0x99, false);       /* between the sessions: nobody's */
        use(talk, 1, FLAG);
        event(talk, 0x99, false);
        told(talk, "<event unknown-153> event:99 ended:device opened <event unknown-153> event:99 running event:99");
}

static void test_bounded(void) {
        g_autoptr(Talk) talk = running();
        unsigned n = 0;

        for (unsigned code = 0x80; code < 0xf0; code++)
                event(talk, (uint8_t) code, false);
        for (const char *p = talk->told->str; (p = strstr(p, "<event unknown-")); p++)
                n++;
        g_assert_cmpuint(n, ==, 16);
}

/* Told when it came; a daemon that was restarted does not tell it again. */
static void test_not_again_after_a_restart(void) {
        g_autoptr(Talk) before = running(), after = talk_new(NULL);
        g_autofree Frame *frames = NULL;
        const Session *s = tracker_session(before->tracker);

        event(before, 0x99, false);
        frames = g_new(Frame, before->kept->len);
        for (unsigned i = 0; i < before->kept->len; i++)
                frames[i] = *(const Frame *) before->kept->pdata[i];
        after->partial = true;
        g_assert_cmpint(tracker_resume(after->tracker, &(SessionIdentity) { .id = 1 }, s->start_boottime_usec, s->start_realtime_usec,
                                       frames, before->kept->len, true, before->now_usec, REALTIME_OFFSET), ==, 0);
        link_frame(after, FRAME_LINK_UP);
        event(after, 0x99, false);
        told(after, "gap:0:0 running event:99");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/unknown/event-codes", test_event_codes);
        g_test_add_func("/unknown/event-flags", test_event_flags);
        g_test_add_func("/unknown/live-flag-and-area", test_live_flag_and_area);
        g_test_add_func("/unknown/feature-flags-and-kind", test_feature_flags_and_kind);
        g_test_add_func("/unknown/waveform", test_waveform);
        g_test_add_func("/unknown/status-state", test_status_state);
        g_test_add_func("/unknown/characteristics", test_characteristics);
        g_test_add_func("/unknown/malformed-is-not-looked-at", test_malformed_is_not_looked_at);
        g_test_add_func("/unknown/once-in-each-session", test_once_in_each_session);
        g_test_add_func("/unknown/bounded", test_bounded);
        g_test_add_func("/unknown/not-again-after-a-restart", test_not_again_after_a_restart);
        return g_test_run();
}
