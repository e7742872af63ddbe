/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session as JSON (docs/record.md), read piece by piece: first all but the frames, then one frame after the other, so
 * that memory does not grow with the session. What it holds is judged here: a file from anywhere is as good as a
 * hostile one. */

#include <glib.h>
#include <jansson.h>
#include <stdio.h>

#include "needled/tape.h"
#include "profiles/profile.h"

#define SESSION_JSON_VERSION 1
#define SESSION_JSON_HEAD_MAX (32u * 1024u * 1024u) /* octets before the frames: events may be many */
#define SESSION_JSON_FRAME_MAX 4096u    /* octets of a frame, with the blanks before it */

typedef struct SessionJson {
        char *name;                     /* for messages */
        FILE *file;
        unsigned line;                  /* that is being read, from 1 */
        char *problem;                  /* after an error: "FILE:LINE: reason.", for the user */
        json_t *head;                   /* the object with "frames" empty */
        const json_t *session;          /* in it */
        TapeHead tape;                  /* what a tape of it says before its first frame */
        GString *text;
        bool any_frame;
        uint64_t last_usec;
} SessionJson;

/* Takes `file`, which begins with an object. 0; -EBADMSG, -EOPNOTSUPP a later version: `problem` says so. `profiles`
 * tell how channels of vendors' devices are called. */
int session_json_open(SessionJson *j, FILE *file, const char *name, const Profiles *profiles);
void session_json_close(SessionJson *j);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SessionJson, session_json_close)

/* The next frame as a line of the tape: its length, or 0 at the end of the file, which is whole then. -EBADMSG likewise. */
int session_json_frame(SessionJson *j, char buf[static TAPE_LINE_MAX]);
/* Its end likewise; after the last frame. */
int session_json_end(SessionJson *j, char buf[static TAPE_LINE_MAX]);
