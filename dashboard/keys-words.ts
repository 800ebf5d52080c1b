// The words of signing keys and of their rotation. They come with their pages.
import { many } from './page-words.ts'
import { number } from './words.ts'

const licenses = (count: number): string => many(count, 'active license', 'active licenses')
const share = new Intl.NumberFormat('en-GB', { style: 'percent', maximumFractionDigits: 1 })

/** A share that never says all or nothing where that is not true. */
export function shareOf(part: number, all: number): string {
  if (all === 0) return share.format(0)
  const exact = part / all
  if (part > 0 && part < all) return share.format(Math.min(0.999, Math.max(0.001, exact)))
  return share.format(exact)
}

export const keysWords = {
  title: 'Signing keys',
  one: (since: string): string => `One key signs every token, since ${since}.`,
  inGrace: (count: number, until: string): string =>
    count === 1
      ? `The key before it is accepted until ${until}.`
      : `${number.format(count)} earlier keys are accepted, the last until ${until}.`,
  noGrace: 'No earlier key is accepted.',
  line: 'Keys over time',
  states: {
    active: 'Signs',
    in_grace: 'In grace',
    retired: 'Retired',
    compromised: 'Compromised',
  },
  signsSince: (from: string): string => `Signs since ${from}`,
  signed: (from: string, to: string): string => `Signed from ${from} to ${to}`,
  signedOnce: (from: string): string => `Signed from ${from} to an unknown day`,
  acceptedUntil: (date: string): string => `accepted until ${date}`,
  revoked: 'programs that heard of it refuse every token under it',
  copyPem: 'Copy PEM',
  copyPemOf: (kid: string): string => `Copy PEM of ${kid}`,
  copyJwks: 'Copy JWK Set',
  copied: 'It is copied.',
  copyByHand: 'Copy this text',
  copyHint: 'This page may not use the clipboard here. Copy the text, then close.',
  publicKey: 'Public key',
  publicKeyLead: 'Build your program with the trust file. It then follows every rotation by itself.',
  trustFile: 'Trust file',
  recovery: 'Recovery keys',
  recoveryNone:
    'None is set. After a leak, only a key that was elsewhere can overrule the thief. This makes one, on the server:',
  recoverySet: (count: number, threshold: number): string =>
    count === 1
      ? 'One is set. After a leak, only the command line with its file can revoke the stolen key.'
      : `${number.format(count)} are set, and ${number.format(threshold)} of them must sign. After a leak, only the command line with their files can revoke the stolen key.`,
  recoveryUnknown: 'The statements could not be read.',
  command: 'Command',
  recoveryCommand: (app: string): string => `heartwood apps recovery create ${app} --out recovery.pem`,
  rotate: 'Rotate the keys…',
  noRotate: 'Your key may not rotate: it lacks the scope apps:rotate.',
  forSecret: 'The list of signing keys is for secret keys (sk_). The public key is for everybody.',

  fleet: 'The fleet',
  fleetNone: 'The keys were never rotated, so every token is under this key.',
  noFleet: 'No license is good.',
  of: (part: string): string => `${part} of`,
  licenses: (count: number): string => licenses(count),
  arrived: (done: number, date: string): string =>
    `${done === 1 ? 'has' : 'have'} renewed since the rotation of ${date}: their programs hold a token under the new key.`,
  still: (count: number): string =>
    count === 0
      ? 'Everybody has arrived.'
      : `${number.format(count)} ${count === 1 ? 'was' : 'were'} seen before it, and not since.`,
  never: (count: number): string =>
    count === 0 ? '' : `${number.format(count)} never renewed ${count === 1 ? 'itself' : 'themselves'}.`,
  progress: 'Programs that have renewed since the rotation',
  cameUnder: 'The key that each program showed at its last renewal',
  cameUnderLead: 'A program shows the new key at the renewal after the one that brought it.',
  programs: 'Licenses',
  key: 'Key',
  within: (days: number): string => (days === 1 ? 'Within a day' : `Within ${days} days`),
  live: 'This number follows by itself.',

  whatElse: 'After a leak, do this too',
  rollWebhook: 'Roll the webhook secret, if it lay beside the key.',
  keysOfDay: (count: number): string =>
    count === 0
      ? 'No API key was made in the last day.'
      : `${many(count, 'API key was', 'API keys were')} made in the last day. Revoke what nobody knows:`,
  keysLook: 'Look at the API keys, and revoke what nobody knows.',
  masterKey: 'If the whole server was open, change the master key as well:',
  rekeyCommand: 'heartwood rekey',

  rotation: {
    title: 'Rotate the signing keys',
    lead: 'The server makes a new key. Every token is under it from that moment, because it signs them when somebody asks.',
    back: 'Signing keys',
    why: 'Why do you rotate?',
    routine: 'It is time',
    routineHint: 'The old key is safe. It may stay accepted for a while.',
    leak: 'The key may have leaked',
    leakHint: 'The old key is revoked at once. No grace, because a thief could go on signing.',
    grace: 'How long may programs come with the old key?',
    none: 'Not at all',
    days: (days: number): string => many(days, 'day', 'days'),
    other: 'Days',
    graceLeak: 'After a leak there is no grace.',
    trust: 'What do your programs trust?',
    statements: 'A trust file, or keys that they refresh',
    builtIn: 'One public key that is built in',
    unknown: 'Both, or I do not know',

    forecast: 'What will happen',
    get: (count: number): string => `${count === 1 ? 'gets a token' : 'get tokens'} under the new key.`,
    noLicenses: 'No license is good, so nobody notices.',
    willRenew: (days: number, part: string): string =>
      `With ${many(days, 'day', 'days')} of grace, ${part} will have renewed before it ends, if they come as often as before.`,
    willNot: (count: number): string => `${number.format(count)} probably will not.`,
    allWill: 'So will everybody.',
    noGrace: 'The tokens of today no longer renew. They work offline until their own end.',
    seen: 'Active licenses by their last renewal',
    ever: 'Never renewed',
    notArrived: (count: number): string => `Who has not arrived: ${number.format(count)}`,
    stragglers: (count: number): string => `Who will need a new token: ${number.format(count)}`,
    everybody: 'Everybody who holds a license needs a new token, or a program that kept its license key.',
    neverListed: (count: number): string => `${number.format(count)} never renewed. The export has them too.`,
    listed: (count: number): string => `The ${number.format(count)} that were seen last`,
    export: (count: number): string => `Export ${number.format(count)} as CSV`,
    exporting: (done: number, all: number): string => `Read ${number.format(done)} of ${number.format(all)}`,

    shows: 'What programs show',
    meanwhile: 'During the grace period',
    after: 'Afterwards, to whom has not renewed',
    atOnce: 'From the rotation on',
    statementsGrace: 'Nothing. It learns of the new key when it renews.',
    statementsAfter: 'Asks for a new token, and takes it. The old one works offline until its end.',
    statementsLeak: 'Asks for a new token. Once it has that one, it refuses everything under the old key.',
    builtInGrace: 'Asks for an update, because it does not know the new key. Its token works until its end.',
    builtInAfter: 'Asks for a new token. It refuses that one too, until it is updated.',
    action: 'action',

    button: (count: number): string =>
      count === 0
        ? 'Rotate: nobody needs a new token'
        : `Rotate: ${number.format(count)} will need a new token`,
    working: 'Rotating',
    done: (count: number): string =>
      `The keys are rotated. ${licenses(count)} ${count === 1 ? 'is' : 'are'} under the new one.`,
    once: 'This cannot be undone. A click that is repeated rotates once.',
    recovery: 'This app has recovery keys, and they must sign. Bring the file to the server, and run:',
    recoverCommand: (app: string): string =>
      `heartwood apps rotate-keys ${app} --compromised --recovery-key recovery.pem`,
  },
} as const
