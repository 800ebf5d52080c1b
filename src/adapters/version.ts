/** Heartwood's own version. `npm version` writes it, from package.json. */
export const version = '0.1.0'
