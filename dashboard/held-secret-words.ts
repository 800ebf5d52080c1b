// The words around secrets, which come with the pages that show some.
export const secretWords = {
  show: 'Show',
  hide: 'Hide',
  copy: 'Copy',
  copied: 'Copied',
  left: (seconds: number): string => `Gone from this page in ${seconds} s`,
  gone: 'The page has forgotten the secret.',
} as const
