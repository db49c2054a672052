// SPDX-License-Identifier: GPL-2.0-only

package main

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// The environment of a process that is nothing but a busy loop: on which processor.
const hogVariable = "GOBENCH_HOG"

// The thread, or the current one if it is 0, runs on one processor from now on.
func pin(thread, cpu int) {
	mask := uint64(1) << cpu
	_, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, uintptr(thread),
		unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask)))
	if errno != 0 {
		die("sched_setaffinity", errno)
	}
}

// All threads; those that come later inherit it.
func pinProcess(cpu int) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		die("/proc/self/task", err)
	}
	for _, thread := range threads {
		number, _ := strconv.Atoi(thread.Name())
		pin(number, cpu)
	}
}

// Makes a thread of a goroutine, if wanted: which of a pair it is, 0 or 1.
func lock(wanted bool, which int) {
	if !wanted {
		return
	}
	runtime.LockOSThread()
	if *placement == "apart" {
		pin(0, which)
	}
}

func isHog() bool { return os.Getenv(hogVariable) != "" }

func beHog() {
	cpu, _ := strconv.Atoi(os.Getenv(hogVariable))
	pinProcess(cpu)
	for {
	}
}

// A goroutine that is busy would be in the way of Go's scheduler; a process is in that of the
// kernel's.  It ends with the thread that started it.
func startHog(cpu int) {
	hog := exec.Command("/proc/self/exe")
	hog.Env = append(os.Environ(), hogVariable+"="+strconv.Itoa(cpu), "GOMAXPROCS=1")
	hog.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := hog.Start(); err != nil {
		die("starting a busy loop", err)
	}
}

func startHogs() {
	cpus := runtime.NumCPU()
	if *placement == "one" {
		cpus = 1
	}
	started := make(chan bool)
	go func() {
		runtime.LockOSThread()
		for cpu := 0; cpu < cpus; cpu++ {
			startHog(cpu)
		}
		started <- true
		select {} // the thread stays
	}()
	<-started
}
