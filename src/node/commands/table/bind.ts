import type { Command } from '../command.ts'

/** What a hotkey commits to: the records of a node, and the PeerIds that work for it. */
export const bindCommands: readonly Command[] = [
  {
    name: 'chain anchor',
    usage: '[FILE…]',
    describe: 'Anchor the records of this node on chain; prove one of them, or check proofs',
    options: ['yes', 'prove', 'out', 'verify'],
    args: [0, 64],
    examples: [
      ['compute-node chain anchor --wallet.name main', 'asks first, at a terminal'],
      ['compute-node chain anchor --prove 5c0ffee5c0ff --out proof.json', 'that it was there'],
      [
        'compute-node chain anchor --verify one.json two.json --chain ws://127.0.0.1:9944',
        'who was first',
      ],
    ],
    load: async () => (await import('../chain-anchor.ts')).chainAnchor,
  },
  {
    name: 'chain bind',
    usage: '',
    describe: "Let the hotkey vouch for this data folder's PeerId, on chain",
    options: ['replace'],
    examples: [
      ['compute-node chain bind --wallet.name main', 'where the wallet lies; 64 PeerIds at most'],
    ],
    load: async () => (await import('../chain-bind.ts')).chainBind,
  },
  {
    name: 'chain bind request',
    usage: 'HOTKEY',
    describe: "Print this data folder's consent to work for a hotkey of another machine",
    options: [],
    args: [1, 1],
    examples: [['compute-node chain bind request 5Grw… > node1.txt', 'needs no wallet']],
    load: async () => (await import('../chain-bind-request.ts')).chainBindRequest,
  },
  {
    name: 'chain bind add',
    usage: 'FILE…',
    describe: 'Let the hotkey vouch for the PeerIds of other machines, on chain',
    options: ['replace', 'prepare'],
    args: [1, 64],
    examples: [
      ['compute-node chain bind add node2.txt --prepare > bindings.txt', 'hand it out first'],
      ['compute-node chain bind add node1.txt node2.txt > bindings.txt', 'give that back to each'],
    ],
    load: async () => (await import('../chain-bind-add.ts')).chainBindAdd,
  },
  {
    name: 'chain bind accept',
    usage: 'FILE',
    describe: "Take this data folder's binding from the file that came back (- is standard input)",
    options: [],
    args: [1, 1],
    examples: [['compute-node chain bind accept bindings.txt', 'a running node picks it up']],
    load: async () => (await import('../chain-bind-accept.ts')).chainBindAccept,
  },
  {
    name: 'chain bind remove',
    usage: 'PEERID…',
    describe: 'Revoke PeerIds of the hotkey, on chain',
    options: ['prepare'],
    args: [1, 64],
    examples: [
      [
        'compute-node chain bind remove 12D3KooW…',
        'a machine that is gone no longer speaks for the hotkey',
      ],
    ],
    load: async () => (await import('../chain-bind-remove.ts')).chainBindRemove,
  },
  {
    name: 'chain bind list',
    usage: '',
    describe: 'List the PeerIds that the hotkey binds',
    options: [],
    examples: [
      ['compute-node chain bind list --wallet.name main', 'who speaks for this hotkey now'],
    ],
    load: async () => (await import('../chain-bind-list.ts')).chainBindList,
  },
]
