import { checkOptions, isFunction, type OptionRule, type OptionRules } from '../../core/input/options.ts'
import type { Principal } from '../../core/principal.ts'
import { scopes, type Scope } from '../../core/scopes.ts'

/**
 * A person whom the host's own sign-in knows, with their rights in the dashboard.
 *
 * @example
 * ```ts
 * import type { DashboardUser } from 'heartwood/elysia'
 *
 * const ana: DashboardUser = {
 *   id: 'staff-17',
 *   name: 'Ana',
 *   scopes: ['catalogue:read', 'customers:read', 'licenses:write'],
 *   apps: ['desktop-app'],
 *   mode: 'live',
 * }
 * ```
 */
export interface DashboardUser {
  /** The host's own id of the person, at most 200 characters. */
  readonly id: string
  /** Stands at the top of the page, and in the audit log: at most 255 characters. */
  readonly name: string | null
  /** Their rights; `null` for all of them. */
  readonly scopes: readonly Scope[] | null
  /** The slugs of the apps that they see; `null` for every app of the mode. */
  readonly apps: readonly string[] | null
  readonly mode: 'live' | 'test'
}

/**
 * Options of the dashboard.
 *
 * @example
 * ```ts
 * import type { DashboardOptions } from 'heartwood/elysia'
 *
 * declare function staffOf(request: Request): Promise<string | null>
 *
 * const options: DashboardOptions = {
 *   authenticate: async (request) => {
 *     const name = await staffOf(request)
 *     return name === null ? null : { id: name, name, scopes: null, apps: null, mode: 'live' }
 *   },
 * }
 * ```
 */
export interface DashboardOptions {
  /**
   * The person who sends a request, by the sign-in of the host; `null` for nobody. It is asked with every request of the page.
   * Heartwood then sets no cookie, and its own sign-in is off. Default: people sign in with an API key or a link.
   */
  readonly authenticate?: (request: Request) => DashboardUser | null | Promise<DashboardUser | null>
}

const dashboardRules: OptionRules<DashboardOptions> = { authenticate: isFunction }

/** The rule of the option `dashboard` of a server. */
export const isDashboard: OptionRule = {
  rule: 'true, false or an object with authenticate',
  holds: (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null),
}

/** The options of a dashboard; `null` if it is off. @throws {TypeError} that names an unknown or unusable one. */
export function readDashboard(given: boolean | DashboardOptions | undefined): DashboardOptions | null {
  if (given === undefined || given === false) return null
  const options = given === true ? {} : given
  checkOptions(options, dashboardRules, 'dashboard')
  return options
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

const userRules: OptionRules<DashboardUser> = {
  id: {
    rule: 'text of 1 to 200 characters',
    holds: (value) => typeof value === 'string' && value.length > 0 && value.length <= 200,
    isRequired: true,
  },
  name: {
    rule: 'text of at most 255 characters, or null',
    holds: (value) => value === null || (typeof value === 'string' && value.length <= 255),
    isRequired: true,
  },
  scopes: {
    rule: 'a list of scopes, or null for all rights',
    holds: (value) =>
      value === null || (isTextList(value) && (value as Scope[]).every((scope) => scopes.includes(scope))),
    isRequired: true,
  },
  apps: {
    rule: 'a list of slugs, or null for every app',
    holds: (value) => value === null || isTextList(value),
    isRequired: true,
  },
  mode: { rule: 'live or test', holds: (value) => value === 'live' || value === 'test', isRequired: true },
}

/** A person as a principal. No API key has its id. @throws {TypeError} if the host's function gave something else. */
export function principalOf(user: DashboardUser): Principal {
  const { id, name, scopes: rights, apps, mode } = user
  checkOptions({ id, name, scopes: rights, apps, mode }, userRules, 'The person of authenticate')
  return { id: `user:${id}`, type: 'sk', mode, appId: null, apps, expiresAt: null, scopes: rights }
}
