// The words of every view. Those of single pages are in page-words.ts, which comes with them: a translation needs both files.

export const number: Intl.NumberFormat = new Intl.NumberFormat('en-GB')

export const words = {
  brand: 'Heartwood',
  noAnswer: 'The server gave no answer that this page understands.',
  justNow: 'just now',
  count: (count: number): string => number.format(count),

  signIn: {
    title: 'Sign in',
    lead: 'Your API key is your name here. What it may do, you may do.',
    key: 'API key',
    keyHint: 'It begins with sk_ or pk_. It goes to this server once, and the page forgets it.',
    button: 'Sign in',
    ended: 'You were signed out. Sign in again to go on where you were.',
    orLink: 'No key at hand? On the server, this command prints a link that signs you in:',
    command: 'heartwood dashboard',
    byHost: 'Sign in to the app that shows this dashboard, then load this page again.',
    working: 'Signing in',
  },
  link: {
    title: 'Signing you in',
    failed: 'This link does not sign you in',
    other: 'Sign in another way',
    ask: 'Sign in as somebody else?',
    asked: (name: string): string =>
      `You are signed in as ${name}. This link signs you in with another key. Use it only if you asked for it.`,
    stay: 'Stay signed in',
    use: 'Use the link',
  },
  person: { signOut: 'Sign out', unnamed: 'Unnamed key' },
  modes: { live: 'Live', test: 'Test' },
  themes: { label: 'Colours', system: 'As the system', light: 'Light', dark: 'Dark' },

  shell: {
    sections: 'Sections',
    app: 'App',
    find: 'Paste or type anything',
    findLabel: 'Find',
    overview: 'Overview',
    licenses: 'Licenses',
    customers: 'Customers',
    tiers: 'Tiers',
    signingKeys: 'Signing keys',
    webhooks: 'Webhooks',
    apiKeys: 'API keys and people',
    log: 'Log',
    logOfAll: 'Log of all apps',
    status: 'Status',
    licenseKeys: 'License keys',
    why: 'Why is it refused?',
  },

  states: {
    loading: 'Loading',
    failed: 'This could not be loaded',
    stale: (ago: string): string => `As of ${ago}. The last call failed.`,
    again: 'Try again',
    notFound: 'Nothing is here',
    notFoundLead: 'The address leads to nothing that your key may see.',
    home: 'Back to the start',
    forbidden: 'Your key may not see this',
  },

  find: {
    title: 'Whom can we help?',
    lead: 'Paste what the customer sent: a license token, an id, an e-mail address, an order number.',
    label: 'What the customer sent',
    placeholder: 'Paste anything',
    button: 'Find',
    working: 'Looking',
    none: 'Nothing that your key sees is like this.',
    several: (count: number): string => `${number.format(count)} found. Choose one.`,
    secret:
      'This is a secret of yours, such as an API key, and it was not sent anywhere. Clear it from your clipboard. To look a key up, use its last four characters on the page of API keys.',
    noDiagnosis: 'Your key may not read licenses, so it cannot ask why this is refused.',
    why: 'Ask why it is refused',
    apps: 'Your apps',
    newApp: 'New app…',
    noApps: 'There is no app yet, or your key sees none.',
  },

  code: {
    sameAs: 'The same as',
    copy: 'Copy',
    copied: 'Copied',
    curl: 'curl',
    typescript: 'TypeScript',
    cli: 'command line',
  },

  acts: {
    cancel: 'Cancel',
    close: 'Close',
    undo: 'Undo',
    undone: 'It is as it was.',
    lacking: (scope: string): string => `Your key may not change this: it lacks ${scope}.`,
  },

  secret: {
    show: 'Show',
    hide: 'Hide',
    left: (seconds: number): string => `Gone from this page in ${seconds} s`,
    gone: 'The page has forgotten the secret.',
  },

  typed: {
    ask: (text: string): string => `Type ${text} to confirm`,
    wrong: (text: string): string => `Exactly: ${text}`,
  },
} as const
