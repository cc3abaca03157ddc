import type { Command } from '../command.ts'

/** Who may use the control API on the loopback port. */
export const tokenCommands: readonly Command[] = [
  {
    name: 'token create',
    usage: 'LABEL',
    describe: 'Make a token for a program that uses the running node over its --api-port',
    options: ['scope', 'ttl'],
    args: [1, 1],
    examples: [
      ['compute-node token create grafana', 'may look; prints the secret, this once'],
      ['compute-node token create ci --scope rent --ttl 8h', 'may rent too, until tonight'],
    ],
    load: async () => (await import('../token-create.ts')).tokenCreate,
  },
  {
    name: 'token list',
    usage: '',
    describe: 'List the tokens that stand',
    options: [],
    examples: [['compute-node token list', 'newest first, without their secrets']],
    load: async () => (await import('../token-list.ts')).tokenList,
  },
  {
    name: 'token revoke',
    usage: 'ID|LABEL',
    describe: 'End a token at once, with all that it has open',
    options: [],
    args: [1, 1],
    examples: [['compute-node token revoke ci', 'its event streams and sockets end']],
    load: async () => (await import('../token-revoke.ts')).tokenRevoke,
  },
]
