import type { Command } from '../command.ts'

/** Verdicts and scores. */
export const scoreCommands: readonly Command[] = [
  {
    name: 'attestations',
    usage: '[PEER]',
    describe: "List validators' verdicts on devices, newest first",
    options: [],
    args: [0, 1],
    examples: [['compute-node attestations 12D3KooW…', 'of one miner or validator']],
    load: async () => (await import('../attestations.ts')).attestations,
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
    load: async () => (await import('../score.ts')).score,
  },
]
