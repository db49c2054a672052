# SPDX-License-Identifier: GPL-2.0-only
"""What the tests here share: each is a function, and what they say is KTAP."""
import sys
import traceback

import browser

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def in_browser(function):
    """A test that gets a browser."""
    def run():
        if not browser.find():
            return "no browser: scripts/setup test installs one"
        with browser.Browser() as tab:
            function(tab)
        return None
    run.__name__ = function.__name__
    return test(run)


def equal(what, expected, seen):
    assert expected == seen, f"{what}: expected {expected!r}, saw {seen!r}"


def fine(tab):
    """No script has failed, and nothing was asked for but the page."""
    equal("messages", [], tab.messages)
    equal("addresses", [], [a for a in tab.requests if not a.startswith(("file:", "data:"))])


def run(function):
    """What went wrong, and why it was skipped."""
    try:
        return None, function()
    except (AssertionError, browser.Failure) as err:
        return str(err) or repr(err), None
    except Exception:  # pylint: disable=broad-except
        return traceback.format_exc(), None


def run_all(names):
    chosen = [t for t in TESTS if not names or t.__name__ in names]
    passed = failed = skipped = 0
    print("TAP version 13")
    print(f"1..{len(chosen)}")
    for number, function in enumerate(chosen, 1):
        error, reason = run(function)
        passed += not error and not reason
        failed += bool(error)
        skipped += bool(reason)
        if error:
            print("# " + error.replace("\n", "\n# "))
        print(("not ok" if error else "ok"), number, function.__name__,
              *([f"# SKIP {reason}"] if reason else []), flush=True)
    print(f"# Totals: pass:{passed} fail:{failed} xfail:0 xpass:0 skip:{skipped} error:0")
    return 1 if failed or not chosen else 0


def main(usage):
    """Runs the tests that the command line names, or all; returns the exit status."""
    if set(sys.argv[1:]) & {"-h", "--help"}:
        print(usage.strip())
        return 0
    return run_all(sys.argv[1:])
