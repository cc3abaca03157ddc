import type { Command } from '../command.ts'

/** The end of a lease, and what was signed. */
export const endingCommands: readonly Command[] = [
  {
    name: 'stop',
    usage: 'LEASE',
    describe: 'End a lease and settle it',
    options: [],
    args: [1, 1],
    examples: [
      ['compute-node stop 4f1c22', 'what was not used goes back'],
      ['compute-node leases --running -q | xargs -n 1 compute-node stop', 'all that run'],
    ],
    load: async () => (await import('../stop.ts')).stop,
  },
  {
    name: 'wait',
    usage: 'LEASE',
    describe: 'Wait until a lease is over: 0 ended as agreed, 1 failed, 4 unknown',
    options: [],
    args: [1, 1],
    examples: [['compute-node wait 4f1c22', 'returns when it is over, however long that takes']],
    load: async () => (await import('../wait.ts')).wait,
  },
  {
    name: 'receipts',
    usage: '[LEASE]',
    describe: "List a lease's receipts, after checking the whole chain",
    options: ['limit', 'all', 'export', 'verify'],
    args: [0, 1],
    examples: [
      ['compute-node receipts 4f1c22 --export lease.cbor', 'all that was signed, in one file'],
      ['compute-node receipts --verify lease.cbor', 'offline; exit code 1 when anything is wrong'],
    ],
    load: async () => (await import('../receipts.ts')).receipts,
  },
]
