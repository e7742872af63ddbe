/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/match.h"
#include "client/output.h"
#include "client/session-filter.h"
#include "client/text.h"
#include "client/verbs.h"

const Verb verbs[] = {
        { "status", "", "Bluetooth, devices, session and storage at a glance", NULL, 0, 0, 0, verb_status },
        { "devices", "", "List the devices that are adopted, and those that a search found", NULL, 0, 0, 0,
          verb_devices },
        { "search", "", "Look for devices nearby",
          "Devices that are found stay known for a minute after the search, long enough to adopt one.\n"
          "Exits with 3 if there was none.",
          0, 0, OPTION_BIT(OPTION_SECONDS), verb_search },
        { "adopt", "DEVICE", "Bond with a device that was found, and keep it",
          "Put the device in pairing mode first. From then on it is yours: needled connects to it by itself\n"
          "whenever it is switched on. DEVICE is an address, a name, or the beginning of one.\n"
          "On a terminal you are asked for digits if the device shows or takes any; elsewhere only devices that\n"
          "pair without (Just Works) can be adopted.\n"
          "Of a device that is adopted already and whose bond is lost, it makes a new bond: all else stays.",
          1, 1, OPTION_BIT(OPTION_ALIAS) | OPTION_BIT(OPTION_ALLOW_UNBONDED), verb_adopt },
        { "forget", "DEVICE", "Drop a device and its bond; its sessions stay", NULL, 1, 1, 0, verb_forget },
        { "connect", "[DEVICE]", "Connect to a device now, also to one that was let go", NULL, 0, 1, 0, verb_connect },
        { "release", "[DEVICE]", "Let go of a device, so that a phone can have it",
          "needled keeps away from it for that long, or until 'needlectl connect', over restarts of the computer\n"
          "too. Without --seconds and --for it is ReleaseTime of needled.conf, which is until 'needlectl connect'\n"
          "if nobody has set it; --seconds=0 is until 'needlectl connect' in any case.",
          0, 1, OPTION_BIT(OPTION_SECONDS) | OPTION_BIT(OPTION_FOR), verb_release },
        { "autoconnect", "[DEVICE] on|off", "Whether needled connects to a device by itself",
          "DEVICE may be left out if there is only one.", 1, 2, 0, verb_autoconnect },
        { "alias", "DEVICE NAME", "Call a device by a name of your own",
          "An empty NAME takes the alias away.", 2, 2, 0, verb_alias },
        { "identify", "[DEVICE]", "Let a device show itself, by light, sound or vibration", NULL, 0, 1, 0, verb_identify },
        { "tare", "[DEVICE]", "Take what a device measures now for no force",
          "It must be still, away from the skin, with its motor off.", 0, 1, 0, verb_tare },
        { "stop-motor", "[DEVICE]", "Stop the motor of a device now",
          "Works at any time. Nothing starts a motor but the button of the device.", 0, 1, 0, verb_stop_motor },
        { "get", "[PARAMETER...]", "Show the parameters of a device: limits, feedback, how often it measures",
          "All that it has, or those that are named. They are asked of the device itself.", 0, INT_MAX,
          OPTION_BIT(OPTION_DEVICE), verb_get },
        { "set", "PARAMETER=VALUE...", "Set parameters of a device",
          "It keeps them until it is switched off; what needled.conf names in [Limits], and TimeLimit, is written on\n"
          "each connection. If one is wrong, none is set. Forces are in mN: needlectl set overpressure_mn=2500",
          1, INT_MAX, OPTION_BIT(OPTION_DEVICE), verb_set },
        { "start", "[DEVICE]", "Begin a session by hand",
          "Usually a session begins by itself when the device is used.\n"
          "DEVICE may be left out if there is only one.",
          0, 1,
          OPTION_BIT(OPTION_SUBJECT) | OPTION_BIT(OPTION_AREA) | OPTION_BIT(OPTION_PRODUCT) |
                  OPTION_BIT(OPTION_NOTE),
          verb_start },
        { "stage", "[NAME [SESSION]]", "Say where the procedure is, or show what each stage asks for",
          "NAME is cleanse, numb, needling, aftercare, or none. Without it, each stage is shown with what the sources\n"
          "say and what the record does with it; '*' stands before the one that the session is in.\n"
          "SESSION is an id, the beginning of a UUID, or a device; it may be left out if there is only one.",
          0, 2, 0, verb_stage },
        { "area", "[NAME [SESSION]]", "Say which area of the body is worked on from now on",
          "Without NAME, the areas are listed; '*' stands before the one that counts now.\n"
          "While the device itself tells an area, that one counts.",
          0, 2, 0, verb_area },
        { "mark", "TEXT [SESSION]", "Keep a remark with the moment at which it was made", NULL, 1, 2, 0, verb_mark },
        { "pause", "[SESSION]", "Pause a live session",
          "SESSION is an id, the beginning of a UUID, or a device; it may be left out if there is only one.",
          0, 1, 0, verb_pause },
        { "resume", "[SESSION]", "Go on with a paused session", NULL, 0, 1, 0, verb_resume },
        { "finish", "[SESSION]", "End a live session, and keep it",
          "Prints its figures when it is safely stored.", 0, 1, 0, verb_finish },
        { "discard", "[SESSION]", "End a live session without a trace", NULL, 0, 1, 0, verb_discard },
        { "watch", "[SESSION|DEVICE]", "Follow a session live",
          "Waits for one if there is none, and goes on to the next. 'q' leaves.\n"
          "Where stdout is no terminal it prints a line a second; with --json one object for each record.",
          0, 1, OPTION_BIT(OPTION_UNTIL_END), verb_watch },
        { "record", "[SESSION|DEVICE]", "Record a live session as a tape",
          "Waits for a session if there is none, and ends with it, or by Ctrl-C. A tape is text: all that the\n"
          "device sent, line by line, for 'needlectl replay', for bug reports and for tests.",
          0, 1, OPTION_BIT(OPTION_OUTPUT) | OPTION_BIT(OPTION_FORCE), verb_record },
        { "sessions", "", "List the sessions that were kept, newest first", NULL, 0, 0,
          SESSION_FILTER_OPTIONS, verb_sessions },
        { "show", "ID", "Show the figures of a session, and what happened in it",
          "ID is the number that 'needlectl sessions' lists, or that of a live session.", 1, 1, 0,
          verb_show },
        { "annotate", "ID KEY=VALUE...", "Label a session, live or stored",
          "Keys are subject, area, product, note and rating (1 to 5). An empty value takes a label away.\n"
          "area= is what the whole session is called by; 'needlectl area' says where the device is now.",
          2, INT_MAX, 0, verb_annotate },
        { "plan", "", "Show when the minimum rest is over, and why",
          "From the sessions that were recorded, by needle depth and area. It reminds, it is no advice: docs/session.md says where the\n"
          "rules come from.",
          0, 0, OPTION_BIT(OPTION_SUBJECT) | OPTION_BIT(OPTION_AREA), verb_plan },
        { "acknowledge", "[VERSION]", "Read the list of contraindications, and acknowledge it",
          "Asks on a terminal; elsewhere the VERSION of the list that was read must be named. Exits with 2 if it is acknowledged\n"
          "already. Sessions run without it too, and are marked.",
          0, 1, 0, verb_acknowledge },
        { "export", "[ID...]", "Write stored sessions as tapes, JSON or CSV",
          "Those that are named, or those that --since, --until, --device, --subject, --area, --owner or --all choose.\n"
          "One session goes to stdout, or to the file that --output names. If there are several, or --output\n"
          "names a folder, each goes to a file of its own, session-ID.FORMAT, in that folder or in this one; where\n"
          "--output ends in .tar, .tar.gz, .tar.zst or .zip, all go into that archive.\n"
          "--follow waits for sessions of yours to end, writes each into DIR once, and begins with those that are not\n"
          "there yet. docs/record.md describes the formats.",
          0, INT_MAX,
          SESSION_FILTER_OPTIONS | OPTION_BIT(OPTION_FORMAT) | OPTION_BIT(OPTION_OUTPUT) | OPTION_BIT(OPTION_FORCE) |
                  OPTION_BIT(OPTION_RESAMPLE) | OPTION_BIT(OPTION_FROM) | OPTION_BIT(OPTION_TO) | OPTION_BIT(OPTION_FOLLOW),
          verb_export },
        { "import", "FILE...", "Take sessions in that were exported",
          "Tapes, sessions as JSON, and archives of both; '-' is stdin. They become yours, and their figures are\n"
          "computed again. A file is taken in whole or not at all; of a session that is here already nothing changes.\n"
          "Exits with 1 if one could not be taken in, with 2 if all were here already.",
          1, INT_MAX, 0, verb_import },
        { "delete", "ID...", "Erase stored sessions for good",
          "Asks on a terminal; elsewhere --yes has to say it. What no program can reach (backups, snapshots, worn\n"
          "cells of a flash disk) is named in docs/record.md.",
          1, INT_MAX, OPTION_BIT(OPTION_YES), verb_delete },
        { "erase", "", "Erase all your sessions for good, and what you set and acknowledged",
          "Says how many, and what may remain. --owner names another user, or all. --copies erases instead the files\n"
          "that were put aside because they were damaged. Asks on a terminal; elsewhere --yes has to say it.",
          0, 0, OPTION_BIT(OPTION_OWNER) | OPTION_BIT(OPTION_COPIES) | OPTION_BIT(OPTION_YES), verb_erase },
        { "verify", "ID|FILE...", "Compute the figures of a session again from its record",
          "Exits with 1 if those that are stored are others, and lists them side by side. Of a tape in a file\n"
          "the figures are printed.",
          1, INT_MAX, 0, verb_verify },
        { "replay", "FILE", "Play a tape as if it were live",
          "The live view of 'watch', its lines or its JSON records, from a tape instead of a device; with\n"
          "--speed 0 the figures alone. Works without the service. '-' reads the tape from stdin.",
          1, 1, OPTION_BIT(OPTION_SPEED), verb_replay },
        { "profile", "ACTION [ID|FILE...]", "Vendor profiles: which there are, and whether they are right",
          "list             those of this host, and which file wins\n"
          "show ID|FILE     what one matches, decodes and does\n"
          "lint FILE...     check files, alone and together, and run their tests; exits with 1 if there is a problem\n"
          "try ID|FILE      what it makes of a packet (--char and --hex), or of those on a tape (--tape)\n"
          "All work without the service.",
          0, INT_MAX, OPTION_BIT(OPTION_CHAR) | OPTION_BIT(OPTION_HEX) | OPTION_BIT(OPTION_TAPE), verb_profile },
        { "doctor", "", "Look for what is wrong, and say what helps",
          "Bluetooth, adapters, each adopted device, storage, clock, vendor profiles and the service itself; also\n"
          "when it does not answer. Below each finding that is not fine stands what helps: a command, or a sentence.\n"
          "Exits with 1 if something fails, with 5 if the service does not answer.",
          0, 0, 0, verb_doctor },
        { "version", "", "Show the versions of this program and of the service", NULL, 0, 0, 0,
          verb_version },
        { "help", "[VERB]", "Show what there is, or what a verb does", NULL, 0, 1, 0, verb_help },
};

const size_t n_verbs = sizeof verbs / sizeof verbs[0];

const Verb *verb_find(const char *name) {
        const char *names[sizeof verbs / sizeof verbs[0]], *meant;

        for (size_t i = 0; i < n_verbs; i++) {
                if (strcmp(verbs[i].name, name) == 0)
                        return &verbs[i];
                names[i] = verbs[i].name;
        }

        meant = match_suggest(name, names, n_verbs);
        if (meant)
                output_error("needlectl cannot '%s'. Did you mean '%s'?", name, meant);
        else
                output_error("needlectl cannot '%s'. 'needlectl help' lists what it can.", name);

        return NULL;
}

static Exit check_usage(const Verb *verb, const Client *client) {
        for (int i = _OPTION_COMMON_MAX; i < _OPTION_MAX; i++)
                if (options_has(&client->options, (Option) i) && !(verb->options & OPTION_BIT(i))) {
                        output_error("'%s' has no option --%s. 'needlectl help %s' shows those it has.",
                                     verb->name, option_info[i].name, verb->name);
                        return EXIT_USAGE;
                }

        if (client->n_args < verb->args_min || client->n_args > verb->args_max) {
                output_error("Usage: needlectl %s%s%s", verb->name, *verb->arguments ? " " : "",
                             verb->arguments);
                return EXIT_USAGE;
        }

        return EXIT_DONE;
}

static Exit run(Client *client) {
        const Options *options = &client->options;
        const char *name = options->n_args > 0 ? options->args[0] : "status";
        const Verb *verb;
        Exit e;

        if (options_has(options, OPTION_VERSION)) {
                printf("needlectl %s\n", NEEDLED_VERSION);
                return EXIT_DONE;
        }
        if (options_has(options, OPTION_HELP) && options->n_args == 0) {
                help_print();
                return EXIT_DONE;
        }

        verb = verb_find(name);
        if (!verb)
                return EXIT_USAGE;
        if (options_has(options, OPTION_HELP)) {
                help_print_verb(verb);
                return EXIT_DONE;
        }

        client->n_args = options->n_args > 0 ? options->n_args - 1 : 0;
        client->args = options->args + (options->n_args > 0 ? 1 : 0);
        e = check_usage(verb, client);
        return e == EXIT_DONE ? verb->run(client) : e;
}

int main(int argc, char **argv) {
        Client client = {};
        Exit e, finished;

        /* The character set alone: numbers keep their point. */
        (void) setlocale(LC_CTYPE, "");
        text_set_utf8(strcmp(nl_langinfo(CODESET), "UTF-8") == 0);

        e = options_parse(argc, argv, &client.options);
        if (e != EXIT_DONE)
                return e;
        if (output_init(client.options.value[OPTION_COLOR], options_has(&client.options, OPTION_QUIET)) <
            0) {
                output_error("--color is auto, always or never, not '%s'.",
                             client.options.value[OPTION_COLOR]);
                return EXIT_USAGE;
        }

        e = run(&client);
        client_done(&client);
        finished = output_finish();
        return e == EXIT_DONE ? finished : e;
}
