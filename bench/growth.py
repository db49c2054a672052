# SPDX-License-Identifier: GPL-2.0-only
"""How costs grow with the size of a case, and how they should.

Expected is what the design says.  Costs that should not grow, or shrink, are fitted by
cost = b * size^e.  Those that have a part which does not grow, such as entering the kernel, are
fitted by cost = a + b * size^e, which needs four sizes to say anything.
"""
import math

STEPS = [i / 200 for i in range(1, 601)]    # exponents that are tried: up to 3
FLAT = 1.02     # what grows less than that, over all sizes, has no part that grows


class Expected:
    """Of a case: the exponent of what ours cost in it is at most this, because."""

    def __init__(self, case, at_most, because, fixed_part=False):
        self.case, self.at_most, self.because = case, at_most, because
        self.fixed_part = fixed_part


# at_most holds what is allowed for noise: over 10,000 sizes, 0.01 is a tenth.
EXPECTED = [
    Expected("one-of-many-ready", 1.05, "a select looks at each case once", fixed_part=True),
    Expected("one-of-many-blocked", 1.05, "each case is queued once and taken back once",
             fixed_part=True),
    Expected("waiters", 0.01, "who waits is found at the head of a queue"),
    Expected("close", 0.05, "each waiter is told once"),
    Expected("stream-batches", 0.01, "a call more or less is shared by more elements"),
    Expected("payload", 1.05, "each byte is copied so many times", fixed_part=True),
    Expected("payload-buffered", 1.05, "each byte is copied so many times", fixed_part=True),
    Expected("many-to-many", 0.06, "one wake for an element, whoever else is there"),
    Expected("pairs", 0.05, "pairs share nothing"),
    Expected("make-and-close", 0.02, "no list of channels is gone through"),
    Expected("idle-bytes", 0.02, "each has its own memory only"),
    Expected("idle-bytes-own", 0.02, "each has its own memory only"),
]


def power(points):
    """Of {size: cost}: e, by least squares of the logarithms."""
    x = [math.log(size) for size in points]
    y = [math.log(cost) for cost in points.values()]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return (sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) /
            sum((a - mean_x) ** 2 for a in x))


def line(points, exponent):
    """Of {size: cost}: a and b, and the sum of the squares of their relative errors."""
    weights = {size: 1 / cost ** 2 for size, cost in points.items()}
    total = sum(weights.values())
    mean_x = sum(w * size ** exponent for size, w in weights.items()) / total
    mean_y = sum(w * points[size] for size, w in weights.items()) / total
    b = (sum(w * (size ** exponent - mean_x) * (points[size] - mean_y)
             for size, w in weights.items()) /
         sum(w * (size ** exponent - mean_x) ** 2 for size, w in weights.items()))
    a = mean_y - b * mean_x
    error = sum(w * (a + b * size ** exponent - points[size]) ** 2
                for size, w in weights.items())
    return a, b, error


def power_beside_fixed(points):
    """Of {size: cost}: a, b and e, those with the least relative errors."""
    if max(points.values()) < FLAT * min(points.values()):
        return min(points.values()), 0.0, 0.0
    exponent = min(STEPS, key=lambda e: line(points, e)[2])
    a, b, _ = line(points, exponent)
    return a, b, exponent


class Growth:
    """How the cost of one way grows."""

    def __init__(self, expected, placement, way, points):
        self.expected, self.placement, self.way, self.points = expected, placement, way, points
        self.exponent = power_beside_fixed(points)[2] if expected.fixed_part else power(points)

    def met(self):
        return self.exponent <= self.expected.at_most

    def times(self):
        """How many times as much the largest costs as the smallest."""
        return self.points[max(self.points)] / self.points[min(self.points)]

    def step(self):
        """What one more costs, from the smallest to the largest."""
        low, high = min(self.points), max(self.points)
        return (self.points[high] - self.points[low]) / (high - low)


def growths(results):
    """Of all ways in cases that should grow somehow and come in enough sizes.  Nothing of
    none, and what costs nothing, has no logarithm."""
    found = []
    for expected in EXPECTED:
        ways = {(c.placement, way): None for c in results.cases.values()
                if c.name == expected.case for way in c.ways}
        for placement, way in ways:
            points = {size: w.cost()
                      for size, w in results.sizes(expected.case, placement, way).items()
                      if size and w.cost() > 0}
            if len(points) >= (4 if expected.fixed_part else 3):
                found.append(Growth(expected, placement, way, points))
    return found
