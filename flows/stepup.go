package flows

import "time"

// FreshSignIn is how long after a sign-in a step counts that needs a fresh one.
const FreshSignIn = 5 * time.Minute

// Fresh reports whether a sign-in at that time is fresh at now.
func Fresh(signedIn, now time.Time) bool {
	age := now.Sub(signedIn)
	return !signedIn.IsZero() && age <= FreshSignIn && age >= -time.Minute // the provider's clock is another
}

// steppedUp refuses an approval of a target that wants a fresh sign-in for it, by who
// did not sign in anew. Where that is done is where the console is.
func (d *decision) steppedUp() *Refusal {
	t := d.f.target(&d.req.Content)
	if t == nil || !t.StepUp || Fresh(d.cmd.Actor.SteppedUp, d.now) {
		return nil
	}
	no := Refuse(RefusedStepUp, "%s wants a fresh sign-in by who approves, so your approval was not counted.", t.Label)
	if console := d.f.Catalog.Console; console != "" {
		return no.Then("Open " + console + "/requests/" + string(d.req.ID) + ", sign in again there, and approve.")
	}
	return no.Then("Open the request on the console, sign in again there, and approve.")
}
