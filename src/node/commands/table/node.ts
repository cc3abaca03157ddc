import type { Command } from '../command.ts'

const moreOnQueries = async (): Promise<readonly string[]> =>
  (await import('../query-help.ts')).queryHelp()

/** A local market, and what a node sees. */
export const nodeCommands: readonly Command[] = [
  {
    name: 'devnet',
    usage: '',
    describe: 'Run a whole market on this machine, separate processes',
    options: ['once', 'miners', 'validators', 'keep', 'engine', 'devices'],
    examples: [
      ['compute-node devnet', 'look at a market and try every command on it'],
      ['compute-node devnet --once --json', 'do one full round and print a summary'],
    ],
    load: async () => (await import('../devnet.ts')).devnet,
  },
  {
    name: 'status',
    usage: '',
    describe: 'Show what the node of this data folder is doing',
    options: [],
    examples: [
      ['compute-node status', 'roles, peers, chain, leases, what is wrong'],
      ['compute-node status --json | jq .addrs', 'its addresses, for another node to dial'],
    ],
    load: async () => (await import('../status.ts')).status,
  },
  {
    name: 'ui',
    usage: '',
    describe: "Show this node's console in a browser, signed in",
    options: ['open'],
    examples: [
      ['compute-node ui', 'the node that runs, or one that runs until Ctrl-C'],
      ['compute-node ui --no-open', 'the link alone: for a browser behind ssh -L'],
    ],
    load: async () => (await import('../ui.ts')).ui,
  },
  {
    name: 'peers',
    usage: '',
    describe: 'List the peers that the node is connected to',
    options: [],
    examples: [['compute-node peers --json', 'who it is connected to, for a script']],
    load: async () => (await import('../peers.ts')).peers,
  },
  {
    name: 'offers',
    usage: '[QUERY]',
    describe: 'List what can be rented now, by price or as -o says',
    options: ['order'],
    args: [0, 256],
    examples: [
      [
        'compute-node offers "gpu_name=H100 num_gpus>=2 dph<3" -o dph,-score',
        'cheapest, then best',
      ],
      [
        'compute-node offers "gpu_ram gte 24 and (geolocation in [DE,FR] or verified=true)"',
        'lists, and, or',
      ],
      ['compute-node offers gpu_name=CPU --json', 'processor capacity, as JSON'],
    ],
    more: moreOnQueries,
    load: async () => (await import('../offers.ts')).offers,
  },
]
