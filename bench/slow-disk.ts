import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Waits before each sync, as a disk does that has to move or to erase. */
const source = `
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
int fdatasync(int fd) { usleep(2000); return syscall(SYS_fdatasync, fd); }
int fsync(int fd) { usleep(2000); return syscall(SYS_fsync, fd); }
`

/** A disk for a child process: its name, and the variables that the child needs. */
export interface Disk {
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  remove(): void
}

const realDisk: Disk = { name: 'the disk of this machine', env: {}, remove: () => {} }

/** A disk that takes 2 ms more for each sync. Returns `null` if there is no C compiler. */
function slowDisk(): Disk | null {
  const folder = mkdtempSync(join(tmpdir(), 'heartwood-disk-'))
  const [code, library] = [join(folder, 'disk.c'), join(folder, 'disk.so')]
  writeFileSync(code, source)
  const { status } = spawnSync('cc', ['-shared', '-fPIC', '-o', library, code])
  const remove = (): void => rmSync(folder, { recursive: true })
  if (status === 0) return { name: 'a disk with 2 ms a sync', env: { LD_PRELOAD: library }, remove }
  remove()
  console.error('Only the disk of this machine is measured: there is no C compiler')
  return null
}

/** The disks to measure on. Only Linux lets a library stand before the system's. */
export function disks(): readonly Disk[] {
  const slow = process.platform === 'linux' ? slowDisk() : null
  return slow === null ? [realDisk] : [realDisk, slow]
}
