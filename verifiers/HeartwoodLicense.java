import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Verifies Heartwood license tokens offline. Copy this file into your program, and add the line of its package.
 *
 * <p>It needs Java 17 or later, and the standard library alone.
 *
 * <pre>{@code
 * try {
 *     var claims = HeartwoodLicense.verifyLicense(token, new HeartwoodLicense.Options("desktop-app", List.of(PUBLIC_KEY)));
 *     System.out.println("Licensed: " + claims.tier() + " " + claims.features());
 * } catch (HeartwoodLicense.LicenseException refusal) {
 *     System.out.println(refusal.code() + " " + refusal.getMessage());
 * }
 * }</pre>
 *
 * <p>Keep the public keys in the code, because whoever can replace one can sign licenses.
 *
 * <p>This file makes no request and keeps no state. It does not renew a token, hears of no revocation, and does not follow
 * trust.json: after a rotation of keys, release a version with the new key.
 */
public final class HeartwoodLicense {
    private static final int MAX_TOKEN_LENGTH = 32 * 1024;
    private static final int MAX_DEPTH = 32;
    /** The last second of the year 9999. */
    private static final long MAX_TIME = 253_402_300_799L;
    private static final long MAX_LIMIT = (1L << 53) - 1;
    /** Seconds by which two clocks may differ. */
    private static final long CLOCK_TOLERANCE = 300;
    private static final int MIN_KEY_BITS = 2048;

    private static final String BASE32 = "0123456789abcdefghjkmnpqrstvwxyz";
    /** The license's id as a TypeID of a UUID, then 32 characters. */
    private static final Pattern JTI = Pattern.compile(
            "lic_[0-7][#]{9}[2-9a-h][#]{2}[89abr-tv][#]{12}[#]{32}".replace("#", BASE32));

    private HeartwoodLicense() {}

    /**
     * The license does not hold. The message is for a person, and {@link #code} is one of Heartwood's error codes.
     *
     * <p>{@code token_expired}: it has ended. {@code version_not_covered}: the program was released after the end of the
     * updates. {@code invalid_token}: anything else; the message gives no details, because a forger could use them.
     */
    public static final class LicenseException extends Exception {
        private static final long serialVersionUID = 1;
        private final String code;

        private LicenseException(String code, String message) {
            super(message);
            this.code = code;
        }

        public String code() {
            return code;
        }
    }

    /**
     * The claims of a verified token. Times are whole seconds since 1970.
     *
     * @param sub the installation's id
     * @param exp the end of the license; null if it has none
     * @param licId the license's UUID, the same in each of its tokens
     * @param updatesUntil the license covers versions released until then; null for all versions
     */
    public record Claims(
            String sub,
            String aud,
            String iss,
            long iat,
            Long exp,
            String jti,
            String licId,
            String tier,
            String customerId,
            List<String> features,
            Map<String, Long> limits,
            Long updatesUntil) {

        /** Orders the tokens of a license: the highest is the newest. */
        public long revision() {
            long bits = 0;
            for (char character : jti.substring(30, 37).toCharArray()) bits = bits * 32 + BASE32.indexOf(character);
            return bits / 8;
        }
    }

    /**
     * The options of {@link #verifyLicense}.
     *
     * @param app the app's slug
     * @param publicKeys PEM texts, as the server gives them at /public-key: one key in each
     * @param now the time in seconds since 1970; null for the computer's
     * @param releasedAt the release date of your program in seconds since 1970, a constant of its build; null if the license
     *     covers every version
     */
    public record Options(String app, List<String> publicKeys, String issuer, Long now, Long releasedAt) {
        public Options(String app, List<String> publicKeys) {
            this(app, publicKeys, "license-server", null, null);
        }
    }

    /**
     * Verifies a token and returns its claims.
     *
     * @throws LicenseException if the license does not hold
     * @throws IllegalArgumentException if a public key is not usable
     */
    public static Claims verifyLicense(String token, Options options) throws LicenseException {
        List<PinnedKey> keys = options.publicKeys().stream().map(PinnedKey::read).toList();
        if (keys.isEmpty()) throw new IllegalArgumentException("publicKeys must hold at least one key");
        Claims claims = readClaims(verifiedPayload(token, keys), options.app(), options.issuer());
        checkTimes(claims, options);
        return claims;
    }

    private static LicenseException invalid() {
        return new LicenseException("invalid_token", "Invalid license token");
    }

    private static void checkTimes(Claims claims, Options options) throws LicenseException {
        long now = options.now() != null ? options.now() : Instant.now().getEpochSecond();
        if (claims.exp() != null && now >= claims.exp())
            throw new LicenseException("token_expired", "The license has expired");
        if (claims.iat() > now + CLOCK_TOLERANCE)
            throw new LicenseException("invalid_token", "The token was issued in the future: check the clock");
        Long released = options.releasedAt();
        if (released != null && claims.updatesUntil() != null && released > claims.updatesUntil())
            throw new LicenseException("version_not_covered", "The license does not cover this version");
    }

    // Keys and the signature

    /** A key with its id, the thumbprint of RFC 7638. */
    private record PinnedKey(String kid, RSAPublicKey key) {
        static PinnedKey read(String pem) {
            try {
                String[] parts = pem.strip().split("-----(BEGIN|END) PUBLIC KEY-----", -1);
                if (parts.length != 3 || !parts[0].isEmpty() || !parts[2].isEmpty()) throw unusable();
                byte[] der = Base64.getDecoder().decode(parts[1].replaceAll("\\s", ""));
                RSAPublicKey key = (RSAPublicKey) KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(der));
                if (key.getModulus().bitLength() < MIN_KEY_BITS) throw unusable();
                return new PinnedKey(thumbprint(key), key);
            } catch (GeneralSecurityException | IllegalArgumentException fault) {
                throw unusable();
            }
        }

        private static IllegalArgumentException unusable() {
            return new IllegalArgumentException(
                    "Each of publicKeys must be a PEM text with one RSA public key of " + MIN_KEY_BITS + " bits or more");
        }

        private static String thumbprint(RSAPublicKey key) throws GeneralSecurityException {
            String members = "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}"
                    .formatted(encode(key.getPublicExponent()), encode(key.getModulus()));
            return HeartwoodLicense.encode(MessageDigest.getInstance("SHA-256").digest(ascii(members)));
        }

        private static String encode(BigInteger number) {
            byte[] bytes = number.toByteArray();
            // The first byte may hold no more than the sign.
            return HeartwoodLicense.encode(bytes[0] == 0 ? Arrays.copyOfRange(bytes, 1, bytes.length) : bytes);
        }

        /** The algorithm is fixed, because a forger could choose the one in the header. */
        boolean hasSigned(String signed, byte[] signature) {
            try {
                Signature rs256 = Signature.getInstance("SHA256withRSA");
                rs256.initVerify(key);
                rs256.update(ascii(signed));
                return rs256.verify(signature);
            } catch (GeneralSecurityException fault) {
                return false;
            }
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static String encode(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** Takes base64url in its one spelling: no padding, no white space, and no bit that counts for nothing. */
    private static byte[] decode(String part) throws LicenseException {
        try {
            byte[] bytes = Base64.getUrlDecoder().decode(part);
            if (!part.isEmpty() && encode(bytes).equals(part)) return bytes;
        } catch (IllegalArgumentException fault) {
            // Falls through, because every cause gets the same error.
        }
        throw invalid();
    }

    private static byte[] verifiedPayload(String token, List<PinnedKey> keys) throws LicenseException {
        if (token == null || token.length() > MAX_TOKEN_LENGTH) throw invalid();
        String[] parts = token.split("\\.", -1);
        if (parts.length != 3) throw invalid();
        String kid = readHeader(decode(parts[0]));
        byte[] payload = decode(parts[1]);
        byte[] signature = decode(parts[2]);
        String signed = parts[0] + "." + parts[1];
        for (PinnedKey pinned : keys)
            if ((kid == null || kid.equals(pinned.kid())) && pinned.hasSigned(signed, signature)) return payload;
        throw invalid();
    }

    // Header and claims

    /** Returns the key's id, or null without one. It refuses a member that it does not know. */
    private static String readHeader(byte[] bytes) throws LicenseException {
        Map<String, Object> header = JsonReader.readObject(bytes);
        if (!Set.of("alg", "typ", "kid").containsAll(header.keySet())) throw invalid();
        if (!"RS256".equals(header.get("alg")) || !"JWT".equals(header.get("typ"))) throw invalid();
        return header.containsKey("kid") ? text(header.get("kid")) : null;
    }

    private static String text(Object value) throws LicenseException {
        if (value instanceof String text) return text;
        throw invalid();
    }

    private static long wholeNumber(Object value, long most) throws LicenseException {
        if (!(value instanceof JsonNumber number) || !number.spelled().matches("[0-9]{1,16}")) throw invalid();
        long whole = Long.parseLong(number.spelled());
        if (whole > most) throw invalid();
        return whole;
    }

    private static Long optionalTime(Map<String, Object> members, String name) throws LicenseException {
        return members.containsKey(name) ? Long.valueOf(wholeNumber(members.get(name), MAX_TIME)) : null;
    }

    /** Reads the claims that it knows. It ignores every other claim, because later versions add some. */
    private static Claims readClaims(byte[] payload, String app, String issuer) throws LicenseException {
        Map<String, Object> members = JsonReader.readObject(payload);
        Claims claims = new Claims(
                text(members.get("sub")),
                text(members.get("aud")),
                text(members.get("iss")),
                wholeNumber(members.get("iat"), MAX_TIME),
                optionalTime(members, "exp"),
                text(members.get("jti")),
                text(members.get("lic_id")),
                text(members.get("tier")),
                text(members.get("customer_id")),
                features(members.get("features")),
                limits(members),
                optionalTime(members, "updates_until"));
        boolean isExpected = claims.aud().equals(app) && claims.iss().equals(issuer);
        if (!isExpected || !JTI.matcher(claims.jti()).matches()) throw invalid();
        return claims;
    }

    private static List<String> features(Object value) throws LicenseException {
        if (!(value instanceof List<?> list)) throw invalid();
        List<String> features = new ArrayList<>();
        for (Object item : list) features.add(text(item));
        return Collections.unmodifiableList(features);
    }

    private static Map<String, Long> limits(Map<String, Object> members) throws LicenseException {
        Map<String, Long> limits = new LinkedHashMap<>();
        if (!members.containsKey("limits")) return limits;
        if (!(members.get("limits") instanceof Map<?, ?> object)) throw invalid();
        for (Map.Entry<?, ?> limit : object.entrySet())
            limits.put(text(limit.getKey()), wholeNumber(limit.getValue(), MAX_LIMIT));
        return Collections.unmodifiableMap(limits);
    }

    // JSON in the one spelling that a token may have: that of JSON.stringify

    /** A number as the token spells it. */
    private record JsonNumber(String spelled) {}

    private static final class JsonReader {
        private static final Pattern ARRAY_INDEX = Pattern.compile("0|[1-9][0-9]{0,9}");
        private static final String ESCAPES = "\"\\bfnrt";
        private static final String ESCAPED = "\"\\\b\f\n\r\t";

        private final String text;
        private int at = 0;

        private JsonReader(String text) {
            this.text = text;
        }

        @SuppressWarnings("unchecked")
        static Map<String, Object> readObject(byte[] bytes) throws LicenseException {
            JsonReader reader = new JsonReader(utf8(bytes));
            Object value = reader.value(MAX_DEPTH);
            if (!(value instanceof Map) || reader.at != reader.text.length()) throw invalid();
            return (Map<String, Object>) value;
        }

        private static String utf8(byte[] bytes) throws LicenseException {
            try {
                // A new decoder reports faults. The constructor of String would replace them.
                return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            } catch (CharacterCodingException fault) {
                throw invalid();
            }
        }

        /** Skips a text if it comes next. */
        private boolean take(String expected) {
            boolean isNext = text.startsWith(expected, at);
            if (isNext) at += expected.length();
            return isNext;
        }

        private void require(String expected) throws LicenseException {
            if (!take(expected)) throw invalid();
        }

        private char next() throws LicenseException {
            if (at == text.length()) throw invalid();
            return text.charAt(at++);
        }

        private Object value(int depth) throws LicenseException {
            if (take("{")) return object(depth);
            if (take("[")) return list(depth);
            if (take("\"")) return string();
            if (take("true")) return true;
            if (take("false")) return false;
            if (take("null")) return null;
            return number();
        }

        private Map<String, Object> object(int depth) throws LicenseException {
            Map<String, Object> object = new LinkedHashMap<>();
            if (depth == 0) throw invalid();
            if (take("}")) return object;
            long lastIndex = -1;
            do {
                require("\"");
                String name = string();
                require(":");
                // JavaScript puts names that are array indexes first, in the order of their numbers.
                long index = indexOf(name);
                if (object.containsKey(name) || (index >= 0 && index <= lastIndex)) throw invalid();
                lastIndex = index >= 0 ? index : Long.MAX_VALUE;
                object.put(name, value(depth - 1));
            } while (take(","));
            require("}");
            return object;
        }

        /** The array index that a name is; -1 for any other name. */
        private static long indexOf(String name) {
            long index = ARRAY_INDEX.matcher(name).matches() ? Long.parseLong(name) : -1;
            return index < (1L << 32) - 1 ? index : -1;
        }

        private List<Object> list(int depth) throws LicenseException {
            List<Object> list = new ArrayList<>();
            if (depth == 0) throw invalid();
            if (take("]")) return list;
            do list.add(value(depth - 1));
            while (take(","));
            require("]");
            return list;
        }

        /** Reads on after the opening quotation mark. */
        private String string() throws LicenseException {
            StringBuilder string = new StringBuilder();
            // True right after an escaped first half of a surrogate pair.
            boolean isHalf = false;
            for (char next = next(); next != '"'; next = next()) {
                if (next < 0x20) throw invalid();
                boolean isCode = next == '\\' && take("u");
                char meant = isCode ? escapedCode() : next == '\\' ? escapedCharacter() : next;
                // JSON.stringify escapes half a pair, and writes a whole pair plainly.
                if (isCode && isHalf && Character.isLowSurrogate(meant)) throw invalid();
                isHalf = isCode && Character.isHighSurrogate(meant);
                string.append(meant);
            }
            return string.toString();
        }

        private char escapedCharacter() throws LicenseException {
            int which = ESCAPES.indexOf(next());
            if (which < 0) throw invalid();
            return ESCAPED.charAt(which);
        }

        /** Reads four digits, if JSON.stringify would escape their character by them. */
        private char escapedCode() throws LicenseException {
            String digits = "" + next() + next() + next() + next();
            if (!digits.matches("[0-9a-f]{4}")) throw invalid();
            char code = (char) Integer.parseInt(digits, 16);
            boolean isControl = code < 0x20 && ESCAPED.indexOf(code) < 0;
            if (!isControl && !Character.isSurrogate(code)) throw invalid();
            return code;
        }

        private JsonNumber number() throws LicenseException {
            int start = at;
            while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) at++;
            String spelled = text.substring(start, at);
            try {
                if (spelled.equals(spell(Double.parseDouble(spelled)))) return new JsonNumber(spelled);
            } catch (NumberFormatException fault) {
                // Falls through, because every cause gets the same error.
            }
            throw invalid();
        }

        /** Spells a number as ECMA-262 does (Number::toString). */
        private static String spell(double number) {
            if (Double.isNaN(number) || Double.isInfinite(number)) return "";
            if (number == 0) return "0";
            if (number < 0) return "-" + spell(-number);
            BigDecimal shortest = shortest(number);
            String digits = shortest.unscaledValue().toString();
            // The number is 0.digits × 10^point.
            int point = digits.length() - shortest.scale();
            if (point > -6 && point <= 21) return shortest.toPlainString();
            String rest = digits.length() > 1 ? "." + digits.substring(1) : "";
            // Formatting would take the digits of the computer's language.
            return digits.charAt(0) + rest + (point > 0 ? "e+" : "e-") + Math.abs(point - 1);
        }

        /** The decimal with the fewest digits that reads as this number, and the nearest of them. */
        private static BigDecimal shortest(double number) {
            BigDecimal exact = new BigDecimal(number);
            for (int digits = 1; digits < 17; digits++) {
                BigDecimal below = exact.round(new MathContext(digits, RoundingMode.DOWN));
                BigDecimal above = exact.round(new MathContext(digits, RoundingMode.UP));
                boolean isBelow = below.doubleValue() == number;
                boolean isAbove = above.doubleValue() == number;
                boolean isNearerBelow = exact.subtract(below).compareTo(above.subtract(exact)) <= 0;
                if (isBelow && (isNearerBelow || !isAbove)) return below.stripTrailingZeros();
                if (isAbove) return above.stripTrailingZeros();
            }
            return exact.round(new MathContext(17)).stripTrailingZeros();
        }
    }
}
