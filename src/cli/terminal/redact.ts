const secrets =
  /[sp]k_(?:live|test)_\w+|whsec_[\w+/=]+|eyJ[\w-]+\.[\w-]+\.[\w-]+|-----BEGIN [^-]*PRIVATE KEY-----[^-]*/g

/** Five groups of five symbols, and perhaps a prefix, in any case and with any dash: people type look-alikes too. */
const licenseKeys = /(?<![A-Z0-9])(?:[A-Z0-9]{2,8}\p{Pd})?(?:[A-Z0-9]{5}\p{Pd}){4}[A-Z0-9]{5}(?![A-Z0-9])/giu

/** A driver's error may repeat the address of a database with its password. */
const addresses = /postgres(?:ql)?:\/\/\S+/gi

/** Removes everything that looks like a secret. A second line of defence: no code puts one into a message. */
export function redact(text: string): string {
  const shown = text.replace(secrets, '[redacted]').replace(licenseKeys, '[redacted]')
  return shown.replace(addresses, 'postgres://[redacted]')
}
