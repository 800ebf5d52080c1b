/** Mutants that change no behaviour, by name, with the reason. */
export const explained: Readonly<Record<string, string>> = {}
