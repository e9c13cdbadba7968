package slackfake

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// newSeededRand returns randomness that repeats: the same seed, the same ids.
func newSeededRand(seed uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

const (
	upperAlphabet = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	mixedAlphabet = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	hexAlphabet   = "0123456789abcdef"
)

// random returns n letters of the alphabet. Called with the lock held.
func (ws *Workspace) random(n int, alphabet string) string {
	raw := make([]byte, n)
	if _, err := io.ReadFull(ws.opt.Rand, raw); err != nil {
		// A broken source must not make ids collide: fall back to a counter.
		ws.idFallback++
		return fmt.Sprintf("%0*d", n, ws.idFallback)
	}
	for i, b := range raw {
		raw[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(raw)
}

// newID makes an id such as V0A1B2C3D4E. Called with the lock held.
func (ws *Workspace) newID(prefix string) string {
	return prefix + "0" + ws.random(9, upperAlphabet)
}

// newTS makes a message timestamp: the clock's, moved on where two messages
// would share one. Called with the lock held.
func (ws *Workspace) newTS() string {
	micro := ws.opt.Now().UnixMicro()
	if micro <= ws.lastTS {
		micro = ws.lastTS + 1
	}
	ws.lastTS = micro
	return formatTS(time.UnixMicro(micro))
}

// formatTS writes an instant as Slack does: seconds, a dot, microseconds.
func formatTS(t time.Time) string {
	micro := t.UnixMicro()
	return fmt.Sprintf("%d.%06d", micro/1e6, micro%1e6)
}
