<?php

// Judges each token of standard input by verifiers/heartwood_license.php. See languages.ts for the form of the lines.

declare(strict_types=1);

use Heartwood\LicenseClaims;
use Heartwood\LicenseError;
use function Heartwood\verify_license;

require 'heartwood_license.php';

set_error_handler(function (int $level, string $message): never {
    throw new ErrorException($message);
});

function number(?int $value): string
{
    return $value === null ? '-' : (string) $value;
}

function shown(LicenseClaims $claims): array
{
    $texts = [$claims->sub, $claims->aud, $claims->iss, $claims->jti, $claims->lic_id, $claims->tier, $claims->customer_id];
    $numbers = [$claims->iat, $claims->exp, $claims->updates_until, $claims->revision()];
    $limits = [];
    foreach ($claims->limits as $name => $limit) {
        $limits[] = base64_encode((string) $name) . "=$limit";
    }
    $features = array_map(fn (string $feature) => base64_encode($feature) . '.', $claims->features);
    $fields = [...array_map(base64_encode(...), $texts), ...array_map(number(...), $numbers)];
    return ['ok', ...$fields, implode(',', $features), implode(',', $limits)];
}

function judged(string $line): array
{
    [$token, $app, $issuer, $now, $released_at, $keys] = explode("\t", $line);
    try {
        return shown(verify_license(
            base64_decode($token, true),
            app: base64_decode($app, true),
            public_keys: array_map(base64_decode(...), array_filter(explode(',', $keys))),
            issuer: base64_decode($issuer, true),
            now: (int) $now,
            released_at: $released_at === '-' ? null : (int) $released_at,
        ));
    } catch (LicenseError $error) {
        return [$error->getCode()];
    } catch (InvalidArgumentException) {
        return ['unusable_key'];
    }
}

while (($line = fgets(STDIN)) !== false) {
    echo implode("\t", judged(rtrim($line, "\n"))), "\n";
}
