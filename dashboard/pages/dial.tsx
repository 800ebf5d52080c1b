import type { JSX } from 'preact'

interface DialProps {
  readonly label: string
  /** The value in words. */
  readonly told: string
  readonly value: number
  readonly min: number
  readonly max: number
  /** The states along the line. The words beside it say the same for the place of the knob. */
  readonly strip?: readonly string[]
  readonly onValue: (value: number) => void
}

/** A slider whose value is said in words. */
export function Dial({ label, told, value, min, max, strip = [], onValue }: DialProps): JSX.Element {
  return (
    <label class="dial">
      <span>{label}</span>
      <span class="told">{told}</span>
      <span class="dial-track">
        <span class="strip" aria-hidden="true">
          {strip.map((state, at) => (
            <i key={at} data-state={state} />
          ))}
        </span>
        <input
          type="range"
          min={min}
          max={max}
          value={value}
          aria-valuetext={told}
          onInput={(event) => onValue(event.currentTarget.valueAsNumber)}
        />
      </span>
    </label>
  )
}
