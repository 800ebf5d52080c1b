import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;

/** Judges each token of standard input by verifiers/HeartwoodLicense.java. See languages.ts for the form of the lines. */
public final class Judge {
    private static String decoded(String field) {
        return new String(Base64.getDecoder().decode(field), StandardCharsets.UTF_8);
    }

    private static String encoded(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String number(Long value) {
        return value == null ? "-" : value.toString();
    }

    private static Long instant(String field) {
        return field.equals("-") ? null : Long.valueOf(field);
    }

    private static String shown(HeartwoodLicense.Claims claims) {
        List<String> fields = new ArrayList<>(List.of("ok"));
        for (String text : List.of(
                claims.sub(), claims.aud(), claims.iss(), claims.jti(), claims.licId(), claims.tier(), claims.customerId()))
            fields.add(encoded(text));
        for (Long value : Arrays.asList(claims.iat(), claims.exp(), claims.updatesUntil(), claims.revision()))
            fields.add(number(value));
        fields.add(claims.features().stream().map(feature -> encoded(feature) + ".").collect(Collectors.joining(",")));
        fields.add(claims.limits().entrySet().stream()
                .map(limit -> encoded(limit.getKey()) + "=" + limit.getValue())
                .collect(Collectors.joining(",")));
        return String.join("\t", fields);
    }

    private static String judged(String line) {
        String[] fields = line.split("\t", -1);
        List<String> keys = Arrays.stream(fields[5].split(",")).filter(key -> !key.isEmpty()).map(Judge::decoded).toList();
        var options = new HeartwoodLicense.Options(
                decoded(fields[1]), keys, decoded(fields[2]), instant(fields[3]), instant(fields[4]));
        try {
            return shown(HeartwoodLicense.verifyLicense(decoded(fields[0]), options));
        } catch (HeartwoodLicense.LicenseException refusal) {
            return refusal.code();
        } catch (IllegalArgumentException fault) {
            return "unusable_key";
        }
    }

    public static void main(String[] args) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var output = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) output.println(judged(line));
        output.flush();
    }
}
