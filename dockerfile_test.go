package postroom_test

import (
	"fmt"
	"go/version"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// recipe is a Dockerfile, instruction by instruction.
type recipe struct {
	instructions []instruction
}

type instruction struct {
	word string // FROM, COPY, …
	args []string
	line string
}

// readRecipe joins continued lines and leaves comments out.
func readRecipe(text string) (r recipe) {
	text = regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(text, "")
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if words := strings.Fields(line); len(words) > 0 {
			r.instructions = append(r.instructions, instruction{words[0], words[1:], strings.TrimSpace(line)})
		}
	}
	return r
}

// last is the last instruction with a word.
func (r recipe) last(word string) instruction {
	for _, i := range slices.Backward(r.instructions) {
		if i.word == word {
			return i
		}
	}
	return instruction{}
}

// entrypoint is the program that the image runs.
func (r recipe) entrypoint() string {
	var words []string
	if yaml.Unmarshal([]byte(strings.TrimPrefix(r.last("ENTRYPOINT").line, "ENTRYPOINT")), &words) != nil || len(words) != 1 {
		return ""
	}
	return words[0]
}

// recipeFlaws lists what is wrong with the Dockerfile: bases are pinned, what it copies is there, and the program is no root's.
func recipeFlaws(r recipe) (all []string) {
	stages := map[string]bool{"scratch": true}
	for _, i := range r.instructions {
		switch i.word {
		case "FROM":
			all = append(all, baseFlaws(i.args[0], stages)...)
			stages[i.args[len(i.args)-1]] = true
		case "COPY":
			all = append(all, copyFlaws(i.args, stages)...)
		}
	}
	account, _, _ := strings.Cut(strings.Join(r.last("USER").args, ""), ":")
	if uid, err := strconv.Atoi(account); err != nil || uid == 0 {
		all = append(all, "it runs as root, or as an account that only a name says is another")
	}
	if program := r.entrypoint(); program == "" || !slices.ContainsFunc(r.instructions, func(i instruction) bool {
		return i.word == "RUN" && strings.Contains(i.line, " -o /out/root"+program+" ./cmd/postroom")
	}) {
		all = append(all, "its program is not at "+program)
	}
	return all
}

// baseFlaws: a base is pinned to the last number, and new enough for go.mod and package.json.
func baseFlaws(base string, stages map[string]bool) (all []string) {
	if stages[base] {
		return nil
	}
	if !regexp.MustCompile(`^[a-z]+:[0-9]+\.[0-9]+\.[0-9]+-[a-z-]+$`).MatchString(base) {
		return []string{"image " + base + " is not pinned"}
	}
	name, tag, _ := strings.Cut(base, ":")
	tag, _, _ = strings.Cut(tag, "-")
	wanted := func(file, pattern string) string {
		return regexp.MustCompile(pattern).FindStringSubmatch(read(file))[1]
	}
	if want := wanted("go.mod", `(?m)^go ([0-9.]+)$`); name == "golang" && version.Compare("go"+tag, "go"+want) < 0 {
		all = append(all, fmt.Sprintf("Go %s is older than go.mod's %s", tag, want))
	}
	if want := wanted("web/package.json", `"node": ">=([0-9.]+)"`); name == "node" && version.Compare("go"+tag, "go"+want) < 0 {
		all = append(all, fmt.Sprintf("Node %s is older than package.json's %s", tag, want))
	}
	return all
}

// copyFlaws: what is copied from the repository is there, and not left out of the build's context.
func copyFlaws(args []string, stages map[string]bool) (all []string) {
	for _, source := range args[:len(args)-1] {
		if from, is := strings.CutPrefix(source, "--from="); is {
			if !stages[from] {
				all = append(all, "there is no stage "+from)
			}
			return all
		}
		if strings.HasPrefix(source, "--") {
			continue
		}
		if _, err := os.Stat(source); err != nil {
			all = append(all, source+" does not exist")
		}
		if slices.Contains(strings.Split(read(dockerignore), "\n"), strings.TrimSuffix(source, "/")) {
			all = append(all, source+" is left out by "+dockerignore)
		}
	}
	return all
}
