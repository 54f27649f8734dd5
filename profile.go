package postroom

// ProfileID names a multimedia profile: the key that the configuration gives.
type ProfileID string

// MaxCapacity is the most contacts of one channel that an agent may hold at once (R2). It is also the number of slots in the
// database, numbered 1 to MaxCapacity, which make it impossible to hold more.
const MaxCapacity = 10

// MultimediaProfile says how many contacts of each channel an agent may hold at once (R2). A channel that is missing has
// capacity 0. It is given to a team or to an agent; the most specific wins.
type MultimediaProfile struct {
	ID       ProfileID
	Name     string
	Capacity map[Channel]int
}
