package testkit

import (
	"fmt"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/temporalproto"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Payloads lists everything that a history holds and that could carry a word of a mail: every payload decoded, and every string, whichever
// message of whichever event it is in.
func Payloads(h *historypb.History) []string {
	var found []string
	for _, e := range h.Events {
		walk(e.ProtoReflect(), &found)
	}
	return found
}

func walk(m protoreflect.Message, found *[]string) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				*found = append(*found, k.String())
				single(f.MapValue(), v, found)
				return true
			})
		case f.IsList():
			for i := range v.List().Len() {
				single(f, v.List().Get(i), found)
			}
		default:
			single(f, v, found)
		}
		return true
	})
}

func single(f protoreflect.FieldDescriptor, v protoreflect.Value, found *[]string) {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		walk(v.Message(), found)
	case protoreflect.StringKind:
		*found = append(*found, v.String())
	case protoreflect.BytesKind:
		*found = append(*found, string(v.Bytes()))
	}
}

// WordsIn counts the places of a history that hold a word.
func WordsIn(h *historypb.History, word string) (places int) {
	for _, s := range Payloads(h) {
		if strings.Contains(s, word) {
			places++
		}
	}
	return places
}

// NoWordIn fails if a history holds a word of a mail; and if the search would not find it: it plants the word in a copy of the history, in
// the input, in a failure and in a summary, and looks again.
func NoWordIn(t testing.TB, runs []*historypb.History, word string) {
	t.Helper()
	for i, h := range runs {
		if n := WordsIn(h, word); n > 0 {
			t.Errorf("run %d holds %q in %d places", i+1, word, n)
		}
		if b, err := (temporalproto.CustomJSONMarshalOptions{}).Marshal(h); err != nil || strings.Contains(string(b), word) {
			t.Errorf("run %d holds %q in its JSON (%v)", i+1, word, err)
		}
		planted := proto.Clone(h).(*historypb.History)
		start := planted.Events[0].GetWorkflowExecutionStartedEventAttributes()
		start.Input.Payloads[0].Data = []byte(fmt.Sprintf("{%q:1}", word))
		start.WorkflowId += word
		planted.Events[0].UserMetadata = &sdkpb.UserMetadata{Summary: &commonpb.Payload{Data: []byte(word)}}
		if n := WordsIn(planted, word); n != 3 {
			t.Errorf("run %d: planted in 3 places, found in %d", i+1, n)
		}
	}
}
