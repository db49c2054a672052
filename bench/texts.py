# SPDX-License-Identifier: GPL-2.0-only
"""What cases and ways are called in plain words.  One that is missing here is called what
chanbench calls it."""


class Case:
    """Its heading, what is done, what is counted, and what its size is."""

    def __init__(self, heading, explanation, operation="an operation", size=""):
        self.heading, self.explanation = heading, explanation
        self.operation, self.size = operation, size


CASES = {
    "send-and-receive": Case(
        "One thread sends and receives",
        "A thread puts an element of 8 bytes into a buffer and takes it out again. Nobody "
        "waits: this is what the way through the kernel costs.", "a send and a receive"),
    "round-trip": Case(
        "Request and reply",
        "A thread sends a request to another one, which waits for it, and waits for the reply. "
        "Each has to wait for the other.", "a round trip"),
    "latency": Case(
        "Request and reply, each timed by itself: the mean",
        "A request and its reply, with the clock read before and after each.", "a round trip"),
    "latency-p50": Case(
        "Request and reply: the median",
        "Half of the round trips take no longer.", "a round trip at the median"),
    "latency-p99": Case(
        "Request and reply: the 99th percentile",
        "One round trip of a hundred takes longer: who loses its turn to others shows here.",
        "a round trip at the 99th percentile"),
    "stream": Case(
        "A stream without a buffer",
        "One thread sends, another receives. A channel without a buffer hands each element "
        "over in person; the others have a buffer of at least one element, and a pipe has one "
        "of 64 KiB.", "a message"),
    "stream-buffered": Case(
        "A stream through a buffer",
        "One thread sends, another receives; who finds the buffer full or empty waits.",
        "a message", "elements long"),
    "stream-batches": Case(
        "Several elements at once",
        "So many elements are sent by one call, and received by one, through a buffer of 128. "
        "“One by one” are calls for each.", "an element", "elements at once"),
    "one-of-many-ready": Case(
        "Choosing one of many, when one is ready",
        "One of so many channels or pipes gets an element, is found by the same thread, and "
        "the element is taken. Nobody waits.", "a send and a choice", "channels"),
    "one-of-many-blocked": Case(
        "Choosing one of many, when none is ready",
        "A thread waits for so many channels or pipes; another sends to one of them and waits "
        "for an answer.", "a round trip", "channels"),
    "waiters": Case(
        "Many who wait at the same place",
        "So many threads wait to receive; one element is sent, one of them gets it and "
        "answers. What the others cost who stay asleep is what rises here.",
        "a hand-over and its answer", "waiters"),
    "close": Case(
        "Ending many waits",
        "So many threads wait to receive, and the channel is closed: the cost for each of "
        "them, until the last one has been told.", "the end of a wait", "waiters"),
    "payload": Case(
        "Longer elements, from thread to thread",
        "An element of so many bytes goes from one thread to another, without a buffer if the "
        "mechanism can do that. Where instructions are counted, memory and caches cost nothing: "
        "see the method.", "a message", "bytes"),
    "payload-buffered": Case(
        "Longer elements, into a buffer and out of it",
        "One thread sends so many bytes and receives them. Where instructions are counted, "
        "memory and caches cost nothing: see the method.", "a send and a receive", "bytes"),
    "many-to-many": Case(
        "A crowd at one channel",
        "So many threads send and as many receive, all over the same channel with a buffer of "
        "128.", "an element", "on each side"),
    "pairs": Case(
        "Pairs with a channel each",
        "So many threads, half of which send, each to its own partner. Pairs have nothing to "
        "do with each other.", "an element", "threads"),
    "make-and-close": Case(
        "Making one and closing it",
        "While so many others are there.", "making and closing", "others"),
    "idle-bytes": Case(
        "Memory of one that nobody uses",
        "What the kernel's memory grows by, divided by how many were made.", "an idle one",
        "that are there"),
    "idle-bytes-own": Case(
        "Memory of one that nobody uses, without its file",
        "What is left without the file, its inode and its directory entry, which every "
        "descriptor has.", "an idle one", "that are there"),
}
HOG = "beside a busy loop"

WAYS = {
    "chan": "channel", "chan-call": "channel, by calls", "chan-cap-1": "channel, capacity 1",
    "chan-at-once": "channel, asleep at once",
    "chan-read-write": "channel, read and write", "chan-select": "channels, select",
    "chan-select-cap-1": "channels, capacity 1", "chan-single": "channel, one by one",
    "pipe-single": "pipe, one by one", "seqpacket": "socket, SEQPACKET",
    "mqueue": "POSIX queue", "sysv-msg": "System V queue", "mutex-cond": "mutex and conditions",
    "futex-word": "futex word", "futex-wake-all": "futex, wake all",
    "pipe-epoll": "pipes, epoll and read", "pipe-poll": "pipes, poll and read",
    "go": "Go", "go-locked": "Go, locked to threads", "go-call": "Go, request with channel",
    "go-call-locked": "Go, likewise, locked", "go-static": "Go, select statement",
}


def case(name):
    """Of one that is in no list, too, and of one beside a busy loop."""
    plain = name.removesuffix("-hog")
    known = CASES.get(plain) or Case(plain.replace("-", " ").capitalize(), "")
    if plain == name:
        return known
    return Case(f"{known.heading}, {HOG}", known.explanation, known.operation, known.size)


def way(name):
    return WAYS.get(name, name)
