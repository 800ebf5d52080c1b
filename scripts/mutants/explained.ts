const costsTime = 'A storage that shares commits makes others wait for this work, which costs time alone'
const endsTwice = '`result` ends the work too, a few microtasks later'

/** Mutants that change no behaviour, or none that a test can see, by name, with the reason. */
export const explained: Readonly<Record<string, string>> = {
  "src/core/token/decision.ts decide: 'active' → 'active~'":
    'Without a license there is no reason to refuse that would show its status',
  "src/core/token/jti.ts : '0123456789abcdefghjkmnpqrstvwxyz' → '0123456789abcdefghjkmnpqrstvwxyz~'":
    'Five bits reach no 33rd character',
  "src/core/token/pasted.ts readPastedToken: '' → '~' (3)":
    'A fence stands before or after a token, and a tilde ends a piece too',
  'src/core/token/token.ts splitToken: 4 → 5': 'Five parts are as wrong as four',
  "src/core/token/token.ts verifiedBytes: algorithms: ['RS256'] → ...{}":
    'The header was checked before, and the key was imported for RS256 alone',
  'src/core/token/token.ts verifiedBytes: throw invalid() → ;':
    'Bytes that are missing are no JSON, which is refused with the same error',
  "src/core/token/token.ts isTokenText: typeof value !== 'string' → false":
    'The split of a value that is no text throws, which means false',
  'src/core/runtime/sealer.ts decodeBase64: /=$/ → /=/': 'The pattern before allows `=` at the end only',
  "src/core/runtime/sealer.ts openWith: '' → '~'":
    'A text without this part is refused by its number of parts',
  "src/core/runtime/sealer.ts openWith: '' → '~' (2)":
    'A text without this part is refused by its number of parts',
  "src/core/runtime/master-key.ts newCheck: 'heartwood' → 'heartwood~'":
    'The check is that the record opens, whatever it says',
  'src/core/keys/signing-keys.ts generateRsaKeyPair: error === null → true':
    'Node generates a pair under these options without an error',
  'src/core/keys/signing-keys.ts publicJwk: extractable: true → ...{}':
    'A public key is extractable by default',
  'src/core/idempotency.ts recordUnwritten: !isRecorded → true':
    'The storage keeps the first response under a key and refuses a second',
  "src/core/idempotency.ts withOwnToken: !('id' in result) || typeof result.id !== 'string' → !('id' in result) && typeof result.id !== 'string'":
    'No license has an id that is no text, so the result comes back as it is',
  'src/core/licenses/check-token.ts isSameText: 0 → 1': 'The form of a `jti` fixes its first character',
  'src/core/licenses/check-token.ts isSameText: at < a.length → at <= a.length':
    'Beyond the end both texts give NaN, and the lengths were compared',
  "src/core/idempotency.ts withOwnToken: !('id' in result) || typeof result.id !== 'string' → false":
    'No license has an id that is no text, so the result comes back as it is',
  'src/core/keys/signing-keys.ts : 4096 → 4097': 'BoringSSL, in Bun, rounds to a multiple of 128 bits',
  "src/core/api-keys/secret.ts : '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz' → '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz~'":
    'A remainder by 62 reaches no 63rd character',
  'src/core/transaction.ts emit: !hasReceivers(context, app, type) → false':
    'An event without a receiver reaches nobody: it only costs an id',
  'src/core/transaction.ts inTransaction: alone → ...{}': costsTime,
  'src/core/work-unit.ts begin: alone: true → ...{}': costsTime,
  'src/core/work-unit.ts begin: true → false': costsTime,
  'src/core/work-unit.ts run: this.#isOver = true → ;': endsTwice,
  'src/core/work-unit.ts run: true → false': endsTwice,
  'src/core/runtime/time-limit.ts withTimeLimit: clearTimeout(timer) → ;':
    'The timer settles a promise that nobody awaits. It keeps an idle process for ten seconds at most',
  'src/core/work-unit.ts opened: this.#requireOpen() → ;':
    'The first verb is refused as well, and the empty transaction is rolled back',
  'src/core/work-unit.ts step: isRead(name) → false':
    'Every step writes before it reads, so a failed read ends the work anyway',
  "src/adapters/http/idempotency.ts keyOf: '' → '~'": 'Restricted licensing puts the API key in its place',
  "src/adapters/http/admission.ts admitByKey: '' → '~'":
    'A route without an app in its path never reads the app',
  "src/adapters/http/admission.ts admitAnybody: '' → '~'":
    'A route without an app in its path never reads the app',
  "src/adapters/http/admission.ts admitByToken: '' → '~'": 'The path of a renewal has an app',
  "src/adapters/http/authenticate.ts authenticate: '' → '~'": 'Neither text is a credential',
  'src/adapters/http/authenticate.ts authenticate: secret === undefined → false':
    'The text `undefined` is no API key',
  'src/core/keys/signing-keys.ts resealPrivateKey: key.privateKey === null → false':
    'A rekey asks for the active key, which has its private half',
  'src/core/api-keys/api-keys.ts createFirstApiKey: 0 → 1':
    'The storage inserts a first key only. The condition saves making one',
  "src/core/keys/signing-keys.ts privateKeyOf: '' → '~'": 'Neither text opens',
  'src/core/keys/signing-keys.ts acceptedRecords: 0 → 1': 'The clock is past the first second of 1970',
  "src/core/keys/signing-keys.ts publicJwks: '' → '~'": 'Every RSA key has both numbers',
  "src/core/keys/signing-keys.ts publicJwks: '' → '~' (2)": 'Every RSA key has both numbers',
  'src/core/keys/rotation.ts swapKey: alone: true → ...{}': costsTime,
  'src/core/keys/rotation.ts swapKey: true → false': costsTime,
}
