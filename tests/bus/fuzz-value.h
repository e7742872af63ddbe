/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Arguments of calls as nobody would make them: of the right types, and of any. The same dice throw the same values. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef struct Dice {
        GRand *rand;
        const GPtrArray *paths;         /* of objects that are there */
        const GArray *ids;              /* uint64_t: of sessions that are there */
        unsigned n_fds;                 /* that the message has already */
        bool many;                      /* it has one array of very many already: a bus takes 128 MiB at most */
        int bus_fd;                     /* the caller's own way to the bus, passed like any other descriptor */
} Dice;

unsigned dice_below(Dice *dice, unsigned n);
/* One of the objects that are there, or a path of none. */
char *dice_path(Dice *dice);
/* A text that somebody could type, or would never. */
char *dice_text(Dice *dice);
/* A valid signature of a few types. */
char *dice_signature(Dice *dice);
/* Appends values of these types. Errors: as of sd_bus_message_append(), which does not take what no bus would carry. */
int dice_append(Dice *dice, sd_bus_message *m, const char *types);
