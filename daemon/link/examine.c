/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/examine.h"

#include <stdio.h>
#include <string.h>

/* Nobody is asked: what bluetoothd has told is looked at, and a few small files of /sys and /etc. */

#define ADAPTERS_MAX 16u
#define BLOCKS_MAX 64u          /* folders of /sys/class/rfkill */

static bool eatt_is_off(const Examination *x);

/* What is known to be wrong with some versions of bluetoothd, and matters to us. */
static const struct {
        unsigned until;         /* the last version that has it */
        const char *check, *finding;
        const char *remedy;     /* NULL: needled lives with it, it is good to know */
        bool (*undone)(const Examination *x); /* the remedy was applied; NULL: that cannot be seen */
} traps[] = {
        { 566, "bluetoothd: EATT",
          "This version opens several channels to one device (EATT): values overtake each other, and some devices "
          "are lost every 30 seconds.", EXAMINE_EATT_REMEDY, eatt_is_off },
        { 583, "bluetoothd: link loss",
          "This version can crash when a link is lost while it is being set up; needled goes on when it runs again.",
          NULL, NULL },
};

static char *read_line(const char *path) {
        char line[64] = "";
        FILE *f = fopen(path, "re");

        if (!f)
                return NULL;
        if (!fgets(line, sizeof(line), f))
                line[0] = '\0';
        (void) fclose(f);
        return g_strdup(g_strchomp(line));
}

static const char *root(const Examination *x) {
        return x->link->settings.root ?: "";
}

/* "/etc/bluetooth/main.conf … [GATT] Channels: Number of ATT channels" (main.conf): with one there is no EATT. */
static bool eatt_is_off(const Examination *x) {
        g_autofree char *path = g_strconcat(root(x), "/etc/bluetooth/main.conf", NULL);
        g_autoptr(GKeyFile) file = g_key_file_new();

        return g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL) &&
               g_key_file_get_integer(file, "GATT", "Channels", NULL) == 1;
}

static void tell_traps(const Examination *x) {
        for (size_t i = 0; x->version > 0 && i < G_N_ELEMENTS(traps); i++) {
                bool open = traps[i].remedy && !(traps[i].undone && traps[i].undone(x));

                if (x->version > traps[i].until)
                        continue;
                if (open || !traps[i].remedy)
                        examine_tell(x, traps[i].check, open ? FINDING_WARN : FINDING_OK, open ? traps[i].remedy : "",
                                     "%s", traps[i].finding);
                else
                        examine_tell(x, traps[i].check, FINDING_OK, "",
                                     "What goes wrong in this version is switched off in main.conf.");
        }
}

static void visit_version(Object *object, void *userdata) {
        Examination *x = userdata;
        unsigned major, minor;

        /* Vendor 1D6B is the Linux Foundation, product 0246 BlueZ. */
        if (object->modalias && sscanf(object->modalias, "usb:v1D6Bp0246d%2x%2x", &major, &minor) == 2)
                x->version = major * 100 + minor;
}

static void examine_bluetoothd(Examination *x) {
        const Bluez *bluez = x->link->bluez;

        if (!bluez_present(bluez)) {
                /* Where the policy is the reason, the next check says so. */
                if (!bluez_denied(bluez))
                        examine_tell(x, "bluetoothd", FINDING_FAIL, EXAMINE_START, "bluetoothd does not run.");
                return;
        }

        objects_foreach(bluez_objects(bluez), OBJECT_ADAPTER, visit_version, x);
        if (x->version > 0)
                examine_tell(x, "bluetoothd", FINDING_OK, "", "bluetoothd runs, version %u.%u.", x->version / 100,
                             x->version % 100);
        else
                examine_tell(x, "bluetoothd", FINDING_OK, "", "bluetoothd runs; it does not tell its version.");
        tell_traps(x);
}

static void examine_policy(const Examination *x) {
        const char *denied = bluez_denied(x->link->bluez);

        if (denied)
                examine_tell(x, "bus policy", FINDING_FAIL,
                             "Look for a file in /etc/dbus-1/system.d that keeps the user needled from org.bluez, take "
                             "that out of it, then run 'systemctl reload dbus; systemctl restart needled'.",
                             "The policy of the system bus denies needled the call %s of bluetoothd.", denied);
        else if (bluez_present(x->link->bluez))
                examine_tell(x, "bus policy", FINDING_OK, "", "No call to bluetoothd was denied.");
}

/* "1 transmitter is forced off" (Documentation/ABI/stable/sysfs-class-rfkill). */
static bool is_set(const char *folder, const char *name) {
        g_autofree char *path = g_build_filename(folder, name, NULL), *value = read_line(path);

        return g_strcmp0(value, "1") == 0;
}

static void examine_rfkill(Examination *x) {
        g_autofree char *path = g_strconcat(root(x), "/sys/class/rfkill", NULL);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        unsigned n = 0, switches = 0;
        bool hard = false;
        const char *name;

        while (dir && n++ < BLOCKS_MAX && (name = g_dir_read_name(dir))) {
                g_autofree char *folder = g_build_filename(path, name, NULL);
                g_autofree char *type_path = g_build_filename(folder, "type", NULL), *type = read_line(type_path);

                if (g_strcmp0(type, "bluetooth") != 0)
                        continue;
                switches++;
                x->soft_blocked = x->soft_blocked || is_set(folder, "soft");
                hard = hard || is_set(folder, "hard");
        }

        if (hard)
                examine_tell(x, "rfkill", FINDING_FAIL, EXAMINE_LIFT_BLOCK, "Bluetooth is switched off in hardware.");
        if (x->soft_blocked)
                examine_tell(x, "rfkill", FINDING_FAIL, EXAMINE_UNBLOCK, "Bluetooth is blocked by software (rfkill).");
        if (switches > 0 && !hard && !x->soft_blocked)
                examine_tell(x, "rfkill", FINDING_OK, "", "Bluetooth is not blocked.");
}

static void visit_adapter(Object *object, void *userdata) {
        GPtrArray *objects = userdata;

        if (objects->len < ADAPTERS_MAX)
                g_ptr_array_add(objects, object);
}

static int compare_paths(const void *a, const void *b) {
        return strcmp((*(const Object *const *) a)->path, (*(const Object *const *) b)->path);
}

static bool carries_a_device(const Link *link, const Object *adapter) {
        for (guint i = 0; i < link->devices->len; i++) {
                const Device *device = link->devices->pdata[i];

                if (device->adopted && link_adapter(device) == adapter)
                        return true;
        }

        return false;
}

static void tell_adapter(const Examination *x, const Object *adapter) {
        const char *name = strrchr(adapter->path, '/') + 1;
        g_autofree char *check = g_strconcat("adapter ", name, NULL), *power_on = examine_power_on(x, adapter);
        bool needed = x->link->bluetooth != LINK_BLUETOOTH_READY || carries_a_device(x->link, adapter);

        if (adapter->has_roles && !adapter->central)
                examine_tell(x, check, needed ? FINDING_FAIL : FINDING_WARN,
                             "Plug in an adapter with Bluetooth 4.0 or later.",
                             "%s cannot connect to Bluetooth Low Energy devices.", name);
        else if (!adapter->powered)
                examine_tell(x, check, needed ? FINDING_FAIL : FINDING_WARN, power_on, "%s is switched off.", name);
        else
                examine_tell(x, check, FINDING_OK, "", "%s is on%s.", name,
                             adapter->has_roles ? ", and has Bluetooth Low Energy" : "");
}

static void examine_adapters(const Examination *x) {
        g_autoptr(GPtrArray) adapters = g_ptr_array_new();

        if (!bluez_present(x->link->bluez))
                return;

        objects_foreach(bluez_objects(x->link->bluez), OBJECT_ADAPTER, visit_adapter, adapters);
        g_ptr_array_sort(adapters, compare_paths);
        for (guint i = 0; i < adapters->len; i++)
                tell_adapter(x, adapters->pdata[i]);
        if (adapters->len == 0)
                examine_tell(x, "adapter", FINDING_FAIL, EXAMINE_PLUG_IN, "There is no Bluetooth adapter.");
}

static void examine_registration(const Examination *x) {
        AutoConnectCounts counts = auto_connect_counts(x->link->auto_connect);

        if (counts.refused > 0)
                examine_tell(x, "auto-connection", FINDING_WARN, EXAMINE_RESTART,
                             "bluetoothd does not take needled's registration, so that devices are connected by retrying: "
                             "%s", counts.refusal);
        else if (counts.taken > 0)
                examine_tell(x, "auto-connection", FINDING_OK, "", "bluetoothd connects bonded devices when they appear.");
}

char *examine_power_on(const Examination *x, const Object *adapter) {
        if (x->soft_blocked)
                return g_strdup(EXAMINE_UNBLOCK);

        return g_strdup_printf("busctl set-property org.bluez %s org.bluez.Adapter1 Powered b true", adapter->path);
}

void link_examine(const Link *link, FindingReport report, void *userdata) {
        Examination x = { .link = link, .report = report, .userdata = userdata };

        examine_bluetoothd(&x);
        examine_policy(&x);
        examine_rfkill(&x);
        examine_adapters(&x);
        examine_registration(&x);
        for (guint i = 0; i < link->devices->len; i++) {
                Device *device = link->devices->pdata[i];

                if (device->adopted)
                        examine_device(&x, device);
        }
}
