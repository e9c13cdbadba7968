package httpadapter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// awsValues adds the parts of the AWS credential to the values, as they are now. The
// secret key is tried again where the upstream refuses it.
func (c *call) awsValues(ctx context.Context, values []string, try func([]string) (bool, error)) (bool, error) {
	s := c.a.AWS
	err := s.SecretKey.Try(ctx, func(secret string) (bool, error) {
		id, err := s.AccessKeyID.Reveal(ctx)
		if err != nil {
			return false, err
		}
		token := ""
		if !s.SessionToken.IsZero() {
			if token, err = s.SessionToken.Reveal(ctx); err != nil {
				return false, err
			}
		}
		return try(append(slices.Clip(values), id, secret, token))
	})
	return rejected(err)
}

// sign signs a request for Amazon (Signature Version 4) with the last three values, and
// returns what else of it must not come back.
func (c *call) sign(ctx context.Context, req *http.Request, values []string) ([]string, error) {
	last := values[len(values)-3:]
	sum := sha256.Sum256(c.body)
	hash := hex.EncodeToString(sum[:])
	s := c.a.AWS
	if s.Service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s.Service == "s3" })
	via := req.Header["Via"]
	req.Header.Del("Via") // may be changed on the way
	err := signer.SignHTTP(ctx, aws.Credentials{AccessKeyID: last[0], SecretAccessKey: last[1], SessionToken: last[2]}, req, hash, s.Service, s.Region, c.p.o.Clock.Now())
	if err != nil {
		return nil, err
	}
	req.Header["Via"] = via
	auth := req.Header.Get("Authorization")
	_, signature, _ := strings.Cut(auth, "Signature=")
	return []string{auth, signature}, nil
}
