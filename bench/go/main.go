// SPDX-License-Identifier: GPL-2.0-only

// Gobench measures what Go's own channels cost, in the cases of chanbench, and prints the
// same lines.
package main

import (
	"flag"
	"fmt"
	"os"
	"path"
	"runtime"
	"runtime/debug"
)

const usage = `usage: gobench [OPTION...] [CASE]

Measures Go's channels in the cases of chanbench that Go has: all of them, or those whose
names match the pattern CASE.  Prints the lines that chanbench prints, with these ways:

  go          goroutines, which Go's scheduler switches without the kernel
  go-locked   runtime.LockOSThread() in each: a goroutine is a thread, as with chan
  go-static   a select statement; one-of-many with go is reflect.Select()

The options are those of chanbench:

  -r N      rounds: blocks of each way (15)
  -s N      sessions: how often all is set up anew on the way (3)
  -m MS     how long a block takes at least (10)
  -p WHERE  on one processor (one, the default), each locked goroutine of a pair on another
            (apart; the locked ways only), or where the schedulers want (free)
  -g        with a busy loop on each processor beside them: those cases in which somebody
            waits, and "-hog" behind their names
  -q        quick: fewer sizes
  -t PART   how far two calibrations may differ before a block is repeated (0.005)
  -v        tells on standard error which case is being measured
  -h        this text

Exit status: 0; 1 if something failed; 2 for wrong usage; 3 if there is no such case.
`

// What the options say.
var (
	rounds    = flag.Int("r", 15, "")
	sessions  = flag.Int("s", 3, "")
	leastMs   = flag.Float64("m", 10, "")
	placement = flag.String("p", "one", "")
	hogged    = flag.Bool("g", false, "")
	quick     = flag.Bool("q", false, "")
	tolerance = flag.Float64("t", 0.005, "")
	verbose   = flag.Bool("v", false, "")
	pattern   = "*"
)

func die(what string, err error) {
	fmt.Fprintf(os.Stderr, "gobench: %s: %v\n", what, err)
	os.Exit(1)
}

func wrongUsage(what string) {
	fmt.Fprintf(os.Stderr, "gobench: %s (see gobench -h)\n", what)
	os.Exit(2)
}

func parse() {
	flag.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	for _, argument := range os.Args[1:] {
		if argument == "-h" || argument == "--help" {
			fmt.Print(usage)
			os.Exit(0)
		}
	}
	flag.Parse()
	switch *placement {
	case "one", "apart", "free":
	default:
		wrongUsage("-p takes one, apart or free, not " + *placement)
	}
	if *rounds < 1 || *sessions < 1 || *leastMs < 0 || *tolerance < 0 {
		wrongUsage("-r and -s take a number from 1 on, -m and -t one from 0 on")
	}
	if *sessions > *rounds {
		*sessions = *rounds
	}
	if flag.NArg() > 1 {
		wrongUsage("one pattern, not several")
	}
	if flag.NArg() > 0 {
		pattern = flag.Arg(0)
	}
	if _, err := path.Match(pattern, ""); err != nil {
		wrongUsage("no pattern: " + pattern)
	}
}

func main() {
	if isHog() {
		beHog()
	}
	parse()
	if *hogged {
		startHogs()
	}
	if *placement == "one" {
		runtime.GOMAXPROCS(1)
		pinProcess(0)
	}
	// Garbage is collected between blocks.
	debug.SetGCPercent(-1)
	measured := false
	for _, c := range cases() {
		if c.wanted() {
			if *verbose {
				fmt.Fprintf(os.Stderr, "%s %d (%s), Go\n", c.title(), c.size, *placement)
			}
			c.measure()
			measured = true
		}
	}
	if !measured {
		fmt.Fprintf(os.Stderr, "gobench: no case here matches %s\n", pattern)
		os.Exit(3)
	}
}
