/** The most recovery keys that an app has. Each is looked for among all signatures, so a thief's long set would take minutes. */
export const maxRecoveryKeys = 20

/** A program reads no longer list of statements. */
export const maxStatements = 1_000
