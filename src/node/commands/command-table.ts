import type { Command } from './command.ts'

const moreOnQueries = async (): Promise<readonly string[]> =>
  (await import('./query-help.ts')).queryHelp()

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

/**
 * Every command in the order of help. A new one needs a row here, a file beside it and the shape of its JSON in
 * output-schemas.ts; then `npm run docs`.
 */
export const commands: readonly Command[] = [
  {
    name: 'devnet',
    usage: '',
    describe: 'Run a whole market on this machine, separate processes',
    options: ['once', 'miners', 'validators', 'keep', 'engine'],
    examples: [
      ['compute-node devnet', 'look at a market and try every command on it'],
      ['compute-node devnet --once --json', 'do one full round and print a summary'],
    ],
    load: async () => (await import('./devnet.ts')).devnet,
  },
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
    more: moreOnQueries,
    load: async () => (await import('./offers.ts')).offers,
  },
  {
    name: 'chain dev',
    usage: '',
    describe: 'Run an embedded chain for a local market: blocks, beacon and ledger',
    options: ['port', 'blockMs', 'tempo', 'spec'],
    examples: [['compute-node chain dev --netuid 1', 'subnet 1 on ws://127.0.0.1:9944']],
    load: async () => (await import('./chain-dev.ts')).chainDev,
  },
  {
    name: 'chain metagraph',
    usage: '',
    describe: 'List who is registered in the subnet, with stake and permits',
    options: [],
    load: async () => (await import('./chain-metagraph.ts')).chainMetagraph,
  },
  {
    name: 'chain weights',
    usage: '',
    describe: 'List the weights that validators have set',
    options: [],
    load: async () => (await import('./chain-weights.ts')).chainWeights,
  },
  {
    name: 'chain register',
    usage: '',
    describe: "Register the wallet's hotkey in the subnet, and stake on it",
    options: ['stake', 'yes'],
    examples: [
      ['compute-node chain register --wallet.name main', 'burns TAO of the coldkey'],
      ['compute-node chain register --wallet.name main --stake 1000', 'a validator'],
    ],
    load: async () => (await import('./chain-register.ts')).chainRegister,
  },
  {
    name: 'chain bind',
    usage: '',
    describe: "Let the hotkey vouch for this data folder's PeerId, on chain",
    options: [],
    examples: [['compute-node chain bind --wallet.name main', 'needed once per node and key']],
    load: async () => (await import('./chain-bind.ts')).chainBind,
  },
  {
    name: 'wallet create',
    usage: '',
    describe: 'Create a hotkey, and a coldkey where the wallet has none, as btcli keeps them',
    options: ['keyType'],
    examples: [['compute-node wallet create --wallet.name main', 'in ~/.bittensor/wallets/main']],
    load: async () => (await import('./wallet-create.ts')).walletCreate,
  },
  {
    name: 'wallet list',
    usage: '',
    describe: 'List the hotkeys of every wallet',
    options: [],
    load: async () => (await import('./wallet-list.ts')).walletList,
  },
  {
    name: 'wallet import',
    usage: '',
    describe: 'Write a hotkey from its secret words, read from stdin',
    options: ['keyType'],
    examples: [['compute-node wallet import --wallet.hotkey miner < words.txt', '12 to 24 words']],
    load: async () => (await import('./wallet-import.ts')).walletImport,
  },
  {
    name: 'rent',
    usage: '[QUERY|OFFER] [-- CMD…]',
    describe: 'Rent the first offer that fits; with a command, run it and end the lease',
    options: ['image', 'hours', 'maxDph', 'order', 'authorize'],
    args: [0, 256],
    takesRest: true,
    examples: [
      ['compute-node rent "gpu_name=H100 dph<3" --hours 2', 'prints the id of a lease that runs'],
      ['compute-node rent gpu_name=CPU -- echo hello', 'runs one command and ends the lease'],
    ],
    load: async () => (await import('./rent.ts')).rent,
  },
  {
    name: 'leases',
    usage: '',
    describe: 'List the leases of this data folder',
    options: [],
    load: async () => (await import('./leases.ts')).leases,
  },
  {
    name: 'show',
    usage: 'LEASE',
    describe: 'Show all there is to say of a lease',
    options: [],
    args: [1, 1],
    load: async () => (await import('./show.ts')).show,
  },
  {
    name: 'exec',
    usage: 'LEASE -- CMD…',
    describe: 'Run a command in a lease; its exit code is passed through',
    options: [],
    args: [1, 1],
    takesRest: true,
    examples: [
      ['compute-node exec 4f1c22 -- nvidia-smi', 'the id may be shortened'],
      ['tar c src | compute-node exec 4f1c22 -- tar x', 'input and output are streamed'],
    ],
    load: async () => (await import('./exec.ts')).exec,
  },
  {
    name: 'stop',
    usage: 'LEASE',
    describe: 'End a lease and settle it',
    options: [],
    args: [1, 1],
    load: async () => (await import('./stop.ts')).stop,
  },
  {
    name: 'wait',
    usage: 'LEASE',
    describe: 'Wait until a lease is over: 0 ended as agreed, 1 failed, 4 unknown',
    options: [],
    args: [1, 1],
    load: async () => (await import('./wait.ts')).wait,
  },
  {
    name: 'receipts',
    usage: 'LEASE',
    describe: "List a lease's receipts, after checking the whole chain",
    options: [],
    args: [1, 1],
    load: async () => (await import('./receipts.ts')).receipts,
  },
  {
    name: 'attestations',
    usage: '[PEER]',
    describe: "List validators' verdicts on devices, newest first",
    options: [],
    args: [0, 1],
    examples: [['compute-node attestations 12D3KooW…', 'of one miner or validator']],
    load: async () => (await import('./attestations.ts')).attestations,
  },
  {
    name: 'score',
    usage: '[PEER]',
    describe: 'Show what a miner earns, and with --explain why, term by term',
    options: ['explain'],
    args: [0, 1],
    examples: [
      ['compute-node score', 'all miners, best first'],
      ['compute-node score 12D3KooW… --explain', 'every term, its reason and what was counted'],
    ],
    load: async () => (await import('./score.ts')).score,
  },
  {
    name: 'gpu list',
    usage: '',
    describe: 'List the GPUs of this machine with what is measured, or its CPU where there is none',
    options: ['watch'],
    examples: [
      ['compute-node gpu list --watch', 'temperature, power and load, live'],
      ['compute-node gpu list --watch --json', 'one line per GPU and sample, for other programs'],
    ],
    load: async () => (await import('./gpu-list.ts')).gpuList,
  },
  {
    name: 'gpu verify',
    usage: 'FILE|ID',
    describe: 'Check the proof behind a verdict yourself, from nothing but its transcript',
    options: [],
    args: [1, 1],
    load: async () => (await import('./gpu-verify.ts')).gpuVerify,
  },
  {
    name: 'doctor',
    usage: '',
    describe: 'Check what this machine lacks to run a node, and say what to do',
    options: ['roles', 'listen'],
    examples: [['compute-node doctor --role miner', 'what hosting leases takes']],
    load: async () => (await import('./doctor.ts')).doctor,
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
