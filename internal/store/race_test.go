package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// What many do at the same moment, from many connections. After each race all invariants hold.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	for _, race := range []struct {
		name string
		run  func(t *testing.T, a arena)
	}{
		{"the same mail many times is one contact", theSameMailManyTimesAtOnceIsOneContact},
		{"follow-ups that come together open one contact", followUpsThatComeTogetherOpenOneContact},
		{"no mail is buried by a completion at the same moment", noMailIsBuriedByACompletionAtTheSameMoment},
		{"of many claims of one contact one wins", ofManyClaimsOfOneContactOneWins},
		{"of many claims for one agent as many win as he may hold", ofManyClaimsForOneAgentAsManyWinAsHeMayHold},
		{"of an agent and a contact that meet one sees the other", ofAnAgentAndAContactThatMeetOneSeesTheOther},
		{"whoever claims a contact that moves on was admitted", whoeverClaimsAContactThatMovesOnWasAdmitted},
		{"of a stage and an agent that meet one sees the other", ofAStageAndAnAgentThatMeetOneSeesTheOther},
		{"nobody who has gone Idle has a live offer", nobodyWhoHasGoneIdleHasALiveOffer},
		{"at the deadline an offer is either accepted or expires", atTheDeadlineAnOfferIsEitherAcceptedOrExpires},
		{"an offer is either declined or expires", anOfferIsEitherDeclinedOrExpires},
		{"many accepts of one offer are one ownership", manyAcceptsOfOneOfferAreOneOwnership},
		{"of many expiries of one offer one counts", ofManyExpiriesOfOneOfferOneCounts},
		{"a reply is either undone or sent", aReplyIsEitherUndoneOrSent},
		{"a wrap-up is completed by hand or by itself", aWrapUpIsCompletedByHandOrByItself},
		{"the same request has one effect and one answer", theSameRequestManyTimesHasOneEffectAndOneAnswer},
		{"a reader sees every event once and in order while others write", aReaderSeesEveryEventOnceAndInOrderWhileOthersWrite},
		{"each untold contact is taken once", eachUntoldContactIsTakenOnce},
		{"of many assigns of one contact one wins", ofManyAssignsOfOneContactOneWins},
		{"of many assigns and claims for one agent as many win as he may hold", ofManyAssignsAndClaimsForOneAgentAsManyWinAsHeMayHold},
		{"supervisors and agents over the same contacts leave one holder", supervisorsAndAgentsOverTheSameContactsLeaveOneHolder},
	} {
		t.Run(race.name, func(t *testing.T) {
			race.run(t, a)
			a.MustHold(t)
		})
	}
	// The same checks without what they protect: they must be red. The last ones, as what they leave behind is broken.
	for _, control := range []struct {
		name string
		run  func(t *testing.T, a arena)
	}{
		{"without the lane a contact is offered to somebody of a later stage", withoutTheLaneAContactIsOfferedToSomebodyOfALaterStage},
		{"locking and counting in one statement goes beyond capacity", lockingAndCountingInOneStatementGoesBeyondCapacity},
		{"without phase and index many claims of one contact win", withoutPhaseAndIndexManyClaimsOfOneContactWin},
		{"without its state and keys an offer expires many times", withoutStateAndKeysAnOfferExpiresManyTimes},
		{"without state, key and clock a wrap-up is completed many times and too early", withoutStateKeyAndClockAWrapUpIsCompletedManyTimes},
	} {
		t.Run("control: "+control.name, func(t *testing.T) { control.run(t, a) })
	}
}

// arena is a centre with a crowd.
type arena struct {
	*testkit.Centre
	crowd testkit.Crowd
}

func newArena(t *testing.T) arena {
	t.Helper()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	return arena{c, c.NewCrowd(t, store.Options{})}
}

func (a arena) arrive(t *testing.T, n int) []postroom.ContactID {
	t.Helper()
	contacts := make([]postroom.ContactID, n)
	for i := range contacts {
		contacts[i] = a.Arrive(t, fmt.Sprintf("kim%d@customer.example", i), "Hello")
	}
	return contacts
}
