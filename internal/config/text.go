package config

import "github.com/postroom/postroom"

// Texts lists the texts of a configuration as they will be stored. Parse has undone what YAML does to text: a card number that the
// scanner could not see in the document, because a quoted text spelt a digit as an escape or went over lines, is one in here. Whoever
// applies a configuration scans these too (R37).
func Texts(c postroom.Configuration) []string {
	var all []string
	for _, s := range sections {
		all = append(all, s.texts(&c)...)
	}
	return all
}

// texter is a value that holds text of people's own, in place of a key or a word of a closed set.
type texter interface{ texts() []string }

func (v lineValue) texts() []string { return []string{*v.to} }

func (v blockValue) texts() []string { return []string{*v.to} }

func (v entryValue) texts() []string { return []string{*v.to} }

func (v nameValue) texts() []string { return []string{v.to.English, v.to.Korean} }

func (v nestedValue[T]) texts() []string { return v.object.texts(*v.to) }

func (v nestedAllValue[T]) texts() []string {
	var all []string
	for _, t := range *v.to {
		all = append(all, v.object.texts(t)...)
	}
	return all
}

func (o object[T]) texts(t T) []string {
	var all []string
	for _, f := range o.fields {
		if v, ok := f.bind(&t).(texter); ok {
			for _, text := range v.texts() {
				if text != "" {
					all = append(all, text)
				}
			}
		}
	}
	return all
}

func (s section[T]) texts(c *postroom.Configuration) []string {
	var all []string
	for _, t := range *s.in(c) {
		all = append(all, s.of.texts(t)...)
	}
	return all
}
