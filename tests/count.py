#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""count.py JUNIT STATUS FAILURES SUITE…: prints a line "SUITE PASSED FAILED" for each suite of a run of meson test. What was skipped, or
broke off, counts as failed, and so does a suite of which nothing ran. Adds to the file FAILURES what failed and what was said of it, in short."""
import re
import sys
import xml.etree.ElementTree as ElementTree

LINES_MAX, LINE_MAX = 12, 300   # of what a program said of its failures


def suite_of(testsuite, case):
    """Programs that print TAP are a testsuite each, others are cases; the name of either has the suite in it."""
    for name in (testsuite.get('name', ''), case.get('name', '')):
        found = re.search(r'needled:(\S+) / ', name)
        if found:
            return found[1]
    return None


def missing(testsuite):
    """How many cases a TAP program announced, and never came to."""
    plan = re.search(r'^1\.\.(\d+)$', testsuite.findtext('system-out') or '', re.MULTILINE)
    return int(plan[1]) - len(testsuite.findall('testcase')) if plan else 0


def is_wrong(case):
    return any(case.find(word) is not None for word in ('failure', 'error', 'skipped'))


def of_failure(testsuite):
    """The program's name, its cases that failed, and the lines that say why: of a log of many pages these few."""
    names = [case.get('name', '') for case in testsuite.iter('testcase') if is_wrong(case)]
    said = names + re.findall(r'^(?:not ok .*|ok .* # SKIP.*|Bail out!.*|# (?:\w+\.)*\w*(?:Error|Failure|Exception|Expired|Interrupt|Exit)\b.*)$',
                      testsuite.findtext('system-out') or '', re.MULTILINE)
    return [testsuite.get('name', '')] + ['  ' + line[:LINE_MAX] for line in said[:LINES_MAX]]


def main():
    path, status, failures, suites = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    passed, failed, said = dict.fromkeys(suites, 0), dict.fromkeys(suites, 0), []
    try:
        for testsuite in ElementTree.parse(path).getroot().iter('testsuite'):
            broken_off = missing(testsuite)
            if broken_off > 0:
                failed[suite_of(testsuite, testsuite) or suites[0]] += broken_off
            in_this = broken_off > 0
            for case in testsuite.iter('testcase'):
                wrong = is_wrong(case)
                counts = failed if wrong else passed
                counts[suite_of(testsuite, case) or suites[0]] += 1
                in_this |= wrong
            if in_this:
                said += of_failure(testsuite)
    except (OSError, ElementTree.ParseError, KeyError) as error:
        print(f'{path}: {error}', file=sys.stderr)
        failed[suites[0]] += 1
    for suite in suites:
        if failed[suite] == 0 and passed[suite] == 0:
            failed[suite] = 1
    if status != 0 and not any(failed.values()):
        failed[suites[0]] = 1
    with open(failures, 'a', encoding='utf-8') as file:
        file.writelines(line + '\n' for line in said)
    for suite in suites:
        print(suite, passed[suite], failed[suite])


if __name__ == '__main__':
    main()
