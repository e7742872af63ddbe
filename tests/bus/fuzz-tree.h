/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the service says of itself: all objects that Introspect shows, and all methods of them. */

#include <glib.h>
#include <systemd/sd-bus.h>

typedef struct TreeMethod {
        char *path, *interface, *name, *types;
} TreeMethod;

typedef struct Tree {
        GPtrArray *paths;               /* char * */
        GPtrArray *methods;             /* TreeMethod *: of each object each */
        GPtrArray *interfaces;          /* char *: each once */
} Tree;

Tree *tree_new(void);
Tree *tree_free(Tree *tree);
/* Looks at everything again. Errors: as of sd_bus_call(), -EBADMSG: what Introspect says is no XML. */
int tree_read(Tree *tree, sd_bus *bus, const char *service);
