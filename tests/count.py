#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""count.py JUNIT STATUS: prints "PASSED FAILED" for a run of meson test. What was skipped, or broke off, counts as failed."""
import sys
import xml.etree.ElementTree as ElementTree


def main():
    path, status = sys.argv[1], int(sys.argv[2])
    passed = failed = 0
    try:
        for case in ElementTree.parse(path).getroot().iter('testcase'):
            if any(case.find(word) is not None for word in ('failure', 'error', 'skipped')):
                failed += 1
            else:
                passed += 1
    except (OSError, ElementTree.ParseError) as error:
        print(f'{path}: {error}', file=sys.stderr)
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1
    print(passed, failed)


if __name__ == '__main__':
    main()
