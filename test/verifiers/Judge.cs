using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Heartwood;

// Judges each token of standard input by verifiers/HeartwoodLicense.cs. See languages.ts for the form of the lines.
static class Judge
{
    static string Decoded(string field)
    {
        return new UTF8Encoding(false, true).GetString(Convert.FromBase64String(field));
    }

    static string Encoded(string text)
    {
        return Convert.ToBase64String(new UTF8Encoding(false, false).GetBytes(text));
    }

    static string Number(long? value)
    {
        return value == null ? "-" : value.ToString();
    }

    static long? Instant(string field)
    {
        return field == "-" ? (long?)null : long.Parse(field);
    }

    static string Shown(LicenseClaims claims)
    {
        var texts = new[] { claims.Sub, claims.Aud, claims.Iss, claims.Jti, claims.LicId, claims.Tier, claims.CustomerId };
        var numbers = new long?[] { claims.Iat, claims.Exp, claims.UpdatesUntil, claims.Revision };
        var fields = new List<string> { "ok" };
        fields.AddRange(texts.Select(Encoded));
        fields.AddRange(numbers.Select(Number));
        fields.Add(string.Join(",", claims.Features.Select(feature => Encoded(feature) + ".")));
        fields.Add(string.Join(",", claims.Limits.Select(limit => Encoded(limit.Key) + "=" + limit.Value)));
        return string.Join("\t", fields);
    }

    static string Judged(string line)
    {
        var fields = line.Split('\t');
        var keys = fields[5].Split(',').Where(key => key != "").Select(Decoded).ToArray();
        try
        {
            var options = new LicenseOptions(Decoded(fields[1]), keys)
            {
                Issuer = Decoded(fields[2]),
                Now = Instant(fields[3]),
                ReleasedAt = Instant(fields[4]),
            };
            return Shown(HeartwoodLicense.VerifyLicense(Decoded(fields[0]), options));
        }
        catch (LicenseException refusal)
        {
            return refusal.Code;
        }
        catch (ArgumentException)
        {
            return "unusable_key";
        }
    }

    static void Main()
    {
        for (var line = Console.ReadLine(); line != null; line = Console.ReadLine()) Console.WriteLine(Judged(line));
    }
}
