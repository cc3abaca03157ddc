// What `import … from 'compute-node'` loads, in plain JavaScript: the sources in a checkout, so that they are never older
// than what runs, and dist/ in an installed package. The types are those of src/node/sdk/entry.ts.
import { existsSync } from 'node:fs'

const NEEDED = 24
if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  throw new Error(`compute-node's SDK needs Node ${NEEDED} or newer, this is ${process.version}`)
}

const source = new URL('../src/node/sdk/entry.ts', import.meta.url)
const built = new URL('../dist/node/sdk/entry.js', import.meta.url)

export const {
  ComputeNodeError,
  connect,
  isBadRequest,
  isExit,
  isLeaseEnded,
  isNotFound,
  isOutcomeUnknown,
  isRefused,
  isUnreachable,
  untilInterrupted,
  verifyReceipts,
  verifyTranscript,
} = await import((existsSync(source) ? source : built).href)
