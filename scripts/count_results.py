#!/usr/bin/env python3
"""Prints "PASSED FAILED SKIPPED" summed over result files in JUnit's format, as ctest and GoogleTest write them.

usage: count_results.py FILE...

A test that could not be started is counted as failed, although ctest writes it down as skipped.
"""

import sys
import xml.etree.ElementTree as ElementTree

SKIPPED_ON_PURPOSE = ("SKIP_REGULAR_EXPRESSION_MATCHED", "SKIP_RETURN_CODE", "Disabled")


def verdict(case):
    skipped = case.find("skipped")
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    if skipped is not None and case.get("status") == "notrun":  # ctest; GoogleTest gives such a case its own result
        on_purpose = skipped.get("message", "").startswith(SKIPPED_ON_PURPOSE) or case.get("result")
        return "skipped" if on_purpose else "failed"
    if skipped is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def main():
    cases = [verdict(case) for path in sys.argv[1:] for case in ElementTree.parse(path).iter("testcase")]
    print(*(cases.count(kind) for kind in ("passed", "failed", "skipped")))


if __name__ == "__main__":
    main()
