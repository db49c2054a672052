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

  -r N      rounds (15)
  -p WHERE  on one processor (one, the default), each locked goroutine of a pair on another
            (apart; the locked ways only), or where the schedulers want (free)
  -g        with a busy loop on each processor beside them
  -t PART   how far two calibrations may differ before a block is repeated (0.005)
  -h        this text
`

// What the options say.
var (
	rounds    = flag.Int("r", 15, "")
	placement = flag.String("p", "one", "")
	hogged    = flag.Bool("g", false, "")
	tolerance = flag.Float64("t", 0.005, "")
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
	if *rounds < 1 {
		wrongUsage("-r takes a number from 1 on")
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
	for _, c := range cases() {
		c.measure()
	}
}
