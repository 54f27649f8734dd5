package api

import (
	"context"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/config"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
)

// Application is a configuration file that somebody wants to be the present configuration.
type Application struct {
	Actor    postroom.Actor
	Command  postroom.Command // zero at the command line: the configuration itself makes a repeat harmless
	File     string           // its name, for messages
	Document string
}

// Apply is the one door through which the configuration changes, for the API and the command line alike: the document is scanned, parsed
// strictly, and applied as a whole or not at all (R3, R37).
func Apply(ctx context.Context, s *store.Store, scanner pci.Scanner, a Application) (store.AppliedVersion, error) {
	configuration, document, err := a.read(scanner)
	if err != nil {
		return store.AppliedVersion{}, err
	}
	return s.Apply(ctx, a.Command, a.Actor, configuration, document)
}

// Preview goes through the same door and says what would change; nothing is changed.
func Preview(ctx context.Context, s *store.Store, scanner pci.Scanner, a Application) (store.AppliedVersion, error) {
	configuration, document, err := a.read(scanner)
	if err != nil {
		return store.AppliedVersion{}, err
	}
	return s.Preview(ctx, a.Actor, configuration, document)
}

// read scans and parses the document.
func (a Application) read(scanner pci.Scanner) (postroom.Configuration, postroom.Text, error) {
	document, findings := scanner.Text(placeConfiguration, a.Document)
	if len(findings) > 0 {
		return postroom.Configuration{}, document, holdsCard(findings)
	}
	configuration, err := config.Parse(a.File, document)
	if err != nil {
		return configuration, document, err
	}
	for _, text := range config.Texts(configuration) { // what YAML had written another way
		if findings := scanner.Find(placeConfiguration, text); len(findings) > 0 {
			return configuration, document, holdsCard(findings)
		}
	}
	return configuration, document, nil
}

const placeConfiguration = "configuration"

func holdsCard(findings []postroom.Finding) error {
	return &postroom.Error{Kind: postroom.KindRefused, Reason: postroom.ReasonCardData, Findings: findings,
		Message: "the configuration holds a card number"}
}

// Export writes the present configuration as a file, with its version.
func Export(ctx context.Context, s *store.Store) (document string, version int64, err error) {
	configuration, version, err := s.Configuration(ctx)
	if err != nil {
		return "", 0, err
	}
	b, err := config.Format(configuration)
	return string(b), version, err
}
