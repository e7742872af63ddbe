/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who calls: one Caller for each unique name that has called, with its uid as the bus driver tells it.
 * sd-bus would ask for it with a call that blocks (sd_bus_query_sender_creds()), for each message; here it
 * is asked for once, asynchronously, and forgotten when the name leaves the bus. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

/* dbus-daemon lets a user have 256 connections, and a connection 512 matches, of which each caller costs one: nobody's
 * callers leave no room for another user's, and nobody's have to give way to each other. */
#define CALLERS_MAX 480u
#define CALLERS_MAX_PER_USER 256u
#define SEARCHES_MAX_PER_USER 8u
#define CALLERS_HELD_MAX 16u    /* messages of one caller that wait until it is known */

typedef struct Callers Callers;
typedef struct Caller Caller;

struct Caller {
        Callers *callers;       /* weak: our owner */
        char *name;             /* unique name, ":1.42" */
        uid_t uid;
        bool known;             /* the uid has come */
        GQueue held;            /* sd_bus_message: came before that; see gate.h */

        unsigned n_calls;       /* calls under way */
        bool searching;         /* has asked for a search */
        sd_bus_slot *match, *query;
        uint64_t used;          /* for the choice of whom to forget */
};

typedef struct CallersObserver {
        void (*identified)(Caller *caller, void *userdata);
        /* The name has left the bus, or its uid could not be had (`error` < 0). Freed after the call. */
        void (*left)(Caller *caller, int error, void *userdata);
} CallersObserver;

Callers *callers_new(sd_bus *connection, const CallersObserver *observer, void *userdata);
Callers *callers_free(Callers *callers); /* without a word to the observer */

/* The caller of that name; a new one is asked after, and `identified` or `left` follow. The one that has
 * been idle longest gives way when there are too many. Errors: -ENOBUFS too many that are not idle. */
int callers_get(Callers *callers, const char *name, Caller **ret);
/* NULL: it is not there, or not known yet. */
Caller *callers_find(const Callers *callers, const char *name);
/* Forgets the idlest of the caller's user until there are no more than a user may have; false: the others are all busy. */
bool callers_make_room(Callers *callers, const Caller *caller);
/* As if each of them had left the bus. */
void callers_leave(Callers *callers);
/* As if this one had not come. */
void callers_drop(Callers *callers, Caller *caller);
bool callers_any_searching(const Callers *callers);
unsigned callers_count_searching(const Callers *callers, uid_t uid);
void callers_forget_searches(Callers *callers);
