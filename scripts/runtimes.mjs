// Bun, Deno, Node 24 and the oldest Node of the client come from npm. If install scripts are off, they are incomplete, so this script runs theirs.
// It is plain JavaScript, because at first there may only be an older Node.
import { execSync } from 'node:child_process'
import { join } from 'node:path'

const probes = {
  bun: 'bun --version',
  deno: 'deno --version',
  node: 'node --eval "process.exit(process.versions.node.split(\'.\')[0] >= 24 ? 0 : 1)"',
  'node-20': join('node_modules', 'node-20', 'bin', 'node') + ' --version',
}

const missing = process.argv.slice(2).filter((name) => !works(probes[name]))
if (missing.length > 0) {
  console.log(`Running the install scripts of ${missing.join(', ')}, because npm skipped them`)
  for (const name of missing) rebuild(name)
}

// Two packages have a command `node`. The one in the PATH of npm scripts is Node 24.
function rebuild(name) {
  const options = name === 'node-20' ? '--bin-links=false' : ''
  execSync(`npm rebuild --ignore-scripts=false ${options} ${name}`, { stdio: 'inherit' })
}

function works(command) {
  try {
    execSync(command, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
