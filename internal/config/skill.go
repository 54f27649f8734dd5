package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/postroom/postroom"
)

// requirements are skills with the levels that are enough; none is what is written for an empty list.
func requirements(to *[]postroom.SkillRequirement, none string) value {
	return requirementsValue{to, none}
}

type requirementsValue struct {
	to   *[]postroom.SkillRequirement
	none string
}

func (v requirementsValue) describe() string { return levelsDescribed() }

func (v requirementsValue) read(r *reader, at place, n ast.Node) { *v.to, _ = r.levels(at, n) }

func (v requirementsValue) write(int) string {
	if len(*v.to) == 0 {
		return v.none
	}
	return writeLevels(*v.to)
}

// levels are the skills that an agent has.
func levels(to *map[postroom.SkillID]int) value { return levelsValue{to} }

type levelsValue struct{ to *map[postroom.SkillID]int }

func (v levelsValue) describe() string { return levelsDescribed() }

func (v levelsValue) read(r *reader, at place, n ast.Node) {
	list, ok := r.levels(at, n)
	if !ok { // nobody is told that he lacks a skill because of a mistake
		*v.to = map[postroom.SkillID]int{unreadable: 1}
		return
	}
	for _, s := range list {
		if *v.to == nil {
			*v.to = map[postroom.SkillID]int{}
		}
		(*v.to)[s.Skill] = s.Level
	}
}

func (v levelsValue) write(int) string {
	var list []postroom.SkillRequirement
	for _, k := range slices.Sorted(maps.Keys(*v.to)) {
		list = append(list, postroom.SkillRequirement{Skill: k, Level: (*v.to)[k]})
	}
	if len(list) == 0 {
		return ""
	}
	return writeLevels(list)
}

func levelsDescribed() string {
	return fmt.Sprintf("{key of a skill: …}, each a whole number, 1–%d", postroom.MaxSkillLevel)
}

func writeLevels(list []postroom.SkillRequirement) string {
	var pairs []string
	for _, s := range list {
		pairs = append(pairs, scalar(string(s.Skill))+": "+strconv.Itoa(s.Level))
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

// levels reads skills with levels, each once; not ok if one of them could not be read.
func (r *reader) levels(at place, n ast.Node) (list []postroom.SkillRequirement, ok bool) {
	pairs, given := pairsOf(n)
	if !given {
		r.wrong(at, "expected skills with levels, as in {korean: 5}; found %s", called(n))
		return nil, false
	}
	before := len(r.mistakes)
	for _, p := range pairs {
		here := place{p.line, at.name}
		switch {
		case !wellFormedKey.MatchString(p.key):
			r.wrong(here, "not the key of a skill: at most 64 lower-case letters, digits, - and _; one of digits is written in quotes")
			continue
		case slices.ContainsFunc(list, func(s postroom.SkillRequirement) bool { return string(s.Skill) == p.key }):
			r.wrong(here, "the skill %s is given twice", quoted(p.key))
			continue
		}
		r.references = append(r.references, reference{here, skill, p.key})
		level := 0
		whole(&level, 1, postroom.MaxSkillLevel).read(r, place{p.line, at.name + ": " + p.key}, p.value)
		list = append(list, postroom.SkillRequirement{Skill: postroom.SkillID(p.key), Level: level})
	}
	return list, len(r.mistakes) == before
}
