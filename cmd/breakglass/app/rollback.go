package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/integrations/target"
)

// earlier is the guard's reason when the database is an earlier one.
const earlier = "earlier"

// lookForRollback finds out, before anything is given, whether the database is an
// earlier one than was published: it was restored, or somebody put it back. Then what
// it does not know may still be granted, and an admin has to accept it first.
func (a *App) lookForRollback(ctx context.Context) {
	_, restored, err := a.store.Restored(ctx)
	switch {
	case err != nil:
		a.log.ErrorContext(ctx, "read whether the store was restored", "error", err)
	case restored:
		a.guard.hold(earlier, "the database was restored from a backup, and no admin has accepted that yet")
		return
	}
	notes, err := a.publishedSince(ctx)
	if err == nil && len(notes) > 0 {
		keys, bad := audit.Keys(a.auditPublic)
		if bad != nil {
			return // nothing is signed here
		}
		err = audit.RolledBack(ctx, a.store, notes, keys)
	}
	if errors.Is(err, audit.ErrRolledBack) {
		a.guard.hold(earlier, "the database is an earlier one than was published, and no admin has accepted that yet")
	}
	if err != nil {
		a.log.ErrorContext(ctx, "hold the database to what was published of it", "error", err)
	}
}

// published are the checkpoints in the file of audit { file }, the newest last.
func (a *App) published() ([]string, error) {
	file := a.conf().Settings.Audit.File
	if file == "" || a.auditPublic == "" {
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Clean(file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return audit.FindNotes(string(text)), err
}

// publishedSince are those that came after what an admin has accepted.
func (a *App) publishedSince(ctx context.Context) ([]string, error) {
	notes, err := a.published()
	if err != nil {
		return nil, err
	}
	accepted, err := a.store.Accepted(ctx)
	if err != nil || accepted == "" {
		return notes, err
	}
	i := slices.IndexFunc(notes, func(n string) bool { return fingerprint(n) == accepted })
	return notes[i+1:], nil
}

func fingerprint(n string) string {
	sum := sha256.Sum256([]byte(n))
	return hex.EncodeToString(sum[:])
}

// Ungoverned is access that a target says somebody has and that no grant here carries:
// it may be older than Breakglass, or from the time that a restored database lacks.
type Ungoverned struct {
	Person flows.PersonID `json:"person"`
	Target flows.TargetID `json:"target"`
	Has    string         `json:"has"` // "yes", or "unknown" where the target could not say
}

// readAtOnce is how many questions are put to targets side by side.
const readAtOnce = 16

// ungoverned asks every target about every linked person.
func (a *App) ungoverned(ctx context.Context) []Ungoverned {
	catalog := a.Catalog()
	var mu sync.Mutex
	var found []Ungoverned
	slots := make(chan struct{}, readAtOnce)
	var wg sync.WaitGroup
	for _, spec := range catalog.Targets {
		t, ok := a.effects.Targets.Target(spec.Kind)
		if !ok || spec.Kind == target.KindApprovalOnly || spec.Kind == target.KindHTTPAdapter { // which give nothing that could be read
			continue
		}
		for _, link := range catalog.Links.All() {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				if has := a.reads(ctx, t, spec, link); has != flows.No {
					mu.Lock()
					defer mu.Unlock()
					found = append(found, Ungoverned{Person: link.Person, Target: spec.ID, Has: has.String()})
				}
			})
		}
	}
	wg.Wait()
	slices.SortFunc(found, func(x, y Ungoverned) int {
		return strings.Compare(string(x.Target)+"/"+string(x.Person), string(y.Target)+"/"+string(y.Person))
	})
	return found
}

// reads says whether somebody has access that no grant of ours carries.
func (a *App) reads(ctx context.Context, t flows.Target, spec *flows.TargetSpec, link flows.Link) flows.Tri {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	h, err := a.store.Holding(ctx, flows.HoldingKey{Person: link.Person, Target: spec.ID})
	if err == nil && h.Given() {
		return flows.No
	}
	profile, err := a.slack.Profile(ctx, link.Person, false)
	if err != nil {
		profile = flows.Profile{}
	}
	r, err := t.Read(ctx, flows.Order{
		Key: "look/" + string(spec.ID) + "/" + string(link.Person), Person: link.Person, Profile: profile, Link: link, Target: spec, Fence: h.Version,
	})
	if err != nil {
		return flows.Unknown
	}
	return r.Has
}

// reportUngoverned is GET-like for the operator: what may still be granted.
func (a *App) reportUngoverned(w http.ResponseWriter, r *http.Request) {
	if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
		a.log.WarnContext(r.Context(), "a long answer may be cut off", "error", err)
	}
	answer(w, http.StatusOK, map[string]any{"ungoverned": a.ungoverned(r.Context())})
}

// acceptEarlier is the admin's word that the database is the one to go on with.
func (a *App) acceptEarlier(w http.ResponseWriter, r *http.Request) {
	var in struct{ Reason string }
	if !readBody(w, r, &in) {
		return
	}
	if _, waits := a.guard.reasons()[earlier]; !waits {
		answer(w, http.StatusConflict, map[string]any{"error": "There is nothing to accept: the database is the newest that was published."})
		return
	}
	if err := a.accept(r.Context(), flows.NewText(in.Reason)); err != nil {
		a.log.ErrorContext(r.Context(), "accept the database", "error", err)
		answer(w, http.StatusInternalServerError, map[string]any{"error": "Something broke; nothing was changed. The server's log has the cause."})
		return
	}
	answer(w, http.StatusOK, map[string]any{"state": "accepted"})
}

func (a *App) accept(ctx context.Context, why flows.Text) error {
	notes, err := a.published()
	if err != nil {
		return err
	}
	facts, upTo := map[string]any{}, ""
	if len(notes) > 0 {
		upTo = fingerprint(notes[len(notes)-1])
		if h, err := audit.Peek(notes[len(notes)-1]); err == nil {
			facts["published"] = h.Size
		}
	}
	size, err := a.store.TreeSize(ctx)
	if err != nil {
		return err
	}
	facts["entries"] = size
	if !why.Empty() {
		facts["reason"] = flows.Personal{Value: why.Raw()}
	}
	if err := a.engine.Record(ctx, "system", flows.Entry{Verb: "restore_accepted", Actor: operator(), Facts: facts}, flows.Finish{}); err != nil {
		return err
	}
	if err := a.store.AcceptRestore(ctx, upTo); err != nil {
		return err
	}
	a.guard.release(earlier)
	return nil
}
