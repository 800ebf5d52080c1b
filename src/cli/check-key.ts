import { checkLicenseKey } from '../core/license-keys/text.ts'
import { CliError } from './errors.ts'
import { readStandardInput } from './standard-input.ts'
import { jsonOf, type AsJson, type Output } from './terminal/output.ts'

/** Characters of a text with many spaces and dashes. */
const maxTextLength = 1000

function complaint(suggestions: readonly string[]): string {
  if (suggestions.length === 0)
    return 'This is no license key of Heartwood: it has a typing error, or a part is missing'
  return ['If Heartwood made this license key, it has a typing error. It may be:', ...suggestions].join(
    '\n  ',
  )
}

/**
 * Checks the text of a license key offline and prints it in its usual form. The server alone knows the keys of other shops. `-`
 * reads standard input, which keeps it out of the shell's history.
 *
 * @throws {CliError} that names what the text may mean.
 */
export async function checkKey(text: string, { json }: AsJson, output: Output): Promise<void> {
  const check = checkLicenseKey(text === '-' ? await readStandardInput(maxTextLength) : text)
  if (json) output.line(jsonOf(check))
  else if (check.ok) output.line(check.key)
  if (!check.ok) throw new CliError(complaint(check.suggestions))
}
