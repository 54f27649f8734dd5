// Package api is the Connect API of the product (it speaks Connect, gRPC and gRPC-Web, so curl with JSON works), and the content of
// attachments over HTTP.
//
// A request passes, in this order: the Host header and its origin (server.go), its size, the session (session.go), the permission table over
// role and object (permission.go), and then a handler: principal, one call, map. Mutations of a contact go through its workflow and
// are answered from the row; errors are mapped in errors.go, the only place where a Kind becomes a Connect code.
package api
