import { Type, type TObject } from '@sinclair/typebox'
import {
  causeMeanings,
  checkMeanings,
  kindMeanings,
  type Diagnosis,
  type DiagnosisKind,
  type DiagnosticCause,
  type DiagnosticCheckName,
  type DiagnosticFacts,
} from '../../core/diagnosis/diagnosis.ts'
import { nullable, oneOf } from '../../core/input/fields.ts'
import { input, type Input } from '../../core/input/parse.ts'
import { line, list, matching, object } from './fields.ts'

const facts = Type.Unsafe<DiagnosticFacts>(
  Type.Object(
    {},
    {
      description: 'Facts by name; code is the error of a failed check, warning that of one that passed',
      additionalProperties: true,
    },
  ),
)

const check = object('A check', {
  check: oneOf('Name of the check', Object.keys(checkMeanings) as DiagnosticCheckName[]),
  state: oneOf('A check after a failed one is not reached', ['passed', 'failed', 'not_reached']),
  sentence: line('The result for people', 2048),
  facts,
})

const candidate = object('A license or license key to choose', {
  kind: oneOf('Kind of the candidate', ['license', 'license_key']),
  id: line('Id of the candidate', 64),
  label: line('Description for people', 1024),
})

const diagnosis: Input<Diagnosis> = input<Diagnosis>()(
  object('The reason why a text of a customer is refused', {
    kind: oneOf('Kind of the text; kinds may be added', Object.keys(kindMeanings) as DiagnosisKind[]),
    app: nullable(line('Slug of the app; null if none is known', 63)),
    licenseId: nullable(matching('License to which the text leads; null if to none or several', '^lic_', 30)),
    checks: list(check, 'In the order of the server; empty if there are candidates', 32),
    cause: nullable(
      oneOf(
        'Reason of the first check that failed; null if none did',
        Object.keys(causeMeanings) as DiagnosticCause[],
      ),
    ),
    remedy: nullable(line('The way to mend it, for people; null if there is nothing to do', 2048)),
    candidates: list(candidate, 'Things to choose from, if the text leads to several', 20),
  }),
)

export const diagnosisView: TObject = diagnosis.schema
