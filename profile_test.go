package postroom_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/postroom/postroom"
)

type counts = map[postroom.Channel]int

// R1, R2: how many contacts of a channel an agent may still be offered, by capacity, mode and what he holds on all channels.
func TestRoomFollowsCapacityAndMode(t *testing.T) {
	t.Parallel()
	all := counts{"email": 3, "voice": 1, "chat": 2, "social": 2}
	for name, c := range map[string]struct {
		mode     postroom.Mode
		capacity counts
		held     counts
		room     counts
	}{
		"nothing held":       {postroom.ModeBlended, all, nil, all},
		"no mode is blended": {"", all, counts{"voice": 1}, counts{"email": 3, "chat": 2, "social": 2}},
		"blended: channels do not touch each other":     {postroom.ModeBlended, all, counts{"email": 2, "voice": 1}, counts{"email": 1, "chat": 2, "social": 2}},
		"a capacity that was lowered":                   {postroom.ModeBlended, counts{"email": 1}, counts{"email": 3}, nil},
		"no capacity":                                   {postroom.ModeBlended, nil, nil, nil},
		"real time: a call keeps chats away":            {postroom.ModeBlendedRealTime, all, counts{"voice": 1}, counts{"email": 3, "social": 2}},
		"real time: a chat keeps calls away, not chats": {postroom.ModeBlendedRealTime, all, counts{"chat": 1}, counts{"email": 3, "chat": 1, "social": 2}},
		"real time: email keeps nothing away":           {postroom.ModeBlendedRealTime, all, counts{"email": 3}, counts{"voice": 1, "chat": 2, "social": 2}},
		"exclusive: one of any":                         {postroom.ModeExclusive, all, nil, counts{"email": 1, "voice": 1, "chat": 1, "social": 1}},
		"exclusive: one is all":                         {postroom.ModeExclusive, all, counts{"social": 1}, nil},
		"exclusive: none of what he may not":            {postroom.ModeExclusive, counts{"email": 2}, nil, counts{"email": 1}},
		"exclusive: entries of zero hold nothing":       {postroom.ModeExclusive, counts{"email": 2}, counts{"voice": 0}, counts{"email": 1}},
	} {
		p := postroom.MultimediaProfile{Mode: c.mode, Capacity: c.capacity}
		for _, channel := range postroom.Channels() {
			if got := p.Room(channel, c.held); got != c.room[channel] {
				t.Errorf("%s: room for %d of %s, want %d", name, got, channel, c.room[channel])
			}
		}
	}
}

// R2, I2: whoever is only offered what there is room for never holds more than his capacity, nor what his mode keeps apart; and what he
// holds more never makes more room.
func TestWhoIsOfferedWhatThereIsRoomForKeepsToHisProfile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := postroom.MultimediaProfile{Mode: rapid.SampledFrom(append(postroom.Modes(), "")).Draw(t, "mode"), Capacity: counts{}}
		for _, channel := range postroom.Channels() {
			p.Capacity[channel] = rapid.IntRange(0, 4).Draw(t, "capacity")
		}
		held := counts{}
		for range rapid.IntRange(1, 30).Draw(t, "acts") {
			channel := rapid.SampledFrom(postroom.Channels()).Draw(t, "channel")
			if rapid.IntRange(0, 2).Draw(t, "ends") == 0 {
				held[channel] = max(0, held[channel]-1)
				continue
			}
			before := counts{}
			for _, c := range postroom.Channels() {
				before[c] = p.Room(c, held)
			}
			if before[channel] == 0 {
				continue
			}
			held[channel]++
			total, realTime := 0, 0
			for _, c := range postroom.Channels() {
				if room := p.Room(c, held); room > before[c] || room < 0 {
					t.Fatalf("%+v holding %v has room for %d of %s, %d before", p, held, room, c, before[c])
				}
				total += held[c]
				if c.RealTime() && held[c] > 0 {
					realTime++
				}
			}
			switch {
			case held[channel] > p.Capacity[channel]:
				t.Fatalf("%+v holds %v", p, held)
			case p.Mode == postroom.ModeExclusive && total > 1:
				t.Fatalf("exclusively he holds %v", held)
			case p.Mode == postroom.ModeBlendedRealTime && realTime > 1:
				t.Fatalf("he talks on two channels at once: %v", held)
			}
		}
	})
}

// R4: a missing Korean name falls back to English.
func TestAMissingKoreanNameIsShownInEnglish(t *testing.T) {
	t.Parallel()
	both, one := postroom.Name{English: "Seoul office", Korean: "서울 사무소"}, postroom.Name{English: "Seoul office"}
	for _, c := range []struct {
		name           postroom.Name
		language, want string
	}{{both, "ko", "서울 사무소"}, {both, "en", "Seoul office"}, {one, "ko", "Seoul office"}, {both, "fr", "Seoul office"}} {
		if got := c.name.In(c.language); got != c.want {
			t.Errorf("%+v in %s: %s", c.name, c.language, got)
		}
	}
}
