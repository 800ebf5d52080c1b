import { invalidInput } from './parse.ts'

/**
 * The form in which e-mails are compared: two e-mails that fold alike are one, on every storage. Compatibility forms (NFKC)
 * and case do not count. Greek has two small sigmas, and `toLowerCase` picks one by the next letter, so both become one.
 */
export function foldEmail(address: string): string {
  return address.normalize('NFKC').toLowerCase().replaceAll('ς', 'σ').normalize('NFKC')
}

export function checkEmail(address: string): void {
  if (!/^[^\s@]+@[^\s@]+$/.test(foldEmail(address)))
    throw invalidInput({ email: ['must be an e-mail address'] })
}
