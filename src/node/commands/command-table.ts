import type { Command } from './command.ts'

/** The command without a name: `compute-node --role …`. */
export const runNodeCommand: Command = {
  name: '',
  usage: '',
  describe: 'Run a node until stopped',
  options: ['node'],
  examples: [
    ['compute-node --role miner --price 1.25', 'offer the GPUs of this machine'],
    ['compute-node --role validator --wallet.name main', 'check miners and set weights'],
  ],
  load: async () => (await import('./run-node.ts')).runNode,
}

/** Every command in the order of help: a row here and a file beside it are all that a new command needs. */
export const commands: readonly Command[] = [
  {
    name: 'status',
    usage: '',
    describe: 'Show what the node of this data folder is doing',
    options: [],
    load: async () => (await import('./status.ts')).status,
  },
  {
    name: 'peers',
    usage: '',
    describe: 'List the peers that the node is connected to',
    options: [],
    load: async () => (await import('./peers.ts')).peers,
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
    load: async () => (await import('./offers.ts')).offers,
  },
  {
    name: 'completion',
    usage: 'bash|zsh|fish',
    describe: 'Print a script that completes commands and options in a shell',
    options: [],
    args: [1, 1],
    examples: [['eval "$(compute-node completion bash)"', 'complete in this shell']],
    load: async () =>
      (await import('./completion.ts')).completion(commands.map(({ name }) => name)),
  },
  {
    name: 'version',
    usage: '',
    describe: 'Print the version',
    options: [],
    load: async () => (await import('./version.ts')).version,
  },
]
