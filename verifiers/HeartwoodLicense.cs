// Verifies Heartwood license tokens offline. Copy this file into your program.
//
// It needs C# 7.3 and .NET Standard 2.0 or later, and no package: .NET Core 2.0, .NET 5, .NET Framework 4.6.1, Mono 5.4 or Unity.
//
//     try
//     {
//         var claims = HeartwoodLicense.VerifyLicense(token, new LicenseOptions("desktop-app", PublicKey));
//         Console.WriteLine("Licensed: " + claims.Tier + " " + string.Join(", ", claims.Features));
//     }
//     catch (LicenseException refusal)
//     {
//         Console.WriteLine(refusal.Code + " " + refusal.Message);
//     }
//
// Keep the public keys in the code, because whoever can replace one can sign licenses.
// This file makes no request and keeps no state. It does not renew a token, hears of no revocation, and does not follow
// trust.json: after a rotation of keys, release a version with the new key.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Heartwood
{
    /// <summary>The license does not hold. The message is for a person.</summary>
    public sealed class LicenseException : Exception
    {
        /// <summary>
        /// One of Heartwood's error codes. token_expired: it has ended. version_not_covered: the program was released after the
        /// end of the updates. invalid_token: anything else; the message gives no details, because a forger could use them.
        /// </summary>
        public string Code { get; }

        internal LicenseException(string code, string message) : base(message)
        {
            Code = code;
        }
    }

    /// <summary>The claims of a verified token. Times are whole seconds since 1970.</summary>
    public sealed class LicenseClaims
    {
        /// <summary>The installation's id.</summary>
        public string Sub { get; internal set; }
        public string Aud { get; internal set; }
        public string Iss { get; internal set; }
        public long Iat { get; internal set; }
        /// <summary>The end of the license; null if it has none.</summary>
        public long? Exp { get; internal set; }
        public string Jti { get; internal set; }
        /// <summary>The license's UUID, the same in each of its tokens.</summary>
        public string LicId { get; internal set; }
        public string Tier { get; internal set; }
        public string CustomerId { get; internal set; }
        public IReadOnlyList<string> Features { get; internal set; }
        public IReadOnlyDictionary<string, long> Limits { get; internal set; }
        /// <summary>The license covers versions released until then; null for all versions.</summary>
        public long? UpdatesUntil { get; internal set; }

        /// <summary>Orders the tokens of a license: the highest is the newest.</summary>
        public long Revision
        {
            get { return Jti.Substring(30, 7).Aggregate(0L, (bits, one) => bits * 32 + HeartwoodLicense.Base32.IndexOf(one)) / 8; }
        }
    }

    /// <summary>The options of <see cref="HeartwoodLicense.VerifyLicense"/>.</summary>
    public sealed class LicenseOptions
    {
        /// <summary>The app's slug.</summary>
        public string App { get; }
        /// <summary>PEM texts, as the server gives them at /public-key: one key in each.</summary>
        public IReadOnlyList<string> PublicKeys { get; }
        public string Issuer { get; set; } = "license-server";
        /// <summary>The time in seconds since 1970; null for the computer's.</summary>
        public long? Now { get; set; }
        /// <summary>
        /// The release date of your program in seconds since 1970, a constant of its build; null if the license covers every version.
        /// </summary>
        public long? ReleasedAt { get; set; }

        public LicenseOptions(string app, params string[] publicKeys)
        {
            App = app;
            PublicKeys = publicKeys;
        }
    }

    public static class HeartwoodLicense
    {
        const int MaxTokenLength = 32 * 1024;
        const int MaxDepth = 32;
        // The last second of the year 9999.
        const long MaxTime = 253402300799;
        const long MaxLimit = (1L << 53) - 1;
        // Seconds by which two clocks may differ.
        const long ClockTolerance = 300;
        const int MinKeyBits = 2048;

        internal const string Base32 = "0123456789abcdefghjkmnpqrstvwxyz";
        // The license's id as a TypeID of a UUID, then 32 characters.
        static readonly Regex JtiForm = new Regex(
            @"\Alic_[0-7][#]{9}[2-9a-h][#]{2}[89abr-tv][#]{12}[#]{32}\z".Replace("#", Base32), RegexOptions.CultureInvariant);

        /// <summary>Verifies a token and returns its claims.</summary>
        /// <exception cref="LicenseException">The license does not hold.</exception>
        /// <exception cref="ArgumentException">A public key is not usable.</exception>
        public static LicenseClaims VerifyLicense(string token, LicenseOptions options)
        {
            var keys = options.PublicKeys.Select(PinnedKey.Read).ToList();
            if (keys.Count == 0) throw new ArgumentException("PublicKeys must hold at least one key");
            var claims = ReadClaims(VerifiedPayload(token, keys), options.App, options.Issuer);
            CheckTimes(claims, options);
            return claims;
        }

        internal static LicenseException Invalid()
        {
            return new LicenseException("invalid_token", "Invalid license token");
        }

        static void CheckTimes(LicenseClaims claims, LicenseOptions options)
        {
            var now = options.Now ?? DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            if (now >= claims.Exp)
                throw new LicenseException("token_expired", "The license has expired");
            if (claims.Iat > now + ClockTolerance)
                throw new LicenseException("invalid_token", "The token was issued in the future: check the clock");
            if (options.ReleasedAt > claims.UpdatesUntil)
                throw new LicenseException("version_not_covered", "The license does not cover this version");
        }

        // Keys and the signature

        sealed class PinnedKey
        {
            // The thumbprint of RFC 7638.
            internal readonly string Kid;
            readonly RSAParameters numbers;

            PinnedKey(RSAParameters numbers)
            {
                this.numbers = numbers;
                var members = "{\"e\":\"" + Encode(numbers.Exponent) + "\",\"kty\":\"RSA\",\"n\":\"" + Encode(numbers.Modulus) + "\"}";
                using (var sha256 = SHA256.Create()) Kid = Encode(sha256.ComputeHash(Encoding.ASCII.GetBytes(members)));
            }

            internal static PinnedKey Read(string pem)
            {
                try
                {
                    var parts = Regex.Split(pem.Trim(), "-----(?:BEGIN|END) PUBLIC KEY-----");
                    if (parts.Length != 3 || parts[0] != "" || parts[2] != "") throw Unusable();
                    var numbers = DerReader.ReadPublicKey(Convert.FromBase64String(parts[1]));
                    // The first byte holds at least one bit.
                    var leadingBits = Convert.ToString(numbers.Modulus[0], 2).Length;
                    if ((numbers.Modulus.Length - 1) * 8 + leadingBits < MinKeyBits) throw Unusable();
                    return new PinnedKey(numbers);
                }
                catch (Exception fault) when (fault is FormatException || fault is IndexOutOfRangeException)
                {
                    throw Unusable();
                }
            }

            static ArgumentException Unusable()
            {
                return new ArgumentException(
                    "Each of PublicKeys must be a PEM text with one RSA public key of " + MinKeyBits + " bits or more");
            }

            // The algorithm is fixed, because a forger could choose the one in the header.
            internal bool HasSigned(string signed, byte[] signature)
            {
                // Mono also takes the signature plus the modulus, which is a second spelling of the token.
                if (signature.Length != numbers.Modulus.Length || !IsBelow(signature, numbers.Modulus)) return false;
                using (var rsa = RSA.Create())
                {
                    rsa.ImportParameters(numbers);
                    var bytes = Encoding.ASCII.GetBytes(signed);
                    return rsa.VerifyData(bytes, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
                }
            }
        }

        // Compares two numbers of the same length.
        static bool IsBelow(byte[] number, byte[] limit)
        {
            var at = 0;
            while (at < limit.Length - 1 && number[at] == limit[at]) at++;
            return number[at] < limit[at];
        }

        /// <summary>Reads SubjectPublicKeyInfo (RFC 5280), because .NET Standard 2.0 has no reader for it.</summary>
        sealed class DerReader
        {
            // The sequence of the identifier rsaEncryption and a null (RFC 8017).
            static readonly byte[] RsaEncryption =
                { 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00 };

            readonly byte[] bytes;
            int at = 0;

            DerReader(byte[] bytes)
            {
                this.bytes = bytes;
            }

            internal static RSAParameters ReadPublicKey(byte[] der)
            {
                var outer = new DerReader(new DerReader(der).Whole(0x30));
                if (!outer.Take(RsaEncryption.Length).SequenceEqual(RsaEncryption)) throw new FormatException();
                var bits = outer.Whole(0x03);
                if (bits[0] != 0) throw new FormatException();
                var inner = new DerReader(new DerReader(bits.Skip(1).ToArray()).Whole(0x30));
                var modulus = Number(inner.Content(0x02));
                return new RSAParameters { Modulus = modulus, Exponent = Number(inner.Whole(0x02)) };
            }

            byte[] Take(int count)
            {
                if (count > bytes.Length - at) throw new FormatException();
                at += count;
                return bytes.Skip(at - count).Take(count).ToArray();
            }

            byte[] Content(byte tag)
            {
                if (bytes[at++] != tag) throw new FormatException();
                int length = bytes[at++];
                if (length < 0x80) return Take(length);
                if (length > 0x82) throw new FormatException();
                return Take(Take(length - 0x80).Aggregate(0, (sum, one) => sum * 256 + one));
            }

            // The content of a value that ends with the bytes.
            byte[] Whole(byte tag)
            {
                var content = Content(tag);
                if (at != bytes.Length) throw new FormatException();
                return content;
            }

            // A number has a zero before it if its first bit is set.
            static byte[] Number(byte[] content)
            {
                var number = content[0] == 0 ? content.Skip(1).ToArray() : content;
                if (content[0] >= 0x80 || number[0] == 0) throw new FormatException();
                return number;
            }
        }

        static string Encode(byte[] bytes)
        {
            return Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
        }

        // Takes base64url in its one spelling: no padding, no white space, and no bit that counts for nothing.
        static byte[] Decode(string part)
        {
            try
            {
                var padded = part.Replace('-', '+').Replace('_', '/') + new string('=', (4 - part.Length % 4) % 4);
                var bytes = Convert.FromBase64String(padded);
                if (part != "" && Encode(bytes) == part) return bytes;
            }
            catch (FormatException)
            {
                // Falls through, because every cause gets the same error.
            }
            throw Invalid();
        }

        static byte[] VerifiedPayload(string token, IEnumerable<PinnedKey> keys)
        {
            if (token == null || token.Length > MaxTokenLength) throw Invalid();
            var parts = token.Split('.');
            if (parts.Length != 3) throw Invalid();
            var kid = ReadHeader(Decode(parts[0]));
            var payload = Decode(parts[1]);
            var signature = Decode(parts[2]);
            var signed = parts[0] + "." + parts[1];
            if (!keys.Any(key => (kid == null || kid == key.Kid) && key.HasSigned(signed, signature))) throw Invalid();
            return payload;
        }

        // Header and claims

        // Returns the key's id, or null without one. It refuses a member that it does not know.
        static string ReadHeader(byte[] bytes)
        {
            var header = JsonReader.ReadObject(bytes);
            if (header.Keys.Any(name => name != "alg" && name != "typ" && name != "kid")) throw Invalid();
            if (Text(header, "alg") != "RS256" || Text(header, "typ") != "JWT") throw Invalid();
            return header.ContainsKey("kid") ? Text(header, "kid") : null;
        }

        static string Text(Dictionary<string, object> members, string name)
        {
            members.TryGetValue(name, out var value);
            return value as string ?? throw Invalid();
        }

        static long WholeNumber(object value, long most)
        {
            var spelled = (value as JsonNumber)?.Spelled;
            if (spelled == null || !Regex.IsMatch(spelled, @"\A[0-9]{1,16}\z")) throw Invalid();
            var whole = long.Parse(spelled, CultureInfo.InvariantCulture);
            if (whole > most) throw Invalid();
            return whole;
        }

        static long? OptionalTime(Dictionary<string, object> members, string name)
        {
            return members.TryGetValue(name, out var value) ? WholeNumber(value, MaxTime) : (long?)null;
        }

        // Reads the claims that it knows. It ignores every other claim, because later versions add some.
        static LicenseClaims ReadClaims(byte[] payload, string app, string issuer)
        {
            var members = JsonReader.ReadObject(payload);
            var claims = new LicenseClaims
            {
                Sub = Text(members, "sub"),
                Aud = Text(members, "aud"),
                Iss = Text(members, "iss"),
                Iat = OptionalTime(members, "iat") ?? throw Invalid(),
                Exp = OptionalTime(members, "exp"),
                Jti = Text(members, "jti"),
                LicId = Text(members, "lic_id"),
                Tier = Text(members, "tier"),
                CustomerId = Text(members, "customer_id"),
                Features = Features(members),
                Limits = Limits(members),
                UpdatesUntil = OptionalTime(members, "updates_until"),
            };
            if (claims.Aud != app || claims.Iss != issuer || !JtiForm.IsMatch(claims.Jti)) throw Invalid();
            return claims;
        }

        static List<string> Features(Dictionary<string, object> members)
        {
            members.TryGetValue("features", out var value);
            var list = value as List<object> ?? throw Invalid();
            return list.Select(item => item as string ?? throw Invalid()).ToList();
        }

        static Dictionary<string, long> Limits(Dictionary<string, object> members)
        {
            if (!members.TryGetValue("limits", out var value)) return new Dictionary<string, long>();
            var limits = value as Dictionary<string, object> ?? throw Invalid();
            return limits.ToDictionary(limit => limit.Key, limit => WholeNumber(limit.Value, MaxLimit));
        }

        // JSON in the one spelling that a token may have: that of JSON.stringify

        // A number as the token spells it.
        sealed class JsonNumber
        {
            internal readonly string Spelled;

            internal JsonNumber(string spelled)
            {
                Spelled = spelled;
            }
        }

        sealed class JsonReader
        {
            const string Escapes = "\"\\bfnrt";
            const string Escaped = "\"\\\b\f\n\r\t";

            readonly string text;
            int at = 0;

            JsonReader(string text)
            {
                this.text = text;
            }

            internal static Dictionary<string, object> ReadObject(byte[] bytes)
            {
                var reader = new JsonReader(Utf8(bytes));
                var value = reader.Value(MaxDepth) as Dictionary<string, object>;
                if (value == null || reader.at != reader.text.Length) throw Invalid();
                return value;
            }

            static string Utf8(byte[] bytes)
            {
                try
                {
                    return new UTF8Encoding(false, true).GetString(bytes);
                }
                catch (ArgumentException)
                {
                    throw Invalid();
                }
            }

            // Skips a text if it comes next.
            bool Take(string expected)
            {
                var isNext = string.CompareOrdinal(text, at, expected, 0, expected.Length) == 0;
                if (isNext) at += expected.Length;
                return isNext;
            }

            void Require(string expected)
            {
                if (!Take(expected)) throw Invalid();
            }

            char Next()
            {
                if (at == text.Length) throw Invalid();
                return text[at++];
            }

            object Value(int depth)
            {
                if (Take("{")) return Object(depth);
                if (Take("[")) return List(depth);
                if (Take("\"")) return String();
                if (Take("true")) return true;
                if (Take("false")) return false;
                if (Take("null")) return null;
                return Number();
            }

            Dictionary<string, object> Object(int depth)
            {
                var members = new Dictionary<string, object>(StringComparer.Ordinal);
                if (depth == 0) throw Invalid();
                if (Take("}")) return members;
                var lastIndex = -1L;
                do
                {
                    Require("\"");
                    var name = String();
                    Require(":");
                    // JavaScript puts names that are array indexes first, in the order of their numbers.
                    var index = IndexOf(name);
                    if (members.ContainsKey(name) || (index >= 0 && index <= lastIndex)) throw Invalid();
                    lastIndex = index >= 0 ? index : long.MaxValue;
                    members.Add(name, Value(depth - 1));
                } while (Take(","));
                Require("}");
                return members;
            }

            // The array index that a name is; -1 for any other name.
            static long IndexOf(string name)
            {
                if (!Regex.IsMatch(name, @"\A(?:0|[1-9][0-9]{0,9})\z")) return -1;
                var index = long.Parse(name, CultureInfo.InvariantCulture);
                return index < uint.MaxValue ? index : -1;
            }

            List<object> List(int depth)
            {
                var list = new List<object>();
                if (depth == 0) throw Invalid();
                if (Take("]")) return list;
                do list.Add(Value(depth - 1));
                while (Take(","));
                Require("]");
                return list;
            }

            // Reads on after the opening quotation mark.
            string String()
            {
                var content = new StringBuilder();
                // True right after an escaped first half of a surrogate pair.
                var isHalf = false;
                for (var next = Next(); next != '"'; next = Next())
                {
                    if (next < 0x20) throw Invalid();
                    var isCode = next == '\\' && Take("u");
                    var meant = isCode ? EscapedCode() : next == '\\' ? EscapedCharacter() : next;
                    // JSON.stringify escapes half a pair, and writes a whole pair plainly.
                    if (isCode && isHalf && char.IsLowSurrogate(meant)) throw Invalid();
                    isHalf = isCode && char.IsHighSurrogate(meant);
                    content.Append(meant);
                }
                return content.ToString();
            }

            char EscapedCharacter()
            {
                var which = Escapes.IndexOf(Next());
                if (which < 0) throw Invalid();
                return Escaped[which];
            }

            // Reads four digits, if JSON.stringify would escape their character by them.
            char EscapedCode()
            {
                var digits = new string(new[] { Next(), Next(), Next(), Next() });
                if (!Regex.IsMatch(digits, @"\A[0-9a-f]{4}\z")) throw Invalid();
                var code = (char)int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                var isControl = code < 0x20 && Escaped.IndexOf(code) < 0;
                if (!isControl && !char.IsSurrogate(code)) throw Invalid();
                return code;
            }

            JsonNumber Number()
            {
                var start = at;
                while (at < text.Length && "+-.0123456789eE".IndexOf(text[at]) >= 0) at++;
                var spelled = text.Substring(start, at - start);
                try
                {
                    var number = double.Parse(spelled, NumberStyles.Float, CultureInfo.InvariantCulture);
                    if (Spell(number) == spelled) return new JsonNumber(spelled);
                }
                catch (Exception fault) when (fault is FormatException || fault is OverflowException)
                {
                    // Falls through, because every cause gets the same error.
                }
                throw Invalid();
            }

            // Spells a number as ECMA-262 does (Number::toString).
            static string Spell(double number)
            {
                if (double.IsNaN(number) || double.IsInfinity(number)) return "";
                if (number == 0) return "0";
                if (number < 0) return "-" + Spell(-number);
                var parts = Shortest(number).Split('E');
                var exponent = parts.Length == 1 ? 0 : int.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                var mantissa = parts[0].Split('.');
                var all = string.Concat(mantissa);
                var digits = all.TrimStart('0');
                // The number is 0.digits × 10^point.
                return Spell(digits.TrimEnd('0'), mantissa[0].Length + exponent - (all.Length - digits.Length));
            }

            // The fewest digits that read as this number.
            static string Shortest(double number)
            {
                var shortest = number.ToString("R", CultureInfo.InvariantCulture);
                if (shortest.Split('E')[0].Replace(".", "").Trim('0').Length < 17) return shortest;
                // Before .NET Core 3.0 there are 17 digits although 16 may be enough. Mono is inexact in a few fractions beyond.
                var rounded = number.ToString("E15", CultureInfo.InvariantCulture);
                return double.Parse(rounded, CultureInfo.InvariantCulture) == number ? rounded : shortest;
            }

            static string Spell(string digits, int point)
            {
                if (point > 0 && point <= 21)
                    return point < digits.Length ? digits.Insert(point, ".") : digits.PadRight(point, '0');
                if (point > -6 && point <= 0) return "0." + new string('0', -point) + digits;
                var mantissa = digits.Length > 1 ? digits.Insert(1, ".") : digits;
                return mantissa + (point > 0 ? "e+" : "e-") + Math.Abs(point - 1).ToString(CultureInfo.InvariantCulture);
            }
        }
    }
}
