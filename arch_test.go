package postroom_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/postroom/postroom"

// rule says what a package may import of our own packages, directly, and which drivers it alone may use.
type rule struct {
	may    []string // packages of ours, without the module's path; "root" is the vocabulary
	reason string
}

// imports is the table of arrows: package → what it may import of ours → why. A package that is missing here fails the test.
var imports = map[string]rule{
	"root":                 {nil, "the vocabulary: standard library only"},
	"workflows":            {[]string{"root"}, "durable orchestration does no I/O; it knows activities by their contract only"},
	"activities":           {[]string{"root", "workflows", "internal/*"}, "adapters translate between the contract and one collaborator"},
	"worker":               {[]string{"root", "workflows", "activities", "internal/*"}, "builds, registers, runs, drains"},
	"api":                  {[]string{"root", "workflows", "internal/gen/*", "internal/store", "internal/blob", "internal/events", "internal/auth", "internal/pci", "internal/email", "internal/sanitise", "internal/template", "internal/routing", "internal/keyring", "internal/gateway", "internal/config", "internal/clamd", "internal/filetype"}, "an edge over the store: it holds no collaborator of mail"},
	"web":                  {[]string{"root"}, "serves built pages"},
	"cmd/postroom":         {[]string{"*"}, "wires"},
	"bench/*":              {[]string{"*"}, "measures the whole"},
	"internal/filetype":    {[]string{"root"}, "pure"},
	"internal/gateway":     {[]string{"root", "workflows"}, "names and messages of workflows, behind calls (docs/decisions/0001)"},
	"internal/testkit/cpu": {nil, "a clock"},
	"internal/testkit":     {[]string{"*"}, "real parts for tests; imported by tests only"},
	"internal/e2e":         {[]string{"*"}, "tests of the whole, and nothing else"},
	"internal/gen/*":       {[]string{"internal/gen/*"}, "generated"},
	"internal/auth":        {[]string{"root"}, "internal packages do not know each other"},
	"internal/blob":        {[]string{"root"}, "internal packages do not know each other"},
	"internal/clamd":       {[]string{"root"}, "internal packages do not know each other"},
	"internal/config":      {[]string{"root", "internal/template"}, "of the pure rules, what a text of the administrator must keep to"},
	"internal/devmail":     {[]string{"root"}, "internal packages do not know each other"},
	"internal/email":       {[]string{"root", "internal/htmltext"}, "pure"},
	"internal/events":      {[]string{"root"}, "internal packages do not know each other"},
	"internal/htmltext":    {nil, "pure"},
	"internal/keyring":     {[]string{"root"}, "internal packages do not know each other"},
	"internal/mailbox":     {[]string{"root", "internal/signin"}, "one way to sign in for IMAP and SMTP"},
	"internal/oauth":       {[]string{"root"}, "internal packages do not know each other"},
	"internal/outbound":    {[]string{"root", "internal/signin"}, "one way to sign in for IMAP and SMTP"},
	"internal/pci":         {[]string{"root"}, "pure"},
	"internal/realmail":    {[]string{"root", "internal/stack"}, "servers for tests and measurements, which the stack's installer brings"},
	"internal/routing":     {[]string{"root"}, "pure"},
	"internal/sanitise":    {[]string{"root"}, "pure"},
	"internal/settings":    {[]string{"root"}, "internal packages do not know each other"},
	"internal/signin":      {[]string{"root"}, "internal packages do not know each other"},
	"internal/stack":       {[]string{"root"}, "internal packages do not know each other"},
	"internal/template":    {[]string{"root"}, "pure"},
	"internal/trust":       {[]string{"internal/email"}, "pure, over what internal/email reads"},
	"internal/store":       {[]string{"root", "internal/routing"}, "of the pure rules, what a transaction needs: due times and open hours"},
	"internal/visible":     {[]string{"internal/email", "internal/htmltext"}, "pure, over a mail that was read"},

	"internal/testkit/fakeclamd": {nil, "a virus scanner for tests"},
}

// drivers says which packages alone may import a library, and why: a library that is everywhere cannot be changed.
var drivers = map[string]rule{
	"github.com/emersion/go-imap/v2":     {[]string{"internal/mailbox", "internal/devmail"}, "one IMAP client, one IMAP server"},
	"github.com/emersion/go-smtp":        {[]string{"internal/outbound", "internal/devmail"}, "one SMTP client, one SMTP server"},
	"github.com/emersion/go-sasl":        {[]string{"internal/signin", "internal/mailbox", "internal/outbound", "internal/devmail"}, "mechanisms are chosen in one place"},
	"github.com/xdg-go/scram":            {[]string{"internal/signin", "internal/devmail"}, "mechanisms are chosen in one place"},
	"golang.org/x/oauth2":                {[]string{"internal/oauth"}, "access tokens are renewed in one place"},
	"github.com/emersion/go-msgauth":     {[]string{"internal/outbound", "internal/trust"}, "signatures are made where mails are, and what servers found out of them is read in one place"},
	"github.com/microcosm-cc/bluemonday": {[]string{"internal/sanitise"}, "what of a mail may be shown is decided in one place"},
	"github.com/gabriel-vasile/mimetype": {[]string{"internal/filetype"}, "what a file is is decided in one place"},
	"github.com/wneessen/go-mail":        {[]string{"internal/outbound"}, "one builder of mails"},
	"github.com/jackc/pgx/v5":            {[]string{"internal/store", "internal/events", "internal/stack", "internal/testkit"}, "all SQL is in store"},
	"github.com/pressly/goose/v3":        {[]string{"internal/store"}, "migrations belong to the schema"},
	"github.com/aws":                     {[]string{"internal/blob"}, "one place for blobs"},
	"gocloud.dev":                        {[]string{"internal/blob"}, "one place for blobs"},
	"golang.org/x/crypto/argon2":         {[]string{"internal/auth"}, "passwords are hashed in one place"},
	"github.com/goccy/go-yaml":           {[]string{"internal/config"}, "configuration is read in one place"},
	"go.temporal.io/sdk/client":          {[]string{"internal/gateway", "internal/stack", "worker", "cmd/postroom", "internal/testkit", "bench/*"}, "workflows are reached through the gateway"},
	"go.temporal.io/sdk/worker":          {[]string{"worker", "cmd/postroom", "internal/testkit", "bench/*"}, "one place registers"},
	"connectrpc.com/connect":             {[]string{"api", "internal/gen/*", "cmd/postroom", "internal/testkit", "bench/*"}, "the API's protocol stays at the edge; tests speak it as a desktop does"},
	"github.com/spf13/cobra":             {[]string{"cmd/postroom"}, "commands are the outermost edge"},
	"go.temporal.io/sdk/workflow":        {[]string{"workflows", "worker", "cmd/postroom", "bench/*"}, "durable code is in one place; replay registers it, and a benchmark has a bare workflow to compare with"},
	"net/smtp":                           {nil, "internal/outbound speaks SMTP"},
	module + "/internal/testkit":         {[]string{"internal/testkit"}, "product code has no test parts"},
}

// sealers are the packages that may make sealed text and bytes: what they make passed the card scanner (R36).
var sealers = []string{"internal/pci"}

type source struct {
	pkg  string // "root", "workflows", "internal/store" …
	file string
	ast  *ast.File
	test bool
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := d.Name()
			if name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || name == "deploy/embedded" || name == "internal/tools") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(name))
		if pkg == "." {
			pkg = "root"
		}
		all = append(all, source{pkg, name, f, strings.HasSuffix(name, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, wild := strings.CutSuffix(p, "*")
		return p == pkg || (wild && strings.HasPrefix(pkg, prefix))
	})
}

func ruleFor[R any](table map[string]R, pkg string) (R, bool) {
	if r, ok := table[pkg]; ok {
		return r, true
	}
	for pattern, r := range table {
		if strings.HasSuffix(pattern, "*") && matchesAny([]string{pattern}, pkg) {
			return r, true
		}
	}
	var none R
	return none, false
}

func importsOf(t *testing.T, s source) []string {
	t.Helper()
	var paths []string
	for _, i := range s.ast.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

func TestImportsGoDownwardsOnly(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		r, known := ruleFor(imports, s.pkg)
		if !known {
			t.Errorf("%s: package %s is not in the table of imports", s.file, s.pkg)
			continue
		}
		for _, p := range importsOf(t, s) {
			ours := strings.TrimPrefix(p, module+"/")
			if p == module {
				ours = "root"
			}
			if (p == module || ours != p) && !matchesAny(r.may, ours) {
				t.Errorf("%s: %s may not import %s: %s", s.file, s.pkg, ours, r.reason)
			}
			if s.pkg == "root" && strings.Contains(strings.Split(p, "/")[0], ".") {
				t.Errorf("%s: the root package imports %s: %s", s.file, p, r.reason)
			}
		}
	}
}

func TestDriversStayInTheirPackages(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, p := range importsOf(t, s) {
			for driver, r := range drivers {
				if (p == driver || strings.HasPrefix(p, driver+"/")) && !matchesAny(r.may, s.pkg) {
					t.Errorf("%s: only %v may import %s: %s", s.file, r.may, driver, r.reason)
				}
			}
		}
	}
}

// Only the scanner seals. Tests may: they make the text themselves.
func TestOnlyTheScannerSealsTextAndBytes(t *testing.T) {
	t.Parallel()
	sealed := 0
	for _, s := range sources(t) {
		if s.test || s.pkg == "internal/testkit" || s.pkg == "root" {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || (selector.Sel.Name != "SealText" && selector.Sel.Name != "SealBytes") {
				return true
			}
			if !slices.Contains(sealers, s.pkg) {
				t.Errorf("%s: %s makes sealed content: only %v may", s.file, s.pkg, sealers)
			}
			sealed++
			return true
		})
	}
	if sealed == 0 {
		t.Error("nobody seals anything: this test looks at the wrong names")
	}
}

func TestEveryPackageAndExportedNameHasADocComment(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	all := sources(t)
	for _, s := range all {
		documented[s.pkg] = documented[s.pkg] || (s.ast.Doc != nil && !s.test)
	}
	for _, s := range all {
		if s.test || strings.HasPrefix(s.pkg, "internal/gen") {
			continue
		}
		if !documented[s.pkg] {
			t.Errorf("package %s has no doc comment", s.pkg)
			documented[s.pkg] = true
		}
		for _, name := range undocumented(s.ast) {
			t.Errorf("%s: %s has no doc comment", s.file, name)
		}
	}
}

// undocumented lists the exported names of a file without a doc comment. A group's comment, or a comment beside a name, will do.
func undocumented(f *ast.File) []string {
	var names []string
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
						names = append(names, spec.Name.Name)
					}
				case *ast.ValueSpec:
					for _, n := range spec.Names {
						if n.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
							names = append(names, n.Name)
						}
					}
				}
			}
		}
	}
	return names
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if index, ok := t.(*ast.IndexExpr); ok {
		t = index.X
	}
	id, ok := t.(*ast.Ident)
	return ok && id.IsExported()
}

// The Temporal server, with its two hundred modules, stays out of the product's own build.
func TestTheEmbeddedServerIsAModuleOfItsOwn(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		if strings.HasPrefix(p, "go.temporal.io/server") || strings.HasPrefix(p, "github.com/temporalio/ui-server") {
			t.Fatalf("the product depends on %s", p)
		}
	}
}
