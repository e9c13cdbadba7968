package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// deployment is how the program is run by others: the files, by name, from the top of
// the project. No container engine is needed to look at them.
var deployment = []string{"docker-compose.yml", "cmd/breakglass/Dockerfile", "cmd/breakglass/Dockerfile.dockerignore", ".github/workflows/ci.yml", "go.mod"}

func TestDeployment(t *testing.T) {
	t.Parallel()
	files := readDeployment(t)
	for _, wrong := range deploymentProblems(files) {
		t.Error(wrong)
	}
	example := filepath.Join("..", "..", "flows", "config", "example", "breakglass.hcl")
	if _, err := os.Stat(example); err != nil {
		t.Errorf("docker-compose.yml runs the example unless told otherwise: %v", err)
	}
	if info, err := os.Stat(filepath.Join("..", "..", ".ci", "run")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf(".ci/run must be executable, ci.yml calls it: %v", err)
	}
}

// TestDeploymentCatch breaks the files one by one.
func TestDeploymentCatch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, old, new, want string }{
		"internal door published": {"docker-compose.yml", "    healthcheck:\n      test: [CMD, /bin", "      - 127.0.0.1:8301:8301\n    healthcheck:\n      test: [CMD, /bin", "publishes 127.0.0.1:8301"},
		"public door for all":     {"docker-compose.yml", "${BREAKGLASS_PUBLIC_ADDRESS:-127.0.0.1}:8300:8300", "8300:8300", "publishes 8300"},
		"internal door opened":    {"docker-compose.yml", "--internal=127.0.0.1:8301", "--internal=:8301", "loopback"},
		"database published":      {"docker-compose.yml", "shm_size: 128mb", "ports:\n      - 127.0.0.1:5432:5432", "publishes"},
		"unknown flag":            {"docker-compose.yml", "--internal=127.0.0.1:8301", "--internal-listen=:8301", "unknown flag"},
		"unknown command":         {"docker-compose.yml", "[migrate,", "[upgrade,", "migrate: "},
		"health of nothing":       {"docker-compose.yml", "/readyz", "/ready", "health check"},
		"health check gone":       {"docker-compose.yml", "pg_isready", "true", "health check"},
		"a password in the file":  {"docker-compose.yml", "PGPASSWORD: ${POSTGRES_PASSWORD:-}", "PGPASSWORD: hunter2", "PGPASSWORD"},
		"image that moves":        {"docker-compose.yml", "postgres:15-bookworm", "postgres", "image"},
		"schema not awaited":      {"docker-compose.yml", "service_completed_successfully", "service_started", "migrate"},
		"writable":                {"docker-compose.yml", "read_only: true", "read_only: false", "read_only"},
		"tabs":                    {"docker-compose.yml", "    image", "\timage", "cannot be read"},
		"twice":                   {"docker-compose.yml", "name: breakglass", "name: breakglass\nname: breakglass", "twice"},
		"a step too far":          {"docker-compose.yml", "    restart: unless", "       restart: unless", "cannot be read"},
		"another Go":              {"cmd/breakglass/Dockerfile", "golang:1.26-", "golang:1.25-", "go.mod"},
		"cgo":                     {"cmd/breakglass/Dockerfile", "CGO_ENABLED=0", "CGO_ENABLED=1", "CGO_ENABLED=0"},
		"a folder forgotten":      {"cmd/breakglass/Dockerfile", "COPY migrations migrations\n", "", "migrations"},
		"root":                    {"cmd/breakglass/Dockerfile", "USER 65532:65532", "USER root", "USER"},
		"a whole system":          {"cmd/breakglass/Dockerfile", "FROM scratch", "FROM debian:12", "scratch"},
		"no certificates":         {"cmd/breakglass/Dockerfile", "ca-certificates.crt /etc", "ca.crt /opt", "certificates"},
		"secrets in the context":  {"cmd/breakglass/Dockerfile.dockerignore", "*\n!go.mod", "!go.mod", "context"},
		"checks not run":          {".github/workflows/ci.yml", "run: .ci/run", "run: go test ./...", ".ci/run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := readDeployment(t)
			before := files[c.file]
			if files[c.file] = strings.ReplaceAll(before, c.old, c.new); files[c.file] == before {
				t.Fatalf("%s has no %q to break", c.file, c.old)
			}
			found := deploymentProblems(files)
			if !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, c.want) }) {
				t.Errorf("found %q, want something about %s", found, c.want)
			}
		})
	}
}

func readDeployment(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range deployment {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}

// deploymentProblems says what is wrong with the files, a line each.
func deploymentProblems(files map[string]string) []string {
	var found []string
	for _, name := range []string{"docker-compose.yml", ".github/workflows/ci.yml"} {
		y, err := readYAML(files[name])
		switch {
		case err != nil:
			found = append(found, fmt.Sprintf("%s cannot be read: %v", name, err))
		case name == "docker-compose.yml":
			found = append(found, composeProblems(y)...)
		case y["jobs.check.steps.2.run"] != ".ci/run" || y["permissions.contents"] != "read":
			found = append(found, name+" does not end in .ci/run with nothing but read access")
		}
	}
	found = append(found, imageProblems(files["cmd/breakglass/Dockerfile"], files["go.mod"])...)
	if ignore := files["cmd/breakglass/Dockerfile.dockerignore"]; !strings.Contains(ignore, "\n*\n") || strings.Contains(ignore, "!.env") {
		found = append(found, "Dockerfile.dockerignore lets more than the sources into the build context")
	}
	return found
}

func composeProblems(y yaml) []string {
	var found []string
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, service := range y.under("services") {
		s := "services." + service + "."
		if image := y[s+"image"]; image != "breakglass" && !regexp.MustCompile(`:\d+-`).MatchString(image) {
			say("%s: image %q has no version", service, image)
		}
		if y[s+"image"] == "breakglass" && (y[s+"read_only"] != "true" || y[s+"cap_drop"] != "[ALL]") {
			say("%s: wants read_only and no capabilities", service)
		}
		for _, port := range y.under(s + "ports") {
			if p := y[s+"ports."+port]; service != "bot" || p != "${BREAKGLASS_PUBLIC_ADDRESS:-127.0.0.1}:8300:8300" {
				say("%s: publishes %s", service, p)
			}
		}
		for _, name := range y.under(s + "environment") {
			if v := y[s+"environment."+name]; strings.Contains(name, "PASSWORD") && v != "${POSTGRES_PASSWORD:-}" {
				say("%s: %s is written down", service, name)
			}
		}
		if y[s+"image"] == "breakglass" {
			if err := parses(y.list(s + "command")); err != nil {
				say("%s: %v", service, err)
			}
		}
	}
	if !strings.HasSuffix(y["services.bot.healthcheck.test"], `/bin/wget, -q, -O, /dev/null, "http://127.0.0.1:8301/readyz"]`) ||
		!strings.HasPrefix(y["services.database.healthcheck.test"], "[CMD, pg_isready") {
		say("a health check asks something else than /readyz and pg_isready")
	}
	if !slices.Contains(y.list("services.bot.command"), "--internal=127.0.0.1:8301") {
		say("bot: its internal listener is not on loopback")
	}
	if y["services.bot.depends_on.migrate.condition"] != "service_completed_successfully" {
		say("bot does not wait for migrate")
	}
	return found
}

// parses says whether the program takes a command line; nothing is run.
func parses(args []string) error {
	c := &cli{getenv: func(string) string { return "" }, in: strings.NewReader(""), out: io.Discard, err: io.Discard}
	cmd, rest, err := c.root().Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

func imageProblems(dockerfile, gomod string) []string {
	var found []string
	wants := map[string]string{
		`(?m)^FROM scratch$(?s:.*)^USER [1-9]\d*:[1-9]\d*$`: "the image is built FROM scratch, and its USER is nobody",
		`CGO_ENABLED=0 go build .*-X main\.Version=`:        "the program is built with CGO_ENABLED=0 and knows its version",
		`(?m)^COPY --from=ask /bin/wget /bin/wget$`:         "the image has what the health check runs",
		`(?m)^COPY .*ca-certificates\.crt /etc/ssl/`:        "the image has certificates to trust",
		`(?m)^ENV ZONEINFO=`:                                "the image knows time zones",
	}
	for _, folder := range []string{"bot", "cmd", "flows", "integrations", "migrations", "store"} {
		wants["(?m)^COPY "+folder+" "+folder+"$"] = folder + " is copied into the build"
	}
	for pattern, what := range wants {
		if !regexp.MustCompile(pattern).MatchString(dockerfile) {
			found = append(found, "Dockerfile: not so: "+what)
		}
	}
	if m := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(gomod); m == nil || !strings.Contains(dockerfile, "FROM golang:"+m[1]+"-") {
		found = append(found, "Dockerfile: builds with another Go than go.mod says")
	}
	return found
}
