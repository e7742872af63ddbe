/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"
#include "link-fixture.h"
#include "link/private.h"
#include "log.h"
#include "profiles/file.h"

/* A device with a vendor profile goes through the same link as an OMP one. */

#define UUID(x) "0000" #x "-0000-1000-8000-00805f9b34fb"
#define SERVICE UUID(ffe0)
#define BATTERY_SERVICE UUID(180f)
#define DATA UUID(ffe1)
#define MODE UUID(ffe2)
#define BATTERY UUID(ffe3)
#define LEVEL UUID(ffe4)
#define EXTRA UUID(ffe5)
#define COMMAND UUID(ffe6)
#define RECORD UUID(ffe7)
#define STRANGE UUID(ffe9)
#define MODEL UUID(2a24)
#define NOT_SUPPORTED "org.bluez.Error.NotSupported"

enum { CHAR_DATA, CHAR_MODE, CHAR_BATTERY, CHAR_LEVEL, CHAR_EXTRA, CHAR_COMMAND, CHAR_RECORD, N_CHARS };

static const VendorChar vendor_chars[N_CHARS] = {
        [CHAR_DATA] = { .alias = "data", .uuid = DATA, .service_uuid = SERVICE, .use = VENDOR_NOTIFY | VENDOR_POLL },
        [CHAR_MODE] = { .alias = "mode", .uuid = MODE, .service_uuid = SERVICE, .use = VENDOR_INDICATE },
        [CHAR_BATTERY] = { .alias = "battery", .uuid = BATTERY, .use = VENDOR_READ },
        [CHAR_LEVEL] = { .alias = "level", .uuid = LEVEL, .service_uuid = SERVICE, .use = VENDOR_POLL, .n_fields = 1 },
        [CHAR_EXTRA] = { .alias = "extra", .uuid = EXTRA, .service_uuid = SERVICE, .use = VENDOR_NOTIFY },
        [CHAR_COMMAND] = { .alias = "command", .uuid = COMMAND, .service_uuid = SERVICE },
        [CHAR_RECORD] = { .alias = "record", .uuid = RECORD, .service_uuid = SERVICE, .use = VENDOR_READ },
};

static const VendorField fields[] = { { .name = "level", .meaning = VENDOR_FORCE_LEVEL, .type = VENDOR_U8, .scale_num = 1, .den = 1 } };

static const VendorAction actions[] = {
        { .name = "hello", .when = VENDOR_ON_CONNECT, .channel = CHAR_COMMAND, .size = 2, .data = { 0x01, 0x02 } },
        { .name = "tare", .when = VENDOR_ON_TARE, .channel = CHAR_COMMAND, .size = 1, .data = { 0x7a } },
        { .name = "absent", .when = VENDOR_ON_CONNECT, .channel = CHAR_EXTRA, .size = 1, .data = { 0x03 } },
        { .name = "report", .when = VENDOR_ON_CONNECT, .channel = CHAR_COMMAND, .command = true, .size = 1, .data = { 0x04 } },
};

static const ProfileChar profile_chars[] = {
        { DATA, SERVICE, CHAR_DATA, PROFILE_FOLLOW | PROFILE_POLL | PROFILE_MEASURES, 1 },
        { MODE, SERVICE, CHAR_MODE, PROFILE_FOLLOW | PROFILE_MEASURES, 0 },
        { BATTERY, NULL, CHAR_BATTERY, PROFILE_READ_AT_CONNECT, 0 },
        { LEVEL, SERVICE, CHAR_LEVEL, PROFILE_POLL | PROFILE_MEASURES, 1 },
        { EXTRA, SERVICE, CHAR_EXTRA, PROFILE_FOLLOW | PROFILE_MEASURES, 0 },
        { COMMAND, SERVICE, CHAR_COMMAND, 0, 0 },
        { RECORD, SERVICE, CHAR_RECORD, PROFILE_READ_AT_CONNECT | PROFILE_MEASURES, 0 },
};

static const char *const services[] = { SERVICE, BATTERY_SERVICE, NULL };
static const char *const no_services[] = { NULL };

/* A file as it is when it is loaded. */
static ProfileFile *new_file(const char *id, const ProfileMatch *match) {
        ProfileFile *file = g_new0(ProfileFile, 1);
        bool by_service = match->terms[0].kind == PROFILE_TERM_SERVICE;

        file->memory = g_ptr_array_new();
        file->path = g_strdup("simplepen.mnprofile");
        file->vendor = (VendorProfile) {
                .id = id,
                .name = "Example SimplePen",
                .kind = OMP_KIND_PEN,
                .needles = 12,
                .meanings = 1u << VENDOR_FORCE | 1u << VENDOR_CONTACT,
                .chars = vendor_chars,
                .n_chars = N_CHARS,
                .fields = fields,
                .n_fields = G_N_ELEMENTS(fields),
                .actions = actions,
                .n_actions = G_N_ELEMENTS(actions),
        };
        file->profile = (Profile) {
                .id = id,
                .name = file->vendor.name,
                .vendor = &file->vendor,
                .service_uuids = by_service ? services : no_services,
                .needs_services = by_service,
                .chars = profile_chars,
                .n_chars = G_N_ELEMENTS(profile_chars),
        };
        file->matches = match;
        file->n_matches = 1;
        return file;
}

static const ProfileMatch by_service = {
        .n_terms = 2,
        .terms = { { .kind = PROFILE_TERM_SERVICE, .text = SERVICE }, { .kind = PROFILE_TERM_NAME, .text = "SimplePen*" } },
};
static const ProfileMatch by_maker = {
        .n_terms = 1,
        .terms = { { .kind = PROFILE_TERM_MAKER, .company = 0x00dc, .n_prefix = 2, .prefix = { 0x06, 0x32 } } },
};
static const ProfileMatch by_model = {
        .n_terms = 2,
        .terms = { { .kind = PROFILE_TERM_SERVICE, .text = SERVICE }, { .kind = PROFILE_TERM_MODEL, .text = "S? Pro" } },
};

#define OWN_CHARS(error) \
        { .uuid = DATA, .acquire_error = error }, { .uuid = MODE, .acquire_error = NOT_SUPPORTED }, \
                { .uuid = BATTERY, .value = "\x57", .size = 1 }, { .uuid = COMMAND }, { .uuid = STRANGE }, \
                { .uuid = MODEL, .information = true, .value = "S1 Pro", .size = 6 }

static const FakeCharKind pen_chars[] = { OWN_CHARS(NULL) };
static const FakeCharKind pen_with_level_chars[] = { OWN_CHARS(NULL), { .uuid = LEVEL, .value = "L", .size = 1 },
                                                      { .uuid = RECORD, .value = "R", .size = 1 } };
static const FakeCharKind pen_with_record_chars[] = { OWN_CHARS(NULL), { .uuid = RECORD, .value = "R", .size = 1 } };
static const FakeCharKind polled_chars[] = {
        { .uuid = LEVEL, .value = "L", .size = 1 }, { .uuid = BATTERY, .value = "\x57", .size = 1 }
};
static const FakeCharKind indicating_chars[] = { { .uuid = MODE, .acquire_error = NOT_SUPPORTED } };
static const FakeCharKind both_ways_chars[] = {
        { .uuid = DATA, .value = "d", .size = 1 }, { .uuid = LEVEL, .value = "L", .size = 1 }
};
static const FakeCharKind notifying_chars[] = { { .uuid = DATA }, { .uuid = MODE } };
static const FakeCharKind useless_chars[] = { { .uuid = BATTERY, .value = "\x57", .size = 1 }, { .uuid = COMMAND } };

#define KIND(table) .service = SERVICE, .chars = table, .n_chars = G_N_ELEMENTS(table)

static const FakeKind pen = { .name = "SimplePen S1", KIND(pen_chars) };
static const FakeKind pen_with_level = { .name = "SimplePen S1", KIND(pen_with_level_chars) };
static const FakeKind pen_with_record = { .name = "SimplePen S1", KIND(pen_with_record_chars) };
static const FakeKind polled = { .name = "SimplePen S1", KIND(polled_chars) };
static const FakeKind indicating = { .name = "SimplePen S1", KIND(indicating_chars) };
static const FakeKind both_ways = { .name = "SimplePen S1", KIND(both_ways_chars) };
static const FakeKind notifying = { .name = "SimplePen S1", KIND(notifying_chars) };
static const FakeKind useless = { .name = "SimplePen S1", KIND(useless_chars) };
static const FakeKind brush = {
        .name = "Brush", KIND(pen_chars), .hides_service = true, .company = 0x00dc, .maker_data = "\x06\x32\x6b", .maker_size = 3,
};
static const FakeKind other_pen = { .name = "Other Pen", KIND(pen_chars) };

typedef struct Case {
        const FakeKind *kind;
        const ProfileMatch *match;
        bool allow_broadcast;
} Case;

static const Case pen_case = { &pen, &by_service, false };
static const Case pen_broadcast_case = { &pen, &by_service, true };
static const Case pen_with_level_case = { &pen_with_level, &by_service, false };
static const Case pen_with_record_case = { &pen_with_record, &by_service, false };
static const Case polled_case = { &polled, &by_service, true };
static const Case polled_private_case = { &polled, &by_service, false };
static const Case indicating_case = { &indicating, &by_service, false };
static const Case both_ways_case = { &both_ways, &by_service, true };
static const Case notifying_case = { &notifying, &by_service, false };
static const Case useless_case = { &useless, &by_service, false };
static const Case brush_case = { &brush, &by_maker, false };

static void set_up(Fixture *f, const void *data) {
        const Case *c = data;

        f->kind = c->kind;
        f->profiles = profiles_new();
        g_assert_cmpint(profiles_take(f->profiles, new_file("example.simplepen", c->match)), ==, 0);
        fixture_set_up(f, c->allow_broadcast);
}

static void tear_down(Fixture *f, const void *data) {
        fixture_tear_down(f);
}

static bool told(uint32_t bits, unsigned channel) {
        return bits >> channel & 1;
}

static void emit_value(Fixture *f, const char *uuid, uint8_t octet) {
        g_autoptr(sd_bus_message) m = NULL;

        g_assert_cmpint(sd_bus_message_new_signal(f->fake->bus, &m, fake_char(f->fake, uuid)->path,
                                                  "org.freedesktop.DBus.Properties", "PropertiesChanged"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "sa{sv}as", "org.bluez.GattCharacteristic1", 1, "Value", "ay", 1, octet, 0), >=, 0);
        g_assert_cmpint(sd_bus_send(f->fake->bus, m, NULL), >=, 0);
}

static void test_adopt_and_stream(Fixture *f, const void *data) {
        fixture_stream(f);
        g_assert_cmpstr(f->device->profile_id, ==, "example.simplepen");
        g_assert_true(f->fake->filtered && f->fake->application_read && f->device->bonded);
        g_assert_cmpstr(f->device->model, ==, "S1 Pro");
        g_assert_cmpuint(f->ups, ==, 1);
        g_assert_cmpuint(f->features, ==, 0);

        /* What it can report comes from its profile. */
        g_assert_true(f->device->has_feature);
        g_assert_cmpuint(f->device->feature.kind, ==, OMP_KIND_PEN);
        g_assert_cmpuint(f->device->feature.needles, ==, 12);
        g_assert_cmpuint(f->device->feature.bits, ==, OMP_FEATURE_FORCE | OMP_FEATURE_CONTACT);

        /* A battery is no measurement: it was read. */
        g_assert_cmpuint(f->frames, ==, 1);
        g_assert_cmpuint(f->channel, ==, CHAR_BATTERY);
        g_assert_cmpmem(f->data, f->size, "\x57", 1);

        fixture_notify(f, DATA, "abc", 3);
        wait_for(f, f->frames == 2);
        g_assert_cmpuint(f->channel, ==, CHAR_DATA);
        g_assert_cmpmem(f->data, f->size, "abc", 3);
        /* It notifies: it is not polled, nor broadcast. */
        g_assert_cmpuint(fake_char(f->fake, DATA)->reads + fake_char(f->fake, DATA)->starts, ==, 0);
        /* What the profile has and the device has not keeps nothing up. */
        g_assert_true(told(f->device->work->told_missing, CHAR_EXTRA) && told(f->device->work->told_missing, CHAR_LEVEL));
        g_assert_false(told(f->device->work->told_missing, CHAR_DATA));
}

static void test_comes_back_by_itself(Fixture *f, const void *data) {
        fixture_stream(f);
        /* bluetoothd is told of this profile alone, and of no service that every mouse has too. */
        g_assert_cmpuint(f->fake->applications, ==, 1);
        g_assert_nonnull(strstr(f->fake->application, SERVICE));
        g_assert_null(strstr(f->fake->application, BATTERY_SERVICE));
        g_assert_null(strstr(f->fake->application, OMP_SERVICE_UUID));

        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_AWAY);
        g_assert_cmpuint(f->losts, ==, 1);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_cmpuint(f->ups, ==, 2);
        g_assert_cmpuint(fake_char(f->fake, BATTERY)->reads, ==, 2); /* once in each connection */
        g_assert_cmpuint(f->fake->connects, ==, 1);
}

/* BlueZ 5.66 gives no socket for indications; StartNotify would tell every local user. */
static void test_indication_is_not_broadcast(Fixture *f, const void *data) {
        fixture_stream(f);
        g_assert_cmpuint(fake_char(f->fake, MODE)->acquires, ==, 1);
        g_assert_cmpuint(fake_char(f->fake, MODE)->starts, ==, 0);
        g_assert_true(told(f->device->work->told_refused, CHAR_MODE));
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

static void test_indication_if_allowed(Fixture *f, const void *data) {
        fixture_stream(f);
        g_assert_cmpuint(fake_char(f->fake, MODE)->starts, ==, 1);
        g_assert_cmpuint(fake_char(f->fake, DATA)->starts, ==, 0); /* this one has a socket */
        unsigned frames = f->frames;
        emit_value(f, MODE, 0x42);
        wait_for(f, f->frames == frames + 1);
        g_assert_cmpuint(f->channel, ==, CHAR_MODE);
        g_assert_cmpuint(f->data[0], ==, 0x42);
}

static void test_refused_if_it_only_broadcasts(Fixture *f, const void *data) {
        fixture_adopt(f, false);
        wait_for(f, f->device->state == DEVICE_REFUSED);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SERVICES_MISSING);
        g_assert_cmpuint(fake_char(f->fake, MODE)->starts, ==, 0);
        g_assert_cmpuint(f->ups, ==, 0);
        g_assert_true(told(f->device->work->told_refused, CHAR_MODE));
}

/* A value that is read is seen by every local user: a measurement is not read. */
static void test_measurement_is_not_read(Fixture *f, const void *data) {
        fixture_stream(f);
        g_assert_cmpuint(fake_char(f->fake, LEVEL)->reads, ==, 0);
        g_assert_cmpuint(fake_char(f->fake, BATTERY)->reads, ==, 1);
        g_assert_true(told(f->device->work->told_refused, CHAR_LEVEL));
        g_assert_false(told(f->device->work->told_refused, CHAR_DATA));
}

static void test_refused_if_it_only_is_read(Fixture *f, const void *data) {
        fixture_adopt(f, false);
        wait_for(f, f->device->state == DEVICE_REFUSED);
        fixture_settle(f);
        g_assert_cmpuint(fake_char(f->fake, LEVEL)->reads, ==, 0);
        g_assert_true(told(f->device->work->told_refused, CHAR_LEVEL));
        g_assert_cmpuint(f->ups, ==, 0);
}

/* A device that only answers streams as well: every poll_sec, while it is connected. */
static void test_polled(Fixture *f, const void *data) {
        FakeChar *level = fake_char(f->fake, LEVEL);

        fixture_stream(f);
        g_assert_cmpuint(f->ups, ==, 1);
        wait_for(f, level->reads == 3);
        wait_for(f, f->frames == 4);
        g_assert_cmpuint(f->channel, ==, CHAR_LEVEL);
        g_assert_cmpuint(fake_char(f->fake, BATTERY)->reads, ==, 1); /* Use=read: once */

        fake_device_disconnect(f->fake);
        wait_for(f, f->losts == 1);
        unsigned reads = level->reads;
        fake_device_connect(f->fake);
        wait_for(f, f->ups == 2);
        wait_for(f, level->reads == reads + 2);
}

static void test_poll_survives_a_failure(Fixture *f, const void *data) {
        FakeChar *level = fake_char(f->fake, LEVEL);

        fixture_stream(f);
        f->fake->read_error = "org.bluez.Error.InProgress";
        unsigned reads = level->reads, frames = f->frames;
        wait_for(f, level->reads == reads + 1);
        f->fake->read_error = NULL;
        wait_for(f, f->frames == frames + 1);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

static void test_poll_ends_where_reading_is_not_permitted(Fixture *f, const void *data) {
        f->fake->read_error = "org.bluez.Error.NotPermitted";
        fixture_stream(f);
        g_assert_cmpuint(fake_char(f->fake, LEVEL)->reads, ==, 1);
        g_assert_true(told(f->device->work->told_refused, CHAR_LEVEL));
        g_assert_null(f->device->work->polls[0].timer);
        g_assert_null(f->device->work->polls[1].timer);
        g_assert_cmpuint(f->frames, ==, 0);
}

/* notify;poll:1 with a socket: it says itself when something changes. */
static void test_not_polled_while_it_notifies(Fixture *f, const void *data) {
        fixture_stream(f);
        wait_for(f, fake_char(f->fake, LEVEL)->reads == 3); /* which has the same interval */
        g_assert_cmpuint(fake_char(f->fake, DATA)->reads, ==, 0);
}

static void test_nothing_to_follow(Fixture *f, const void *data) {
        fixture_adopt(f, false);
        g_assert_cmpint(f->done_error, ==, -EOPNOTSUPP);
        g_assert_cmpint(f->device->state, ==, DEVICE_FOUND);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SERVICES_MISSING);
}

static void test_held_by_another(Fixture *f, const void *data) {
        FakeChar *ch = fake_char(f->fake, DATA);

        ch->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0); /* of a program that we do not see */
        fixture_adopt(f, false);
        wait_for(f, f->device->state == DEVICE_WAITING);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_NOTIFICATIONS_HELD);
        g_assert_cmpuint(f->ups, ==, 0);

        close(ch->fd);
        ch->fd = -1;
        fake_release(f->fake, ch);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->ups, ==, 1);
}

/* What was passed over because it was held is let go while the next is asked for. */
static void test_let_go_meanwhile(Fixture *f, const void *data) {
        FakeChar *ch = fake_char(f->fake, DATA);

        ch->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0); /* of the daemon before us */
        fixture_adopt(f, false);
        wait_for(f, ch->acquires == 1);
        close(ch->fd);
        ch->fd = -1;
        fake_release(f->fake, ch); /* behind the answer, and before the one to the next */
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_cmpuint(ch->acquires, ==, 2);
        fixture_notify(f, DATA, "abc", 3);
        wait_for(f, f->frames == 1);
        g_assert_cmpuint(f->channel, ==, CHAR_DATA);
        fixture_notify(f, MODE, "m", 1);
        wait_for(f, f->frames == 2);
        g_assert_cmpuint(f->channel, ==, CHAR_MODE);
}

static void test_actions_on_connect(Fixture *f, const void *data) {
        fixture_stream(f);
        /* In the file's order; one whose characteristic is missing does not stop the others, and what is for another moment waits. */
        g_assert_cmpstr(f->fake->writes->str, ==, "request 01 02;command 04;");
        g_assert_cmpuint(f->device->work->told_actions, ==, 1u << 2);

        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_cmpstr(f->fake->writes->str, ==, "request 01 02;command 04;request 01 02;command 04;");
}

static void test_action_refused(Fixture *f, const void *data) {
        f->fake->write_error = NOT_SUPPORTED;
        fixture_stream(f);
        g_assert_cmpstr(f->fake->writes->str, ==, "request 01 02;command 04;");
        g_assert_cmpuint(f->device->work->told_actions, ==, 1u << 0 | 1u << 2 | 1u << 3);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

/* The answer to a read or a write comes when the device is gone. */
static void forget_and_settle(Fixture *f) {
        link_forget(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->removed == 1);
        g_assert_cmpuint(f->losts, ==, f->ups);
        fixture_settle(f);
}

static void test_forgotten_while_it_is_read(Fixture *f, const void *data) {
        FakeChar *level = fake_char(f->fake, LEVEL);

        fixture_stream(f);
        unsigned reads = level->reads;
        wait_for(f, level->reads == reads + 1); /* and the answer has not come yet */
        forget_and_settle(f);
}

static void test_forgotten_while_it_is_told(Fixture *f, const void *data) {
        fixture_adopt(f, false);
        wait_for(f, f->fake->writes->len > 0);
        forget_and_settle(f);
        g_assert_cmpstr(f->fake->writes->str, ==, "request 01 02;");
}

/* Known by its manufacturer data alone: a filter by services would not find it, and bluetoothd does not connect it by itself. */
static void test_found_by_maker(Fixture *f, const void *data) {
        fixture_stream(f);
        g_assert_false(f->fake->filtered);
        g_assert_true(f->device->bonded);

        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING && f->device->reason == DEVICE_REASON_BACKOFF);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->connects, ==, 2);
}

/* The service alone is not it: the name is asked for as well. */
static void test_stranger(void) {
        Fixture f = { .kind = &other_pen, .profiles = profiles_new() };

        g_assert_cmpint(profiles_take(f.profiles, new_file("example.simplepen", &by_service)), ==, 0);
        fixture_set_up(&f, false);
        g_assert_cmpint(link_search(f.link, 10 * G_USEC_PER_SEC), ==, 0);
        wait_for(&f, f.fake->discoveries > 0);
        fake_device_appear(f.fake);
        fixture_settle(&f);
        g_assert_cmpuint(f.added, ==, 0);
        fixture_tear_down(&f);
}

/* Which of two profiles it is shows only when Device Information was read. */
static void test_model_decides(void) {
        Fixture f = { .kind = &pen, .profiles = profiles_new() };

        g_assert_cmpint(profiles_take(f.profiles, new_file("example.simplepen", &by_service)), ==, 0);
        g_assert_cmpint(profiles_take(f.profiles, new_file("example.simplepen-pro", &by_model)), ==, 0);
        fixture_set_up(&f, false);
        fixture_find(&f);
        g_assert_cmpstr(f.device->profile_id, ==, "example.simplepen");
        link_adopt(f.link, f.device, &(LinkAdopt) { .owner = 1000 }, fixture_on_done, &f);
        wait_for(&f, f.device->state == DEVICE_STREAMING);
        g_assert_cmpint(f.done_error, ==, 0);
        g_assert_cmpstr(f.device->profile_id, ==, "example.simplepen-pro");

        /* And it is remembered with the model. */
        fixture_settle(&f);
        fake_device_disconnect(f.fake);
        wait_for(&f, f.device->state == DEVICE_WAITING);
        fake_device_connect(f.fake);
        wait_for(&f, f.device->state == DEVICE_STREAMING);
        g_assert_cmpstr(f.device->profile_id, ==, "example.simplepen-pro");
        fixture_tear_down(&f);
}

static Device remembered(const Profile *profile, const char *profile_id) {
        return (Device) {
                .path = (char *) "C0_FF_EE_12_34_56",
                .address = (char *) FAKE_ADDRESS,
                .address_type = (char *) "random",
                .adapter = (char *) "00:AA:01:00:00:00",
                .owner = 1000,
                .bonded = true,
                .auto_connect = true,
                .profile = profile,
                .profile_id = (char *) profile_id,
        };
}

static void test_restored(Fixture *f, const void *data) {
        Device d = remembered(profiles_by_id(f->profiles, "example.simplepen"), "example.simplepen");

        g_assert_true(link_restore(f->link, &d) == f->device);
        g_assert_true(f->device->has_feature); /* so that its kind is known while it is away */
        g_assert_cmpuint(f->device->feature.kind, ==, OMP_KIND_PEN);
        f->fake->paired = true;
        fake_device_appear(f->fake);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* The file of its profile has gone: nothing is taken for what it is not, and nothing of it is forgotten. */
static void test_profile_is_gone(Fixture *f, const void *data) {
        Device d = remembered(NULL, "example.gone");

        g_assert_true(link_restore(f->link, &d) == f->device);
        g_assert_cmpint(f->device->state, ==, DEVICE_REFUSED);
        f->fake->paired = true;
        fake_device_appear(f->fake);
        fake_device_connect(f->fake);
        fixture_settle(f);
        fake_powered(f->fake, false);
        fixture_settle(f);
        fake_powered(f->fake, true);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_REFUSED);
        g_assert_cmpstr(f->device->profile_id, ==, "example.gone");
        g_assert_null(f->device->profile);
        g_assert_cmpuint(f->ups, ==, 0);
        g_assert_cmpuint(fake_char(f->fake, DATA)->acquires, ==, 0);

        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, -EOPNOTSUPP);
        link_release(f->link, f->device, G_USEC_PER_SEC, fixture_on_done, f);
        wait_for(f, f->dones == 2 && !f->device->released);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_REFUSED);
        g_assert_null(f->device->profile);
        g_assert_cmpuint(f->fake->connects, ==, 0);
        device_set_auto_connect(f->device, false);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_REFUSED);

        link_forget(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, 0);
        g_assert_cmpuint(f->removed, ==, 1);
}

static void test_battery_of_a_value(Fixture *f, const void *data) {
        fixture_stream(f);
        g_assert_cmpuint(f->device->battery, ==, DEVICE_BATTERY_UNKNOWN);
        device_set_battery(f->device, 101);
        g_assert_cmpuint(f->batteries, ==, 0);
        device_set_battery(f->device, 87);
        device_set_battery(f->device, 87);
        g_assert_cmpuint(f->device->battery, ==, 87);
        g_assert_cmpuint(f->batteries, ==, 1);

        /* The battery service knows better. */
        fake_battery(f->fake, 55);
        wait_for(f, f->device->battery == 55);
        device_set_battery(f->device, 87);
        g_assert_cmpuint(f->device->battery, ==, 55);
}

/* What the journal says, in a process of its own: each thing once, whatever the number of connections. */
static void test_said_once(void) {
        if (!g_test_subprocess()) {
                g_test_trap_subprocess(NULL, 0, 0);
                g_test_trap_assert_passed();
                g_test_trap_assert_stderr("*gives mode only as a broadcast*AllowBroadcast=yes*");
                g_test_trap_assert_stderr_unmatched("*gives mode*gives mode*");
                g_test_trap_assert_stderr("*no characteristic level*");
                g_test_trap_assert_stderr_unmatched("*no characteristic level*no characteristic level*");
                g_test_trap_assert_stderr("*action absent*");
                g_test_trap_assert_stderr_unmatched("*action absent*action absent*");
                g_test_trap_assert_stderr("*" STRANGE "*" STRANGE "*"); /* in each connection */
                g_test_trap_assert_stderr_unmatched("*" STRANGE "*" STRANGE "*" STRANGE "*");
                return;
        }

        Fixture f = {};

        set_up(&f, &pen_case);
        fixture_stream(&f);
        fake_device_disconnect(f.fake);
        wait_for(&f, f.device->state == DEVICE_WAITING);
        fake_device_connect(f.fake);
        wait_for(&f, f.device->state == DEVICE_STREAMING);
        fixture_settle(&f);
        fixture_tear_down(&f);
}

/* Streams twice, as the only thing that the process does. */
static void stream_twice(const Case *c) {
        Fixture f = {};

        set_up(&f, c);
        fixture_stream(&f);
        fake_device_disconnect(f.fake);
        wait_for(&f, f.device->state == DEVICE_WAITING);
        fake_device_connect(f.fake);
        wait_for(&f, f.device->state == DEVICE_STREAMING);
        fixture_settle(&f);
        g_assert_cmpuint(fake_char(f.fake, RECORD)->reads, ==, 0);
        fixture_tear_down(&f);
}

/* However many characteristics are only read: one sentence names them all. */
static void test_unread_said_in_one_sentence(void) {
        if (g_test_subprocess()) {
                stream_twice(&pen_with_level_case);
                return;
        }

        g_test_trap_subprocess(NULL, 0, 0);
        g_test_trap_assert_passed();
        g_test_trap_assert_stderr("*warning: \"My pen\" tells level, record only when read*AllowBroadcast=yes*");
        g_test_trap_assert_stderr_unmatched("*only when read*only when read*");
}

/* Nothing in it has a meaning: a session misses nothing. */
static void test_unread_without_meaning_is_no_warning(void) {
        if (g_test_subprocess()) {
                stream_twice(&pen_with_record_case);
                return;
        }

        g_test_trap_subprocess(NULL, 0, 0);
        g_test_trap_assert_passed();
        g_test_trap_assert_stderr("*\"My pen\" tells record only when read*");
        g_test_trap_assert_stderr_unmatched("*warning: \"My pen\" tells*");
}

#define ADD(name, data, function) g_test_add("/link-vendor/" name, Fixture, &(data), set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (g_getenv("NEEDLED_DEBUG"))
                log_set_max_level(LOG_DEBUG);
        ADD("adopt-and-stream", pen_case, test_adopt_and_stream);
        ADD("comes-back-by-itself", pen_case, test_comes_back_by_itself);
        ADD("indication-is-not-broadcast", pen_case, test_indication_is_not_broadcast);
        ADD("indication-if-allowed", pen_broadcast_case, test_indication_if_allowed);
        ADD("refused-if-it-only-broadcasts", indicating_case, test_refused_if_it_only_broadcasts);
        ADD("measurement-is-not-read", pen_with_level_case, test_measurement_is_not_read);
        ADD("refused-if-it-only-is-read", polled_private_case, test_refused_if_it_only_is_read);
        ADD("polled", polled_case, test_polled);
        ADD("poll-survives-a-failure", polled_case, test_poll_survives_a_failure);
        ADD("poll-ends-where-reading-is-not-permitted", polled_case, test_poll_ends_where_reading_is_not_permitted);
        ADD("not-polled-while-it-notifies", both_ways_case, test_not_polled_while_it_notifies);
        ADD("nothing-to-follow", useless_case, test_nothing_to_follow);
        ADD("held-by-another", pen_case, test_held_by_another);
        ADD("let-go-meanwhile", notifying_case, test_let_go_meanwhile);
        ADD("actions-on-connect", pen_case, test_actions_on_connect);
        ADD("action-refused", pen_case, test_action_refused);
        ADD("forgotten-while-it-is-read", polled_case, test_forgotten_while_it_is_read);
        ADD("forgotten-while-it-is-told", pen_case, test_forgotten_while_it_is_told);
        ADD("found-by-maker", brush_case, test_found_by_maker);
        ADD("restored", pen_case, test_restored);
        ADD("profile-is-gone", pen_case, test_profile_is_gone);
        ADD("battery-of-a-value", pen_case, test_battery_of_a_value);
        g_test_add_func("/link-vendor/stranger", test_stranger);
        g_test_add_func("/link-vendor/model-decides", test_model_decides);
        g_test_add_func("/link-vendor/said-once", test_said_once);
        g_test_add_func("/link-vendor/unread-said-in-one-sentence", test_unread_said_in_one_sentence);
        g_test_add_func("/link-vendor/unread-without-meaning-is-no-warning", test_unread_without_meaning_is_no_warning);
        return g_test_run();
}
