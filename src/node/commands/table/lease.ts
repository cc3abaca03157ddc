import type { Command } from '../command.ts'

/** Leases as a whole. */
export const leaseCommands: readonly Command[] = [
  {
    name: 'leases',
    usage: '',
    describe: 'List the leases of this data folder',
    options: ['label', 'running'],
    examples: [
      ['compute-node leases --label team=vision', 'those with this label'],
      ['compute-node leases --running -q', 'the ids of those that are not over'],
    ],
    load: async () => (await import('../leases.ts')).leases,
  },
  {
    name: 'show',
    usage: 'LEASE',
    describe: 'Show all there is to say of a lease',
    options: [],
    args: [1, 1],
    examples: [
      ['compute-node show 4f1c22', 'its state, terms, use, price and what it does now'],
      ['compute-node show 4f1c22 --json', 'the same for programs'],
    ],
    load: async () => (await import('../show.ts')).show,
  },
  {
    name: 'extend',
    usage: 'LEASE',
    describe: 'Give a lease more time at its price',
    options: ['hours', 'maxCost', 'maxDailyCost', 'key'],
    args: [1, 1],
    examples: [
      ['compute-node extend 4f1c22 --hours 2', 'its end moves by two hours'],
      ['compute-node extend 4f1c22 --hours 2 --key tuesday', 'once, however often it is run'],
    ],
    load: async () => (await import('../extend.ts')).extend,
  },
  {
    name: 'pause',
    usage: 'LEASE',
    describe: 'Freeze all that runs in a lease; its price goes on',
    options: [],
    args: [1, 1],
    examples: [['compute-node pause 4f1c22', 'memory and disk stay; so do its price and its end']],
    load: async () => (await import('../pause.ts')).pause,
  },
  {
    name: 'resume',
    usage: 'LEASE',
    describe: 'Let a paused lease go on',
    options: [],
    args: [1, 1],
    examples: [['compute-node resume 4f1c22', 'all goes on where it stood']],
    load: async () => (await import('../pause.ts')).resume,
  },
  {
    name: 'label',
    usage: 'LEASE NAME=VALUE…|NAME-…',
    describe: 'Change what you call a lease by',
    options: [],
    args: [2, 64],
    examples: [['compute-node label 4f1c22 team=vision old-', 'sets one label, removes another']],
    load: async () => (await import('../label.ts')).label,
  },
  {
    name: 'templates',
    usage: '[NAME|FILE]',
    describe: 'List the templates that rent --template takes, or show one',
    options: [],
    args: [0, 1],
    examples: [
      ['compute-node templates', 'what there is'],
      ['compute-node templates pytorch > mine.json', 'one to begin a file of your own with'],
      ['compute-node rent --template ./mine.json', 'rents as that file says'],
    ],
    load: async () => (await import('../templates.ts')).templates,
  },
]
