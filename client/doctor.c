/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/doctor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/json.h"
#include "client/output.h"
#include "client/redact.h"
#include "client/service.h"
#include "client/terminal.h"
#include "client/text.h"
#include "client/verbs.h"

#define UNIT "needled.service"
#define SYSTEMD "org.freedesktop.systemd1"
#define STATUS_COLUMNS 6
#define CHECK_COLUMNS_MAX 30

static const DoctorAdvice not_installed = { "is not installed.",
                                            "Install needled, or run 'systemctl daemon-reload' if it was installed just now." };
static const DoctorAdvice masked = { "is masked.", "systemctl unmask needled && systemctl start needled" };
static const DoctorAdvice bad_unit = { "cannot be loaded.", "systemd-analyze verify needled.service" };
static const DoctorAdvice failed = { "has failed; 'journalctl -u needled' says why.",
                                     "systemctl reset-failed needled && systemctl start needled" };
static const DoctorAdvice failing = { "fails, and is started again and again; 'journalctl -u needled' says why.",
                                      "Do what the journal says; systemd starts needled again by itself." };
static const DoctorAdvice stopped = { "is stopped.", "systemctl start needled" };
static const DoctorAdvice starting = { "is being started or stopped.", "Wait a moment, then ask again." };
static const DoctorAdvice mute = { "runs, but does not answer.", "systemctl restart needled" };
static const DoctorAdvice unknown = { "cannot be looked at: systemd does not answer on the system bus.",
                                      "systemctl start needled" };

const DoctorAdvice *doctor_unit_advice(const DoctorUnit *unit) {
        const char *load = unit->load_state, *active = unit->active_state;

        if (*load == '\0')
                return &unknown;
        if (strcmp(load, "not-found") == 0)
                return &not_installed;
        if (strcmp(load, "masked") == 0)
                return &masked;
        if (strcmp(load, "loaded") != 0)
                return &bad_unit;
        if (strcmp(active, "failed") == 0 || (strcmp(active, "inactive") == 0 && strcmp(unit->result, "success") != 0))
                return &failed;
        if (strcmp(active, "inactive") == 0)
                return &stopped;
        if (strcmp(active, "activating") == 0 && *unit->result && strcmp(unit->result, "success") != 0)
                return &failing; /* between two starts */

        return strcmp(active, "active") == 0 ? &mute : &starting;
}

/* ---- The list ---- */

static Style status_style(const char *status) {
        return strcmp(status, "ok") == 0 ? STYLE_GOOD : strcmp(status, "warn") == 0 ? STYLE_WARN : STYLE_BAD;
}

/* A command stays in one piece, so that it can be copied. */
static bool is_sentence(const char *remedy) {
        return g_str_has_suffix(remedy, ".");
}

static char *printable_message(const char *text) {
        g_autofree char *said = redact_message(text);

        return text_printable(said);
}

char *doctor_render(const char *check, const char *status, const char *finding, const char *remedy, DoctorColumns columns) {
        g_autofree char *head = text_pad(status, STATUS_COLUMNS, false), *name = printable_message(check),
                        *said = printable_message(finding), *act = printable_message(remedy);
        unsigned column = STATUS_COLUMNS + MAX(columns.check, text_width(name) + 2);
        g_autofree char *label = text_pad(name, column - STATUS_COLUMNS, false), *text = text_wrap(said, columns.all, column);
        GString *out = g_string_new(NULL);

        g_string_append_printf(out, "%s%s%s%s%s\n", output_style(status_style(status)), head, output_style(STYLE_PLAIN), label,
                               text);
        if (*act) {
                const char *arrow = text_is_utf8() ? "\xe2\x86\x92 " : "> ";
                g_autofree char *lines = text_wrap(act, is_sentence(act) ? columns.all : 0, STATUS_COLUMNS + 2);

                g_string_append_printf(out, "%*s%s%s%s%s\n", STATUS_COLUMNS, "", arrow, output_style(STYLE_BOLD), lines,
                                       output_style(STYLE_PLAIN));
        }

        return g_string_free(out, FALSE);
}

static unsigned count(const json_t *findings, const char *status) {
        const json_t *finding;
        unsigned n = 0;
        size_t i;

        json_array_foreach((json_t *) findings, i, finding)
                n += strcmp(json_text(finding, "status"), status) == 0;

        return n;
}

static unsigned check_columns(const json_t *findings) {
        const json_t *finding;
        unsigned widest = 0;
        size_t i;

        json_array_foreach((json_t *) findings, i, finding) {
                g_autofree char *name = printable_message(json_text(finding, "check"));

                widest = MAX(widest, text_width(name) + 2);
        }

        return MIN(widest, CHECK_COLUMNS_MAX);
}

static void print(const json_t *findings) {
        DoctorColumns columns = { .check = check_columns(findings) };
        unsigned rows, fails = count(findings, "fail"), warns = count(findings, "warn");
        const json_t *finding;
        size_t i;

        if (isatty(STDOUT_FILENO))
                terminal_size(&columns.all, &rows);
        json_array_foreach((json_t *) findings, i, finding) {
                g_autofree char *lines = doctor_render(json_text(finding, "check"), json_text(finding, "status"),
                                                       json_text(finding, "finding"), json_text(finding, "remedy"), columns);

                fputs(lines, stdout);
        }

        if (fails + warns == 0)
                output_say("All is well.");
        else
                output_say("%u of %zu checks %s, %u could be better; what helps stands below each.", fails,
                           json_array_size(findings), fails == 1 ? "fails" : "fail", warns);
}

/* ---- Whom to ask ---- */

static void add(json_t *findings, const char *check, const char *status, const char *finding, const char *remedy) {
        json_array_append_new(findings, json_pack("{s:s, s:s, s:o, s:s}", "check", check, "status", status, "finding",
                                                  json_of_text(finding), "remedy", remedy));
}

/* A property of the unit, "" if it is not told; the caller frees. */
static char *unit_property(sd_bus *bus, const char *path, const char *interface, const char *name) {
        g_autofree char *value = NULL;

        if (sd_bus_get_property_string(bus, SYSTEMD, path, interface, name, NULL, &value) < 0)
                return g_strdup("");

        return g_steal_pointer(&value);
}

static const DoctorAdvice *look_at_unit(sd_bus *bus) {
        g_autoptr(sd_bus_message) reply = NULL;
        g_autofree char *load = NULL, *active = NULL, *result = NULL;
        const char *path = NULL;

        if (sd_bus_call_method(bus, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager", "LoadUnit", NULL, &reply, "s",
                               UNIT) >= 0 &&
            sd_bus_message_read(reply, "o", &path) < 0)
                path = NULL;

        load = path ? unit_property(bus, path, SYSTEMD ".Unit", "LoadState") : g_strdup("");
        active = path ? unit_property(bus, path, SYSTEMD ".Unit", "ActiveState") : g_strdup("");
        result = path ? unit_property(bus, path, SYSTEMD ".Service", "Result") : g_strdup("");
        return doctor_unit_advice(&(DoctorUnit) { load, active, result });
}

static void look_at_activation(sd_bus *bus, json_t *findings) {
        g_autoptr(sd_bus_message) reply = NULL;
        g_auto(GStrv) names = NULL;

        if (sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                               "ListActivatableNames", NULL, &reply, "") < 0 ||
            sd_bus_message_read_strv(reply, &names) < 0)
                return;

        if (names && g_strv_contains((const char *const *) names, SERVICE_NAME))
                add(findings, "activation", "ok", "The system bus starts the service when it is called.", "");
        else
                add(findings, "activation", "warn", "The system bus does not know how to start the service.",
                    "systemctl reload dbus");
}

static int call_doctor(sd_bus *bus, bool start, sd_bus_error *error, json_t **ret) {
        g_autoptr(sd_bus_message) call = NULL, reply = NULL;
        int r;

        sd_bus_error_free(error);
        r = sd_bus_message_new_method_call(bus, &call, SERVICE_NAME, SERVICE_ROOT, SERVICE_MANAGER, "Doctor");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, start);
        if (r >= 0)
                r = sd_bus_call(bus, call, 0, error, &reply);

        return r < 0 ? r : json_from_message(reply, ret);
}

/* The bus takes 25 s to see that a unit does not start: it is not asked to start one that has failed already. */
static bool may_start(const DoctorAdvice *advice) {
        return advice == &stopped || advice == &starting || advice == &unknown;
}

static void tell_unreachable(sd_bus *bus, const char *message, json_t *findings) {
        const DoctorAdvice *advice = look_at_unit(bus);
        g_autofree char *finding = g_strdup_printf("The service does not answer (%s). The unit " UNIT " %s", message,
                                                   advice->finding);

        add(findings, "service", "fail", finding, advice->remedy);
        look_at_activation(bus, findings);
}

/* Returns how the service was met; then `findings` say more, or, if there are none, the user was told. */
static Exit ask(sd_bus *bus, json_t *findings) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        json_auto *told = NULL;
        const char *message;
        Exit e;
        int r;

        r = call_doctor(bus, false, &error, &told);
        if (r < 0 && service_exit(error.name, r) == EXIT_UNREACHABLE && may_start(look_at_unit(bus)))
                r = call_doctor(bus, true, &error, &told);
        if (r >= 0) {
                add(findings, "service", "ok", "The service answers.", "");
                json_array_extend(findings, told);
                return EXIT_DONE;
        }

        message = error.message && *error.message ? error.message : g_strerror(-r);
        e = service_exit(error.name, r);
        if (e == EXIT_UNREACHABLE)
                tell_unreachable(bus, message, findings);
        else if (e == EXIT_NOT_AUTHORISED) {
                g_autofree char *finding = g_strdup_printf("The policy of the system bus lets nobody call the service (%s).",
                                                           message);

                add(findings, "service", "fail", finding, "systemctl reload dbus");
                e = EXIT_FAILED;
        } else
                (void) service_error(&error, r);

        return e;
}

Exit verb_doctor(Client *client) {
        json_auto *findings = json_array(), *reply = NULL;
        Exit e = EXIT_UNREACHABLE;
        int r;

        r = sd_bus_open_system(&client->bus);
        if (r < 0) {
                g_autofree char *finding = g_strdup_printf("The system bus cannot be reached: %s.", g_strerror(-r));

                add(findings, "system bus", "fail", finding, "systemctl start dbus");
        } else {
                service_learn(client->bus);
                e = ask(client->bus, findings);
        }
        if (json_array_size(findings) == 0)
                return e;

        if (client_wants_json(client)) {
                reply = json_pack("{s:O}", "findings", findings);
                output_json(reply);
        } else
                print(findings);

        if (e == EXIT_DONE && count(findings, "fail") > 0)
                return EXIT_FAILED;
        return e;
}
