// SPDX-License-Identifier: GPL-2.0-only

package main

import "reflect"

// The names and sizes of chanbench.
func cases() []bench {
	all := []bench{
		{name: "send-and-receive", ops: 2000, ways: pairWays()},
		{name: "round-trip", ops: 500, ways: roundTripWays(), everywhere: true, blocks: true},
		{name: "stream", ops: 2000, ways: streamWays(0), everywhere: true, blocks: true},
		{name: "stream-buffered", size: 128, ops: 4000, ways: streamWays(128),
			everywhere: true, blocks: true},
	}
	for _, n := range []int{2, 8, 64, 512, 1024} {
		ops := 1024 / n
		if n > 64 {
			ops = n / 8
		}
		thorough := n != 2 && n != 64
		all = append(all,
			bench{name: "one-of-many-ready", size: n, ops: ops, ways: readyWays(n),
				thorough: thorough},
			bench{name: "one-of-many-blocked", size: n, ops: ops, ways: blockedWays(n),
				everywhere: n == 2, blocks: n <= 64, thorough: thorough})
	}
	return all
}

// ---- a goroutine sends, and then receives what it has sent

type pair chan uint64

func pairWays() []way {
	start := func(bool) subject { return pair(make(chan uint64, 1)) }
	return []way{{"go", false, start}, {"go-locked", true, start}}
}

func (c pair) run(n int) {
	for ; n > 0; n-- {
		c <- 1
		<-c
	}
}

func (c pair) stop() {}

// ---- a request to another goroutine, which waits for it, and its reply

type server struct{ out, back chan uint64 }

func startServer(locked bool) subject {
	s := server{make(chan uint64), make(chan uint64)}
	go func() {
		lock(locked, 1)
		for v := range s.out {
			s.back <- v
		}
	}()
	return s
}

// A request that says where its reply goes, as programs in Go do it.
type request struct {
	v    uint64
	back chan uint64
}

type caller struct {
	requests chan request
	back     chan uint64
}

func startCaller(locked bool) subject {
	c := caller{make(chan request), make(chan uint64)}
	go func() {
		lock(locked, 1)
		for r := range c.requests {
			r.back <- r.v
		}
	}()
	return c
}

func roundTripWays() []way {
	return []way{
		{"go", false, startServer},
		{"go-call", false, startCaller},
		{"go-locked", true, startServer},
		{"go-call-locked", true, startCaller},
	}
}

func (s server) run(n int) {
	for ; n > 0; n-- {
		s.out <- 1
		<-s.back
	}
}

func (s server) stop() { close(s.out) }

func (c caller) run(n int) {
	for ; n > 0; n-- {
		c.requests <- request{1, c.back}
		<-c.back
	}
}

func (c caller) stop() { close(c.requests) }

// ---- one goroutine sends, another receives; a block ends when the last one is received

type stream struct {
	elems  chan uint64
	blocks chan int
	done   chan bool
}

func streamWays(capacity int) []way {
	start := func(locked bool) subject {
		s := stream{make(chan uint64, capacity), make(chan int, 1), make(chan bool, 1)}
		go s.consume(locked)
		return s
	}
	return []way{{"go", false, start}, {"go-locked", true, start}}
}

func (s stream) consume(locked bool) {
	lock(locked, 1)
	for n := range s.blocks {
		for ; n > 0; n-- {
			<-s.elems
		}
		s.done <- true
	}
}

func (s stream) run(n int) {
	s.blocks <- n
	for ; n > 0; n-- {
		s.elems <- 1
	}
	<-s.done
}

func (s stream) stop() { close(s.blocks) }

// ---- one of many becomes ready, is found, and what it has is taken; which one goes round

type choice struct {
	chans []chan uint64
	cases []reflect.SelectCase
	next  *int
}

func newChoice(n, capacity int) choice {
	c := choice{next: new(int)}
	for i := 0; i < n; i++ {
		ch := make(chan uint64, capacity)
		c.chans = append(c.chans, ch)
		c.cases = append(c.cases, reflect.SelectCase{
			Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ch)})
	}
	return c
}

func (c choice) sendToNext() {
	c.chans[*c.next] <- 1
	*c.next = (*c.next + 1) % len(c.chans)
}

func (c choice) run(n int) {
	for ; n > 0; n-- {
		c.sendToNext()
		reflect.Select(c.cases)
	}
}

func (c choice) stop() {}

// Which case it is, is written in the program.
type choiceOfTwo struct{ choice }

func (c choiceOfTwo) run(n int) {
	a, b := c.chans[0], c.chans[1]
	for ; n > 0; n-- {
		c.sendToNext()
		select {
		case <-a:
		case <-b:
		}
	}
}

func readyWays(n int) []way {
	start := func(bool) subject { return newChoice(n, 1) }
	ways := []way{{"go", false, start}, {"go-locked", true, start}}
	if n == 2 {
		ways = append(ways, way{"go-static", false, func(bool) subject {
			return choiceOfTwo{newChoice(n, 1)}
		}})
	}
	return ways
}

// ---- a goroutine waits for many; another sends to one of them and waits for its answer

type chooser struct {
	choice
	ack chan uint64
}

func blockedWays(n int) []way {
	start := func(locked bool) subject {
		c := chooser{newChoice(n, 0), make(chan uint64)}
		go c.choose(locked)
		return c
	}
	return []way{{"go", false, start}, {"go-locked", true, start}}
}

func (c chooser) choose(locked bool) {
	lock(locked, 1)
	for {
		if _, _, ok := reflect.Select(c.cases); !ok {
			return
		}
		c.ack <- 1
	}
}

func (c chooser) run(n int) {
	for ; n > 0; n-- {
		c.sendToNext()
		<-c.ack
	}
}

func (c chooser) stop() { close(c.chans[0]) }
