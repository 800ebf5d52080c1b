/** The address of the server, with its prefix. The page knows it from its own address alone. */
export const base: URL = new URL('.', document.baseURI)
