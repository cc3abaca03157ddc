import type { Command } from './command.ts'
import { bindCommands } from './table/bind.ts'
import { chainCommands } from './table/chain.ts'
import { endingCommands } from './table/ending.ts'
import { gpuCommands } from './table/gpu.ts'
import { leaseCommands } from './table/lease.ts'
import { nodeCommands } from './table/node.ts'
import { reachCommands } from './table/reach.ts'
import { rentCommands } from './table/rent.ts'
import { scoreCommands } from './table/score.ts'
import { sessionCommands } from './table/session.ts'
import { tokenCommands } from './table/token.ts'
import { walletCommands } from './table/wallet.ts'

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
 * Every command in the order of help. A new one needs a row in the file of its group in table/, a file in this folder
 * and the shape of its JSON in ../outputs/; then `npm run docs`.
 */
export const commands: readonly Command[] = [
  ...nodeCommands,
  ...chainCommands,
  ...bindCommands,
  ...walletCommands,
  ...rentCommands,
  ...leaseCommands,
  ...sessionCommands,
  ...reachCommands,
  ...endingCommands,
  ...scoreCommands,
  ...gpuCommands,
  ...tokenCommands,
  {
    name: 'doctor',
    usage: '',
    describe: 'Check what this machine lacks to run a node, and say what to do',
    options: ['roles', 'listen', 'drand', 'backend', 'devices', 'subgroupMatrix', 'bundle'],
    examples: [
      ['compute-node doctor --role miner', 'what hosting leases takes'],
      ['compute-node doctor --bundle report.tar.gz', 'the same and more, for who helps'],
    ],
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'completion',
    usage: 'bash|zsh|fish',
    describe: 'Print a script that completes commands and options in a shell',
    options: [],
    args: [1, 1],
    examples: [
      ['eval "$(compute-node completion bash)"', 'in ~/.bashrc'],
      ['source <(compute-node completion zsh)', 'in ~/.zshrc, behind compinit'],
      ['compute-node completion fish | source', 'in ~/.config/fish/config.fish'],
    ],
    load: async () => (await import('./completion.ts')).completion(runNodeCommand, commands),
  },
  {
    name: 'version',
    usage: '',
    describe: 'Print the version',
    options: [],
    examples: [['compute-node version', 'what to say in a report']],
    load: async () => (await import('./version.ts')).version,
  },
]
