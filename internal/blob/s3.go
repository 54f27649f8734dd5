package blob

import (
	"context"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"github.com/postroom/postroom"
)

// ReasonNoTLS says that an object store off loopback would be spoken to unprotected (R41).
const ReasonNoTLS postroom.Reason = "tls_required"

// bucketName is what S3 allows.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// openS3 opens a bucket of S3, or of what speaks like it. The URL says where; the credentials are those of the environment (AWS_ACCESS_KEY_ID …), or of the machine,
// and never in it. A client makes no connection before it is used.
func openS3(u *url.URL) (*Store, error) {
	q := u.Query()
	region, endpoint, prefix := q.Get("region"), q.Get("endpoint"), q.Get("prefix")
	for key, values := range q {
		if len(values) != 1 || key != "region" && key != "endpoint" && key != "prefix" {
			return nil, badURL()
		}
	}
	if !bucketName.MatchString(u.Host) || u.Path != "" || region == "" || strings.ContainsAny(prefix, "\\\x00") || prefix != "" && !strings.HasSuffix(prefix, "/") {
		return nil, badURL()
	}
	if err := safeEndpoint(endpoint); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	settings, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return nil, postroom.Unavailable(ReasonStoreDown, "read the credentials of the object store", err)
	}
	client := s3.NewFromConfig(settings, func(o *s3.Options) {
		// Checksums that S3 does not demand are not known to all that speak like it.
		o.RequestChecksumCalculation, o.ResponseChecksumValidation = aws.RequestChecksumCalculationWhenRequired, aws.ResponseChecksumValidationWhenRequired
		if endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = aws.String(endpoint), true
		}
	})
	bucket, err := s3blob.OpenBucket(ctx, client, u.Host, nil)
	if err != nil {
		return nil, postroom.Unavailable(ReasonStoreDown, "open the object store", err)
	}
	if prefix != "" {
		bucket = gocloud.PrefixedBucket(bucket, prefix)
	}
	return &Store{bucket: bucket}, nil
}

// safeEndpoint refuses what is no server, and one off loopback without TLS.
func safeEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return badURL()
	}
	if u.Scheme == "https" || u.Scheme == "http" && onLoopback(u.Hostname()) {
		return nil
	}
	if u.Scheme == "http" {
		return postroom.Refused(ReasonNoTLS, "open the blob store: off loopback its endpoint must be https://")
	}
	return badURL()
}

func onLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}
