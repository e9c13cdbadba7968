package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Head is what a checkpoint says: whose log, how many entries, the hash over them. Its
// text is the one that other transparency logs use: origin, size and root, a line each.
type Head struct {
	Origin string // the name of the key
	Size   int64
	Root   tlog.Hash
}

// Text is what is signed.
func (h Head) Text() string {
	return h.Origin + "\n" + strconv.FormatInt(h.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(h.Root[:]) + "\n"
}

// Line is the head in the middle of other words; FindHeads and FindNoted find it there again.
func (h Head) Line() string {
	return fmt.Sprintf("Audit log %s: %d entries, root %s.", h.Origin, h.Size, base64.StdEncoding.EncodeToString(h.Root[:]))
}

var headLine = regexp.MustCompile(`Audit log (\S+): ([0-9]{1,18}) entries, root ([A-Za-z0-9+/]{43}=)\.`)

// FindHeads finds the heads that Line wrote in a text.
func FindHeads(text string) []Head {
	var out []Head
	for _, m := range headLine.FindAllStringSubmatch(text, -1) {
		if h, err := ParseHead(m[1] + "\n" + m[2] + "\n" + m[3] + "\n"); err == nil {
			out = append(out, h)
		}
	}
	return out
}

// FindNotes finds the checkpoints in a text: a file of them, a message.
func FindNotes(text string) []string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	var out []string
	for i := 4; i < len(lines); i++ {
		if !strings.HasPrefix(lines[i], signature) || lines[i-1] != "" {
			continue
		}
		end := i
		for end < len(lines) && strings.HasPrefix(lines[end], signature) {
			end++
		}
		found := strings.Join(lines[i-4:end], "\n") + "\n"
		if _, err := Peek(found); err == nil {
			out = append(out, found)
		}
		i = end
	}
	return out
}

// signature is how a line of a note begins that is one.
const signature = "— "

// ParseHead reads the text of a checkpoint. Lines after the third are left alone, as
// the format says.
func ParseHead(text string) (Head, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 || lines[0] == "" {
		return Head{}, errors.New("the text of a checkpoint has an origin, a size and a root, a line each")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || lines[1] != strconv.FormatInt(size, 10) {
		return Head{}, fmt.Errorf("%.40q is not the size of a tree", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Head{}, fmt.Errorf("%.60q is not the root of a tree", lines[2])
	}
	return Head{Origin: lines[0], Size: size, Root: tlog.Hash(root)}, nil
}

// Sign makes the signed note of a head; its origin is the signer's name.
func Sign(size int64, root tlog.Hash, signer note.Signer) (string, error) {
	h := Head{Origin: signer.Name(), Size: size, Root: root}
	signed, err := note.Sign(&note.Note{Text: h.Text()}, signer)
	if err != nil {
		return "", fmt.Errorf("sign the checkpoint of %d entries: %w", size, err)
	}
	return string(signed), nil
}

// Open checks the signature of a checkpoint by one of the pinned keys, and that the
// key is the one its origin names.
func Open(signed string, keys note.Verifiers) (Head, error) {
	n, err := note.Open([]byte(signed), keys)
	if err != nil {
		if _, unsigned := errors.AsType[*note.UnverifiedNoteError](err); unsigned {
			return Head{}, errors.New("it is not signed by the key")
		}
		return Head{}, fmt.Errorf("its signature does not hold: %w", err)
	}
	h, err := ParseHead(n.Text)
	if err != nil {
		return Head{}, err
	}
	for _, s := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return Head{}, errors.New("its signature is not written as it was signed")
		}
		if s.Name == h.Origin {
			return h, nil
		}
	}
	return Head{}, fmt.Errorf("its origin %q is not the name of the key that signed it", h.Origin)
}

// Peek reads a checkpoint without asking who signed it.
func Peek(signed string) (Head, error) {
	text, _, ok := strings.Cut(signed, "\n\n")
	if !ok {
		return Head{}, errors.New("it is not a signed note")
	}
	return ParseHead(text + "\n")
}

// Keys are the pinned public keys.
func Keys(vkeys ...string) (note.Verifiers, error) {
	var all []note.Verifier
	for _, k := range vkeys {
		v, err := note.NewVerifier(strings.TrimSpace(k))
		if err != nil {
			return nil, fmt.Errorf("%.60q is not a public key as \"breakglass audit key\" prints it", k)
		}
		all = append(all, v)
	}
	return note.VerifierList(all...), nil
}

// seedSize is how many random bytes a private key is.
const seedSize = ed25519.SeedSize

// MakeKey makes a key pair from random: the private key, as the audit block's secret
// takes it, and the public one, as auditors pin it.
func MakeKey(random func([]byte), name string) (private, public string, err error) {
	seed := make([]byte, seedSize)
	random(seed)
	if public, err = publicOf(name, seed); err != nil {
		return "", "", fmt.Errorf("make a key named %q: %w", name, err)
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(public, name+"+"), "+")
	private = "PRIVATE+KEY+" + name + "+" + id + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, seed...)) // 1: Ed25519
	_, _, err = Signer(private)
	return private, public, err
}

var errNoKey = errors.New("the signing key is not one; make one by: breakglass audit key")

// Signer reads a private key and says its public one. The error never shows it.
func Signer(private string) (note.Signer, string, error) {
	private = strings.TrimSpace(private)
	s, err := note.NewSigner(private)
	if err != nil {
		return nil, "", errNoKey
	}
	parts := strings.SplitN(private, "+", 5)
	raw, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(raw) != 1+seedSize {
		return nil, "", errNoKey
	}
	public, err := publicOf(s.Name(), raw[1:])
	return s, public, err
}

func publicOf(name string, seed []byte) (string, error) {
	key, ok := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	if !ok {
		return "", errNoKey
	}
	return note.NewEd25519VerifierKey(name, key)
}
