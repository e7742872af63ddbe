/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Exports of a fixture's store, each with its reader. */

#include "store-fixture.h"
#include "store/shared.h"

/* One export, as who asked for it sees it. */
typedef struct Tape {
        int fd;                 /* the end to read from, -1: closed */
        bool counted, ended;
        int count_error, end_error;
        uint64_t n_rows;
        GString *text;
        size_t read_max;        /* of the text: then the reader stops */
        bool at_end;            /* of the pipe */
} Tape;

extern const TapeHead head;             /* of session 1 */
extern Tape *tape;                      /* the one that conditions look at */

void start_as(Fixture *f, Tape *t, StoreExport wanted);
void start(Fixture *f, Tape *t, const TapeHead *with, uint64_t id, uint64_t from_usec, uint64_t to_usec);
void start_whole(Fixture *f, Tape *t);
void close_reader(Tape *t);
void read_some(Tape *t);
void done(Tape *t);
bool is_counted(Fixture *f, uint64_t value);
bool is_over(Fixture *f, uint64_t value);
bool is_ended(Fixture *f, uint64_t value);
bool has_read(Fixture *f, uint64_t size);
bool is_stalled(Fixture *f, uint64_t value);
void wait_over(Fixture *f, Tape *t);
void make_session(Fixture *f, uint64_t n_frames);
void change(Fixture *f, const char *sql);
