/** A slug for a name: "Single sign-on" gives `single_sign_on`. */
export function slugOf(name: string, between: '_' | '-'): string {
  const ascii = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  const parts = ascii.split(/[^a-z0-9]+/).filter(Boolean)
  return parts.join(between).slice(0, 63)
}
