import type { Command } from '../command.ts'

/** Keys, as btcli keeps them. */
export const walletCommands: readonly Command[] = [
  {
    name: 'wallet create',
    usage: '',
    describe: 'Create a hotkey, and a coldkey where the wallet has none, as btcli keeps them',
    options: ['keyType', 'noPassword'],
    examples: [
      ['compute-node wallet create --wallet.name main', 'asks for a password for the coldkey'],
      ['compute-node wallet create --no-password', 'for a wallet that holds next to nothing'],
    ],
    load: async () => (await import('../wallet-create.ts')).walletCreate,
  },
  {
    name: 'wallet list',
    usage: '',
    describe: 'List the keys of every wallet, without asking for a password',
    options: [],
    examples: [
      ['compute-node wallet list', 'names, schemes and addresses; secrets stay where they are'],
    ],
    load: async () => (await import('../wallet-list.ts')).walletList,
  },
  {
    name: 'wallet import',
    usage: '',
    describe: 'Write a key from its secret words, or its seed in hex, read from stdin',
    options: ['coldkey', 'keyType', 'noPassword'],
    examples: [
      ['compute-node wallet import --wallet.hotkey miner < words.txt', '12 to 24 words'],
      ['compute-node wallet import --coldkey', 'asks for the words, then for a password'],
    ],
    load: async () => (await import('../wallet-import.ts')).walletImport,
  },
  {
    name: 'wallet sign',
    usage: '[FILE]',
    describe: 'Sign a text, of stdin or a file, byte for byte',
    options: ['coldkey'],
    args: [0, 1],
    examples: [
      ['printf %s "it is me" | compute-node wallet sign --coldkey', 'the signature in hex'],
    ],
    load: async () => (await import('../wallet-sign.ts')).walletSign,
  },
  {
    name: 'wallet verify',
    usage: 'ADDRESS SIGNATURE [FILE]',
    describe: 'Say whether an address signed a text, of stdin or a file: 0 yes, 1 no',
    options: [],
    args: [2, 3],
    examples: [
      ['printf %s "it is me" | compute-node wallet verify 5Grw… 8a1f…', 'needs no wallet'],
    ],
    load: async () => (await import('../wallet-verify.ts')).walletVerify,
  },
  {
    name: 'wallet change-password',
    usage: '[coldkey|hotkey]',
    describe: "Change the password of the wallet's coldkey, or of its hotkey",
    options: ['noPassword'],
    args: [0, 1],
    examples: [
      ['compute-node wallet change-password', 'asks for the old one, then for the new one'],
      ['compute-node wallet change-password hotkey --no-password', 'takes it off'],
    ],
    load: async () => (await import('../wallet-change-password.ts')).walletChangePassword,
  },
]
