#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""count.py JUNIT STATUS FAILURES SUITE…: prints a line "SUITE PASSED FAILED" for each suite of a run of meson test. What was skipped, or
broke off, counts as failed, and so does a suite of which nothing ran. Adds to the file FAILURES what failed and what was said of it, in short."""
import json
import pathlib
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


def ended_badly(path):
    """{name of a program: how}, as meson's own log has it: to JUnit one that ran out of time before its first case, or has none, is no failure."""
    log = pathlib.Path(path.removesuffix('.junit.xml') + '.json')
    results = [json.loads(line) for line in log.read_text(errors='replace').splitlines()]
    return {result['name']: result['result'] for result in results if result['result'] not in ('OK', 'EXPECTEDFAIL')}


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
        unseen = ended_badly(path)
        for testsuite in ElementTree.parse(path).getroot().iter('testsuite'):
            broken_off = missing(testsuite)
            if broken_off > 0:
                failed[suite_of(testsuite, testsuite) or suites[0]] += broken_off
            in_this = broken_off > 0
            for case in testsuite.iter('testcase'):
                how = unseen.pop(case.get('name', ''), None)    # of a program without cases
                wrong = is_wrong(case) or how is not None
                counts = failed if wrong else passed
                counts[suite_of(testsuite, case) or suites[0]] += 1
                in_this |= wrong
                said += [f'{case.get("name")}: {how}'] if how else []
            if in_this:
                unseen.pop(testsuite.get('name', '').removeprefix('needled.'), None)
                said += of_failure(testsuite)
        for name, how in unseen.items():
            failed[suite_of({}, {'name': name}) or suites[0]] += 1
            said.append(f'{name}: {how}')
    except (OSError, ElementTree.ParseError, KeyError, ValueError) as error:
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
