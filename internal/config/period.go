package config

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// period is a time in whole seconds, written with its unit as in 90s or 1m30s; where least is more than nothing, nothing is left out.
func period(to *time.Duration, least, most time.Duration) value {
	return periodValue{to, least, most}
}

type periodValue struct {
	to          *time.Duration
	least, most time.Duration
}

func (v periodValue) describe() string {
	return fmt.Sprintf("time with its unit (90s, 5m, 1h30m), %s–%s", inUnits(v.least), inUnits(v.most))
}

var duration = regexp.MustCompile(`^([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?$`)

func (v periodValue) read(r *reader, at place, n ast.Node) {
	text, ok := n.(*ast.StringNode)
	if !ok || text.Value == "" || !duration.MatchString(text.Value) {
		r.wrong(at, "expected a time in whole seconds with its unit, as in 90s, 5m or 1h30m")
		return
	}
	got, err := time.ParseDuration(text.Value)
	if err != nil || got < v.least || got > v.most {
		r.wrong(at, "out of range: expected %s–%s", inUnits(v.least), inUnits(v.most))
		return
	}
	*v.to = got
}

func (v periodValue) write(int) string {
	if *v.to == 0 && v.least > 0 {
		return ""
	}
	return inUnits(*v.to)
}

// inUnits writes a time in the largest unit of which it is a whole number.
func inUnits(d time.Duration) string {
	switch {
	case d > 0 && d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	case d > 0 && d%time.Minute == 0:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	}
	return strconv.Itoa(int(d/time.Second)) + "s"
}
