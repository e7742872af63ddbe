/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "contraindications.h"

#include "scratch.h"

/* The list of contraindications. What loads has a version, and for each entry a text in every language, and a source. */

static void check(const Contraindications *list, const char *language) {
        const char *const *ids = contraindications_ids(list);
        g_auto(GStrv) texts = contraindications_texts(list, language);

        assert(g_strv_length(texts) == g_strv_length((char **) ids));
        for (unsigned i = 0; texts[i]; i++)
                assert(texts[i][0] != '\0' && g_utf8_validate(texts[i], -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autoptr(Contraindications) list = NULL;
        g_autofree char *problem = NULL;
        int r = contraindications_load(scratch_write("list", data, size), &list, &problem);

        assert((r == 0) == (list != NULL) && (r == 0) == (problem == NULL));
        if (r < 0)
                return 0;

        assert(contraindications_version(list)[0] != '\0');
        for (const char *const *id = contraindications_ids(list); *id; id++)
                assert(contraindications_source(list, *id)[0] != '\0');
        check(list, NULL);
        check(list, "de_AT.UTF-8");
        return 0;
}
