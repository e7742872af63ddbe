/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <time.h>

#include "hub-private.h"
#include "log.h"

/* What the journal hears of a device: what became of its link, not each step between. What other programs do to it, and what it lacks, is
 * told by link, which knows what it was. How much of it is too much is not asked here: log-budget.h. */

#define USEC_PER_SEC UINT64_C(1000000)

/* Why a link that was up is not. */
static const char *const lost_texts[_DEVICE_REASON_MAX] = {
        [DEVICE_REASON_NONE] = "",
        [DEVICE_REASON_AWAY] = ": it is out of reach or switched off",
        [DEVICE_REASON_BACKOFF] = ": it is out of reach or switched off",
        [DEVICE_REASON_ADAPTER_OFF] = ": the Bluetooth adapter is off",
        [DEVICE_REASON_NO_ADAPTER] = ": the Bluetooth adapter is gone",
        [DEVICE_REASON_NO_BLUETOOTHD] = ": bluetoothd is gone",
        [DEVICE_REASON_SUSPENDED] = ": the computer goes to sleep",
        [DEVICE_REASON_RELEASED] = ": it was released",
        [DEVICE_REASON_HELD_ELSEWHERE] = ": it is connected elsewhere",
        [DEVICE_REASON_NOTIFICATIONS_HELD] = ": another program of this computer has taken its notifications",
        [DEVICE_REASON_DISCONNECTED_BY_OTHER] = ": another program of this computer disconnected it",
        [DEVICE_REASON_TIMEOUT] = ": it does not answer",
        [DEVICE_REASON_SERVICES_MISSING] = ": it lacks what its profile asks for",
        [DEVICE_REASON_PROFILE_MAJOR] = ": its profile is of a newer major version",
        [DEVICE_REASON_IDENTITY_CHANGED] = ": it is another device",
        [DEVICE_REASON_KEY_MISSING] = ": the bond is lost",
        [DEVICE_REASON_PAIRING_FAILED] = ": pairing failed",
};

static bool is_linked(DeviceState state) {
        return state == DEVICE_STREAMING || state == DEVICE_SYNCING;
}

static LogContext context_of(const Device *d, const char *message_id) {
        return (LogContext) {
                .message_id = message_id,
                .device = hub_device_label(d),
                .state = device_state_name(d->state),
                .reason = device_reason_name(d->reason),
        };
}

/* The device as a word of a command line. */
static char *word_of(const Device *d) {
        const char *label = hub_device_label(d);

        return label[strspn(label, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ":_.-")] ? g_shell_quote(label) : g_strdup(label);
}

/* Not every uid has a name that is known here. */
static char *name_of(Hub *hub, uid_t uid) {
        const char *name = hub_user_name(hub, uid);

        return *name ? g_strdup(name) : g_strdup_printf("the user %u", uid);
}

static void tell_adopted(Follower *f) {
        LogContext context = context_of(f->device, NEEDLED_MESSAGE_DEVICE_ADOPTED);
        g_autofree char *owner = NULL;

        if (f->told.adopted)
                return;

        f->told.adopted = true;
        owner = name_of(f->hub, f->device->owner);
        context.class = LOG_CLASS_TROUBLE;
        log_with(LOG_NOTICE, &context, "%s was adopted by %s%s", log_name(context.device).text, owner,
                 f->device->bonded ? "" : ", without a bond: its link is not encrypted");
}

static void tell_released(Follower *f) {
        const Device *d = f->device;
        LogContext context = context_of(d, d->released ? NEEDLED_MESSAGE_DEVICE_RELEASED : NEEDLED_MESSAGE_DEVICE_TAKEN_BACK);
        g_autofree char *word = word_of(d);
        time_t until = (time_t) (d->released_until_usec / USEC_PER_SEC);
        char text[32] = "";
        struct tm tm;

        if (f->told.released == d->released)
                return;

        f->told.released = d->released;
        if (!d->released)
                log_with(LOG_INFO, &context, "%s is taken back; needled connects to it again", log_name(context.device).text);
        else if (until > 0 && localtime_r(&until, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm) > 0)
                log_with(LOG_INFO, &context, "%s is released: needled keeps away from it until %s (needlectl connect %s takes it back)",
                         log_name(context.device).text, text, word);
        else
                log_with(LOG_INFO, &context, "%s is released: needled keeps away from it until it is taken back (needlectl connect %s)",
                         log_name(context.device).text, word);
}

static void tell_link(Follower *f) {
        const Device *d = f->device;
        bool linked = is_linked(d->state);
        LogContext context = context_of(d, linked ? NEEDLED_MESSAGE_DEVICE_CONNECTED : NEEDLED_MESSAGE_DEVICE_LOST);

        if (f->told.linked == linked)
                return;

        f->told.linked = linked;
        if (d->state == DEVICE_RELEASED) /* that it is released was said */
                return;
        if (linked)
                log_with(LOG_INFO, &context, "%s is connected", log_name(context.device).text);
        else
                log_with(LOG_NOTICE, &context, "the link to %s is gone%s", log_name(context.device).text, lost_texts[d->reason]);
}

/* What does not mend itself, with the command that mends it; once, although a suspicion is tested again from time to time. */
static void tell_trouble(Follower *f) {
        const Device *d = f->device;
        bool lost = d->state == DEVICE_BOND_LOST, other = d->state == DEVICE_REFUSED && d->reason == DEVICE_REASON_IDENTITY_CHANGED;
        LogContext context = context_of(d, lost ? NEEDLED_MESSAGE_BOND_LOST : NEEDLED_MESSAGE_IDENTITY_CHANGED);
        g_autofree char *word = word_of(d);

        if (is_linked(d->state))
                f->told.trouble = DEVICE_FOUND;
        if (!(lost || other) || f->told.trouble == d->state)
                return;

        f->told.trouble = d->state;
        context.class = LOG_CLASS_TROUBLE;
        if (lost)
                log_with(LOG_WARNING, &context, "the bond with %s is lost; bond with it again: put it in pairing mode and run "
                         "needlectl adopt %s", log_name(context.device).text, word);
        else
                log_with(LOG_WARNING, &context, "another device answers at the address of %s, and is kept away; if that is right, adopt it: "
                         "needlectl adopt %s", log_name(context.device).text, word);
}

void hub_journal_known(Follower *f) {
        f->told.adopted = f->device->adopted;
        f->told.released = f->device->released;
}

void hub_journal_device(Follower *f, unsigned changed) {
        if (!f->device->adopted)
                return;
        if (changed & DEVICE_CHANGED_IDENTITY) {
                tell_adopted(f);
                tell_released(f);
        }
        if (changed & DEVICE_CHANGED_STATE) {
                tell_link(f);
                tell_trouble(f);
        }
}

void hub_journal_sleep(bool asleep) {
        LogContext context = { .message_id = asleep ? NEEDLED_MESSAGE_SUSPENDED : NEEDLED_MESSAGE_RESUMED };

        if (asleep)
                log_with(LOG_INFO, &context, "the computer goes to sleep: links end, and live sessions wait until it has woken");
        else
                log_with(LOG_INFO, &context, "the computer has woken: devices are followed again");
}

/* NEEDLED_FIGURE_FORCE_MEAN=1234, in the units of needled/figures.h; the caller frees. */
static char *figure_field(const Figures *figures, Figure id) {
        g_autofree char *upper = g_ascii_strup(figure_info[id].name, -1);
        char number[G_ASCII_DTOSTR_BUF_SIZE];

        if (figure_info[id].type == 'd')
                g_ascii_formatd(number, sizeof(number), "%.1f", figures->value[id].d);
        else
                g_snprintf(number, sizeof(number), "%" G_GINT64_FORMAT, figures->value[id].i);

        return g_strdup_printf("NEEDLED_FIGURE_%s=%s", g_strdelimit(upper, ".", '_'), number);
}

void hub_journal_finished(const Hub *hub, const Session *s, const Figures *figures) {
        LogContext context = hub_session_context(s, NEEDLED_MESSAGE_SESSION_FINISHED);
        g_autoptr(GPtrArray) fields = g_ptr_array_new_with_free_func(g_free);

        for (int i = 0; hub->config.journal_figures && i < _FIGURE_MAX; i++)
                if (figures_has(figures, (Figure) i))
                        g_ptr_array_add(fields, figure_field(figures, (Figure) i));
        g_ptr_array_add(fields, NULL);

        context.class = LOG_CLASS_RECORD;
        context.reason = session_end_name(s->end);
        context.fields = (const char *const *) fields->pdata;
        log_with(LOG_INFO, &context, "session %" G_GUINT64_FORMAT " with %s is finished (%s)", s->id, log_name(context.device).text, context.reason);
}

void hub_journal_sync(Follower *f, unsigned added, unsigned merged, const char *problem) {
        LogContext context = context_of(f->device, NEEDLED_MESSAGE_SYNC_DONE);

        if (added + merged == 0 && !*problem)
                return;
        if (*problem)
                log_with(LOG_WARNING, &context, "not all that %s has stored could be taken over (%u sessions were): %s", log_name(context.device).text,
                         added + merged, problem);
        else
                log_with(LOG_INFO, &context, "what %s had stored was taken over: new ones %u, followed live already %u",
                         log_name(context.device).text, added, merged);
}
