/** The rule of one option. */
export interface OptionRule {
  /** Completes the sentence "NAME must be …". */
  readonly rule: string
  readonly holds: (value: unknown) => boolean
  /** False if the option may be absent, which is the default. */
  readonly isRequired?: boolean
}

/** A rule for every option, so that none is forgotten. */
export type OptionRules<Options> = Readonly<Record<keyof Options & string, OptionRule>>

export const isFlag: OptionRule = { rule: 'true or false', holds: (value) => typeof value === 'boolean' }

export const isFunction: OptionRule = { rule: 'a function', holds: (value) => typeof value === 'function' }

/** For an option that another check looks at more closely. */
export const isAnything: OptionRule = { rule: 'anything', holds: () => true }

export function isInteger(least: number, most: number = Number.MAX_SAFE_INTEGER): OptionRule {
  const rule = `an integer from ${least}${most === Number.MAX_SAFE_INTEGER ? '' : ` to ${most}`}`
  return {
    rule,
    holds: (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
  }
}

/** A required object with these methods, such as a storage or an open client. */
export function hasMethods(rule: string, ...names: readonly string[]): OptionRule {
  return {
    rule,
    isRequired: true,
    holds: (value) => names.every((name) => typeof Reflect.get(Object(value) as object, name) === 'function'),
  }
}

/** A promise of licensing is the likely mistake. */
export const isLicensing: OptionRule = /* @__PURE__ */ hasMethods(
  'the result of createLicensing()',
  'load',
  'restrictedTo',
)

function shown(name: string): string {
  return /^[A-Za-z]{1,63}$/.test(name) ? name : '(unknown)'
}

/**
 * Checks the options of a public function. An option that is `undefined` counts as absent.
 *
 * @param place Stands before the name of each option, for options inside another.
 * @throws {TypeError} that names the option and its rule, never its value.
 */
export function checkOptions<Options extends object>(
  given: Options,
  rules: OptionRules<Options>,
  place = '',
): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new TypeError(`${place === '' ? 'The options' : place} must be an object`)
  const prefix = place === '' ? '' : `${place}.`
  for (const [name, value] of Object.entries(given))
    if (value !== undefined && !Object.hasOwn(rules, name))
      throw new TypeError(`${prefix}${shown(name)} is not a known option`)
  for (const [name, { rule, holds, isRequired }] of Object.entries<OptionRule>(rules)) {
    const value: unknown = Reflect.get(given, name)
    if (value === undefined ? isRequired : !holds(value))
      throw new TypeError(`${prefix}${name} must be ${rule}`)
  }
}
