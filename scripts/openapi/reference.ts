/** A reference to a part that the document has once. */
export function refTo(kind: 'headers' | 'parameters' | 'responses' | 'examples', name: string): object {
  return { $ref: `#/components/${kind}/${name}` }
}
