package runtime

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel wakes the reader for a record that finds the ring read to its end. When batches follow each other closely the
// reader pauses between them: the records that come meanwhile wake nobody, which keeps their cost in the kernel at a tenth of
// that of a wake-up. An
// idle reader looks up now and then all the same, for lost records and for an exit() whose record was lost. Records that tell of new stacks and of
// nothing to be shown can wait longer.
const (
	pollPause = 4 * time.Millisecond
	pollRest  = 20 * time.Millisecond
	pollIdle  = 250 * time.Millisecond
)

// pace chooses how the reader waits between two looks at the ring.
type pace struct {
	last   time.Time // when there were events
	paused bool      // before the last look
}

// next chooses after a look, at now, that found n bytes of events in a ring of size bytes. With silent they were of new stacks only.
func (c *pace) next(now time.Time, n, size int, silent bool) func(*poller) error {
	pause, often := pollPause, c.paused
	if silent {
		pause = pollRest
	}
	often = often || now.Sub(c.last) < pause
	c.paused = false
	if n == 0 {
		return (*poller).wait
	}
	c.last = now
	switch {
	case n*8 > size:
		return (*poller).check // it fills fast: there is more already
	case often:
		c.paused = true
		if silent {
			return (*poller).rest
		}
		return (*poller).pause
	}
	return (*poller).wait // the first event for a while, which may be the only one
}

// poller waits for the ring buffer, for a while, or until it is woken.
type poller struct {
	epoll   int
	watched int  // descriptor of a process whose end is waited for, -1 for none
	ended   bool // it has ended

	mu    sync.Mutex // of event: who wakes the poller may come when it is closed
	event int
}

// newPoller waits for fd (the ring's), -1 for none.
func newPoller(fd int) (*poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("creating an epoll instance: %w", err)
	}
	p := &poller{epoll: epoll, event: -1, watched: -1}
	p.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		p.close()
		return nil, fmt.Errorf("creating an event descriptor: %w", err)
	}
	for _, fd := range []int{p.event, fd} {
		if fd < 0 {
			continue
		}
		if err := p.add(fd); err != nil {
			p.close()
			return nil, fmt.Errorf("watching the ring buffer: %w", err)
		}
	}
	return p, nil
}

// add makes fd wake the poller. Edge-triggered: records that are not committed yet must not turn
// the wait into a busy loop.
func (p *poller) add(fd int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(fd)}
	return unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &ev)
}

// watch makes the end of a process, given by its pidfd, wake the poller and set ended.
func (p *poller) watch(pidfd int) error {
	p.watched = pidfd
	if err := p.add(pidfd); err != nil {
		return fmt.Errorf("watching the traced process: %w", err)
	}
	return nil
}

// wait sleeps until a writer or wake wakes it, or for pollIdle. It returns early after a signal.
func (p *poller) wait() error { return p.epollWait(pollIdle) }

// pause lets records gather.
func (p *poller) pause() error {
	time.Sleep(pollPause)
	return p.check()
}

// rest is a longer pause.
func (p *poller) rest() error {
	time.Sleep(pollRest)
	return p.check()
}

// check does not sleep: it only looks whether the watched process has ended.
func (p *poller) check() error { return p.epollWait(0) }

func (p *poller) epollWait(sleep time.Duration) error {
	var events [3]unix.EpollEvent
	n, err := unix.EpollWait(p.epoll, events[:], int(sleep/time.Millisecond))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("waiting for the ring buffer: %w", err)
	}
	for _, ev := range events[:max(0, n)] {
		if int(ev.Fd) == p.watched {
			p.ended = true
		}
	}
	return nil
}

// wake ends the current or the next wait. It may be called from any goroutine; after close it does nothing.
func (p *poller) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.event < 0 {
		return
	}
	var one [8]byte
	putU64(one[:], 1)
	_, _ = unix.Write(p.event, one[:]) // EAGAIN: it is woken already
}

func (p *poller) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, fd := range []int{p.event, p.epoll} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	p.event, p.epoll = -1, -1
}
