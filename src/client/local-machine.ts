import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import process from 'node:process'
import type { Machine } from './machine-id.ts'

interface Permissions {
  query(descriptor: { readonly name: string }): Promise<{ readonly state: string }>
}

/** The permissions that `--allow-all` gives. Deno asks for all of them before it reads below `/proc`. */
const permissions = ['read', 'write', 'net', 'env', 'run', 'sys', 'ffi']

async function mayLook(): Promise<boolean> {
  const { Deno } = globalThis as { readonly Deno?: { readonly permissions: Permissions } }
  if (Deno === undefined) return true
  const granted = await Promise.all(permissions.map((name) => Deno.permissions.query({ name })))
  return granted.every(({ state }) => state === 'granted')
}

/** The longest wait for a program of the operating system, in milliseconds. */
const patience = 5_000

async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return null
  }
}

/** `command` is a whole path, so that a program of that name in the working folder is not started. */
function report(command: string, args: readonly string[], timeout: number): Promise<string | null> {
  return new Promise((resolve) => {
    const options = { timeout, windowsHide: true }
    execFile(command, args, options, (error, output) => resolve(error === null ? output : null))
  })
}

/** The computer that the program runs on. `root` is the folder that takes the place of `/`. */
export function localMachine(root = '', timeout: number = patience): Machine {
  return {
    platform: process.platform,
    mayLook,
    read: (path) => read(root + path),
    reportHardware: () => report(`${root}/usr/sbin/ioreg`, ['-rd1', '-c', 'IOPlatformExpertDevice'], timeout),
    queryRegistry: (key, value) => {
      const command = `${root}${process.env.SystemRoot ?? 'C:\\Windows'}\\System32\\reg.exe`
      // A program of 32 bits would otherwise see another registry.
      return report(command, ['query', `HKLM\\${key}`, '/v', value, '/reg:64'], timeout)
    },
  }
}
