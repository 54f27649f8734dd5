package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.temporal.io/server/common/dynamicconfig"
)

// dynamicValues collects --dynamic key=value. Keys are those of the server's common/dynamicconfig/constants.go, in any case.
// A value is an integer, a number, true or false, and else a string, which is also how durations are written ("30s").
//
// Keys that tests use: limit.historyCount.suggestContinueAsNew, limit.historySize.suggestContinueAsNew,
// history.maxInFlightUpdates, history.maxTotalUpdates, matching.numTaskqueueReadPartitions.
type dynamicValues dynamicconfig.ConfigValueMap

// always holds the settings that nobody may change: no call leaves the machine.
var always = []string{"frontend.enableServerVersionCheck=false"}

// String satisfies flag.Value.
func (v dynamicValues) String() string { return "" }

// Set adds one setting; the last one of a key counts. A key that this server does not know is an error, as is a value of the
// wrong type: the server would ignore either without a word.
func (v dynamicValues) Set(setting string) error {
	key, text, found := strings.Cut(setting, "=")
	if !found || key == "" {
		return errors.New("it must have the form key=value")
	}
	// The server's own loader checks key and type. It reads YAML, of which JSON is a part.
	contents, err := json.Marshal([]map[string]any{{"value": scalar(text)}})
	if err != nil {
		return err
	}
	loader := dynamicconfig.YamlLoader{Map: dynamicconfig.ConfigValueMap(v)}
	loader.LoadValue(dynamicconfig.MakeKey(key), contents)
	return errors.Join(append(loader.Errors, loader.Warnings...)...)
}

// client gives the server the settings, the fixed ones last.
func (v dynamicValues) client() (dynamicconfig.Client, error) {
	for _, setting := range always {
		if err := v.Set(setting); err != nil {
			return nil, fmt.Errorf("dynamic configuration %s: %w", setting, err)
		}
	}
	static := dynamicconfig.StaticClient{}
	for key, values := range v {
		static[key] = values
	}
	return static, nil
}

func scalar(text string) any {
	if i, err := strconv.Atoi(text); err == nil {
		return i
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f
	}
	switch text {
	case "true":
		return true
	case "false":
		return false
	}
	return text
}
