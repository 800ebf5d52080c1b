import type { JSX } from 'preact'

/** A number that differs from license to license. */
function seedOf(id: string): number {
  let seed = 0
  for (const character of id) seed = (seed * 31 + character.charCodeAt(0)) % 6_283
  return seed / 1_000
}

/** Fine rings behind a certificate: each is a circle that breathes a little, as wood does. No two licenses have the same. */
export function Grain({ id }: { readonly id: string }): JSX.Element {
  const seed = seedOf(id)
  const rings: string[] = []
  for (let ring = 1; ring <= 22; ring++) {
    const points: string[] = []
    for (let step = 0; step <= 72; step++) {
      const turn = (step / 72) * 2 * Math.PI
      const swell = 1 + 0.035 * Math.sin(3 * turn + seed) + 0.022 * Math.sin(5 * turn + seed * 1.7 + ring / 7)
      const radius = (ring * 9 + 3 * Math.sin(ring * 1.3 + seed)) * swell
      points.push(
        `${(200 + radius * Math.cos(turn)).toFixed(1)} ${(200 + radius * Math.sin(turn)).toFixed(1)}`,
      )
    }
    rings.push(`M${points.join('L')}Z`)
  }
  return (
    <svg class="grain" viewBox="0 0 400 400" aria-hidden="true">
      {rings.map((d) => (
        <path key={d} d={d} />
      ))}
    </svg>
  )
}
