import type { Diagnosis } from '../../core/diagnosis/diagnosis.ts'
import type { Api } from '../api.ts'
import type { RemoteLicensing } from '../remote-licensing.ts'
import { readOne, type Received } from '../response.ts'
import { fromWire } from '../wire.ts'

/** The facts of each check have names and times. */
function readDiagnosis(received: Received): Diagnosis {
  const diagnosis = readOne<Diagnosis>(received)
  const checks = diagnosis.checks.map((check) => fromWire({ ...check }) as unknown as typeof check)
  return { ...diagnosis, checks }
}

/** No Idempotency-Key goes along, because the server keeps nothing of this request. */
export function remoteDiagnosis(api: Api): RemoteLicensing['diagnose'] {
  return (input) => api.post('/diagnose', input, { isRead: true, read: readDiagnosis })
}
