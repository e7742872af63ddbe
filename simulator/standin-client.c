/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "standin.h"

#define CLIENTS_MAX 64u
#define PROFILE_UUIDS_MAX 64u

typedef struct Agent {
        char *name, *path, *capability;
} Agent;

/* A GATT application: only its GattProfile1 objects matter here. */
typedef struct App {
        Standin *standin;       /* weak */
        char *name, *path;
        sd_bus_slot *slot;      /* its objects are being read … */
        Call *call;             /* … and RegisterApplication() waits for that */
        bool active;
        GPtrArray *uuids;       /* of its profiles */
        GPtrArray *profiles;    /* their paths */
} App;

static void agent_free(void *data) {
        Agent *agent = data;

        g_free(agent->name);
        g_free(agent->path);
        g_free(agent->capability);
        g_free(agent);
}

static void app_free(void *data) {
        App *app = data;

        sd_bus_slot_unref(app->slot);
        if (app->call)
                call_error(app->call, "Failed", "No object received");
        g_ptr_array_unref(app->uuids);
        g_ptr_array_unref(app->profiles);
        g_free(app->name);
        g_free(app->path);
        g_free(app);
}

static Agent *find_agent(Standin *s, const char *name) {
        for (unsigned i = 0; i < s->agents->len; i++) {
                Agent *agent = s->agents->pdata[i];

                if (g_str_equal(agent->name, name))
                        return agent;
        }

        return NULL;
}

static App *find_app(Standin *s, const char *name, const char *path) {
        for (unsigned i = 0; i < s->apps->len; i++) {
                App *app = s->apps->pdata[i];

                if (g_str_equal(app->name, name) && g_str_equal(app->path, path))
                        return app;
        }

        return NULL;
}

static void method_register_agent(Call *call) {
        static const char *const capabilities[] = {
                "",   "DisplayOnly", "DisplayYesNo", "KeyboardOnly", "NoInputNoOutput", "KeyboardDisplay",
                NULL,
        };
        Standin *s = call->standin;
        const char *path, *capability;
        Agent *agent;

        if (sd_bus_message_read(call->message, "os", &path, &capability) < 0 ||
            !g_strv_contains(capabilities, capability)) {
                call_error(call, "InvalidArguments", "Invalid arguments in method call");
                return;
        }
        if (find_agent(s, call_sender(call)) || s->agents->len >= CLIENTS_MAX) {
                call_error(call, "AlreadyExists", "Already Exists");
                return;
        }

        agent = g_new0(Agent, 1);
        agent->name = g_strdup(call_sender(call));
        agent->path = g_strdup(path);
        agent->capability = g_strdup(capability);
        g_ptr_array_add(s->agents, agent);
        if (s->adapter.object && !s->adapter.pairable) { /* "registering an agent sets Pairable=1" */
                s->adapter.pairable = true;
                object_changed(s, s->adapter.object, INTERFACE_ADAPTER, "Pairable", NULL);
        }
        call_reply(call);
}

/* The caller's agent with this path, or NULL after an answer. */
static Agent *call_agent(Call *call) {
        Agent *agent = find_agent(call->standin, call_sender(call));
        const char *path;

        if (sd_bus_message_read(call->message, "o", &path) >= 0 && agent && g_str_equal(agent->path, path))
                return agent;

        call_error(call, "DoesNotExist", "Does Not Exist");
        return NULL;
}

static void method_unregister_agent(Call *call) {
        Agent *agent = call_agent(call);

        if (!agent)
                return;

        g_ptr_array_remove(call->standin->agents, agent);
        call_reply(call);
}

static void method_request_default_agent(Call *call) {
        Standin *s = call->standin;
        Agent *agent = call_agent(call);
        unsigned i;

        if (!agent || !g_ptr_array_find(s->agents, agent, &i))
                return;

        g_ptr_array_insert(s->agents, 0, g_ptr_array_steal_index(s->agents, i));
        call_reply(call);
}

/* The UUIDs of one a{sv}, if it is a profile's. */
static int app_read_profile(App *app, sd_bus_message *m) {
        const char *key, *uuid;
        int r;

        if ((r = sd_bus_message_enter_container(m, 'a', "{sv}")) < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                if ((r = sd_bus_message_read(m, "s", &key)) < 0)
                        return r;
                if (!g_str_equal(key, "UUIDs"))
                        r = sd_bus_message_skip(m, "v");
                else if ((r = sd_bus_message_enter_container(m, 'v', "as")) >= 0 &&
                         (r = sd_bus_message_enter_container(m, 'a', "s")) >= 0) {
                        while ((r = sd_bus_message_read(m, "s", &uuid)) > 0)
                                if (app->uuids->len < PROFILE_UUIDS_MAX)
                                        g_ptr_array_add(app->uuids, g_strdup(uuid));
                        if (r >= 0 && (r = sd_bus_message_exit_container(m)) >= 0)
                                r = sd_bus_message_exit_container(m);
                }
                if (r < 0 || (r = sd_bus_message_exit_container(m)) < 0)
                        return r;
        }

        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* One object: {path, interfaces}. */
static int app_read_object(App *app, sd_bus_message *m) {
        const char *path, *interface;
        int r;

        if ((r = sd_bus_message_read(m, "o", &path)) < 0 ||
            (r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}")) < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
                if ((r = sd_bus_message_read(m, "s", &interface)) < 0)
                        return r;
                if (g_str_equal(interface, "org.bluez.GattProfile1") && app->profiles->len < CLIENTS_MAX) {
                        g_ptr_array_add(app->profiles, g_strdup(path));
                        r = app_read_profile(app, m);
                } else
                        r = sd_bus_message_skip(m, "a{sv}");
                if (r < 0 || (r = sd_bus_message_exit_container(m)) < 0)
                        return r;
        }

        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int app_read(App *app, sd_bus_message *m) {
        int r;

        if ((r = sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}")) < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0)
                if ((r = app_read_object(app, m)) < 0 || (r = sd_bus_message_exit_container(m)) < 0)
                        return r;

        return r;
}

static int on_app_objects(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        App *app = userdata;
        Standin *s = app->standin;
        Call *call = g_steal_pointer(&app->call);

        app->slot = sd_bus_slot_unref(app->slot);
        if (sd_bus_message_is_method_error(m, NULL) || app_read(app, m) < 0 || app->profiles->len == 0) {
                g_ptr_array_remove(s->apps, app);
                call_error(call, "Failed", "No object received");
                return 0;
        }

        app->active = true;
        call_reply(call);
        for (unsigned i = 0; i < s->n_devices; i++)
                device_kick(s->devices + i);
        return 0;
}

static void method_register_application(Call *call) {
        Standin *s = call->standin;
        const char *path;
        App *app;

        if (sd_bus_message_read(call->message, "o", &path) < 0) {
                call_error(call, "InvalidArguments", "Invalid arguments in method call");
                return;
        }
        if (find_app(s, call_sender(call), path) || s->apps->len >= CLIENTS_MAX) {
                call_error(call, "AlreadyExists", "Already Exists");
                return;
        }

        app = g_new0(App, 1);
        *app = (App) {
                .standin = s,
                .name = g_strdup(call_sender(call)),
                .path = g_strdup(path),
                .call = call,
                .uuids = g_ptr_array_new_with_free_func(g_free),
                .profiles = g_ptr_array_new_with_free_func(g_free),
        };
        g_ptr_array_add(s->apps, app);
        /* "bluetoothd replies only after it has read our ObjectManager" */
        if (sd_bus_call_method_async(s->bus, &app->slot, app->name, app->path,
                                     "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                                     on_app_objects, app, NULL) < 0)
                g_ptr_array_remove(s->apps, app);
}

static void method_unregister_application(Call *call) {
        Standin *s = call->standin;
        const char *path = "";
        App *app;

        (void) sd_bus_message_read(call->message, "o", &path);
        if (!(app = find_app(s, call_sender(call), path))) {
                call_error(call, "DoesNotExist", "Does Not Exist");
                return;
        }

        g_ptr_array_remove(s->apps, app);
        call_reply(call);
}

static void send_release(Standin *s, const char *name, const char *path, const char *interface) {
        sd_bus_message *m = NULL;

        if (!s->bus || sd_bus_message_new_method_call(s->bus, &m, name, path, interface, "Release") < 0)
                return;

        (void) sd_bus_message_set_expect_reply(m, false);
        (void) sd_bus_send(s->bus, m, NULL);
        sd_bus_message_unref(m);
}

void clients_init(Standin *s) {
        s->agents = g_ptr_array_new_with_free_func(agent_free);
        s->apps = g_ptr_array_new_with_free_func(app_free);
}

void clients_done(Standin *s) {
        g_clear_pointer(&s->agents, g_ptr_array_unref);
        g_clear_pointer(&s->apps, g_ptr_array_unref);
}

void clients_drop_apps(Standin *s) {
        for (unsigned i = 0; i < s->apps->len; i++) {
                const App *app = s->apps->pdata[i];

                for (unsigned k = 0; k < app->profiles->len; k++)
                        send_release(s, app->name, app->profiles->pdata[k], "org.bluez.GattProfile1");
        }

        g_ptr_array_set_size(s->apps, 0);
}

void clients_drop(Standin *s) {
        clients_drop_apps(s);
        for (unsigned i = 0; i < s->agents->len; i++) {
                const Agent *agent = s->agents->pdata[i];

                send_release(s, agent->name, agent->path, "org.bluez.Agent1");
        }

        g_ptr_array_set_size(s->agents, 0);
}

void clients_gone(Standin *s, const char *name) {
        for (unsigned i = s->apps->len; i-- > 0;)
                if (g_str_equal(((App *) s->apps->pdata[i])->name, name))
                        g_ptr_array_remove_index(s->apps, i);
        for (unsigned i = s->agents->len; i-- > 0;)
                if (g_str_equal(((Agent *) s->agents->pdata[i])->name, name))
                        g_ptr_array_remove_index(s->agents, i);
}

bool clients_agent(Standin *s, const char *caller, char **ret_name, char **ret_path, const char **ret_capability) {
        const Agent *agent = caller ? find_agent(s, caller) : NULL;

        if (!agent && s->agents->len > 0)
                agent = s->agents->pdata[0]; /* the default one, which the first becomes by itself */
        if (!agent)
                return false;

        *ret_name = g_strdup(agent->name);
        *ret_path = g_strdup(agent->path);
        *ret_capability = agent->capability;
        return true;
}

bool clients_want(Standin *s, const char *uuid) {
        for (unsigned i = 0; i < s->apps->len; i++) {
                const App *app = s->apps->pdata[i];

                for (unsigned k = 0; app->active && k < app->uuids->len; k++)
                        if (g_ascii_strcasecmp(app->uuids->pdata[k], uuid) == 0)
                                return true;
        }

        return false;
}

const Method agent_manager_methods[] = {
        { "RegisterAgent", "os", "", 0, method_register_agent },
        { "UnregisterAgent", "o", "", 0, method_unregister_agent },
        { "RequestDefaultAgent", "o", "", 0, method_request_default_agent },
        {},
};

const Method gatt_manager_methods[] = {
        { "RegisterApplication", "oa{sv}", "", 0, method_register_application },
        { "UnregisterApplication", "o", "", 0, method_unregister_application },
        {},
};
