<?php

/**
 * Verifies Heartwood license tokens offline. Copy this file into your program.
 *
 * It needs PHP 8.1 or later, and the extension openssl.
 *
 *     use Heartwood\LicenseError;
 *     use function Heartwood\verify_license;
 *
 *     require 'heartwood_license.php';
 *     try {
 *         $claims = verify_license($token, app: 'desktop-app', public_keys: [PUBLIC_KEY]);
 *         echo 'Licensed: ', $claims->tier, ' ', implode(', ', $claims->features), "\n";
 *     } catch (LicenseError $error) {
 *         echo $error->getCode(), ' ', $error->getMessage(), "\n";
 *     }
 *
 * Keep the public keys in the code, because whoever can replace one can sign licenses.
 * This file makes no request and keeps no state. It does not renew a token, hears of no revocation, and does not follow
 * trust.json: after a rotation of keys, release a version with the new key.
 */

declare(strict_types=1);

namespace Heartwood;

/**
 * The license does not hold. The message is for a person, and getCode() gives one of Heartwood's error codes, as a string.
 *
 * `token_expired`: it has ended. `version_not_covered`: the program was released after the end of the updates.
 * `invalid_token`: anything else; the message gives no details, because a forger could use them.
 */
final class LicenseError extends \Exception
{
    public function __construct(string $code, string $message)
    {
        parent::__construct($message);
        $this->code = $code;
    }
}

/** The claims of a verified token. Times are whole seconds since 1970. */
final class LicenseClaims
{
    /**
     * @param string $sub the installation's id
     * @param ?int $exp the end of the license; null if it has none
     * @param string $lic_id the license's UUID, the same in each of its tokens
     * @param list<string> $features
     * @param array<int> $limits numbers by name; PHP makes a name of digits alone an int
     * @param ?int $updates_until the license covers versions released until then; null for all versions
     */
    public function __construct(
        public readonly string $sub,
        public readonly string $aud,
        public readonly string $iss,
        public readonly int $iat,
        public readonly ?int $exp,
        public readonly string $jti,
        public readonly string $lic_id,
        public readonly string $tier,
        public readonly string $customer_id,
        public readonly array $features,
        public readonly array $limits,
        public readonly ?int $updates_until,
    ) {
    }

    /** Orders the tokens of a license: the highest is the newest. */
    public function revision(): int
    {
        $bits = 0;
        foreach (str_split(substr($this->jti, 30, 7)) as $character) {
            $bits = $bits * 32 + strpos(TokenReader::BASE32, $character);
        }
        return intdiv($bits, 8);
    }
}

/**
 * Verifies a token and returns its claims.
 *
 * @param string $app the app's slug
 * @param list<string> $public_keys PEM texts, as the server gives them at /public-key: one key in each
 * @param ?int $now the time in seconds since 1970; null for the computer's
 * @param ?int $released_at the release date of your program in seconds since 1970; null if the license covers every version
 *
 * @throws LicenseError if the license does not hold
 * @throws \InvalidArgumentException if a public key is not usable
 */
function verify_license(
    #[\SensitiveParameter] string $token,
    string $app,
    array $public_keys,
    string $issuer = 'license-server',
    ?int $now = null,
    ?int $released_at = null,
): LicenseClaims {
    if ($public_keys === []) {
        throw new \InvalidArgumentException('public_keys must hold at least one key');
    }
    $keys = array_map(PinnedKey::read(...), $public_keys);
    $claims = TokenReader::claims(TokenReader::verified_payload($token, $keys), $app, $issuer);
    TokenReader::check_times($claims, $now ?? time(), $released_at);
    return $claims;
}

/** @internal */
final class PinnedKey
{
    private const MIN_BITS = 2048;

    /** @param string $kid the thumbprint of RFC 7638 */
    private function __construct(public readonly string $kid, private readonly \OpenSSLAsymmetricKey $key)
    {
    }

    public static function read(string $pem): self
    {
        $is_one = substr_count($pem, '-----BEGIN ') === 1 && str_contains($pem, '-----BEGIN PUBLIC KEY-----');
        $key = $is_one ? openssl_pkey_get_public($pem) : false;
        $details = $key === false ? false : openssl_pkey_get_details($key);
        if ($details === false || $details['type'] !== OPENSSL_KEYTYPE_RSA || $details['bits'] < self::MIN_BITS) {
            throw new \InvalidArgumentException(
                'Each of public_keys must be a PEM text with one RSA public key of ' . self::MIN_BITS . ' bits or more',
            );
        }
        [$e, $n] = [TokenReader::encode($details['rsa']['e']), TokenReader::encode($details['rsa']['n'])];
        return new self(TokenReader::encode(hash('sha256', "{\"e\":\"$e\",\"kty\":\"RSA\",\"n\":\"$n\"}", true)), $key);
    }

    /** The algorithm is fixed, because a forger could choose the one in the header. */
    public function has_signed(string $signed, string $signature): bool
    {
        // A fault gives -1, which counts as true.
        return openssl_verify($signed, $signature, $this->key, OPENSSL_ALGO_SHA256) === 1;
    }
}

/** @internal */
final class TokenReader
{
    public const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz';
    private const MAX_TOKEN_LENGTH = 32 * 1024;
    /** The last second of the year 9999. */
    private const MAX_TIME = 253_402_300_799;
    private const MAX_LIMIT = 2 ** 53 - 1;
    /** Seconds by which two clocks may differ. */
    private const CLOCK_TOLERANCE = 300;
    /** The license's id as a TypeID of a UUID, then 32 characters. */
    private const JTI = '/\Alic_[0-7][' . self::BASE32 . ']{9}[2-9a-h][' . self::BASE32 . ']{2}[89abr-tv]['
        . self::BASE32 . ']{12}[' . self::BASE32 . ']{32}\z/';

    public static function invalid(): LicenseError
    {
        return new LicenseError('invalid_token', 'Invalid license token');
    }

    public static function check_times(LicenseClaims $claims, int $now, ?int $released_at): void
    {
        if ($claims->exp !== null && $now >= $claims->exp) {
            throw new LicenseError('token_expired', 'The license has expired');
        }
        if ($claims->iat > $now + self::CLOCK_TOLERANCE) {
            throw new LicenseError('invalid_token', 'The token was issued in the future: check the clock');
        }
        if ($released_at !== null && $claims->updates_until !== null && $released_at > $claims->updates_until) {
            throw new LicenseError('version_not_covered', 'The license does not cover this version');
        }
    }

    public static function encode(string $bytes): string
    {
        return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    }

    /** Takes base64url in its one spelling: no padding, no white space, and no bit that counts for nothing. */
    private static function decode(string $part): string
    {
        $bytes = base64_decode(strtr($part, '-_', '+/'), true);
        if ($bytes === false || $part === '' || self::encode($bytes) !== $part) {
            throw self::invalid();
        }
        return $bytes;
    }

    /** @param list<PinnedKey> $keys */
    public static function verified_payload(#[\SensitiveParameter] string $token, array $keys): string
    {
        if (strlen($token) > self::MAX_TOKEN_LENGTH || substr_count($token, '.') !== 2) {
            throw self::invalid();
        }
        $parts = explode('.', $token);
        [$header, $payload, $signature] = array_map(self::decode(...), $parts);
        $kid = self::kid($header);
        foreach ($keys as $key) {
            if (($kid === null || $kid === $key->kid) && $key->has_signed("$parts[0].$parts[1]", $signature)) {
                return $payload;
            }
        }
        throw self::invalid();
    }

    /** Returns the key's id, or null without one. It refuses a member of the header that it does not know. */
    private static function kid(string $header): ?string
    {
        $members = JsonReader::object($header);
        foreach ($members as $name => $value) {
            if (!in_array($name, ['alg', 'typ', 'kid'], true) || !is_string($value)) {
                throw self::invalid();
            }
        }
        if (($members['alg'] ?? null) !== 'RS256' || ($members['typ'] ?? null) !== 'JWT') {
            throw self::invalid();
        }
        return $members['kid'] ?? null;
    }

    /** Reads the claims that it knows. It ignores every other claim, because later versions add some. */
    public static function claims(string $payload, string $app, string $issuer): LicenseClaims
    {
        $members = JsonReader::object($payload);
        $claims = new LicenseClaims(
            sub: self::text($members['sub'] ?? null),
            aud: self::text($members['aud'] ?? null),
            iss: self::text($members['iss'] ?? null),
            iat: self::whole_number($members['iat'] ?? null, self::MAX_TIME),
            exp: self::optional_time($members, 'exp'),
            jti: self::text($members['jti'] ?? null),
            lic_id: self::text($members['lic_id'] ?? null),
            tier: self::text($members['tier'] ?? null),
            customer_id: self::text($members['customer_id'] ?? null),
            features: self::features($members['features'] ?? null),
            limits: self::limits($members),
            updates_until: self::optional_time($members, 'updates_until'),
        );
        if ($claims->aud !== $app || $claims->iss !== $issuer || preg_match(self::JTI, $claims->jti) !== 1) {
            throw self::invalid();
        }
        return $claims;
    }

    private static function text(mixed $value): string
    {
        return is_string($value) ? $value : throw self::invalid();
    }

    private static function whole_number(mixed $value, int $most): int
    {
        $is_whole = $value instanceof JsonNumber && preg_match('/\A[0-9]{1,16}\z/', $value->spelled) === 1;
        if (!$is_whole || (int) $value->spelled > $most) {
            throw self::invalid();
        }
        return (int) $value->spelled;
    }

    /** @param array<mixed> $members */
    private static function optional_time(array $members, string $name): ?int
    {
        return array_key_exists($name, $members) ? self::whole_number($members[$name], self::MAX_TIME) : null;
    }

    /** @return list<string> */
    private static function features(mixed $value): array
    {
        return is_array($value) ? array_map(self::text(...), $value) : throw self::invalid();
    }

    /**
     * @param array<mixed> $members
     * @return array<int>
     */
    private static function limits(array $members): array
    {
        if (!array_key_exists('limits', $members)) {
            return [];
        }
        $limits = $members['limits'];
        if (!$limits instanceof JsonObject) {
            throw self::invalid();
        }
        return array_map(fn (mixed $limit) => self::whole_number($limit, self::MAX_LIMIT), $limits->members);
    }
}

/** @internal An object; a list is an array. */
final class JsonObject
{
    /** @param array<mixed> $members */
    public function __construct(public readonly array $members)
    {
    }
}

/** @internal A number as the token spells it. */
final class JsonNumber
{
    public function __construct(public readonly string $spelled)
    {
    }
}

/** @internal Reads JSON in the one spelling that a token may have: that of JSON.stringify. */
final class JsonReader
{
    private const MAX_DEPTH = 32;
    private const ESCAPES = ['"' => '"', '\\' => '\\', 'b' => "\x08", 'f' => "\f", 'n' => "\n", 'r' => "\r", 't' => "\t"];

    private int $at = 0;

    private function __construct(private readonly string $text)
    {
    }

    /** @return array<mixed> */
    public static function object(string $bytes): array
    {
        // An empty pattern with this flag matches UTF-8 alone.
        if (preg_match('//u', $bytes) !== 1) {
            throw TokenReader::invalid();
        }
        $reader = new self($bytes);
        $value = $reader->value(self::MAX_DEPTH);
        if (!$value instanceof JsonObject || $reader->at !== strlen($bytes)) {
            throw TokenReader::invalid();
        }
        return $value->members;
    }

    /** Skips a text if it comes next. */
    private function take(string $expected): bool
    {
        $is_next = substr_compare($this->text, $expected, $this->at, strlen($expected)) === 0;
        $this->at += $is_next ? strlen($expected) : 0;
        return $is_next;
    }

    private function require(string $expected): void
    {
        if (!$this->take($expected)) {
            throw TokenReader::invalid();
        }
    }

    private function next(): string
    {
        return $this->text[$this->at++] ?? throw TokenReader::invalid();
    }

    private function value(int $depth): mixed
    {
        return match (true) {
            $this->take('{') => $this->members($depth),
            $this->take('[') => $this->list($depth),
            $this->take('"') => $this->string(),
            $this->take('true') => true,
            $this->take('false') => false,
            $this->take('null') => null,
            default => $this->number(),
        };
    }

    private function members(int $depth): JsonObject
    {
        $members = [];
        if ($depth === 0) {
            throw TokenReader::invalid();
        }
        if ($this->take('}')) {
            return new JsonObject($members);
        }
        $last_index = -1;
        do {
            $this->require('"');
            $name = $this->string();
            $this->require(':');
            // JavaScript puts names that are array indexes first, in the order of their numbers.
            $index = self::index($name);
            if (array_key_exists($name, $members) || ($index >= 0 && $index <= $last_index)) {
                throw TokenReader::invalid();
            }
            $last_index = $index >= 0 ? $index : PHP_INT_MAX;
            $members[$name] = $this->value($depth - 1);
        } while ($this->take(','));
        $this->require('}');
        return new JsonObject($members);
    }

    /** The array index that a name is; -1 for any other name. */
    private static function index(string $name): int
    {
        $is_index = preg_match('/\A(?:0|[1-9][0-9]{0,9})\z/', $name) === 1 && (int) $name < 2 ** 32 - 1;
        return $is_index ? (int) $name : -1;
    }

    /** @return list<mixed> */
    private function list(int $depth): array
    {
        $list = [];
        if ($depth === 0) {
            throw TokenReader::invalid();
        }
        if ($this->take(']')) {
            return $list;
        }
        do {
            $list[] = $this->value($depth - 1);
        } while ($this->take(','));
        $this->require(']');
        return $list;
    }

    /** Reads on after the opening quotation mark. */
    private function string(): string
    {
        $string = '';
        // True right after an escaped first half of a surrogate pair.
        $is_half = false;
        for ($next = $this->next(); $next !== '"'; $next = $this->next()) {
            if (ord($next) < 0x20) {
                throw TokenReader::invalid();
            }
            $code = $next === '\\' && $this->take('u') ? $this->escaped_code() : null;
            // JSON.stringify escapes half a pair, and writes a whole pair plainly.
            if ($code !== null && $is_half && $code >= 0xDC00) {
                throw TokenReader::invalid();
            }
            $is_half = $code !== null && $code >= 0xD800 && $code < 0xDC00;
            $string .= match (true) {
                $code !== null => self::bytes($code),
                $next === '\\' => self::ESCAPES[$this->next()] ?? throw TokenReader::invalid(),
                default => $next,
            };
        }
        return $string;
    }

    /** Reads four digits, if JSON.stringify would escape their character by them. */
    private function escaped_code(): int
    {
        $digits = $this->next() . $this->next() . $this->next() . $this->next();
        if (preg_match('/\A(?:00[01][0-9a-f]|d[89a-f][0-9a-f]{2})\z/', $digits) !== 1) {
            throw TokenReader::invalid();
        }
        $code = (int) hexdec($digits);
        return in_array($code, [8, 9, 10, 12, 13], true) ? throw TokenReader::invalid() : $code;
    }

    /** Keeps half a surrogate pair, which PHP's own functions refuse. */
    private static function bytes(int $code): string
    {
        return $code < 0x80 ? chr($code) : chr(0xE0 | $code >> 12) . chr(0x80 | $code >> 6 & 0x3F) . chr(0x80 | $code & 0x3F);
    }

    private function number(): JsonNumber
    {
        $spelled = substr($this->text, $this->at, strspn($this->text, '+-.0123456789eE', $this->at));
        $this->at += strlen($spelled);
        return self::spell((float) $spelled) === $spelled ? new JsonNumber($spelled) : throw TokenReader::invalid();
    }

    /** Spells a number as ECMA-262 does (Number::toString). */
    private static function spell(float $number): string
    {
        if (!is_finite($number) || $number === 0.0) {
            return is_finite($number) ? '0' : '';
        }
        if ($number < 0) {
            return '-' . self::spell(-$number);
        }
        // The precision -1 gives the fewest digits that read as this number.
        [$mantissa, $exponent] = [...explode('E', sprintf('%.*H', -1, $number)), '0'];
        $all = str_replace('.', '', $mantissa);
        $digits = ltrim($all, '0');
        // The number is 0.digits × 10^point.
        $point = strlen(explode('.', $mantissa)[0]) + (int) $exponent - (strlen($all) - strlen($digits));
        $digits = rtrim($digits, '0');
        if ($point > 0 && $point <= 21) {
            $fraction = substr($digits, $point);
            return str_pad(substr($digits, 0, $point), $point, '0') . ($fraction === '' ? '' : ".$fraction");
        }
        if ($point > -6 && $point <= 0) {
            return '0.' . str_repeat('0', -$point) . $digits;
        }
        $rest = strlen($digits) > 1 ? '.' . substr($digits, 1) : '';
        return sprintf('%s%se%+d', $digits[0], $rest, $point - 1);
    }
}
