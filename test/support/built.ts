/** `npm test` sets this variable when `dist` is built from the sources that it tests. */
export const builtVariable = 'HEARTWOOD_TEST_BUILT'
