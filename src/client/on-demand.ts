// The client imports this file when a program needs it, because the client's 20 kB have no room for it: at the start of a
// program with `refreshKeys` or a trust file, and at the first license file. One file, so that a page which has it may lose
// its network.
export { openFollower } from './key-source.ts'
export { readLicenseFile } from './license-file.ts'
