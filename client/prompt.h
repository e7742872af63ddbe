/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Questions on a terminal, and Ctrl-C as an answer. */

#include <stdbool.h>

typedef enum Answer {
        ANSWER_NO,
        ANSWER_YES,
        ANSWER_STOP,            /* Ctrl-C, or the end of the input */
} Answer;

/* Whether there is somebody who reads and types. */
bool prompt_possible(void);

/* From now on Ctrl-C ends a question, and does not end the program. */
void prompt_catch_interrupt(void);
bool prompt_interrupted(void);

/* Asks, and returns what was typed without blanks at its ends; NULL: ANSWER_STOP. The caller frees. */
char *prompt_line(const char *question);
/* "question [Y/n] "; Enter is yes. */
Answer prompt_yes(const char *question);
