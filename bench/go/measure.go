// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"fmt"
	"math"
	"path"
	"runtime"
	"syscall"
	"time"
)

const (
	calibrationLoops = 20000
	calibrations     = 3
	mostRetries      = 5
	mostScale        = 4096
)

// A bench is a case: so many operations are a block, or a multiple if that is over too fast.
type bench struct {
	name       string
	size       int
	ops        int
	ways       []way
	everywhere bool // makes sense on several processors, too
	blocks     bool // somebody waits
	thorough   bool // left out of a quick run
}

// A way to do it.  Start makes what it needs; run does the operation n times, in a goroutine
// which is locked if the way is; stop ends what start began.
type way struct {
	name   string
	locked bool
	start  func(locked bool) subject
}

type subject interface {
	run(n int)
	stop()
}

type block struct {
	ns, voluntary, involuntary float64
	quiet                      bool
}

func timeOfLoops() float64 {
	start := time.Now()
	for i := 0; i < calibrationLoops; i++ {
	}
	return float64(time.Since(start))
}

// Nothing but instructions, whose time says how fast the machine is.
func calibrate() float64 {
	least := timeOfLoops()
	for i := 1; i < calibrations; i++ {
		least = math.Min(least, timeOfLoops())
	}
	return least
}

func switches() (voluntary, involuntary float64) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		die("getrusage", err)
	}
	return float64(usage.Nvcsw), float64(usage.Nivcsw)
}

func runBlock(s subject, ops int) block {
	// Which also empties what Go keeps in store: it has to be filled again.
	runtime.GC()
	s.run(ops/8 + 1)
	calibration := calibrate()
	voluntary, involuntary := switches()
	start := time.Now()
	s.run(ops)
	ns := float64(time.Since(start))
	nowVoluntary, nowInvoluntary := switches()
	n := float64(ops)
	return block{
		ns:          ns / n,
		voluntary:   (nowVoluntary - voluntary) / n,
		involuntary: (nowInvoluntary - involuntary) / n,
		quiet:       math.Abs(calibration-calibrate()) <= *tolerance*calibration,
	}
}

// Once more if something came in between.
func quietBlock(s subject, ops int) (b block) {
	for i := 0; i < mostRetries && !b.quiet; i++ {
		b = runBlock(s, ops)
	}
	return b
}

func (c bench) title() string {
	if *hogged {
		return c.name + "-hog"
	}
	return c.name
}

func (c bench) wanted() bool {
	match, _ := path.Match(pattern, c.name)
	return match && (c.everywhere || *placement == "one") && (c.blocks || !*hogged) &&
		!(c.thorough && *quick)
}

// A way, and what has been set up for it.
type candidate struct {
	way
	subject
	ops int
}

// The first block warms up, and shows how long one takes.
func (c bench) setUp(w way) candidate {
	s := onThread(w, w.start(w.locked))
	start := time.Now()
	s.run(c.ops)
	taken := float64(time.Since(start))
	scale := 1
	for scale < mostScale && float64(scale)*taken < *leastMs*1e6 {
		scale++
	}
	return candidate{w, s, c.ops * scale}
}

func (c bench) measureWay(w candidate, round int) {
	b := quietBlock(w.subject, w.ops)
	quiet := 0
	if b.quiet {
		quiet = 1
	}
	fmt.Printf("%s,%d,%s,%s,%d,%.2f,%.4f,%.4f,%d\n", c.title(), c.size, *placement, w.name,
		round, b.ns, b.voluntary, b.involuntary, quiet)
}

// Apart can be threads only.
func (c bench) waysHere() (here []way) {
	for _, w := range c.ways {
		if w.locked || *placement != "apart" {
			here = append(here, w)
		}
	}
	return here
}

// Ways take turns, forwards in one round and backwards in the next.
func (c bench) session(from, to int) {
	var ways []candidate
	for _, w := range c.waysHere() {
		ways = append(ways, c.setUp(w))
	}
	for round := from; round < to; round++ {
		for i := range ways {
			k := i
			if round%2 == 1 {
				k = len(ways) - 1 - i
			}
			c.measureWay(ways[k], round)
		}
	}
	for _, w := range ways {
		w.stop()
	}
}

func (c bench) measure() {
	for s := 0; s < *sessions; s++ {
		c.session(*rounds*s / *sessions, *rounds*(s+1) / *sessions)
	}
}

// A subject whose operations are done by a goroutine of its own.
type threaded struct {
	subject
	blocks chan int
	done   chan bool
}

func onThread(w way, s subject) subject {
	if !w.locked {
		return s
	}
	t := threaded{s, make(chan int), make(chan bool)}
	go func() {
		lock(true, 0)
		for n := range t.blocks {
			t.subject.run(n)
			t.done <- true
		}
	}()
	return t
}

func (t threaded) run(n int) {
	t.blocks <- n
	<-t.done
}

func (t threaded) stop() {
	close(t.blocks)
	t.subject.stop()
}
