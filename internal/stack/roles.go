package stack

import (
	"context"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom"
)

// Role is a role of the database server.
type Role string

// The roles of a cluster. All of them can log in; each has a random password.
const (
	// RoleSuperuser administers the cluster; the product never uses it.
	RoleSuperuser Role = "postgres"
	// RoleOwner owns the product's databases and runs their migrations.
	RoleOwner Role = "postroom_owner"
	// RoleApp is the product at work: it may connect, and beyond that has only what migrations grant to it (R43).
	RoleApp Role = "postroom_app"
	// RoleTemporal may create databases, and owns those of Temporal.
	RoleTemporal Role = "temporal"
)

// SecretName names the secret of a state directory that is the role's password.
func (r Role) SecretName() string { return "postgres-" + string(r) }

// maintenanceDatabase exists in every cluster.
const maintenanceDatabase = "postgres"

// attributes say what a role may do, beyond logging in.
var attributes = map[Role]string{
	RoleOwner:    "nosuperuser nocreatedb nocreaterole",
	RoleApp:      "nosuperuser nocreatedb nocreaterole",
	RoleTemporal: "nosuperuser createdb nocreaterole",
}

// databaseName keeps names that need no quoting (PostgreSQL cuts them at 63 bytes).
var databaseName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// ensureRoles creates the roles, gives them the passwords that the state directory holds, and checks that the extension that
// Temporal's schema needs can be created by its role.
func (p *Postgres) ensureRoles(ctx context.Context) error {
	return p.asSuperuser(ctx, maintenanceDatabase, func(ctx context.Context, conn *pgx.Conn) error {
		for role, may := range attributes {
			var exists bool
			if err := conn.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", string(role)).Scan(&exists); err != nil {
				return databaseError("look for role "+string(role), err)
			}
			verb := "create"
			if exists {
				verb = "alter"
			}
			// Utility statements take no parameters. The name is a constant and the password hexadecimal.
			statement := fmt.Sprintf("%s role %s login %s password '%s'", verb, role, may, p.Password(role))
			if _, err := conn.Exec(ctx, statement); err != nil {
				return databaseError("set up role "+string(role), err)
			}
		}
		var trusted bool
		err := conn.QueryRow(ctx,
			"select exists (select from pg_available_extension_versions where name = 'btree_gin' and trusted)").Scan(&trusted)
		if err != nil {
			return databaseError("look for extension btree_gin", err)
		}
		if !trusted {
			return postroom.Refused(ReasonPrerequisiteMissing,
				"PostgreSQL has no extension btree_gin, which Temporal needs; install the package postgresql-contrib")
		}
		return nil
	})
}

// CreateDatabase creates a database of RoleOwner, unless it exists. RoleApp may connect to it; nobody else may, and nobody
// but the owner may create anything in it.
func (p *Postgres) CreateDatabase(ctx context.Context, name string) error {
	if !databaseName.MatchString(name) {
		return postroom.Invalid(postroom.ReasonMalformed, "a database's name consists of 1 to 63 lower-case letters, digits and underscores")
	}
	err := p.asSuperuser(ctx, maintenanceDatabase, func(ctx context.Context, conn *pgx.Conn) error {
		var exists bool
		if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&exists); err != nil {
			return databaseError("look for database "+name, err)
		}
		if exists {
			return nil
		}
		_, err := conn.Exec(ctx, fmt.Sprintf("create database %s owner %s template template0 encoding 'UTF8'", name, RoleOwner))
		return databaseError("create database "+name, err)
	})
	if err != nil {
		return err
	}
	return p.asSuperuser(ctx, name, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf(`
			revoke all on database %[1]s from public;
			grant connect on database %[1]s to %[2]s;
			do $$ begin
				if exists (select from pg_namespace where nspname = 'public') then
					alter schema public owner to %[3]s;
					revoke create on schema public from public;
				end if;
			end $$`, name, RoleApp, RoleOwner))
		return databaseError("set the permissions of database "+name, err)
	})
}

// DropDatabase drops a database, ending the connections to it. One that does not exist is no error.
func (p *Postgres) DropDatabase(ctx context.Context, name string) error {
	if !databaseName.MatchString(name) {
		return postroom.Invalid(postroom.ReasonMalformed, "a database's name consists of 1 to 63 lower-case letters, digits and underscores")
	}
	return p.asSuperuser(ctx, maintenanceDatabase, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf("drop database if exists %s with (force)", name))
		return databaseError("drop database "+name, err)
	})
}

func databaseError(do string, err error) error {
	if err == nil {
		return nil
	}
	return postroom.Unavailable(postroom.ReasonDatabaseDown, fmt.Sprintf("cannot %s: %v", do, err), err)
}
