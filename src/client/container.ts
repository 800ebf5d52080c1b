import type { Machine } from './machine-id.ts'

/** Files that a container runtime puts into its containers: Docker; Podman and CRI-O; a pod of Kubernetes. */
const marks = ['/.dockerenv', '/run/.containerenv', '/var/run/secrets/kubernetes.io/serviceaccount/namespace']

/** Control groups of containers. The first process of a computer is in none of them. */
const groups = /docker|kubepods|lxc|libpod|containerd|crio|garden|\/ecs\//

/** Folders in which container runtimes keep images, and the files that they mount into a container. */
const runtimeFolder = /\/(docker|containerd|containers|kubelet|buildkit)\//

/** Files that a container runtime mounts into a container one by one. */
const mountedFiles: readonly (string | undefined)[] = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf']

/** Reads a line of mountinfo (proc_pid_mountinfo(5)): the root and place of a mount, then its type, source and options. */
function isContainerMount(line: string): boolean {
  const fields = line.split(' ')
  const [, , , root = '', place = ''] = fields
  const [type, , options = ''] = fields.slice(fields.indexOf('-') + 1)
  if (place === '/') return type === 'overlay' && runtimeFolder.test(options)
  if (mountedFiles.includes(place)) return runtimeFolder.test(root)
  return type === 'fuse.lxcfs' && place.startsWith('/proc/')
}

async function hasContainerMount(machine: Machine): Promise<boolean> {
  const mounts = await machine.read('/proc/self/mountinfo')
  return mounts?.split('\n').some(isContainerMount) ?? false
}

/** The kind of container by systemd's own convention: from its file, otherwise from the variable of the first process. */
async function statedKind(machine: Machine): Promise<string | undefined> {
  const stated = await machine.read('/run/systemd/container')
  if (stated !== null) return stated.trim()
  const variables = (await machine.read('/proc/1/environ'))?.split('\0')
  return variables?.find((variable) => variable.startsWith('container='))?.slice(10)
}

async function isLinuxContainer(machine: Machine): Promise<boolean> {
  for (const mark of marks) if ((await machine.read(mark)) !== null) return true
  // A system of WSL states itself too. It lives as long as a computer does.
  const kind = await statedKind(machine)
  if (kind !== undefined && kind !== '' && kind !== 'wsl') return true
  return groups.test((await machine.read('/proc/1/cgroup')) ?? '') || hasContainerMount(machine)
}

/** True in a container. Its ids are shared with other containers, or new at each start. */
export async function isContainer(machine: Machine): Promise<boolean> {
  if (machine.platform === 'linux') return isLinuxContainer(machine)
  if (machine.platform !== 'win32') return false
  return (await machine.queryRegistry('SYSTEM\\CurrentControlSet\\Control', 'ContainerType')) !== null
}
