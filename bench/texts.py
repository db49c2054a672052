# SPDX-License-Identifier: GPL-2.0-only
"""What cases and ways are called in plain words.  One that is missing here is called what
chanbench calls it."""

# Name: heading, what is done, and what one operation is.
CASES = {
    "send-and-receive": ("One thread sends and receives", "A thread puts an element of 8 bytes "
                         "into a buffer and takes it out again. Nobody waits: this is what the "
                         "way through the kernel costs.", "a send and a receive"),
    "round-trip": ("Request and reply", "A thread sends a request to another one, which waits "
                   "for it, and waits for the reply. Both have to be woken.", "a round trip"),
    "stream": ("A stream without a buffer", "One thread sends, another receives. A channel "
               "without a buffer hands each element over in person; the others have a buffer "
               "of at least one element, and a pipe has one of 64 KiB.", "a message"),
    "stream-buffered": ("A stream through a buffer", "One thread sends, another receives; who "
                        "finds the buffer full or empty waits.", "a message"),
    "one-of-many-ready": ("Choosing one of many, when one is ready", "One of so many channels "
                          "or pipes gets an element, is found by the same thread, and the "
                          "element is taken. Nobody waits.", "a send and a choice"),
    "one-of-many-blocked": ("Choosing one of many, when none is ready", "A thread waits for so "
                            "many channels or pipes; another sends to one of them and waits "
                            "for an answer.", "a round trip"),
}
HOG = "beside a busy loop"

WAYS = {
    "chan": "channel", "chan-call": "channel, by calls", "chan-cap-1": "channel, capacity 1",
    "chan-read-write": "channel, read and write", "chan-select": "channels, select",
    "seqpacket": "socket, SEQPACKET", "mqueue": "POSIX queue", "sysv-msg": "System V queue",
    "mutex-cond": "mutex and conditions", "futex-word": "futex word",
    "pipe-epoll": "pipes, epoll and read", "pipe-poll": "pipes, poll and read",
    "go": "Go", "go-locked": "Go, locked to threads", "go-call": "Go, request with channel",
    "go-call-locked": "Go, likewise, locked", "go-static": "Go, select statement",
}


def heading(case):
    return CASES.get(case, (case.replace("-", " ").capitalize(),))[0]


def explanation(case):
    return CASES[case][1] if case in CASES else ""


def operation(case):
    return CASES[case][2] if case in CASES else "an operation"


def way(name):
    return WAYS.get(name, name)
