const secrets =
  /[sp]k_(?:live|test)_\w+|whsec_[\w+/=]+|eyJ[\w-]+\.[\w-]+\.[\w-]+|-----BEGIN [^-]*PRIVATE KEY-----[^-]*/g

/** A driver's error may repeat the address of a database with its password. */
const addresses = /postgres(?:ql)?:\/\/\S+/gi

/** Removes everything that looks like a secret. A second line of defence: no code puts one into a message. */
export function redact(text: string): string {
  return text.replace(secrets, '[redacted]').replace(addresses, 'postgres://[redacted]')
}
