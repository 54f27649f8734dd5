package postroom_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
)

// The files that make a production installation, and the one on top of them for trying out.
const (
	composeFile   = "docker-compose.yml"
	trialFile     = "deploy/compose/trial.yml"
	exampleFile   = "deploy/compose/example.env"
	dockerfile    = "deploy/Dockerfile"
	dockerignore  = ".dockerignore"
	rolesFile     = "deploy/compose/roles.sql"
	namespaceFile = "deploy/compose/temporal-namespace.sh"
)

// composition is what Docker Compose makes of one file or of several, one on top of the other.
type composition struct {
	Services map[string]service        `yaml:"services"`
	Networks map[string]network        `yaml:"networks"`
	Volumes  map[string]map[string]any `yaml:"volumes"`

	text   string                       // of all files, before variables are replaced
	values map[string]map[string]string // the environment of each service, before variables are replaced
}

type network struct {
	Internal bool `yaml:"internal"`
}

type service struct {
	Image       string                `yaml:"image"`
	Build       *build                `yaml:"build"`
	User        string                `yaml:"user"`
	Command     []string              `yaml:"command"`
	Environment map[string]string     `yaml:"environment"`
	Ports       []string              `yaml:"ports"`
	Volumes     []string              `yaml:"volumes"`
	Networks    []string              `yaml:"networks"`
	NetworkMode string                `yaml:"network_mode"`
	DependsOn   map[string]dependence `yaml:"depends_on"`
	Healthcheck *healthcheck          `yaml:"healthcheck"`
	Profiles    []string              `yaml:"profiles"`

	Restart  string   `yaml:"restart"`
	ReadOnly bool     `yaml:"read_only"`
	CapDrop  []string `yaml:"cap_drop"`
	Security []string `yaml:"security_opt"`
	Tmpfs    []string `yaml:"tmpfs"`
	Memory   string   `yaml:"mem_limit"`
	Shared   string   `yaml:"shm_size"`
	PIDs     int      `yaml:"pids_limit"`
	Grace    string   `yaml:"stop_grace_period"`
	Logging  *logging `yaml:"logging"`
}

type build struct {
	Context    string `yaml:"context"`
	Dockerfile string `yaml:"dockerfile"`
}

type dependence struct {
	Condition string `yaml:"condition"`
}

type healthcheck struct {
	Test     []string `yaml:"test"`
	Interval string   `yaml:"interval"`
	Timeout  string   `yaml:"timeout"`
	Retries  int      `yaml:"retries"`
	Start    string   `yaml:"start_period"`
}

type logging struct {
	Driver  string            `yaml:"driver"`
	Options map[string]string `yaml:"options"`
}

// once reports whether a service does one thing and ends.
func (s service) once() bool { return s.Restart == "no" }

// healthTest is the command of the health check, as one line.
func (s service) healthTest() string {
	if s.Healthcheck == nil {
		return ""
	}
	return strings.Join(s.Healthcheck.Test, " ")
}

// variable is how a compose file refers to its environment: ${NAME:?what is missing} or ${NAME:-default}.
var variable = regexp.MustCompile(`\$\{([A-Z_]+):([?-])([^}]*)\}`)

// filled is the text with every variable replaced by its value, its default, or else by nothing.
func filled(text string, env map[string]string) string {
	return variable.ReplaceAllStringFunc(text, func(reference string) string {
		m := variable.FindStringSubmatch(reference)
		if env[m[1]] != "" {
			return env[m[1]]
		}
		if m[2] == "-" {
			return m[3]
		}
		return ""
	})
}

// compose reads compose files, later ones on top of earlier ones. What this test does not know, it refuses: it would not be checked.
func compose(env map[string]string, texts ...string) (composition, error) {
	var c, raw composition
	for _, to := range []struct {
		c   *composition
		env map[string]string
	}{{&c, env}, {&raw, nil}} {
		merged := map[string]any{}
		for _, text := range texts {
			if to.env != nil {
				text = filled(text, to.env)
			}
			var layer map[string]any
			if err := yaml.Unmarshal([]byte(text), &layer); err != nil {
				return c, err
			}
			lay(merged, layer)
		}
		for key := range merged {
			if key != "name" && !strings.HasPrefix(key, "x-") {
				continue
			}
			delete(merged, key)
		}
		whole, err := yaml.Marshal(merged)
		if err != nil {
			return c, err
		}
		if err := yaml.UnmarshalWithOptions(whole, to.c, yaml.DisallowUnknownField()); err != nil {
			return c, err
		}
	}
	c.text, c.values = strings.Join(texts, "\n"), map[string]map[string]string{}
	for name, s := range raw.Services {
		c.values[name] = s.Environment
	}
	return c, nil
}

// lay puts a layer on a base as Docker Compose does: maps are merged, ports and volumes added, everything else replaced.
func lay(base, layer map[string]any) {
	for key, value := range layer {
		below, was := base[key].(map[string]any)
		above, is := value.(map[string]any)
		list, wasList := base[key].([]any)
		more, isList := value.([]any)
		switch {
		case was && is:
			lay(below, above)
		case wasList && isList && (key == "ports" || key == "volumes"):
			base[key] = append(list, more...)
		default:
			base[key] = value
		}
	}
}

// read returns a file of the repository.
func read(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("the tests run in the root of the repository: %v", err))
	}
	return string(b)
}
