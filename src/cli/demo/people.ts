import type { Chance } from './chance.ts'

const first =
  'Marta Ada Grace Linus Nadia Tomás Yuki Priya Åsa Björn Chiara Darnell Elif Fatima Goran Hana Ines Jonas Kofi Leila Milo Noor Oksana Pedro Quinn Rania Sven Tala Ugo Vera Wanda Xavier Zofia Emre'.split(
    ' ',
  )
const last =
  'Lindqvist Okafor Marchetti Kovač Nguyen Haddad Brandt Yamamoto Silva Novák Petrov Larsen O’Brien Dubois Fischer García Jensen Kaya Lemaire Moreau Nakamura Ortiz Popescu Rossi Schäfer Tanaka Ueda Vargas Weiss Ximenes Yıldız Zieliński'.split(
    ' ',
  )
const hosts = ['studio.example', 'atelier.example', 'uni.example', 'mail.example', 'office.example']

/** A customer of the demo. No name comes twice. */
export interface DemoPerson {
  readonly name: string
  readonly email: string
}

function plain(text: string): string {
  const ascii = text.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('ı', 'i').replaceAll('ł', 'l')
  return ascii.toLowerCase().replace(/[^a-z]/g, '')
}

/** People with names from many places, because a page must show them all. */
export function demoPeople(count: number, chance: Chance): readonly DemoPerson[] {
  return Array.from({ length: count }, (_, at) => {
    const given = first[at % first.length]!
    // The lists have lengths without a common divisor above two, so the pairs repeat late.
    const family = last[(at * 7 + Math.floor(at / first.length)) % last.length]!
    return {
      name: `${given} ${family}`,
      email: `${plain(given)}.${plain(family)}.${at}@${chance.pick(hosts)}`,
    }
  })
}
