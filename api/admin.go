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

// PreviewConfiguration says what a file would change.
func (s adminService) PreviewConfiguration(ctx context.Context, r *adminv1.PreviewConfigurationRequest) (*adminv1.PreviewConfigurationResponse, error) {
	preview, err := Preview(ctx, s.Store, s.Scanner, Application{Actor: principalOf(ctx).actor(), File: filepath.Base(r.File), Document: r.Document})
	return &adminv1.PreviewConfigurationResponse{Version: preview.Version, Changes: changesToProto(preview.Changes)}, err
}

// ListConfigurationVersions reads which configurations were applied, by whom and when.
func (s adminService) ListConfigurationVersions(ctx context.Context, r *adminv1.ListConfigurationVersionsRequest) (*adminv1.ListConfigurationVersionsResponse, error) {
	versions, err := s.Store.Versions(ctx, r.BeforeVersion, atMost100(r.Limit))
	response := &adminv1.ListConfigurationVersionsResponse{}
	for _, v := range versions {
		response.Versions = append(response.Versions, &adminv1.ConfigurationVersion{Version: v.Version, At: timestamppb.New(v.At), Actor: v.Actor,
			Changes: changesToProto(v.Changes)})
	}
	return response, err
}

// ExportConfiguration writes the present configuration, or the document of a version.
func (s adminService) ExportConfiguration(ctx context.Context, r *adminv1.ExportConfigurationRequest) (*adminv1.ExportConfigurationResponse, error) {
	if r.Version != 0 {
		document, err := s.Store.VersionDocument(ctx, r.Version)
		return &adminv1.ExportConfigurationResponse{Version: r.Version, Document: document}, err
	}
	document, version, err := Export(ctx, s.Store)
	return &adminv1.ExportConfigurationResponse{Version: version, Document: document}, err
}

// atMost100 is how many entries of a list are read.
func atMost100(limit int32) int {
	if limit <= 0 || limit > 100 {
		return 100
	}
	return int(limit)
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
	entries, err := s.Store.Audit(ctx, r.BeforeId, atMost100(r.Limit), r.Version)
	response := &adminv1.ListAuditResponse{}
	for _, e := range entries {
		response.Entries = append(response.Entries, &adminv1.AuditEntry{Id: e.ID, At: timestamppb.New(e.At), Actor: e.Actor, Action: e.Action,
			Object: e.Object, Before: string(e.Before), After: string(e.After), Version: e.Version})
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
