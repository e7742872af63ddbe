/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A device that plays a tape: what came from the device comes again, at its times. It begins a second after the last of
 * the first subscriptions, and again with every `start`; between and after that it rests. What the tape says of writes
 * and of the link is passed over: the client's own are others. A value that is longer than the MTU allows is counted as
 * refused. */

#include "needled/tape.h"
#include "peripheral.h"
#include "profiles/file.h"

#define TAPE_FILE_SIZE_MAX (64u * 1024u * 1024u)

typedef struct TapeFrame {
        uint64_t time_usec;
        uint8_t channel;
        uint16_t size;
        size_t at;                      /* in `octets` */
} TapeFrame;

typedef struct TapeFile {
        TapeHead head;
        GArray *frames;                 /* TapeFrame, from the device alone */
        GByteArray *octets;
        uint64_t length_usec;           /* time of the last line */
} TapeFile;

/* What comes before a wrong line is used: then it returns 0 and *ret_problem says file, line and reason, else it is
 * NULL. Errors: -EBADMSG no tape, or nothing on it that a device sent, -EFBIG, else as open(); *ret_problem says why.
 * To be freed. */
int tape_file_load(const char *path, TapeFile **ret, char **ret_problem);
TapeFile *tape_file_free(TapeFile *file);

typedef struct TapePlay {
        const TapeFile *file;
        const ProfileFile *profile;     /* of its head's profile; NULL: "omp1" */
        bool loop;
} TapePlay;

/* PeripheralConfig.from: a const TapePlay *. */
Peripheral *peripheral_tape_make(const PeripheralConfig *config, const PeripheralOps *ops, void *userdata);
