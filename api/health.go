package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// alive says that the process runs.
func (s *Server) alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}

// ready says, part by part, whether the process can do its work: 200 if it can, else 503. It tells outsiders no more than names.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	WriteHealth(w, s.checks(ctx))
}

func (s *Server) checks(ctx context.Context) map[string]error {
	checks := map[string]error{"database": s.Store.Ready(ctx)}
	for name, check := range s.Health {
		checks[name] = check()
	}
	return checks
}

// WriteHealth answers a health request with {"name": "ok" or a sentence}.
func WriteHealth(w http.ResponseWriter, checks map[string]error) {
	status, body := http.StatusOK, map[string]string{}
	for name, err := range checks {
		body[name] = "ok"
		if err != nil {
			status, body[name] = http.StatusServiceUnavailable, err.Error()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// errorOfType is an error that names the type of a value, and not the value.
func errorOfType(v any) error { return fmt.Errorf("panic with a value of type %T", v) }
