package awsfake

import (
	"fmt"
	"slices"
	"time"
)

// The staging labels that rotation moves.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

type secret struct {
	name, arn string
	made      time.Time
	deleted   bool
	versions  []*version
}

type version struct {
	id     string
	stages []string
	text   *string
	binary []byte
	made   time.Time
}

// Put gives a secret a new current value; the one before becomes AWSPREVIOUS.
func (s *Server) Put(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rotate(s.ensure(name), &version{text: &value})
}

// PutBinary does so with a binary value.
func (s *Server) PutBinary(name string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rotate(s.ensure(name), &version{binary: slices.Clone(value)})
}

// Delete marks a secret for deletion: it cannot be read any more.
func (s *Server) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sec := s.secrets[name]; sec != nil {
		sec.deleted = true
	}
}

// ARN is the full name of a secret; empty when there is none.
func (s *Server) ARN(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sec := s.secrets[name]; sec != nil {
		return sec.arn
	}
	return ""
}

// ensure finds a secret or makes it. The caller holds the lock.
func (s *Server) ensure(name string) *secret {
	if sec := s.secrets[name]; sec != nil {
		return sec
	}
	s.made++
	sec := &secret{
		name: name, made: s.opt.Now(),
		arn: fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-%06d", s.opt.Region, s.opt.Account, name, s.made),
	}
	s.secrets[name] = sec
	return sec
}

// rotate moves the labels. The caller holds the lock.
func (s *Server) rotate(sec *secret, v *version) {
	s.made++
	if v.id == "" {
		v.id = fmt.Sprintf("00000000-0000-4000-9000-%012d", s.made)
	}
	v.stages, v.made = []string{current}, s.opt.Now()
	for _, old := range sec.versions {
		if slices.Contains(old.stages, current) {
			old.stages = []string{previous}
			continue
		}
		old.stages = slices.DeleteFunc(old.stages, func(l string) bool { return l == previous })
	}
	sec.versions = append(sec.versions, v)
	s.touch()
}

// find looks a secret up by name or ARN. The caller holds the lock.
func (s *Server) find(id string) (*secret, *failure) {
	if id == "" {
		return nil, fail("ValidationException", "1 validation error detected: Value at 'secretId' failed to satisfy constraint: Member must not be null")
	}
	for _, sec := range s.secrets {
		if sec.name != id && sec.arn != id {
			continue
		}
		if sec.deleted {
			return nil, fail("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
		}
		return sec, nil
	}
	return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// get is GetSecretValue. The caller holds the lock.
func (s *Server) get(in input) (any, *failure) {
	sec, bad := s.find(in.SecretID)
	if bad != nil {
		return nil, bad
	}
	stage := in.VersionStage
	if stage == "" && in.VersionID == "" {
		stage = current
	}
	for _, v := range sec.versions {
		if in.VersionID != "" && v.id != in.VersionID || stage != "" && !slices.Contains(v.stages, stage) {
			continue
		}
		out := map[string]any{
			"ARN": sec.arn, "Name": sec.name, "VersionId": v.id, "VersionStages": v.stages, "CreatedDate": seconds(v.made),
		}
		if v.text != nil {
			out["SecretString"] = *v.text
		}
		if v.binary != nil {
			out["SecretBinary"] = v.binary
		}
		return out, nil
	}
	if in.VersionID != "" {
		return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for VersionId: %s", in.VersionID)
	}
	return nil, fail("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: %s", stage)
}

// put is PutSecretValue, with which any client can rotate. The caller holds the lock.
func (s *Server) put(in input) (any, *failure) {
	sec, bad := s.find(in.SecretID)
	if bad != nil {
		return nil, bad
	}
	if (in.SecretString == nil) == (in.SecretBinary == nil) {
		return nil, fail("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
	}
	v := &version{id: in.ClientRequestToken, text: in.SecretString, binary: in.SecretBinary}
	s.rotate(sec, v)
	return map[string]any{"ARN": sec.arn, "Name": sec.name, "VersionId": v.id, "VersionStages": v.stages}, nil
}

// describe is DescribeSecret. The caller holds the lock.
func (s *Server) describe(in input) (any, *failure) {
	sec, bad := s.find(in.SecretID)
	if bad != nil {
		return nil, bad
	}
	stages := map[string][]string{}
	for _, v := range sec.versions {
		if len(v.stages) > 0 {
			stages[v.id] = v.stages
		}
	}
	return map[string]any{
		"ARN": sec.arn, "Name": sec.name, "CreatedDate": seconds(sec.made), "RotationEnabled": false, "VersionIdsToStages": stages,
	}, nil
}

// seconds writes an instant as the protocol does.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
