package postroom

// ProfileID names a multimedia profile: the key that the configuration gives.
type ProfileID string

// MaxCapacity is the most contacts of one channel that an agent may hold at once (R2). It is also the number of slots in the
// database, numbered 1 to MaxCapacity, which make it impossible to hold more.
const MaxCapacity = 10

// Mode says which channels' contacts an agent may hold at the same time (R2).
type Mode string

// The modes.
const (
	// ModeBlended: contacts of all channels, each up to its capacity.
	ModeBlended Mode = "blended"
	// ModeBlendedRealTime: of the real-time channels, voice and chat, one at a time; the others beside it.
	ModeBlendedRealTime Mode = "blended_real_time"
	// ModeExclusive: one contact at a time, whatever its channel.
	ModeExclusive Mode = "exclusive"
)

// Modes lists every mode.
func Modes() []Mode { return []Mode{ModeBlended, ModeBlendedRealTime, ModeExclusive} }

// MultimediaProfile says how many contacts of each channel an agent may hold at once, and which together (R2). A channel that is missing
// has capacity 0; an empty Mode is ModeBlended. It is given to a site, a team or an agent; the most specific wins, as a whole.
type MultimediaProfile struct {
	ID       ProfileID
	Name     string
	Mode     Mode
	Capacity map[Channel]int
}

// Room is how many more contacts of a channel may be offered to an agent who holds held: offered, accepted and in wrap-up all count. The
// database says the same (agent_room in migration 00005); a test compares the two.
func (p MultimediaProfile) Room(channel Channel, held map[Channel]int) int {
	room := max(0, p.Capacity[channel]-held[channel])
	switch p.Mode {
	case ModeExclusive:
		for _, n := range held {
			if n > 0 {
				return 0
			}
		}
		return min(1, room)
	case ModeBlendedRealTime:
		if channel.RealTime() {
			for c, n := range held {
				if c != channel && c.RealTime() && n > 0 {
					return 0
				}
			}
			return room
		}
	}
	return room
}
