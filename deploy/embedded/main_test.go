package main

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.temporal.io/server/common/dynamicconfig"
)

func TestDynamicValuesAreTypedAndChecked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		setting string
		refused string
	}{
		{setting: "limit.historyCount.suggestContinueAsNew=60"},
		{setting: "limit.historySize.suggestContinueAsNew=65536"},
		{setting: "history.maxInFlightUpdates=100"},
		{setting: "history.maxTotalUpdates=40"},
		{setting: "matching.numTaskqueueReadPartitions=1"},
		{setting: "matching.numTaskqueueWritePartitions=1"},
		{setting: "frontend.enableTokenNamespaceEnforcement=false"},
		{setting: "history.shutdownDrainDuration=3s"},
		{setting: "history.maxTotalUpdates.suggestContinueAsNewThreshold=0.5"},
		{setting: "no.such.key=1", refused: "unregistered"},
		{setting: "history.maxInFlightUpdates=many", refused: "not int"},
		{setting: "history.maxInFlightUpdates", refused: "key=value"},
		{setting: "=1", refused: "key=value"},
	}
	for _, test := range tests {
		err := dynamicValues{}.Set(test.setting)
		switch {
		case test.refused == "" && err != nil:
			t.Errorf("%s: %v", test.setting, err)
		case test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)):
			t.Errorf("%s: got %v, want an error with %q", test.setting, err, test.refused)
		}
	}
}

func TestVersionCheckStaysOff(t *testing.T) {
	t.Parallel()
	values := dynamicValues{}
	if err := values.Set("frontend.enableServerVersionCheck=true"); err != nil {
		t.Fatal(err)
	}
	client, err := values.client()
	if err != nil {
		t.Fatal(err)
	}
	got := client.GetValue(dynamicconfig.EnableServerVersionCheck.Key())
	if len(got) != 1 || got[0].Value != false {
		t.Errorf("the version check is %v, want false", got)
	}
}

func TestOptionsThatCannotServeAreRefusedInOneSentence(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	free, err := freePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]string{
		"not a loopback address":                   {"--address", "192.0.2.1"},
		"must consist of":                          {"--db-name", `x"; drop`},
		"not between 1 and 512":                    {"--shards", "0"},
		"is not an option":                         {"serve"},
		"port " + port + " on 127.0.0.1 is in use": {"--port", strconv.Itoa(free), "--ui-port", port},
	}
	for want, args := range tests {
		err := run(t.Context(), args, func(string) string { return "" }, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: got %v, want one sentence with %q", args, err, want)
		}
	}
}

func TestWaitingForPostgreSQLIsSaidAndEndsWithTheContext(t *testing.T) {
	t.Parallel()
	nobody, err := freePort("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	var progress strings.Builder
	err = database{Host: "127.0.0.1", Port: nobody, User: "temporal", Name: "temporal"}.prepare(ctx, &progress)
	if err == nil || ctx.Err() == nil {
		t.Errorf("got %v before the deadline, want to wait for it", err)
	}
	if want := "waiting for PostgreSQL at 127.0.0.1:" + strconv.Itoa(nobody); strings.Count(progress.String(), want) != 1 {
		t.Errorf("said %q, want once %q", progress.String(), want)
	}
}
