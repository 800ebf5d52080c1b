// The words of the pages about webhooks.
import { number } from './words.ts'

function many(count: number, one: string, more: string): string {
  return `${number.format(count)} ${count === 1 ? one : more}`
}

function lasted(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${number.format(Math.round(ms / 100) / 10)} s`
}

export const webhookWords = {
  title: 'Webhooks',
  where: 'Where you are',
  mayNot: 'Deliveries are for sk_ keys with the scope webhooks:read. Yours is another.',

  sentence: {
    none: 'No event was sent in the last 30 days.',
    allArrived: (count: number): string =>
      count === 1 ? 'event of the last 30 days arrived.' : 'events of the last 30 days arrived.',
    all: 'All',
    failed: (count: number): string => (count === 1 ? 'event failed' : 'events failed'),
    waiting: (count: number): string => (count === 1 ? 'waits' : 'wait'),
    eventsWait: (count: number): string => (count === 1 ? 'event waits' : 'events wait'),
    arrived: 'arrived in the last 30 days.',
    noneArrived: 'None arrived in the last 30 days.',
  },

  off: {
    since: 'Switched off',
    lead: 'Heartwood gave up ten events in a row, or the receiver said that it is gone. Since then each event is kept as failed.',
    on: 'Switch it on',
    isOn: 'The webhook is on. Now the failed events can be sent again.',
    mayNot: 'To switch it on, a key needs the scopes webhooks:write and catalogue:write.',
  },
  full: {
    since: 'The queue is full',
    lead: (count: number): string =>
      `${many(count, 'event was', 'events were')} dropped, and nobody can send them again. Read the state of your licenses from the API.`,
    past: (count: number): string =>
      `A full queue has dropped ${many(count, 'event', 'events')} before. Nobody can send them again.`,
  },

  endpoint: {
    title: 'The receiver',
    on: 'On',
    off: 'Off',
    full: 'Queue full',
    none: 'Nothing is sent',
    noneLead:
      'Heartwood can tell your server what happens to licenses: issued, renewed, revoked, ended. Give it an https address, and check each signature.',
    noneMayNot: 'To set an address, a key needs the scopes webhooks:write and catalogue:write.',
    set: 'Set the address…',
    change: 'Change…',
    dialog: 'Where events go',
    dialogLead:
      'An https address with a public name. Leave it empty to stop: events are then no longer kept.',
    url: 'Address',
    save: 'Send events there',
    stop: 'Stop sending events',
    saved: 'Events go there from now on.',
    stopped: 'No more events are sent.',
    mayNot: 'Your key may look at deliveries. To send events it needs the scope webhooks:write.',
    test: 'Send a test event',
    testing: 'Waiting for the receiver…',
    answered: (status: number, ms: string): string => `The receiver answered ${status}${ms}.`,
    after: (ms: number): string => ` after ${lasted(ms)}`,
    noAnswer: (error: string): string => `${error}.`,
    unsent: 'The event waits, and nothing was tried yet. Is the server that delivers running?',
    look: 'Look at the delivery',
  },

  secret: {
    heading: 'Secret',
    label: 'Secret of the signatures',
    show: 'Show the secret',
    shown: 'The audit log keeps that you looked.',
    both: (date: string): string => `The old secret signs too until ${date}.`,
    roll: 'Roll the secret…',
    title: 'Roll the secret',
    lead: 'Heartwood makes a new secret. While both sign, your receivers accept events with either.',
    overlap: 'Both sign for',
    overlaps: { 3600: 'an hour', 86400: 'a day', 604800: 'a week', 0: 'no time: the old one ends now' },
    act: (time: string): string => `Roll it, both sign for ${time}`,
    actNow: 'Roll it, the old one ends now',
    atOnce: 'Receivers refuse events until they have the new secret.',
    new: 'New secret of the signatures',
  },

  list: {
    title: 'Deliveries',
    table: 'Table of deliveries',
    states: { failed: 'Failed', pending: 'Waiting', delivered: 'Arrived' },
    state: 'State of the delivery',
    type: 'Kind of event',
    anyType: 'Every kind',
    ofLicense: (id: string): string => `Of the license ${id.slice(0, 12)}…`,
    everyLicense: 'Show those of all licenses',
    event: 'Event',
    outcome: 'Last answer',
    attempts: 'Attempts',
    made: 'Made',
    untried: 'not yet tried',
    none: 'No delivery is like this.',
    noneFailed: 'No event has failed.',
    every: (count: number): string => `Show all ${number.format(count)}`,
  },

  groups: {
    title: 'Why they failed',
    count: (count: number): string => many(count, 'event', 'events'),
    newest: 'newest',
    part: (items: number): string => `This looks at the newest ${number.format(items)} of them.`,
    all: 'Show every cause',
  },

  retry: {
    all: (count: number): string => (count === 1 ? 'Retry this one' : `Retry these ${number.format(count)}`),
    lead: 'Each goes at once, under the id that it had, so a receiver drops copies.',
    offFirst: 'Switch the webhook on first. Then they can be sent again.',
    stop: 'Stop',
    queued: (done: number, total: number): string =>
      `${number.format(done)} of ${number.format(total)} are queued`,
    onTheirWay: (count: number): string => `${many(count, 'event is on its', 'events are on their')} way.`,
    outcome: (arrived: number, failed: number, waiting: number): string =>
      `${number.format(arrived)} arrived, ${number.format(failed)} failed again, ${number.format(waiting)} wait`,
    progress: 'Progress of the retry',
    again: 'Those that failed again are tried later by themselves.',
  },

  delivery: {
    arrived: (attempts: number): string =>
      attempts === 1
        ? 'It arrived at the first attempt'
        : `It arrived after ${number.format(attempts)} attempts`,
    failed: (attempts: number): string => `Given up after ${many(attempts, 'attempt', 'attempts')}`,
    unsent: 'It was never sent',
    waits: (attempts: number): string =>
      attempts === 0
        ? 'It waits for its first attempt'
        : `It waits, after ${many(attempts, 'attempt', 'attempts')}`,
    next: 'The next attempt is',
    send: 'Send it again',
    sent: 'The event is on its way.',
    id: 'Delivery',
    event: 'Event (webhook-id)',
    license: 'License',
    made: 'Made',
    attempts: 'Attempts',
    none: 'Nothing was tried yet.',
    lastTen: 'The last ten. A retry keeps them.',
    status: (status: number): string => `Answer ${status}`,
    noAnswer: 'No answer',
    after: (ms: number): string => `after ${lasted(ms)}`,
    body: 'What was sent',
    bodyLead: 'The signature is over these bytes.',
    pretty: 'Easy to read',
    raw: 'As it was sent',
    copyBody: 'Copy as it was sent',
    copied: 'Copied',
    headers: 'Headers',
    madeEachTime: 'made at each attempt, kept by nobody',
    check: 'Check the signature',
    checkLead: 'A library of Standard Webhooks does it, and refuses events older than five minutes.',
    checkHint: 'the bytes as they arrived',
  },
} as const
