// Judges each token of standard input by verifiers/heartwood_license.go. See languages.ts for the form of the lines.
package main

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"example.com/program/license"
)

func must[Value any](value Value, err error) Value {
	if err != nil {
		panic(err)
	}
	return value
}

func decoded(field string) string {
	return string(must(base64.StdEncoding.DecodeString(field)))
}

func encoded(text string) string {
	return base64.StdEncoding.EncodeToString([]byte(text))
}

func number(value *int64) string {
	if value == nil {
		return "-"
	}
	return fmt.Sprint(*value)
}

func instant(field string) time.Time {
	if field == "-" {
		return time.Time{}
	}
	return time.Unix(must(strconv.ParseInt(field, 10, 64)), 0)
}

func shown(claims *license.Claims) string {
	fields := []string{"ok"}
	for _, text := range []string{claims.Sub, claims.Aud, claims.Iss, claims.Jti, claims.LicID, claims.Tier, claims.CustomerID} {
		fields = append(fields, encoded(text))
	}
	revision := claims.Revision()
	fields = append(fields, number(&claims.Iat), number(claims.Exp), number(claims.UpdatesUntil), number(&revision))
	features, limits := []string{}, []string{}
	for _, feature := range claims.Features {
		features = append(features, encoded(feature)+".")
	}
	for name, limit := range claims.Limits {
		limits = append(limits, encoded(name)+"="+number(&limit))
	}
	return strings.Join(append(fields, strings.Join(features, ","), strings.Join(limits, ",")), "\t")
}

func judged(line string) string {
	fields := strings.Split(line, "\t")
	options := license.Options{
		App:        decoded(fields[1]),
		Issuer:     decoded(fields[2]),
		Now:        instant(fields[3]),
		ReleasedAt: instant(fields[4]),
	}
	for _, key := range strings.Split(fields[5], ",") {
		if key != "" {
			options.PublicKeys = append(options.PublicKeys, decoded(key))
		}
	}
	claims, err := license.VerifyLicense(decoded(fields[0]), options)
	var refusal *license.LicenseError
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	if err != nil {
		return "unusable_key"
	}
	return shown(claims)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		fmt.Println(judged(lines.Text()))
	}
	if lines.Err() != nil {
		panic(lines.Err())
	}
}
