# SPDX-License-Identifier: GPL-2.0-only
"""chantrace html: a trace as a page that needs nothing but a browser."""
import argparse
import base64
import hashlib
import json
import os
import re
import sys

import tracefile
from picture import Picture

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page")
SCRIPTS = ["data.js", "view.js", "paint.js", "chart.js", "details.js", "input.js"]


def part(name):
    with open(os.path.join(PAGE, name), encoding="utf-8") as file:
        return file.read()


def printable(value):
    """Without characters that cannot be seen, or that turn the direction of writing."""
    if isinstance(value, str):
        return "".join(c if c.isprintable() else "\ufffd" for c in value)
    if isinstance(value, list):
        return [printable(item) for item in value]
    return value


def as_json(value):
    """JSON which stays inside its script element, whatever a name holds."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def as_text(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def policy(style, script):
    """Nothing is loaded, and no script runs but ours."""
    def allowed(text):
        digest = hashlib.sha256(text.encode()).digest()
        return "'sha256-" + base64.b64encode(digest).decode() + "'"
    return ("default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
            f"style-src {allowed(style)}; script-src {allowed(script)}")


def model(trace):
    """What the page draws; raises tracefile.BadTrace."""
    picture = Picture()
    for event in trace.events:
        try:
            picture.add(event)
        except (TypeError, ValueError) as err:
            raise tracefile.BadTrace(
                f"line {event.line}: {event.e} cannot be understood: {err}") from err
    data = picture.data()
    data["domains"] = {domain: [printable(name), pid]
                       for domain, (name, pid) in trace.domains.items()}
    data["events"] = len(trace.events)
    data["lost"] = trace.lost
    data["kernel"] = printable(trace.header.get("kernel", ""))
    data["cpus"] = trace.header.get("cpus", 0)
    data["command"] = printable(trace.header.get("command", []))
    for lane in data["lanes"]:
        lane["comm"] = printable(lane["comm"])
        lane["name"] = printable(lane["name"])
    return data


def page(trace):
    """The page of a trace; raises tracefile.BadTrace."""
    data = model(trace)
    # What the browser hashes includes the line end after the tag.
    style = "\n" + part("page.css")
    script = "\n" + "\n".join(part(name) for name in SCRIPTS)
    parts = {
        "TITLE": as_text(" ".join(data["command"]) or "chantrace"),
        "CSP": policy(style, script),
        "STYLE": style[1:],
        "DATA": as_json(data),
        "SCRIPT": script[1:],
    }
    return re.sub("@([A-Z]+)@", lambda found: parts[found[1]], part("page.html"))


def output_path(args):
    """Where to write to, "-" for standard output."""
    if args.output or args.file == "-":
        return args.output or "-"
    return args.file.removesuffix(".jsonl") + ".html"


def write(path, text):
    if path == "-":
        sys.stdout.write(text)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def arguments(argv):
    parser = argparse.ArgumentParser(
        prog="chantrace html",
        description="Write a page that shows a trace: a lane for each goroutine and each "
                    "channel, and arrows from waker to woken.  It is one file which needs no "
                    "network; open it in a browser.",
        epilog="Exit status: 0, or 2 for wrong usage, no trace, or a page that cannot be "
               "written.")
    parser.add_argument("file", metavar="FILE", help="what chantrace record wrote, or -")
    parser.add_argument("-o", "--output", metavar="OUT",
                        help="where to (FILE with .html instead of .jsonl); or -")
    return parser.parse_args(argv)


def main(argv):
    args = arguments(argv)
    path = output_path(args)
    trace = tracefile.read_or_exit(args.file)
    if not trace.of_channels:
        tracefile.complain(tracefile.NONE_OF_CHANNELS)
    text = page(trace)
    try:
        write(path, text)
    except OSError as err:
        tracefile.complain(f"cannot write {path}: {err.strerror}")
        return 2
    print(f"chantrace: {len(trace.events)} events in {path}; open it in a browser",
          file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(tracefile.run(main))
