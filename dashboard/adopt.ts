const adopted = new Set<string>()

/**
 * Adds the style of a section, which comes with its pages and so is no part of the first view. The policy of the page allows a
 * sheet that a script makes, because it is no inline text.
 */
export function adopt(text: string): void {
  if (adopted.has(text)) return
  adopted.add(text)
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(text)
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
}
