import { isContainer } from './container.ts'

/** The parts of a computer that tell its id. */
export interface Machine {
  /** The operating system, by Node's name for it. */
  readonly platform: string
  /** Resolves to false if somebody would have to be asked: a question stops a program that nobody watches. */
  mayLook(): Promise<boolean>
  /** Resolves to the text of a file; `null` if it cannot be read. */
  read(path: string): Promise<string | null>
  /** Resolves to the report of macOS about the computer; `null` if there is none. */
  reportHardware(): Promise<string | null>
  /** Resolves to the report of Windows about a value below `HKEY_LOCAL_MACHINE`; `null` if there is none. */
  queryRegistry(key: string, value: string): Promise<string | null>
}

/** The 16 bytes of a machine id; `null` for what no computer has to itself, such as `uninitialized` or zeros. */
function bytesOf(text: string | null | undefined): Uint8Array<ArrayBuffer> | null {
  const digits = text?.trim().replaceAll('-', '') ?? ''
  if (!/^[0-9a-f]{32}$/i.test(digits) || /^(.)\1*$/.test(digits)) return null
  return Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16))
}

const readers: Readonly<Record<string, (machine: Machine) => Promise<Uint8Array<ArrayBuffer> | null>>> = {
  linux: async (machine) =>
    bytesOf(await machine.read('/etc/machine-id')) ?? bytesOf(await machine.read('/var/lib/dbus/machine-id')),
  darwin: async (machine) => {
    const report = await machine.reportHardware()
    return bytesOf(/"IOPlatformUUID" = "([^"]+)"/.exec(report ?? '')?.[1])
  },
  win32: async (machine) => {
    const report = await machine.queryRegistry('SOFTWARE\\Microsoft\\Cryptography', 'MachineGuid')
    return bytesOf(/MachineGuid\s+REG_SZ\s+(\S+)/.exec(report ?? '')?.[1])
  },
}

/** A UUID of RFC 9562 version 8, from the first 16 bytes. */
function uuidOf(mac: Uint8Array): string {
  const bytes = mac.slice(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return digits.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
}

async function derive(machineId: Uint8Array<ArrayBuffer>, app: string): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', machineId, algorithm, false, ['sign'])
  const message = new TextEncoder().encode(`heartwood installation v1 ${app}`)
  return uuidOf(new Uint8Array(await crypto.subtle.sign('HMAC', key, message)))
}

/** The id of an app's installation on this machine; `null` in a container, and without an id of the machine's own. */
export async function installationIdOn(machine: Machine, app: string): Promise<string | null> {
  if (!(await machine.mayLook())) return null
  const reader = Object.hasOwn(readers, machine.platform) ? readers[machine.platform] : undefined
  const machineId = (await reader?.(machine)) ?? null
  return machineId === null || (await isContainer(machine)) ? null : derive(machineId, app)
}
