/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/table.h"

static Table *sample(void) {
        static const char *const titles[] = { "DEVICE", ">BATTERY", "STATE" };
        Table *table = table_new(titles, G_N_ELEMENTS(titles));

        table_add(table, "Ручка", STYLE_PLAIN);
        table_add(table, "81 %", STYLE_PLAIN);
        table_add(table, "ready", STYLE_GOOD);
        table_add(table, "a\x1b[2Jlong name", STYLE_PLAIN);
        table_add(table, "-", STYLE_PLAIN);
        table_add(table, "", STYLE_PLAIN);
        return table;
}

static void test_columns_stand_under_each_other(void) {
        g_autoptr(Table) table = sample();
        g_autofree char *text = table_render(table, true, false);

        g_assert_cmpuint(table_rows(table), ==, 2);
        g_assert_cmpstr(text, ==, "DEVICE          BATTERY  STATE\n"
                                  "Ручка              81 %  ready\n"
                                  "a�[2Jlong name        -\n");
}

static void test_without_a_legend_titles_take_no_room(void) {
        g_autoptr(Table) table = sample();
        g_autofree char *text = table_render(table, false, false);

        g_assert_cmpstr(text, ==, "Ручка           81 %  ready\n"
                                  "a�[2Jlong name     -\n");
}

static void test_colour_changes_no_column(void) {
        g_autoptr(Table) table = sample();
        g_autofree char *text = table_render(table, false, true);

        g_assert_cmpstr(text, ==, "Ручка           81 %  \x1b[32mready\x1b[0m\n"
                                  "a�[2Jlong name     -\n");
}

static void test_an_empty_table_is_its_head(void) {
        static const char *const titles[] = { "A", "B" };
        g_autoptr(Table) table = table_new(titles, G_N_ELEMENTS(titles));
        g_autofree char *text = table_render(table, true, false);

        g_assert_cmpuint(table_rows(table), ==, 0);
        g_assert_cmpstr(text, ==, "A  B\n");
}

static void test_a_note_stands_under_its_row(void) {
        g_autoptr(Table) table = sample();
        g_autofree char *text = NULL;

        table_note(table, "forgotten");
        table_note(table, "far wider than any column, \x1b[2J and that changes none");
        table_add(table, "x", STYLE_PLAIN);
        table_add(table, "-", STYLE_PLAIN);
        table_add(table, "away", STYLE_PLAIN);
        text = table_render(table, false, false);
        g_assert_cmpuint(table_rows(table), ==, 3);
        g_assert_cmpstr(text, ==, "Ручка           81 %  ready\n"
                                  "a�[2Jlong name     -\n"
                                  "  far wider than any column, �[2J and that changes none\n"
                                  "x                  -  away\n");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-table/columns-stand-under-each-other", test_columns_stand_under_each_other);
        g_test_add_func("/client-table/without-a-legend-titles-take-no-room",
                        test_without_a_legend_titles_take_no_room);
        g_test_add_func("/client-table/colour-changes-no-column", test_colour_changes_no_column);
        g_test_add_func("/client-table/a-note-stands-under-its-row", test_a_note_stands_under_its_row);
        g_test_add_func("/client-table/an-empty-table-is-its-head", test_an_empty_table_is_its_head);
        return g_test_run();
}
