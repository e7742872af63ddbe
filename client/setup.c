/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/setup.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/device-view.h"
#include "client/format.h"
#include "client/json.h"
#include "client/output.h"
#include "client/plan.h"
#include "client/prompt.h"
#include "client/search.h"
#include "client/service.h"
#include "client/table.h"
#include "client/text.h"
#include "client/verbs.h"

/* Nothing is written down: what is done already, the service shows. */

#define SETTLE_USEC (3 * SECOND_USEC)   /* the nearest is not always the first that is heard */
#define WAIT_SECONDS 60
#define ALIAS_MAX 64                    /* characters that the service takes */
#define LOOK_USEC (SECOND_USEC / 5)

typedef struct Setup {
        Client *client;
        uint64_t search_sec, wait_sec;
        char *path;             /* of the device; NULL: not chosen yet */
        char *title;
        char *name;             /* that it has by itself; NULL: none that would do as an alias */
        bool adopted;
        int64_t owner;          /* of one that is adopted */
} Setup;

static void setup_done(Setup *s) {
        g_free(s->path);
        g_free(s->title);
        g_free(s->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Setup, setup_done)

static void say_step(unsigned n, const char *what, const char *verb) {
        output_say("%u of 5  %s (needlectl %s)", n, what, verb);
}

/* One of the other verbs, with this argument. */
static Exit run_verb(Setup *s, Exit (*verb)(Client *client), char *argument) {
        char *args[] = { argument, NULL };
        Exit e;

        s->client->args = args;
        s->client->n_args = argument ? 1 : 0;
        e = verb(s->client);
        s->client->args = NULL;
        s->client->n_args = 0;
        return e;
}

static void choose(Setup *s, const json_t *device) {
        const char *name = json_text(device, "name");
        g_autofree char *printable = text_printable_utf8(name);

        g_free(s->path);
        g_free(s->title);
        g_free(s->name);
        s->name = *name && strcmp(printable, name) == 0 && g_utf8_strlen(name, -1) <= ALIAS_MAX ? g_strdup(name) : NULL;
        s->path = g_strdup(json_text(device, "path"));
        s->title = g_strdup(objects_device_title(device));
        s->adopted = json_is_true(json_object_get(device, "adopted"));
        s->owner = json_number(device, "owner");
}

/* ---- Which device ---- */

static void print_choice(const json_t *devices) {
        static const char *const titles[] = { ">", "DEVICE", "ADDRESS", "KIND", ">SIGNAL" };
        g_autoptr(Table) table = table_new(titles, G_N_ELEMENTS(titles));
        g_autofree char *text = NULL;
        const json_t *device;
        size_t i;

        json_array_foreach((json_t *) devices, i, device) {
                const json_t *rssi = json_object_get(device, "rssi");
                g_autofree char *number = g_strdup_printf("%zu", i + 1);
                g_autofree char *signal = rssi ? g_strdup_printf("%" PRId64 " dBm", (int64_t) json_integer_value(rssi))
                                               : g_strdup("-");

                table_add(table, number, STYLE_BOLD);
                table_add(table, objects_device_title(device), STYLE_PLAIN);
                table_add(table, json_text(device, "address"), STYLE_PLAIN);
                table_add(table, json_text(device, "kind"), STYLE_PLAIN);
                table_add(table, signal, STYLE_PLAIN);
        }

        text = table_render(table, true, output_has_color());
        fputs(text, stderr);
}

/* NULL: stopped. */
static const json_t *ask_which(const json_t *devices, const char *first) {
        g_autofree char *question = g_strdup_printf("Which one? The first is %s. [1] ", first);

        print_choice(devices);
        for (;;) {
                g_autofree char *typed = prompt_line(question);
                uint64_t number = 1;

                if (!typed)
                        return NULL;
                if (!*typed || format_parse_unsigned(typed, 1, json_array_size(devices), &number) == 0)
                        return json_array_get(devices, (size_t) number - 1);
                output_error("Type a number from 1 to %zu.", json_array_size(devices));
        }
}

static Exit search(Setup *s) {
        json_auto *found = json_array();
        const json_t *device;
        Exit e;

        say_step(1, "Search for the device", "search");
        e = search_run(s->client, s->search_sec, SETTLE_USEC, false, &found);
        if (e != EXIT_DONE || prompt_interrupted())
                return e != EXIT_DONE ? e : EXIT_FAILED;
        if (json_array_size(found) == 0) {
                output_error("No device was found. Switch it on, put it in pairing mode, bring it nearer, and end its "
                             "connection to a phone; "
                             "'needlectl doctor' looks at Bluetooth.");
                return EXIT_NOT_FOUND;
        }

        device = ask_which(found, json_array_size(found) > 1 ? "the nearest by its signal" : "the only one that was found");
        if (!device)
                return EXIT_FAILED;
        choose(s, device);
        return EXIT_DONE;
}

static json_t *adopted_devices(const Objects *objects) {
        json_t *adopted = json_array(), *device;
        size_t i;

        json_array_foreach(objects->devices, i, device)
                if (json_is_true(json_object_get(device, "adopted")))
                        json_array_append(adopted, device);

        return adopted;
}

/* The one that was named, or one that is adopted already, or one that is to be found. */
static Exit find(Setup *s, const char *typed) {
        g_auto(Objects) objects = {};
        json_auto *adopted = NULL;
        const json_t *device = NULL;
        Exit e;

        e = client_objects(s->client, &objects);
        if (e != EXIT_DONE)
                return e;
        if (typed) {
                e = client_device(&objects, typed, &device);
                if (e == EXIT_DONE)
                        choose(s, device);
                return e;
        }

        adopted = adopted_devices(&objects);
        if (json_array_size(adopted) == 0)
                return search(s);
        if (objects_only_device(&objects, &device) < 0)
                device = ask_which(adopted, "the first by name");
        if (!device)
                return EXIT_FAILED;
        choose(s, device);
        output_say("1 of 5  %s is found already; for another one: needlectl search, and needlectl setup DEVICE", s->title);
        return EXIT_DONE;
}

/* ---- Adopt ---- */

static Exit adopted_already(const Setup *s) {
        const struct passwd *user = getpwuid((uid_t) s->owner);
        g_autofree char *number = g_strdup_printf("user %" PRId64, s->owner);
        const char *owner = user ? user->pw_name : number;

        output_say("2 of 5  %s is adopted already.", s->title);
        if (s->owner == (int64_t) getuid())
                return EXIT_DONE;

        if (getuid() == 0) {    /* to whom all is open */
                output_say("It belongs to %s, and so do its sessions.", owner);
                return EXIT_DONE;
        }
        output_error("It belongs to %s, and so do its sessions. To have it for your own, let %s type 'needlectl forget %s' first.",
                     owner, owner, s->title);
        return EXIT_NOT_AUTHORISED;
}

static Exit adopt(Setup *s) {
        g_autofree char *question = g_strdup_printf("What shall it be called? [%s] ", s->title), *alias = NULL;
        g_auto(Objects) objects = {};
        const json_t *device;
        Exit e;

        if (s->adopted)
                return adopted_already(s);

        say_step(2, "Adopt it: it becomes yours", "adopt");
        alias = prompt_line(question);
        if (!alias)
                return EXIT_FAILED;
        s->client->options.value[OPTION_ALIAS] = *alias ? alias : s->name; /* or its sessions would have its address alone */
        e = run_verb(s, verb_adopt, s->path);
        s->client->options.value[OPTION_ALIAS] = NULL;
        prompt_catch_interrupt(); /* it was the pairing's */
        if (e != EXIT_DONE)
                return e;

        e = client_objects(s->client, &objects);
        device = e == EXIT_DONE ? objects_at(objects.devices, s->path) : NULL;
        if (device)
                choose(s, device);
        return e;
}

/* ---- What to know ---- */

static Exit acknowledge(Setup *s) {
        json_auto *plan = NULL;
        g_autofree char *when = NULL;
        Exit e;

        e = plan_get(s->client, &plan);
        if (e != EXIT_DONE)
                return e;
        if (json_object_get(plan, "acknowledged_at")) {
                when = format_time((uint64_t) json_number(plan, "acknowledged_at"));
                output_say("3 of 5  The contraindications were acknowledged on %s.", when);
                return EXIT_DONE;
        }

        say_step(3, "What sources name as contraindications", "acknowledge");
        e = run_verb(s, verb_acknowledge, NULL);
        if (e == EXIT_UNREACHABLE || prompt_interrupted())
                return e != EXIT_DONE ? e : EXIT_FAILED;
        if (e != EXIT_DONE)
                output_say("Sessions run without it too, and are marked.");
        return EXIT_DONE;
}

static Exit show_plan(Setup *s) {
        json_auto *plan = NULL;
        Exit e;

        say_step(4, "The minimum rest between sessions, by needle depth", "plan");
        e = plan_get(s->client, &plan);
        if (e != EXIT_DONE)
                return e;

        plan_print_rules(plan);
        e = run_verb(s, verb_plan, NULL);
        (void) fflush(stdout);
        return e;
}

/* ---- Test ---- */

static Exit wait_for_device(Setup *s) {
        int64_t deadline = g_get_monotonic_time() + (int64_t) (s->wait_sec * SECOND_USEC);
        g_autofree char *reason = NULL;

        while (!prompt_interrupted()) {
                g_auto(Objects) objects = {};
                const json_t *device;
                Exit e = client_objects(s->client, &objects);

                if (e != EXIT_DONE)
                        return e;
                device = objects_at(objects.devices, s->path);
                if (!device) {
                        output_error("%s is gone: somebody forgot it.", s->title);
                        return EXIT_NOT_FOUND;
                }
                if (objects_device_is_connected(device))
                        return EXIT_DONE;

                g_free(reason);
                reason = device_view_reason(device, client_now());
                if (!reason)
                        reason = g_strdup(json_text(device, "state"));
                if (g_get_monotonic_time() >= deadline)
                        break;
                g_usleep(LOOK_USEC);
        }
        if (!prompt_interrupted())
                output_error("%s is adopted, but not connected (%s). Switch it on and bring it near.", s->title, reason);

        return EXIT_FAILED;
}

static Exit identify(Setup *s) {
        for (unsigned i = 0; i < 2; i++) {
                Exit e = run_verb(s, verb_identify, s->path);

                if (e == EXIT_UNREACHABLE || prompt_interrupted())
                        return e != EXIT_DONE ? e : EXIT_FAILED;
                if (e != EXIT_DONE) /* it has told why; not every device can */
                        return EXIT_DONE;

                switch (prompt_yes("Did it show itself, by light, sound or vibration?")) {
                case ANSWER_YES:
                        return EXIT_DONE;
                case ANSWER_STOP:
                        return EXIT_FAILED;
                case ANSWER_NO:
                        break;
                }
        }

        output_error("Then another device may have been adopted: 'needlectl devices' shows its address, 'needlectl "
                     "forget %s' drops it.", s->title);
        return EXIT_FAILED;
}

static Exit tare(Setup *s) {
        g_autofree char *typed = prompt_line("Lay it down, its motor off and nothing at its tip, and press Enter: ");
        Exit e;

        if (!typed)
                return EXIT_FAILED;
        e = run_verb(s, verb_tare, s->path);
        if (e == EXIT_UNREACHABLE || prompt_interrupted())
                return e != EXIT_DONE ? e : EXIT_FAILED;
        return EXIT_DONE;
}

static Exit test(Setup *s) {
        Exit e;

        say_step(5, "A test of the device", "identify, tare, watch");
        e = wait_for_device(s);
        if (e == EXIT_DONE)
                e = identify(s);
        if (e == EXIT_DONE)
                e = tare(s);
        if (e != EXIT_DONE)
                return e;

        output_say("Press its tip once against something soft that is not skin; this test is not kept.");
        return setup_test_press(s->client, s->path, s->wait_sec);
}

static Exit maybe_test(Setup *s) {
        g_autofree char *question = g_strdup_printf("Test %s now?", s->title);

        switch (prompt_yes(question)) {
        case ANSWER_YES:
                return test(s);
        case ANSWER_NO:
                output_say("5 of 5  The test is left out.");
                return EXIT_DONE;
        case ANSWER_STOP:
                break;
        }

        return EXIT_FAILED;
}

/* ---- All ---- */

static Exit run(Setup *s, const char *typed) {
        Exit e;

        e = search_check_bluetooth(s->client);
        if (e == EXIT_DONE)
                e = find(s, typed);
        if (e == EXIT_DONE)
                e = adopt(s);
        if (e == EXIT_DONE)
                e = acknowledge(s);
        if (e == EXIT_DONE)
                e = show_plan(s);
        if (e == EXIT_DONE)
                e = maybe_test(s);

        return e;
}

Exit verb_setup(Client *client) {
        g_auto(Setup) setup = { .client = client };
        g_autofree char *typed = g_strdup(client_arg(client, 0));
        Exit e;

        if (client_wants_json(client) || !prompt_possible()) {
                output_error("Setup asks, and needs a terminal. Elsewhere, in this order: needlectl search, adopt "
                             "DEVICE --alias=NAME, "
                             "acknowledge VERSION, plan, identify, tare, watch.");
                return EXIT_USAGE;
        }
        e = options_number(&client->options, OPTION_SECONDS, 1, SEARCH_SECONDS_MAX, SEARCH_SECONDS_DEFAULT, &setup.search_sec);
        if (e == EXIT_DONE)
                e = options_number(&client->options, OPTION_SECONDS, 1, SEARCH_SECONDS_MAX, WAIT_SECONDS, &setup.wait_sec);
        if (e != EXIT_DONE)
                return e;

        prompt_catch_interrupt();
        e = run(&setup, typed);
        if (e == EXIT_DONE)
                output_say("All is set up. Use %s: a session begins by itself, and 'needlectl watch' shows it.", setup.title);
        else
                output_error("Setup is not through; nothing is half done. 'needlectl setup' goes on from here.");

        return e;
}
