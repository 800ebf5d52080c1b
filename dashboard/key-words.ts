// The words of the pages of license keys and their seats.
import { number } from './words.ts'

function many(count: number, one: string, more: string): string {
  return `${number.format(count)} ${count === 1 ? one : more}`
}

export const keyWords = {
  title: 'License keys',
  sentence: (count: number, state: string): string =>
    ({
      active: `${many(count, 'license key is', 'license keys are')} good.`,
      expired: `${many(count, 'license key has', 'license keys have')} ended.`,
      revoked: `${many(count, 'license key was', 'license keys were')} revoked.`,
    })[state] ?? `${many(count, 'license key', 'license keys')} in all.`,
  none: 'No license key is like this.',
  teach:
    'A license key is what you sell: a customer enters it on as many computers as it has seats. Make the first one:',
  seats: 'Seats',
  seatList: 'Computers with a seat',
  seatsOf: (used: number, all: number): string => `${number.format(used)} of ${number.format(all)}`,
  text: 'Text',

  issue: 'New license key…',
  issueTitle: 'New license key',
  issueLead: 'The customer enters its text in the program. Each computer takes one seat.',
  email: 'E-mail of the customer',
  emailHint: 'A customer whom the app does not know yet is made.',
  tier: 'Tier',
  seatCount: 'Seats',
  lasts: 'Lasts',
  year: 'one year',
  month: '30 days',
  forever: 'for ever',
  issueFor: (seats: number): string => `Make it, with ${many(seats, 'seat', 'seats')}`,
  issued: 'The license key is made.',

  of: (app: string): string => `License key for ${app}`,
  taken: (used: number, all: number): string =>
    used === 0
      ? `None of its ${many(all, 'seat', 'seats')} is taken`
      : `${number.format(used)} of ${many(all, 'seat is', 'seats are')} taken`,
  good: (date: string): string => `good until ${date}`,
  goodForever: 'good for ever',
  starts: (count: number): string =>
    `its ${many(count, 'day begins', 'days begin')} with the first activation`,
  ended: (date: string): string => `ended on ${date}`,
  revoked: (date: string): string => `revoked on ${date}`,
  where: 'Where you are',
  order: 'External id',
  releases: 'Releases left this year',
  anyNumber: 'any number',
  whenFull: 'When all seats are taken',
  refuse: 'a new computer is refused',
  replace_oldest: 'a new computer takes the oldest seat',

  reveal: 'Fetch its text',
  revealHint: 'The audit log keeps that you looked.',
  itsText: 'Text of the license key',

  computer: 'Computer',
  seen: 'Last seen',
  never: 'never',
  state: 'State',
  act: 'Act',
  noSeats:
    'No computer has a seat. The customer enters the license key in the program, or you activate one here.',
  past: (count: number): string => `${many(count, 'seat was', 'seats were')} given back`,
  release: 'Release…',
  releaseOf: (name: string): string => `Release the seat of ${name}`,
  releaseTitle: 'Release this seat',
  releaseLead:
    'The program loses its license at its next renewal. Only entering the license key there takes a seat again.',
  releaseNow: 'Release 1 seat',
  released: 'The seat is free.',
  releaseAll: 'Release all seats…',
  releaseAllTitle: 'Release all seats',
  releaseAllLead: 'Every program loses its license at its next renewal. Nothing undoes this.',
  releaseAllNow: (count: number): string => `Release ${many(count, 'seat', 'seats')}`,
  releasedAll: (count: number): string => `${many(count, 'seat is', 'seats are')} free.`,

  activate: 'Activate a computer…',
  activateTitle: 'Activate a computer',
  activateLead:
    'For a computer without a network: its program shows the id of its installation. It takes one seat.',
  installation: 'Id of the installation',
  computerName: 'Name of the computer',
  activateNow: 'Take 1 seat',
  activated: 'It has a seat. Open it to copy its token or its license file.',

  change: 'Change seats or end…',
  changeTitle: 'Change seats or end',
  newEnd: 'New end',
  changeTo: (seats: number, end: string): string => `Give it ${many(seats, 'seat', 'seats')}, ${end}`,
  until: (date: string): string => `until ${date}`,
  over: (count: number): string =>
    `${many(count, 'seat', 'seats')} more than that stay taken until somebody releases them.`,
  changed: 'The license key and its seats are changed.',
  changeLead: (count: number): string =>
    count === 0
      ? 'No seat is taken yet.'
      : `${many(count, 'taken seat follows', 'taken seats follow')} at the next renewal.`,

  roll: 'New text…',
  rollTitle: 'Give it a new text',
  rollLead:
    'For a text that got into wrong hands. Computers with a seat go on. Nothing brings the old text back.',
  overlap: 'The old text works for',
  atOnce: 'no longer, from now on',
  days: (count: number): string => `${many(count, 'more day', 'more days')}`,
  rollNow: 'Replace the text',
  rolled: 'The license key has a new text.',

  revoke: 'Revoke…',
  revokeTitle: 'Revoke this license key',
  revokeLead: 'Every later check refuses it and its seats. You can reinstate it at any time.',
  revokeNow: (count: number): string =>
    count === 0 ? 'Revoke the license key' : `Revoke it with ${many(count, 'seat', 'seats')}`,
  wasRevoked: 'The license key is revoked.',
  reinstate: (count: number): string =>
    count === 0 ? 'Reinstate it' : `Reinstate it with ${many(count, 'seat', 'seats')}`,
  reinstated: 'The license key is good again.',
} as const
