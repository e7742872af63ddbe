/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* EmitsChangedSignal says what is so: each property that the daemon introspects is changed, and what is told of it is compared
 * with its annotation. */

#include <string.h>

#include "autoptr.h"
#include "stage.h"

#define EMITS "org.freedesktop.DBus.Property.EmitsChangedSignal"

typedef struct Property {
        char *name, *emits;
        char *before;                   /* its value */
} Property;

typedef struct Listing {
        const char *interface;          /* whose properties are wanted */
        bool inside;
        GArray *properties;
} Listing;

static void property_clear(void *data) {
        Property *p = data;

        g_free(p->name);
        g_free(p->emits);
        g_free(p->before);
}

static const char *attribute(const char **names, const char **values, const char *name) {
        for (unsigned i = 0; names[i]; i++)
                if (g_str_equal(names[i], name))
                        return values[i];

        return "";
}

static void on_start(GMarkupParseContext *context, const char *element, const char **names, const char **values, void *userdata,
                     GError **error) {
        Listing *l = userdata;
        const Property property = { .name = g_strdup(attribute(names, values, "name")), .emits = g_strdup("true") };

        if (g_str_equal(element, "interface"))
                l->inside = g_str_equal(property.name, l->interface);
        if (l->inside && g_str_equal(element, "property")) {
                g_array_append_val(l->properties, property);
                return;
        }
        if (l->inside && g_str_equal(property.name, EMITS) && l->properties->len > 0) { /* methods have none */
                Property *last = &g_array_index(l->properties, Property, l->properties->len - 1);

                g_free(last->emits);
                last->emits = g_strdup(attribute(names, values, "value"));
        }
        g_free(property.name);
        g_free(property.emits);
}

static GArray *introspect(const char *path, const char *interface) {
        static const GMarkupParser parser = { .start_element = on_start };
        g_autoptr(FakeCall) c = call(OTHER, path, "org.freedesktop.DBus.Introspectable", "Introspect", "");
        Listing listing = { .interface = interface, .properties = g_array_new(FALSE, FALSE, sizeof(Property)) };
        GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, &listing, NULL);
        const char *xml;

        g_array_set_clear_func(listing.properties, property_clear);
        g_assert_cmpint(sd_bus_message_read(expect(c, NULL), "s", &xml), >, 0);
        g_assert_true(g_markup_parse_context_parse(context, strstr(xml, "<node"), -1, NULL));
        g_markup_parse_context_free(context);
        for (unsigned i = 0; i < listing.properties->len; i++) {
                Property *p = &g_array_index(listing.properties, Property, i);

                p->before = stage_property(OTHER, path, interface, p->name);
        }
        return listing.properties;
}

/* All that was told of the object's properties. */
static char *told_of(const char *path) {
        GString *s = g_string_new(NULL);

        for (unsigned i = 0; i < stage->fb->signals->len; i++) {
                sd_bus_message *m = stage->fb->signals->pdata[i];
                g_autofree char *text = NULL;

                if (!g_str_equal(sd_bus_message_get_path(m), path) ||
                    !g_str_equal(sd_bus_message_get_member(m), "PropertiesChanged"))
                        continue;
                g_assert_cmpint(sd_bus_message_rewind(m, true), >=, 0);
                text = stage_print(m);
                g_assert_true(g_str_has_suffix(text, "} []")); /* none of ours is invalidated without its value */
                g_string_append(s, text);
        }

        return g_string_free(s, FALSE);
}

static bool has(const char *told, const char *before, const char *name, const char *value, const char *behind) {
        g_autofree char *part = g_strconcat(before, name, ": ", value, behind, NULL);

        return strstr(told, part);
}

static bool is_told(const char *told, const char *name, const char *value) {
        return has(told, "{", name, value, ",") || has(told, "{", name, value, "}") || has(told, ", ", name, value, ",") ||
               has(told, ", ", name, value, "}");
}

static bool is_named(const char *told, const char *name) {
        return has(told, "{", name, "", "") || has(told, ", ", name, "", "");
}

/* Those with "true" have another value now, and it was told; the others have the same, and were not mentioned. */
static void check(GArray *properties, const char *path, const char *interface, unsigned n_told, unsigned n_const) {
        g_autofree char *told = told_of(path);

        for (unsigned i = 0; i < properties->len; i++) {
                const Property *p = &g_array_index(properties, Property, i);
                g_autofree char *now = stage_property(OTHER, path, interface, p->name);

                g_test_message("%s.%s (%s): %s, then %s", interface, p->name, p->emits, p->before, now);
                if (g_str_equal(p->emits, "true")) {
                        n_told--;
                        g_assert_cmpstr(now, !=, p->before);
                        g_assert_true(is_told(told, p->name, now));
                } else {
                        g_assert_cmpstr(p->emits, ==, "const");
                        n_const--;
                        g_assert_cmpstr(now, ==, p->before);
                        g_assert_false(is_named(told, p->name));
                }
        }
        g_assert_cmpuint(n_told, ==, 0);
        g_assert_cmpuint(n_const, ==, 0);
        g_array_unref(properties);
}

static void test_manager(void) {
        GArray *properties;

        stage_new();
        properties = introspect("/org/needled", MANAGER);
        stage->bluetooth = LINK_BLUETOOTH_OFF;
        bus_bluetooth_changed(stage->bus);
        stage->storage = STORE_DEGRADED;
        bus_storage_changed(stage->bus);
        call_expect(NULL, ROOT, "/org/needled", MANAGER, "Search", "a{sv}", 0);
        fake_bus_settle(stage->fb);
        check(properties, "/org/needled", MANAGER, 4, 2);
        stage_free();
}

static bool rssi_is_told(void) {
        g_autofree char *told = told_of(DEVICE_PATH);

        return is_named(told, "Rssi");
}

static void test_device(void) {
        GArray *properties;
        Device *d;

        stage_new();
        d = &stage->device;
        properties = introspect(DEVICE_PATH, DEVICE);
        (void) stage_session(); /* Session */
        d->address = (char *) "C0:FF:EE:12:34:57";
        d->address_type = (char *) "public";
        d->adapter = (char *) "00:AA:01:00:00:01";
        d->name = (char *) "OMP Roller";
        d->manufacturer = (char *) "Other";
        d->model = (char *) "P2";
        d->serial = (char *) "0043";
        d->firmware = (char *) "2.0";
        d->profile_id = (char *) "omp1";
        d->feature.kind = OMP_KIND_ROLLER;
        d->feature.bits = OMP_FEATURE_FORCE;
        d->adopted = d->bonded = d->auto_connect = false;
        d->state = DEVICE_WAITING;
        d->reason = DEVICE_REASON_AWAY;
        d->state_since_usec++;
        d->retry_at_usec++;
        d->battery = 3;
        d->rssi = -70;
        d->sync.total = 7;
        device_set_alias(d, "Other"); /* identity */
        device_set_owner(d, OTHER_UID);
        bus_device_changed(stage->bus, d, DEVICE_CHANGED_STATE);
        bus_device_changed(stage->bus, d, DEVICE_CHANGED_BATTERY);
        bus_device_changed(stage->bus, d, DEVICE_CHANGED_SYNC);
        fake_bus_settle(stage->fb);
        bus_device_changed(stage->bus, d, DEVICE_CHANGED_RSSI); /* lazily */
        fake_bus_until(stage->fb, rssi_is_told());
        check(properties, DEVICE_PATH, DEVICE, 24, 0);
        stage_free();
}

static void test_session(void) {
        GArray *properties;
        Session *s;

        stage_new();
        s = stage_session();
        properties = introspect(SESSION_PATH, SESSION);
        call_expect(NULL, OWNER, SESSION_PATH, SESSION, "SetStage", "s", "needling");
        s->start_realtime_usec++; /* as by what came before the start */
        g_autoptr(FakeCall) c = call(OWNER, SESSION_PATH, SESSION, "Finish", "");
        fake_bus_until(stage->fb, stage->ended);
        stage_session_durable();
        (void) expect(c, NULL);
        check(properties, SESSION_PATH, SESSION, 4, 4);
        stage_session_remove();
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/emits/manager", test_manager);
        g_test_add_func("/emits/device", test_device);
        g_test_add_func("/emits/session", test_session);
        return g_test_run();
}
