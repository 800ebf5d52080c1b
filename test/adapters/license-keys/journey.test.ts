import { test } from 'node:test'
import { storages } from '../test-server.ts'
import { buyAndMove, manage, syncSale } from './journey.ts'

for (const [name, use] of storages) {
  test(`license keys over HTTP on ${name}: buy, activate, run out of seats, release and move`, () =>
    use(buyAndMove))
  test(`license keys over HTTP on ${name}: change, roll, revoke, reinstate, release all and delete`, () =>
    use(manage))
  test(`license keys over HTTP on ${name}: a sale that is told twice, late and in any order`, () =>
    use(syncSale))
}
