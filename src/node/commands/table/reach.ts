import type { Command } from '../command.ts'

/** Ways to reach a port or program of a lease. */
export const reachCommands: readonly Command[] = [
  {
    name: 'forward',
    usage: 'LEASE [[[BIND:]LOCAL:]PORT…]',
    describe: 'Make ports of a lease ports of this machine, until Ctrl-C',
    options: [],
    args: [1, 64],
    examples: [
      ['compute-node forward 4f1c22 8888', 'http://localhost:8888 is the service in the lease'],
      ['compute-node forward 4f1c22', 'the ports of its template'],
      ['compute-node forward 4f1c22 9000:80 0:6006', 'several; 0 picks a free port here'],
    ],
    load: async () => (await import('../forward.ts')).forward,
  },
  {
    name: 'jupyter',
    usage: 'LEASE',
    describe: "Start Jupyter in a lease and show it in this machine's browser, until Ctrl-C",
    options: ['detach', 'env', 'workdir', 'user'],
    args: [1, 1],
    examples: [
      ['compute-node jupyter 4f1c22', 'lab, notebook or server: what the image has'],
      ['compute-node jupyter -d 4f1c22', 'Ctrl-C ends the way there; Jupyter runs on'],
    ],
    load: async () => (await import('../jupyter.ts')).jupyter,
  },
  {
    name: 'ssh',
    usage: 'LEASE [-- ARGS…]',
    describe: "Run this machine's ssh on a lease; its image needs no SSH server",
    options: [],
    args: [1, 1],
    takesRest: true,
    examples: [
      ['compute-node ssh 4f1c22', 'a shell'],
      ['compute-node ssh 4f1c22 -- -L 8080:localhost:80 make', 'options and command of ssh'],
    ],
    load: async () => (await import('../ssh.ts')).ssh,
  },
  {
    name: 'ssh-config',
    usage: '[LEASE…]',
    describe: 'Print what ssh, scp, sftp, rsync and editors need to reach leases as cn-ID',
    options: ['write', 'yes'],
    args: [0, 64],
    examples: [
      ['compute-node ssh-config --write', 'keeps it in a file that ~/.ssh/config includes'],
    ],
    load: async () => (await import('../ssh-config.ts')).sshConfig,
  },
  {
    name: 'proxy',
    usage: 'LEASE PORT|ssh',
    describe: 'Join stdin and stdout to a port in a lease, or to an SSH server for it',
    options: [],
    args: [2, 2],
    examples: [
      ["ssh -o ProxyCommand='compute-node proxy 4f1c22 22' lease", "the image's own sshd"],
    ],
    load: async () => (await import('../proxy.ts')).proxy,
  },
]
