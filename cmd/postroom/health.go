package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/settings"
	"github.com/postroom/postroom/internal/stack"
)

// healthTime bounds the whole question; a process may take 3 s to ask its database.
const healthTime = 8 * time.Second

func (p program) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health worker|api",
		Short: "Ask the worker or the API on this machine whether it is ready",
		Long: "Health asks /readyz of the process that was started with the same environment, and fails with what it lacks. Containers use it as\n" +
			"their health check: their image holds no other program.",
		Example:   "  postroom health api",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{string(settings.Worker), string(settings.API)},
		RunE: func(c *cobra.Command, args []string) error {
			of := settings.Command(args[0])
			set, err := settings.Load(of, p.getenv)
			if err != nil {
				return err
			}
			listen, host, scheme := set.Worker.Listen, "", "http"
			if of == settings.API {
				listen, host = set.API.Listen, set.API.Hosts[0]
			}
			if of == settings.API && set.API.Certificate != "" {
				scheme = "https"
			}
			if err := ready(c.Context(), scheme+"://"+reachable(listen)+"/readyz", host); err != nil {
				return err
			}
			fmt.Fprintln(p.stdout, "ready")
			return nil
		},
	}
}

// reachable is where a process of this machine is asked that listens on an address: on loopback if it listens on every interface.
func reachable(listen string) string {
	host, port, _ := net.SplitHostPort(listen)
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = stack.Loopback
	}
	return net.JoinHostPort(host, port)
}

// ready asks for /readyz. host is a name under which the process lets itself be asked, empty for any.
func ready(ctx context.Context, url, host string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return postroom.Internal("make a request", err)
	}
	request.Host = host
	// The certificate names the public host, and this goes to a process beside us: nothing secret is sent, and all that an impostor could
	// do is to say that he is well.
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return postroom.Unavailable("not_ready", "it does not answer", err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return postroom.Unavailable("not_ready", lacks(response), nil)
}

// lacks says what a process that is not ready says of itself.
func lacks(response *http.Response) string {
	var checks map[string]string
	if json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&checks) != nil {
		return "it answers " + response.Status
	}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(checks)) {
		if checks[name] != "ok" {
			missing = append(missing, name+": "+checks[name])
		}
	}
	return "not ready: " + strings.Join(missing, "; ")
}
