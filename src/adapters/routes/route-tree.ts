/** The part of the tree below one segment. */
class Branch<Value> {
  readonly literals = new Map<string, Branch<Value>>()
  parameter: Branch<Value> | null = null
  end: { readonly names: readonly string[]; readonly value: Value } | null = null
}

/** A value with the parameters of the path that led to it, as they were sent. */
export interface Found<Value> {
  readonly value: Value
  readonly params: Readonly<Record<string, string>>
}

/** Values by patterns such as `/apps/:slug`. To find one costs a look-up for each segment, however many patterns there are. */
export class RouteTree<Value> {
  readonly #root = new Branch<Value>()
  #depth = 0

  /** Adds a value, or replaces that of the same pattern. */
  add(pattern: string, value: Value): void {
    const segments = pattern.split('/')
    const names: string[] = []
    let branch = this.#root
    for (const segment of segments) {
      if (segment.startsWith(':')) names.push(segment.slice(1))
      branch = segment.startsWith(':') ? (branch.parameter ??= new Branch()) : literalBelow(branch, segment)
    }
    branch.end = { names, value }
    this.#depth = Math.max(this.#depth, segments.length)
  }

  /** Finds the value of a path. A literal takes precedence over a parameter, and no parameter is empty. */
  find(path: string): Found<Value> | null {
    // One more than the deepest pattern has, so that a longer path fits none.
    const segments = path.split('/', this.#depth + 1)
    const given: string[] = []
    const end = endOf(this.#root, segments, 0, given)
    if (end === null) return null
    const params: Record<string, string> = {}
    for (const [index, name] of end.names.entries()) params[name] = given[index]!
    return { value: end.value, params }
  }
}

function literalBelow<Value>({ literals }: Branch<Value>, segment: string): Branch<Value> {
  const known = literals.get(segment) ?? new Branch<Value>()
  literals.set(segment, known)
  return known
}

/** Walks from a segment to the last. It leaves the parameters of the way in `given`. */
function endOf<Value>(
  branch: Branch<Value>,
  segments: readonly string[],
  at: number,
  given: string[],
): Branch<Value>['end'] {
  const segment = segments[at]
  if (segment === undefined) return branch.end
  const literal = branch.literals.get(segment)
  const end = literal === undefined ? null : endOf(literal, segments, at + 1, given)
  if (end !== null || branch.parameter === null || segment === '') return end
  const before = given.push(segment) - 1
  const below = endOf(branch.parameter, segments, at + 1, given)
  if (below === null) given.length = before
  return below
}
