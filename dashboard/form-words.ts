// The words of fields that several forms have.
export const formWords = {
  confirm: (slug: string): string => `Type ${slug} to confirm`,
  confirmRule: (slug: string): string => `Exactly: ${slug}`,
} as const
