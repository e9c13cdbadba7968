package app

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"breakglass/flows"
)

// Door is how commands on the same machine reach the running program: where it
// listens, and a token of this run. It lies in a file that only its owner can read.
type Door struct {
	Addr  string `json:"addr"`
	Token string `json:"token"`
}

// DoorFile is where the door of a program on that database lies: beside a SQLite
// file. Empty for PostgreSQL, where the file is named by Options.Door.
func DoorFile(dsn string) string {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return ""
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(dsn, "sqlite:"), "?")
	return path + ".door"
}

// ReadDoor reads the file; an error says that nothing runs there.
func ReadDoor(file string) (Door, error) {
	var d Door
	b, err := os.ReadFile(file)
	if err != nil {
		return d, fmt.Errorf("no breakglass serves this database on this machine: %w", err)
	}
	return d, json.Unmarshal(b, &d)
}

// openDoor writes the file, for the owner alone. Only a loopback listener gets one.
func (a *App) openDoor() error {
	if a.o.Door == "" {
		return nil
	}
	host, _, _ := net.SplitHostPort(a.InternalAddr()) // an address that does not split is none
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		a.log.Warn("the internal listener is not on loopback: commands of this machine cannot write", "addr", a.InternalAddr())
		return nil
	}
	var raw [32]byte
	a.o.IDs.Random(raw[:])
	token := hex.EncodeToString(raw[:])
	b, err := json.Marshal(Door{Addr: a.InternalAddr(), Token: token})
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(a.o.Door), ".door-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the door file: %w", err)
	}
	_, err = tmp.Write(b)
	if err := errors.Join(err, tmp.Close(), os.Rename(tmp.Name(), a.o.Door)); err != nil {
		return fmt.Errorf("write the door file: %w", err)
	}
	sum := sha256.Sum256([]byte(token))
	a.mu.Lock()
	a.doorToken = sum[:]
	a.mu.Unlock()
	a.stops = append(a.stops, stop{"door", func(context.Context) error { return closeDoor(a.o.Door, token) }})
	return nil
}

// closeDoor takes the file away, unless another process has put its own there.
func closeDoor(file, token string) error {
	if d, err := ReadDoor(file); err != nil || d.Token != token {
		return nil //nolint:nilerr // it is not ours any more
	}
	return os.Remove(file)
}

// local lets in who could read the door file: the owner of the process, on loopback,
// by a Host that is loopback (no page in a browser can make one up by DNS).
func (a *App) local(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !a.byOwner(r) {
			a.log.WarnContext(r.Context(), "local door refused", "from", r.RemoteAddr)
			answer(w, http.StatusUnauthorized, map[string]any{"error": "This door is for the owner of the process, by the token in its door file."})
			return
		}
		next(w, r)
	}
}

// byOwner reports whether a call is the owner's of the process.
func (a *App) byOwner(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	sum := sha256.Sum256([]byte(token))
	a.mu.Lock()
	want := a.doorToken
	a.mu.Unlock()
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback() && ok && len(want) > 0 && subtle.ConstantTimeCompare(sum[:], want) == 1
}

// ownersEnd lets the owner of the process end and freeze at the doors where people do,
// by the door file; everybody else goes on to those doors.
func (a *App) ownersEnd(next http.Handler) http.Handler {
	many := map[string]http.HandlerFunc{"/v1/end": a.endMany, "/v1/freeze": a.freeze, "/v1/unfreeze": a.unfreeze}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, isRequest := strings.CutPrefix(r.URL.Path, "/v1/requests/")
		id, isEnd := strings.CutSuffix(rest, "/end")
		do := many[r.URL.Path]
		if isRequest && isEnd && !strings.Contains(id, "/") {
			do = func(w http.ResponseWriter, r *http.Request) { a.endRequest(w, r, flows.RequestID(id)) }
		}
		if do != nil && r.Method == http.MethodPost && a.byOwner(r) {
			do(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// endRequest ends what a request gave, or withdraws it: the operator's hand when
// Slack is down.
func (a *App) endRequest(w http.ResponseWriter, r *http.Request, id flows.RequestID) {
	var in struct {
		Reason string `json:"reason"`
	}
	if !readBody(w, r, &in) {
		return
	}
	rec, err := a.engine.Load(r.Context(), id)
	if errors.Is(err, flows.ErrNotFound) {
		answer(w, http.StatusNotFound, map[string]any{"error": "There is no such request."})
		return
	}
	verb := flows.VerbEnd
	if rec.Request.State.Undecided() {
		verb = flows.VerbCancel
	}
	var res flows.Result
	if err == nil {
		res, err = a.engine.Do(r.Context(), flows.Command{
			Verb: verb, ID: id, Cause: flows.EndRevoked, Reason: flows.NewText(in.Reason),
			Actor: operator(),
		}, flows.Finish{})
	}
	switch {
	case err != nil:
		a.log.ErrorContext(r.Context(), "end a request", "request", id, "error", err)
		answer(w, http.StatusInternalServerError, map[string]any{"error": "Something broke; nothing was done. The server's log has the cause."})
	case res.Refusal != nil:
		answer(w, http.StatusConflict, map[string]any{"error": res.Refusal.Error(), "code": res.Refusal.Code})
	default:
		answer(w, http.StatusOK, map[string]any{"id": id, "state": res.Request.State})
	}
}
