/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz-tree.h"

#include <errno.h>
#include <stdbool.h>

#include "autoptr.h"

#define PATHS_MAX 200u                  /* sessions, found devices, and what stands above them */
#define PATIENCE_USEC (60 * UINT64_C(1000000))

typedef struct Reading {
        Tree *tree;
        const char *path;
        unsigned depth;                 /* of nodes: the outermost is the object itself */
        char *interface, *method;
        GString *types;
} Reading;

static void free_method(void *data) {
        TreeMethod *method = data;

        g_free(method->path);
        g_free(method->interface);
        g_free(method->name);
        g_free(method->types);
        g_free(method);
}

Tree *tree_new(void) {
        Tree *tree = g_new(Tree, 1);

        *tree = (Tree) {
                .paths = g_ptr_array_new_with_free_func(g_free),
                .methods = g_ptr_array_new_with_free_func(free_method),
                .interfaces = g_ptr_array_new_with_free_func(g_free),
        };
        return tree;
}

Tree *tree_free(Tree *tree) {
        if (!tree)
                return NULL;

        g_ptr_array_unref(tree->paths);
        g_ptr_array_unref(tree->methods);
        g_ptr_array_unref(tree->interfaces);
        g_free(tree);
        return NULL;
}

static const char *attribute(const char **names, const char **values, const char *name) {
        for (unsigned i = 0; names[i]; i++)
                if (g_str_equal(names[i], name))
                        return values[i];

        return "";
}

static void add_child(Reading *reading, const char *name) {
        if (reading->tree->paths->len < PATHS_MAX)
                g_ptr_array_add(reading->tree->paths, g_strdup_printf("%s/%s", reading->path[1] ? reading->path : "", name));
}

static void add_interface(Reading *reading, const char *name) {
        g_free(reading->interface);
        reading->interface = g_strdup(name);
        if (!g_ptr_array_find_with_equal_func(reading->tree->interfaces, name, g_str_equal, NULL))
                g_ptr_array_add(reading->tree->interfaces, g_strdup(name));
}

static void on_start(GMarkupParseContext *context, const char *element, const char **names, const char **values, void *userdata,
                     GError **error) {
        Reading *reading = userdata;
        const char *name = attribute(names, values, "name");

        if (g_str_equal(element, "node")) {
                if (reading->depth++ > 0)
                        add_child(reading, name);
        } else if (g_str_equal(element, "interface")) {
                add_interface(reading, name);
        } else if (g_str_equal(element, "method")) {
                reading->method = g_strdup(name);
                g_string_truncate(reading->types, 0);
        } else if (g_str_equal(element, "arg") && reading->method && !g_str_equal(attribute(names, values, "direction"), "out")) {
                g_string_append(reading->types, attribute(names, values, "type"));
        }
}

static void on_end(GMarkupParseContext *context, const char *element, void *userdata, GError **error) {
        Reading *reading = userdata;
        TreeMethod *method;

        reading->depth -= g_str_equal(element, "node");
        if (!g_str_equal(element, "method"))
                return;

        method = g_new(TreeMethod, 1);
        *method = (TreeMethod) {
                .path = g_strdup(reading->path),
                .interface = g_strdup(reading->interface),
                .name = g_steal_pointer(&reading->method),
                .types = g_strdup(reading->types->str),
        };
        g_ptr_array_add(reading->tree->methods, method);
}

static int read_object(Tree *tree, sd_bus *bus, const char *service, const char *path) {
        static const GMarkupParser parser = { .start_element = on_start, .end_element = on_end };
        g_autoptr(sd_bus_message) call = NULL, reply = NULL;
        g_autoptr(GMarkupParseContext) context = NULL;
        Reading reading = { .tree = tree, .path = path };
        const char *xml;
        bool good;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, service, path, "org.freedesktop.DBus.Introspectable", "Introspect");
        if (r >= 0)
                r = sd_bus_call(bus, call, PATIENCE_USEC, NULL, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &xml);
        if (r < 0)
                return r;

        reading.types = g_string_new(NULL);
        context = g_markup_parse_context_new(&parser, 0, &reading, NULL);
        good = g_markup_parse_context_parse(context, xml, -1, NULL) && g_markup_parse_context_end_parse(context, NULL);
        g_string_free(reading.types, true);
        g_free(reading.interface);
        g_free(reading.method);
        return good ? 0 : -EBADMSG;
}

int tree_read(Tree *tree, sd_bus *bus, const char *service) {
        g_ptr_array_set_size(tree->paths, 0);
        g_ptr_array_set_size(tree->methods, 0);
        g_ptr_array_set_size(tree->interfaces, 0);
        g_ptr_array_add(tree->paths, g_strdup("/"));
        for (unsigned i = 0; i < tree->paths->len; i++) {
                int r = read_object(tree, bus, service, tree->paths->pdata[i]);

                if (r < 0 && i == 0)
                        return r;       /* another one may have gone meanwhile */
        }

        return 0;
}
