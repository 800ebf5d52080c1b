import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { createLicenseClient } from '../../src/client/index.ts'
import { localMachine } from '../../src/client/local-machine.ts'
import { installationIdOn, type Machine } from '../../src/client/machine-id.ts'
import { machineInstallationId } from '../../src/client/machine.ts'
import { createTestServer } from '../../src/testing/server.ts'
import { run } from '../package/programs.ts'

const app = 'desktop-app'
const id = '0123456789abcdef0123456789abcdef'
/** Made by Python's `hmac` and `uuid`. */
const expected = '83ec9a90-b694-84f8-985a-43b07c3e4100'

interface Computer {
  readonly platform?: string
  readonly mayLook?: boolean
  readonly files?: Readonly<Record<string, string>>
  readonly hardware?: string
  readonly registry?: Readonly<Record<string, string>>
}

function machine({
  platform = 'linux',
  mayLook = true,
  files = {},
  hardware,
  registry = {},
}: Computer): Machine {
  return {
    platform,
    mayLook: async () => mayLook,
    read: async (path) => files[path] ?? null,
    reportHardware: async () => hardware ?? null,
    queryRegistry: async (key, value) => registry[`${key} ${value}`] ?? null,
  }
}

const linux = (files: Computer['files'] = {}): Machine =>
  machine({ files: { '/etc/machine-id': `${id}\n`, ...files } })

const hardware = `+-o J314sAP  <class IOPlatformExpertDevice, id 0x10000021b, registered, matched>
    {
      "IOPlatformSerialNumber" = "C02XXXXXXXXX"
      "IOPlatformUUID" = "01234567-89AB-CDEF-0123-456789ABCDEF"
      "model" = <"MacBookPro18,3">
    }
`
const guid = `
HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography
    MachineGuid    REG_SZ    01234567-89ab-cdef-0123-456789abcdef

`
const registry = { 'SOFTWARE\\Microsoft\\Cryptography MachineGuid': guid.replaceAll('\n', '\r\n') }

test('machineInstallationId(): equals the ids that Python made, one for each app and machine', async () => {
  const vectors = [
    [id, app, expected],
    [id, 'other-app', '3704376b-9aef-822d-ac07-274d0a781723'],
    ['f81d4fae-7dec-11d0-a765-00a0c91e6bf6', app, 'd22b6b8e-2506-8cc0-b0b0-6e49155eb7a0'],
  ] as const
  for (const [own, slug, installationId] of vectors)
    assert.equal(await installationIdOn(linux({ '/etc/machine-id': own }), slug), installationId)
})

const same: Readonly<Record<string, Machine>> = {
  'Linux with systemd': linux(),
  'Linux with the id of D-Bus alone': machine({ files: { '/var/lib/dbus/machine-id': id } }),
  'Linux before its first start': linux({
    '/etc/machine-id': 'uninitialized\n',
    '/var/lib/dbus/machine-id': id,
  }),
  'Linux, spelt in capitals with dashes': linux({
    '/etc/machine-id': '01234567-89AB-CDEF-0123-456789ABCDEF',
  }),
  'a computer that runs containers': linux({
    '/proc/1/cgroup': '0::/init.scope\n',
    '/proc/self/mountinfo': [
      '22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw',
      '612 22 0:52 / /var/lib/docker/overlay2/1f/merged rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A',
      '640 22 0:60 / /var/lib/docker/containers/1f/mounts/shm rw - tmpfs shm rw',
      '650 22 0:61 / /var/lib/lxcfs rw,nosuid - fuse.lxcfs lxcfs rw,user_id=0',
      '660 22 0:23 /resolv/stub.conf /etc/resolv.conf rw - tmpfs tmpfs rw',
    ].join('\n'),
  }),
  'a computer that starts from a read-only image': linux({
    '/proc/self/mountinfo':
      '22 1 0:30 / / rw - overlay overlay rw,lowerdir=/media/root-ro,upperdir=/media/rw/up',
  }),
  'WSL with systemd': linux({ '/run/systemd/container': 'wsl\n' }),
  'a Linux whose first process states no container': linux({
    '/proc/1/environ': 'HOME=/\0container=\0TERM=linux',
  }),
  macOS: machine({ platform: 'darwin', hardware }),
  Windows: machine({ platform: 'win32', registry }),
}

for (const [name, each] of Object.entries(same))
  test(`machineInstallationId(): ${name}`, async () => {
    assert.equal(await installationIdOn(each, app), expected)
  })

const without: Readonly<Record<string, Machine>> = {
  'a container of Docker': linux({ '/.dockerenv': '' }),
  'a container of Podman': linux({ '/run/.containerenv': 'engine="podman-5"' }),
  'a pod with a service account': linux({
    '/var/run/secrets/kubernetes.io/serviceaccount/namespace': 'default',
  }),
  'a pod of containerd': linux({
    '/proc/self/mountinfo':
      '2017 1998 8:1 /var/lib/kubelet/pods/0b/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw,discard',
  }),
  'a container of containerd': linux({
    '/proc/self/mountinfo':
      '1998 1820 0:252 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs',
  }),
  'a container of Docker, without its mark': linux({
    '/proc/self/mountinfo':
      '703 680 259:2 /var/lib/docker/containers/1f/hostname /etc/hostname rw - ext4 /dev/nvme0n1p2 rw',
  }),
  'a container of LXC with systemd': linux({ '/run/systemd/container': 'lxc' }),
  'a container of LXC': linux({ '/proc/1/environ': 'TERM=linux\0container=lxc\0' }),
  'a container of LXC with lxcfs': linux({
    '/proc/self/mountinfo': '561 550 0:61 /proc/cpuinfo /proc/cpuinfo rw,nosuid - fuse.lxcfs lxcfs rw',
  }),
  ...Object.fromEntries(
    [
      '12:pids:/docker/1f9a',
      '0::/system.slice/docker-1f9a.scope',
      '11:memory:/kubepods/besteffort/pod0b/1f9a',
      '0::/machine.slice/libpod-1f9a.scope',
      '5:cpu:/lxc.payload.web',
      '3:cpu:/ecs/1f9a/2c',
    ].map((group) => [
      `a container by its control group ${group}`,
      linux({ '/proc/1/cgroup': `${group}\n` }),
    ]),
  ),
  'a container of Windows': machine({
    platform: 'win32',
    registry: {
      ...registry,
      'SYSTEM\\CurrentControlSet\\Control ContainerType': 'ContainerType REG_DWORD 0x1',
    },
  }),
  ...Object.fromEntries(
    ['', 'uninitialized', '0'.repeat(32), 'F'.repeat(32), id.slice(1), `${id}0`, 'g'.repeat(32)].map(
      (own) => [`a machine id of ${own.length} characters: ${own}`, linux({ '/etc/machine-id': own })],
    ),
  ),
  'a Linux without a machine id': machine({}),
  'a macOS without a report': machine({ platform: 'darwin' }),
  'a macOS of a report without an id': machine({ platform: 'darwin', hardware: '"IOPlatformUUID" = ""' }),
  'a Windows without a report': machine({ platform: 'win32' }),
  'a system that is not known': machine({ platform: 'constructor', files: { '/etc/machine-id': id } }),
  'a runtime that would have to ask': machine({ mayLook: false, files: { '/etc/machine-id': id } }),
}

for (const [name, each] of Object.entries(without))
  test(`machineInstallationId(): null for ${name}`, async () => {
    assert.equal(await installationIdOn(each, app), null)
  })

test('machineInstallationId(): asks for a permission before it looks at anything', async () => {
  const looked: string[] = []
  const shut = new Proxy(machine({ mayLook: false }), {
    get: (target, name: keyof Machine) => (looked.push(name), target[name]),
  })
  assert.equal(await installationIdOn(shut, app), null)
  assert.deepEqual(looked, ['mayLook'])
})

test('machineInstallationId(): refuses what is no slug of an app', async () => {
  for (const bad of ['', 'My App', 'a'.repeat(64), null, 7])
    await assert.rejects(machineInstallationId(bad as string), {
      name: 'TypeError',
      message: 'app must be the slug of an app',
    })
})

/** Runs `work` with an empty folder in place of `/`. */
async function inRoot(
  work: (root: string, put: (path: string, text: string) => Promise<void>) => Promise<void>,
) {
  const root = await mkdtemp(join(tmpdir(), 'heartwood-machine-'))
  try {
    await work(root, async (path, text) => {
      await mkdir(dirname(root + path), { recursive: true })
      await writeFile(root + path, text)
      await chmod(root + path, 0o755)
    })
  } finally {
    await rm(root, { recursive: true })
  }
}

test('machineInstallationId(): reads the files of a computer', () =>
  inRoot(async (root, put) => {
    const own = { ...localMachine(root), platform: 'linux' }
    assert.equal(await installationIdOn(own, app), null)
    await put('/etc/machine-id', `${id}\n`)
    assert.equal(await installationIdOn(own, app), expected)
    await put('/.dockerenv', '')
    assert.equal(await installationIdOn(own, app), null)
  }))

test('machineInstallationId(): starts the programs of macOS and Windows, and outlives those that fail or hang', () =>
  inRoot(async (root, put) => {
    const own = localMachine(root, 500)
    const ioreg = '/usr/sbin/ioreg'
    const reg = `${process.env.SystemRoot ?? 'C:\\Windows'}\\System32\\reg.exe`
    assert.deepEqual([await own.reportHardware(), await own.queryRegistry('KEY', 'Value')], [null, null])
    await put(ioreg, '#!/bin/sh\necho "$@"\n')
    assert.equal(await own.reportHardware(), '-rd1 -c IOPlatformExpertDevice\n')
    await writeFile(root + reg, '#!/bin/sh\necho "$@"\n', { mode: 0o755 })
    assert.equal(
      await own.queryRegistry('SOFTWARE\\X', 'Value'),
      'query HKLM\\SOFTWARE\\X /v Value /reg:64\n',
    )
    await put(ioreg, '#!/bin/sh\necho half; exit 3\n')
    assert.equal(await own.reportHardware(), null)
    await put(ioreg, '#!/bin/sh\nexec sleep 60\n')
    assert.equal(await own.reportHardware(), null)
    await put(ioreg, `#!/bin/sh\ncat <<'END'\n${hardware}END\n`)
    assert.equal(await installationIdOn({ ...own, platform: 'darwin' }, app), expected)
  }))

const program = `
import { machineInstallationId } from './src/client/machine.ts'
import { localMachine } from './src/client/local-machine.ts'
console.log(await localMachine().mayLook(), await machineInstallationId('desktop-app'))
`

test('machineInstallationId(): one id or null on every runtime, and null on Deno without its permissions', () =>
  inRoot(async (root, put) => {
    await put('/program.ts', program.replaceAll('./src', join(process.cwd(), 'src')))
    const file = join(root, 'program.ts')
    const own = await machineInstallationId(app)
    assert.match(`${own}`, /^(null|[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/)
    const deno = ['deno', 'run', '--no-check', '--no-lock']
    for (const command of [['bun'], ['node'], [...deno, '--allow-all']])
      assert.equal((await run([...command, file])).stdout, `true ${own}\n`, `${command}`)
    for (const flags of [[], ['--allow-read'], ['--allow-read', '--allow-run', '--allow-env']])
      assert.equal((await run([...deno, ...flags, file])).stdout, 'false null\n', `${flags}`)
  }))

test('machineInstallationId(): a program whose store vanishes keeps its one seat', async () => {
  const server = await createTestServer()
  const sold = await server.sell({ seats: 1 })
  for (let starts = 0; starts < 3; starts += 1) {
    const installationId = (await installationIdOn(linux(), server.app))!
    const options = { ...(await server.clientOptions()), background: false, installationId }
    const client = await createLicenseClient({ ...options, licenseKey: sold.key })
    assert.equal((await client.refresh()).state, 'active')
    assert.equal(client.license.installationId, expected)
  }
})
