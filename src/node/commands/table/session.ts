import type { Command } from '../command.ts'

/** What goes on inside a lease, and what of it is kept. */
export const sessionCommands: readonly Command[] = [
  {
    name: 'shell',
    usage: 'LEASE [-- CMD…]',
    describe: 'Open a terminal in a lease; a broken connection is resumed for 60 s',
    options: ['env', 'workdir', 'user'],
    args: [1, 1],
    takesRest: true,
    examples: [
      ['compute-node shell 4f1c22', 'bash where the image has it, else sh; ~. leaves'],
      ['compute-node shell 4f1c22 -- htop', 'any full-screen program'],
    ],
    load: async () => (await import('../shell.ts')).shell,
  },
  {
    name: 'exec',
    usage: 'LEASE -- CMD…',
    describe: 'Run a command in a lease; its exit code is passed through',
    options: ['tty', 'env', 'workdir', 'user', 'detach'],
    args: [1, 1],
    takesRest: true,
    examples: [
      ['compute-node exec 4f1c22 -- nvidia-smi', 'the id may be shortened'],
      ['tar c src | compute-node exec 4f1c22 -- tar x', 'input and output are streamed'],
      ['compute-node exec -d 4f1c22 -- python3 train.py', 'it runs on when this machine goes'],
    ],
    load: async () => (await import('../exec.ts')).exec,
  },
  {
    name: 'logs',
    usage: 'LEASE',
    describe: "Show what a lease's main process prints",
    options: ['follow', 'tail', 'since', 'timestamps'],
    args: [1, 1],
    examples: [
      ['compute-node logs -f --tail 20 4f1c22', 'the newest 20 lines and what follows'],
      ['compute-node logs --since 10m --timestamps 4f1c22', 'with the time of each line'],
    ],
    load: async () => (await import('../logs.ts')).logs,
  },
  {
    name: 'top',
    usage: 'LEASE',
    describe: 'Show what a lease uses now: processor, memory, disk, network and its GPUs',
    options: ['watch'],
    args: [1, 1],
    examples: [
      ['compute-node top 4f1c22', 'measured over one second'],
      ['compute-node top 4f1c22 --watch', 'a line each second, until Ctrl-C'],
    ],
    load: async () => (await import('../top.ts')).top,
  },
  {
    name: 'cp',
    usage: 'SRC… DST',
    describe: 'Copy files into a lease or out of it; run again, it goes on where it was',
    options: ['exclude', 'user'],
    args: [2, 1024],
    examples: [
      ['compute-node cp ./data 4f1c22:/data', 'a folder; into /data if that exists, else as /data'],
      ['compute-node cp ./data/. 4f1c22:/data', 'what is in it, into /data'],
      ['compute-node cp 4f1c22:/data/out.bin .', 'the other way'],
      [
        'compute-node cp a.py b.py 4f1c22:src/ --exclude "*.pyc"',
        'several; src/ is made if need be',
      ],
      ['compute-node cp 4f1c22:/data/log - | less', 'one file to stdout; as a source, - is stdin'],
    ],
    load: async () => (await import('../cp.ts')).cp,
  },
  {
    name: 'snapshot',
    usage: 'LEASE',
    describe: 'Write the container of a lease to a file for docker load',
    options: ['output', 'tag', 'pause', 'maxSize'],
    args: [1, 1],
    examples: [
      ['compute-node snapshot 4f1c22', 'writes cn-4f1c22….tar'],
      ['compute-node snapshot 4f1c22 --tag my-work:1 --output work.tar', 'docker load < work.tar'],
    ],
    load: async () => (await import('../snapshot.ts')).snapshot,
  },
  {
    name: 'volumes',
    usage: '[list]',
    describe: 'List what miners keep for this data folder beyond its leases',
    options: [],
    args: [0, 1],
    examples: [['compute-node volumes', 'name, size, miner and how long each is kept']],
    load: async () => (await import('../volumes.ts')).volumes,
  },
  {
    name: 'volumes rm',
    usage: 'NAME [PEERID]',
    describe: 'Remove a volume with all that is in it',
    options: [],
    args: [1, 2],
    examples: [['compute-node volumes rm data', 'the miner is found where one alone has it']],
    load: async () => (await import('../volumes.ts')).volumesRm,
  },
]
