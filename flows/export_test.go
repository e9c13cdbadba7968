package flows

import "time"

// Mutate seeds a bug: the engine decides by what wrap makes of Decide.
func (e *Engine) Mutate(wrap func(func(*Request, Command, Facts, time.Time) Outcome) func(*Request, Command, Facts, time.Time) Outcome) {
	e.decide = wrap(e.decide)
}
