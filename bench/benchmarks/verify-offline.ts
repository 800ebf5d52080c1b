import { importPKCS8, importSPKI, jwtVerify } from 'jose'
import { newTypeId, uuidOf } from '../../src/core/ids.ts'
import { decide, generateRsaKeyPair, verifyToken } from '../../src/core/index.ts'
import { macSecret } from '../../src/core/runtime/crypto.ts'
import { makeJti } from '../../src/core/token/jti.ts'
import { signToken } from '../../src/core/token/token.ts'
import type { Benchmark } from '../benchmark.ts'
import { thisRuntime } from '../child-process.ts'
import { installationOf } from '../fixtures.ts'
import { measureInTurn, rateOf, ratios, spreadOf } from '../measure.ts'
import { formatNumber } from '../result.ts'

const expected = { audience: 'bench', issuer: 'license-server' }

async function makeToken(privateKeyPem: string): Promise<string> {
  const secret = macSecret(new Uint8Array(32))
  const licenseId = newTypeId('lic')
  const iat = Math.floor(Date.now() / 1000)
  const claims = {
    sub: installationOf(1),
    aud: expected.audience,
    iss: expected.issuer,
    iat,
    exp: iat + 86_400,
    jti: makeJti((message) => secret.mac(message), { licenseId, revision: 1 }, uuidOf(licenseId)),
    lic_id: uuidOf(licenseId),
    tier: 'pro',
    customer_id: newTypeId('cus'),
    features: ['api_access'],
  }
  return signToken(claims, 'key', await importPKCS8(privateKeyPem, 'RS256'))
}

/** Compares the offline verification of a license with the verification of a JWT. */
export const verifyOffline: Benchmark = async ({ rounds, milliseconds }) => {
  const { publicKeyPem, privateKeyPem } = await generateRsaKeyPair()
  const publicKey = await importSPKI(publicKeyPem, 'RS256')
  const token = await makeToken(privateKeyPem)
  const ours = async (): Promise<void> => {
    const claims = await verifyToken(token, [{ kid: 'key', publicKey }], expected)
    if (!decide({ token: claims, now: Math.floor(Date.now() / 1000) }).valid) throw new Error('not valid')
  }
  const jose = (): unknown => jwtVerify(token, publicKey, { algorithms: ['RS256'], ...expected })
  const figures = await measureInTurn(rounds, {
    ours: () => rateOf(milliseconds / 2, 1, ours),
    jose: () => rateOf(milliseconds / 2, 1, jose),
  })
  return [
    {
      what: 'Verify a license offline',
      against: 'jose.jwtVerify alone',
      runtime: thisRuntime,
      figure: spreadOf(ratios(figures.jose, figures.ours)),
      goal: { atMost: 1.1 },
      detail: `${formatNumber(1e6 / spreadOf(figures.ours).median)} µs, ${formatNumber(1e6 / spreadOf(figures.jose).median)} µs`,
    },
  ]
}
