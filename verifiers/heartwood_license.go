// Package license verifies Heartwood license tokens offline. Copy this file into a package of your program.
//
// It needs Go 1.18 or later, and the standard library alone.
//
//	claims, err := license.VerifyLicense(token, license.Options{App: "desktop-app", PublicKeys: []string{publicKey}})
//	var refusal *license.LicenseError
//	if errors.As(err, &refusal) {
//		fmt.Println(refusal.Code, refusal.Message)
//	} else if err == nil {
//		fmt.Println("Licensed:", claims.Tier, claims.Features)
//	}
//
// Keep the public keys in the code, because whoever can replace one can sign licenses.
// This file makes no request and keeps no state. It does not renew a token, hears of no revocation, and does not follow
// trust.json: after a rotation of keys, release a version with the new key.
package license

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxTokenLength = 32 * 1024
	maxDepth       = 32
	// The last second of the year 9999.
	maxTime  = 253_402_300_799
	maxLimit = 1<<53 - 1
	// Seconds by which two clocks may differ.
	clockTolerance = 300
	minKeyBits     = 2048
	base32         = "0123456789abcdefghjkmnpqrstvwxyz"
)

// The license's id as a TypeID of a UUID, then 32 characters.
var jtiForm = regexp.MustCompile(`\Alic_[0-7][` + base32 + `]{9}[2-9a-h][` + base32 + `]{2}[89abr-tv][` + base32 + `]{12}[` + base32 + `]{32}\z`)
var wholeNumber = regexp.MustCompile(`\A[0-9]{1,16}\z`)
var arrayIndex = regexp.MustCompile(`\A(0|[1-9][0-9]{0,9})\z`)

// LicenseError says why a license does not hold. Message is for a person. Code is one of Heartwood's error codes.
//
// token_expired: it has ended. version_not_covered: the program was released after the end of the updates. invalid_token:
// anything else; the message gives no details, because a forger could use them.
type LicenseError struct {
	Code    string
	Message string
}

func (refusal *LicenseError) Error() string { return refusal.Message }

// Claims are those of a verified token. Times are whole seconds since 1970.
type Claims struct {
	// Sub is the installation's id.
	Sub string
	Aud string
	Iss string
	Iat int64
	// Exp is the end of the license; nil if it has none.
	Exp *int64
	Jti string
	// LicID is the license's UUID, the same in each of its tokens.
	LicID      string
	Tier       string
	CustomerID string
	Features   []string
	Limits     map[string]int64
	// UpdatesUntil: the license covers versions released until then; nil for all versions.
	UpdatesUntil *int64
}

// Revision orders the tokens of a license: the highest is the newest.
func (claims *Claims) Revision() int64 {
	var bits int64
	for _, character := range claims.Jti[30:37] {
		bits = bits*32 + int64(strings.IndexRune(base32, character))
	}
	return bits / 8
}

// Options of VerifyLicense. App and PublicKeys are required.
type Options struct {
	// App is the app's slug.
	App string
	// PublicKeys are PEM texts, as the server gives them at /public-key: one key in each.
	PublicKeys []string
	// Issuer is "license-server" if it is empty.
	Issuer string
	// Now is the computer's time if it is zero.
	Now time.Time
	// ReleasedAt is the release date of your program, a constant of its build. If it is zero, the license covers every version.
	ReleasedAt time.Time
}

// VerifyLicense verifies a token and returns its claims. The error is a *LicenseError if the license does not hold. It is
// another error if a public key is not usable.
func VerifyLicense(token string, options Options) (*Claims, error) {
	keys, err := readKeys(options.PublicKeys)
	if err != nil {
		return nil, err
	}
	issuer := options.Issuer
	if issuer == "" {
		issuer = "license-server"
	}
	payload, ok := verifiedPayload(token, keys)
	if !ok {
		return nil, invalid()
	}
	claims, ok := readClaims(payload, options.App, issuer)
	if !ok {
		return nil, invalid()
	}
	if refusal := checkTimes(claims, options); refusal != nil {
		return nil, refusal
	}
	return claims, nil
}

func invalid() *LicenseError {
	return &LicenseError{"invalid_token", "Invalid license token"}
}

func checkTimes(claims *Claims, options Options) *LicenseError {
	now := options.Now
	if now.IsZero() {
		now = time.Now()
	}
	if claims.Exp != nil && now.Unix() >= *claims.Exp {
		return &LicenseError{"token_expired", "The license has expired"}
	}
	if claims.Iat > now.Unix()+clockTolerance {
		return &LicenseError{"invalid_token", "The token was issued in the future: check the clock"}
	}
	released := options.ReleasedAt
	if !released.IsZero() && claims.UpdatesUntil != nil && released.Unix() > *claims.UpdatesUntil {
		return &LicenseError{"version_not_covered", "The license does not cover this version"}
	}
	return nil
}

// Keys and the signature

type pinnedKey struct {
	// The thumbprint of RFC 7638.
	kid string
	key *rsa.PublicKey
}

func readKeys(texts []string) ([]pinnedKey, error) {
	if len(texts) == 0 {
		return nil, errors.New("PublicKeys must hold at least one key")
	}
	keys := make([]pinnedKey, 0, len(texts))
	for _, text := range texts {
		key := readKey(text)
		if key == nil {
			return nil, fmt.Errorf("each of PublicKeys must be a PEM text with one RSA public key of %d bits or more", minKeyBits)
		}
		keys = append(keys, pinnedKey{thumbprint(key), key})
	}
	return keys, nil
}

func readKey(text string) *rsa.PublicKey {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "PUBLIC KEY" || strings.Count(text, "-----BEGIN ") != 1 {
		return nil
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, isRSA := parsed.(*rsa.PublicKey)
	if err != nil || !isRSA || key.N.BitLen() < minKeyBits {
		return nil
	}
	return key
}

func thumbprint(key *rsa.PublicKey) string {
	e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())
	n := base64.RawURLEncoding.EncodeToString(key.N.Bytes())
	hash := sha256.Sum256([]byte(`{"e":"` + e + `","kty":"RSA","n":"` + n + `"}`))
	return base64.RawURLEncoding.EncodeToString(hash[:])
}

// decode takes base64url in its one spelling: no padding, no line break, and no bit that counts for nothing.
func decode(part string) ([]byte, bool) {
	data, err := base64.RawURLEncoding.DecodeString(part)
	return data, err == nil && part != "" && base64.RawURLEncoding.EncodeToString(data) == part
}

func verifiedPayload(token string, keys []pinnedKey) ([]byte, bool) {
	if len(token) > maxTokenLength || strings.Count(token, ".") != 2 {
		return nil, false
	}
	parts := strings.Split(token, ".")
	header, isHeader := decode(parts[0])
	payload, isPayload := decode(parts[1])
	signature, isSignature := decode(parts[2])
	if !isHeader || !isPayload || !isSignature {
		return nil, false
	}
	kid, ok := readHeader(header)
	return payload, ok && isSigned(parts[0]+"."+parts[1], signature, kid, keys)
}

// isSigned fixes the algorithm, because a forger could choose the one in the header.
func isSigned(signed string, signature []byte, kid any, keys []pinnedKey) bool {
	hash := sha256.Sum256([]byte(signed))
	for _, pinned := range keys {
		isMeant := kid == nil || kid == pinned.kid
		// Go 1.19 also takes the signature plus the modulus, which is a second spelling of the token.
		isReduced := new(big.Int).SetBytes(signature).Cmp(pinned.key.N) < 0
		if isMeant && isReduced && rsa.VerifyPKCS1v15(pinned.key, crypto.SHA256, hash[:], signature) == nil {
			return true
		}
	}
	return false
}

// Header and claims

// readHeader returns the key's id, or nil without one. It refuses a member that it does not know.
func readHeader(data []byte) (kid any, ok bool) {
	header, ok := readObject(data)
	for name, value := range header {
		_, isText := value.(string)
		ok = ok && isText && (name == "alg" || name == "typ" || name == "kid")
	}
	return header["kid"], ok && header["alg"] == "RS256" && header["typ"] == "JWT"
}

// readClaims reads the claims that it knows. It ignores every other claim, because later versions add some.
func readClaims(payload []byte, app string, issuer string) (*Claims, bool) {
	members, ok := readObject(payload)
	if !ok {
		return nil, false
	}
	reader := claimReader{members, true}
	claims := &Claims{
		Sub:          reader.text("sub"),
		Aud:          reader.text("aud"),
		Iss:          reader.text("iss"),
		Jti:          reader.text("jti"),
		LicID:        reader.text("lic_id"),
		Tier:         reader.text("tier"),
		CustomerID:   reader.text("customer_id"),
		Exp:          reader.time("exp"),
		UpdatesUntil: reader.time("updates_until"),
		Features:     reader.features(),
		Limits:       reader.limits(),
	}
	iat := reader.time("iat")
	if !reader.ok || iat == nil || !jtiForm.MatchString(claims.Jti) || claims.Aud != app || claims.Iss != issuer {
		return nil, false
	}
	claims.Iat = *iat
	return claims, true
}

// claimReader notes in ok if a claim has a wrong type.
type claimReader struct {
	members map[string]any
	ok      bool
}

func (reader *claimReader) text(name string) string {
	text, ok := reader.members[name].(string)
	reader.ok = reader.ok && ok
	return text
}

func (reader *claimReader) time(name string) *int64 {
	value, isThere := reader.members[name]
	if !isThere {
		return nil
	}
	seconds := reader.whole(value, maxTime)
	return &seconds
}

func (reader *claimReader) whole(value any, most int64) int64 {
	spelled, isNumber := value.(number)
	whole, err := strconv.ParseInt(string(spelled), 10, 64)
	reader.ok = reader.ok && isNumber && wholeNumber.MatchString(string(spelled)) && err == nil && whole <= most
	return whole
}

func (reader *claimReader) features() []string {
	list, ok := reader.members["features"].([]any)
	reader.ok = reader.ok && ok
	features := make([]string, 0, len(list))
	for _, item := range list {
		text, ok := item.(string)
		reader.ok = reader.ok && ok
		features = append(features, text)
	}
	return features
}

func (reader *claimReader) limits() map[string]int64 {
	limits := map[string]int64{}
	value, isThere := reader.members["limits"]
	object, ok := value.(map[string]any)
	reader.ok = reader.ok && (ok || !isThere)
	for name, limit := range object {
		limits[name] = reader.whole(limit, maxLimit)
	}
	return limits
}

// JSON in the one spelling that a token may have: that of JSON.stringify

// number is a number as the token spells it.
type number string

var errSpelling = errors.New("not the spelling of JSON.stringify")

func readObject(data []byte) (map[string]any, bool) {
	if !utf8.Valid(data) {
		return nil, false
	}
	reader := jsonReader{string(data), 0}
	value, err := reader.value(maxDepth)
	object, ok := value.(map[string]any)
	return object, ok && err == nil && reader.at == len(data)
}

type jsonReader struct {
	text string
	at   int
}

// take skips a text if it comes next.
func (reader *jsonReader) take(text string) bool {
	if !strings.HasPrefix(reader.text[reader.at:], text) {
		return false
	}
	reader.at += len(text)
	return true
}

func (reader *jsonReader) value(depth int) (any, error) {
	switch {
	case reader.take("{"):
		return reader.object(depth)
	case reader.take("["):
		return reader.list(depth)
	case reader.take(`"`):
		return reader.string()
	case reader.take("true"):
		return true, nil
	case reader.take("false"):
		return false, nil
	case reader.take("null"):
		return nil, nil
	}
	return reader.number()
}

func (reader *jsonReader) object(depth int) (any, error) {
	object := map[string]any{}
	if depth == 0 {
		return nil, errSpelling
	}
	if reader.take("}") {
		return object, nil
	}
	lastIndex, isNamed := int64(-1), false
	for {
		if !reader.take(`"`) {
			return nil, errSpelling
		}
		name, err := reader.string()
		if err != nil || !reader.take(":") {
			return nil, errSpelling
		}
		// JavaScript puts names that are array indexes first, in the order of their numbers.
		index, isIndex := indexOf(name)
		_, isRepeated := object[name]
		if isRepeated || (isIndex && (isNamed || index <= lastIndex)) {
			return nil, errSpelling
		}
		if isIndex {
			lastIndex = index
		} else {
			isNamed = true
		}
		if object[name], err = reader.value(depth - 1); err != nil {
			return nil, err
		}
		if reader.take("}") {
			return object, nil
		}
		if !reader.take(",") {
			return nil, errSpelling
		}
	}
}

func indexOf(name string) (int64, bool) {
	if !arrayIndex.MatchString(name) {
		return 0, false
	}
	index, err := strconv.ParseInt(name, 10, 64)
	return index, err == nil && index < 1<<32-1
}

func (reader *jsonReader) list(depth int) (any, error) {
	list := []any{}
	if depth == 0 {
		return nil, errSpelling
	}
	if reader.take("]") {
		return list, nil
	}
	for {
		item, err := reader.value(depth - 1)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
		if reader.take("]") {
			return list, nil
		}
		if !reader.take(",") {
			return nil, errSpelling
		}
	}
}

var shortEscapes = map[byte]byte{'"': '"', '\\': '\\', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// string reads on after the opening quotation mark.
func (reader *jsonReader) string() (string, error) {
	var text []byte
	// True right after an escaped first half of a surrogate pair.
	isHalf := false
	for reader.at < len(reader.text) {
		next := reader.text[reader.at]
		reader.at++
		switch {
		case next == '"':
			return string(text), nil
		case next < 0x20:
			return "", errSpelling
		case next != '\\':
			text, isHalf = append(text, next), false
		case reader.take("u"):
			code, ok := reader.escapedCode()
			// JSON.stringify escapes half a pair, and writes a whole pair plainly.
			if !ok || (isHalf && code >= 0xDC00) {
				return "", errSpelling
			}
			isHalf = code >= 0xD800 && code < 0xDC00
			text = appendCode(text, code)
		default:
			if reader.at == len(reader.text) {
				return "", errSpelling
			}
			meant, ok := shortEscapes[reader.text[reader.at]]
			if !ok {
				return "", errSpelling
			}
			reader.at++
			text, isHalf = append(text, meant), false
		}
	}
	return "", errSpelling
}

// escapedCode reads four digits, if JSON.stringify would escape their character by them.
func (reader *jsonReader) escapedCode() (int, bool) {
	if len(reader.text)-reader.at < 4 {
		return 0, false
	}
	digits := reader.text[reader.at : reader.at+4]
	reader.at += 4
	code, err := strconv.ParseUint(digits, 16, 16)
	isControl := code < 0x20 && !strings.ContainsRune("\b\f\n\r\t", rune(code))
	isHalf := code >= 0xD800 && code < 0xE000
	return int(code), err == nil && digits == fmt.Sprintf("%04x", code) && (isControl || isHalf)
}

// appendCode keeps half a surrogate pair, which Go's own function would replace.
func appendCode(text []byte, code int) []byte {
	if code < 0x80 {
		return append(text, byte(code))
	}
	return append(text, 0xE0|byte(code>>12), 0x80|byte(code>>6&0x3F), 0x80|byte(code&0x3F))
}

func (reader *jsonReader) number() (any, error) {
	rest := reader.text[reader.at:]
	spelled := rest[:len(rest)-len(strings.TrimLeft(rest, "+-.0123456789eE"))]
	reader.at += len(spelled)
	value, err := strconv.ParseFloat(spelled, 64)
	if err != nil {
		return nil, errSpelling
	}
	// This package spells a number as ECMA-262 does, except for minus zero.
	plain, err := json.Marshal(value)
	if err != nil || string(plain) != spelled || spelled == "-0" {
		return nil, errSpelling
	}
	return number(spelled), nil
}
