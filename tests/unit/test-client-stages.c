/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "client/json.h"
#include "client/stages.h"
#include "client/text.h"

/* "Words about skin are facts with a source" */
static void test_each_stage_has_facts_and_a_source(void) {
        g_assert_null(stages_facts(STAGE_NONE));
        g_assert_null(stages_facts(_STAGE_MAX));
        for (Stage stage = STAGE_CLEANSE; stage < _STAGE_MAX; stage++) {
                const StageFacts *facts = stages_facts(stage);

                g_assert_true(g_str_has_suffix(facts->says, "."));
                g_assert_true(g_str_has_suffix(facts->kept, "."));
                g_assert_cmpuint(strlen(facts->source), >, 0);
        }
}

static void test_json_in_the_order_of_a_procedure(void) {
        static const char *const names[] = { "cleanse", "numb", "needling", "aftercare" };
        json_auto *stages = stages_json();

        g_assert_cmpuint(json_array_size(stages), ==, G_N_ELEMENTS(names));
        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                const json_t *stage = json_array_get(stages, i);

                g_assert_cmpstr(json_text(stage, "stage"), ==, names[i]);
                g_assert_cmpint(json_is_true(json_object_get(stage, "optional")), ==, strcmp(names[i], "numb") == 0);
                g_assert_cmpuint(strlen(json_text(stage, "says")), >, 0);
                g_assert_cmpuint(strlen(json_text(stage, "source")), >, 0);
                g_assert_cmpuint(strlen(json_text(stage, "kept")), >, 0);
        }
}

static void test_text_marks_the_current_one_and_keeps_to_its_width(void) {
        g_autofree char *text = stages_text(STAGE_NEEDLING, 72), *none = stages_text(STAGE_NONE, 0);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        g_assert_nonnull(strstr(text, "* needling"));
        g_assert_nonnull(strstr(text, "  cleanse"));
        g_assert_null(strstr(none, "* "));
        for (char **line = lines; *line; line++)
                g_assert_cmpuint(text_width(*line), <=, 72);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client/stages/facts", test_each_stage_has_facts_and_a_source);
        g_test_add_func("/client/stages/json", test_json_in_the_order_of_a_procedure);
        g_test_add_func("/client/stages/text", test_text_marks_the_current_one_and_keeps_to_its_width);
        return g_test_run();
}
