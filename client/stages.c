/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/stages.h"

#include <glib.h>

#include "client/json.h"
#include "client/text.h"

#define LABEL_COLUMNS 12

static const StageFacts facts[_STAGE_MAX] = {
        [STAGE_CLEANSE] = {
                "The skin is cleaned, and the head is disinfected: home guides name a soak of 5 to 15 minutes in 70 % isopropanol, "
                "before and after.",
                "republicworld.com, bio-stria.com",
                "Its time is kept. Needling that begins without this stage is noted, not blocked.",
        },
        [STAGE_NUMB] = {
                "Optional: clinics apply an anaesthetic cream 20 to 60 minutes before. Consent forms list an allergy to anaesthetics "
                "as a contraindication.",
                "pages of clinics; theeliteclinic.com, 42westllc.com",
                "Its time is kept. The device is not expected to be used in it.",
        },
        [STAGE_NEEDLING] = {
                "Several passes in two or three directions, rollers 15 to 20 times in each; 10 to 20 minutes of rolling in "
                "clinics, 2 minutes for the face in a home guide. The rules for powered devices do not cover bringing substances through the skin.",
                "Doddaballapur 2009; luxliplab.com, twlskin.com, republicworld.com; 21 CFR 878.4430",
                "Its time is kept. Figures, limits and alerts hold in each stage, not only in this one.",
        },
        [STAGE_AFTERCARE] = {
                "The skin's barrier recovers within 4 to 5 hours, pores close within 12 to 18 hours, later when they are covered. "
                "No source that was read supports alcohol on punctured skin.",
                "Kalluri 2011 (rats without hair, needles of 370 and 770 µm)",
                "Its time is kept. Setting it does not end the session.",
        },
};

const StageFacts *stages_facts(Stage stage) {
        return stage > STAGE_NONE && stage < _STAGE_MAX ? &facts[stage] : NULL;
}

json_t *stages_json(void) {
        json_t *stages = json_array();

        for (Stage stage = STAGE_CLEANSE; stage < _STAGE_MAX; stage++)
                json_array_append_new(stages, json_pack("{s:s s:b s:s s:s s:s}", "stage", stage_name(stage), "optional",
                                                        stage == STAGE_NUMB, "says", facts[stage].says, "source",
                                                        facts[stage].source, "kept", facts[stage].kept));

        return stages;
}

static void add_paragraph(GString *out, const char *label, const char *text, unsigned columns) {
        g_autofree char *padded = text_pad(label, LABEL_COLUMNS, false), *printable = text_printable(text);
        g_autofree char *lines = text_wrap(printable, columns, LABEL_COLUMNS);

        g_string_append_printf(out, "%s%s\n", padded, lines);
}

char *stages_text(Stage current, unsigned columns) {
        GString *out = g_string_new(NULL);

        for (Stage stage = STAGE_CLEANSE; stage < _STAGE_MAX; stage++) {
                g_autofree char *label = g_strdup_printf("%s%s", stage == current ? "* " : "  ", stage_name(stage));
                g_autofree char *source = g_strdup_printf("Source: %s.", facts[stage].source);

                add_paragraph(out, label, facts[stage].says, columns);
                add_paragraph(out, "", source, columns);
                add_paragraph(out, "", facts[stage].kept, columns);
        }

        return g_string_free(out, FALSE);
}
