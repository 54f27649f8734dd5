package api

import (
	"context"
	"path/filepath"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/auth"
	adminv1 "github.com/postroom/postroom/internal/gen/postroom/admin/v1"
	"github.com/postroom/postroom/internal/gen/postroom/admin/v1/adminv1connect"
	"github.com/postroom/postroom/internal/store"
)

// adminService implements postroom.admin.v1.AdminService.
type adminService struct{ *Server }

// ApplyConfiguration makes a file the present configuration: the same door as the command line's.
func (s adminService) ApplyConfiguration(ctx context.Context, r *adminv1.ApplyConfigurationRequest) (*adminv1.ApplyConfigurationResponse, error) {
	c, err := s.command(ctx, adminv1connect.AdminServiceApplyConfigurationProcedure, r)
	if err != nil {
		return nil, err
	}
	applied, err := Apply(ctx, s.Store, s.Scanner, Application{Actor: principalOf(ctx).actor(), Command: c, File: filepath.Base(r.File), Document: r.Document})
	return &adminv1.ApplyConfigurationResponse{Version: applied.Version, Changes: changesToProto(applied.Changes)}, err
}

// ExportConfiguration writes the present configuration.
func (s adminService) ExportConfiguration(ctx context.Context, _ *adminv1.ExportConfigurationRequest) (*adminv1.ExportConfigurationResponse, error) {
	document, version, err := Export(ctx, s.Store)
	return &adminv1.ExportConfigurationResponse{Version: version, Document: document}, err
}

// SetPassword sets an agent's password.
func (s adminService) SetPassword(ctx context.Context, r *adminv1.SetPasswordRequest) (*adminv1.SetPasswordResponse, error) {
	c, err := s.command(ctx, adminv1connect.AdminServiceSetPasswordProcedure, r)
	if err != nil {
		return nil, err
	}
	hash, err := auth.HashPassword(r.Password)
	if err != nil {
		return nil, err
	}
	return &adminv1.SetPasswordResponse{}, s.Store.SetPassword(ctx, c, principalOf(ctx).actor(), store.Password{Agent: postroom.AgentID(r.Agent), Hash: hash})
}

// RevokeSessions ends all sessions of an agent.
func (s adminService) RevokeSessions(ctx context.Context, r *adminv1.RevokeSessionsRequest) (*adminv1.RevokeSessionsResponse, error) {
	c, err := s.command(ctx, adminv1connect.AdminServiceRevokeSessionsProcedure, r)
	if err != nil {
		return nil, err
	}
	agent := postroom.AgentID(r.Agent)
	if _, err := s.Store.AgentStatus(ctx, agent); err != nil { // the audit names him: it must be a name of ours
		return nil, err
	}
	return &adminv1.RevokeSessionsResponse{}, s.Store.RevokeSessions(ctx, c, principalOf(ctx).actor(), agent)
}

// ListAudit reads who did what.
func (s adminService) ListAudit(ctx context.Context, r *adminv1.ListAuditRequest) (*adminv1.ListAuditResponse, error) {
	limit := int(r.Limit)
	if limit <= 0 || limit > 100 {
		limit = 100
	}
	entries, err := s.Store.Audit(ctx, r.BeforeId, limit)
	response := &adminv1.ListAuditResponse{}
	for _, e := range entries {
		response.Entries = append(response.Entries, &adminv1.AuditEntry{Id: e.ID, At: timestamppb.New(e.At), Actor: e.Actor, Action: e.Action,
			Object: e.Object, Before: string(e.Before), After: string(e.After)})
	}
	return response, err
}

func changesToProto(changes []store.Change) []*adminv1.Change {
	var out []*adminv1.Change
	for _, c := range changes {
		out = append(out, &adminv1.Change{Kind: c.Kind, Key: c.Key, Action: c.Action})
	}
	return out
}
