package main

// floor is what a score has reached, and the goal that was set for it.
type floor struct {
	reached int
	goal    string
}

// floors are by name of the score. What was reached once may not be lost: the test and `make scores` hold it.
var floors = map[string]floor{}

// explained says of misses why they are none of ours, by name of the score and of the case.
var explained = map[string]string{}
