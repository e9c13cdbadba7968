package bottest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"regexp"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

var personBlocks = regexp.MustCompile(`(?m)^person "[a-z]+" \{\n(  .*\n)*\}\n`)

// Nobody takes all person blocks out of the configuration.
func Nobody() func(*company.Options) {
	return Edit("breakglass.hcl", func(hcl string) string { return personBlocks.ReplaceAllString(hcl, "") })
}

// Operator posts to the owner's door of the running server, and reads the answer into out.
func (s *Story) Operator(path string, in, out any) (status int) {
	s.T.Helper()
	door, err := app.ReadDoor(app.DoorFile(s.DatabaseFile()))
	if err != nil {
		s.T.Fatal(err)
	}
	body, err := json.Marshal(in)
	if err != nil {
		s.T.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+door.Addr+path, bytes.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+door.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		s.T.Fatal(err)
	}
	return resp.StatusCode
}

// Link is the stored link of a person; the zero one where there is none.
func (s *Story) Link(user string) flows.StoredLink {
	s.T.Helper()
	all, err := s.App.Store().Links(context.Background())
	if err != nil {
		s.T.Fatal(err)
	}
	for _, l := range all {
		if l.Person == company.Person(user) {
			return l
		}
	}
	return flows.StoredLink{}
}
