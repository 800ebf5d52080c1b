/** The most recovery keys that an app has. Each is looked for among all signatures, so a thief's long set would take minutes. */
export const maxRecoveryKeys = 20

/** A program reads no longer list of statements. */
export const maxStatements = 1_000

/** In characters, each of which is a byte. A program reads no longer trust file. */
export const maxTrustLength = 4_000_000
